package lang

import (
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/transaction"
)

// The variables that are not subjects. Rules cannot write the last: listed(…) and metadata(…) are called on it.
const (
	timeName     = "at"
	merchantName = "merchant"
	wholeName    = "@seen"
)

// View is one transaction as the rules of a set see it. Each decision needs a new one.
type View struct {
	fraud.Check

	customer      transaction.Customer // the zero customer if none is known
	names         map[Call]string      // the names of the features that the rules call
	values        map[string]float64
	listed        map[string]bool // the lists that the transaction is on
	subjectValues []subjectValue  // one per subject
	whole         subjectValue    // the value of wholeName
}

var _ cel.Activation = (*View)(nil)

// NewView returns the view of one transaction. names holds the names of the features by the calls of all conditions, values
// what was counted by those names, and listed the lists that the transaction is on: it may grow until a condition is evaluated.
func NewView(c fraud.Check, names map[Call]string, values map[string]float64, listed map[string]bool) *View {
	v := &View{Check: c, names: names, values: values, listed: listed, subjectValues: make([]subjectValue, len(subjects))}
	if c.Customer != nil {
		v.customer = *c.Customer
	}
	for i, s := range subjects {
		v.subjectValues[i] = subjectValue{subject: s, view: v}
	}
	v.whole = subjectValue{subject: wholeTransaction, view: v}
	return v
}

// ResolveName returns the value of a variable.
func (v *View) ResolveName(name string) (any, bool) {
	switch name {
	case timeName:
		return types.Timestamp{Time: v.StartTime.UTC()}, true
	case merchantName:
		return types.String(identity.MerchantOf(v.Merchant)), true
	case wholeName:
		return &v.whole, true
	}
	for i := range v.subjectValues {
		if v.subjectValues[i].name == name {
			return &v.subjectValues[i], true
		}
	}
	return nil, false
}

// Parent returns nil: a view has no parent.
func (v *View) Parent() cel.Activation { return nil }

// age returns the age of the customer's account: 0 if its date is not known, or if it begins after the transaction.
func (v *View) age() time.Duration {
	if v.customer.CreatedAt.IsZero() {
		return 0
	}
	return max(0, v.StartTime.Sub(v.customer.CreatedAt))
}
