package transaction

import "fmt"

// Status is where a transaction stands. The codes are the seed's, and clients know them.
type Status int

// The states. A transaction starts as Pending and ends as AlertDone, PaymentError or PaymentComplete.
const (
	Pending          Status = 11
	Fraudulent       Status = 12
	AlertInitiated   Status = 13
	AlertError       Status = 14 // a publish failed, and is being tried again
	AlertDone        Status = 15
	PaymentInitiated Status = 16
	PaymentError     Status = 17
	PaymentComplete  Status = 18
)

var statusNames = map[Status]string{
	Pending:          "TRANSACTION_PENDING",
	Fraudulent:       "TRANSACTION_FRAUDULENT",
	AlertInitiated:   "TRANSACTION_ALERT_INITIATED",
	AlertError:       "TRANSACTION_ALERT_ERROR",
	AlertDone:        "TRANSACTION_ALERT_DONE",
	PaymentInitiated: "TRANSACTION_PAYMENT_INITIATED",
	PaymentError:     "TRANSACTION_PAYMENT_ERROR",
	PaymentComplete:  "TRANSACTION_PAYMENT_COMPLETE",
}

// String is the name that clients see, such as TRANSACTION_PENDING.
func (s Status) String() string {
	if name, known := statusNames[s]; known {
		return name
	}
	return fmt.Sprintf("TRANSACTION_STATUS_%d", int(s))
}

// Settled says whether the caller's answer is known: the transaction was stopped, paid for, or its payment refused.
// What follows (telling people) changes nothing for the caller.
func (s Status) Settled() bool {
	switch s {
	case AlertInitiated, AlertError, AlertDone, PaymentError, PaymentComplete:
		return true
	case Pending, Fraudulent, PaymentInitiated:
	}
	return false
}
