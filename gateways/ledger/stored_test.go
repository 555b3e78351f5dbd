package ledger_test

import (
	"encoding/json"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
