package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/internal/safetext"
)

// visitor is what the audit trail keeps of a request and who sent it. It is filled in while the request is handled.
type visitor struct {
	subject       identity.Subject
	address, site string
	action        string // the operation; empty for what the trail has nothing about
	merchant      string
	object        string
	shown         string
	kept          bool // there is an entry already
	reads         bool // it reads, although it is a POST
}

type visitorKey struct{}

// visitorOf returns the visitor of a request.
func visitorOf(ctx context.Context) *visitor {
	if v, is := ctx.Value(visitorKey{}).(*visitor); is {
		return v
	}
	return &visitor{}
}

func (v *visitor) entry() audit.Entry {
	return audit.Entry{Address: v.address, Merchant: v.merchant, Action: v.action, Object: v.object, After: v.shown}.By(v.subject)
}

// isOf has the entry be about an alert's merchant, if it has one.
func (v *visitor) isOf(log alert.Log) {
	if len(log.Merchants) == 1 {
		v.merchant = log.Merchants[0]
	}
}

// ofAlert has the entry that ends a write be about an alert's merchant, if the alert is found soon and has one.
func (s *server) ofAlert(ctx context.Context, e *audit.Entry, of identity.Merchants, id string) {
	if s.audit.trail == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, auditRead)
	defer cancel()
	if log, err := s.Alerts.Find(ctx, of, id); err == nil && len(log.Merchants) == 1 {
		e.Merchant = log.Merchants[0]
	}
}

// longestObject bounds what a read or a refusal names, in characters.
const longestObject = 300

// These bound what an entry may cost. A read goes on without its entry.
const (
	auditWrite = 5 * time.Second
	auditRead  = time.Second
)

// auditor keeps what callers do in the audit trail.
type auditor struct {
	trail    audit.Trail // nil if none is kept
	log      *slog.Logger
	signedIn *lru.Cache[[sha256.Size]byte, struct{}] // the tokens that were seen before

	mu      sync.Mutex
	refused map[refusal]*refusalCount
}

// refusal is a kind of refusals of one address. Its entries are a minute apart.
type refusal struct {
	site, subject, action, status string
}

// refusalCount counts those since the last entry.
type refusalCount struct {
	count int
	last  audit.Entry
}

// These bound how many kinds of refusals are told apart at once, and so how many entries a minute there are: of callers that
// are not known, and of all. Further ones are counted together.
const (
	refusalEvery  = time.Minute
	mostStrangers = 250
	mostRefusals  = 1000
	manyAddresses = "several"
	maxSignedIn   = 10_000
)

func newAuditor(trail audit.Trail, log *slog.Logger) *auditor {
	signedIn, err := lru.New[[sha256.Size]byte, struct{}](maxSignedIn)
	if err != nil {
		panic(err) // only a size below one is refused
	}
	return &auditor{trail: trail, log: log, signedIn: signedIn, refused: map[refusal]*refusalCount{}}
}

// begin keeps that a write is asked for. Without that entry, the write must not be done.
func (a *auditor) begin(ctx context.Context, e audit.Entry) (audit.Kept, *Problem) {
	v := visitorOf(ctx)
	v.kept = true
	v.object, v.merchant, v.shown = e.Object, cmp.Or(e.Merchant, v.merchant), e.After
	e = v.entry()
	if a.trail == nil {
		return audit.Kept{Entry: e}, nil
	}
	e.Time, e.Result = time.Now(), audit.Begun
	ctx, cancel := context.WithTimeout(ctx, auditWrite)
	defer cancel()
	begun, err := a.trail.Append(ctx, e)
	if err != nil {
		a.log.ErrorContext(ctx, "Write refused, because its entry of the audit trail could not be kept", "action", e.Action, "error", err)
		return begun, unavailable("the audit trail cannot be written now; nothing was accepted, and the request can safely be sent again")
	}
	return begun, nil
}

// end keeps the result of a write that was begun, and what its object was before.
func (a *auditor) end(ctx context.Context, begun audit.Kept, before string, status int) {
	e := begun.Entry
	e.Ends, e.Before, e.Result = begun.Number, before, strconv.Itoa(status)
	a.keep(ctx, e, auditWrite)
}

// changed makes a change between two entries of the audit trail. change may add to the second what it did, and refusal says why it was
// not done.
func (s *server) changed(ctx context.Context, e audit.Entry, success int, refusal func(context.Context, error) *Problem, change func(e *audit.Entry) error) error {
	begun, p := s.audit.begin(ctx, e)
	if p != nil {
		return p
	}
	err := change(&begun.Entry)
	if err != nil {
		p = refusal(ctx, err)
		err = p
	}
	s.audit.end(ctx, begun, begun.Before, statusOf(p, success))
	return err
}

// keep appends an entry, and logs it if that fails. It does so too if the caller has gone.
func (a *auditor) keep(ctx context.Context, e audit.Entry, within time.Duration) {
	if a.trail == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	e.Time = time.Now()
	if _, err := a.trail.Append(ctx, e); err != nil {
		a.log.ErrorContext(ctx, "Entry of the audit trail not kept", "action", e.Action, "object", e.Object, "subject", e.Subject,
			"address", e.Address, "result", e.Result, "error", err)
	}
}

// visited keeps a read or a refusal once it is answered.
func (a *auditor) visited(r *http.Request, v *visitor, status int) {
	e := v.entry()
	e.Object = safetext.Cut(safetext.Line(e.Object), longestObject, "…") // it can be any text of a path
	e.Result = strconv.Itoa(status)
	switch {
	case v.action == "" || v.kept || a.trail == nil:
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests:
		a.refuse(r.Context(), v, e)
	case r.Method == http.MethodGet || r.Method == http.MethodHead || v.reads:
		a.keep(r.Context(), e, auditRead)
	}
}

// refuse keeps a refusal, or counts it if there was one of its kind in the last minute.
func (a *auditor) refuse(ctx context.Context, v *visitor, e audit.Entry) {
	kind := refusal{v.site, v.subject.String(), v.action, e.Result}
	a.mu.Lock()
	most := mostRefusals
	if v.subject.Kind == "" || v.subject.Kind == identity.Anonymous {
		most = mostStrangers
	}
	if a.refused[kind] == nil && len(a.refused) >= most {
		kind = refusal{status: e.Result}
		e = audit.Entry{Address: manyAddresses, Result: e.Result}
	}
	earlier := a.refused[kind]
	if earlier == nil {
		a.refused[kind] = &refusalCount{}
		time.AfterFunc(refusalEvery, func() { a.sum(kind) })
	} else {
		earlier.count++
		earlier.last = e
	}
	a.mu.Unlock()
	if earlier == nil {
		a.keep(ctx, e, auditRead)
	}
}

// sum keeps one entry for the refusals of a kind in the last minute, or forgets the kind if there were none.
func (a *auditor) sum(kind refusal) {
	a.mu.Lock()
	all := a.refused[kind]
	e := all.last
	e.Times, all.count = all.count, 0
	if e.Times == 0 {
		delete(a.refused, kind)
	}
	a.mu.Unlock()
	if e.Times > 0 {
		time.AfterFunc(refusalEvery, func() { a.sum(kind) })
		a.keep(context.Background(), e, auditWrite)
	}
}

// signIn keeps that a person calls with a token for the first time.
func (a *auditor) signIn(ctx context.Context, person identity.Subject, token string) {
	if person.Kind != identity.Person {
		return
	}
	if known, _ := a.signedIn.ContainsOrAdd(sha256.Sum256([]byte(token)), struct{}{}); known {
		return
	}
	a.keep(ctx, audit.Entry{
		Address: visitorOf(ctx).address, Action: "signIn", Object: audit.Token(token), Result: audit.Done,
	}.By(person), auditRead)
}

// known returns what the ledger has about a transaction, for an entry about it. It is empty if the ledger does not have it.
func (s *server) known(ctx context.Context, of identity.Merchants, id string) ledger.Record {
	if s.audit.trail == nil {
		return ledger.Record{}
	}
	ctx, cancel := context.WithTimeout(ctx, auditRead)
	defer cancel()
	found, err := s.Ledger.Find(ctx, of, id)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		s.Log.WarnContext(ctx, "Ledger not read for the audit trail", "transaction", id, "error", err)
	}
	return found.Record
}

// inWords describes a label, with its note.
func inWords(l ledger.Label) string {
	return fmt.Sprintf("%s, by %s: %s", l.Label, l.Source, l.Note)
}

// statusOf returns the status of an answer that is a problem or a success.
func statusOf(p *Problem, success int) int {
	if p != nil {
		return p.Status
	}
	return success
}
