package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/workflows"
)

// counted is the feature that the tests' ruleset counts: the earlier transactions with the same card.
const counted = `card.count("30d")`

// rulesetFor decides by the amount, as the limit detector does by default, and counts.
const rulesetFor = `id: %s
version: 1
thresholds: {review: 40, decline: 80}
`

const rulesFor = `rules:
  - id: too_much
    name: More than INR 200,000
    when: payment.amount > 200000
    score: 90
    reason: AMOUNT_TOO_HIGH
    message: the amount is above INR 200,000
  - id: much
    name: More than INR 100,000
    when: payment.amount > 100000
    score: 50
    reason: AMOUNT_HIGH
    message: the amount is above INR 100,000
  - id: busy_card
    name: A card that is used all the time
    when: card.count("30d") >= 900
    score: 40
    reason: CARD_VELOCITY
    message: the card is used all the time
`

// rulesetFolder creates a ruleset for this test.
func rulesetFolder(t *testing.T, id string) string {
	t.Helper()
	folder := filepath.Join(shared.dir, "rulesets", strings.ReplaceAll(t.Name(), "/", "_"), id)
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "rules"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "ruleset.yaml"), fmt.Appendf(nil, rulesetFor, id), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "rules", "all.yaml"), []byte(rulesFor), 0o600))
	return folder
}

// onBothEngines runs a test with a ruleset, once with the ledger in SQLite and once in PostgreSQL.
func onBothEngines(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, newWorld(t, map[string]string{"FRAUD_DETECTOR": "rules", "FRAUD_RULESET": rulesetFolder(t, "tested")}))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		server := startPostgres(t)
		test(t, newWorld(t, map[string]string{
			"FRAUD_DETECTOR": "rules", "FRAUD_RULESET": rulesetFolder(t, "tested"), "LEDGER_URL": server.URL("orders", "orders"),
		}))
	})
}

// earlierUses returns how many earlier transactions of its card a decision saw.
func (w *world) earlierUses(id string) int {
	w.t.Helper()
	features := map[string]float64{}
	eventually(w.t, func() error {
		r, err := record(w.t.Context(), id)
		if err == nil && r.Explanation == nil {
			err = fmt.Errorf("transaction %s has no explanation", id)
		}
		if err == nil {
			features = r.Explanation.Features
		}
		return err
	})
	return int(features[counted])
}

// TestRulesWithSeedLoop posts as the seed's README does, two cards one after the other, with the
// built-in ruleset.
func TestRulesWithSeedLoop(t *testing.T) {
	w := newWorld(t, map[string]string{"FRAUD_DETECTOR": "rules"}).everything()
	var last string
	for _, text := range []string{seedBody, otherSeedBody} {
		var decisions []fraud.Decision
		for range 10 {
			answer := w.post(text, "Prefer", "wait=60").answer(t)
			require.NotNil(t, answer.Decision)
			require.Equal(t, "default", answer.Decision.Ruleset.ID)
			decisions, last = append(decisions, *answer.Decision), answer.TransactionID
		}
		assert.Equal(t, fraud.Approve, decisions[0].Outcome, "decisions of a loop over a card: %+v", decisions)
		assert.Equal(t, fraud.Approve, decisions[1].Outcome, "decisions of a loop over a card: %+v", decisions)
		assert.Equal(t, fraud.Decline, decisions[9].Outcome, "decisions of a loop over a card: %+v", decisions)
		for i := range 9 {
			assert.False(t, decisions[i].WorseThan(decisions[i+1]), "a loop that goes on looks better: %+v, then %+v", decisions[i], decisions[i+1])
		}
	}
	explained := w.read(last)
	if e := explained.Explanation; e == nil || len(e.Rules) == 0 || len(e.Features) == 0 || e.DecidedAt.IsZero() || e.TookMicros <= 0 {
		t.Errorf("explanation: %+v", e)
	}
	answer := w.post(seedBody, "Prefer", "wait=60")
	assert.False(t, bytes.Contains(answer.body, []byte("explanation")), "the merchant is told how it was found: %s", answer.body)
}

// A fraud-police that is killed between the count and the report counts once.
func TestRulesKilledBeforeReport(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w *world) {
		w.start(worker, apiProcess)
		temporal := startProxy(t, shared.temporal.Address())
		w.startWith(fraudPolice, map[string]string{"TEMPORAL_ADDRESS": temporal.Listen})
		first := w.post(body(small, goodCard), "Prefer", "wait=60")
		require.Equal(t, http.StatusOK, first.status, "%s", first.body)
		temporal.hold(toServer) // its open polls still bring tasks, but its verdicts do not arrive
		id := w.post(body(small, goodCard), "Prefer", "respond-async").answer(t).TransactionID
		w.activityStarted(workflows.TransactionWorkflowID(id), "CheckFraud")
		store := w.store()
		eventually(t, func() error { return w.counted(store, id) })
		w.kill(fraudPolice)
		stricter := strings.Replace(rulesFor, "200000", "100", 1)
		require.NoError(t, os.WriteFile(filepath.Join(w.env["FRAUD_RULESET"], "rules", "all.yaml"), []byte(stricter), 0o600))
		w.start(fraudPolice)
		r := w.ends(id)
		assert.Equal(t, fraud.Approve, r.Decision.Outcome, "what was decided before the kill is decided anew: %+v", r.Decision)
		assert.Equal(t, first.answer(t).Decision.Ruleset, r.Decision.Ruleset, "what was decided before the kill is decided anew: %+v", r.Decision)
		after := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t)
		assert.Equal(t, fraud.Decline, after.Decision.Outcome, "the changed ruleset decides %+v", after.Decision)
		got := []int{w.earlierUses(id), w.earlierUses(after.TransactionID)}
		assert.True(t, slices.Equal(got, []int{1, 2}), "the second and the third transaction of a card saw %v before them", got)
	})
}

// counted returns nil once fraud_police has counted a transaction of the good card, and stored its decision.
func (w *world) counted(store *ledgerdb.Ledger, id string) error {
	entry, err := store.Find(w.t.Context(), identity.AllMerchants(), id)
	if err != nil {
		return err
	}
	card := velocity.Lookup{By: velocity.Card, Value: entry.Transaction.Payment.Card.Fingerprint, Merchant: identity.DefaultMerchant}
	past, err := store.Look(w.t.Context(), "", []velocity.Lookup{card})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(past[velocity.Pool{By: velocity.Card}], func(u velocity.Use) bool { return u.TransactionID == id }) {
		return fmt.Errorf("transaction %s is not counted", id)
	}
	return nil
}

// Two processes decide about one card's transactions at the same time, and one of them is killed meanwhile.
func TestRulesTwoFraudPolices(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w *world) {
		const n = 40
		w.start(worker, apiProcess)
		w.startPolice("one")
		w.startPolice("other")
		var posted sync.WaitGroup
		ids := make([]string, 2*n)
		post := func(from, to int) {
			for i := from; i < to; i++ {
				posted.Go(func() { ids[i] = w.idOf(body(small, goodCard), "Prefer", "wait=60") })
			}
		}
		post(0, n)
		posted.Wait() // both have decided about some by now
		post(n, 2*n)
		w.kill("one")
		posted.Wait()
		var got []int
		deciders := map[string]bool{}
		for _, id := range ids {
			w.ends(id)
			got = append(got, w.earlierUses(id))
			deciders[w.checkedBy(id)] = true
		}
		slices.Sort(got)
		for i := range got {
			require.Equal(t, i, got[i], "%d transactions of one card saw %v before them, want 0 to %d", len(got), got, len(got)-1)
		}
		assert.Len(t, deciders, 2)
	})
}

// startPolice starts a fraud_police under its own name, and waits until it takes checks.
func (w *world) startPolice(name string) {
	w.t.Helper()
	address := freeAddress(w.t)
	w.processes[name] = w.startWith(fraudPolice, map[string]string{"HEALTH_ADDRESS": address})
	delete(w.processes, fraudPolice)
	require.NoError(w.t, w.processes[name].WaitHealthy(w.t.Context(), "http://"+address+"/readyz"))
}

// checkedBy returns the process that last took a transaction's check.
func (w *world) checkedBy(id string) string {
	w.t.Helper()
	events := shared.client.GetWorkflowHistory(w.t.Context(), workflows.TransactionWorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(w.t, err)
		if started := event.GetActivityTaskStartedEventAttributes(); started != nil {
			return started.GetIdentity() // the check is the first activity
		}
	}
	w.t.Fatalf("transaction %s was never checked", id)
	return ""
}

// A changed ruleset is taken over and a broken one refused.
func TestRulesReload(t *testing.T) {
	folder := rulesetFolder(t, "tested")
	w := newWorld(t, map[string]string{"FRAUD_DETECTOR": "rules", "FRAUD_RULESET": folder}).start(worker, fraudPolice, apiProcess)
	before := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).Decision
	rules := filepath.Join(folder, "rules", "all.yaml")
	require.NoError(t, os.WriteFile(rules, []byte(strings.Replace(rulesFor, "200000", "100", 1)), 0o600))
	eventually(t, func() error {
		if got := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).Decision; got.Outcome != fraud.Decline || got.Ruleset.Digest == before.Ruleset.Digest {
			return fmt.Errorf("decided %s by %s", got.Outcome, got.Ruleset.Digest)
		}
		return nil
	})
	require.NoError(t, os.WriteFile(rules, []byte(strings.Replace(rulesFor, "payment.amount", "payment.amuont", 1)), 0o600))
	eventually(t, func() error { return w.logged(fraudPolice, "amuont") })
	got := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).Decision
	assert.Equal(t, fraud.Decline, got.Outcome, "after a broken ruleset: %+v", got)
	require.NoError(t, os.WriteFile(rules, []byte(rulesFor), 0o600))
	eventually(t, func() error {
		if got := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).Decision; got.Ruleset != before.Ruleset {
			return fmt.Errorf("decided by %+v", got.Ruleset)
		}
		return nil
	})
}

// logged returns nil once a process of that name has written a text to its log.
func (w *world) logged(name, text string) error {
	for _, log := range *w.logs {
		written, err := os.ReadFile(log)
		if err == nil && strings.HasPrefix(filepath.Base(log), name) && bytes.Contains(written, []byte(text)) {
			return nil
		}
	}
	return fmt.Errorf("%s has not logged %q", name, text)
}

// A review checks again without counting again.
func TestRulesRecheck(t *testing.T) {
	w := newWorld(t, map[string]string{
		"FRAUD_DETECTOR": "rules", "FRAUD_RULESET": rulesetFolder(t, "tested"), "FRAUD_SHADOW_RULESET": rulesetFolder(t, "tried"),
	}).everything()
	id := w.held()
	got, err := w.reviewBy("ada", id, "approve", "Prefer", "wait=60")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	require.Equal(t, transaction.PaymentComplete, got.answer(t).TransactionStatus.Code, "%s", got.body)
	after := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	assert.Equal(t, 1, w.earlierUses(after), "the transaction after one that was checked twice")
	r := w.ends(id)
	require.NotNil(t, r.Review.Recheck)
	assert.Nil(t, r.Review.Recheck.Explanation)
	trials := r.Explanation.Trials
	require.Len(t, trials, 1)
	assert.Equal(t, "tried", trials[0].Ruleset.ID)
	assert.Equal(t, fraud.Review, trials[0].Outcome)
}

// TestRulesLabel runs on PostgreSQL, set up as for production: each process has a user
// with only the rights it needs.
func TestRulesLabel(t *testing.T) {
	server := startPostgres(t)
	w := newWorld(t, map[string]string{"FRAUD_DETECTOR": "rules", "LEDGER_URL": server.URL("orders", "orders")}).start(worker)
	w.startWith(fraudPolice, map[string]string{"LEDGER_URL": server.URL("orders_police", "orders")})
	w.startWith(apiProcess, map[string]string{"LEDGER_URL": server.URL("orders_reader", "orders")})
	require.NoError(t, w.processes[apiProcess].WaitHealthy(t.Context(), w.api+"/readyz"))
	w.findsLedger()
	require.NoError(t, server.SetUpLedger(t.Context()), "again, now that the tables exist")
	paid := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t)
	require.NotNil(t, paid.Decision, "%+v", paid)
	require.Equal(t, fraud.Approve, paid.Decision.Outcome, "%+v", paid)
	label := `{"label": "fraudulent", "source": "dispute", "note": "chargeback"}`
	for _, want := range []int{http.StatusCreated, http.StatusOK} {
		got, err := w.sendTo("/transactions/"+paid.TransactionID+"/labels", label)
		require.NoError(t, err)
		assert.Equal(t, want, got.status, "%s", got.body)
	}
	next := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t)
	require.NotNil(t, next.Decision, "after a fraud with the card: %+v", next)
	require.Equal(t, fraud.Review, next.Decision.Outcome, "after a fraud with the card: %+v", next)
	got, err := w.reviewBy("ada", next.TransactionID, "decline", "Prefer", "wait=60")
	require.NoError(t, err, "declined by a person: %v", got)
	require.Equal(t, http.StatusOK, got.status, "declined by a person: %v", got)
	last := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t)
	require.NotNil(t, last.Decision, "after a second fraud with the card: %+v", last)
	assert.Equal(t, fraud.Decline, last.Decision.Outcome, "after a second fraud with the card: %+v", last)
	labels := w.ends(paid.TransactionID).Labels
	require.Len(t, labels, 1)
	assert.Equal(t, "chargeback", labels[0].Note)
	w.everythingEnds(soon)
	w.verify(3)
}
