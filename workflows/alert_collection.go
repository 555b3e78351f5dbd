package workflows

import (
	"time"

	"dummyorders/domain/alert"
)

const (
	// maxMembers are as many as a digest holds, so that one fits into a payload, and as many as wait: a storm that brings
	// more has a digest early.
	maxMembers = 1000
	// maxListed are as many alerts as all messages about a digest list together: each delivery has the digest with it, they
	// begin in one answer to Temporal, and it takes none of more than 4 MiB. An alert has some 400 bytes, and up to 740 where
	// JSON writes each of the 64 characters of its order's id as six.
	maxListed = 4000
	// maxKnown are the notices that a group remembers. Whoever asks again does so long before as many others came.
	maxKnown = 4000
)

// Arrival is a notice on its way into a group.
type Arrival struct {
	ID      string         `json:"id"`
	Members []alert.Member `json:"members"`
	Urgent  bool           `json:"urgent,omitempty"` // see alert.Notice.Urgent
	AskedAt time.Time      `json:"askedAt,omitzero"` // of a throttle
	// Assignment is whom the group's digests are told to. A group that goes on for days goes by the newest.
	Assignment alert.Assignment `json:"assignment"`
}

// Arriving is a notice as it comes to a group. A digest is not escalated: nobody is asked to acknowledge it.
func Arriving(g alert.Gathering) Arrival {
	a := Arrival{ID: g.Notice.ID, Members: g.Notice.Members(), Urgent: g.Notice.Urgent(), Assignment: g.Assignment}
	if len(a.Assignment.Steps) > 0 {
		first := a.Assignment.Steps[0]
		first.Within = 0
		a.Assignment.Steps = []alert.Step{first}
	}
	return a
}

// listens is for how long somebody waits for what a throttle answers, at the most.
const listens = time.Minute

// stale reports whether nobody waits for an answer any more. A reset asks all that was asked before anew: who was answered that
// the notice comes in a digest would not learn that it was to be told at once now, and it would be lost.
func (a Arrival) stale(now time.Time) bool {
	return !a.AskedAt.IsZero() && now.Sub(a.AskedAt) > listens
}

// room is how many alerts a digest holds: the fewer, the more people get it.
func room(to alert.Assignment) int {
	targets := 1
	for _, step := range to.Steps {
		targets = max(targets, len(step.Targets))
	}
	return max(1, min(maxMembers, maxListed/targets))
}

// Collection is what a group holds. It tells a number of notices in a span of time, and collects what is more; a group's
// first alert is the one that is told. What was collected is due at the span's end, and its digest is the first notice of
// the next span. It knows no clock: whoever calls says when.
type Collection struct {
	Since   time.Time      `json:"since,omitzero"`   // when what waits began to be collected
	Until   time.Time      `json:"until,omitzero"`   // the span's end
	Told    int            `json:"told,omitempty"`   // within the span
	Urgent  int            `json:"urgent,omitempty"` // of these
	Waiting []alert.Member `json:"waiting,omitempty"`
	Known   []Known        `json:"known,omitempty"` // what was answered lately

	answers map[string]bool // the same by id
	due     []batch
}

// Known is a notice that came, and whether it was told.
type Known struct {
	ID  string `json:"id"`
	Now bool   `json:"now,omitempty"`
}

// batch is what one digest will tell.
type batch struct {
	since, until time.Time
	members      []alert.Member
}

// begin starts a span in which nothing was told yet.
func (c *Collection) begin(now time.Time, span time.Duration) {
	c.Since, c.Until, c.Told, c.Urgent = now, now.Add(span), 0, 0
}

// recall makes a collection that came from an earlier run ready.
func (c *Collection) recall() {
	c.answers = make(map[string]bool, len(c.Known))
	for _, k := range c.Known {
		c.answers[k.ID] = k.Now
	}
}

// admit says whether a notice is told now, and collects it where it is not. What is urgent has as many places of its own:
// others, digests of them above all, cannot use them up.
func (c *Collection) admit(now time.Time, a Arrival, most int, span time.Duration) bool {
	if told, known := c.answers[a.ID]; known {
		return told
	}
	if c.roll(now, span); c.over(now) {
		c.begin(now, span)
	}
	if c.Told >= most && (!a.Urgent || c.Urgent >= most) {
		c.collect(now, a)
		return false
	}
	c.Told++
	if a.Urgent {
		c.Urgent++
	}
	c.remember(a.ID, true)
	return true
}

// collect has a notice wait for the next digest, once.
func (c *Collection) collect(now time.Time, a Arrival) {
	if _, known := c.answers[a.ID]; known {
		return
	}
	c.remember(a.ID, false)
	c.Waiting = append(c.Waiting, a.Members...)
	for most := room(a.Assignment); len(c.Waiting) >= most; {
		c.due = append(c.due, batch{c.Since, now, c.Waiting[:most:most]})
		c.Waiting, c.Since = c.Waiting[most:], now
	}
}

// roll begins the next span once this one is over, where somebody waits. Its first notice is the digest that is due then.
func (c *Collection) roll(now time.Time, span time.Duration) {
	if now.Before(c.Until) || len(c.Waiting) == 0 {
		return
	}
	c.flush(now)
	c.begin(now, span)
	c.Told = 1
}

// flush makes due what waits.
func (c *Collection) flush(now time.Time) {
	if len(c.Waiting) > 0 {
		c.due = append(c.due, batch{c.Since, now, c.Waiting})
		c.Waiting = nil
	}
}

// waiting is how many alerts are in no digest yet that was handed on.
func (c *Collection) waiting() int {
	count := len(c.Waiting)
	for _, b := range c.due {
		count += len(b.members)
	}
	return count
}

// over says whether the span has ended in silence.
func (c *Collection) over(now time.Time) bool {
	return !now.Before(c.Until) && len(c.Waiting) == 0 && len(c.due) == 0
}

func (c *Collection) remember(id string, now bool) {
	c.answers[id] = now
	c.Known = append(c.Known, Known{id, now})
	if len(c.Known) > maxKnown {
		delete(c.answers, c.Known[0].ID)
		c.Known = c.Known[1:]
	}
}
