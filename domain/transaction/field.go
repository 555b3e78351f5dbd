package transaction

import (
	"strings"

	"dummyorders/domain/money"
)

// Bounds of what a merchant may post, in characters or in numbers of elements. Those of metadata are the bounds that
// payment providers have.
const (
	MaxID            = 64
	MaxName          = 255
	MaxToken         = 255
	MaxWord          = 64
	MaxItems         = 100
	MaxQuantity      = 1_000_000
	MaxMetadata      = 50
	MaxMetadataKey   = 40
	MaxMetadataValue = 500
)

// Form says how a field is posted.
type Form int

// The forms of fields.
const (
	Object Form = iota // holds the fields whose paths begin with its own
	ID                 // a text of at most MaxID characters, or a whole number, which is read as its digits
	Text               // a text; if it is optional, it is cleaned of control characters
	Amount             // an amount, with its currency in a field of its own beside it; an object has one at most
	Signal             // a text in any form: what cannot be read is left out, and Malformed names the field
	Other              // a form that only this field has
)

// Field describes a field of a transaction. The API's reader, its OpenAPI document, the fields and fixtures of rules and
// their vocabulary are made from Fields.
type Field struct {
	Path     string // in the request: order.name
	Form     Form
	Required bool
	// Max is the most characters or elements that the field can have. Signals that are longer are not kept.
	Max int
	// Doc describes the field in the OpenAPI document, and Example is a value of it.
	Doc, Example string
	// Rules have the texts and amounts of order, payment, customer, billing and shipping. Word is the field's name there, if
	// it is not Path; RuleDoc describes what rules see of it, if Doc does not; When is a condition that uses it, if it is not
	// order.name == "Example".
	Word, RuleDoc, When string
	// Text returns where a transaction keeps a text; Money returns where it keeps an amount.
	Text  func(*Transaction) *string
	Money func(*Transaction) *money.Money
}

// Fields lists the fields of a transaction's request, in the order in which they are read.
var Fields = []Field{
	{Path: "order", Required: true},
	{
		Path: "order.id", Form: ID, Required: true, Doc: "The merchant's id of the order", Example: "1234",
		Text: func(t *Transaction) *string { return &t.Order.ID },
	},
	{
		Path: "order.name", Form: Text, Max: MaxName, Doc: "What the order is called", Example: "avengers 4 spoilers book",
		When: `order.name.contains("gift card")`,
		Text: func(t *Transaction) *string { return &t.Order.Name },
	},
	{
		Path: "order.cost", Form: Amount, Required: true, Doc: "What the order costs", When: `order.cost > 25000.0`,
		Money: func(t *Transaction) *money.Money { return &t.Order.Cost },
	},
	{
		Path: "order.items", Form: Other, Max: MaxItems,
		Doc: "The order's lines. If there are any, their costs times quantities, less discounts, must add up to the order's cost.",
	},
	{
		Path: "paymentMethod", Form: Text, Required: true, Max: MaxWord, Doc: "Decides which gateway moves the money", Example: "amazonpay",
		Word: "payment.method", RuleDoc: "the payment method, in small letters",
		Text: func(t *Transaction) *string { return &t.PaymentMethod },
	},
	{Path: "payment", Required: true},
	{
		Path: "payment.card", Form: Other, Example: "4242424242424242",
		Doc: "The card number, 12 to 19 digits, with single spaces or dashes between them where it is in groups; as a number, by its " +
			"digits alone. It is not kept. One that fails the Luhn check is a sign of fraud, and not refused.",
	},
	{
		Path: "payment.token", Form: Other, Max: MaxToken, Example: "pm_card_visa",
		Doc: "The payment method's gateway's token for a card, instead of the card; never a card number",
	},
	{
		Path: "payment.type", Form: Text, Required: true, Max: MaxWord, Doc: "The kind of payment", Example: "wallet",
		Text: func(t *Transaction) *string { return &t.Payment.Type },
	},
	{
		Path: "payment.amount", Form: Amount, Required: true, Doc: "What is charged", When: `payment.amount > 1000`,
		Money: func(t *Transaction) *money.Money { return &t.Payment.Amount },
	},
	{Path: "customer"},
	{
		Path: "customer.id", Form: ID, Doc: "The merchant's id of the customer", Example: "1234", When: `customer.id != ""`,
		Text: func(t *Transaction) *string { return &t.customer().ID },
	},
	{
		Path: "customer.email", Form: Signal, Max: MaxName, Doc: "The customer's mail address.", Example: "jo@example.com",
		RuleDoc: "the mail address, as posted", When: `customer.email.contains("+")`,
		Text: func(t *Transaction) *string { return &t.customer().Email },
	},
	{
		Path: "customer.createdAt", Form: Signal, Example: "2024-05-17T08:30:00Z",
		Doc: "Since when the customer has an account: a date, or a time by RFC 3339; where it has no zone, in UTC.",
	},
	{
		Path: "ip", Form: Signal, Doc: "The buyer's IPv4 or IPv6 address. A port, brackets and a zone are left out.", Example: "203.0.113.7",
	},
	{Path: "billing"},
	country("billing", `billing.country in ["IN", "SG"]`, func(t *Transaction) *string { return &t.BillingCountry }),
	{Path: "shipping"},
	country("shipping", `shipping.country != "" && shipping.country != billing.country`, func(t *Transaction) *string { return &t.ShippingCountry }),
	{
		Path: "metadata", Form: Other, Max: MaxMetadata,
		Doc: "Anything else about the transaction: at most 50 entries, with names of at most 40 characters. Never card numbers or verification values.",
	},
}

func country(of, when string, at func(*Transaction) *string) Field {
	return Field{
		Path: of + ".country", Form: Signal, Max: len("IN"), Example: "IN", When: when, Text: at,
		Doc:     "By ISO 3166-1: alpha-2, which is what is kept, or alpha-3 or the number.",
		RuleDoc: "the country, by ISO 3166; empty if not given",
	}
}

// Malformable returns the paths of the fields that can be malformed.
func Malformable() []string {
	var paths []string
	for _, f := range Fields {
		if f.Form == Signal {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// Split returns the path of the object that the field is in, which is empty for the whole request, and its name there.
func (f Field) Split() (object, name string) {
	at := strings.LastIndexByte(f.Path, '.')
	return f.Path[:max(at, 0)], f.Path[at+1:]
}

// customer returns the customer, or an empty one that is not kept if there is none.
func (t *Transaction) customer() *Customer {
	if t.Customer == nil {
		return &Customer{}
	}
	return t.Customer
}
