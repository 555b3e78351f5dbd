package api

import (
	"math"
	"net/http"
	"net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"dummyorders/domain/card"
	"dummyorders/domain/transaction"
	"dummyorders/internal/spelling"
	"dummyorders/internal/strictjson"
)

// Bounds of what a merchant may post, in characters and in numbers of things. Those of metadata are what payment
// providers allow.
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

// reader makes transactions of request bodies. It is the only place that sees card numbers.
type reader struct {
	cards   card.Describer
	methods []string // payment methods that have a gateway; empty where each has
}

// method returns a payment method in the spelling that is stored, and refuses one that has no gateway.
func (r reader) method(v *strictjson.Value, posted string) string {
	method := spelling.PaymentMethod(posted)
	switch {
	case posted == "": // a fault already
	case method == "":
		v.Fault("must not be empty")
	case len(r.methods) > 0 && !slices.Contains(r.methods, method):
		v.Fault("is not known here: must be one of " + strings.Join(r.methods, ", "))
	}
	return method
}

// read returns every fault at once, as a *Problem. digest is the same for bodies that say the same.
func (r reader) read(body []byte) (t *transaction.Transaction, digest string, err error) {
	doc, err := strictjson.Parse(body)
	if err != nil {
		return nil, "", problem(http.StatusBadRequest, err.Error())
	}
	root := doc.Root()
	if root.Is(strictjson.Object) {
		refuseVerificationValues(root)
		t = r.transaction(root)
		t.PaymentMethod = r.method(root.Optional("paymentMethod"), t.PaymentMethod)
	}
	if faults := doc.Faults(); len(faults) > 0 {
		return nil, "", invalid("the transaction", faults)
	}
	return t, r.cards.Digest(root.Canonical()), nil
}

func (r reader) transaction(root *strictjson.Value) *transaction.Transaction {
	t := &transaction.Transaction{
		Order:           readOrder(root.Required("order")),
		PaymentMethod:   text(root.Required("paymentMethod"), maxWord),
		Payment:         r.payment(root.Required("payment")),
		Customer:        readCustomer(root.Optional("customer")),
		IP:              readIP(root.Optional("ip")),
		BillingCountry:  readCountryOf(root.Optional("billing")),
		ShippingCountry: readCountryOf(root.Optional("shipping")),
		Metadata:        readMetadata(root.Optional("metadata")),
	}
	root.RefuseUnknown()
	refuseCardNumber(root, root.Optional("payment").Optional("card"))
	return t
}

func (r reader) payment(v *strictjson.Value) transaction.Payment {
	if !v.Is(strictjson.Object) {
		return transaction.Payment{}
	}
	p := transaction.Payment{
		Type:   text(v.Required("type"), maxWord),
		Amount: readMoney(v.Required("amount"), v.Required("currency")),
	}
	number, token := v.Optional("card"), v.Optional("token")
	if (number == nil) == (token == nil) {
		v.Fault("must have either card or token")
	}
	if number != nil && number.Is(strictjson.Number, strictjson.String) {
		if parsed, err := card.ParseNumber(number.Literal()); err != nil {
			number.Fault(err.Error())
		} else {
			p.Card = r.cards.Describe(parsed)
		}
	}
	if token != nil {
		p.Token = r.token(token)
	}
	v.RefuseUnknown()
	return p
}

func readOrder(v *strictjson.Value) transaction.Order {
	if !v.Is(strictjson.Object) {
		return transaction.Order{}
	}
	cost, currency := v.Required("cost"), v.Required("currency")
	o := transaction.Order{
		ID:   readID(v.Required("id")),
		Name: text(v.Optional("name"), maxName),
		Cost: readMoney(cost, currency),
	}
	if items := v.Optional("items"); items != nil {
		o.Items = readItems(items, currency)
		mustAddUp(items, o)
	}
	v.RefuseUnknown()
	return o
}

func readItems(v, currency *strictjson.Value) []transaction.Item {
	if !v.Is(strictjson.Array) {
		return nil
	}
	if len(v.Elements()) == 0 || len(v.Elements()) > maxItems {
		v.Fault("must hold 1 to 100 items, or be left out")
		return nil
	}
	items := make([]transaction.Item, 0, len(v.Elements()))
	for _, element := range v.Elements() {
		if element.Is(strictjson.Object) {
			items = append(items, readItem(element, currency))
		}
	}
	return items
}

func readItem(v, currency *strictjson.Value) transaction.Item {
	item := transaction.Item{
		ID:       readID(v.Required("id")),
		Name:     text(v.Optional("name"), maxName),
		Cost:     readAmount(v.Required("cost"), currency, false),
		Quantity: readQuantity(v.Optional("quantity")),
		Discount: readAmount(v.Optional("discount"), currency, true),
	}
	switch {
	case item.Quantity > 0 && item.Cost.Minor > math.MaxInt64/maxItems/item.Quantity:
		v.Fault("must not cost that much: its cost times its quantity is beyond any order")
		item.Quantity = 0
	case item.Cost.Minor > 0 && item.Quantity > 0 && item.Total() < 0:
		v.Optional("discount").Fault("must not be more than the item's cost times its quantity")
	}
	v.RefuseUnknown()
	return item
}

// mustAddUp is checked only where every part was read: otherwise those faults are the ones to tell.
func mustAddUp(v *strictjson.Value, o transaction.Order) {
	sum := int64(0)
	for _, item := range o.Items {
		if item.Cost.Minor == 0 || item.Quantity == 0 {
			return
		}
		sum += item.Total()
	}
	if len(o.Items) == len(v.Elements()) && len(o.Items) > 0 && o.Cost.Minor > 0 && sum != o.Cost.Minor {
		v.Fault("the items' costs times quantities, less discounts, must add up to the order's cost")
	}
}

func readCustomer(v *strictjson.Value) *transaction.Customer {
	if v == nil || !v.Is(strictjson.Object) {
		return nil
	}
	c := &transaction.Customer{}
	if id := v.Optional("id"); id != nil {
		c.ID = readID(id)
	}
	if email := v.Optional("email"); email != nil {
		c.Email = text(email, maxName)
		if address, err := mail.ParseAddress(c.Email); c.Email != "" && (err != nil || address.Address != c.Email) {
			email.Fault("must be an e-mail address such as jo@example.com")
		}
	}
	if created := v.Optional("createdAt"); created.Is(strictjson.String) {
		at, err := time.Parse(time.RFC3339, created.Literal())
		if err != nil {
			created.Fault("must be a time such as 2024-05-17T08:30:00Z")
		}
		c.CreatedAt = at
	}
	v.RefuseUnknown()
	return c
}

func readMetadata(v *strictjson.Value) map[string]string {
	if v == nil || !v.Is(strictjson.Object) {
		return nil
	}
	if len(v.Names()) > maxMetadata {
		v.Fault("must hold at most 50 entries")
		return nil
	}
	entries := make(map[string]string, len(v.Names()))
	for _, name := range v.Names() {
		entry := v.Optional(name)
		if spelling.ID(name) == "" || utf8.RuneCountInString(name) > maxMetadataKey || !printable(name) {
			entry.Fault("must have a name of 1 to 40 printable characters")
		}
		key := spelling.ID(name)
		if _, twice := entries[key]; twice {
			entry.Fault("must have a name of its own: another entry's is the same in another spelling")
		}
		entries[key] = spelled(entry, maxMetadataValue)
	}
	return entries
}

func readCountryOf(v *strictjson.Value) string {
	if v == nil || !v.Is(strictjson.Object) {
		return ""
	}
	country := v.Required("country")
	if country.Is(strictjson.String) && !countryCode.MatchString(country.Literal()) {
		country.Fault("must be an ISO 3166-1 country code of two capitals, such as IN")
	}
	v.RefuseUnknown()
	return country.Literal()
}

var countryCode = regexp.MustCompile(`^[A-Z]{2}$`)

func readIP(v *strictjson.Value) string {
	if v == nil || !v.Is(strictjson.String) {
		return ""
	}
	address, err := netip.ParseAddr(v.Literal())
	if err != nil || address.Zone() != "" {
		v.Fault("must be an IPv4 or IPv6 address")
		return ""
	}
	return address.String()
}
