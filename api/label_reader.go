package api

import (
	"net/http"
	"slices"

	"dummyorders/domain/card"
	"dummyorders/domain/ledger"
	"dummyorders/internal/strictjson"
)

// readLabel returns every fault at once, as a *Problem. The label has no time yet. What could be a card number in its
// note is masked before it goes anywhere.
func readLabel(body []byte) (ledger.Label, error) {
	doc, err := strictjson.Parse(body)
	if err != nil {
		return ledger.Label{}, problem(http.StatusBadRequest, err.Error())
	}
	var l ledger.Label
	if root := doc.Root(); root.Is(strictjson.Object) {
		l = ledger.Label{
			Label: readWord(root.Required("label"), "must be fraudulent or legitimate", ledger.Fraudulent, ledger.Legitimate),
			Source: readWord(root.Required("source"), "must be dispute, early_fraud_warning or reviewer",
				ledger.ByDispute, ledger.ByEarlyFraudWarning, ledger.ByReviewer),
			Note: card.Redact(readNote(root.Optional("note"))),
		}
		root.RefuseUnknown()
	}
	if faults := doc.Faults(); len(faults) > 0 {
		return ledger.Label{}, invalid("the label", faults)
	}
	return l, nil
}

// readWord is one of the words, which the fault names.
func readWord(v *strictjson.Value, fault string, words ...string) string {
	if v.Is(strictjson.String) && !slices.Contains(words, v.Literal()) {
		v.Fault(fault)
	}
	return v.Literal()
}
