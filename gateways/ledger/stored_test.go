package ledger_test

import (
	"encoding/json"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/ledger"
	ledgerdb "dummyorders/gateways/ledger"
)

// Entries are read as encoding/json reads them, by which they are written.
func TestReadStored(t *testing.T) {
	entries := rapid.MakeCustom[ledger.Entry](rapid.MakeConfig{Types: map[reflect.Type]*rapid.Generator[any]{
		reflect.TypeFor[time.Time](): rapid.Custom(func(t *rapid.T) any {
			return time.Unix(rapid.Int64Range(-1<<33, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
		}),
		reflect.TypeFor[json.Number](): rapid.Custom(func(t *rapid.T) any {
			return json.Number(strconv.FormatFloat(rapid.Float64().Draw(t, "number"), rapid.SampledFrom([]byte("fg")).Draw(t, "form"), -1, 64))
		}),
	}})
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(entries.Draw(t, "entry"))
		require.NoError(t, err)
		var want, got ledger.Entry
		require.NoError(t, json.Unmarshal(text, &want))
		require.NoError(t, ledgerdb.ReadStored(text, &got), "%s", text)
		require.Empty(t, cmp.Diff(want, got))
	})
}

// Also what encoding/json would not write, such as members that older code wrote differently, is read as encoding/json reads it.
func TestReadStoredOdd(t *testing.T) {
	for _, text := range []string{
		`{}`, `null`, `[]`, `{"order": null, "steps": null, "metadata": null, "startTime": null, "endTime": null, "labels": null}`,
		`{"order": {"cost": null}}`, `{"order": {"cost": "12.30"}}`, `{"order": {"cost": "twelve"}}`, `{"order": {"cost": true}}`,
		`{"order": {"cost": {"amount": 1}}}`, `{"order": {"cost": 1E+2}}`, `{"order": {"cost": 12.30}}`, `{"order": {"cost": ""}}`,
		`{"ORDER": {"Id": "7"}, "customerId": "c"}`, `{"order": {"id": "1", "name": "n"}, "order": {"id": "2"}}`,
		`{"unknown": {"order": [1, null]}, "transactionID": "t"}`, `{"metadata": {"a": "1", "A": "2", "a": "3"}}`,
		"{\"transactionID\": \"\xff\"}", `{"transactionID": "\ud800 \u0000 \u2028"}`, `{"transactionID": 7, "paymentMethod": "card"}`,
		`{"startTime": "2026-01-02T03:04:05.123456789+05:30"}`, `{"startTime": "2026-01-02T03:04:05,5Z"}`, `{"startTime": "2026-01-02"}`,
		`{"decision": {"score": 1.0}}`, `{"decision": {"score": 9223372036854775808}}`, `{"explanation": {"features": {"a": 1e400}}}`,
		`{"explanation": {"features": {"a": null, "b": -0.0}}}`, `{"steps": [null, {"code": 18}], "review": {"first": {}}}`, `{"order": {}} x`,
	} {
		var want, got ledger.Record
		wantErr, err := json.Unmarshal([]byte(text), &want), ledgerdb.ReadStored([]byte(text), &got)
		assert.Equal(t, wantErr == nil, err == nil, "%s: %v, and by encoding/json %v", text, err, wantErr)
		if err == nil {
			assert.Empty(t, cmp.Diff(want, got), text)
		}
	}
}
