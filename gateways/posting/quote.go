package posting

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"

	"dummyorders/internal/safetext"
)

// maxQuote is how many characters of the other side's words are shown.
const maxQuote = 200

// hidden stands where a secret was.
const hidden = "[hidden]"

// shortestSecret is from which length on a part of a URL's path, or its username, may be a secret by itself. Shorter ones
// are words.
const shortestSecret = 8

// Quote is what the other side said, short, on one line, and without the secrets: some repeat in an error what they were
// asked, the path included.
func (a Answer) Quote(text string) string {
	for _, secret := range a.secrets {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return safetext.Cut(safetext.Line(text), maxQuote, "…")
}

// Length is how many characters providers count in a text: UTF-16 code units, of which an emoji has two.
func Length(text string) int {
	length := 0
	for _, r := range text {
		length += max(utf16.RuneLen(r), 1)
	}
	return length
}

// Cut bounds a text to so many characters, as Length counts them; a text that was cut ends in "…".
func Cut(text string, most int) string {
	length, fits := 0, 0
	for at, r := range text {
		if length < most {
			fits = at
		}
		if length += max(utf16.RuneLen(r), 1); length > most {
			return text[:fits] + "…"
		}
	}
	return text
}

// secretsOf are the parts of a URL that are never shown, and the other secrets; the longest come first, so that none
// leaves the rest of another behind.
func secretsOf(u *url.URL, others []string) []string {
	parts := append([]string{u.Path, u.EscapedPath(), u.RawQuery}, secretsOfLogin(u.User)...)
	for part := range strings.SplitSeq(u.Path+"/"+u.EscapedPath(), "/") {
		if len(part) >= shortestSecret {
			parts = append(parts, part)
		}
	}
	for field := range strings.SplitSeq(u.RawQuery, "&") {
		_, escaped, _ := strings.Cut(field, "=")
		value, _ := url.QueryUnescape(escaped) // empty where it is no escape
		parts = append(parts, escaped, value)
	}
	parts = append(parts, others...)
	parts = slices.DeleteFunc(parts, func(part string) bool { return len(part) < 2 })
	slices.SortFunc(parts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(parts)
}

// secretsOfLogin has the login also as net/http sends it (RFC 7617).
func secretsOfLogin(login *url.Userinfo) []string {
	if login == nil {
		return nil
	}
	password, _ := login.Password()
	sent := base64.StdEncoding.EncodeToString([]byte(login.Username() + ":" + password))
	parts := []string{login.String(), password, sent}
	if len(login.Username()) >= shortestSecret { // a token, where the password is a mere x
		parts = append(parts, login.Username())
	}
	return parts
}
