package velocitytest

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/velocity"
)

func countsOnce(t *testing.T, store Store) {
	for range 3 {
		require.Equal(t, 0, decide(t, store, Use(1, "a"), 1), "it sees itself")
	}
	require.Len(t, look(t, store, byCard("a")...)[velocity.Pool{By: velocity.Card}], 1)
	require.Equal(t, 1, decide(t, store, Use(2, "a"), 1))
	require.Equal(t, 0, decide(t, store, Use(3, "b"), 1))
}

func keeps(t *testing.T, store Store) {
	u := Use(1, "a")
	first := fraud.Decision{Outcome: fraud.Review, Score: 42, Reasons: []fraud.Reason{}}
	again, err := store.Decide(patience(t), Check(u), u, byCard("a"), func(velocity.Past) fraud.Decision { return first })
	require.NoError(t, err)
	require.Equal(t, first, again)
	for n := 2; n < 5; n++ {
		decide(t, store, Use(n, "a"), 1)
	}
	late := Check(u)
	late.AsOf = after(time.Hour)
	for _, c := range []fraud.Check{Check(u), late} {
		again, err = store.Decide(patience(t), c, u, byCard("a"), func(velocity.Past) fraud.Decision {
			t.Error("it is decided again")
			return fraud.Decision{Outcome: fraud.Decline}
		})
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
}

func laterChecks(t *testing.T, store Store) {
	device := velocity.Metadata("device")
	require.Equal(t, 0, decide(t, store, Use(1, "a"), 1))
	require.Equal(t, 1, decide(t, store, Use(2, "a"), 1))
	again := Use(1, "a")
	again.Values[device] = "d" // named by a ruleset that has changed since
	require.Equal(t, 1, decide(t, store, again, 2), "the second check does not see what came since")
	require.Equal(t, 0, decide(t, store, again, 1), "the second check has changed what the first one found")
	require.Equal(t, 2, decide(t, store, Use(3, "a"), 1), "the second check has counted, too")
	require.Equal(t, 2, decide(t, store, again, 3))
	require.Empty(t, look(t, store, velocity.Lookup{By: device, Value: "d", Merchant: merchant}))

	require.Equal(t, 3, decide(t, store, Use(4, "a"), 2), "the first check was never made")
	require.Equal(t, 3, decide(t, store, Use(4, "a"), 1))
	require.Equal(t, 4, decide(t, store, Use(5, "a"), 1))
}

func comesBackWhole(t *testing.T, store Store) {
	u, d := Use(1, "a"), whole()
	everyFieldIsSet(t, reflect.ValueOf(d))
	for range 2 {
		got, err := store.Decide(patience(t), Check(u), u, nil, func(velocity.Past) fraud.Decision { return d })
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(whole(), got))
		d = fraud.Decision{}
	}
}

// whole returns a decision with a value in every field.
func whole() fraud.Decision {
	ruleset := fraud.Ruleset{ID: "default", Version: 3, Digest: "sha256:0123"}
	hit := []fraud.RuleResult{{ID: "card_velocity", Outcome: fraud.RuleFailed, Score: -45, Action: fraud.ActReview, Shadow: true, Error: "\x00 ü 🛒"}}
	lists := &fraud.ListsUsed{Change: 7, Hits: []fraud.ListHit{{List: "blocked_cards", Entry: 5}}}
	return fraud.Decision{
		Outcome: fraud.Review, Score: 70, RiskLevel: fraud.ElevatedRisk,
		Reasons: []fraud.Reason{{Code: "CARD_VELOCITY", Message: "the card was used several times\u2028", PublicMessage: "the card cannot be used now"}},
		Ruleset: ruleset, Source: fraud.AutomatedRule,
		Explanation: &fraud.Explanation{
			AsOf: start, DecidedAt: after(time.Nanosecond), TookMicros: 1<<53 + 1, Rules: hit, Passed: []string{"luhn"},
			Features: map[string]float64{`card.count("10m")`: 3, `card.sum("1d")`: 1.1, `metadata("a\"b").mean("1h")`: math.MaxFloat64},
			Lists:    lists,
			Trials:   []fraud.Trial{{Ruleset: ruleset, Outcome: fraud.Decline, Score: 90, Rules: hit, Lists: lists}},
		},
	}
}

// everyFieldIsSet fails for a field without a value, so that new fields are tested here as well.
func everyFieldIsSet(t *testing.T, v reflect.Value) {
	t.Helper()
	switch {
	case v.Kind() == reflect.Pointer:
		everyFieldIsSet(t, v.Elem())
	case v.Kind() == reflect.Slice:
		everyFieldIsSet(t, v.Index(0))
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for field, value := range v.Fields() {
			require.False(t, value.IsZero(), "%s.%s", v.Type(), field.Name)
			everyFieldIsSet(t, value)
		}
	}
}

func failures(t *testing.T, store Store) {
	u := Use(1, "a")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		decide func(velocity.Past) fraud.Decision
	}{
		"its context ends": {ctx, func(past velocity.Past) fraud.Decision {
			cancel()
			return decideByCount(past)
		}},
		"the decision cannot be kept": {patience(t), func(velocity.Past) fraud.Decision {
			return fraud.Decision{Explanation: &fraud.Explanation{Features: map[string]float64{"x": math.NaN()}}}
		}},
		"it panics": {patience(t), func(velocity.Past) fraud.Decision { panic("a rule") }},
	} {
		err := quietly(func() error {
			_, err := store.Decide(c.ctx, Check(u), u, byCard("a"), c.decide)
			return err
		})
		require.Error(t, err, name)
		require.Equal(t, c.ctx.Err() != nil, errors.Is(err, context.Canceled), "%s: %v", name, err)
		require.Empty(t, look(t, store, byCard("a")...), name)
	}
	require.Equal(t, 0, decide(t, store, u, 1), "a decision was kept")
	require.Equal(t, 1, decide(t, store, Use(2, "a"), 1))
}

// quietly turns a panic into an error.
func quietly(do func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it panicked")
		}
	}()
	return do()
}

func refused(t *testing.T, store Store) {
	for name, change := range map[string]func(*fraud.Check, *velocity.Use){
		"no id":            func(c *fraud.Check, u *velocity.Use) { c.ID, u.TransactionID = "", "" },
		"another's use":    func(_ *fraud.Check, u *velocity.Use) { u.TransactionID = id(2) },
		"no number":        func(c *fraud.Check, _ *velocity.Use) { c.Number = 0 },
		"no moment":        func(c *fraud.Check, _ *velocity.Use) { c.AsOf = time.Time{} },
		"no merchant":      func(_ *fraud.Check, u *velocity.Use) { u.Merchant = "" },
		"no time accepted": func(_ *fraud.Check, u *velocity.Use) { u.At = time.Time{} },
	} {
		u := Use(1, "a")
		c := Check(u)
		change(&c, &u)
		_, err := store.Decide(patience(t), c, u, nil, decideByCount)
		require.Error(t, err, name)
	}
	require.Empty(t, look(t, store, byCard("a")...))
}

func cancelled(t *testing.T, store Store) {
	decide(t, store, Use(1, "a"), 1)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), start)
	defer cancelLate()
	for name, call := range map[string]func(context.Context) error{
		"Decide": func(ctx context.Context) error {
			_, err := store.Decide(ctx, Check(Use(2, "a")), Use(2, "a"), byCard("a"), decideByCount)
			return err
		},
		"Look":          func(ctx context.Context) error { _, err := store.Look(ctx, "", byCard("a")); return err },
		"PruneVelocity": func(ctx context.Context) error { _, err := store.PruneVelocity(ctx, after(time.Hour), 1); return err },
	} {
		require.ErrorIs(t, call(over), context.Canceled, name)
		require.ErrorIs(t, call(late), context.DeadlineExceeded, name)
	}
	require.Len(t, look(t, store, byCard("a")...)[velocity.Pool{By: velocity.Card}], 1)
}
