package cloudevents

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/types"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/domain/review"
)

// maxSubject is the greatest length, in bytes, of what Temporal accepts as a search value.
const maxSubject = 256

// rfc3339 describes the required form of a time.
const rfc3339 = "a time as in RFC 3339, from year 1 to year 9999 in UTC"

// faults collects what is wrong with an event.
type faults []string

func (f *faults) must(holds bool, field, be string) {
	if !holds {
		*f = append(*f, field+" must be "+be)
	}
}

func (f *faults) text(field, value string) {
	f.must(strings.TrimSpace(value) != "" && utf8.ValidString(value), field, "text")
}

// check returns an error with every fault of an event, or nil.
func check(e alert.Event) error {
	var f faults
	f.must(alert.IsID(e.ID), "id", fmt.Sprintf("text without control characters, of at most %d bytes", alert.LongestID))
	f.must(strings.TrimSpace(e.Source) != "" && types.ParseURIRef(e.Source) != nil, "source", "a URI reference")
	f.text("subject", e.Subject)
	f.must(len(e.Subject) <= maxSubject, "subject", fmt.Sprintf("at most %d bytes long", maxSubject))
	f.must(!e.Time.IsZero() && alert.IsSayable(e.Time), "time", rfc3339)
	f.must(alert.IsSayable(e.Expiry()), "data.expiresAt", rfc3339+"; if it is left out, it follows from time")
	f.must(e.Type.Known(), "type", fmt.Sprintf("one of %s, not %s", known(), quote(string(e.Type))))
	if e.Type.Known() { // else the required data is unknown
		f.data(e.Type, e.Data)
	}
	if len(f) > 0 {
		return errors.New(strings.Join(f, "; "))
	}
	return nil
}

func (f *faults) data(of alert.Type, d alert.Data) {
	if of == alert.AlarmFiring || of == alert.AlarmResolved {
		f.must(d.Merchant == identity.NoMerchant, "data.merchant", strconv.Quote(identity.NoMerchant)+" for an alarm")
		f.must(d.Alarm != nil, "data.alarm", "an object, as "+string(of)+" has")
		if d.Alarm != nil {
			f.alarm(of, *d.Alarm)
		}
		return
	}
	f.must(d.Alarm == nil, "data.alarm", "left out for "+string(of))
	f.must(d.Merchant == "" || identity.IsName(d.Merchant), "data.merchant", "a merchant's name")
	f.text("data.transactionID", d.TransactionID)
	f.text("data.orderID", d.OrderID)
	f.must(isNumber(d.Amount), "data.amount", "a number")
	f.text("data.currency", d.Currency)
	f.text("data.decision.outcome", string(d.Decision.Outcome))
	if of == alert.ReviewRequested || of == alert.ReviewReminder || of == alert.ReviewExpired {
		f.must(d.Review != nil, "data.review", "an object, as "+string(of)+" has")
	}
	if d.Review != nil {
		f.review(of, *d.Review)
	}
	if of == alert.CompensationFailed {
		f.text("data.problem", d.Problem)
	}
}

func (f *faults) alarm(of alert.Type, a alert.Alarm) {
	f.text("data.alarm.name", a.Name)
	f.text("data.alarm.summary", a.Summary)
	f.must(!a.Since.IsZero(), "data.alarm.since", rfc3339)
	f.must((a.Until != nil) == (of == alert.AlarmResolved), "data.alarm.until", "a time if it is over, and left out otherwise")
}

func (f *faults) review(of alert.Type, r review.Review) {
	f.must(!r.RequestedAt.IsZero(), "data.review.requestedAt", rfc3339)
	f.must(r.Deadline.After(r.RequestedAt), "data.review.deadline", "a time after requestedAt")
	decided := r.Verdict == review.Approve || r.Verdict == review.Decline
	f.must(decided || r.Verdict == "", "data.review.verdict", "approve or decline, or left out")
	f.must(decided == (r.DecidedAt != nil), "data.review.decidedAt", "a time if there is a verdict, and left out otherwise")
	if of == alert.ReviewExpired {
		f.must(decided && r.Expired, "data.review.expired", "true, with a verdict")
	}
}

// known lists the known types.
func known() string {
	names := make([]string, len(alert.Types))
	for i, t := range alert.Types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// isNumber reports whether n is a JSON number. It is stricter than encoding/json, which writes an empty json.Number as 0.
func isNumber(n json.Number) bool {
	var value json.Number
	return n != "" && json.Unmarshal([]byte(n), &value) == nil && value == n
}

// quote returns foreign text in quotes, cut short, on one line, and without anything that could be a card number.
func quote(text string) string {
	if text == "" {
		return "missing"
	}
	return fmt.Sprintf("%.64q", card.Redact(text))
}
