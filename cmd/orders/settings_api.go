package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummyorders/api"
	"dummyorders/domain/identity"
	"dummyorders/internal/localhost"
)

// An API key is sent in a header and listed with commas, so it has neither commas nor spaces.
var clientKey = regexp.MustCompile(`^[!-+\--~]{16,}$`)

// httpAddress returns the address to listen on. An api that does not know its callers serves this machine only, unless
// API_OPEN says otherwise.
func (e environment) httpAddress(v *values) string {
	faults := len(v.faults)
	address, open := v.listen("HTTP_ADDRESS", e.HTTPAddress), v.flag("API_OPEN", e.APIOpen)
	if len(v.faults) == faults && !open && !e.knowsCallers() && !localhost.Is(e.reachedAt()) {
		name, value := "HTTP_ADDRESS", e.HTTPAddress
		if e.APIPublishedOn != "" {
			name, value = "API_PUBLISHED_ON", e.APIPublishedOn
		}
		v.wrong(name, value, "localhost or a loopback address such as 127.0.0.1, unless API_KEYS holds keys of your own, API_KEYS_IN_LEDGER=true asks for those that orders keys makes, OIDC_ISSUER names who signs persons in, or API_OPEN=true lets everybody call")
	}
	return address
}

// knowsCallers reports whether callers must prove who they are. A key that is published with the source lets everybody in,
// whatever else is asked for, and an issuer for development proves nothing.
func (e environment) knowsCallers() bool {
	keys := strings.TrimSpace(e.APIKeys)
	if slices.ContainsFunc(strings.Split(keys, ","), func(entry string) bool {
		_, key, _ := strings.Cut(strings.TrimSpace(entry), ":")
		return isPublished(key)
	}) {
		return false
	}
	stored, _ := strconv.ParseBool(e.StoredKeys)
	return keys != "" || stored || e.OIDCIssuer != "" && !e.developmentIssuer()
}

// reachedAt returns the host at which callers reach the api: where its container's port is published, or else where it
// listens.
func (e environment) reachedAt() string {
	if e.APIPublishedOn != "" {
		return strings.Trim(e.APIPublishedOn, "[]") // Compose writes IPv6 addresses in brackets
	}
	host, _, _ := net.SplitHostPort(e.HTTPAddress)
	return host
}

// hosts returns the names that callers may use for the api if only this machine reaches it and it does not know its
// callers. An empty list allows any name.
func (e environment) hosts() []string {
	if e.knowsCallers() || !localhost.Is(e.reachedAt()) {
		return nil
	}
	names := []string{"localhost"}
	if e.APIPublishedOn != "" {
		names = append(names, "api") // as Alertmanager's container reaches it
	}
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

// authenticators returns the ways to find out who calls the api. Without any, anyone may call.
func (e environment) authenticators(v *values, stored *api.StoredKeys, log *slog.Logger) (all []api.Authenticator) {
	if keys := e.keys(v); len(keys) > 0 {
		all = append(all, api.NewKeys(keys))
	}
	if stored != nil {
		all = append(all, stored)
	}
	if persons := e.persons(v, log); persons != nil {
		all = append(all, persons)
	}
	return all
}

// storedKeys returns the keys in the ledger's database, or nil if callers do not send those.
func (e environment) storedKeys(v *values, store api.KeyStore, log *slog.Logger) *api.StoredKeys {
	without := v.duration("API_KEYS_WITHOUT_LEDGER", e.KeysWithoutLedger, time.Minute, 7*24*time.Hour)
	if !v.flag("API_KEYS_IN_LEDGER", e.StoredKeys) {
		return nil
	}
	return api.NewStoredKeys(store, without, time.Now, log)
}

// keys returns the clients of API_KEYS by their keys.
func (e environment) keys(v *values) map[string]identity.Subject {
	scopes := v.scopes("API_KEYS_SCOPES", e.APIKeysScopes)
	if strings.TrimSpace(e.APIKeys) == "" {
		return nil
	}
	clients, names := map[string]identity.Subject{}, map[string]bool{}
	for i, entry := range strings.Split(e.APIKeys, ",") {
		text, key, _ := strings.Cut(strings.TrimSpace(entry), ":")
		client := clientOf(text, scopes)
		if _, known := clients[key]; known || names[client.Name] || client.Name == "" || !clientKey.MatchString(key) {
			// Name the faulty entry by its position alone: its text may be a key.
			v.wrongSecret("API_KEYS", fmt.Sprintf("name:key pairs with commas between them, such as shop:a-long-secret-of-its-own or, for a client of "+
				"the merchant acme, acme/shop:a-long-secret-of-its-own; names of letters, digits, - and _, keys of at least 16 printable characters "+
				"without spaces, each name and key once (at number %d)", i+1))
			return nil
		}
		e.refusePublished(v, "API_KEYS", key)
		clients[key], names[client.Name] = client, true
	}
	return clients
}

// clientOf returns the client that a name in API_KEYS stands for. It has no name if the text is malformed.
func clientOf(text string, scopes []identity.Scope) identity.Subject {
	merchant, client, named := strings.Cut(text, "/")
	if !named {
		merchant, client = identity.DefaultMerchant, text
	}
	if !identity.IsName(merchant) || !identity.IsName(client) {
		return identity.Subject{}
	}
	return identity.Subject{
		Kind: identity.Client, Name: identity.ClientName(merchant, client), Merchant: merchant,
		Grants: []identity.Grant{{Scopes: scopes, Merchants: identity.OnlyMerchants(merchant)}},
	}
}

// wrongKeys is how many wrong API keys and links an address may send a minute.
const wrongKeys = 20

// limits returns what one caller may ask for.
func (e environment) limits(v *values) api.Limits {
	return api.Limits{
		Rate:      v.number("HTTP_RATE_PER_CALLER", e.CallerRate, 1, 1_000_000),
		Burst:     v.number("HTTP_BURST_PER_CALLER", e.CallerBurst, 1, 1_000_000),
		InFlight:  v.number("HTTP_MAX_IN_FLIGHT_PER_CALLER", e.CallerInFlight, 1, 100_000),
		WrongKeys: wrongKeys,
	}
}
