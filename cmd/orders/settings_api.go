package main

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// An API key is sent in a header and listed with commas, so it has neither commas nor spaces.
var (
	clientName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	clientKey  = regexp.MustCompile(`^[!-+\--~]{16,}$`)
)

// hosts returns the names that callers may use for the api if it listens on this machine only and requires no key. An
// empty list allows any name.
func (e environment) hosts() []string {
	host, _, _ := net.SplitHostPort(e.HTTPAddress)
	if strings.TrimSpace(e.APIKeys) != "" || !isThisMachine(host) {
		return nil
	}
	names := []string{"localhost"}
	if u, err := url.Parse(e.APIURL); err == nil && u.Hostname() != "" {
		names = append(names, u.Hostname())
	}
	return names
}

// prefix returns the path of API_URL, which a proxy removes. It is empty if there is none.
func (e environment) prefix() string {
	u, err := url.Parse(e.APIURL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.EscapedPath(), "/")
}

func isThisMachine(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// clients returns the API keys by the names of their clients. If there are none, everybody may call the api.
func (e environment) clients(v *values) map[string]string {
	if strings.TrimSpace(e.APIKeys) == "" {
		return nil
	}
	clients, owners := map[string]string{}, map[string]string{}
	for i, entry := range strings.Split(e.APIKeys, ",") {
		name, key, _ := strings.Cut(strings.TrimSpace(entry), ":")
		_, named := clients[name]
		_, owned := owners[key]
		if !clientName.MatchString(name) || !clientKey.MatchString(key) || named || owned {
			// Name the faulty entry by its position alone: its text may be a key.
			v.wrongSecret("API_KEYS", fmt.Sprintf("name:key pairs with commas between them, such as shop:a-long-secret-of-its-own; "+
				"names of letters, digits, - and _, keys of at least 16 printable characters without spaces, each name and key once (at number %d)", i+1))
			return nil
		}
		clients[name], owners[key] = key, name
	}
	return clients
}
