package ledger_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

func paid(t *testing.T) *ledger.Record {
	t.Helper()
	r := ledger.Open(posted(t), start)
	r.Decide(approved)
	r.Move(transaction.PaymentInitiated, after(1))
	r.Payment.AuthorizationID = "auth-1"
	r.Payment.CaptureID = "capture-1"
	r.Move(transaction.PaymentComplete, after(2))
	r.Close(after(3))
	return r
}

// The files hold what clients rely on: keys, their order, and amounts to the last digit.
func TestTheJSONOfARecordIsWhatClientsKnow(t *testing.T) {
	bare := posted(t)
	bare.ID, bare.Order.Name, bare.Customer, bare.Metadata = "01990000-0000-7000-8000-000000000002", "", nil, nil
	bare.Order.Cost = money.Money{Minor: 500, Currency: "JPY"}
	bare.Payment.Amount = money.Money{Minor: 1, Currency: "KWD"}
	for file, value := range map[string]any{
		"record.json": paid(t),
		"answer.json": paid(t).Answer,
		"opened.json": ledger.Open(bare, start),
	} {
		want, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), indented(t, value)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestARefusedPaymentSaysWhy(t *testing.T) {
	r := ledger.Open(posted(t), start)
	r.Payment.Error = "gateway simulated declined: insufficient_funds"
	if text := indented(t, r); !strings.Contains(text, `"error": "gateway simulated declined: insufficient_funds"`) {
		t.Errorf("the record does not say why no money was taken: %s", text)
	}
}

func TestARecordReadsBackAsItWasWritten(t *testing.T) {
	want := paid(t)
	var got ledger.Record
	if err := json.Unmarshal([]byte(indented(t, want)), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestARecordHoldsNeitherTheCustomersMailAddressNorTheCardNumber(t *testing.T) {
	tr := posted(t)
	if tr.Customer.Email != email {
		t.Fatal("the transaction has no mail address that could be held")
	}
	opened := ledger.Open(tr, start)
	stopped := ledger.Open(tr, start)
	stopped.Decide(declined)
	stopped.Move(transaction.AlertDone, after(1))
	for _, r := range []*ledger.Record{opened, stopped, paid(t)} {
		text := indented(t, r)
		for what, secret := range map[string]string{
			"mail address": email, "mail domain": "@", "card number": number, "hidden digits": number[6:12],
			"fingerprint": tr.Payment.Card.Fingerprint,
		} {
			if strings.Contains(text, secret) {
				t.Errorf("at %s the record holds the %s: %s", r.Status(), what, text)
			}
		}
	}
}

func indented(t *testing.T, value any) string {
	t.Helper()
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}
