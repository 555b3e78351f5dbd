// Package identity says who may do what. Merchants own transactions, and all that is stored or counted about them; clients
// and persons act for merchants; scopes say what each of them may do.
package identity

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// DefaultMerchant is the merchant of everything that names no other: of transactions from before there were merchants, and
// of a service on which no merchant is configured.
const DefaultMerchant = "default"

// NoMerchant is in the place of a merchant for what belongs to the operator of the service, such as alarms. No merchant has
// that name, so that only AllMerchants holds it.
const NoMerchant = "*"

// MerchantOf returns the merchant's name, and DefaultMerchant for none.
func MerchantOf(name string) string {
	return cmp.Or(name, DefaultMerchant)
}

// Merchants is a set of merchants: those for which a subject may do something. The zero value holds none.
type Merchants struct {
	all   bool
	names []string // sorted, each once
}

// AllMerchants returns the set of all merchants, also those that are added later.
func AllMerchants() Merchants {
	return Merchants{all: true}
}

// OnlyMerchants returns a set of some merchants.
func OnlyMerchants(names ...string) Merchants {
	names = slices.Sorted(slices.Values(names))
	return Merchants{names: slices.Compact(names)}
}

// Has reports whether the set holds a merchant. No name means DefaultMerchant.
func (m Merchants) Has(name string) bool {
	return m.all || slices.Contains(m.names, MerchantOf(name))
}

// Covers reports whether the set has all that are in another one.
func (m Merchants) Covers(others Merchants) bool {
	return m.all || !others.all && !slices.ContainsFunc(others.names, func(name string) bool { return !m.Has(name) })
}

// Narrow returns the set of one merchant, which is empty if this set does not hold it. Without a name it returns this set.
func (m Merchants) Narrow(name string) Merchants {
	switch {
	case name == "":
		return m
	case m.Has(name):
		return OnlyMerchants(name)
	default:
		return Merchants{}
	}
}

// All reports whether the set holds all merchants.
func (m Merchants) All() bool {
	return m.all
}

// None reports whether the set is empty.
func (m Merchants) None() bool {
	return !m.all && len(m.names) == 0
}

// Names returns the merchants in the set, sorted. It is empty for AllMerchants.
func (m Merchants) Names() []string {
	return m.names
}

func (m Merchants) and(more Merchants) Merchants {
	if m.all || more.all {
		return AllMerchants()
	}
	return OnlyMerchants(slices.Concat(m.names, more.names)...)
}

// String returns the names with commas between them, or an asterisk for all.
func (m Merchants) String() string {
	if m.all {
		return "*"
	}
	return strings.Join(m.names, ",")
}

// MarshalText returns the text of String, so that a subject can be kept.
func (m Merchants) MarshalText() ([]byte, error) {
	return []byte(m.String()), nil
}

// UnmarshalText reads what MarshalText has written.
func (m *Merchants) UnmarshalText(text []byte) error {
	switch names := string(text); names {
	case "":
		*m = Merchants{}
	case "*":
		*m = AllMerchants()
	default:
		*m = OnlyMerchants(strings.Split(names, ",")...)
	}
	return nil
}

// Kind says what a subject is.
type Kind string

// The kinds of subjects.
const (
	Anonymous Kind = "anonymous" // a caller where no keys and no issuer are configured
	Client    Kind = "client"    // a program with an API key
	Person    Kind = "person"    // who signed in by OpenID Connect
	Receiver  Kind = "receiver"  // who opened the signed link of a message
	Operator  Kind = "operator"  // who runs a command of this program, by the name of the system's user
)

// Subject is who acts.
type Subject struct {
	Kind Kind
	// Name tells subjects of a kind apart. A client's is its own name, after its merchant's and a slash if that is not
	// DefaultMerchant; a person's is the mail address or name that the issuer vouches for.
	Name string
	// Merchant is the one that the subject posts transactions for: a client's own. It is empty for persons, who post none.
	Merchant string
	// Grants say what it may do.
	Grants []Grant
	// Groups are those of a person's groups at the issuer that have a role here.
	Groups []string
	// Session is the id of the session at the desk in which a person acts. It is empty outside the desk.
	Session string
}

// Grant allows what its scopes name, for some merchants.
type Grant struct {
	Scopes    []Scope
	Merchants Merchants
}

// For returns the merchants for which the subject has a scope. An empty set means that it lacks the scope.
func (s Subject) For(scope Scope) Merchants {
	var all Merchants
	for _, grant := range s.Grants {
		if slices.Contains(grant.Scopes, scope) {
			all = all.and(grant.Merchants)
		}
	}
	return all
}

// String returns the kind and the name, as logs and the audit trail show a subject: "client acme/shop".
func (s Subject) String() string {
	if s.Name == "" {
		return string(s.Kind)
	}
	return string(s.Kind) + " " + s.Name
}

// ClientName returns the name by which a client of a merchant is known everywhere.
func ClientName(merchant, name string) string {
	if merchant = MerchantOf(merchant); merchant != DefaultMerchant {
		return merchant + "/" + name
	}
	return name
}

// ErrUnknown means that a token belongs to no known subject.
var ErrUnknown = errors.New("unknown key or token")

// RefusedError means that a token belonged to a subject, and is not valid any more. Why says so to its owner. Reason is a word
// of a fixed set.
type RefusedError struct {
	Why, Reason string
}

func (e *RefusedError) Error() string {
	return e.Why
}
