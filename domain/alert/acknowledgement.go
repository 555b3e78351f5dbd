package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"dummyorders/domain/card"
)

// Acknowledgement is that somebody has taken an alert upon himself: no further step is told.
type Acknowledgement struct {
	By   string    `json:"by"`
	Note string    `json:"note,omitempty"`
	At   time.Time `json:"at"`
}

// The most characters that an acknowledgement may hold.
const (
	MaxBy   = 200
	MaxNote = 500
)

// Check says what is wrong with an acknowledgement.
func (a Acknowledgement) Check() error {
	switch {
	case strings.TrimSpace(a.By) == "":
		return errors.New("by: must say who acknowledges")
	case utf8.RuneCountInString(a.By) > MaxBy:
		return fmt.Errorf("by: must not be longer than %d characters", MaxBy)
	case utf8.RuneCountInString(a.Note) > MaxNote:
		return fmt.Errorf("note: must not be longer than %d characters", MaxNote)
	case strings.ContainsFunc(a.By, unicode.IsControl):
		return errors.New("by: must hold no control characters")
	case card.Redact(a.By) != a.By || card.Redact(a.Note) != a.Note:
		return errors.New("by and note: must hold nothing that could be a card number")
	}
	return nil
}

// Links makes and knows the signed links by which people acknowledge from a message, without an API key. Who has a link
// can acknowledge that one alert, until it expires, and nothing else.
type Links struct {
	base string
	key  []byte
}

// NewLinks takes the API's address as people reach it, and the key, of at least 32 bytes. Without a key there are no
// links, and none is known.
func NewLinks(base string, key []byte) Links {
	return Links{base: strings.TrimSuffix(base, "/"), key: key}
}

// Format shows no key, whatever the verb.
func (l Links) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprint(state, "alert.Links")
}

// Base is the API's address, without a slash at its end.
func (l Links) Base() string {
	return l.base
}

// Signed says whether there is a key to sign links with.
func (l Links) Signed() bool {
	return len(l.key) > 0
}

// URL is where somebody acknowledges an alert; empty where there is no key. by is who is known to have got the link.
func (l Links) URL(id, by string, until time.Time) string {
	if !l.Signed() {
		return ""
	}
	query := url.Values{"by": {by}, "until": {strconv.FormatInt(until.Unix(), 10)}}
	query.Set("signature", l.sign(id, query))
	return l.base + "/alerts/" + url.PathEscape(id) + "/acknowledge?" + query.Encode()
}

// ErrNoLink means that a link was not made here, or was changed.
var ErrNoLink = errors.New("the link is not one of this service, or was changed on its way")

// ErrLinkExpired means that a link was good once.
var ErrLinkExpired = errors.New("the link has expired, as the alert has")

// Verify is who the link was made for. Its error is ErrNoLink or ErrLinkExpired.
func (l Links) Verify(id string, query url.Values, now time.Time) (by string, err error) {
	signed := url.Values{"by": {query.Get("by")}, "until": {query.Get("until")}}
	if !l.Signed() || !hmac.Equal([]byte(query.Get("signature")), []byte(l.sign(id, signed))) {
		return "", ErrNoLink
	}
	until, err := strconv.ParseInt(signed.Get("until"), 10, 64)
	if err != nil {
		return "", ErrNoLink
	}
	if now.After(time.Unix(until, 0)) {
		return "", ErrLinkExpired
	}
	return signed.Get("by"), nil
}

func (l Links) sign(id string, query url.Values) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte("acknowledge\n" + id + "\n" + query.Encode()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
