package e2e_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/transaction"
)

// These are the canaries: a card number that is used nowhere else, and one that the gateway declines.
const (
	canaryApproved = "4716190207394368"
	canaryDeclined = "4000000000009995"
)

// TestCardNumberIsNowhere posts card numbers on every path and in every wrong place. Then it reads every
// byte that was written: Temporal's database, RabbitMQ's files, the ledger, mails, logs, and the answers.
func TestCardNumberIsNowhere(t *testing.T) {
	w := newWorld(t, map[string]string{"FRAUD_DETECTOR": "rules", "FRAUD_RULESET": rulesetFolder(t, "canary")})
	w.start(worker, fraudPolice, apiProcess) // no alertman yet: the event stays in the queue
	var answers bytes.Buffer
	post := func(body string) reply {
		got := w.post(body, "Prefer", "wait=60", "Tracestate", "shop="+canaryApproved, "Baggage", "card="+canaryApproved)
		fmt.Fprintf(&answers, "%v %s\n", got.header, got.body)
		return got
	}
	spaced := canaryApproved[:4] + " " + canaryApproved[4:8] + "-" + canaryApproved[8:12] + " " + canaryApproved[12:]
	post(body(small, canaryApproved))
	post(body(small, canaryDeclined))
	stopped := post(body(tooMuch, spaced)).answer(t).TransactionID
	held := post(body(forReview, canaryApproved)).answer(t).TransactionID
	review, err := w.sendTo("/transactions/"+held+"/review",
		fmt.Sprintf(`{"decision": "decline", "reviewer": %q, "note": "asked about card %s"}`, canaryApproved, spaced), "Prefer", "wait=60")
	require.NoError(t, err)
	fmt.Fprintf(&answers, "%v %s\n", review.header, review.body)
	label, err := w.sendTo("/transactions/"+stopped+"/labels", fmt.Sprintf(`{"label": "fraudulent", "source": "dispute", "note": %q}`, spaced))
	require.NoError(t, err)
	fmt.Fprintf(&answers, "%v %s\n", label.header, label.body)
	for _, wrong := range wrongPlaces() {
		got := post(wrong)
		assert.GreaterOrEqual(t, got.status, 400, "%s", got.body)
		assert.Less(t, got.status, 500, "%s", got.body)
	}
	lookUp := w.get("/transactions/" + canaryApproved)
	fmt.Fprintf(&answers, "%v %s\n", lookUp.header, lookUp.body)
	w.reaches(stopped, transaction.AlertDone)
	assertNoCanary(t, "the queue and the files while the event waits", nil)
	w.start(alertman)
	w.isMailed(stopped, 1)
	assertNoCanary(t, "the answers", answers.Bytes())
	assertNoCanary(t, "the files", nil)
	assert.True(t, bytes.Contains(everythingWritten(t), []byte("471619******4368")), "the mask is nowhere either: the search does not see what it should search")
}

func wrongPlaces() []string {
	seed := body(small, canaryApproved)
	card := fmt.Sprintf("%q", canaryApproved)
	return []string{
		strings.Replace(seed, `"paymentMethod"`, card+`: 1, "paymentMethod"`, 1),
		strings.Replace(seed, `"amazonpay"`, card, 1),
		strings.Replace(seed, `"currency": "INR"}, "paymentMethod"`, `"currency": "INR", "name": "for card `+canaryApproved+`"}, "paymentMethod"`, 1),
		strings.Replace(seed, `{"order"`, `{"metadata": {"note": "4716-1902-0739-4368"}, "order"`, 1),
		strings.Replace(seed, card, `"`+canaryApproved+`x"`, 1),
		strings.Replace(seed, card, canaryApproved+"e0", 1),
		strings.Replace(seed, small, canaryApproved, 1),
		strings.Replace(seed, `"type"`, `"cvv": "123", "type"`, 1),
		canaryApproved + " is no JSON",
		`"` + canaryApproved + `"`,
		`{"order": {"id": ` + canaryApproved,
	}
}

func assertNoCanary(t *testing.T, where string, text []byte) {
	t.Helper()
	if text == nil {
		text = everythingWritten(t)
	}
	for _, canary := range []string{canaryApproved, canaryDeclined} {
		for _, form := range []string{canary, canary[:4] + " " + canary[4:8], canary[:4] + "-" + canary[4:8]} {
			at := bytes.Index(text, []byte(form))
			assert.Negative(t, at, "%s hold the card number: …%q…", where, text[max(0, at-200):min(len(text), at+40)])
		}
	}
}

// everythingWritten returns the contents of all files below the servers' folder, except for the program itself.
func everythingWritten(t *testing.T) []byte {
	t.Helper()
	var all bytes.Buffer
	err := filepath.WalkDir(shared.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == shared.binary {
			return nil //nolint:nilerr // servers remove files of theirs while we look
		}
		text, err := os.ReadFile(path)
		if err == nil {
			all.Write(text)
		}
		return nil
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, all.Len(), 1<<20, shared.dir)
	return all.Bytes()
}
