package api

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"dummyorders/domain/identity"
)

// Limits bound what one caller may ask for. A caller is the client of an API key. Without a key it is an address, and for
// IPv6 a /64, which is what one site has.
type Limits struct {
	Rate      int // requests a second
	Burst     int // requests at once, after a pause
	InFlight  int // requests that are worked on at once: the part of Options.MaxInFlight that one caller may take
	WrongKeys int // wrong API keys and links a minute, by address; more are answered 429
}

// maxCallers bounds how many callers are remembered. The one that was quiet for longest is forgotten first, and begins anew.
const maxCallers = 10_000

// callers holds callers to their limits.
type callers struct {
	limits Limits
	now    func() time.Time
	log    *slog.Logger
	rates  *lru.Cache[string, *rate.Limiter]
	wrong  *lru.Cache[string, *attempts]
}

// attempts counts the wrong keys and links of an address.
type attempts struct {
	rate *rate.Limiter

	mu     sync.Mutex
	count  int
	logged time.Time
}

func newCallers(limits Limits, now func() time.Time, log *slog.Logger) *callers {
	rates, err := lru.New[string, *rate.Limiter](maxCallers)
	if err != nil {
		panic(err) // only a size below one is refused
	}
	wrong, err := lru.New[string, *attempts](maxCallers)
	if err != nil {
		panic(err)
	}
	return &callers{limits: limits, now: now, log: log, rates: rates, wrong: wrong}
}

// remembered returns what a table has under a name, or adds fresh.
func remembered[V any](table *lru.Cache[string, V], name string, fresh V) V {
	if known, is := table.Get(name); is {
		return known
	}
	if known, is, _ := table.PeekOrAdd(name, fresh); is {
		return known
	}
	return fresh
}

// limit lets a request pass if its caller keeps to its rate.
func (c *callers) limit(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	if refused := c.spend(ctx.Context(), w, callerOf(ctx.Context(), r)); refused != nil {
		refused.write(w)
		return
	}
	next(ctx)
}

// spend counts a request, and says in the answer's headers what the caller has left (draft-ietf-httpapi-ratelimit-headers-10).
// It returns a problem if that is nothing.
func (c *callers) spend(ctx context.Context, w http.ResponseWriter, caller string) *Problem {
	now := c.now()
	limiter := remembered(c.rates, caller, rate.NewLimiter(rate.Limit(c.limits.Rate), c.limits.Burst))
	allowed := limiter.AllowN(now, 1)
	left := math.Floor(max(0, limiter.TokensAt(now)))
	full := float64(c.limits.Burst)
	w.Header().Set("RateLimit-Policy", fmt.Sprintf(`"caller";q=%d;w=%d`, c.limits.Burst, c.seconds(full)))
	w.Header().Set("RateLimit", fmt.Sprintf(`"caller";r=%.0f;t=%d`, left, c.seconds(full-left)))
	if allowed {
		return nil
	}
	return limited(ctx, "rate", wait(limiter, now),
		fmt.Sprintf("too many requests of this caller, which may send %d a second; nothing was accepted, and the request can safely be sent again", c.limits.Rate))
}

// seconds returns how long it takes until a caller may send that many more requests.
func (c *callers) seconds(requests float64) int {
	return int(math.Ceil(requests / float64(c.limits.Rate)))
}

// wait returns after how many seconds a limiter allows the next request.
func wait(limiter *rate.Limiter, now time.Time) string {
	missing := max(0, 1-limiter.TokensAt(now))
	return strconv.Itoa(max(1, int(math.Ceil(missing/float64(limiter.Limit())))))
}

// failed counts a request with a wrong key or link, and logs its address at most once a minute. It returns a problem if
// the address had too many of them.
func (c *callers) failed(r *http.Request) *Problem {
	address, now := addressOf(r), c.now()
	a := remembered(c.wrong, address, &attempts{rate: rate.NewLimiter(rate.Limit(c.limits.WrongKeys)/60, c.limits.WrongKeys)})
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count++; now.Sub(a.logged) >= time.Minute {
		a.logged = now
		c.log.WarnContext(r.Context(), "Wrong API keys or links", "address", address, "attempts", a.count)
	}
	if a.rate.AllowN(now, 1) {
		return nil
	}
	return limited(r.Context(), "wrong_keys", wait(a.rate, now), "too many requests with a wrong API key or link; nothing was accepted")
}

// callerOf names who sent a request: its subject, or its address if that is not known.
func callerOf(ctx context.Context, r *http.Request) string {
	if subject := subjectOf(ctx); subject.Kind != "" && subject.Kind != identity.Anonymous {
		return subject.String()
	}
	return "address " + addressOf(r)
}

// findAddress finds the address that a request comes from. Behind trusted proxies that is the last address in
// X-Forwarded-For that is not one of theirs. From anywhere else that header is ignored, since callers may write into it.
func findAddress(trusted []netip.Prefix) func(http.Handler) http.Handler {
	if len(trusted) == 0 {
		return middleware.ClientIPFromRemoteAddr
	}
	prefixes := make([]string, len(trusted))
	for i, prefix := range trusted {
		prefixes[i] = prefix.String()
	}
	return middleware.ClientIPFromXFF(prefixes...)
}

// addressOf names the site of the address that a request comes from.
func addressOf(r *http.Request) string {
	return site(clientAddress(r))
}

// clientAddress returns the address that findAddress has found. If a proxy names none, it is the proxy's.
func clientAddress(r *http.Request) netip.Addr {
	address := middleware.GetClientIPAddr(r.Context())
	if !address.IsValid() {
		peer, _ := netip.ParseAddrPort(r.RemoteAddr)
		address = peer.Addr().Unmap()
	}
	return address
}

// site names what belongs to one caller: an address, and for IPv6 a /64, which is what one site has.
func site(address netip.Addr) string {
	if address.Is6() {
		network, _ := address.WithZone("").Prefix(64)
		return network.String()
	}
	return address.String()
}
