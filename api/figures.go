package api

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/domain/report"
)

// Figures reads what the transactions of merchants come to.
type Figures interface {
	// Now returns the figures of the last hour, and of what waits for a review.
	Now(ctx context.Context, of identity.Merchants, at time.Time) (report.Now, error)
	// Days passes on what was counted from one day to another, both included, in no order. It calls begin before that, and once more
	// if it has to begin again.
	Days(ctx context.Context, of identity.Merchants, from, to string, begin func(), each func(report.Day)) error
	// RuleDays returns what rules did from one day to another, both included, in rows of a day and a currency: one of
	// what is known, and one without rules if it is not known of all transactions.
	RuleDays(ctx context.Context, of identity.Merchants, from, to string) ([]report.RuleDay, error)
}

// Surroundings says how things are that are not in the ledger.
type Surroundings interface {
	// Alerts counts the alerts of merchants, and those that failed since a time.
	Alerts(ctx context.Context, of identity.Merchants, since time.Time) (report.Alerts, error)
	// Parts looks at the processes and servers.
	Parts(ctx context.Context) []report.Part
}

// figuresFor and surroundingsFor say how long a result is cached. Figures that took long to read are cached for ten times as long as
// that took, up to surroundingsFor. figuresWithin bounds one read: three are read one after the other (see answerWithin).
const (
	figuresFor      = 2 * time.Second
	surroundingsFor = 10 * time.Second
	figuresWithin   = (answerWithin - 6*time.Second) / 3
)

// mostCached bounds the sets of merchants whose figures are kept.
const mostCached = 100

// cache keeps values for a while, so that many who ask cost as much as one.
type cache[T any] struct {
	lasts time.Duration
	now   func() time.Time

	mu  sync.Mutex
	all map[string]*cached[T]
}

type cached[T any] struct {
	mu    sync.Mutex
	until time.Time
	value T
	err   error
}

func newCache[T any](lasts time.Duration, now func() time.Time) *cache[T] {
	return &cache[T]{lasts: lasts, now: now, all: map[string]*cached[T]{}}
}

// get returns the value of a key, which it reads anew if it is too old. Others who ask meanwhile wait for it.
func (c *cache[T]) get(ctx context.Context, key string, read func(context.Context) (T, error)) (T, error) {
	c.mu.Lock()
	entry := c.all[key]
	if entry == nil {
		if len(c.all) >= mostCached {
			clear(c.all)
		}
		entry = &cached[T]{}
		c.all[key] = entry
	}
	c.mu.Unlock()
	entry.mu.Lock()
	defer entry.mu.Unlock()
	if begun := c.now(); !begun.Before(entry.until) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), figuresWithin) // others wait for it too
		defer cancel()
		entry.value, entry.err = read(ctx)
		end, lasts := c.now(), c.lasts
		if entry.err == nil {
			lasts = max(lasts, min(10*end.Sub(begun), surroundingsFor))
		}
		entry.until = end.Add(lasts) // those that have waited for it read no other
	}
	return entry.value, entry.err
}

// figuresAnswer is the body of GET /figures.
type figuresAnswer struct {
	At        time.Time     `json:"at"`
	Minutes   []minute      `json:"minutes" nullable:"false" doc:"The last 60 minutes, the oldest first; the last one is not over"`
	Answers   answers       `json:"answers"`
	Reviews   waiting       `json:"reviews"`
	Held      []money.Wire  `json:"held" nullable:"false" doc:"The money that is held for transactions in review, in each currency"`
	Releasing []money.Wire  `json:"releasing,omitempty" doc:"The money that gateways are asked to give back and may still hold, in each currency; absent if there is none"`
	Alerts    *alertFigures `json:"alerts,omitempty" doc:"Absent without the scope alerts, and while Temporal cannot be asked"`
	Parts     []part        `json:"parts,omitempty" doc:"How the processes and servers are; absent for callers of some merchants only"`
}

// minute is how many transactions were accepted in a minute.
type minute struct {
	Begin        time.Time      `json:"begin"`
	Transactions int64          `json:"transactions"`
	Outcomes     *outcomeCounts `json:"outcomes,omitempty" doc:"By the outcomes of their fraud checks; absent where merchants are shown no decisions"`
}

type outcomeCounts struct {
	Approve      int64 `json:"approve"`
	Review       int64 `json:"review"`
	Decline      int64 `json:"decline"`
	NotEvaluated int64 `json:"notEvaluated"`
}

// answers is how long transactions took.
type answers struct {
	Transactions int   `json:"transactions" doc:"How many were measured: the last 1000 of the hour that were answered"`
	P50          int64 `json:"p50Milliseconds" doc:"Half of them took no longer, from acceptance until they were paid for, refused, stopped or held for a review, by the times of their steps in the ledger"`
	P99          int64 `json:"p99Milliseconds" doc:"99 of 100 took no longer"`
}

type waiting struct {
	Waiting      int64      `json:"waiting"`
	NextDeadline *time.Time `json:"nextDeadline,omitempty" doc:"When the first of them is decided without a person; absent if none waits"`
}

type alertFigures struct {
	Open        int64 `json:"open" doc:"Alerts that are being delivered, or wait to be acknowledged"`
	Failed      int64 `json:"failed" doc:"Alerts that ended in the last 24 hours, and were not delivered or not acknowledged"`
	Unpublished int64 `json:"unpublished" doc:"Transactions whose alert RabbitMQ has not taken yet"`

	FailedSince time.Time `json:"failedSince" doc:"When those 24 hours began: GET /alerts with state=failed and endedSince lists what failed"`
}

// part is a process or a server.
type part struct {
	Name   string `json:"name" example:"worker"`
	State  string `json:"state" enum:"ok,degraded,down,unknown,wrong"`
	Detail string `json:"detail,omitempty"`
}

func (s *server) registerFigures(api huma.API) {
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "getFigures",
		Method:      http.MethodGet,
		Path:        "/figures",
		Summary:     "See what happens now",
		Description: "Transactions a minute in the last hour, how long they took, what waits for people, and what is down. It is read anew " +
			"every two seconds, or up to every ten if reading takes long, and says nothing about single transactions, so it is in no audit trail.",
		Tags:   []string{"figures"},
		Errors: []int{503},
	}), answering(s.showFigures))
}

func (s *server) showFigures(ctx context.Context, _ *struct{}) (answer figuresAnswer, _ error) {
	of := merchantsOf(ctx)
	now, err := s.now.get(ctx, of.String(), func(ctx context.Context) (report.Now, error) { return s.Figures.Now(ctx, of, s.Now()) })
	if err != nil {
		s.Log.ErrorContext(ctx, "Figures not read", "error", err)
		return answer, unavailable("the ledger cannot be read now")
	}
	visitorOf(ctx).kept = true // it needs no entry
	answer = figuresAnswer{
		At: s.Now().UTC().Truncate(time.Second), Minutes: make([]minute, len(now.Minutes)), Held: []money.Wire{},
		Answers: answers{len(now.Answers), report.Percentile(now.Answers, 50).Milliseconds(), report.Percentile(now.Answers, 99).Milliseconds()},
		Reviews: waiting{Waiting: now.Waiting},
	}
	for i, m := range now.Minutes {
		answer.Minutes[i] = minute{Begin: m.Begin, Transactions: m.All()}
		if s.showsDecisions(ctx, of) {
			o := m.Outcomes
			answer.Minutes[i].Outcomes = &outcomeCounts{o[fraud.Approve], o[fraud.Review], o[fraud.Decline], o[fraud.NotEvaluated]}
		}
	}
	if !now.NextDeadline.IsZero() {
		answer.Reviews.NextDeadline = &now.NextDeadline
	}
	for _, held := range now.Held {
		answer.Held = append(answer.Held, held.Wire())
	}
	for _, held := range now.Releasing {
		answer.Releasing = append(answer.Releasing, held.Wire())
	}
	s.showSurroundings(ctx, of, &answer)
	return answer, nil
}

// showsDecisions reports whether the caller may see the decisions about transactions of these merchants.
func (s *server) showsDecisions(ctx context.Context, of identity.Merchants) bool {
	return s.Detail != NoDetail || isAnalyst(ctx, of)
}

// showSurroundings adds what is not in the ledger, as far as the caller may see it.
func (s *server) showSurroundings(ctx context.Context, of identity.Merchants, answer *figuresAnswer) {
	if s.Surroundings == nil {
		return
	}
	if allowed := subjectOf(ctx).For(identity.Alerts); !allowed.None() && allowed.Covers(of) {
		counts, err := s.alertCounts.get(ctx, of.String(), func(ctx context.Context) (report.Alerts, error) {
			return s.Surroundings.Alerts(ctx, of, s.Now().Add(-24*time.Hour).UTC().Truncate(time.Second))
		})
		if err == nil {
			answer.Alerts = &alertFigures{counts.Open, counts.Failed, counts.Unpublished, counts.FailedSince}
		} else {
			s.Log.WarnContext(ctx, "Alerts not counted", "error", err)
		}
	}
	if !of.All() {
		return
	}
	parts, _ := s.parts.get(ctx, "", func(ctx context.Context) ([]report.Part, error) { return s.Surroundings.Parts(ctx), nil })
	for _, p := range parts {
		answer.Parts = append(answer.Parts, part(p))
	}
}

// amount returns minor units of a currency as they stand in JSON.
func amount(minor int64, currency string) json.Number {
	return money.Money{Minor: minor, Currency: money.Currency(currency)}.Decimal()
}
