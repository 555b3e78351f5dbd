package alert

import (
	"slices"
	"time"

	"dummyorders/domain/fraud"
)

// Resend asks to send an alert again.
type Resend struct {
	By string
	To ResendTo
	// Number says how often the alert will have been sent again then, counted from 1; 0 means once more than until now. A second
	// request with the same number changes nothing.
	Number int
}

// ResendTo says to whom an alert is sent again.
type ResendTo string

// ToAll are the receivers that it was for, from the first step of each escalation on; ToMissed only the targets that it did not
// reach.
const (
	ToAll    ResendTo = "all"
	ToMissed ResendTo = "missed"
)

// MaxResent is how often an alert can be sent again.
const MaxResent = 20

// Resending says that an alert is sent again: by a delivery of its own, whose log has another id.
type Resending struct {
	ID     string    `json:"id" doc:"The id of the new delivery, for GET /alerts/{id}"`
	Of     string    `json:"of" doc:"The id of the alert that is sent again"`
	Number int       `json:"number" doc:"How often that alert had been sent again then, this time included"`
	To     ResendTo  `json:"to" enum:"all,missed"`
	By     string    `json:"by" doc:"Who asked for it"`
	At     time.Time `json:"at"`
}

// Lasting returns the event as it is worth delivering when it is sent again: anew for as long as at first, unless it asks for a
// review, which ends at its deadline.
func (e Event) Lasting(at time.Time) Event {
	if e.Data.ExpiresAt == nil || !e.Type.asksForReview() {
		e.Data.ExpiresAt = new(at.Add(lifetime))
	}
	return e
}

// asksForReview reports whether an event of the type is worth nothing after the review's deadline.
func (t Type) asksForReview() bool { return t == ReviewRequested || t == ReviewReminder }

// AsksForReview reports whether the alert asks for a person's decision. Members of earlier versions do not name their types: there one
// that asks does not end when others would.
func (m Member) AsksForReview() bool {
	if m.Type != "" {
		return m.Type.asksForReview()
	}
	outcome := fraud.Outcome(m.Outcome)
	return (outcome == fraud.Review || outcome == fraud.NotEvaluated) && !m.Expiry.Equal(m.Time.Add(lifetime))
}

// Lasting returns the digest with its alerts as Event.Lasting returns them.
func (d Digest) Lasting(at time.Time) *Digest {
	d.Members = slices.Clone(d.Members)
	for i, m := range d.Members {
		if !m.AsksForReview() {
			d.Members[i].Expiry = at.Add(lifetime)
		}
	}
	return &d
}
