// Package usage is how cards, customers, addresses and orders were used before: what the rules of a fraud check count.
package usage

import (
	"strings"
	"time"

	"dummyorders/domain/address"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

// Dimension is what transactions have in common: the same card, the same customer. Those of metadata are made by
// Metadata.
type Dimension string

// The dimensions that every transaction is remembered by, as far as it has them.
const (
	Card     Dimension = "card"     // by its fingerprint
	Customer Dimension = "customer" // by its id
	IP       Dimension = "ip"       // by the subscriber whose address it is, see address.Subscriber
	Order    Dimension = "order"    // by its id
)

const metadataPrefix = "metadata."

// Metadata is the dimension of a key of the metadata: a terminal or a device, say.
func Metadata(key string) Dimension {
	return Dimension(metadataPrefix + key)
}

// MetadataKey is the key that a dimension is of, and false for the dimensions of other kinds.
func (d Dimension) MetadataKey() (string, bool) {
	return strings.CutPrefix(string(d), metadataPrefix)
}

// Use is a transaction as later ones see it.
type Use struct {
	TransactionID string
	// At is the transaction's own time, when it was accepted, to the microsecond: databases keep no more.
	At     time.Time
	Amount money.Money
	// Values are what it is found by.
	Values map[Dimension]string
	// Labels are what turned out to be true about it, in any order.
	Labels []Label
}

// Label says since when a transaction is held for fraudulent, or legitimate.
type Label struct {
	Fraudulent bool
	At         time.Time
}

// Of is a transaction's use. Beside the dimensions that all have, it is found by those keys of its metadata that some rule
// names: a transaction may have fifty.
func Of(t transaction.Transaction, at time.Time, named []Dimension) Use {
	values := map[Dimension]string{Card: t.Payment.Card.Fingerprint, IP: address.Subscriber(t.IP), Order: t.Order.ID}
	if t.Customer != nil {
		values[Customer] = t.Customer.ID
	}
	for _, dimension := range named {
		if key, ok := dimension.MetadataKey(); ok {
			values[dimension] = t.Metadata[key]
		}
	}
	for dimension, value := range values {
		if value == "" {
			delete(values, dimension)
		}
	}
	return Use{TransactionID: t.ID, At: at.Truncate(time.Microsecond).UTC(), Amount: t.Payment.Amount, Values: values}
}

// fraudulentAt says what the last label up to a moment says, of several at once that it is fraudulent. Without a label, the
// transaction is not held for fraudulent.
func (u Use) fraudulentAt(moment time.Time) bool {
	var last Label
	for _, label := range u.Labels {
		later := label.At.After(last.At) || label.At.Equal(last.At) && label.Fraudulent
		if later && !label.At.After(moment) {
			last = label
		}
	}
	return last.Fraudulent
}
