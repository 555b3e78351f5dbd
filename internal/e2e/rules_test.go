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

	"go.temporal.io/api/enums/v1"

	"dummyorders/domain/fraud"
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
	must(t, os.MkdirAll(filepath.Join(folder, "rules"), 0o750))
	must(t, os.WriteFile(filepath.Join(folder, "ruleset.yaml"), fmt.Appendf(nil, rulesetFor, id), 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "rules", "all.yaml"), []byte(rulesFor), 0o600))
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
			if answer.Decision == nil || answer.Decision.Ruleset.ID != "default" {
				t.Fatalf("decided by %+v", answer.Decision)
			}
			decisions, last = append(decisions, *answer.Decision), answer.TransactionID
		}
		if decisions[0].Outcome != fraud.Approve || decisions[1].Outcome != fraud.Approve || decisions[9].Outcome != fraud.Decline {
			t.Errorf("decisions of a loop over a card: %+v", decisions)
		}
		for i := range 9 {
			if decisions[i].WorseThan(decisions[i+1]) {
				t.Errorf("a loop that goes on looks better: %+v, then %+v", decisions[i], decisions[i+1])
			}
		}
	}
	explained := w.read(last)
	if e := explained.Explanation; e == nil || len(e.Rules) == 0 || len(e.Features) == 0 || e.DecidedAt.IsZero() || e.TookMicros <= 0 {
		t.Errorf("explanation: %+v", e)
	}
	if answer := w.post(seedBody, "Prefer", "wait=60"); bytes.Contains(answer.body, []byte("explanation")) {
		t.Errorf("the merchant is told how it was found: %s", answer.body)
	}
}

// A fraud-police that is killed between the count and the report counts once.
func TestRulesKilledBeforeReport(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w *world) {
		w.start(worker, apiProcess)
		temporal := startProxy(t, shared.temporal.Address())
		w.startWith(fraudPolice, map[string]string{"TEMPORAL_ADDRESS": temporal.Listen})
		first := w.post(body(small, goodCard), "Prefer", "wait=60")
		if first.status != http.StatusOK {
			t.Fatalf("%d %s", first.status, first.body)
		}
		temporal.hold(toServer) // its open polls still bring tasks, but its verdicts do not arrive
		id := w.post(body(small, goodCard), "Prefer", "respond-async").answer(t).TransactionID
		w.activityStarted(workflows.TransactionWorkflowID(id), "CheckFraud")
		book, err := ledgerdb.Open(w.env["LEDGER_URL"])
		must(t, err)
		eventually(t, func() error { return w.counted(book, id) })
		must(t, book.Close())
		w.kill(fraudPolice)
		stricter := strings.Replace(rulesFor, "200000", "100", 1)
		must(t, os.WriteFile(filepath.Join(w.env["FRAUD_RULESET"], "rules", "all.yaml"), []byte(stricter), 0o600))
		w.start(fraudPolice)
		if r := w.ends(id); r.Decision.Outcome != fraud.Approve || r.Decision.Ruleset != first.answer(t).Decision.Ruleset {
			t.Errorf("what was decided before the kill is decided anew: %+v", r.Decision)
		}
		after := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t)
		if after.Decision.Outcome != fraud.Decline {
			t.Errorf("the changed ruleset decides %+v", after.Decision)
		}
		if got := []int{w.earlierUses(id), w.earlierUses(after.TransactionID)}; !slices.Equal(got, []int{1, 2}) {
			t.Errorf("the second and the third transaction of a card saw %v before them", got)
		}
	})
}

// counted returns nil once fraud_police has counted a transaction of the good card, and stored its decision.
func (w *world) counted(book *ledgerdb.Ledger, id string) error {
	entry, err := book.Find(w.t.Context(), id)
	if err != nil {
		return err
	}
	card := velocity.Lookup{By: velocity.Card, Value: entry.Transaction.Payment.Card.Fingerprint}
	past, err := book.Look(w.t.Context(), "", []velocity.Lookup{card})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(past[velocity.Card], func(u velocity.Use) bool { return u.TransactionID == id }) {
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
			if got[i] != i {
				t.Fatalf("%d transactions of one card saw %v before them, want 0 to %d", len(got), got, len(got)-1)
			}
		}
		if len(deciders) != 2 {
			t.Errorf("%v have decided, want both", deciders)
		}
	})
}

// startPolice starts a fraud_police under its own name, and waits until it takes checks.
func (w *world) startPolice(name string) {
	w.t.Helper()
	address := freeAddress(w.t)
	w.processes[name] = w.startWith(fraudPolice, map[string]string{"HEALTH_ADDRESS": address})
	delete(w.processes, fraudPolice)
	must(w.t, w.processes[name].WaitHealthy(w.t.Context(), "http://"+address+"/readyz"))
}

// checkedBy returns the process that last took a transaction's check.
func (w *world) checkedBy(id string) string {
	w.t.Helper()
	events := shared.client.GetWorkflowHistory(w.t.Context(), workflows.TransactionWorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		must(w.t, err)
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
	must(t, os.WriteFile(rules, []byte(strings.Replace(rulesFor, "200000", "100", 1)), 0o600))
	eventually(t, func() error {
		if got := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).Decision; got.Outcome != fraud.Decline || got.Ruleset.Digest == before.Ruleset.Digest {
			return fmt.Errorf("decided %s by %s", got.Outcome, got.Ruleset.Digest)
		}
		return nil
	})
	must(t, os.WriteFile(rules, []byte(strings.Replace(rulesFor, "payment.amount", "payment.amuont", 1)), 0o600))
	eventually(t, func() error { return w.logged(fraudPolice, "amuont") })
	if got := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).Decision; got.Outcome != fraud.Decline {
		t.Errorf("after a broken ruleset: %+v", got)
	}
	must(t, os.WriteFile(rules, []byte(rulesFor), 0o600))
	eventually(t, func() error {
		if got := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).Decision; got.Ruleset != before.Ruleset {
			return fmt.Errorf("decided by %+v", got.Ruleset)
		}
		return nil
	})
}

// logged returns nil once a process of that name has written a text to its log.
func (w *world) logged(name, text string) error {
	for _, log := range w.logs {
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
	must(t, err)
	if got.status != http.StatusOK || got.answer(t).TransactionStatus.Code != transaction.PaymentComplete {
		t.Fatalf("%d %s", got.status, got.body)
	}
	after := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	if seen := w.earlierUses(after); seen != 1 {
		t.Errorf("the transaction after one that was checked twice saw %d before it", seen)
	}
	r := w.ends(id)
	if r.Review.Recheck == nil || r.Review.Recheck.Explanation != nil {
		t.Errorf("recheck: %+v", r.Review.Recheck)
	}
	if trials := r.Explanation.Trials; len(trials) != 1 || trials[0].Ruleset.ID != "tried" || trials[0].Outcome != fraud.Review {
		t.Errorf("the ruleset in shadow: %+v", trials)
	}
}

// TestRulesLabel runs on PostgreSQL, set up as for production: each process has a user
// with only the rights it needs.
func TestRulesLabel(t *testing.T) {
	server := startPostgres(t)
	w := newWorld(t, map[string]string{"FRAUD_DETECTOR": "rules", "LEDGER_URL": server.URL("orders", "orders")}).start(worker)
	w.startWith(fraudPolice, map[string]string{"LEDGER_URL": server.URL("orders_police", "orders")})
	w.startWith(apiProcess, map[string]string{"LEDGER_URL": server.URL("orders_reader", "orders")})
	must(t, w.processes[apiProcess].WaitHealthy(t.Context(), w.api+"/readyz"))
	w.findsLedger()
	setUpPostgres(t, server) // again, now that the tables exist
	paid := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t)
	if paid.Decision == nil || paid.Decision.Outcome != fraud.Approve {
		t.Fatalf("%+v", paid)
	}
	label := `{"label": "fraudulent", "source": "dispute", "note": "chargeback"}`
	for _, want := range []int{http.StatusCreated, http.StatusOK} {
		got, err := w.sendTo("/transactions/"+paid.TransactionID+"/labels", label)
		must(t, err)
		if got.status != want {
			t.Errorf("a label: %d %s, want %d", got.status, got.body, want)
		}
	}
	next := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t)
	if next.Decision == nil || next.Decision.Outcome != fraud.Review {
		t.Fatalf("after a fraud with the card: %+v", next)
	}
	if got, err := w.reviewBy("ada", next.TransactionID, "decline", "Prefer", "wait=60"); err != nil || got.status != http.StatusOK {
		t.Fatalf("declined by a person: %v, %v", got, err)
	}
	last := w.post(body(small, goodCard), "Prefer", "wait=60").answer(t)
	if last.Decision == nil || last.Decision.Outcome != fraud.Decline {
		t.Errorf("after a second fraud with the card: %+v", last)
	}
	if labels := w.ends(paid.TransactionID).Labels; len(labels) != 1 || labels[0].Note != "chargeback" {
		t.Errorf("labels: %+v", labels)
	}
	w.everythingEnds(soon)
	w.verify(3)
}
