// Package review defines a person's decision about a transaction whose money is held.
package review

import (
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
	Verdict     Verdict         `json:"verdict,omitempty" enum:"approve,decline" doc:"Absent until it is decided"`
	Reviewer    string          `json:"reviewer,omitempty" doc:"Who decided; absent if the deadline passed without a decision"`
	Note        string          `json:"note,omitempty"`
	Confirmed   bool            `json:"confirmed,omitempty" doc:"The reviewer approved although the fraud check had got worse"`
	DecidedAt   *time.Time      `json:"decidedAt,omitempty"`
	Expired     bool            `json:"expired,omitempty" doc:"The deadline passed without a reviewer's decision"`
	Recheck     *fraud.Decision `json:"recheck,omitempty" doc:"What the fraud check said when it was asked again, before an approval"`
}

// Request is a reviewer's request to decide.
type Request struct {
	Verdict  Verdict `json:"decision"`
	Reviewer string  `json:"reviewer"`
	Note     string  `json:"note,omitempty"`
	// Confirm approves although the fraud check's result has got worse, which an earlier answer reported to a reviewer.
	Confirm bool `json:"confirm,omitempty"`
}

// Decided reports whether there is a verdict.
func (r *Review) Decided() bool {
	return r.Verdict != ""
}

// Decide records a person's verdict.
func (r *Review) Decide(q Request, at time.Time) {
	r.Verdict, r.Reviewer, r.Note, r.Confirmed, r.DecidedAt = q.Verdict, q.Reviewer, q.Note, q.Confirm, &at
}

// Expire records that no person decided in time, and the verdict that the deadline brings.
func (r *Review) Expire(verdict Verdict, at time.Time) {
	r.Verdict, r.Expired, r.DecidedAt = verdict, true, &at
}

// By says who decided, for people: "approved by ada at 2026-01-02T03:04:05Z".
func (r *Review) By() string {
	words := map[Verdict]string{Approve: "approved", Decline: "declined"}
	if r.DecidedAt == nil {
		return "not decided"
	}
	at := r.DecidedAt.UTC().Format(time.RFC3339)
	if r.Expired {
		return fmt.Sprintf("%s by its deadline at %s", words[r.Verdict], at)
	}
	return fmt.Sprintf("%s by %s at %s", words[r.Verdict], r.Reviewer, at)
}

// Check returns an error that says what is wrong with a request, or nil.
func (q Request) Check() error {
	switch {
	case q.Verdict != Approve && q.Verdict != Decline:
		return fmt.Errorf("decision %q: must be approve or decline", q.Verdict)
	case strings.TrimSpace(q.Reviewer) == "":
		return errors.New("reviewer: must say who decides")
	case utf8.RuneCountInString(q.Reviewer) > MaxReviewer:
		return fmt.Errorf("reviewer: must not be longer than %d characters", MaxReviewer)
	case utf8.RuneCountInString(q.Note) > MaxNote:
		return fmt.Errorf("note: must not be longer than %d characters", MaxNote)
	case card.Redact(q.Reviewer) != q.Reviewer:
		return errors.New("reviewer: must not contain anything that could be a card number")
	case card.Redact(q.Note) != q.Note:
		return errors.New("note: must not contain anything that could be a card number")
	case strings.ContainsFunc(q.Reviewer, unicode.IsControl):
		return errors.New("reviewer: must not contain control characters")
	default:
		return nil
	}
}
