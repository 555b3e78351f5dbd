package api_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

// faults posts a body that must be refused, and returns the faults' details by their pointers.
func faults(t *testing.T, body string) map[string]string {
	t.Helper()
	answer := post(t, unreachable(t), body)
	require.Equal(t, http.StatusUnprocessableEntity, answer.Code, "%s", answer.Body)
	found := map[string]string{}
	for _, fault := range asProblem(t, answer).Errors {
		found[fault.Pointer] = fault.Detail
	}
	return found
}

// with returns the seed's body with one member set to a JSON value. A path is such as "order.cost".
func with(t *testing.T, path, value string) string {
	t.Helper()
	var body map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(api.SeedExample), &body))
	parent, name, nested := strings.Cut(path, ".")
	if !nested {
		body[parent] = json.RawMessage(value)
	} else {
		var inner map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body[parent], &inner))
		inner[name] = json.RawMessage(value)
		body[parent] = marshal(t, inner)
	}
	return string(marshal(t, body))
}

// A wrong value is named by its pointer.
func TestTransactFaults(t *testing.T) {
	for _, test := range []struct{ path, value, pointer, detail string }{
		{"order.id", `1.5`, "#/order/id", "must be a whole number or a string"},
		{"order.id", `""`, "#/order/id", "must not be empty"},
		{"order.id", `null`, "#/order/id", "must be a string or a number"},
		{"order.id", `"` + strings.Repeat("x", 65) + `"`, "#/order/id", "must have at most 64 characters"},
		{"order.name", quoted(strings.Repeat("x", 10_000)), "#/order/name", "must have at most 255 characters"},
		{"order.id", `"\u200b"`, "#/order/id", "must not be empty"},
		{"order.id", `"a\u0092"`, "#/order/id", "must not hold control characters"},
		{"order.cost", `"123,00"`, "#/order/cost", "must be a decimal of more than zero, such as 123.45"},
		{"order.cost", `true`, "#/order/cost", "must be a string or a number"},
		{"payment.card", `null`, "#/payment", "must have either card or token"},
		{"customer", `{"email":7}`, "#/customer/email", "must be a string"},
		{"order.cost", `0`, "#/order/cost", "must be more than zero"},
		{"order.cost", `-1`, "#/order/cost", "must be a positive decimal such as 123.45"},
		{"order.cost", `1e999999999`, "#/order/cost", "must have at most 12 digits before the point"},
		{"order.cost", `1e-999999999`, "#/order/cost", "must have at most 2 decimal digits, as INR has"},
		{"order.cost", `123.001`, "#/order/cost", "must have at most 2 decimal digits, as INR has"},
		{"order.cost", `1234567890123`, "#/order/cost", "must have at most 12 digits before the point"},
		{"order.currency", `"inr"`, "#/order/currency", "must be an ISO 4217 currency code in capitals, such as INR or USD"},
		{"order.currency", `"XXQ"`, "#/order/currency", "must be an ISO 4217 currency code in capitals, such as INR or USD"},
		{"order.items", `[{"id":1,"cost":100.00},{"id":2,"cost":22.99}]`, "#/order/items", "the items' costs times quantities, less discounts, must add up to the order's cost"},
		{"order.items", `[{"id":1,"cost":123.00,"quantity":0}]`, "#/order/items/0/quantity", "must be a whole number from 1 to 1000000"},
		{"order.items", `[{"id":1,"cost":123.00,"quantity":1.5}]`, "#/order/items/0/quantity", "must be a whole number from 1 to 1000000"},
		{"order.items", `[{"id":1,"cost":10.00,"discount":11}]`, "#/order/items/0/discount", "must not be more than the item's cost times its quantity"},
		{"order.items", `[{"id":1,"cost":999999999999.99,"quantity":1000000}]`, "#/order/items/0", "must not cost that much: its cost times its quantity is beyond any order"},
		{"order.items", `[{"id":1,"cost":0,"discount":1},{"id":2,"cost":123}]`, "#/order/items/0/discount", "must not be more than the item's cost times its quantity"},
		{"order.items", `[{"id":1,"cost":0}]`, "#/order/items", "the items' costs times quantities, less discounts, must add up to the order's cost"},
		{"order.items", `[7]`, "#/order/items/0", "must be an object"},
		{"order", `[]`, "#/order", "must be an object"},
		{"paymentMethod", `7`, "#/paymentMethod", "must be a string"},
		{"paymentMethod", `" "`, "#/paymentMethod", "must not be empty"},
		{"payment.card", `12345678901`, "#/payment/card", "must be a card number: 12 to 19 digits, with at most one space or dash between two of them"},
		{"payment.card", `12345678901234567890`, "#/payment/card", "must be a card number: 12 to 19 digits, with at most one space or dash between two of them"},
		{"payment.card", `1.234567887654321e15`, "#/payment/card", "must be a card number: 12 to 19 digits, with at most one space or dash between two of them"},
		{"payment.card", `-4242424242424242`, "#/payment/card", "must be a card number: 12 to 19 digits, with at most one space or dash between two of them"},
		{"payment.card", `"4242424242424242-"`, "#/payment/card", "must be a card number: 12 to 19 digits, with at most one space or dash between two of them"},
		{"payment.card", `1234567887654321.0`, "#/payment/card", "must be a card number: 12 to 19 digits, with at most one space or dash between two of them"},
		{"payment.card", `"4111x11111111111"`, "#/payment/card", "must be a card number: 12 to 19 digits, with at most one space or dash between two of them"},
		{"payment.card", `true`, "#/payment/card", "must be a string or a number"},
		{"payment.amount", `123.5555`, "#/payment/amount", "must have at most 2 decimal digits, as INR has"},
		{"payment.token", `"pm_1"`, "#/payment", "must have either card or token"},
		{"payment.cvv", `123`, "#/payment/cvv", "a card verification value must never be sent here"},
		{"payment.security_code", `"123"`, "#/payment/security_code", "a card verification value must never be sent here"},
		{"metadata", `{"CVC2":"123"}`, "#/metadata/CVC2", "a card verification value must never be sent here"},
		{"creditCardCvv", `"123"`, "#/creditCardCvv", "a card verification value must never be sent here"},
		{"metadata", `{"card security code":"123"}`, "#/metadata/card%20security%20code", "a card verification value must never be sent here"},
		{"metadata", `{"note":"1234.5678.8765.4321"}`, "#/metadata/note", "must not hold the card number, which belongs in payment.card alone"},
		{"metadata", `{"note":"1234\u00a05678_8765\u20114321"}`, "#/metadata/note", "must not hold the card number, which belongs in payment.card alone"},
		{strings.Repeat("x", 250) + "1234567887654321", `1`, "#/" + strings.Repeat("x", 199) + "…", "must not hold the card number, which belongs in payment.card alone"},
		{"order.id", `4242424242424242`, "#/order/id", "must not hold a card number, which belongs in payment.card alone"},
		{"order.name", `"paid with 4242/4242/4242/4242"`, "#/order/name", "must not hold a card number, which belongs in payment.card alone"},
		{"paymentMethod", `"4242x4242x4242x4242"`, "#/paymentMethod", "must not hold a card number, which belongs in payment.card alone"},
		{"payment.type", `"４２４２４２４２４２４２４２４２"`, "#/payment/type", "must not hold a card number, which belongs in payment.card alone"},
		{"customer", `{"id":"378282246310005"}`, "#/customer/id", "must not hold a card number, which belongs in payment.card alone"},
		{"customer", `{"email":"4242424242424242@example.com"}`, "#/customer/email", "must not hold a card number, which belongs in payment.card alone"},
		{"metadata", `{"card":"4242\u200b4242 4242 4242"}`, "#/metadata/card", "must not hold a card number, which belongs in payment.card alone"},
		{"metadata", `{"4242-4242-4242-4242":"x"}`, "#/metadata/424242******4242", "must not hold a card number, which belongs in payment.card alone"},
		{"order.items", `[{"id":"4242424242424242","cost":123}]`, "#/order/items/0/id", "must not hold a card number, which belongs in payment.card alone"},
		{"payment.pin", `1`, "#/payment/pin", "is not a known field"},
		{"colour", `"red"`, "#/colour", "is not a known field"},
		{"a/b~c", `1`, "#/a~1b~0c", "is not a known field"},
		{"metadata", `{"n":1}`, "#/metadata/n", "must be a string"},
		{"metadata", `{"note":"card 1234 5678 8765 4321"}`, "#/metadata/note", "must not hold the card number, which belongs in payment.card alone"},
		{"order.name", `"1234567887654321"`, "#/order/name", "must not hold the card number, which belongs in payment.card alone"},
		{"1234567887654321", `1`, "#/123456******4321", "must not hold the card number, which belongs in payment.card alone"},
	} {
		t.Run(test.path+"="+test.value[:min(len(test.value), 30)], func(t *testing.T) {
			assert.Equal(t, test.detail, faults(t, with(t, test.path, test.value))[test.pointer], test.pointer)
		})
	}
}

// All spellings of an id are read as one. An id is counted and listed as the same thing in all its spellings.
func TestTransactIDs(t *testing.T) {
	posted := startedWith(t, unchanged, with(t, "customer", `{"id":" jose\u0301\u200b"}`)).transaction
	got, want := posted.Customer.ID, "jos\u00e9"
	assert.Equal(t, want, got)
	posted = startedWith(t, unchanged, with(t, "metadata", `{"de\u0301vice\ufeff":"\u00a0d-1 "}`)).transaction
	if got, want := posted.Metadata["d\u00e9vice"], "d-1"; got != want {
		t.Errorf("the metadata is %q, want %q", posted.Metadata, want)
	}
}

// A payment is never refused because of the form of an optional signal: a signal is kept as far as it can be read, and
// rules can ask whether it was well-formed.
func TestTransactSignals(t *testing.T) {
	email := func(posted, want string, malformed ...string) signalCase {
		return signalCase{"customer", `{"email":` + string(marshal(t, posted)) + `}`, transaction.Transaction{Customer: &transaction.Customer{Email: want}, Malformed: malformed}}
	}
	created := func(posted, want string, malformed ...string) signalCase {
		at, err := time.Parse(time.RFC3339Nano, want)
		if want != "" {
			require.NoError(t, err)
		}
		return signalCase{"customer", `{"createdAt":` + string(marshal(t, posted)) + `}`, transaction.Transaction{Customer: &transaction.Customer{CreatedAt: at}, Malformed: malformed}}
	}
	ip := func(posted, want string, malformed ...string) signalCase {
		return signalCase{"ip", string(marshal(t, posted)), transaction.Transaction{IP: want, Malformed: malformed}}
	}
	billing := func(posted, want string, malformed ...string) signalCase {
		return signalCase{"billing", `{"country":` + string(marshal(t, posted)) + `}`, transaction.Transaction{BillingCountry: want, Malformed: malformed}}
	}
	metadata := func(posted string, want map[string]string) signalCase {
		return signalCase{"metadata", posted, transaction.Transaction{Metadata: want}}
	}
	for _, c := range []signalCase{
		email("jo@example.com", "jo@example.com"),
		email(" jo@example.com\n", "jo@example.com"),
		email(`"jo smith"@example.com`, `"jo smith"@example.com`),
		email("jo@bücher.example", "jo@bücher.example"),
		email("用户@例子.广告", "用户@例子.广告"),
		email("", ""),
		email("taro..yamada.@docomo.ne.jp", "taro..yamada.@docomo.ne.jp", "customer.email"),
		email(".taro@ezweb.ne.jp", ".taro@ezweb.ne.jp", "customer.email"),
		email("Jo <jo@example.com>", "jo@example.com", "customer.email"),
		email("not an address", "", "customer.email"),
		email("@example.com", "", "customer.email"),
		email("jo@", "", "customer.email"),
		email(strings.Repeat("a", 300)+"@example.com", "", "customer.email"),
		created("2024-05-17T08:30:00Z", "2024-05-17T08:30:00Z"),
		created("2016-12-31t23:59:60z", "2017-01-01T00:00:00Z"),
		created("2016-12-31T23:59:60+00:00", "2017-01-01T00:00:00Z"),
		created("2024-05-17 08:30:00", "2024-05-17T08:30:00Z"),
		created("2024-05-17 08:30:00+0530", "2024-05-17T03:00:00Z"),
		created("2024-05-17T08:30:00+05", "2024-05-17T03:30:00Z"),
		created("2024-05-17 08:30:00 UTC", "2024-05-17T08:30:00Z"),
		created("2024-05-17T08:30", "2024-05-17T08:30:00Z"),
		created("2024-05-17T08:30:00.123456789Z", "2024-05-17T08:30:00.123456789Z"),
		created("2024-05-17T08:30:00,5-02:00", "2024-05-17T10:30:00.5Z"),
		created("2024-05-17T08:30:00+02:00[Europe/Paris]", "2024-05-17T06:30:00Z"),
		created("20240517T083000Z", "2024-05-17T08:30:00Z"),
		created("2024-05-17", "2024-05-17T00:00:00Z"),
		created("\t2024-05-17 ", "2024-05-17T00:00:00Z"),
		created("", ""),
		created("yesterday", "", "customer.createdAt"),
		created("2024-02-30", "", "customer.createdAt"),
		created("2024-05-17T25:00:00Z", "", "customer.createdAt"),
		created("9999-12-31T23:59:59-14:00", "", "customer.createdAt"),
		ip("8.8.8.8", "8.8.8.8"),
		ip(" 8.8.8.8 ", "8.8.8.8"),
		ip("8.8.8.8:443", "8.8.8.8"),
		ip("[2001:DB8::1]:443", "2001:db8::1"),
		ip("[2001:db8::1]", "2001:db8::1"),
		ip("fe80::1%eth0", "fe80::1"),
		ip("[fe80::1%25eth0]:80", "fe80::1"),
		ip("::ffff:8.8.8.8", "8.8.8.8"),
		ip("", ""),
		ip("300.1.1.1", "", "ip"),
		ip("unknown", "", "ip"),
		billing("IN", "IN"),
		billing(" in ", "IN"),
		billing("IND", "IN"),
		billing("deu", "DE"),
		billing("356", "IN"),
		billing("", ""),
		billing("India", "", "billing.country"),
		billing("XYZ", "", "billing.country"),
		{"billing", `{"country":"UK"}`, transaction.Transaction{BillingCountry: "GB"}},
		{"shipping", `{"country":"el"}`, transaction.Transaction{ShippingCountry: "GR"}},
		{"shipping", `{"country":"QQ"}`, transaction.Transaction{Malformed: []string{"shipping.country"}}},
		{"shipping", `{"country":"Bharat"}`, transaction.Transaction{Malformed: []string{"shipping.country"}}},
		{"shipping", `null`, transaction.Transaction{}},
		metadata(`{"a\u0000b":" x\u0007y ","c":"","d":null,"e":"L\u0092or"}`, map[string]string{"a b": "x y", "e": "L’or"}),
		metadata(`{"\u0001":"x"}`, nil),
		metadata(`{"caf\u00e9":"2","cafe\u0301":"1"}`, map[string]string{"café": "2"}), // the one that sorts last
		{"customer", `{"id":"\u200b"}`, transaction.Transaction{Customer: &transaction.Customer{}}},
		{"customer", `{"id":" c\u00a0\u0085 "}`, transaction.Transaction{Customer: &transaction.Customer{ID: "c"}}},
		{"customer", `{"id":1001.0}`, transaction.Transaction{Customer: &transaction.Customer{ID: "1001"}}},
		{"customer", `{}`, transaction.Transaction{Customer: &transaction.Customer{}}},
		{"order.name", `"Ada\u0092s jeans\r\n\u0081"`, transaction.Transaction{Order: transaction.Order{Name: "Ada’s jeans"}}},
	} {
		t.Run(c.path+"="+c.value[:min(len(c.value), 50)], func(t *testing.T) {
			got := startedWith(t, unchanged, with(t, c.path, c.value)).transaction
			got = transaction.Transaction{
				Order: transaction.Order{Name: got.Order.Name}, Customer: got.Customer, IP: got.IP, BillingCountry: got.BillingCountry,
				ShippingCountry: got.ShippingCountry, Metadata: got.Metadata, Malformed: got.Malformed,
			}
			if c.path != "order.name" {
				got.Order.Name = ""
			}
			assert.Empty(t, cmp.Diff(c.want, got), "(-want +got)")
		})
	}
}

type signalCase struct {
	path, value string
	want        transaction.Transaction
}

// A number counts by its value: writers of JSON spell it in different ways.
func TestTransactNumbers(t *testing.T) {
	posted := startedWith(t, unchanged, `{"order": {"id": 1.234E3, "cost": 1.25E7, "currency": "IDR", "items": [
		{"id": 7.0, "cost": 62500e2, "quantity": 2.0, "discount": 0e5}, {"id": "sample", "cost": 0}, {"id": "gift", "cost": 1.0e2, "discount": 100}]},
		"paymentMethod": "card", "payment": {"card": 1234567887654321, "type": "credit", "amount": 12500000.0, "currency": "IDR"}}`).transaction
	idr := func(minor int64) money.Money { return money.Money{Minor: minor, Currency: "IDR"} }
	want := transaction.Order{ID: "1234", Cost: idr(1250000000), Items: []transaction.Item{
		{ID: "7", Cost: idr(625000000), Quantity: 2, Discount: idr(0)},
		{ID: "sample", Cost: idr(0), Quantity: 1, Discount: idr(0)},
		{ID: "gift", Cost: idr(10000), Quantity: 1, Discount: idr(10000)},
	}}
	assert.Empty(t, cmp.Diff(want, posted.Order), "the order (-want +got)")
	assert.Equal(t, idr(1250000000), posted.Payment.Amount)
}

// A token may be given instead of a card.
func TestTransactToken(t *testing.T) {
	posted := startedWith(t, unchanged, withToken(`"pm_card_visa"`)).transaction
	assert.Equal(t, "pm_card_visa", posted.Payment.Token, "it is paid with %+v", posted.Payment)
	assert.Equal(t, card.Details{}, posted.Payment.Card, "it is paid with %+v", posted.Payment)
	const looksLikeACard = "must be a token that a gateway gave out, and this holds what looks like a card number, which belongs in payment.card"
	for token, detail := range map[string]string{
		`""`:                             "must not be empty",
		`7`:                              "must be a string",
		`"a\u0007"`:                      "must not hold control characters",
		quoted(strings.Repeat("t", 256)): "must have at most 255 characters",
		`"4111111111111111"`:             looksLikeACard,
		`"tok_4111 1111-1111 1111"`:      looksLikeACard,
	} {
		got := faults(t, withToken(token))
		assert.Equal(t, detail, got["#/payment/token"], "%.40s", token)
		assert.Len(t, got, 1, "%.40s", token)
	}
	for _, token := range []string{`"4111111111111112"`, quoted(strings.Repeat("t", 255)), `"tok-42424242"`} {
		answer := post(t, accepting(t), withToken(token))
		assert.Equal(t, http.StatusAccepted, answer.Code, "%.40s %s", token, answer.Body)
	}
	assert.Equal(t, "must have either card or token", faults(t, strings.Replace(api.SeedExample, `"card": 1234567887654321, `, "", 1))["#/payment"])
}

// withToken returns the seed's body with a token, in JSON, instead of the card.
func withToken(token string) string {
	return strings.Replace(api.SeedExample, `"card": 1234567887654321`, `"token": `+token, 1)
}

func quoted(s string) string { return `"` + s + `"` }

// All faults are reported at once.
func TestTransactFaultsAtOnce(t *testing.T) {
	got := faults(t, `{"order":{"id":"","cost":0,"cost":1,"currency":"INR"},"payment":{"card":"x","type":3,"amount":-1,"cvv":1},"x":1}`)
	want := map[string]string{
		"#/order/id":         "must not be empty",
		"#/order/cost":       "must be more than zero",
		"#/paymentMethod":    "is required",
		"#/payment/card":     "must be a card number: 12 to 19 digits, with at most one space or dash between two of them",
		"#/payment/type":     "must be a string",
		"#/payment/amount":   "must be a positive decimal such as 123.45",
		"#/payment/currency": "is required",
		"#/payment/cvv":      "a card verification value must never be sent here",
		"#/x":                "is not a known field",
	}
	assert.Empty(t, cmp.Diff(want, got))
}

// A duplicate key is refused, also with the same value.
func TestTransactDuplicateKey(t *testing.T) {
	got := faults(t, strings.Replace(api.SeedExample, `"paymentMethod"`, `"paymentMethod": "amazonpay", "paymentMethod"`, 1))
	assert.Empty(t, cmp.Diff(map[string]string{"#/paymentMethod": "appears more than once"}, got))
}

// What is not JSON is refused with its place.
func TestTransactNotJSON(t *testing.T) {
	for name, test := range map[string]struct{ body, detail string }{
		"empty":     {"", "the body is empty; a JSON object is expected"},
		"truncated": {"{\n  \"order\": ", "line 2, column 11: unexpected end of JSON input"},
		"trailing":  {"{} {}", "line 1, column 4"},
		"not UTF-8": {"{\"a\":\"\xff\"}", "not valid UTF-8"},
		"too deep":  {strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "nested more than 32 levels deep"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := post(t, unreachable(t), test.body)
			assert.Equal(t, http.StatusBadRequest, answer.Code)
			assert.Contains(t, asProblem(t, answer).Detail, test.detail)
		})
	}
}

// FuzzTransact checks for any body that it is answered, never with a 500, and that a refusal never repeats the card number.
func FuzzTransact(f *testing.F) {
	f.Add(api.SeedExample)
	f.Add(`{"order":{"items":[{"id":1,"cost":1e99999}]},"metadata":{"":""}}`)
	f.Add(`[[[[{"payment":{"card":4111111111111111}}]]]]`)
	handler := accepting(f)
	f.Fuzz(func(t *testing.T, body string) {
		answer := post(t, handler, body)
		require.Less(t, answer.Code, 500, "%q %s", body, answer.Body)
		if answer.Code != http.StatusAccepted && strings.Contains(answer.Body.String(), "1234567887654321") {
			t.Fatalf("the answer repeats a card number: %s", answer.Body)
		}
	})
}

// Where no payment method has a gateway, all are refused.
func TestTransactNoPaymentMethods(t *testing.T) {
	o := options(nowhere(t), newMemory())
	o.PaymentMethods = []string{}
	answer := post(t, handlerWith(o), api.SeedExample)
	want := map[string]string{"#/paymentMethod": "is not known here: no payment method has a gateway"}
	assert.Equal(t, http.StatusUnprocessableEntity, answer.Code)
	assert.Empty(t, cmp.Diff(want, faultsOf(t, answer)))
}

// All spellings of a payment method are read as one. An unknown one is refused with the known ones.
func TestTransactPaymentMethod(t *testing.T) {
	o := options(nil, newMemory())
	o.PaymentMethods = []string{"card", "gpay"}
	handler := handlerIn(t.Context(), o)
	for method, fault := range map[string]string{
		"Card": "", "CARD": "", "card ": "", "ｃａｒｄ": "", "credit_card": "is not known here: must be one of card, gpay",
		"\u200b": "must not be empty",
	} {
		body := strings.Replace(api.SeedExample, `"amazonpay"`, strconv.Quote(method), 1)
		answer := call(t, handler, http.MethodPost, "/transact", "application/json", strings.NewReader(strings.Replace(body, `"amount": 123.00`, `"amount": 0`, 1)))
		p := asProblem(t, answer)
		found := ""
		for _, e := range p.Errors {
			if e.Pointer == "#/paymentMethod" {
				found = e.Detail
			}
		}
		assert.Equal(t, http.StatusUnprocessableEntity, answer.Code, method)
		assert.Equal(t, fault, found, method)
	}
}
