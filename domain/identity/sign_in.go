package identity

import (
	"crypto/subtle"
	"net/url"
)

// SignIn is a person's sign-in at the issuer that is under way: OpenID Connect's code flow with PKCE. It is for one browser
// and counts once. It can be kept until that browser comes back; the nonce and the verifier are secrets.
type SignIn struct {
	// URL is the page of the issuer that the browser opens.
	URL string
	// Back is the URL to which the issuer sends the browser back.
	Back string

	State, Nonce, Verifier string
}

// IsOf reports whether a browser came back from this sign-in, by the state in its query. A request without the right
// state is to be ignored: any web page can make a browser send one.
func (s SignIn) IsOf(query url.Values) bool {
	return s.State != "" && subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(s.State)) == 1
}
