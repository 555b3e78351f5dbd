package transaction

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Status is the state of a transaction. The codes are the seed's, and clients know them.
type Status int

// The states of a transaction. It starts as Pending and ends as AlertDone, PaymentError or PaymentComplete. The states that
// clients know from the demo keep its codes.
const (
	Pending          Status = 11
	Fraudulent       Status = 12
	AlertInitiated   Status = 13
	AlertError       Status = 14 // a publish failed, and is being tried again
	AlertDone        Status = 15
	PaymentInitiated Status = 16
	PaymentError     Status = 17
	PaymentComplete  Status = 18
	InReview         Status = 19 // the money is held, and a person decides
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
	InReview:         "TRANSACTION_IN_REVIEW",
}

// Statuses returns all statuses, sorted by code.
func Statuses() []Status {
	return slices.Sorted(maps.Keys(statusNames))
}

// String returns the name that clients see, such as TRANSACTION_PENDING.
func (s Status) String() string {
	if name, known := statusNames[s]; known {
		return name
	}
	return fmt.Sprintf("TRANSACTION_STATUS_%d", int(s))
}

// Settled reports whether the result of the transaction is known: it was stopped, paid for, or its payment refused. What
// follows (sending alerts) changes nothing for the caller.
func (s Status) Settled() bool {
	switch s {
	case AlertInitiated, AlertError, AlertDone, PaymentError, PaymentComplete:
		return true
	case Pending, Fraudulent, PaymentInitiated, InReview:
	}
	return false
}

// next lists the statuses that may follow each status. A transaction never comes back to a status that it has left.
var next = map[Status][]Status{
	Pending:          {Fraudulent, PaymentInitiated, PaymentError},
	PaymentInitiated: {InReview, PaymentError, PaymentComplete},
	InReview:         {Fraudulent, PaymentError, PaymentComplete},
	Fraudulent:       {AlertInitiated},
	AlertInitiated:   {AlertError, AlertDone},
	AlertError:       {AlertDone},
}

// LeadsTo reports whether a transaction may go from s directly to another status.
func (s Status) LeadsTo(to Status) bool {
	return slices.Contains(next[s], to)
}

// ParseStatus parses a code, such as 18, or a name, such as TRANSACTION_PAYMENT_COMPLETE.
func ParseStatus(text string) (Status, bool) {
	for status, name := range statusNames {
		if text == name || text == strconv.Itoa(int(status)) {
			return status, true
		}
	}
	return 0, false
}
