package cloudevents

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/types"

	"dummyorders/domain/alert"
)

// maxShort bounds, in bytes, what brokers and workflow engines take as an id or as something to search by.
const maxShort = 255

// check names every fault of an event at once.
func check(e alert.Event) error {
	var faults []string
	must := func(holds bool, field, be string) {
		if !holds {
			faults = append(faults, field+" must be "+be)
		}
	}
	text := func(field, value string) {
		must(strings.TrimSpace(value) != "" && utf8.ValidString(value), field, "text")
	}
	short := func(field, value string) {
		text(field, value)
		must(len(value) <= maxShort, field, fmt.Sprintf("at most %d bytes long", maxShort))
	}
	short("id", e.ID)
	must(strings.TrimSpace(e.Source) != "" && types.ParseURIRef(e.Source) != nil, "source", "a URI reference")
	short("subject", e.Subject)
	must(!e.Time.IsZero(), "time", "a time as in RFC 3339")
	must(e.Type.Known(), "type", fmt.Sprintf("%s or %s, not %s", alert.FraudDetected, alert.ReviewRequested, quote(string(e.Type))))
	if e.Type.Known() { // only then can anybody say what the data should be
		text("data.transactionID", e.Data.TransactionID)
		text("data.orderID", e.Data.OrderID)
		must(isNumber(e.Data.Amount), "data.amount", "a number")
		text("data.currency", e.Data.Currency)
		text("data.decision.outcome", string(e.Data.Decision.Outcome))
	}
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

// isNumber is stricter than encoding/json, which writes an empty json.Number as 0.
func isNumber(n json.Number) bool {
	var value json.Number
	return n != "" && json.Unmarshal([]byte(n), &value) == nil && value == n
}

// quote keeps foreign text short, and on one line.
func quote(text string) string {
	if text == "" {
		return "missing"
	}
	return fmt.Sprintf("%.64q", text)
}
