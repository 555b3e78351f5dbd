package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"dummyorders/domain/alert"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// An alert arrives and is acknowledged, and a dead letter is replayed and another one purged; the audit trail has all of it.
func deskAlerts(t *testing.T, w *deskWorld) {
	about := examples{t: t, world: w.world}.postUntil(transaction.AlertInitiated)
	id := workflows.EventID(workflows.TransactionWorkflowID(about), 1)
	b := w.signIn(t, "ada", "/alerts", "operator")
	b.shows("Fraud stopped")
	b.open("/alerts/" + id)
	b.shows("2.0.0 OK")
	b.do(chromedp.SetValue(chromedp.CSS(`textarea`), "calling the buyer"))
	b.run(`document.activeElement.blur()`)
	b.press("a")
	assert.Contains(t, b.text(), "You have acknowledged this alert")
	w.audited(t, "acknowledgeAlert", "alert "+id, "by ada@localhost: calling the buyer")
	b.shows("Send again to all")
	b.click(`button[value=all]`)
	assert.Contains(t, b.text(), "This is the new delivery.")
	b.shows("2.0.0 OK")
	w.audited(t, "resendAlert", "alert "+id, "to all, by ada@localhost: alert ")
	b.open("/alerts/" + id)
	b.shows("Sent again")
	w.deskMutes(t, b)
	w.withoutAlertman(t, b, id)

	b.open("/alerts/routes")
	b.shows("Every alert.")
	b.click(`form[action="/alerts/routes"][method=post] button`)
	assert.Contains(t, b.text(), "Where it would go")
	assert.Contains(t, b.text(), "matches")

	purgeDead(t)
	event := alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now())
	publishDead(t, event)
	publishRaw(t, "no-event", "no event")
	b.open("/dead-letters")
	b.shows("no-event")
	b.shows(event.ID)
	b.do(chromedp.Click(chromedp.CSS(fmt.Sprintf(`input[value="%s"]`, event.ID))))
	b.click(`button[value=replay]`)
	assert.Contains(t, b.text(), "1 replayed.")
	b.do(chromedp.Click(chromedp.CSS(`input[value="no-event"]`)))
	b.click(`button[value=ask]`)
	assert.Contains(t, b.text(), "Delete 1 for good?")
	b.looksRight()
	b.click(`button[value=purge]`)
	assert.Contains(t, b.text(), "1 purged.")
	assert.Contains(t, b.text(), "alertman has taken every alert")
	b.open("/alerts/" + event.ID)
	b.shows("2.0.0 OK")
	w.audited(t, "replayDeadLetters", "dead letters "+event.ID, "1: "+event.ID)
	w.audited(t, "purgeDeadLetters", "dead letters no-event", "1: no-event")
}

// deskMutes mutes frauds, sees one that is not sent, and ends the mute. A mute holds, and ends, within five seconds.
func (w *deskWorld) deskMutes(t *testing.T, b *tab) {
	until := func(text string) {
		t.Helper()
		eventually(t, func() error {
			about := examples{t: t, world: w.world}.postUntil(transaction.AlertInitiated)
			b.open("/alerts/" + workflows.EventID(workflows.TransactionWorkflowID(about), 1))
			b.shows("by the route all")
			if shown := b.text(); !strings.Contains(shown, text) {
				return fmt.Errorf("%q is not on the page: %.2000s", text, shown)
			}
			return nil
		})
	}
	b.open("/alerts/mutes?type=" + string(alert.FraudDetected) + "&merchant=default")
	b.do(chromedp.SetValue(chromedp.CSS(`input[name=reason]`), "load test"))
	b.click(`main form:last-of-type button`)
	assert.Contains(t, b.text(), "Muted until")
	until("muted by ada@localhost until")
	b.open("/alerts?state=muted")
	b.shows("Fraud stopped")
	b.open("/alerts/mutes")
	b.click(`button.stop`)
	assert.Contains(t, b.text(), "The mute has ended")
	until("mail fraud-team@example.com")
	w.audited(t, "muteAlerts", "mute ", "load test")
	w.audited(t, "endMute", "mute ", "load test")
}

// withoutAlertman looks at the alerts while no alertman runs.
func (w *deskWorld) withoutAlertman(t *testing.T, b *tab, id string) {
	w.kill(alertman)
	for _, page := range []string{"/alerts/" + id, "/alerts"} {
		b.open(page)
		b.shows("details of alerts need a running alertman")
		assert.Contains(t, b.text(), "fraud-team", page)
	}
	w.startWith(alertman, nil)
	b.open("/alerts/" + id)
	b.shows("2.0.0 OK")
}

// audited requires that the audit trail has what ada did.
func (w *deskWorld) audited(t *testing.T, action, object, after string) {
	t.Helper()
	eventually(t, func() error {
		out, _ := w.command("audit", "list", "--subject", "ada@localhost", "--action", action, "--json")
		for _, text := range []string{object, after} {
			if !strings.Contains(out, text) {
				return fmt.Errorf("%q is not in the trail: %s", text, out)
			}
		}
		return nil
	})
}
