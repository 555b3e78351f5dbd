package api

import (
	"github.com/danielgtaylor/huma/v2"
)

const transactDescription = "Takes a transaction, has it checked for fraud, and pays for it or stops it. " +
	"The HTTP status says whether the service did its job; transactionStatus says what became of the transaction: " +
	"a fraud and a refused payment are 200. The answer is 202 while nothing is settled, with where to ask again; a " +
	"transaction in review is 202 at once, since a person decides about it." +
	"\n\nWith an Idempotency-Key a request can be sent again at any time: the same key with the same body, whatever the " +
	"order of its members, is the same transaction, with the same answer and Idempotent-Replayed: true, also while it " +
	"goes on, for as long as the ledger keeps transactions. The same key with another body is 422. Keys belong to the client whose API " +
	"key came with them. A request without a key is a transaction of its own each time."

// SeedExample is the demo's first curl body, to the letter.
const SeedExample = `{"order": {"id": 1234, "name": "avengers 4 spoilers book", "cost": 123.00, "currency": "INR"}, ` +
	`"paymentMethod": "amazonpay", "payment": {"card": 1234567887654321, "type": "wallet", "amount": 123.00, "currency": "INR"}}`

// describeTransact gives the operation what huma cannot infer: the request's schema, and the 202 answer.
func describeTransact(document *huma.OpenAPI, keyRequired bool) {
	operation := document.Paths["/transact"].Post
	describeBody(document, operation, reader{}.transactions(), SeedExample)
	orders.describe(document)
	items.describe(document)
	customers.describe(document)
	addresses.describe(document)
	payment := reader{}.payments().describe(document)
	payment.OneOf = []*huma.Schema{only("card"), only("token")}
	operation.Responses["200"].Description = "Settled: paid for, stopped, or payment refused"
	describeAccepted(operation, "Accepted and not settled yet, or in review; ask at Location")
	describeParameter(operation, keyHeader, huma.Schema{MinLength: new(1), MaxLength: new(maxKey + len(`""`))})
	for _, parameter := range operation.Parameters {
		if parameter.Name == keyHeader {
			parameter.Required = keyRequired
		}
	}
}

// only asks for a member that is there and not null.
func only(name string) *huma.Schema {
	return &huma.Schema{
		Required: []string{name}, Properties: map[string]*huma.Schema{name: {Not: &huma.Schema{Enum: []any{nil}}}},
	}
}
