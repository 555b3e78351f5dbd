package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/api"
)

// beyondSchema lists the faults that the readers of bodies find and a schema cannot express. Everything else that the
// readers refuse, the schema refuses too, and everything that they accept, it accepts.
var beyondSchema = []string{
	"must be an ISO 4217 currency code in capitals", // only those that are in use
	"decimal digits, as ",                           // how many depends on the currency
	"must add up to the order's cost",
	"must not be more than the item's cost times its quantity",
	"its cost times its quantity is beyond any order",
	"must have either ids, or all: true",
	"is not known here: must be one of", // the methods depend on the gateways that are configured
	"must not be empty",                 // of invisible characters only
	"must be a card number",             // a schema sees the value, not the digits: 4.2E15 is whole
	"must not hold a card number",       // in what is kept
	"must not hold the card number",
	"what looks like a card number",
	"a card verification value must never be sent here",
	"must have at most 12 digits before the point", // 999999999999.99999999999999999999 does not fit a float
}

// bodies are the bodies that have a schema, each with an API that reads it.
var bodies = map[string]struct {
	example string
	path    string
	reader  func(t testing.TB) http.Handler
}{
	"TransactionSchema":     {api.SeedExample, "/transact", accepting},
	"ReviewSchema":          {`{"decision": "approve", "reviewer": "ada", "note": "the buyer was called"}`, "/transactions/01990000-0000-7000-8000-000000000001/review", unreachable},
	"LabelSchema":           {`{"label": "fraudulent", "source": "dispute"}`, "/transactions/01990000-0000-7000-8000-000000000001/labels", unreachable},
	"MerchantSchema":        {`{"merchant": "acme"}`, "/merchants", managing},
	"KeySchema":             {`{"merchant": "acme", "client": "shop", "scopes": ["transact", "read"], "expires": "90d"}`, "/keys", managing},
	"RollSchema":            {`{"overlap": "24h", "scopes": ["read"], "expires": "90d"}`, "/keys/absent/roll", managing},
	"DeadLetterSchema":      {`{"ids": ["5d1d1c0a-0000-5000-8000-000000000001"]}`, "/dead-letters/purge", managing},
	"AcknowledgementSchema": {`{"by": "ada"}`, "/alerts/event-1/acknowledge", unreachable},
}

// managing returns an API whose merchants, keys and dead letters are nowhere.
func managing(t testing.TB) http.Handler {
	t.Helper()
	o := options(nowhere(t), newMemory())
	o.Clients, o.DeadLetters = noClients{}, &grave{}
	return handlerWith(o)
}

func openAPI(t testing.TB) (document map[string]any, schemaNamed func(name string) *jsonschema.Schema) {
	t.Helper()
	text := request(t, unreachable(t), http.MethodGet, "/openapi.json", "").Body.Bytes()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("openapi.json", parsed))
	return parsed.(map[string]any), func(name string) *jsonschema.Schema {
		compiled, err := compiler.Compile("openapi.json#/components/schemas/" + name)
		require.NoError(t, err)
		return compiled
	}
}

// agree fails if a body's schema and its reader disagree about it.
func agree(t testing.TB, reader http.Handler, path, body string, s *jsonschema.Schema) (accepted bool, err error) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	require.NoError(t, err)
	invalid := s.Validate(value)
	answer := request(t, reader, http.MethodPost, path, body, "Prefer: respond-async")
	switch {
	case answer.Code == http.StatusBadRequest || answer.Code == http.StatusInternalServerError:
		return false, fmt.Errorf("%d %s\nfor %s", answer.Code, answer.Body, body)
	case answer.Code == http.StatusUnprocessableEntity && invalid == nil:
		for _, fault := range asProblem(t, answer).Errors {
			if !slices.ContainsFunc(beyondSchema, func(known string) bool { return strings.Contains(fault.Detail, known) }) {
				return false, fmt.Errorf("the schema allows what is refused: %s %s\nin %s", fault.Pointer, fault.Detail, body)
			}
		}
	case answer.Code != http.StatusUnprocessableEntity && invalid != nil:
		return true, fmt.Errorf("the schema refuses what is accepted: %w\nin %s", invalid, body)
	}
	return answer.Code != http.StatusUnprocessableEntity, nil
}

// Schemas and readers agree about all that may be sent.
func TestSchemasAgreeWithReaders(t *testing.T) {
	document, schemaNamed := openAPI(t)
	all := document["components"].(map[string]any)["schemas"].(map[string]any)
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			s, reader, accepted, refused := schemaNamed(name), body.reader(t), 0, 0
			if taken, err := agree(t, reader, body.path, body.example, s); err != nil || !taken {
				t.Fatal("the example is refused", err)
			}
			rapid.Check(t, func(r *rapid.T) {
				value := generator{all}.value(r, all[name].(map[string]any), name)
				for range rapid.IntRange(0, 2).Draw(r, "mutations") {
					value = mutated(r, value)
				}
				text, err := json.Marshal(value)
				require.NoError(t, err)
				switch taken, err := agree(t, reader, body.path, string(text), s); {
				case err != nil:
					r.Fatal(err)
				case taken:
					accepted++
				default:
					refused++
				}
			})
			assert.NotZero(t, accepted)
			assert.NotZero(t, refused)
		})
	}
}

// Schema and reader agree about what clients send.
func TestTransactionSchema(t *testing.T) {
	_, schemaNamed := openAPI(t)
	s, reader := schemaNamed("TransactionSchema"), accepting(t)
	for _, c := range []struct {
		path, value string
		accepted    bool
	}{
		{"order.items", `null`, true},
		{"order.items", `[]`, true},
		{"order.items", `[{"id": 1, "cost": "123.00", "name": null, "quantity": null, "discount": null}]`, true},
		{"order.items", `[null]`, false},
		{"order.name", `null`, true},
		{"order.name", `""`, true},
		{"order.name", `"a\nb"`, true},
		{"order.id", `-1`, false},
		{"order.id", `-0`, true},
		{"order.id", `1234.0`, true},
		{"order.id", `1e63`, true},
		{"order.id", `1e64`, false},
		{"order.id", `" "`, false},
		{"order.id", `"a\u007f"`, false},
		{"order.cost", `"123.00"`, true},
		{"order.cost", `"0123"`, true},
		{"order.cost", `"1.23E2"`, false},
		{"order.cost", `"0.00"`, false},
		{"order.cost", `0`, false},
		{"order.cost", `1e12`, false},
		{"order.cost", `1.23E2`, true},
		{"order.cost", `null`, false},
		{"order.currency", `"INR "`, false},
		{"paymentMethod", `"\t"`, false},
		{"payment.token", `null`, true},
		{"payment.token", `"pm_1"`, false},
		{"payment.card", `null`, false},
		{"payment.card", `12345678901`, false},
		{"payment.card", `12345678901234567890`, false},
		{"payment.card", `"4242 4242 4242 4242"`, true},
		{"payment.card", `" 4242424242424242"`, false},
		{"customer", `null`, true},
		{"customer", `{"id": null, "email": null, "createdAt": null}`, true},
		{"customer", `{"email": "not an address", "createdAt": "yesterday"}`, true},
		{"customer", `{"createdAt": 1479254399}`, false},
		{"ip", `null`, true},
		{"ip", `""`, true},
		{"billing", `{}`, true},
		{"billing", `{"country": "in"}`, true},
		{"metadata", `null`, true},
		{"metadata", `{"a": null, "b": "", "c\u0000": "d\u0000"}`, true},
		{"metadata", `{"a": 1}`, false},
		{"metadata", `{"` + strings.Repeat("x", 41) + `": "a"}`, false},
		{"colour", `"red"`, false},
	} {
		t.Run(c.path+"="+c.value[:min(len(c.value), 30)], func(t *testing.T) {
			taken, err := agree(t, reader, "/transact", with(t, c.path, c.value), s)
			require.NoError(t, err)
			assert.Equal(t, c.accepted, taken)
		})
	}
}

// generator makes values that schemas allow, from the OpenAPI document's parts.
type generator struct{ all map[string]any }

func (g generator) value(t *rapid.T, s map[string]any, name string) any {
	if ref, is := s["$ref"].(string); is {
		name = strings.TrimPrefix(ref, "#/components/schemas/")
		return g.value(t, g.all[name].(map[string]any), name)
	}
	if forms, is := s["anyOf"].([]any); is {
		return g.value(t, rapid.SampledFrom(forms).Draw(t, name+" form").(map[string]any), name)
	}
	if words, is := s["enum"].([]any); is {
		return rapid.SampledFrom(words).Draw(t, name)
	}
	kind := s["type"]
	if kinds, several := kind.([]any); several {
		kind = rapid.SampledFrom(kinds).Draw(t, name+" type")
	}
	switch kind {
	case "boolean":
		return rapid.Bool().Draw(t, name)
	case "integer", "number":
		return number(t, s, name)
	case "string":
		return g.text(t, s, name)
	case "array":
		some := make([]any, rapid.IntRange(0, 1).Draw(t, name+" length"))
		for i := range some {
			some[i] = g.value(t, s["items"].(map[string]any), name)
		}
		return some
	case "object":
		return g.object(t, s, name)
	}
	return nil
}

func number(t *rapid.T, s map[string]any, name string) any {
	least := json.Number("1")
	for _, bound := range []string{"minimum", "exclusiveMinimum"} {
		if part, is := s[bound].(json.Number); is && part != "0" {
			least = part
		}
	}
	if s["type"] == "number" {
		return rapid.SampledFrom([]any{json.Number("12.50"), json.Number("1.25E1"), json.Number("1250e-2")}).Draw(t, name)
	}
	return rapid.SampledFrom([]any{least, least + ".0", least + "e0", json.Number("4242424242424242")}).Draw(t, name)
}

func (g generator) text(t *rapid.T, s map[string]any, name string) string {
	switch {
	case name == "currency":
		return rapid.SampledFrom([]string{"EUR", "KWD"}).Draw(t, name)
	case name == "cost" || name == "amount" || name == "discount":
		return rapid.SampledFrom([]string{"12.50", "12.5", "012.500"}).Draw(t, name)
	case s["pattern"] != nil && s["maxLength"] == nil:
		return rapid.StringMatching(s["pattern"].(string)).Draw(t, name)
	}
	if s["pattern"] != nil || rapid.Bool().Draw(t, name+" plain") {
		return rapid.StringMatching(`[a-z0-9@é.: -]{0,9}[a-z]`).Draw(t, name)
	}
	return rapid.StringN(0, 64, -1).Draw(t, name)
}

func (g generator) object(t *rapid.T, s map[string]any, name string) any {
	object := map[string]any{}
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, member := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(member)) || rapid.Bool().Draw(t, "with "+member) {
			object[member] = g.value(t, properties[member].(map[string]any), member)
		}
	}
	if more, is := s["additionalProperties"].(map[string]any); is {
		for range rapid.IntRange(0, 3).Draw(t, name+" entries") {
			object[rapid.StringN(0, 45, -1).Draw(t, name+" entry")] = g.value(t, more, name)
		}
	}
	if s["oneOf"] != nil {
		delete(object, rapid.SampledFrom([]string{"card", "token"}).Draw(t, "without"))
	}
	return object
}

// mutated returns a value with something in it removed, added or changed to another kind.
func mutated(t *rapid.T, value any) any {
	switch v := value.(type) {
	case map[string]any:
		name := rapid.SampledFrom(append(slices.Sorted(maps.Keys(v)), "")).Draw(t, "at")
		switch {
		case name == "":
			v["colour"] = "red"
		case rapid.IntRange(0, 4).Draw(t, "away") == 0:
			delete(v, name)
		default:
			v[name] = mutated(t, v[name])
		}
		return v
	case []any:
		if len(v) > 0 {
			v[0] = mutated(t, v[0])
			return v
		}
	}
	return rapid.SampledFrom([]any{
		nil, true, "", " ", "\n", "a", "12.50", "0.00", "-1", json.Number("-1"), json.Number("0"), json.Number("-0.0"), json.Number("1.5"),
		json.Number("2.0"), json.Number("1e63"), json.Number("1e64"), json.Number("1e400"), json.Number("1e-400"),
		json.Number("1000000.0"), json.Number("1000001"), json.Number("999999999999.99"),
		[]any{},
		[]any{nil},
		map[string]any{},
		strings.Repeat("x", 64), strings.Repeat("é", 65), strings.Repeat("é", 255), strings.Repeat("x", 501), make([]any, 101),
	}).Draw(t, "instead")
}

// Every example is what its schema says.
func TestOpenAPIExamples(t *testing.T) {
	c, examples := contractOf(true), 0
	check := func(described any, place ...string) {
		content, _ := described.(map[string]any)["content"].(map[string]any) // there is none if the answer is a shared one
		for kind, media := range content {
			example, is := media.(map[string]any)["example"]
			if !is && strings.HasSuffix(kind, "json") {
				t.Errorf("%v has no example", place)
			}
			if is {
				examples++
				assert.NoError(t, c.valid(marshal(t, example), append(place, "content", kind, "schema")...), "%v", place)
			}
		}
	}
	for path, item := range c.document["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			operation := operation.(map[string]any)
			if body, is := operation["requestBody"]; is {
				check(body, "paths", path, method, "requestBody")
			}
			for status, response := range operation["responses"].(map[string]any) {
				check(response, "paths", path, method, "responses", status)
			}
		}
	}
	for name, response := range c.document["components"].(map[string]any)["responses"].(map[string]any) {
		check(response, "components", "responses", name)
	}
	assert.GreaterOrEqual(t, examples, 30)
}

// The document says what parameters may be.
func TestOpenAPIParameters(t *testing.T) {
	c := contractOf(false)
	answer := func(path, query string) int {
		return request(t, unreachable(t), http.MethodGet, path+"?"+query, "").Code
	}
	for path, values := range map[string]map[string][]string{
		"/transactions": {
			"status":  {`"19"`, `"TRANSACTION_IN_REVIEW"`, `"20"`, `""`, `"review"`},
			"outcome": {`"review"`, `"not_evaluated"`, `"refuse"`},
			"orderID": {`"1234"`, `""`, `"` + strings.Repeat("x", 64) + `"`, `"` + strings.Repeat("x", 65) + `"`},
			"since":   {`"2026-01-02T00:00:00Z"`, `"2026-01-02"`, `"yesterday"`},
			"until":   {`"2026-01-02T00:00:00Z"`, `"2026-01-02"`},
			"limit":   {`1`, `200`, `0`, `201`, `-1`, `"many"`},
		},
		"/alerts": {"transaction": {`"01990000-0000-7000-8000-000000000001"`, `"1"`, `""`}},
	} {
		parameters := c.document["paths"].(map[string]any)[path].(map[string]any)["get"].(map[string]any)["parameters"].([]any)
		for i, p := range parameters {
			name := p.(map[string]any)["name"].(string)
			for _, value := range values[name] {
				invalid := c.valid([]byte(value), "paths", path, "get", "parameters", strconv.Itoa(i), "schema")
				text := strings.Trim(value, `"`)
				got := answer(path, url.Values{name: {text}}.Encode())
				assert.Equal(t, invalid != nil, got == 422, "%s?%s=%s is answered %d, and the contract says %v", path, name, text, got, invalid)
			}
		}
	}
}
