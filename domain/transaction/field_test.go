package transaction_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/transaction"
)

// The readers of requests, rules and fixtures all go by the table.
func TestFields(t *testing.T) {
	objects := map[string]bool{"": true}
	for _, f := range transaction.Fields {
		t.Run(f.Path, func(t *testing.T) {
			object, _ := f.Split()
			assert.True(t, objects[object], "there is no object %q before it", object)
			var kept transaction.Transaction
			switch f.Form {
			case transaction.Object:
				objects[f.Path] = true
				return
			case transaction.ID, transaction.Text:
				require.NotNil(t, f.Text, "it needs an example and a place where a transaction keeps it")
				require.NotNil(t, f.Text(&kept), "it needs an example and a place where a transaction keeps it")
				assert.NotEmpty(t, f.Example, "it needs an example and a place where a transaction keeps it")
			case transaction.Amount:
				require.NotNil(t, f.Money, "it needs a place where a transaction keeps it")
				assert.NotNil(t, f.Money(&kept), "it needs a place where a transaction keeps it")
			case transaction.Signal, transaction.Other:
			}
			assert.Nil(t, kept.Customer, "looking for it makes a customer of nothing")
			assert.NotEmpty(t, f.Doc, "it is not described")
		})
	}
}
