package routing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/money"
	"dummyorders/internal/safetext"
)

// condition is what an event and the time must be: all of it.
type condition []test

// test says why it is not so; empty, it is.
type test func(event alert.Event, at time.Time) string

// misses is the first reason why an event does not meet the condition; empty, it does.
func (c condition) misses(event alert.Event, at time.Time) string {
	for _, t := range c {
		if why := t(event, at); why != "" {
			return why
		}
	}
	return ""
}

// among wants a value of the event to be one of some.
func among(what string, allowed []string, of func(alert.Event) string) test {
	return func(event alert.Event, _ time.Time) string {
		value := of(event)
		switch {
		case slices.Contains(allowed, value):
			return ""
		case value == "":
			return "it has no " + what
		}
		return fmt.Sprintf("%s is %s, not %s", what, safetext.Line(value), strings.Join(allowed, " or "))
	}
}

// scored wants a score from least on and below a bound.
func scored(least, below int) test {
	return func(event alert.Event, _ time.Time) string {
		switch score := event.Data.Decision.Score; {
		case score < least:
			return fmt.Sprintf("score is %d, not %d or more", score, least)
		case score >= below:
			return fmt.Sprintf("score is %d, not below %d", score, below)
		}
		return ""
	}
}

// worth wants an amount of one currency, from least on and below a bound, where there are such. Amounts of other
// currencies are not compared.
func worth(currency money.Currency, least, below *money.Money) test {
	return func(event alert.Event, _ time.Time) string {
		if event.Data.Currency != string(currency) {
			return fmt.Sprintf("amount is in %s, not in %s", safetext.Line(event.Data.Currency), currency)
		}
		amount, err := money.Parse(event.Data.Amount.String(), currency)
		switch {
		case err != nil:
			return "amount is none that can be compared: it " + err.Error()
		case least != nil && amount.Minor < least.Minor:
			return fmt.Sprintf("amount is %s, not %s or more", amount, least)
		case below != nil && amount.Minor >= below.Minor:
			return fmt.Sprintf("amount is %s, not below %s", amount, below)
		}
		return ""
	}
}

// during wants the time to be in a window.
func during(w window) test {
	return func(_ alert.Event, at time.Time) string {
		if w.has(at) {
			return ""
		}
		return fmt.Sprintf("it is %s, not during %s", w.clock(at), w.name)
	}
}

// outside wants the time not to be in a window.
func outside(w window) test {
	return func(_ alert.Event, at time.Time) string {
		if !w.has(at) {
			return ""
		}
		return fmt.Sprintf("it is %s, not outside %s", w.clock(at), w.name)
	}
}

// since wants the time not to be before a moment.
func since(from time.Time) test {
	return func(_ alert.Event, at time.Time) string {
		if !at.Before(from) {
			return ""
		}
		return "it begins at " + from.Format(time.RFC3339)
	}
}

// before wants the time to be before a moment.
func before(until time.Time) test {
	return func(_ alert.Event, at time.Time) string {
		if at.Before(until) {
			return ""
		}
		return "it was over at " + until.Format(time.RFC3339)
	}
}
