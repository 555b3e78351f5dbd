package transaction_test

import (
	"testing"

	"dummyorders/domain/transaction"
)

// The readers of requests, rules and fixtures all go by the table.
func TestFields(t *testing.T) {
	objects := map[string]bool{"": true}
	for _, f := range transaction.Fields {
		t.Run(f.Path, func(t *testing.T) {
			if object, _ := f.Split(); !objects[object] {
				t.Errorf("there is no object %q before it", object)
			}
			var kept transaction.Transaction
			switch f.Form {
			case transaction.Object:
				objects[f.Path] = true
				return
			case transaction.ID, transaction.Text:
				if f.Text == nil || f.Text(&kept) == nil || f.Example == "" {
					t.Error("it needs an example and a place where a transaction keeps it")
				}
			case transaction.Amount:
				if f.Money == nil || f.Money(&kept) == nil {
					t.Error("it needs a place where a transaction keeps it")
				}
			case transaction.Signal, transaction.Other:
			}
			if kept.Customer != nil {
				t.Error("looking for it makes a customer of nothing")
			}
			if f.Doc == "" {
				t.Error("it is not described")
			}
		})
	}
}
