package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
)

// withTrail returns an API with a trail, after so many entries were added to it.
func withTrail(t *testing.T, kept *trail, entries int) http.Handler {
	t.Helper()
	for range entries {
		_, err := kept.Append(t.Context(), audit.Entry{Time: start, Action: "transact"})
		require.NoError(t, err)
	}
	o := options(nowhere(t), newMemory())
	o.Trail = kept
	return handlerWith(o)
}

// The trail is read page by page, the newest entry first.
func TestTrailPages(t *testing.T) {
	kept := &trail{}
	handler := withTrail(t, kept, 5)
	var numbers []int64
	path := "/audit?limit=2&action=transact"
	for range 3 {
		answer := request(t, handler, http.MethodGet, path, "")
		page := decoded[struct {
			Entries []audit.Kept
			Next    string
		}](t, answer, 200)
		for _, k := range page.Entries {
			numbers = append(numbers, k.Number)
			assert.Equal(t, kept.kept[k.Number-1], k)
		}
		link := answer.Header().Get("Link")
		if page.Next == "" {
			assert.Empty(t, link)
			continue
		}
		path = "/audit?action=transact&cursor=" + page.Next + "&limit=2"
		assert.Equal(t, "<"+path+`>; rel="next"`, link)
	}
	assert.Equal(t, []int64{5, 4, 3, 2, 1}, numbers)
}

// A page that ends because it has looked at enough says how far back, and goes on there.
func TestTrailSearched(t *testing.T) {
	kept := &trail{reach: audit.Place{Number: 4, Time: start}}
	handler := withTrail(t, kept, 5)
	for limit, want := range map[string]string{"2": `"4"`, "3": `"4","searchedTo":"2026-01-02T03:04:05.000006Z"`} {
		answer := request(t, handler, http.MethodGet, "/audit?action=transact&limit="+limit, "")
		require.Equal(t, 200, answer.Code)
		assert.Contains(t, answer.Body.String(), `"next":`+want+"}")
		assert.Equal(t, 2, strings.Count(answer.Body.String(), `"number"`))
		assert.Contains(t, answer.Header().Get("Link"), "cursor=4")
	}
}

func TestTrailQuery(t *testing.T) {
	kept := &trail{}
	handler := withTrail(t, kept, 0)
	answer := request(t, handler, http.MethodGet, "/audit?subject=client+shop&merchant=acme&action=keys+new&object=key+abc&result=done"+
		"&since=2026-01-02T00:00:00Z&until=2026-01-03T00:00:00Z&cursor=7&limit=3", "")
	require.Equal(t, 200, answer.Code, "%s", answer.Body)
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	want := audit.Query{
		Merchants: identity.AllMerchants(), Since: day, Until: day.Add(24 * time.Hour), Subject: "client shop", Merchant: "acme", Action: "keys new",
		Object: "key abc", Result: "done", Before: 7, Last: 4,
	}
	assert.Equal(t, want, kept.asked)
	assert.Equal(t, want, kept.reached)
	assert.Equal(t, 20_000, kept.entries)
	for query, fault := range map[string]string{
		"since=2026-01-03T00:00:00Z&until=2026-01-02T00:00:00Z": "until must be later than since",
		"cursor=a":   "cursor must be the next of an earlier answer",
		"cursor=-1":  "cursor must be the next of an earlier answer",
		"merchant=*": "merchant must be 1 to 64 letters",
		"object=%00": "object must have at most 200 characters",
		"kind=a":     "kind is not a known parameter",
	} {
		answer := request(t, handler, http.MethodGet, "/audit?"+query, "")
		require.Equal(t, 422, answer.Code, query)
		p := asProblem(t, answer)
		require.Len(t, p.Errors, 1, query)
		assert.Contains(t, p.Errors[0].Parameter+" "+p.Errors[0].Detail, fault)
	}
}

func TestTrailVerified(t *testing.T) {
	o := options(nowhere(t), newMemory())
	o.Trail = &trail{}
	answer := request(t, handlerWith(o), http.MethodGet, "/audit/verification", "")
	require.Equal(t, 200, answer.Code)
	assert.JSONEq(t, `{"entries": 0, "last": {"number": 0, "day": "", "digest": "`+audit.Sum{}.String()+`"}}`, answer.Body.String())
}

// A process that may only add to the trail says who can read it.
func TestTrailAway(t *testing.T) {
	for err, why := range map[error]string{nil: "may only add", audit.ErrMayNotRead: "may only add", errors.New("away"): "cannot be read now"} {
		o := options(nowhere(t), newMemory())
		if err != nil {
			o.Trail = &trail{err: err}
		}
		for _, path := range []string{"/audit", "/audit/verification"} {
			answer := request(t, handlerWith(o), http.MethodGet, path, "")
			require.Equal(t, 503, answer.Code)
			assert.Contains(t, asProblem(t, answer).Detail, why)
		}
	}
}
