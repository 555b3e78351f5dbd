// Package review defines a person's decision about a transaction whose money is held.
package review

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
)

// Verdict is the result of a review.
type Verdict string

// Approve takes the money, Decline gives it back.
const (
	Approve Verdict = "approve"
	Decline Verdict = "decline"
)

// The most characters that a request may hold.
const (
	MaxReviewer = 64
	MaxNote     = 500
)

// Review describes a review from its request to its verdict.
type Review struct {
	RequestedAt time.Time       `json:"requestedAt"`
	Deadline    time.Time       `json:"deadline" doc:"When it is decided without a person"`
	OnExpiry    Verdict         `json:"onExpiry" enum:"approve,decline" doc:"What is decided then; it is an approval only if the fraud check, asked again, finds it no worse"`
	NeedsSecond bool            `json:"needsSecond,omitempty" doc:"The amount is so high that a second person has to agree to an approval"`
	First       *Approval       `json:"first,omitempty" doc:"The first of two approvals; while there is no verdict, a second person has to agree"`
	Verdict     Verdict         `json:"verdict,omitempty" enum:"approve,decline" doc:"Absent until it is decided"`
	Reviewer    string          `json:"reviewer,omitempty" doc:"Who decided, of two people the second; absent if the deadline passed without a decision"`
	Note        string          `json:"note,omitempty"`
	Confirmed   bool            `json:"confirmed,omitempty" doc:"The reviewer approved although the fraud check had got worse"`
	DecidedAt   *time.Time      `json:"decidedAt,omitempty"`
	Expired     bool            `json:"expired,omitempty" doc:"The deadline passed without a reviewer's decision"`
	Recheck     *fraud.Decision `json:"recheck,omitempty" doc:"What the fraud check said when it was asked again, before an approval"`
}

// Approval is an approval to which a second person has to agree.
type Approval struct {
	Reviewer  string    `json:"reviewer"`
	Person    string    `json:"person,omitempty" doc:"The receiver of the link that the reviewer used, if the reviewer has another name"`
	Note      string    `json:"note,omitempty"`
	Confirmed bool      `json:"confirmed,omitempty" doc:"The reviewer approved although the fraud check had got worse"`
	Time      time.Time `json:"time"`
}

// Request is a reviewer's request to decide.
type Request struct {
	Verdict  Verdict `json:"decision"`
	Reviewer string  `json:"reviewer"`
	// Person is the name by which the service knows who asks: a subject's, or the receiver of a signed link. It is empty for
	// an anonymous caller.
	Person string `json:"person,omitempty"`
	Note   string `json:"note,omitempty"`
	// Confirm approves although the fraud check's result has got worse, which an earlier answer reported to a reviewer.
	Confirm bool `json:"confirm,omitempty"`
}

// Decided reports whether there is a review with a verdict.
func (r *Review) Decided() bool {
	return r != nil && r.Verdict != ""
}

// AwaitsSecond reports whether one person has approved, and another has to agree.
func (r *Review) AwaitsSecond() bool {
	return r != nil && r.First != nil && !r.Decided()
}

// Repeats reports whether a request says what its reviewer has said before, as after a lost answer: the verdict, or the
// first of two approvals. It changes nothing then.
func (r *Review) Repeats(q Request) bool {
	switch {
	case r == nil, r.Expired, r.Decided() && r.Verdict != q.Verdict:
		return false
	case q.Verdict == Approve && r.First != nil && r.First.isBy(q):
		return true
	default:
		return r.Verdict == q.Verdict && r.Reviewer == q.Reviewer
	}
}

// isBy reports whether the approval and the request come from one person.
func (a *Approval) isBy(q Request) bool {
	return strings.EqualFold(strings.TrimSpace(cmp.Or(a.Person, a.Reviewer)), strings.TrimSpace(cmp.Or(q.Person, q.Reviewer)))
}

// Decide records a person's verdict, or an approval to which a second person has to agree. The caller has checked that the request repeats no earlier one.
func (r *Review) Decide(q Request, at time.Time) {
	if q.Verdict == Approve && r.NeedsSecond && r.First == nil {
		r.First = &Approval{Reviewer: q.Reviewer, Note: q.Note, Confirmed: q.Confirm, Time: at}
		if q.Person != q.Reviewer {
			r.First.Person = q.Person
		}
		return
	}
	r.Verdict, r.Reviewer, r.Note, r.Confirmed, r.DecidedAt = q.Verdict, q.Reviewer, q.Note, q.Confirm, &at
}

// Expire records that no person decided in time, and the verdict that the deadline brings.
func (r *Review) Expire(verdict Verdict, at time.Time) {
	r.Verdict, r.Expired, r.DecidedAt = verdict, true, &at
}

// By says who decided, for people: "approved by ada at 2026-01-02T03:04:05Z".
func (r *Review) By() string {
	words := map[Verdict]string{Approve: "approved", Decline: "declined"}
	first := ""
	if r.First != nil {
		first = fmt.Sprintf("%s at %s", r.First.Reviewer, r.First.Time.UTC().Format(time.RFC3339))
	}
	switch {
	case r.AwaitsSecond():
		return "approved by " + first + ", to which a second person has to agree"
	case r.DecidedAt == nil:
		return "not decided"
	}
	by := r.Reviewer
	if r.Expired {
		by = "its deadline"
	}
	by += " at " + r.DecidedAt.UTC().Format(time.RFC3339)
	switch {
	case first == "":
		return words[r.Verdict] + " by " + by
	case r.Verdict == Approve:
		return "approved by " + first + " and by " + by
	default:
		return "declined by " + by + ", after an approval by " + first
	}
}

// Check returns an error that says what is wrong with a request, or nil.
func (q Request) Check() error {
	switch {
	case q.Verdict != Approve && q.Verdict != Decline:
		return fmt.Errorf("decision %q: must be approve or decline", q.Verdict)
	case strings.TrimSpace(q.Reviewer) == "":
		return errors.New("reviewer: must say who decides")
	case utf8.RuneCountInString(q.Reviewer) > MaxReviewer && q.Reviewer != q.Person:
		return fmt.Errorf("reviewer: must not be longer than %d characters", MaxReviewer)
	case utf8.RuneCountInString(q.Note) > MaxNote:
		return fmt.Errorf("note: must not be longer than %d characters", MaxNote)
	case card.Redact(q.Reviewer) != q.Reviewer && q.Reviewer != q.Person:
		return errors.New("reviewer: must not contain anything that could be a card number")
	case card.Redact(q.Note) != q.Note:
		return errors.New("note: must not contain anything that could be a card number")
	case strings.ContainsFunc(q.Reviewer, unicode.IsControl):
		return errors.New("reviewer: must not contain control characters")
	default:
		return nil
	}
}
