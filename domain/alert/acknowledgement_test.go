package alert_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"dummyorders/domain/alert"
)

var (
	linkKey = []byte("a key for tests, which is long enough")
	now     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func queryOf(t *testing.T, link string) url.Values {
	t.Helper()
	parsed, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Query()
}

func TestASignedLinkSaysWhoGotIt(t *testing.T) {
	links := alert.NewLinks("https://orders.example.com/", linkKey)
	link := links.URL("event-1", "jo@example.com", now.Add(time.Hour))
	if !strings.HasPrefix(link, "https://orders.example.com/alerts/event-1/acknowledge?") {
		t.Errorf("the link is %s", link)
	}
	if by, err := links.Verify("event-1", queryOf(t, link), now); by != "jo@example.com" || err != nil {
		t.Errorf("the link is of %q, %v", by, err)
	}
}

func TestALinkIsGoodForOneAlertAndOneReceiverAndUntilItExpires(t *testing.T) {
	links := alert.NewLinks("https://orders.example.com", linkKey)
	changed := func(name, value string) url.Values {
		query := queryOf(t, links.URL("event-1", "jo@example.com", now.Add(time.Hour)))
		query.Set(name, value)
		return query
	}
	for name, c := range map[string]struct {
		links alert.Links
		id    string
		query url.Values
		at    time.Time
		want  error
	}{
		"of another alert":      {links, "event-2", changed("x", ""), now, alert.ErrNoLink},
		"for somebody else":     {links, "event-1", changed("by", "al@example.com"), now, alert.ErrNoLink},
		"made to last":          {links, "event-1", changed("until", "99999999999"), now, alert.ErrNoLink},
		"with another mark":     {links, "event-1", changed("signature", "AAAA"), now, alert.ErrNoLink},
		"without a mark":        {links, "event-1", url.Values{}, now, alert.ErrNoLink},
		"expired":               {links, "event-1", changed("x", ""), now.Add(2 * time.Hour), alert.ErrLinkExpired},
		"under another key":     {alert.NewLinks("", []byte("another key for tests, which is long")), "event-1", changed("x", ""), now, alert.ErrNoLink},
		"where there is no key": {alert.NewLinks("", nil), "event-1", changed("x", ""), now, alert.ErrNoLink},
	} {
		if by, err := c.links.Verify(c.id, c.query, c.at); by != "" || !errors.Is(err, c.want) {
			t.Errorf("a link %s: %q, %v, want %v", name, by, err, c.want)
		}
	}
}

func TestThereAreNoLinksWithoutAKeyAndNoKeyIsShown(t *testing.T) {
	if link := alert.NewLinks("https://orders.example.com", nil).URL("event-1", "jo", now); link != "" {
		t.Errorf("a link without a key: %s", link)
	}
	if shown := fmt.Sprintf("%v %+v %#v", alert.NewLinks("b", linkKey), alert.NewLinks("b", linkKey), alert.NewLinks("b", linkKey)); strings.Contains(shown, "key for tests") {
		t.Errorf("the key is shown: %s", shown)
	}
}

func TestAnAcknowledgementSaysWhatIsWrongWithIt(t *testing.T) {
	for _, c := range []struct {
		given alert.Acknowledgement
		want  string
	}{
		{alert.Acknowledgement{By: "ada", Note: "calling the buyer"}, ""},
		{alert.Acknowledgement{By: " "}, "by: must say who"},
		{alert.Acknowledgement{By: strings.Repeat("é", alert.MaxBy+1)}, "by: must not be longer than 200"},
		{alert.Acknowledgement{By: "ada", Note: strings.Repeat("é", alert.MaxNote+1)}, "note: must not be longer than 500"},
		{alert.Acknowledgement{By: "ada\n"}, "by: must hold no control"},
		{alert.Acknowledgement{By: "ada", Note: "card 4111111111111111"}, "could be a card number"},
	} {
		err := c.given.Check()
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.given, err, c.want)
		}
	}
}
