package alert_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
)

var (
	linkKey = []byte("a key for tests, which is long enough")
	now     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func queryOf(t *testing.T, link string) url.Values {
	t.Helper()
	parsed, err := url.Parse(link)
	require.NoError(t, err)
	return parsed.Query()
}

// A signed link says who got it.
func TestLinks(t *testing.T) {
	links := alert.NewLinks("https://orders.example.com/", linkKey)
	for purpose, c := range map[alert.Purpose]struct{ link, begins string }{
		alert.Acknowledging: {links.Acknowledge("x-1", "jo@example.com", now), "https://orders.example.com/alerts/x-1/acknowledge?"},
		alert.Reviewing:     {links.Review("x-1", "jo@example.com", now), "https://orders.example.com/transactions/x-1/review?"},
	} {
		t.Run(string(purpose), func(t *testing.T) {
			assert.True(t, strings.HasPrefix(c.link, c.begins), "the link is %s", c.link)
			by, err := links.Verify(purpose, "x-1", queryOf(t, c.link), now)
			assert.Equal(t, "jo@example.com", by)
			assert.NoError(t, err)
		})
	}
}

// Links in earlier messages are still good. The link was made before links had a purpose.
func TestLinksOfEarlierMessages(t *testing.T) {
	const link = "https://orders.example.com/alerts/event-1/acknowledge?by=jo%40example.com&" +
		"signature=rJN6LABhFIXqsymaTJNhNK4EX5ZdWuAr3QKxM8WJPjk&until=1767323045"
	by, err := alert.NewLinks("", linkKey).Verify(alert.Acknowledging, "event-1", queryOf(t, link), now)
	assert.Equal(t, "jo@example.com", by)
	assert.NoError(t, err)
}

// A link is good for one purpose and one receiver, until it expires.
func TestLinkCheck(t *testing.T) {
	links, until := alert.NewLinks("https://orders.example.com", linkKey), now.Add(time.Hour)
	acknowledges, reviews := links.Acknowledge("x-1", "jo@example.com", until), links.Review("x-1", "jo@example.com", until)
	changed := func(name, value string) url.Values {
		query := queryOf(t, acknowledges)
		query.Set(name, value)
		return query
	}
	for name, c := range map[string]struct {
		links   alert.Links
		purpose alert.Purpose
		id      string
		query   url.Values
		at      time.Time
		want    error
	}{
		"of another alert":      {links, alert.Acknowledging, "x-2", changed("x", ""), now, alert.ErrNoLink},
		"to review by":          {links, alert.Acknowledging, "x-1", queryOf(t, reviews), now, alert.ErrNoLink},
		"to acknowledge by":     {links, alert.Reviewing, "x-1", changed("x", ""), now, alert.ErrNoLink},
		"for somebody else":     {links, alert.Acknowledging, "x-1", changed("by", "al@example.com"), now, alert.ErrNoLink},
		"made to last":          {links, alert.Acknowledging, "x-1", changed("until", "99999999999"), now, alert.ErrNoLink},
		"with another mark":     {links, alert.Acknowledging, "x-1", changed("signature", "AAAA"), now, alert.ErrNoLink},
		"without a mark":        {links, alert.Acknowledging, "x-1", url.Values{}, now, alert.ErrNoLink},
		"expired":               {links, alert.Acknowledging, "x-1", changed("x", ""), until.Add(time.Second), alert.ErrLinkExpired},
		"expired review":        {links, alert.Reviewing, "x-1", queryOf(t, reviews), until.Add(time.Second), alert.ErrLinkExpired},
		"under another key":     {alert.NewLinks("", []byte("another key for tests, which is long")), alert.Acknowledging, "x-1", changed("x", ""), now, alert.ErrNoLink},
		"where there is no key": {alert.NewLinks("", nil), alert.Acknowledging, "x-1", changed("x", ""), now, alert.ErrNoLink},
	} {
		t.Run(name, func(t *testing.T) {
			by, err := c.links.Verify(c.purpose, c.id, c.query, c.at)
			assert.Empty(t, by)
			assert.ErrorIs(t, err, c.want)
		})
	}
}

// There are no links without a key, and no key is shown.
func TestLinksWithoutKey(t *testing.T) {
	none := alert.NewLinks("https://orders.example.com", nil)
	assert.Empty(t, none.Acknowledge("event-1", "jo", now)+none.Review("x-1", "jo", now), "a link without a key")
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", alert.NewLinks("b", linkKey), alert.NewLinks("b", linkKey), alert.NewLinks("b", linkKey)), "key for tests")
}
