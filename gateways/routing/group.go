package routing

import (
	"fmt"
	"strings"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/internal/safetext"
)

// defaultWindow is how long alerts of a group are collected where nobody says.
const defaultWindow = 5 * time.Minute

// defaultBy is what alerts of a group have in common where nobody says, beside their type.
var defaultBy = []string{"card", "reason"}

// grouping is how a receiver's alerts belong together. The nil grouping tells each by itself.
type grouping struct {
	by     []string // beside the type
	window time.Duration
}

// byType may be said, and is always so.
const byType = "type"

// trait is something that alerts of a group have in common: key tells groups apart, and name is for people.
type trait struct{ key, name string }

// traits are what alerts can be grouped by. One that an event does not have has an empty key.
var traits = map[string]func(e alert.Event) trait{
	"card":     card,
	"customer": customer,
	"reason":   reason,
	byType:     func(e alert.Event) trait { return trait{key: string(e.Type)} },
	"outcome":  func(e alert.Event) trait { return named(string(e.Data.Decision.Outcome), "outcome ") },
	"order":    func(e alert.Event) trait { return named(e.Data.OrderID, "order ") },
	"currency": func(e alert.Event) trait { return named(e.Data.Currency, "") },
}

func named(value, what string) trait {
	if value == "" {
		return trait{}
	}
	return trait{key: value, name: what + value}
}

// card is the customer where a payment was not made by a card that can be told from others.
func card(e alert.Event) trait {
	if e.Data.CardFingerprint == "" {
		return customer(e)
	}
	return trait{key: "card " + e.Data.CardFingerprint, name: "card " + e.Data.Card}
}

func customer(e alert.Event) trait {
	if e.Data.CustomerID == "" {
		return trait{}
	}
	return trait{key: "customer " + e.Data.CustomerID, name: "customer " + e.Data.CustomerID}
}

// reason is the first. An event without any is of those without.
func reason(e alert.Event) trait {
	code := e.Member().Reason
	return trait{key: "reason " + code, name: code}
}

// of is the group of an event; nil, it is told by itself, as it is where it lacks what it would be grouped by.
func (g *grouping) of(e alert.Event) *alert.Grouping {
	if g == nil {
		return nil
	}
	key := fmt.Sprintf("type=%q", e.Type.RoutingKey())
	names := []string{e.Type.RoutingKey()}
	for _, by := range g.by {
		common := traits[by](e)
		if common.key == "" {
			return nil
		}
		key += fmt.Sprintf(" %s=%q", by, common.key)
		if common.name != "" {
			names = append(names, common.name)
		}
	}
	return &alert.Grouping{Key: key, Name: safetext.Line(strings.Join(names, ", ")), Window: g.window}
}
