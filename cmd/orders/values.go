package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/internal/mailaddress"
)

// configError holds everything that is wrong with the environment.
type configError struct {
	faults []string
}

// Error returns a line for each fault.
func (e *configError) Error() string {
	return "wrong settings:\n  " + strings.Join(e.faults, "\n  ")
}

// values parses settings and collects their faults, so that all of them are reported at once.
type values struct {
	faults []string
}

// err returns nil if every value so far was right.
func (v *values) err() error {
	if len(v.faults) == 0 {
		return nil
	}
	return &configError{faults: v.faults}
}

func (v *values) wrong(name, value, right string) {
	v.faults = append(v.faults, fmt.Sprintf("%s=%q: must be %s", name, value, right))
}

// wrongSecret records a fault without showing the value.
func (v *values) wrongSecret(name, right string) {
	v.faults = append(v.faults, fmt.Sprintf("%s: must be %s", name, right))
}

func (v *values) duration(name, value string, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		v.wrong(name, value, fmt.Sprintf("a duration from %s to %s, such as 90s or 15m", least, most))
	}
	return d
}

func (v *values) number(name, value string, least, most int) int {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		v.wrong(name, value, fmt.Sprintf("a whole number from %d to %d", least, most))
	}
	return n
}

func (v *values) flag(name, value string) bool {
	b, err := strconv.ParseBool(value)
	if err != nil {
		v.wrong(name, value, "true or false")
	}
	return b
}

func (v *values) oneOf(name, value string, allowed []string) string {
	if !slices.Contains(allowed, value) {
		v.wrong(name, value, "one of "+strings.Join(allowed, ", "))
	}
	return value
}

func (v *values) scopes(name, value string) []identity.Scope {
	scopes, right := readScopes(value)
	if right != "" {
		v.wrong(name, value, right)
	}
	return scopes
}

// readScopes reads scopes with commas or spaces between them. If they are wrong, it returns what would be right.
func readScopes(value string) (scopes []identity.Scope, right string) {
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' }) {
		if !slices.Contains(identity.Scopes, identity.Scope(word)) {
			return nil, fmt.Sprintf("scopes with commas between them, of %s", identity.Scopes)
		}
		scopes = append(scopes, identity.Scope(word))
	}
	if scopes == nil {
		return nil, fmt.Sprintf("at least one scope, of %s", identity.Scopes)
	}
	return scopes, ""
}

func (v *values) text(name, value string) string {
	if strings.TrimSpace(value) == "" {
		v.wrong(name, value, "set")
	}
	return value
}

func (v *values) level(name, value string) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(value)); err != nil {
		v.wrong(name, value, "one of debug, info, warn, error")
	}
	return level
}

// listen checks an address to listen on.
func (v *values) listen(name, value string) string {
	_, port, err := net.SplitHostPort(value)
	if number, portErr := strconv.Atoi(port); err != nil || portErr != nil || number < 0 || number > 65535 {
		v.wrong(name, value, "an address to listen on, such as :9001 or 127.0.0.1:9001")
	}
	return value
}

// networks parses a list of networks and addresses with commas between them.
func (v *values) networks(name, value string) (networks []netip.Prefix) {
	for entry := range strings.SplitSeq(value, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		network, err := netip.ParsePrefix(entry)
		if address, addressErr := netip.ParseAddr(entry); addressErr == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil || network.Addr().Zone() != "" {
			v.wrong(name, value, fmt.Sprintf("networks and addresses with commas between them, such as 10.0.0.0/8,2001:db8::7 (at %q)", entry))
			return nil
		}
		networks = append(networks, network)
	}
	return networks
}

func (v *values) webURL(name, value string) string {
	if value != "" && !isWebURL(value) {
		v.wrong(name, value, "a URL such as http://localhost:8233, or empty")
	}
	return value
}

func isWebURL(value string) bool {
	u, err := url.Parse(value)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// amqpURL checks a URL that holds a password. Its faults never show the value.
func (v *values) amqpURL(name, value string) string {
	if err := rabbitmq.CheckURL(value); err != nil {
		v.wrongSecret(name, err.Error())
	}
	return value
}

func (v *values) address(name, value string) string {
	if a, err := mailaddress.Parse(value); err == nil {
		return a.String()
	}
	v.wrong(name, value, "a mail address such as orders@example.com")
	return value
}

// greeting checks the host name by which this machine greets mail servers. If it is empty, the mail channel finds out a
// name itself.
func (v *values) greeting(name, value string) string {
	if _, ok := mailaddress.Host(value); !ok && value != "" {
		v.wrong(name, value, "a full name such as mail.example.com, an address in brackets such as [192.0.2.5] or [IPv6:2001:db8::5], or empty")
	}
	return value
}

// addresses parses a list of addresses with commas between them.
func (v *values) addresses(name, value string) []string {
	list, err := mailaddress.ParseList(value)
	if err != nil {
		v.wrong(name, value, "mail addresses with commas between them, such as a@example.com, b@example.com")
	}
	addresses := make([]string, len(list))
	for i, a := range list {
		addresses[i] = a.Address
	}
	return addresses
}

// amounts parses a list such as "INR:100000,USD:1200".
func (v *values) amounts(name, value string) []money.Money {
	var amounts []money.Money
	known := map[money.Currency]bool{}
	for entry := range strings.SplitSeq(value, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		code, decimal, _ := strings.Cut(entry, ":")
		amount, err := money.Parse(decimal, money.Currency(code))
		if err != nil || known[amount.Currency] {
			v.wrong(name, value, fmt.Sprintf("currency:amount pairs, each currency once, such as INR:100000,USD:1200 (at %q)", entry))
			return nil
		}
		known[amount.Currency] = true
		amounts = append(amounts, amount)
	}
	return amounts
}

// queues parses a list such as "INR:100000=seniors,EUR@acme=acme-staff,@beta=bob@example.com".
func (v *values) queues(name, value string) (all review.Queues) {
	for entry := range strings.SplitSeq(value, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		which, who, _ := strings.Cut(entry, "=")
		q := review.Queue{Who: strings.TrimSpace(who)}
		amount, merchant, some := strings.Cut(strings.TrimSpace(which), "@")
		code, least, has := strings.Cut(amount, ":")
		if !has {
			least = "0"
		}
		var err error
		if q.From, err = money.Parse(least, money.Currency(code)); amount == "" {
			err = nil
		}
		if q.Merchant = merchant; err != nil || q.Who == "" || amount == "" && !some || some && !identity.IsName(merchant) {
			v.wrong(name, value, "reviews and who gets them first, with commas between them: a currency, also with the least amount, or a merchant after @, or both, "+
				fmt.Sprintf("and after an equals sign a group or a person, such as INR:100000=seniors,EUR@acme=acme-staff (at %q)", entry))
			return nil
		}
		all = append(all, q)
	}
	return all
}
