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
)

// Purpose says what a signed link may be used for. It is the last part of the link's path, and a link for one purpose is
// refused for any other.
type Purpose string

// Acknowledging is for an alert, Reviewing for a transaction.
const (
	Acknowledging Purpose = "acknowledge"
	Reviewing     Purpose = "review"
)

// Links makes and checks the signed links by which people acknowledge an alert or decide a review from a message, without
// an API key. A link gives the right to do that one thing until it expires, and nothing else.
type Links struct {
	base string
	key  []byte
}

// NewLinks returns Links for the API's public address and a key of at least 32 bytes. Without a key no links are made, and
// every link is refused.
func NewLinks(base string, key []byte) Links {
	return Links{base: strings.TrimSuffix(base, "/"), key: key}
}

// Format prints only the type's name and never the key, whatever the verb.
func (l Links) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprint(state, "alert.Links")
}

// Base returns the API's address, without a slash at its end.
func (l Links) Base() string {
	return l.base
}

// Signed reports whether there is a key to sign links with.
func (l Links) Signed() bool {
	return len(l.key) > 0
}

// Acknowledge returns the link by which an alert is acknowledged, or "" if there is no key. by is the receiver of the
// message that holds it.
func (l Links) Acknowledge(alertID, by string, until time.Time) string {
	return l.link("/alerts/", Acknowledging, alertID, by, until)
}

// Review returns the link by which a transaction in review is decided, or "" if there is no key. until is the review's
// deadline.
func (l Links) Review(transactionID, by string, until time.Time) string {
	return l.link("/transactions/", Reviewing, transactionID, by, until)
}

func (l Links) link(under string, purpose Purpose, id, by string, until time.Time) string {
	if !l.Signed() {
		return ""
	}
	query := url.Values{"by": {by}, "until": {strconv.FormatInt(until.Unix(), 10)}}
	query.Set("signature", l.sign(purpose, id, query))
	return l.base + under + url.PathEscape(id) + "/" + string(purpose) + "?" + query.Encode()
}

// ErrNoLink means that this service did not make the link, or made it for another purpose, or that the link was changed.
var ErrNoLink = errors.New("the link is not one of this service, or was changed on its way")

// ErrLinkExpired means that the link was valid, but has expired.
var ErrLinkExpired = errors.New("the link has expired")

// Verify returns the receiver that the link was made for. Its error is ErrNoLink or ErrLinkExpired.
func (l Links) Verify(purpose Purpose, id string, query url.Values, now time.Time) (by string, err error) {
	signed := url.Values{"by": {query.Get("by")}, "until": {query.Get("until")}}
	if !l.Signed() || !hmac.Equal([]byte(query.Get("signature")), []byte(l.sign(purpose, id, signed))) {
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

// sign returns the signature of a link's content. No purpose holds a line break, so no part of an id can be taken for the
// purpose.
func (l Links) sign(purpose Purpose, id string, query url.Values) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(string(purpose) + "\n" + id + "\n" + query.Encode()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
