package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

const (
	number = "1234567887654321"
	email  = "ada.lovelace@example.com"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// after is a time that many seconds after the start.
func after(seconds int) time.Time {
	return start.Add(time.Duration(seconds) * time.Second)
}

func posted(t *testing.T) transaction.Transaction {
	t.Helper()
	parsed, err := card.ParseNumber(number)
	if err != nil {
		t.Fatal(err)
	}
	return transaction.Transaction{
		ID: "01990000-0000-7000-8000-000000000001",
		Order: transaction.Order{
			ID: "1234", Name: "avengers 4 spoilers book", Cost: money.Money{Minor: 12300, Currency: "INR"},
		},
		PaymentMethod: "amazonpay",
		Payment: transaction.Payment{
			Card: card.NewDescriber([]byte("key")).Describe(parsed), Type: "wallet",
			Amount: money.Money{Minor: 1<<53 + 1, Currency: "USD"}, // no float holds it
		},
		Customer: &transaction.Customer{ID: "c-1", Email: email, CreatedAt: start},
		Metadata: map[string]string{"channel": "web"},
	}
}

var (
	approved = fraud.Decision{
		Outcome: fraud.Approve, Score: 5, RiskLevel: fraud.NormalRisk,
		Reasons: []fraud.Reason{{Code: "CARD_LUHN_INVALID", Message: "the card number fails the Luhn check"}},
		Ruleset: fraud.Ruleset{ID: "default", Version: 3, Digest: "sha256:0123456789abcdef"},
		Source:  fraud.AutomatedRule,
	}
	declined  = fraud.Decision{Outcome: fraud.Decline, Score: 90, RiskLevel: fraud.HighestRisk}
	forReview = fraud.Decision{Outcome: fraud.Review, Score: 70, RiskLevel: fraud.ElevatedRisk}
	undecided = fraud.Undecided("no fraud check answered within 15m0s")
)

func TestAnAcceptedTransactionIsPending(t *testing.T) {
	r := ledger.Open(posted(t), start)
	if r.Status() != transaction.Pending || r.Message != "Transaction Pending" {
		t.Errorf("it stands at %s: %q", r.Status(), r.Message)
	}
	if r.Decision != nil || r.EndTime != nil || !r.StartTime.Equal(start) {
		t.Errorf("it starts at %v, ends at %v, with the decision %v", r.StartTime, r.EndTime, r.Decision)
	}
	if diff := cmp.Diff([]ledger.Step{{Code: 11, Status: "TRANSACTION_PENDING", Time: start}}, r.Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestThePendingAnswerIsThatOfARecordJustOpened(t *testing.T) {
	tr := posted(t)
	if diff := cmp.Diff(ledger.Open(tr, start).Answer, ledger.PendingAnswer(tr.ID)); diff != "" {
		t.Errorf("answer (-of the record +pending):\n%s", diff)
	}
}

func TestARecordFollowsItsTransaction(t *testing.T) {
	const (
		pending    = "Transaction Pending"
		successful = "Transaction Successful"
		failed     = "Transaction Payment Failed"
		fraudulent = "Transaction Fraudulent"
		stopped    = "Transaction Stopped, Not Evaluated"
	)
	type move struct {
		to      transaction.Status
		message string
	}
	alerted := func(message string) []move {
		return []move{
			{transaction.Fraudulent, message},
			{transaction.AlertInitiated, message},
			{transaction.AlertError, message},
			{transaction.AlertError, message},
			{transaction.AlertDone, message},
		}
	}
	for _, c := range []struct {
		name        string
		decision    fraud.Decision
		moves       []move
		fraudStatus bool
	}{
		{"paid", approved, []move{{transaction.PaymentInitiated, pending}, {transaction.PaymentComplete, successful}}, false},
		{"refused", approved, []move{{transaction.PaymentInitiated, pending}, {transaction.PaymentError, failed}}, false},
		{"declined", declined, alerted(fraudulent), true},
		{"for review", forReview, alerted(fraudulent), true},
		{"undecided", undecided, alerted(stopped), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ledger.Open(posted(t), start)
			r.Decide(c.decision)
			steps := []ledger.Step{{Code: transaction.Pending, Status: transaction.Pending.String(), Time: start}}
			for i, m := range c.moves {
				at := after(i + 1)
				r.Move(m.to, at)
				steps = append(steps, ledger.Step{Code: m.to, Status: m.to.String(), Time: at})
				want := ledger.Status{Code: m.to, Status: m.to.String(), FraudStatus: c.fraudStatus}
				if r.TransactionStatus != want || r.Status() != m.to {
					t.Errorf("after the move to %s it stands at %+v, want %+v", m.to, r.TransactionStatus, want)
				}
				if r.Message != m.message {
					t.Errorf("at %s the message is %q, want %q", m.to, r.Message, m.message)
				}
			}
			if diff := cmp.Diff(steps, r.Steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(&c.decision, r.Decision); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARecordEndsWhenItIsClosedAndNoSooner(t *testing.T) {
	r := ledger.Open(posted(t), start)
	r.Decide(declined)
	r.Move(transaction.AlertDone, after(1))
	if r.EndTime != nil {
		t.Errorf("it has ended at %s before it was closed", r.EndTime)
	}
	r.Close(after(2))
	if r.EndTime == nil || !r.EndTime.Equal(after(2)) {
		t.Errorf("it has ended at %v, want %v", r.EndTime, after(2))
	}
	if r.Status() != transaction.AlertDone || len(r.Steps) != 2 {
		t.Errorf("closing has moved it: %s, %d steps", r.Status(), len(r.Steps))
	}
}
