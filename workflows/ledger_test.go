package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/payment"
	"dummyorders/domain/transaction"
)

func TestTheLedgerKnowsATransactionFromItsAcceptance(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).After(time.Minute).Return(declined, nil)
	r.publishes(1)
	var early []transaction.Status
	r.RegisterDelayedCallback(func() {
		for _, entry := range r.books.entries {
			early = append(early, entry.Record.TransactionStatus.Code)
		}
	}, time.Second)
	r.execute()
	require.Equal(t, []transaction.Status{transaction.Pending}, early)
	require.Equal(t, aTransaction(), r.books.last().Transaction)
}

func TestAPaidTransactionIsWrittenTwice(t *testing.T) {
	r := approvedRun(t)
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil)
	r.OnActivity(pay.Capture, mock.Anything, mock.Anything).Return(payment.Capture{ID: "capture_1"}, nil)
	r.execute()
	require.Len(t, r.books.entries, 2, "each entry costs an event: at acceptance, and at the end")
}

func TestALedgerThatIsAwayHoldsUpNoPaymentAndIsCaughtUpWith(t *testing.T) {
	r := approvedRun(t)
	tries := 0
	r.books.away = func() bool { tries++; return tries < tooOften }
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil)
	r.OnActivity(pay.Capture, mock.Anything, mock.Anything).Return(payment.Capture{ID: "capture_1"}, nil)
	paidMeanwhile := false
	r.RegisterDelayedCallback(func() { paidMeanwhile = r.answer.given && len(r.books.entries) == 0 }, 10*time.Second)
	r.execute()
	require.True(t, paidMeanwhile)
	require.Equal(t, transaction.PaymentComplete, r.books.last().Record.TransactionStatus.Code)
}

func TestLaterEntriesBearLaterMarks(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(declined, nil)
	r.publishes(1)
	r.execute()
	for i, entry := range r.books.entries[1:] {
		before := r.books.entries[i].Mark
		require.False(t, entry.Mark.At.Before(before.At))
		require.Greater(t, entry.Mark.Number, before.Number)
	}
}
