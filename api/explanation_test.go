package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/ledger"
)

// Only the transaction shows its explanation. Merchants read the answers, and must not learn which rules exist.
func TestExplanationOnlyInTransaction(t *testing.T) {
	w := realWorld(t)
	key := freshKey()
	held := request(t, w.api(), http.MethodPost, "/transact", paidBy(t, heldAndWorse), key, patient)
	id := decoded[ledger.Answer](t, held, 202).TransactionID
	explained(t, w.api(), id, "while it is in review")
	confirmed := `{"decision":"approve","reviewer":"ada","confirm":true}`
	silent := map[string]*httptest.ResponseRecorder{
		"the answer in review":   held,
		"a check that got worse": judge(t, w.api(), id, adaApproves, patient),
		"a review's answer":      judge(t, w.api(), id, confirmed, patient),
	}
	w.ended(t, id)
	silent["the answer of a retry"] = request(t, w.api(), http.MethodPost, "/transact", paidBy(t, heldAndWorse), key, patient)
	silent["a verdict again"] = judge(t, w.later(), id, confirmed, patient)
	silent["a list"] = request(t, w.api(), http.MethodGet, "/transactions?limit=200", "")
	for name, answer := range silent {
		if text := answer.Body.String(); !strings.Contains(text, id) && answer.Code != 409 || strings.Contains(text, "explanation") || strings.Contains(text, "card_velocity") {
			t.Errorf("%s: %d %s", name, answer.Code, text)
		}
	}
	explained(t, w.api(), id, "after its end")
	explained(t, w.later(), id, "when only the ledger remembers")
}

// explained checks that a transaction has the script's explanation.
func explained(t *testing.T, handler http.Handler, id, when string) {
	t.Helper()
	r := answered[ledger.Record](t, handler, http.MethodGet, "/transactions/"+id, "", 200)
	assert.Empty(t, cmp.Diff(explanation, r.Explanation), "%s (-want +got)", when)
}

// The document has explanations of transactions and of no decision.
func TestOpenAPIExplanation(t *testing.T) {
	answer := call(t, unreachable(t), http.MethodGet, "/openapi.json", "", nil)
	var document struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &document))
	for name, want := range map[string]bool{"Record": true, "Decision": false, "Answer": false} {
		described, there := document.Components.Schemas[name]
		_, got := described.Properties["explanation"]
		require.True(t, there, name)
		assert.Equal(t, want, got, name)
	}
}
