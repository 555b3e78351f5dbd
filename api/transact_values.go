package api

import (
	"encoding/json"
	"net/mail"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/text/encoding/charmap"

	"dummyorders/domain/address"
	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/internal/spelling"
	"dummyorders/internal/strictjson"
)

// The values of a transaction's members. Each reader notes the fault of its value and goes on.

// nullable makes a schema allow null too, in each of its forms, and returns it.
func nullable(s *huma.Schema) *huma.Schema {
	for _, form := range append([]*huma.Schema{s}, s.AnyOf...) {
		form.Nullable = form.Type != ""
	}
	return s
}

var currencySchema = &huma.Schema{
	Type: huma.TypeString, Description: "An ISO 4217 code of a currency that is in use", Examples: []any{"INR"},
	Pattern: pattern(`^[A-Z]{3}$`, "must be an ISO 4217 currency code in capitals, such as INR or USD"),
}

func readCurrency(v *strictjson.Value) money.Currency {
	currency, err := money.ParseCurrency(v.Literal())
	if err != nil {
		v.Fault(err.Error())
		return ""
	}
	return currency
}

// amountSchema returns the schema of a decimal: a string, which no client rounds, or a number.
func amountSchema(doc string, zero bool) *huma.Schema {
	number := &huma.Schema{Type: huma.TypeNumber, Format: "double", ExclusiveMaximum: new(1e12)}
	text := &huma.Schema{Type: huma.TypeString, Pattern: amountPattern}
	if zero {
		number.Minimum, text.Pattern = new(0.0), amountOrZeroPattern
	} else {
		number.ExclusiveMinimum = new(0.0)
	}
	return &huma.Schema{
		AnyOf: []*huma.Schema{text, number}, Examples: []any{"123.00", json.Number("123.00")},
		Description: doc + " A decimal of at most 12 digits before the point, and as many after it as its currency has. " +
			"It is read exactly, as a string or as a number.",
	}
}

// An amount as a string has no exponent.
var (
	amountPattern       = pattern(`^0*(?:[1-9][0-9]{0,11}(?:\.[0-9]+)?|0\.0*[1-9][0-9]*)$`, "must be a decimal of more than zero, such as 123.45")
	amountOrZeroPattern = pattern(`^0*[0-9]{1,12}(?:\.[0-9]+)?$`, "must be a decimal, such as 123.45")
)

// readAmount reads an amount in a currency. Faults of the currency itself are reported elsewhere.
func readAmount(v *strictjson.Value, currency money.Currency, zeroAllowed bool) money.Money {
	if currency == "" {
		currency = "CLF" // without a currency, check what holds for all: none has more digits than CLF
	}
	amount, err := money.Parse(v.Literal(), currency)
	switch {
	case err != nil:
		v.Fault(err.Error())
	case amount.Minor == 0 && !zeroAllowed:
		v.Fault("must be more than zero")
	}
	return amount
}

// readQuantity reads a whole number however it is written: 2.0 is 2.
func readQuantity(v *strictjson.Value) int64 {
	digits, whole := money.Whole(v.Literal(), len(strconv.Itoa(transaction.MaxQuantity)))
	quantity, _ := strconv.ParseInt(digits, 10, 64)
	if !whole || quantity < 1 || quantity > transaction.MaxQuantity {
		v.Fault("must be a whole number from 1 to 1000000")
		return 1
	}
	return quantity
}

// idSchema returns the schema of a string, or of a whole number with as many digits.
func idSchema(doc, example string, required bool) *huma.Schema {
	text := optionalText(transaction.MaxID, "")
	if required {
		text = requiredText(transaction.MaxID, "", "")
		text.Examples = nil
	}
	return &huma.Schema{Description: doc, Examples: []any{example, json.Number(example)}, AnyOf: []*huma.Schema{
		text, {Type: huma.TypeInteger, Minimum: new(0.0), ExclusiveMaximum: new(1e64)},
	}}
}

// mustShow notes a fault if nothing is left of a text.
func mustShow(v *strictjson.Value, left string) string {
	if left == "" && !v.Faulty() {
		v.Fault("must not be empty")
	}
	return left
}

// readID returns a string in the spelling in which ids are compared, and a whole number as its digits, however it is
// written: 1234.0 is 1234.
func readID(v *strictjson.Value) string {
	if v.Kind() != strictjson.Number {
		return spelling.ID(v.Literal())
	}
	digits, whole := money.Whole(v.Literal(), transaction.MaxID)
	if !whole {
		v.Fault("must be a whole number or a string")
	}
	return digits
}

// cardSchema allows a number's digits, or the same as a string with spaces or dashes. A number with an exponent or a point
// is refused, even a whole one: it went through a float, which keeps 15 digits.
func cardSchema(f transaction.Field) *huma.Schema {
	return &huma.Schema{Description: f.Doc, Examples: []any{f.Example}, AnyOf: []*huma.Schema{
		{Type: huma.TypeString, Pattern: cardPattern},
		{Type: huma.TypeInteger, Minimum: new(1e11), ExclusiveMaximum: new(1e19)},
	}}
}

var cardPattern = pattern(card.NumberPattern, card.ErrNumber.Error())

// clean returns a text without control characters. Those that are misplaced letters and signs of Windows-1252 become what
// was meant, as U+0092 becomes an apostrophe. The others become spaces.
func clean(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r >= 0x80 && r <= 0x9f {
			r = charmap.Windows1252.DecodeByte(byte(r))
		}
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text))
}

// Signals: a transaction can do without these, so they are kept as far as they can be read. Rules can ask whether they were
// well-formed.

// readSignal returns a reader of the field at a path. read reports whether the text is well-formed.
func readSignal(path string, read func(text string, t *transaction.Transaction) bool) func(*strictjson.Value, *posting) {
	return func(v *strictjson.Value, p *posting) {
		if text := clean(v.Literal()); text != "" && !read(text, &p.Transaction) {
			p.Malformed = append(p.Malformed, path)
		}
	}
}

func readIP(text string, t *transaction.Transaction) bool {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		text = withPort.Addr().String()
	}
	if inner, bracketed := strings.CutPrefix(text, "["); bracketed {
		text = strings.TrimSuffix(inner, "]")
	}
	ip, _, err := address.Parse(text)
	if err == nil {
		t.IP = ip.String()
	}
	return err == nil
}

// readEmail keeps an address that has something on both sides of its last @. It counts as well-formed if it is an addr-spec
// by RFC 5322, in letters of any script. Some operators gave out other addresses, such as taro..@docomo.ne.jp.
func readEmail(text string, t *transaction.Transaction) bool {
	found, err := mail.ParseAddress(text)
	if err == nil && found.Name == "" && !strings.ContainsAny(text, "<(") && utf8.RuneCountInString(text) <= transaction.MaxName {
		t.Customer.Email = text
		return true
	}
	if err == nil {
		text = found.Address
	}
	at := strings.LastIndexByte(text, '@')
	if at > 0 && at < len(text)-1 && utf8.RuneCountInString(text) <= transaction.MaxName && !strings.ContainsFunc(text, unicode.IsSpace) {
		t.Customer.Email = text
	}
	return false
}

// timeForm is RFC 3339 and what people write instead: without a time, a zone or the zone's colon, with a space for the T,
// with a comma, in small letters, or with the name of the zone behind it, as in RFC 9557.
var timeForm = regexp.MustCompile(`^(\d{4})-?(\d\d)-?(\d\d)(?:(?:[Tt_]| +)(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?` +
	` ?([Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?(?:\[[^\]]*\])?$`)

func readCreated(text string, t *transaction.Transaction) bool {
	at, ok := parseTime(text)
	if ok {
		t.Customer.CreatedAt = at
	}
	return ok
}

// parseTime reads a leap second, the 60th, as the first second of the next minute.
func parseTime(text string) (time.Time, bool) {
	parts := timeForm.FindStringSubmatch(text)
	if parts == nil {
		return time.Time{}, false
	}
	clock := parts[4] + ":" + parts[5] + ":" + parts[6]
	switch {
	case parts[4] == "":
		clock = "00:00:00"
	case parts[6] == "":
		clock += "00"
	}
	leap := time.Duration(0)
	if strings.HasSuffix(clock, ":60") {
		clock, leap = clock[:6]+"59", time.Second
	}
	zone := strings.ReplaceAll(parts[8], ":", "")
	switch {
	case len(zone) == 3 && !unicode.IsLetter(rune(zone[0])):
		zone += "00"
	case len(zone) != 5:
		zone = "+0000"
	}
	at, err := time.Parse("2006-01-02 15:04:05 -0700", parts[1]+"-"+parts[2]+"-"+parts[3]+" "+clock+" "+zone)
	fraction, _ := time.ParseDuration("0." + parts[7] + "0s")
	at = at.Add(leap + fraction).UTC()
	return at, err == nil && at.Year() >= 1 && at.Year() <= 9999
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, unicode.IsControl)
}
