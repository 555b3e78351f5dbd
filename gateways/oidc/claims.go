package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"

	"dummyorders/domain/card"
	"dummyorders/domain/review"
)

// claims are what a token says about a person.
type claims struct {
	Subject   string   `json:"sub"`
	Email     string   `json:"email"`
	Verified  anyBool  `json:"email_verified"`
	Username  string   `json:"preferred_username"`
	NotBefore unixTime `json:"nbf"`
	Party     string   `json:"azp"`

	groups []string
}

// anyBool is a boolean that some issuers write as a string.
type anyBool bool

// UnmarshalJSON takes everything but true and "true" for false.
func (b *anyBool) UnmarshalJSON(text []byte) error {
	*b = string(text) == "true" || string(text) == `"true"`
	return nil
}

// unixTime is a time in seconds, which some issuers write with a fraction.
type unixTime float64

// read reads the claims of a token. Its groups are a list of texts, or one text.
func (c *claims) read(token *oidc.IDToken, groupsClaim string) error {
	all := map[string]json.RawMessage{}
	if err := errors.Join(token.Claims(c), token.Claims(&all)); err != nil {
		return err
	}
	text, given := all[groupsClaim]
	var one string
	switch {
	case !given || json.Unmarshal(text, &c.groups) == nil:
		return nil
	case json.Unmarshal(text, &one) == nil:
		c.groups = []string{one}
		return nil
	}
	return fmt.Errorf("%s must be a list of groups", groupsClaim)
}

// name returns the name by which a person is known everywhere. No two persons have the same: it is the mail address, if
// the issuer has verified it, and otherwise contains what the issuer alone chooses and gives only once, the claim sub. A
// person can often choose the user name, so by itself it is not enough, and it must not look like a mail address.
func (c *claims) name() (string, error) {
	if at := strings.LastIndex(c.Email, "@"); bool(c.Verified) && at > 0 && isName(c.Email) {
		return strings.ToLower(c.Email), nil
	}
	if named := c.Username + "#" + c.Subject; c.Username != "" && !strings.ContainsAny(c.Username, "#@") && isName(named) {
		return named, nil
	}
	if isName(c.Subject) {
		return c.Subject, nil
	}
	return "", fmt.Errorf("the issuer must send a verified mail address of at most %d characters, or a sub that can be shown", review.MaxReviewer)
}

// isName reports whether a text can stand for a person in reviews, logs and the audit trail.
func isName(text string) bool {
	unfit := func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) }
	return text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= review.MaxReviewer &&
		!strings.ContainsFunc(text, unfit) && card.Redact(text) == text
}
