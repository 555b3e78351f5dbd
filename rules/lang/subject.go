package lang

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"dummyorders/domain/address"
	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/internal/spelling"
	"dummyorders/internal/yamlfile"
)

// subject is a part of the transaction that rules use by a name, such as the card. Its type in CEL has the same name.
type subject struct {
	name, doc string
	fields    []field
	// by is the dimension that features of the subject are counted by; if it is empty, it has no features.
	by velocity.Dimension
	// keyed means that rules use the subject with a key, as in metadata("device"), and that features are counted by that key.
	keyed bool
	// none removes the part from a case's transaction; nil if a transaction always has it. readFrom reads it from a case's given
	// if it is not a mapping of the fields below.
	none     func(*transaction.Transaction)
	readFrom func(*yamlfile.Value, *transaction.Transaction)
	celType  *cel.Type
}

// field is a value of a subject that rules can use.
type field struct {
	name    string
	celType *cel.Type
	doc     string
	example string
	// longest is the most characters that a text can have, by the API's bounds. The cost of a rule is estimated from it.
	longest uint64
	of      func(*subjectValue) ref.Val
	// span is the range of a number; nil if it is not known.
	span *span
	// never returns why the field never equals text or, if part is set, never contains it. It returns an empty string if it
	// may. never may be nil.
	never func(text string, part bool) string
	// readFrom reads the field from the mapping of its subject in a case's given; nil if it follows from other fields.
	readFrom func(*yamlfile.Value, *transaction.Transaction)
}

func (f field) within(s span) field {
	f.span = &s
	return f
}

func (f field) unlike(never func(text string, part bool) string) field {
	f.never = never
	return f
}

// from sets how the field is read from what is written for it in a case's given.
func (f field) from(read func(*yamlfile.Value, *transaction.Transaction)) field {
	f.readFrom = func(v *yamlfile.Value, t *transaction.Transaction) {
		if written := v.Optional(f.name); written != nil {
			read(written, t)
		}
	}
	return f
}

func (s *subject) field(name string) (*field, bool) {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i], true
		}
	}
	return nil, false
}

func (s *subject) fieldNames() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	return names
}

// subjectValue is a subject of one transaction, as a value in CEL. key is the key of a keyed subject.
type subjectValue struct {
	*subject
	view *View
	key  string
}

var _ ref.Val = (*subjectValue)(nil)

// ConvertToNative always fails: it serves programs that take values out of CEL, and none takes out a subject.
func (t *subjectValue) ConvertToNative(to reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s is not a %s", t.name, to)
}

// ConvertToType converts the value to its type; other types are an error.
func (t *subjectValue) ConvertToType(to ref.Type) ref.Val {
	if to == types.TypeType {
		return t.celType
	}
	return types.NewErr("%s is not a %s", t.name, to)
}

// Equal reports whether other is the same part of the same transaction.
func (t *subjectValue) Equal(other ref.Val) ref.Val {
	o, ok := other.(*subjectValue)
	return types.Bool(ok && *o == *t)
}

// Type returns the subject's type.
func (t *subjectValue) Type() ref.Type { return t.celType }

// Value returns the subjectValue itself, which fields are read from.
func (t *subjectValue) Value() any { return t }

// provider gives CEL the types and fields of the subjects. Rules cannot construct subjects.
type provider struct {
	types.Provider
}

// FindStructType returns the type of a subject.
func (p provider) FindStructType(name string) (*types.Type, bool) {
	if s, ok := subjectNamed[name]; ok {
		return types.NewTypeTypeWithParam(s.celType), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldType returns the type of a subject's field and how to read it. has(card.brand) is true unless the text is
// empty.
func (p provider) FindStructFieldType(name, fieldName string) (*types.FieldType, bool) {
	s, ok := subjectNamed[name]
	if !ok {
		return p.Provider.FindStructFieldType(name, fieldName)
	}
	f, ok := s.field(fieldName)
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type:    f.celType,
		IsSet:   func(target any) bool { return isSet(f, target) },
		GetFrom: func(target any) (any, error) { return read(f, target) },
	}, true
}

func isSet(f *field, target any) bool {
	t, ok := target.(*subjectValue)
	return ok && f.of(t) != types.String("")
}

func read(f *field, target any) (any, error) {
	t, ok := target.(*subjectValue)
	if !ok {
		return nil, fmt.Errorf("%s cannot be read from a %T", f.name, target)
	}
	return f.of(t), nil
}

// subjects holds everything that rules can use of a transaction apart from its time. Both the environment that rules are
// compiled in and the documentation of the vocabulary are made from this table.
var subjects = []*subject{
	{name: "order", by: velocity.Order, doc: "what is bought", fields: append(posted("order"),
		whole("items", "how many lines the order has; 0 where they were not given", `order.items > 20`,
			func(t *subjectValue) int { return len(t.view.Order.Items) }).within(span{most: transaction.MaxItems}).
			from(func(v *yamlfile.Value, t *transaction.Transaction) {
				t.Order.Items = make([]transaction.Item, v.Whole(0, transaction.MaxItems))
			}),
	)},
	{name: "payment", doc: "how it is paid for", fields: append(posted("payment"),
		truth("token", "whether it is paid with a gateway's token, and no card is known", `payment.token`,
			func(t *subjectValue) bool { return t.view.Payment.Token != "" }).
			from(func(v *yamlfile.Value, t *transaction.Transaction) {
				if v.Truth() {
					t.Payment.Token = "token"
				}
			}),
	)},
	{name: "card", by: velocity.Card, doc: "the card that it is paid with", none: func(t *transaction.Transaction) { t.Payment.Card = card.Details{} }, fields: []field{
		truth("known", "whether there is a card: a payment by token has none", `card.known && !card.luhnValid`,
			func(t *subjectValue) bool { return t.view.Payment.Card.Fingerprint != "" }),
		scheme("brand", "the card scheme in small letters, visa or rupay say; unknown where the number belongs to none",
			`card.brand in ["amex", "diners"]`, func(t *transaction.Transaction) *string { return &t.Payment.Card.Brand }),
		scheme("coBrand", "the second scheme of a card that has two, such as dankort and visa; empty if it has one",
			`card.brand == "visa" || card.coBrand == "visa"`, func(t *transaction.Transaction) *string { return &t.Payment.Card.CoBrand }),
		kept("firstSix", 6, "the first six digits", `card.firstSix.startsWith("4111")`, sixDigits,
			func(t *transaction.Transaction) *string { return &t.Payment.Card.FirstSix }).unlike(neverLike(sixDigits)),
		kept("lastFour", 4, "the last four digits", `card.lastFour == "1111"`, fourDigits,
			func(t *transaction.Transaction) *string { return &t.Payment.Card.LastFour }).unlike(neverLike(fourDigits)),
		whole("length", "how many digits the number has", `card.brand == "amex" && card.length != 15`,
			func(t *subjectValue) int { return t.view.Payment.Card.Length }).within(span{most: card.MaxDigits}).
			from(func(v *yamlfile.Value, t *transaction.Transaction) {
				t.Payment.Card.Length = v.Whole(0, card.MaxDigits)
			}),
		truth("wrongLength", "whether it is sure that the card's schemes have no numbers of this length", `card.wrongLength`,
			func(t *subjectValue) bool { return t.view.Payment.Card.WrongLength() }),
		truth("luhnValid", "whether the number's check digit is right", `card.known && !card.luhnValid`,
			func(t *subjectValue) bool { return t.view.Payment.Card.LuhnValid }).
			from(func(v *yamlfile.Value, t *transaction.Transaction) { t.Payment.Card.LuhnValid = v.Truth() }),
		kept("fingerprint", 64, "what the card is recognised by: a keyed digest of its number", `card.fingerprint != ""`, fingerprint,
			func(t *transaction.Transaction) *string { return &t.Payment.Card.Fingerprint }).unlike(neverLike(fingerprint)),
	}},
	{name: "customer", by: velocity.Customer, doc: "who buys, as far as the merchant says", none: func(t *transaction.Transaction) { t.Customer = nil }, fields: slices.Concat([]field{
		truth("known", "whether the merchant said anything", `customer.known`,
			func(t *subjectValue) bool { return t.view.Customer != nil }),
	}, posted("customer"), []field{
		text("emailDomain", transaction.MaxName, "what stands after the mail address's @, in small letters and as mail servers know it: `xn--bcher-kva.example` for bücher.example", `customer.emailDomain.endsWith(".example")`,
			func(t *subjectValue) string { return emailDomain(t.view.customer.Email) }).unlike(neverSpelled(spellDomain)),
		malformed("emailMalformed", "whether a mail address was posted that RFC 5322 does not allow; what can be read of it is the address. "+
			"Some operators gave out such addresses, and buyers have them", `customer.emailMalformed && !customer.dated`, "customer.email"),
		malformed("createdAtMalformed", "whether createdAt was posted but is not a time; it has no date then",
			`customer.createdAtMalformed`, "customer.createdAt"),
		truth("dated", "whether the merchant said since when the customer has an account", `customer.dated`,
			func(t *subjectValue) bool { return !t.view.customer.CreatedAt.IsZero() }),
		field{
			name: "createdAt", celType: cel.TimestampType, doc: "since when; the year 1 where it is not dated",
			example: `customer.createdAt > timestamp("2026-01-01T00:00:00Z")`,
			of:      func(t *subjectValue) ref.Val { return types.Timestamp{Time: t.view.customer.CreatedAt.UTC()} },
		}.from(readCreated),
		{
			name: "age", celType: cel.DurationType, doc: "how old the account was when the transaction was accepted; 0 where it is not dated",
			example: `customer.dated && customer.age < duration("72h")`,
			of:      func(t *subjectValue) ref.Val { return types.Duration{Duration: t.view.age()} },
			span:    &notBelow0,
		},
	})},
	{name: "ip", by: velocity.IP, doc: "the address that it was ordered from", readFrom: readAddress, none: func(t *transaction.Transaction) { t.IP = "" }, fields: []field{
		truth("known", "whether the merchant said it", `ip.known`,
			func(t *subjectValue) bool { return t.view.IP != "" }),
		malformed("malformed", "whether something was posted that is not an address; it is not known then", `ip.malformed`, "ip"),
		truth("global", "whether it is one of the internet: one that is private, loopback, link-local, reserved or the like names no buyer, and is not counted",
			`ip.known && !ip.global`, func(t *subjectValue) bool { return address.Subscriber(t.view.IP) != "" }),
		text("address", 64, "the address; the IPv4 address that one of IPv6 embeds, as in NAT64 and 6to4",
			`ip.address.startsWith("192.0.2.")`, func(t *subjectValue) string { return addressText(t.view.IP) }).unlike(neverAddress),
	}},
	{name: "billing", doc: "where it is billed", none: func(t *transaction.Transaction) { t.BillingCountry = "" }, fields: append(posted("billing"),
		malformed("malformed", "whether something was posted that is not a country; the country is empty then", `billing.malformed`, "billing.country"),
	)},
	{name: "shipping", doc: "where it is sent", none: func(t *transaction.Transaction) { t.ShippingCountry = "" }, fields: append(posted("shipping"),
		malformed("malformed", "whether something was posted that is not a country; the country is empty then", `shipping.malformed`, "shipping.country"),
	)},
	{name: "metadata", keyed: true, doc: "what the merchant posted beside it, by its key", readFrom: readMetadata, fields: []field{
		truth("known", "whether the metadata has this key", `metadata("terminal").known`,
			func(t *subjectValue) bool { _, known := t.view.Metadata[t.key]; return known }),
		text("value", transaction.MaxMetadataValue, "the value of the key; empty if there is no such key", `metadata("channel").value == "phone"`,
			func(t *subjectValue) string { return t.view.Metadata[t.key] }),
	}},
}

// subjectNamed maps names to subjects. Building it sets the type of each subject.
var subjectNamed = func() map[string]*subject {
	all := map[string]*subject{}
	for _, s := range subjects {
		s.celType = cel.ObjectType(s.name)
		all[s.name] = s
	}
	return all
}()

// posted returns the fields of a subject that are kept as they are posted, by the table of all fields.
func posted(of string) []field {
	var fields []field
	for _, f := range transaction.Fields {
		word := cmp.Or(f.Word, f.Path)
		subject, name, _ := strings.Cut(word, ".")
		if subject != of || f.Text == nil && f.Money == nil {
			continue
		}
		doc, example := cmp.Or(f.RuleDoc, strings.ToLower(f.Doc[:1])+f.Doc[1:]), cmp.Or(f.When, fmt.Sprintf("%s == %q", word, f.Example))
		if f.Money != nil {
			fields = append(fields, amount(name, doc, example, f.Money), currency(of, f.Money))
			continue
		}
		var kind entryKind
		var never func(string, bool) string
		switch {
		case f.Form == transaction.ID:
			f.Max, kind.spell = transaction.MaxID, spelling.ID
		case word == "payment.method":
			kind.spell, never = spelling.PaymentMethod, neverSpelled(spelling.PaymentMethod)
		case name == "country":
			kind, never = country, neverCountry
		case f.RuleDoc == "" && f.Required:
			doc += ", as posted"
		case f.RuleDoc == "":
			doc += "; empty if not given"
		}
		made := kept(name, f.Max, doc, example, kind, f.Text).unlike(never)
		if word == "payment.method" {
			made.of = func(t *subjectValue) ref.Val { return types.String(spelling.PaymentMethod(t.view.PaymentMethod)) }
		}
		fields = append(fields, made)
	}
	return fields
}

// kept returns a text that a transaction keeps at a place of its own. A case gives it in a spelling and a look of its kind.
func kept(name string, longest int, doc, example string, kind entryKind, at func(*transaction.Transaction) *string) field {
	f := text(name, uint64(longest), doc, example, func(t *subjectValue) string { return *at(&t.view.Transaction) }) //nolint:gosec // bounds are positive
	return f.from(func(v *yamlfile.Value, t *transaction.Transaction) {
		given := v.Text()
		*at(t) = given
		if kind.spell != nil {
			*at(t) = kind.spell(given)
		}
		if given != "" && kind.looks != nil && !kind.looks.MatchString(*at(t)) {
			v.Fault("%q must be %s", given, kind.like)
		}
	})
}

// scheme returns the brand of a card.
func scheme(name, doc, example string, at func(*transaction.Transaction) *string) field {
	return kept(name, 32, doc, example, entryKind{}, at).unlike(neverBrand).
		from(func(v *yamlfile.Value, t *transaction.Transaction) { *at(t) = v.Choice(brands...) })
}

func amount(name, doc, example string, at func(*transaction.Transaction) *money.Money) field {
	f := number(name, doc+", in whole units of its currency", example, func(t *subjectValue) float64 {
		m := at(&t.view.Transaction)
		return m.Currency.Major(m.Minor)
	}).within(notBelow0)
	f.readFrom = func(v *yamlfile.Value, t *transaction.Transaction) { readAmount(v, name, at(t)) }
	return f
}

// currency returns the currency of an amount of a subject. A case's is read together with the amount.
func currency(of string, at func(*transaction.Transaction) *money.Money) field {
	example := `order.currency == "INR"`
	if of != "order" {
		example = of + ".currency != order.currency"
	}
	f := text("currency", 3, "the "+of+"'s currency, by ISO 4217", example, func(t *subjectValue) string {
		return string(at(&t.view.Transaction).Currency)
	}).unlike(neverCurrency)
	f.readFrom = func(*yamlfile.Value, *transaction.Transaction) {}
	return f
}

func text(name string, longest uint64, doc, example string, of func(*subjectValue) string) field {
	return field{
		name: name, celType: cel.StringType, doc: doc, example: example, longest: longest,
		of: func(t *subjectValue) ref.Val { return types.String(of(t)) },
	}
}

func number(name, doc, example string, of func(*subjectValue) float64) field {
	return field{
		name: name, celType: cel.DoubleType, doc: doc, example: example,
		of: func(t *subjectValue) ref.Val { return types.Double(of(t)) },
	}
}

func whole(name, doc, example string, of func(*subjectValue) int) field {
	return field{
		name: name, celType: cel.IntType, doc: doc, example: example,
		of: func(t *subjectValue) ref.Val { return types.Int(of(t)) },
	}
}

func truth(name, doc, example string, of func(*subjectValue) bool) field {
	return field{
		name: name, celType: cel.BoolType, doc: doc, example: example,
		of: func(t *subjectValue) ref.Val { return types.Bool(of(t)) },
	}
}

// malformed returns a field that says whether a part of the request was malformed. part is its name in the request.
func malformed(name, doc, example, part string) field {
	return truth(name, doc, example, func(t *subjectValue) bool { return slices.Contains(t.view.Malformed, part) })
}

// addressText returns the one form of an address that counts, which is the IPv4 address where an IPv6 address embeds one.
// A text that is not an address stays as it was posted.
func addressText(ip string) string {
	_, counts, err := address.Parse(ip)
	if err != nil {
		return ip
	}
	return counts.String()
}
