package report

import (
	"slices"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
)

// Now is what the ledger has about the last hour, and about what waits.
type Now struct {
	// Minutes holds each minute of the last hour, the oldest first.
	Minutes []Minute
	// Answers is how long the last transactions of that hour took from acceptance until they were paid for, refused, stopped or
	// held for a review, sorted.
	Answers []time.Duration
	// Waiting is how many transactions wait for a review, NextDeadline when the first of them is decided without one, and Held
	// the money that is held for them. Releasing is what gateways are asked to give back.
	Waiting      int64
	NextDeadline time.Time
	Held         []money.Money
	Releasing    []money.Money
}

// Minute is how many transactions were accepted in a minute, by the outcomes of their fraud checks; the empty outcome stands for
// those that have none yet.
type Minute struct {
	Begin    time.Time
	Outcomes map[fraud.Outcome]int64
}

// All returns how many transactions were accepted.
func (m Minute) All() (all int64) {
	for _, n := range m.Outcomes {
		all += n
	}
	return all
}

// Percentile returns the smallest of sorted times that so many of a hundred do not exceed, and 0 if there are none.
func Percentile(sorted []time.Duration, of int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*of+99)/100-1)]
}

// NewNow returns the minutes of the hour up to a time, with nothing in them.
func NewNow(at time.Time) Now {
	n := Now{Minutes: make([]Minute, 60)}
	last := at.UTC().Truncate(time.Minute)
	for i := range n.Minutes {
		n.Minutes[i] = Minute{Begin: last.Add(time.Duration(i-len(n.Minutes)+1) * time.Minute), Outcomes: map[fraud.Outcome]int64{}}
	}
	return n
}

// Add adds transactions that were accepted in a minute, unless it is not of this hour.
func (n *Now) Add(begin time.Time, outcome fraud.Outcome, count int64) {
	if i := slices.IndexFunc(n.Minutes, func(m Minute) bool { return m.Begin.Equal(begin) }); i >= 0 {
		n.Minutes[i].Outcomes[outcome] += count
	}
}

// Alerts is how many alerts are open, which means that they are being delivered or wait to be acknowledged; how many failed in the
// last day, because they were not delivered or not acknowledged; and how many transactions wait for RabbitMQ to take theirs.
type Alerts struct {
	Open, Failed, Unpublished int64

	FailedSince time.Time // when that day began
}

// Part is a process or a server, and how it is.
type Part struct {
	Name, State, Detail string
}
