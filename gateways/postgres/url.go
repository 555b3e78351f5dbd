package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// example is what a right URL looks like.
//
//nolint:gosec // the password opens nothing
const example = "postgres://user:password@host:5432/database?sslmode=require, with whatever is special in a URL percent-encoded"

// parse takes the URLs that libpq takes. Its errors show no password.
func parse(text string) (*pgx.ConnConfig, error) {
	parsed, err := parseURL(text)
	if err != nil {
		return nil, err
	}
	query := parsed.Query()
	for _, part := range []struct{ name, value string }{
		{"host", cmp.Or(parsed.Host, query.Get("host"))},
		{"user", cmp.Or(parsed.User.Username(), query.Get("user"))},
		{"database", cmp.Or(strings.Trim(parsed.Path, "/"), query.Get("dbname"), query.Get("database"))},
	} {
		if part.value == "" {
			return nil, fmt.Errorf("PostgreSQL URL names no %s: must be like %s", part.name, example)
		}
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL URL: %w", withoutPassword(err, parsed))
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "orders"
	}
	return config, nil
}

// parseURL reads a URL with one host or several, each with its port or without, and returns it with the first host. What is
// special in a URL must be percent-encoded, an @ in the password as well: pgx takes the first @ for the end of the
// password, and would look for the rest of it as a host.
func parseURL(text string) (*url.URL, error) {
	malformed := errors.New("PostgreSQL URL is malformed: must be like " + example) // url's own error may quote the password
	scheme, rest, _ := strings.Cut(text, "://")
	end := strings.IndexAny(rest+"/", "/?#")
	login, hosts, path := "", rest[:end], rest[end:]
	if at := strings.LastIndex(hosts, "@"); at >= 0 {
		login, hosts = hosts[:at+1], hosts[at+1:]
	}
	if strings.Count(login, "@") > 1 {
		return nil, malformed
	}
	var first *url.URL
	for host := range strings.SplitSeq(hosts, ",") {
		parsed, err := url.Parse(scheme + "://" + login + host + path)
		if err != nil {
			return nil, malformed
		}
		if first == nil {
			first = parsed
		}
	}
	return first, nil
}

// withoutPassword makes sure that an error, which pgx has redacted as well as it could, holds none.
func withoutPassword(err error, parsed *url.URL) error {
	text := err.Error()
	password, _ := parsed.User.Password()
	for _, secret := range []string{password, parsed.Query().Get("password"), parsed.Query().Get("sslpassword")} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "xxxxx")
			text = strings.ReplaceAll(text, url.QueryEscape(secret), "xxxxx")
		}
	}
	return errors.New(text)
}
