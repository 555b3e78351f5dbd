package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/api"
)

// canary is a card number that a scheme could have issued.
const canary = "4716190207394368"

// spelledCanary draws a spelling of the canary.
func spelledCanary(t *rapid.T) string {
	zero := rapid.SampledFrom([]rune("0000٠०০０𝟎🯰")).Draw(t, "zero")
	between := rapid.SampledFrom([]string{
		"", " ", "-", ".", "/", "_", " - ", "\u00a0", "\u2009", "\u3000", "\u2011", "\u2212", "\u200b", "\ufeff", "x", "a", " x ", "to",
	})
	size := rapid.SampledFrom([]int{1, 2, 4, 5}).Draw(t, "size")
	var text strings.Builder
	for i, digit := range canary {
		if i > 0 && i%size == 0 {
			text.WriteString(between.Draw(t, "between"))
		}
		text.WriteRune(zero + digit - '0')
	}
	return text.String()
}

// cardPlaces lists where a text can stand in a transaction, as the seed's body with the text there.
var cardPlaces = map[string]func(text string) map[string]any{
	"order.id":            inObject("order", "id"),
	"order.name":          inObject("order", "name"),
	"order.cost":          inObject("order", "cost"),
	"order.currency":      inObject("order", "currency"),
	"payment.type":        inObject("payment", "type"),
	"payment.amount":      inObject("payment", "amount"),
	"payment.token":       inObject("payment", "token"),
	"customer.id":         inObject("customer", "id"),
	"customer.email":      func(text string) map[string]any { return inObject("customer", "email")(text + "@example.com") },
	"customer.createdAt":  inObject("customer", "createdAt"),
	"billing.country":     inObject("billing", "country"),
	"shipping.country":    inObject("shipping", "country"),
	"metadata's value":    inObject("metadata", "note"),
	"metadata's name":     func(text string) map[string]any { return inObject("metadata", text)("x") },
	"unknown name":        func(text string) map[string]any { return map[string]any{text: 1} },
	"unknown nested name": func(text string) map[string]any { return inObject("payment", text)("x") },
	"paymentMethod":       func(text string) map[string]any { return map[string]any{"paymentMethod": text} },
	"ip":                  func(text string) map[string]any { return map[string]any{"ip": text} },
	"order.items.id": func(text string) map[string]any {
		return map[string]any{"order": map[string]any{"items": []any{map[string]any{"id": text, "cost": 123}}}}
	},
	"order.items.name": func(text string) map[string]any {
		return map[string]any{"order": map[string]any{"items": []any{map[string]any{"id": 1, "name": text, "cost": 123}}}}
	},
}

func inObject(object, name string) func(string) map[string]any {
	return func(text string) map[string]any { return map[string]any{object: map[string]any{name: text}} }
}

// seedWith returns the seed's body with members set, in its objects too.
func seedWith(t testing.TB, members map[string]any) string {
	var body map[string]any
	require.NoError(t, json.Unmarshal([]byte(api.SeedExample), &body))
	for name, value := range members {
		inner, isObject := body[name].(map[string]any)
		set, sets := value.(map[string]any)
		if !isObject || !sets {
			body[name] = value
			continue
		}
		maps.Copy(inner, set)
	}
	text, err := json.Marshal(body)
	require.NoError(t, err)
	return string(text)
}

// However and wherever a card number is posted, it is refused with a pointer, and is not in the answer.
func TestNoCardNumberIsAccepted(t *testing.T) {
	handler := accepting(t)
	rapid.Check(t, func(r *rapid.T) {
		place := rapid.SampledFrom(slices.Sorted(maps.Keys(cardPlaces))).Draw(r, "place")
		text := spelledCanary(r)
		answer := post(t, handler, seedWith(t, cardPlaces[place](text)))
		if answer.Code != http.StatusUnprocessableEntity || strings.Contains(answer.Body.String(), canary[6:12]) {
			r.Fatalf("%q in %s: %d %s", text, place, answer.Code, answer.Body)
		}
		for _, fault := range asProblem(t, answer).Errors {
			amount := fault.Pointer == "#/order/cost" || fault.Pointer == "#/payment/amount" // for which it is malformed, too
			if fault.Pointer != "" && (amount || strings.Contains(fault.Detail, "card number")) {
				return
			}
		}
		r.Errorf("%q in %s: no pointer leads to the card number: %s", text, place, answer.Body)
	})
}

// A slash between its digits, which a JSON Pointer escapes with a digit of its own, does not hide a number in a name.
func TestNoCardNumberInPointer(t *testing.T) {
	handler := accepting(t)
	for _, name := range []string{"4716 19to02073943/68", "4716/1902/0739/4368", "~4716~1902~0739~4368", "4716190207394368"} {
		for _, members := range []map[string]any{{name: 1}, inObject("metadata", name)("x"), inObject("payment", name)("x")} {
			answer := post(t, handler, seedWith(t, members))
			assert.Equal(t, http.StatusUnprocessableEntity, answer.Code)
			digits := regexp.MustCompile(`%[0-9A-F]{2}|~[01]|[^0-9]`).ReplaceAllString(answer.Body.String(), "")
			assert.NotContains(t, digits, canary[6:12], name)
		}
	}
}

// What is read from these values is a card number.
func TestNoCardNumberInDisguise(t *testing.T) {
	for _, c := range []struct{ path, value, pointer string }{
		{"order.id", `47161902073943680e-1`, "#/order/id"},
		{"order.id", `4.716190207394368e15`, "#/order/id"},
		{"customer", `{"id":4716190207394368.0}`, "#/customer/id"},
		{"order.id", `"㊷㊷㊷㊷㊷㊷㊷㊷"`, "#/order/id"},
		{"metadata", `{"note":"⁴⁷¹⁶¹⁹⁰²⁰⁷³⁹⁴³⁶⁸"}`, "#/metadata/note"},
		{"metadata", `{"note":"四七一六一九〇二〇七三九四三六八"}`, "#/metadata/note"},
		{"order.cost", `675964982648`, "#/order/cost"},
	} {
		t.Run(c.value, func(t *testing.T) {
			const want = "must not hold a card number, which belongs in payment.card alone"
			if got := faults(t, with(t, c.path, c.value))[c.pointer]; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// Digits of payment.card have at most one space or dash between two of them, and nothing before or after them.
func TestSeparatorsInPaymentCard(t *testing.T) {
	for value, accepted := range map[string]bool{
		`4716190207394368`: true, `"4716190207394368"`: true, `"4716 1902 0739 4368"`: true, `"4716-1902 0739-4368"`: true, `"4 7161-90207394368"`: true,
		`-4716190207394368`: false, `"-4716190207394368"`: false, `"+4716190207394368"`: false, `"4716190207394368-"`: false,
		`" 4716190207394368"`: false, `"4716190207394368 "`: false, `"4716190207394368\n"`: false, `"4716--1902-0739-4368"`: false,
		`"4716  1902 0739 4368"`: false, `"4716 -1902 0739 4368"`: false, `"4716.1902.0739.4368"`: false, `"4716/1902/0739/4368"`: false,
		`"4716\u00a01902\u00a00739\u00a04368"`: false, `"4716\u20111902\u20110739\u20114368"`: false, `"4716\u200b190207394368"`: false,
		`"４７１６190207394368"`: false, `"4716x190207394368"`: false, `4716190207394368.0`: false, `4.716190207394368e15`: false, `""`: false,
	} {
		t.Run(value, func(t *testing.T) {
			answer := post(t, accepting(t), with(t, "payment.card", value))
			want := http.StatusUnprocessableEntity
			if accepted {
				want = http.StatusAccepted
			}
			if answer.Code != want || !accepted && faultsOf(t, answer)["#/payment/card"] == "" {
				t.Errorf("%d, want %d: %s", answer.Code, want, answer.Body)
			}
		})
	}
}

func TestNoCardNumberInReviewsLabelsAndAcknowledgements(t *testing.T) {
	const id = "01a20824-dd12-7275-9583-01a192dcec83"
	handler := unreachable(t)
	for _, c := range []struct{ path, body, pointer string }{
		{"/transactions/" + id + "/review", `{"decision":"approve","reviewer":%q}`, "#/reviewer"},
		{"/transactions/" + id + "/review", `{"decision":"approve","reviewer":"ada","note":%q}`, "#/note"},
		{"/transactions/" + id + "/labels", `{"label":"fraudulent","source":"dispute","note":%q}`, "#/note"},
		{"/alerts/" + id + "/acknowledge", `{"by":%q}`, "#/by"},
		{"/alerts/" + id + "/acknowledge", `{"by":"ada","note":%q}`, "#/note"},
	} {
		t.Run(c.path+c.pointer, func(t *testing.T) {
			for text, want := range map[string]string{
				"card ４７１６x1902x0739x4368": "must not hold a card number", "the cvv was 123": "must not hold a card verification value",
			} {
				body := fmt.Sprintf(c.body, text)
				answer := call(t, handler, http.MethodPost, c.path, "application/json", strings.NewReader(body))
				if got := faultsOf(t, answer)[c.pointer]; answer.Code != http.StatusUnprocessableEntity || got != want {
					t.Errorf("%s is answered %d: %q, want %q", body, answer.Code, got, want)
				}
			}
		})
	}
}

func TestNoVerificationValueInATransaction(t *testing.T) {
	for _, c := range []struct{ path, value, pointer string }{
		{"metadata", `{"note":"cvv 123"}`, "#/metadata/note"},
		{"order.name", `"book, security code: １２３"`, "#/order/name"},
		{"customer", `{"id":"CVC2=4321"}`, "#/customer/id"},
	} {
		t.Run(c.pointer, func(t *testing.T) {
			if got := faults(t, with(t, c.path, c.value))[c.pointer]; got != "must not hold a card verification value" {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestNoCardNumberInAnIdempotencyKey(t *testing.T) {
	for key, want := range map[string]int{
		canary: 422, "order-4716-1902-0739-4368": 422, `"4716x1902x0739x4368"`: 422, "cvv 123": 422,
		"1234567887654321":                     422, // the payment's own, which no scheme issued
		"8e03978e-40d5-43e8-bc93-6894a57f9324": 202, "1234567812345678": 202,
	} {
		t.Run(key, func(t *testing.T) {
			answer := request(t, accepting(t), http.MethodPost, "/transact", api.SeedExample, "Prefer: respond-async", "Idempotency-Key: "+key)
			if answer.Code != want {
				t.Fatalf("%d, want %d: %s", answer.Code, want, answer.Body)
			}
			if want == 422 {
				if p := asProblem(t, answer); len(p.Errors) != 1 || p.Errors[0].Header != "Idempotency-Key" {
					t.Errorf("the header is not named: %s", answer.Body)
				}
			}
		})
	}
}

func TestNoCardNumberInAQuery(t *testing.T) {
	for _, c := range []struct{ query, parameter string }{
		{"orderID=" + canary, "orderID"},
		{"orderID=" + url.QueryEscape("４７１６ 1902 0739 4368"), "orderID"},
		{"since=2026-05-17T08:30:00." + canary + "Z", "since"},
	} {
		t.Run(c.query, func(t *testing.T) {
			answer := call(t, unreachable(t), http.MethodGet, "/transactions?"+c.query, "", nil)
			p := asProblem(t, answer)
			if answer.Code != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Parameter != c.parameter {
				t.Errorf("%d: %s", answer.Code, answer.Body)
			}
		})
	}
}

// Where a shop's order ids may look like card numbers, they are kept and looked for by their masks.
func TestOrderIDsThatLookLikeCards(t *testing.T) {
	mask := func(o *api.Options) { o.OrderIDsMayLookLikeCards = true }
	kept := func(id string) string { return startedWith(t, mask, with(t, "order.id", id)).transaction.Order.ID }
	one, other := kept(`"4716190207394368"`), kept(`"4716190000044368"`)
	for _, id := range []string{one, other} {
		if !strings.HasPrefix(id, "471619******4368-") || len(id) != len("471619******4368-abcdefgh") {
			t.Errorf("kept as %q", id)
		}
	}
	if one == other {
		t.Errorf("two ids are both kept as %q", one)
	}
	if again := kept(`4716190207394368`); again != one {
		t.Errorf("the same id as a number is kept as %q, not %q", again, one)
	}
	if plain := kept(`"A-1234567887654300"`); plain != "A-1234567887654300" {
		t.Errorf("another id is kept as %q", plain)
	}
	if long := kept(`"` + strings.Repeat("x", 48) + `4716190207394368"`); len([]rune(long)) > 64 {
		t.Errorf("%q is too long", long)
	}
}
