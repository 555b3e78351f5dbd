package devissuer

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// hidden finds the request in the form of the sign-in page.
var hidden = regexp.MustCompile(`name="request" value="([^"]+)"`)

// SignIn is a browser in a test, which needs a cookie jar: it opens the link of this run and the page of a sign-in, chooses
// to be somebody, and returns what it is shown last.
func (i *Issuer) SignIn(ctx context.Context, browser *http.Client, page, name string, groups ...string) (string, error) {
	if _, err := fetch(ctx, browser, i.Link(), nil); err != nil {
		return "", err
	}
	shown, err := fetch(ctx, browser, page, nil)
	if err != nil {
		return "", err
	}
	request := hidden.FindStringSubmatch(shown)
	if request == nil {
		return "", fmt.Errorf("sign in as %s: no form is shown, but %s", name, shown)
	}
	return fetch(ctx, browser, i.URL()+signInPath, url.Values{"request": request[1:], "name": {name}, "group": groups})
}

// fetch gets a page, or posts a form, and returns what is shown.
func fetch(ctx context.Context, browser *http.Client, page string, form url.Values) (string, error) {
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, page, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := browser.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	shown, err := io.ReadAll(response.Body)
	return string(shown), err
}
