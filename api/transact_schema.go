package api

import (
	"encoding/json"
	"reflect"

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

// The types below are what reader accepts, for the OpenAPI document. Nothing is ever decoded into them.

type transactionSchema struct {
	Order         orderSchema       `json:"order"`
	PaymentMethod string            `json:"paymentMethod" minLength:"1" maxLength:"64" example:"amazonpay"`
	Payment       paymentSchema     `json:"payment"`
	Customer      *customerSchema   `json:"customer,omitempty"`
	IP            string            `json:"ip,omitempty" doc:"The buyer's IPv4 or IPv6 address"`
	Billing       *addressSchema    `json:"billing,omitempty"`
	Shipping      *addressSchema    `json:"shipping,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty" doc:"At most 50 entries; names up to 40 characters, values 1 to 500"`
}

type orderSchema struct {
	ID       idSchema     `json:"id"`
	Name     string       `json:"name,omitempty" maxLength:"255" example:"avengers 4 spoilers book"`
	Cost     amountSchema `json:"cost"`
	Currency string       `json:"currency" pattern:"^[A-Z]{3}$" doc:"ISO 4217" example:"INR"`
	Items    []itemSchema `json:"items,omitempty" minItems:"1" maxItems:"100" doc:"Must add up to cost"`
}

type itemSchema struct {
	ID       idSchema       `json:"id"`
	Name     string         `json:"name,omitempty" maxLength:"255"`
	Cost     amountSchema   `json:"cost"`
	Quantity int            `json:"quantity,omitempty" minimum:"1" maximum:"1000000" default:"1"`
	Discount discountSchema `json:"discount,omitempty"`
}

type paymentSchema struct {
	Card     cardSchema   `json:"card,omitempty"`
	Token    string       `json:"token,omitempty" minLength:"1" maxLength:"255" doc:"What the payment method's gateway gave out for a card; never a card number" example:"pm_card_visa"`
	Type     string       `json:"type" minLength:"1" maxLength:"64" example:"wallet"`
	Amount   amountSchema `json:"amount"`
	Currency string       `json:"currency" pattern:"^[A-Z]{3}$" doc:"ISO 4217" example:"INR"`
}

// TransformSchema says that there is either a card or a token.
func (paymentSchema) TransformSchema(_ huma.Registry, schema *huma.Schema) *huma.Schema {
	schema.OneOf = []*huma.Schema{{Required: []string{"card"}}, {Required: []string{"token"}}}
	return schema
}

type customerSchema struct {
	ID        idSchema `json:"id,omitempty"`
	Email     string   `json:"email,omitempty" format:"email" maxLength:"255"`
	CreatedAt string   `json:"createdAt,omitempty" format:"date-time"`
}

type addressSchema struct {
	Country string `json:"country" pattern:"^[A-Z]{2}$" doc:"ISO 3166-1 alpha-2" example:"IN"`
}

type (
	idSchema     string
	cardSchema   string
	amountSchema float64

	discountSchema float64
)

func (idSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "A string of 1 to 64 characters, or a whole number", OneOf: []*huma.Schema{
		{Type: huma.TypeString, MinLength: new(1), MaxLength: new(maxID)}, {Type: huma.TypeInteger},
	}}
}

func (cardSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "The card number, 12 to 19 digits. It is not kept.", OneOf: []*huma.Schema{
		{Type: huma.TypeString, Pattern: `^[0-9]([ -]?[0-9]){11,18}$`}, {Type: huma.TypeInteger},
	}}
}

func (amountSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeNumber, ExclusiveMinimum: new(0.0), Examples: []any{json.Number("123.00")},
		Description: "A plain decimal above zero, with at most as many decimal digits as its currency has. It is read exactly.",
	}
}

func (discountSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Minimum: new(0.0), Description: "Off the whole line: a plain decimal, which may be 0"}
}

// SeedExample is the demo's first curl body, to the letter.
const SeedExample = `{"order": {"id": 1234, "name": "avengers 4 spoilers book", "cost": 123.00, "currency": "INR"}, ` +
	`"paymentMethod": "amazonpay", "payment": {"card": 1234567887654321, "type": "wallet", "amount": 123.00, "currency": "INR"}}`

// describeTransact gives the operation what huma cannot infer: the request's schema, and the 202 answer.
func describeTransact(document *huma.OpenAPI, keyRequired bool) {
	operation := document.Paths["/transact"].Post
	describeBody(document, operation, reflect.TypeFor[transactionSchema](), "Transaction", SeedExample)
	operation.Responses["200"].Description = "Settled: paid for, stopped, or payment refused"
	describeAccepted(operation, "Accepted and not settled yet, or in review; ask at Location")
	for _, parameter := range operation.Parameters {
		if parameter.Name == keyHeader {
			parameter.Required = keyRequired
		}
	}
}
