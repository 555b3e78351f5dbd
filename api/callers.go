package api

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"golang.org/x/time/rate"

	"dummyorders/domain/identity"
	"dummyorders/internal/remote"
)

// Limits bound what one caller may ask for. A caller is the client of an API key. Without a key it is an address, and for
// IPv6 a /64, which is what one site has.
type Limits struct {
	Rate      int // requests a second
	Burst     int // requests at once, after a pause
	InFlight  int // requests that are worked on at once: the part of Options.MaxInFlight that one caller may take
	WrongKeys int // wrong API keys and links a minute, by address; more are answered 429
}

// callers holds callers to their limits.
type callers struct {
	limits Limits
	now    func() time.Time
	log    *slog.Logger
	rates  remote.Table[*rate.Limiter]
	wrong  remote.Table[*attempts]
}

// attempts counts the wrong keys and links of an address.
type attempts struct {
	rate *rate.Limiter

	mu     sync.Mutex
	count  int
	logged time.Time
}

func newCallers(limits Limits, now func() time.Time, log *slog.Logger) *callers {
	return &callers{limits: limits, now: now, log: log, rates: remote.NewTable[*rate.Limiter](), wrong: remote.NewTable[*attempts]()}
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
	limiter := c.rates.Of(caller, rate.NewLimiter(rate.Limit(c.limits.Rate), c.limits.Burst))
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
	address, now := remote.Site(remote.Address(r)), c.now()
	a := c.wrong.Of(address, &attempts{rate: rate.NewLimiter(rate.Limit(c.limits.WrongKeys)/60, c.limits.WrongKeys)})
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
	return "address " + remote.Site(remote.Address(r))
}
