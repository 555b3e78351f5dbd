package routing

import (
	"net/netip"
	"net/url"
	"strings"

	"dummyorders/gateways/webhook"
	"dummyorders/internal/yamlfile"
)

// inline is a text that stands in a mapping, or in a file that it names; at is nil where neither is
// there, or cannot be used.
func (r *reader) inline(v *yamlfile.Value, key string, it holding) (text string, at *yamlfile.Value) {
	here, elsewhere := v.Optional(key), v.Optional(key+"_file")
	switch {
	case here != nil && elsewhere != nil:
		elsewhere.Fault("stands beside %s: leave one out", key)
		return "", nil
	case elsewhere != nil:
		content, ok := r.named(elsewhere, it)
		if !ok {
			return "", nil
		}
		return content, elsewhere
	case here != nil && here.Words() != "":
		return here.Text(), here
	}
	return "", nil
}

func (r *reader) readURL(v *yamlfile.Value) string {
	text, at := r.inline(v, "url", holdsSecret)
	if at == nil {
		if v.Optional("url") == nil && v.Optional("url_file") == nil {
			v.Fault("\"url\" is missing: it must be given, or url_file")
		}
		return ""
	}
	text = strings.TrimSpace(text)
	if !isEndpoint(text) {
		at.Fault("must be a URL of https; of http only to this machine or a private host (the URL itself is not shown)")
	}
	return text
}

// isEndpoint says whether secrets may be sent to a URL.
func isEndpoint(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isPrivate(u.Hostname())
}

// isPrivate goes by the address, and where it is a name by what nobody can have in the public domain name system.
func isPrivate(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback() || address.IsPrivate()
	}
	if !strings.Contains(host, ".") {
		return true
	}
	for _, domain := range []string{".localhost", ".local", ".internal"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// readSecrets are those that a webhook is signed with; several while one takes over from another.
func (r *reader) readSecrets(v *yamlfile.Value) []string {
	var given, here, elsewhere []*yamlfile.Value
	for _, way := range []string{"secret", "secret_file", "secrets", "secret_files"} {
		found := v.Optional(way)
		if found == nil {
			continue
		}
		given = append(given, found)
		items := found.OneOrMore()
		if strings.HasPrefix(way, "secret_file") {
			elsewhere = append(elsewhere, items...)
		} else {
			here = append(here, items...)
		}
	}
	switch len(given) {
	case 0:
		v.Fault("\"secret\" is missing: it must be given, or secret_file, secrets or secret_files")
	case 1:
	default:
		given[1].Fault("stands beside another secret: give several as secrets: […] or secret_files: […]")
	}
	var secrets []string
	for _, item := range here {
		if text := item.Words(); text != "" {
			secrets = append(secrets, checked(item, text))
		}
	}
	for _, item := range elsewhere {
		if text, ok := r.named(item, holdsSecret); ok {
			secrets = append(secrets, checked(item, strings.TrimSpace(text)))
		}
	}
	return secrets
}

// checked is a secret, which a fault does not show.
func checked(v *yamlfile.Value, secret string) string {
	if err := webhook.CheckSecret(secret); err != nil {
		v.Fault("the secret %v", err)
	}
	return secret
}
