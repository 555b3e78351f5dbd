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

// reader turns request bodies into transactions. It is the only place that sees card numbers.
type reader struct {
	cards   card.Describer
	methods []string // payment methods that have a gateway; nil if all have one
	// maskOrderIDs masks orders' ids that look like card numbers, which are refused otherwise.
	maskOrderIDs bool
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

// read returns all faults at once, as a *Problem. key is the request's idempotency key; with one, the receipt
// has the digests of what was posted.
func (r reader) read(body []byte, key string) (*transaction.Transaction, transaction.Receipt, error) {
	doc, err := strictjson.Parse(body)
	if err != nil {
		return nil, transaction.Receipt{}, problem(http.StatusBadRequest, err.Error())
	}
	root := doc.Root()
	p := posting{reader: r}
	if root.Is(strictjson.Object) {
		refuseVerificationValues(root)
		transactions.read(root, &p)
		if r.refuseCardNumbers(root).AppearsIn(key) {
			return nil, transaction.Receipt{}, keyHoldsNumber()
		}
	}
	if faults := doc.Faults(); len(faults) > 0 {
		return nil, transaction.Receipt{}, invalid("the transaction", faults)
	}
	if key == "" {
		return &p.Transaction, transaction.Receipt{}, nil
	}
	return &p.Transaction, transaction.Receipt{BodyDigest: r.digest(p.Transaction), TextDigest: r.cards.Digest(root.Canonical())}, nil
}

// digest returns the same digest for all bodies that are read as the same transaction, however they are written. Of the
// card it takes only the fingerprint: the other details may change with the program.
func (r reader) digest(t transaction.Transaction) string {
	t.Payment.Card = card.Details{Fingerprint: t.Payment.Card.Fingerprint}
	values, _ := json.Marshal(t) // a transaction that was read can always be encoded
	return r.cards.Digest(append([]byte("values "), values...))
}

// posting is a transaction that is being read.
type posting struct {
	transaction.Transaction

	reader reader
}

// transactions lists what a transaction's body may hold.
var transactions = objectOf(transaction.Field{Required: true})

// objectOf returns the object that holds the fields below f. Currencies come first: amounts are read in them.
func objectOf(f transaction.Field) object[posting] {
	var currencies, members []member[posting]
	for _, below := range transaction.Fields {
		in, name := below.Split()
		if in != f.Path {
			continue
		}
		if below.Form == transaction.Amount {
			currencies = append(currencies, member[posting]{"currency", below.Required, currencySchema, func(v *strictjson.Value, p *posting) {
				below.Money(&p.Transaction).Currency = readCurrency(v)
			}})
		}
		members = append(members, memberOf(name, below))
	}
	return object[posting]{name: objectNames[f.Path], optional: !f.Required, members: append(currencies, members...)}
}

var objectNames = map[string]string{
	"": "TransactionSchema", "order": "OrderSchema", "payment": "PaymentSchema", "customer": "CustomerSchema",
	"billing": "AddressSchema", "shipping": "AddressSchema",
}

// memberOf returns how a field is described and read.
func memberOf(name string, f transaction.Field) member[posting] {
	m := member[posting]{name: name, required: f.Required, schema: schemaOf(f), read: readers[f.Path]}
	switch {
	case m.read != nil:
	case f.Form == transaction.Object:
		m.read = readObject(f)
	case name == "country":
		m.read = readSignal(f.Path, func(text string, t *transaction.Transaction) (known bool) {
			*f.Text(t), known = spelling.Country(text)
			return known
		})
	case f.Form == transaction.Amount:
		m.read = func(v *strictjson.Value, p *posting) {
			amount := f.Money(&p.Transaction)
			*amount = readAmount(v, amount.Currency, false)
		}
	default:
		m.read = func(v *strictjson.Value, p *posting) { *f.Text(&p.Transaction) = readText(v, f) }
	}
	return m
}

func readObject(f transaction.Field) func(*strictjson.Value, *posting) {
	inner := objectOf(f)
	return func(v *strictjson.Value, p *posting) {
		if f.Path == "customer" {
			p.Customer = &transaction.Customer{}
		}
		inner.read(v, p)
		if f.Path == "payment" && present(v, "card") == present(v, "token") {
			v.Fault("must have either card or token")
		}
	}
}

func present(v *strictjson.Value, name string) bool {
	kind := v.Optional(name).Kind()
	return kind != "" && kind != strictjson.Null
}

// schemaOf returns the schema of a field. An optional one may be null.
func schemaOf(f transaction.Field) *huma.Schema {
	var s *huma.Schema
	switch {
	case f.Form == transaction.Object:
		return object[posting]{name: objectNames[f.Path]}.reference()
	case f.Form == transaction.ID:
		s = idSchema(f.Doc, f.Example, f.Required)
	case f.Form == transaction.Amount:
		s = amountSchema(f.Doc+", more than zero.", false)
	case f.Form == transaction.Signal:
		s = signal(f.Doc+" "+unreadable, f.Example)
	case f.Path == "order.items":
		s = &huma.Schema{Type: huma.TypeArray, MaxItems: &f.Max, Items: items.reference(), Description: f.Doc}
	case f.Path == "payment.card":
		s = cardSchema(f)
	case f.Path == "metadata":
		s = metadataSchema(f)
	case f.Form == transaction.Text && !f.Required:
		s = optionalText(f.Max, f.Doc, f.Example)
	default:
		s = requiredText(f.Max, f.Doc, f.Example)
	}
	if !f.Required {
		nullable(s)
	}
	return s
}

// readText returns an id or a text, cleaned where it is optional.
func readText(v *strictjson.Value, f transaction.Field) string {
	switch {
	case f.Form == transaction.ID && f.Required:
		return mustShow(v, readID(v))
	case f.Form == transaction.ID:
		return clean(readID(v))
	case f.Required:
		return v.Literal()
	}
	return clean(v.Literal())
}

// readers read the fields that need more than their form says.
var readers = map[string]func(*strictjson.Value, *posting){
	"order.id": func(v *strictjson.Value, p *posting) {
		p.Order.ID = mustShow(v, p.reader.orderID(readID(v)))
	},
	"order.items":   func(v *strictjson.Value, p *posting) { readItems(v, &p.Order) },
	"paymentMethod": func(v *strictjson.Value, p *posting) { p.PaymentMethod = p.reader.method(v) },
	"payment.card": func(v *strictjson.Value, p *posting) {
		if number, err := card.ParseNumber(v.Literal()); err != nil {
			v.Fault(err.Error())
		} else {
			p.Payment.Card = p.reader.cards.Describe(number)
		}
	},
	"payment.token":      func(v *strictjson.Value, p *posting) { p.Payment.Token = p.reader.token(v) },
	"customer.email":     readSignal("customer.email", readEmail),
	"customer.createdAt": readSignal("customer.createdAt", readCreated),
	"ip":                 readSignal("ip", readIP),
	"metadata":           readMetadata,
}

var items = object[transaction.Item]{name: "ItemSchema", members: []member[transaction.Item]{
	{
		"id", true, idSchema("The merchant's id of what is bought", "1234", true),
		func(v *strictjson.Value, i *transaction.Item) { i.ID = mustShow(v, readID(v)) },
	},
	{
		"name", false, optionalText(transaction.MaxName, "What it is called", "book"),
		func(v *strictjson.Value, i *transaction.Item) { i.Name = clean(v.Literal()) },
	},
	{
		"cost", true, amountSchema("What one piece costs, in the order's currency; 0 if it is free.", true),
		func(v *strictjson.Value, i *transaction.Item) { i.Cost = readAmount(v, i.Cost.Currency, true) },
	},
	{"quantity", false, &huma.Schema{
		Type: huma.TypeInteger, Nullable: true, Minimum: new(1.0), Maximum: new(float64(transaction.MaxQuantity)), Default: 1, Examples: []any{1},
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
		case item.Cost.Minor > math.MaxInt64/transaction.MaxItems/item.Quantity:
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

const unreadable = "A text that cannot be read is left out; the payment is not refused, and rules can ask whether the text was malformed."

func metadataSchema(f transaction.Field) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, MaxProperties: &f.Max, Description: f.Doc, Examples: []any{map[string]string{"channel": "web"}},
		AdditionalProperties: optionalText(transaction.MaxMetadataValue, "What rules can ask for by its name"),
		Extensions:           map[string]any{"propertyNames": map[string]any{"maxLength": transaction.MaxMetadataKey}},
	}
}

// readMetadata keeps names and values as they are after cleaning. If two names are the same then, the one that sorts last
// counts, wherever it is in the body.
func readMetadata(v *strictjson.Value, p *posting) {
	entries := map[string]string{}
	for _, name := range slices.Sorted(slices.Values(v.Names())) {
		entry := v.Optional(name)
		if len([]rune(name)) > transaction.MaxMetadataKey {
			entry.Fault("must have a name of at most 40 characters")
		}
		if entry.Kind() == strictjson.Null || !conforms(entry, optionalText(transaction.MaxMetadataValue, "")) {
			continue
		}
		if key, value := spelling.ID(clean(name)), spelling.ID(clean(entry.Literal())); key != "" && value != "" {
			entries[key] = value
		}
	}
	if len(entries) > 0 {
		p.Metadata = entries
	}
}

// ReadTransaction reads a body as POST /transact does, but only to look at it: the transaction has no id, and is not
// processed. maskOrderIDs is as in Options.OrderIDsMayLookLikeCards. The error is a *Problem with all faults.
func ReadTransaction(body []byte, cards card.Describer, maskOrderIDs bool) (*transaction.Transaction, error) {
	t, _, err := reader{cards: cards, maskOrderIDs: maskOrderIDs}.read(body, "")
	return t, err
}
