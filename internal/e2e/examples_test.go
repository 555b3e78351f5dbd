package e2e_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/domain/transaction"
	"dummyorders/gateways/cloudevents"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/stack"
	"dummyorders/workflows"
)

var updateExamples = flag.Bool("update-examples", false, "record the examples of the OpenAPI document anew")

// TestExamplesAreRealAnswers gets each answer that the OpenAPI document shows, and compares everything except ids and
// times.
func TestExamplesAreRealAnswers(t *testing.T) {
	w := newWorld(t, map[string]string{"FRAUD_DETECTOR": "rules"})
	w.alertsTo(`
version: 1
receivers:
  - {name: fraud-team, channels: [mail: jo@example.com], group: none, acknowledge: {within: 1h, then: on-call}}
  - {name: on-call, channels: [mail: on-call@example.com], group: none}
routes: [{name: frauds, tell: [fraud-team]}]
`)
	w.everything()
	e := examples{t: t, world: w, compared: map[string]bool{
		"problem.500":    true,                                                     // that one needs a fault, and package api has a test of it
		"getFigures.200": true, "getReports.200": true, "getRuleFigures.200": true, // their numbers are others each time
		"getRoutes.200": true, // the file's name is, too
	}}
	e.ofTransactions()
	e.ofAlerts()
	e.ofTrail()
	e.ofKeys()
	e.ofSessions()
	e.ofProblems()
	files, err := filepath.Glob(e.path("*"))
	require.NoError(t, err)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		assert.True(t, e.compared[name], "%s is an example of nothing", name)
	}
}

type examples struct {
	t        *testing.T
	world    *world
	compared map[string]bool // names of the examples that were compared
}

func (e examples) ofTransactions() {
	w := e.world
	id := e.is("transact.200", w.post(seedBody, "Prefer", "wait=60")).answer(e.t).TransactionID
	w.ends(id)
	e.is("getTransaction.200", w.get("/transactions/"+id))
	e.is("listTransactions.200", w.get("/transactions?limit=1"))
	e.ofRules(id)
	e.is("transact.202", w.post(seedBody, "Prefer", "respond-async"))

	const approve = `{"decision": "approve", "reviewer": "ada", "note": "the buyer was called"}`
	id = e.postUntil(transaction.InReview)
	e.is("takeReview.200", e.sendBy(http.MethodPut, "/transactions/"+id+"/assignment", `{"reviewer": "ada"}`))
	e.is("getReview.200", w.get("/reviews/"+id))
	e.is("listReviews.200", w.get("/reviews"))
	e.is("reviewTransaction.200", e.send("/transactions/"+id+"/review", approve, "Prefer", "wait=60"))
	w.ends(id)
	e.is("listReviewers.200", w.get("/reviewers"))

	const label = `{"label": "fraudulent", "source": "dispute", "note": "chargeback 4853"}`
	slow := body(small, silentCaptureCard)
	id = w.post(slow, "Prefer", "respond-async").answer(e.t).TransactionID
	w.reaches(id, transaction.PaymentInitiated)
	e.is("labelTransaction.201", e.send("/transactions/"+id+"/labels", label))
	e.is("labelTransaction.200", e.send("/transactions/"+id+"/labels", label))
	id = w.post(slow, "Prefer", "wait=60").answer(e.t).TransactionID // is reviewed because of the label
	e.is("reviewTransaction.202", e.send("/transactions/"+id+"/review", approve, "Prefer", "wait=1"))
}

func (e examples) ofAlerts() {
	w := e.world
	about := e.postUntil(transaction.AlertInitiated)
	id := workflows.EventID(workflows.TransactionWorkflowID(about), 1)
	mailTo(e.t, "jo@example.com", id)
	eventually(e.t, func() error {
		if got := w.get("/alerts/" + id); !strings.Contains(string(got.body), `"delivered"`) {
			return fmt.Errorf("not delivered: %d %s", got.status, got.body)
		}
		return nil
	})
	e.is("getAlert.200", w.get("/alerts/"+id))
	e.is("listAlerts.200", w.get("/alerts?transaction="+about))
	e.is("takeAlarms.202", e.send("/alerts/inbound", `{"version": "4", "alerts": [{"status": "firing", "fingerprint": "c3d2b1a09f8e7d6c",
		"labels": {"alertname": "WorkerDown"}, "startsAt": "2026-01-02T03:04:05Z"}]}`))
	event, err := cloudevents.Encode(alert.Sample(alert.FraudDetected, "sample", time.Now()))
	require.NoError(e.t, err)
	e.is("tryRoutes.200", e.send("/alerts/routes/try", string(event)))
	e.ofDeadLetters()
	e.is("acknowledgeAlert.200", e.send("/alerts/"+id+"/acknowledge", `{"by": "ada", "note": "calling the buyer"}`))
	eventually(e.t, func() error {
		if got := w.get("/alerts/" + id); strings.Contains(string(got.body), `"running"`) {
			return fmt.Errorf("not over: %d %s", got.status, got.body)
		}
		return nil
	})
	e.is("resendAlert.202", e.send("/alerts/"+id+"/resend", `{"by": "ada", "to": "all", "number": 1}`))
	muted := e.is("muteAlerts.201", e.send("/mutes", `{"by": "ada", "type": "orders.fraud.detected.v1", "merchant": "acme", "hours": 1, "reason": "load test"}`))
	e.is("listMutes.200", w.get("/mutes"))
	var mute struct{ ID string }
	require.NoError(e.t, json.Unmarshal(muted.body, &mute))
	e.is("endMute.200", e.sendBy(http.MethodDelete, "/mutes/"+mute.ID, ""))
}

func (e examples) ofTrail() {
	e.is("listAudit.200", e.world.get("/audit?action=labelTransaction&result=200&limit=1"))
	e.is("verifyAudit.200", e.world.get("/audit/verification"))
}

func (e examples) ofKeys() {
	e.is("addMerchant.201", e.send("/merchants", `{"merchant": "acme"}`))
	e.is("listMerchants.200", e.world.get("/merchants"))
	made := e.is("makeKey.201", e.send("/keys", `{"merchant": "acme", "client": "shop", "scopes": ["transact", "read"], "expires": "90d"}`))
	var key struct{ Key string }
	require.NoError(e.t, json.Unmarshal(made.body, &key))
	e.is("listKeys.200", e.world.get("/keys"))
	e.is("rollKey.201", e.send("/keys/"+key.Key+"/roll", `{"overlap": "24h"}`))
	e.is("revokeKey.200", e.send("/keys/"+key.Key+"/revoke", ""))
	e.is("disableMerchant.200", e.send("/merchants/acme/disable", ""))
	e.is("enableMerchant.200", e.send("/merchants/acme/enable", ""))
}

func (e examples) ofSessions() {
	store := e.world.store()
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	open := identity.Session{ID: "K5SGW2XQ7BZ3ORLTDNPEUVMYHC", Person: "ada@example.com", From: "192.0.2.7", Since: since, Until: since.Add(10 * time.Hour)}
	sessions := ledgerdb.Sessions{Ledger: store, Of: func([]byte) identity.Session { return open }}
	require.NoError(e.t, sessions.CommitCtx(e.t.Context(), "digest", []byte("data"), time.Now().Add(time.Hour)))
	e.is("listSessions.200", e.world.get("/sessions"))
	e.is("endSession.200", e.send("/sessions/"+open.ID+"/end", ""))
}

func (e examples) ofDeadLetters() {
	purgeDead(e.t)
	publishDead(e.t, alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now()))
	publishRaw(e.t, "no-event", "no event")
	var list reply
	eventually(e.t, func() error {
		if list = e.world.get("/dead-letters"); strings.Count(string(list.body), `"id"`) < 2 {
			return fmt.Errorf("not dead: %d %s", list.status, list.body)
		}
		return nil
	})
	e.is("listDeadLetters.200", list)
	e.is("getDeadLetter.200", e.world.get("/dead-letters/no-event"))
	e.is("replayDeadLetters.200", e.send("/dead-letters/replay", `{"all": true}`))
	e.is("purgeDeadLetters.200", e.send("/dead-letters/purge", `{"ids": ["no-event", "no-other"]}`))
}

func (e examples) ofProblems() {
	w := e.world
	e.is("problem.400", w.post(`{"order": {"id": 1234}`))
	e.is("problem.404", w.get("/transactions/01990000-0000-7000-8000-000000000001"))
	paid := w.post(body(small, goodCard), "Prefer", "wait=60").answer(e.t)
	e.is("problem.409", e.send("/transactions/"+paid.TransactionID+"/review", `{"decision": "approve", "reviewer": "ada"}`))
	e.is("problem.413", w.post(seedBody+strings.Repeat(" ", 64<<10)))
	e.is("problem.415", w.post(seedBody, "Content-Type", "application/xml"))
	e.is("problem.422", w.post(strings.Replace(seedBody, "123.00", `"12,50"`, 1)))

	temporal := startProxy(e.t, shared.temporal.Address())
	w.env["HTTP_ADDRESS"] = freeAddress(e.t)
	w.api = "http://" + w.env["HTTP_ADDRESS"]
	p := w.startAs(apiProcess, "the other api", map[string]string{"HTTP_MAX_IN_FLIGHT": "1", "TEMPORAL_ADDRESS": temporal.Listen})
	require.NoError(e.t, p.WaitHealthy(e.t.Context(), w.api+"/readyz"))
	w.kill(fraudPolice)
	done := make(chan struct{})
	go func() { // occupies the only slot until its transaction is checked
		defer close(done)
		_, err := w.send(body(small, goodCard), "Prefer", "wait=60")
		assert.NoError(e.t, err, "the caller that waits")
	}()
	eventually(e.t, func() error {
		if got := w.get("/transactions?status=11&orderID=order-" + goodCard[12:]); !bytes.Contains(got.body, []byte(`"transactionID"`)) {
			return fmt.Errorf("the place is not taken: %d %s", got.status, got.body)
		}
		return nil
	})
	e.is("problem.429", w.post(seedBody))
	w.startWith(fraudPolice, nil)
	<-done
	temporal.Stop()
	e.is("problem.503", w.post(seedBody))

	require.NoError(e.t, p.Stop(e.t.Context()))
	w.env["API_KEYS"] = "shop:a-key-for-the-tests-of-examples"
	p = w.startAs(apiProcess, "the api with keys", nil)
	require.NoError(e.t, p.WaitHealthy(e.t.Context(), w.api+"/readyz"))
	e.is("problem.401", w.post(seedBody))
	e.is("problem.403", e.send("/merchants", `{"merchant": "acme"}`, "Authorization", "Bearer a-key-for-the-tests-of-examples"))
}

// postUntil repeats the seed's transaction until the rules react.
func (e examples) postUntil(status transaction.Status) string {
	e.t.Helper()
	for range 20 {
		if got := e.world.post(seedBody, "Prefer", "wait=60").answer(e.t); got.TransactionStatus.Code == status {
			return got.TransactionID
		}
	}
	e.t.Fatalf("no transaction gets to %s", status)
	return ""
}

func (e examples) send(path, body string, headers ...string) reply {
	e.t.Helper()
	got, err := e.world.sendTo(path, body, headers...)
	require.NoError(e.t, err)
	return got
}

func (e examples) sendBy(method, path, body string) reply {
	e.t.Helper()
	got, err := call(e.t.Context(), method, e.world.api+path, body)
	require.NoError(e.t, err)
	return got
}

func (e examples) path(name string) string {
	root, err := stack.Root()
	require.NoError(e.t, err)
	return filepath.Join(root, "api", "examples", name+".json")
}

// is compares an answer with the example of that name, which ends in its status, and returns the answer.
func (e examples) is(name string, got reply) reply {
	e.t.Helper()
	e.compared[name] = true
	require.Equal(e.t, name[strings.LastIndex(name, ".")+1:], fmt.Sprint(got.status), "%s %s", name, got.body)
	var text bytes.Buffer
	require.NoError(e.t, json.Indent(&text, withExampleIDs(got.body), "", "  "))
	if *updateExamples {
		require.NoError(e.t, os.WriteFile(e.path(name), text.Bytes(), 0o644))
	}
	example, err := os.ReadFile(e.path(name))
	require.NoError(e.t, err)
	assert.True(e.t, bytes.Equal(unmeasured(example), unmeasured(text.Bytes())), "the answer for %s is\n%s\nand the example\n%s", name, &text, example)
	return got
}

var (
	secrets  = regexp.MustCompile(`ordkey_([a-z2-7]{8})_[a-z2-7]{59}`)
	uuids    = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	measured = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z|"(tookMicros|size)": \d+|queued as \w+|"(number|entries|ends|change)": \d+|"(date|day|next)": "[\d-]+"|[0-9a-f]{64}|"(key|secret)": "\w+"`)
)

// withExampleIDs replaces ids with numbered ones, in their order, and secrets with what opens nothing.
func withExampleIDs(text []byte) []byte {
	text = secrets.ReplaceAll(text, []byte("ordkey_${1}_"+strings.Repeat("a", 59)))
	known := map[string]string{}
	return uuids.ReplaceAllFunc(text, func(id []byte) []byte {
		if known[string(id)] == "" {
			known[string(id)] = fmt.Sprintf("01990000-0000-7000-8000-%012d", len(known)+1)
		}
		return []byte(known[string(id)])
	})
}

// unmeasured removes what differs each time.
func unmeasured(text []byte) []byte {
	return measured.ReplaceAll(text, nil)
}
