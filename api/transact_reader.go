package api

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/internal/spelling"
	"dummyorders/internal/strictjson"
)

// Bounds of what a merchant may post, in characters or in numbers of elements. Those of metadata are the bounds that
// payment providers have.
const (
	maxID            = 64
	maxName          = 255
	maxToken         = 255
	maxWord          = 64
	maxItems         = 100
	maxQuantity      = 1_000_000
	maxMetadata      = 50
	maxMetadataKey   = 40
	maxMetadataValue = 500
)

// reader turns request bodies into transactions. It is the only place that sees card numbers.
type reader struct {
	cards   card.Describer
	methods []string // payment methods that have a gateway; nil if all have one
}

// method returns a payment method in the spelling that is stored, and refuses one that has no gateway.
func (r reader) method(v *strictjson.Value) string {
	method := mustShow(v, spelling.PaymentMethod(v.Literal()))
	switch {
	case method == "", r.methods == nil, slices.Contains(r.methods, method):
	case len(r.methods) == 0:
		v.Fault("is not known here: no payment method has a gateway")
	default:
		v.Fault("is not known here: must be one of " + strings.Join(r.methods, ", "))
	}
	return method
}

// read returns all faults at once, as a *Problem. The receipt has the digests of what was posted.
func (r reader) read(body []byte) (*transaction.Transaction, transaction.Receipt, error) {
	doc, err := strictjson.Parse(body)
	if err != nil {
		return nil, transaction.Receipt{}, problem(http.StatusBadRequest, err.Error())
	}
	root := doc.Root()
	t := &transaction.Transaction{}
	if root.Is(strictjson.Object) {
		refuseVerificationValues(root)
		r.transactions().read(root, t)
		refuseCardNumbers(root)
	}
	if faults := doc.Faults(); len(faults) > 0 {
		return nil, transaction.Receipt{}, invalid("the transaction", faults)
	}
	return t, transaction.Receipt{BodyDigest: r.digest(*t), TextDigest: r.cards.Digest(root.Canonical())}, nil
}

// digest returns the same digest for all bodies that are read as the same transaction, however they are written. Of the
// card it takes only the fingerprint: the other details may change with the program.
func (r reader) digest(t transaction.Transaction) string {
	t.Payment.Card = card.Details{Fingerprint: t.Payment.Card.Fingerprint}
	values, _ := json.Marshal(t) // a transaction that was read can always be encoded
	return r.cards.Digest(append([]byte("values "), values...))
}

// These tables list what a transaction's body may hold.

func (r reader) transactions() object[transaction.Transaction] {
	return object[transaction.Transaction]{name: "TransactionSchema", members: []member[transaction.Transaction]{
		{"order", true, orders.reference(), func(v *strictjson.Value, t *transaction.Transaction) { orders.read(v, &t.Order) }},
		{
			"paymentMethod", true, requiredText(maxWord, "Decides which gateway moves the money", "amazonpay"),
			func(v *strictjson.Value, t *transaction.Transaction) { t.PaymentMethod = r.method(v) },
		},
		{"payment", true, r.payments().reference(), func(v *strictjson.Value, t *transaction.Transaction) {
			r.payments().read(v, &t.Payment)
			if present(v, "card") == present(v, "token") {
				v.Fault("must have either card or token")
			}
		}},
		{"customer", false, customers.reference(), func(v *strictjson.Value, t *transaction.Transaction) {
			t.Customer = &transaction.Customer{}
			customers.read(v, t)
		}},
		{"ip", false, signal("The buyer's IPv4 or IPv6 address. A port, brackets and a zone are left out. "+unreadable, "203.0.113.7"), readIP},
		{"billing", false, addresses.reference(), func(v *strictjson.Value, t *transaction.Transaction) {
			t.BillingCountry = readCountry(v, t, transaction.MalformedBilling)
		}},
		{"shipping", false, addresses.reference(), func(v *strictjson.Value, t *transaction.Transaction) {
			t.ShippingCountry = readCountry(v, t, transaction.MalformedShipping)
		}},
		{"metadata", false, metadataSchema, readMetadata},
	}}
}

func present(v *strictjson.Value, name string) bool {
	kind := v.Optional(name).Kind()
	return kind != "" && kind != strictjson.Null
}

var orders = object[transaction.Order]{name: "OrderSchema", members: []member[transaction.Order]{
	{"currency", true, currencySchema, func(v *strictjson.Value, o *transaction.Order) { o.Cost.Currency = readCurrency(v) }},
	{
		"id", true, idSchema("The merchant's id of the order", false),
		func(v *strictjson.Value, o *transaction.Order) { o.ID = mustShow(v, readID(v)) },
	},
	{
		"name", false, optionalText(maxName, "What the order is called", "avengers 4 spoilers book"),
		func(v *strictjson.Value, o *transaction.Order) { o.Name = clean(v.Literal()) },
	},
	{
		"cost", true, amountSchema("What the order costs, more than zero.", false),
		func(v *strictjson.Value, o *transaction.Order) { o.Cost = readAmount(v, o.Cost.Currency, false) },
	},
	{"items", false, &huma.Schema{
		Type: huma.TypeArray, Nullable: true, MaxItems: new(maxItems), Items: items.reference(),
		Description: "The order's lines. If there are any, their costs times quantities, less discounts, must add up to the order's cost.",
	}, readItems},
}}

var items = object[transaction.Item]{name: "ItemSchema", members: []member[transaction.Item]{
	{
		"id", true, idSchema("The merchant's id of what is bought", false),
		func(v *strictjson.Value, i *transaction.Item) { i.ID = mustShow(v, readID(v)) },
	},
	{
		"name", false, optionalText(maxName, "What it is called", "book"),
		func(v *strictjson.Value, i *transaction.Item) { i.Name = clean(v.Literal()) },
	},
	{
		"cost", true, amountSchema("What one piece costs, in the order's currency; 0 if it is free.", true),
		func(v *strictjson.Value, i *transaction.Item) { i.Cost = readAmount(v, i.Cost.Currency, true) },
	},
	{"quantity", false, &huma.Schema{
		Type: huma.TypeInteger, Nullable: true, Minimum: new(1.0), Maximum: new(float64(maxQuantity)), Default: 1, Examples: []any{1},
		Description: "How many pieces",
	}, func(v *strictjson.Value, i *transaction.Item) { i.Quantity = readQuantity(v) }},
	{
		"discount", false, nullable(amountSchema("Taken off the whole line: at most its cost times its quantity.", true)),
		func(v *strictjson.Value, i *transaction.Item) { i.Discount = readAmount(v, i.Cost.Currency, true) },
	},
}}

// readItems reads the order's lines in the order's currency. Faults of the currency itself are reported elsewhere.
func readItems(v *strictjson.Value, o *transaction.Order) {
	for _, element := range v.Elements() {
		if !element.Is(strictjson.Object) {
			continue
		}
		none := money.Money{Currency: o.Cost.Currency}
		item := transaction.Item{Cost: none, Quantity: 1, Discount: none}
		items.read(element, &item)
		switch {
		case element.Faulty():
		case item.Cost.Minor > math.MaxInt64/maxItems/item.Quantity:
			element.Fault("must not cost that much: its cost times its quantity is beyond any order")
		case item.Total() < 0:
			element.Optional("discount").Fault("must not be more than the item's cost times its quantity")
		}
		o.Items = append(o.Items, item)
	}
	mustAddUp(v, *o)
}

// mustAddUp checks the sum only if no fault was found before: otherwise those faults are the ones to report.
func mustAddUp(v *strictjson.Value, o transaction.Order) {
	if v.Faulty() || len(o.Items) == 0 || o.Cost.Minor == 0 {
		return
	}
	sum := int64(0)
	for _, item := range o.Items {
		sum += item.Total()
	}
	if sum != o.Cost.Minor {
		v.Fault("the items' costs times quantities, less discounts, must add up to the order's cost")
	}
}

func (r reader) payments() object[transaction.Payment] {
	return object[transaction.Payment]{name: "PaymentSchema", members: []member[transaction.Payment]{
		{"currency", true, currencySchema, func(v *strictjson.Value, p *transaction.Payment) { p.Amount.Currency = readCurrency(v) }},
		{"card", false, cardSchema, func(v *strictjson.Value, p *transaction.Payment) {
			if number, err := card.ParseNumber(v.Literal()); err != nil {
				v.Fault(err.Error())
			} else {
				p.Card = r.cards.Describe(number)
			}
		}},
		{
			"token", false, nullable(requiredText(maxToken,
				"The payment method's gateway's token for a card, instead of the card; never a card number", "pm_card_visa")),
			func(v *strictjson.Value, p *transaction.Payment) { p.Token = r.token(v) },
		},
		{
			"type", true, requiredText(maxWord, "The kind of payment", "wallet"),
			func(v *strictjson.Value, p *transaction.Payment) { p.Type = v.Literal() },
		},
		{
			"amount", true, amountSchema("What is charged, more than zero.", false),
			func(v *strictjson.Value, p *transaction.Payment) { p.Amount = readAmount(v, p.Amount.Currency, false) },
		},
	}}
}

// customers reads into the transaction, which also records what was not well-formed about its customer.
var customers = object[transaction.Transaction]{name: "CustomerSchema", optional: true, members: []member[transaction.Transaction]{
	{"id", false, nullable(idSchema("The merchant's id of the customer", true)), func(v *strictjson.Value, t *transaction.Transaction) {
		t.Customer.ID = clean(readID(v))
	}},
	{"email", false, signal("The customer's mail address. "+unreadable, "jo@example.com"), readEmail},
	{"createdAt", false, signal("Since when the customer has an account: a date, or a time by RFC 3339; where it has no zone, in UTC. "+unreadable,
		"2024-05-17T08:30:00Z"), readCreated},
}}

var addresses = object[string]{name: "AddressSchema", optional: true, members: []member[string]{
	{
		"country", false, signal("By ISO 3166-1: alpha-2, which is what is kept, or alpha-3 or the number. "+unreadable, "IN"),
		func(v *strictjson.Value, country *string) { *country = v.Literal() },
	},
}}

const unreadable = "A text that cannot be read is left out; the payment is not refused, and rules can ask whether the text was malformed."

var metadataSchema = &huma.Schema{
	Type: huma.TypeObject, Nullable: true, MaxProperties: new(maxMetadata),
	AdditionalProperties: optionalText(maxMetadataValue, "What rules can ask for by its name"),
	Extensions:           map[string]any{"propertyNames": map[string]any{"maxLength": maxMetadataKey}},
	Description:          "Anything else about the transaction: at most 50 entries, with names of at most 40 characters. Never card numbers or verification values.",
	Examples:             []any{map[string]string{"channel": "web"}},
}

// readMetadata keeps names and values as they are after cleaning. If two names are the same then, the one that sorts last
// counts, wherever it is in the body.
func readMetadata(v *strictjson.Value, t *transaction.Transaction) {
	entries := map[string]string{}
	for _, name := range slices.Sorted(slices.Values(v.Names())) {
		entry := v.Optional(name)
		if len([]rune(name)) > maxMetadataKey {
			entry.Fault("must have a name of at most 40 characters")
		}
		if entry.Kind() == strictjson.Null || !conforms(entry, optionalText(maxMetadataValue, "")) {
			continue
		}
		if key, value := spelling.ID(clean(name)), spelling.ID(clean(entry.Literal())); key != "" && value != "" {
			entries[key] = value
		}
	}
	if len(entries) > 0 {
		t.Metadata = entries
	}
}

// ReadTransaction reads a body as POST /transact does, but only to look at it: the transaction has no id, and is not
// processed. The error is a *Problem with all faults.
func ReadTransaction(body []byte, cards card.Describer) (*transaction.Transaction, error) {
	t, _, err := reader{cards: cards}.read(body)
	return t, err
}
