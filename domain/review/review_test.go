package review_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/review"
)

var asked = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func requested() *review.Review {
	return &review.Review{RequestedAt: asked, Deadline: asked.Add(24 * time.Hour), OnExpiry: review.Decline}
}

// A review is open until it is decided.
func TestReviewOpen(t *testing.T) {
	r := requested()
	assert.False(t, r.Decided())
	assert.Equal(t, "not decided", r.By())
	assert.False(t, (*review.Review)(nil).Decided(), "there is no review")
	r.Recheck = &fraud.Decision{Outcome: fraud.Decline}
	assert.False(t, r.Decided(), "asking the fraud check again has decided it")
}

// A review keeps what its reviewer said.
func TestReviewDecide(t *testing.T) {
	for _, q := range []review.Request{
		{Verdict: review.Approve, Reviewer: "ada", Note: "a known customer"},
		{Verdict: review.Approve, Reviewer: "ada", Confirm: true},
		{Verdict: review.Decline, Reviewer: "bob"},
	} {
		r, at := requested(), asked.Add(time.Hour)
		r.Decide(q, at)
		want := requested()
		want.Verdict, want.Reviewer, want.Note, want.Confirmed, want.DecidedAt = q.Verdict, q.Reviewer, q.Note, q.Confirm, &at
		assert.Empty(t, cmp.Diff(want, r), "after %+v (-want +got)", q)
		assert.True(t, r.Decided(), "after %+v it is not decided", q)
	}
}

// An expired review has a verdict and no reviewer.
func TestReviewExpire(t *testing.T) {
	for _, verdict := range []review.Verdict{review.Approve, review.Decline} {
		r, at := requested(), asked.Add(24*time.Hour)
		r.Expire(verdict, at)
		want := requested()
		want.Verdict, want.Expired, want.DecidedAt = verdict, true, &at
		assert.Empty(t, cmp.Diff(want, r), "expired with %s (-want +got)", verdict)
		assert.True(t, r.Decided(), "expired with %s it is not decided", verdict)
	}
}

// A review says who decided it and when.
func TestReviewBy(t *testing.T) {
	inIndia := time.Date(2026, 1, 2, 9, 34, 5, 6, time.FixedZone("IST", 5*60*60+30*60))
	for want, decide := range map[string]func(*review.Review){
		"approved by ada at 2026-01-02T04:04:05Z": func(r *review.Review) {
			r.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada"}, inIndia)
		},
		"declined by bob at 2026-01-02T04:04:05Z": func(r *review.Review) {
			r.Decide(review.Request{Verdict: review.Decline, Reviewer: "bob"}, inIndia)
		},
		"declined by its deadline at 2026-01-03T03:04:05Z":                               func(r *review.Review) { r.Expire(review.Decline, r.Deadline) },
		"approved by its deadline at 2026-01-03T03:04:05Z":                               func(r *review.Review) { r.Expire(review.Approve, r.Deadline) },
		"approved by ada at 2026-01-02T04:04:05Z, to which a second person has to agree": adaFirst(inIndia),
		"approved by ada at 2026-01-02T04:04:05Z and by bob at 2026-01-02T05:04:05Z": func(r *review.Review) {
			adaFirst(inIndia)(r)
			r.Decide(review.Request{Verdict: review.Approve, Reviewer: "bob"}, inIndia.Add(time.Hour))
		},
		"declined by bob at 2026-01-02T05:04:05Z, after an approval by ada at 2026-01-02T04:04:05Z": func(r *review.Review) {
			adaFirst(inIndia)(r)
			r.Decide(review.Request{Verdict: review.Decline, Reviewer: "bob"}, inIndia.Add(time.Hour))
		},
		"declined by its deadline at 2026-01-03T03:04:05Z, after an approval by ada at 2026-01-02T04:04:05Z": func(r *review.Review) {
			adaFirst(inIndia)(r)
			r.Expire(review.Decline, r.Deadline)
		},
	} {
		r := requested()
		decide(r)
		assert.Equal(t, want, r.By())
	}
}

// adaFirst returns how ada gives the first of two approvals.
func adaFirst(at time.Time) func(*review.Review) {
	return func(r *review.Review) {
		r.NeedsSecond = true
		r.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada (jo@example.com)", Person: "jo@example.com"}, at)
		r.First.Reviewer = "ada"
	}
}

// One person cannot give both approvals, by whichever name.
func TestReviewSecond(t *testing.T) {
	r := requested()
	adaFirst(asked)(r)
	assert.True(t, r.AwaitsSecond())
	assert.False(t, r.Decided())
	assert.Equal(t, &review.Approval{Reviewer: "ada", Person: "jo@example.com", Time: asked}, r.First)
	for name, c := range map[string]struct {
		q       review.Request
		repeats bool
	}{
		"the same link":         {review.Request{Verdict: review.Approve, Reviewer: "bob (jo@example.com)", Person: "jo@example.com"}, true},
		"signed in":             {review.Request{Verdict: review.Approve, Reviewer: "Jo@example.com", Person: "Jo@example.com"}, true},
		"by a name alone":       {review.Request{Verdict: review.Approve, Reviewer: " jo@example.com"}, true},
		"another person":        {review.Request{Verdict: review.Approve, Reviewer: "ada (bo@example.com)", Person: "bo@example.com"}, false},
		"the same one declines": {review.Request{Verdict: review.Decline, Reviewer: "ada (jo@example.com)", Person: "jo@example.com"}, false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.repeats, r.Repeats(c.q)) })
	}
	r.Decide(review.Request{Verdict: review.Approve, Reviewer: "bob", Note: "called"}, asked.Add(time.Hour))
	assert.False(t, r.AwaitsSecond())
	assert.Equal(t, []string{"approve", "bob", "called"}, []string{string(r.Verdict), r.Reviewer, r.Note})
	for reviewer, repeats := range map[string]bool{"jo@example.com": true, "bob": true, "cid": false} {
		assert.Equal(t, repeats, r.Repeats(review.Request{Verdict: review.Approve, Reviewer: reviewer}), reviewer)
		assert.False(t, r.Repeats(review.Request{Verdict: review.Decline, Reviewer: reviewer}), reviewer)
	}
	assert.False(t, (*review.Review)(nil).AwaitsSecond())
	assert.False(t, (*review.Review)(nil).Repeats(review.Request{Verdict: review.Approve, Reviewer: "ada"}))
}

// Clients know this JSON.
func TestReviewJSON(t *testing.T) {
	decided := requested()
	decided.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada", Note: "known", Confirm: true}, asked.Add(time.Hour))
	decided.Recheck = &fraud.Decision{Outcome: fraud.Review, Score: 75, RiskLevel: fraud.HighestRisk, Reasons: []fraud.Reason{}}
	expired := requested()
	expired.Expire(review.Decline, expired.Deadline)
	const times = `{"requestedAt":"2026-01-02T03:04:05Z","deadline":"2026-01-03T03:04:05Z","onExpiry":"decline"`
	for want, r := range map[string]*review.Review{
		times + `}`: requested(),
		times + `,"verdict":"decline","decidedAt":"2026-01-03T03:04:05Z","expired":true}`: expired,
		times + `,"verdict":"approve","reviewer":"ada","note":"known","confirmed":true,"decidedAt":"2026-01-02T04:04:05Z",` +
			`"recheck":{"outcome":"review","score":75,"riskLevel":"highest","reasons":[],` +
			`"ruleset":{"id":"","version":0,"digest":""},"source":""}}`: decided,
	} {
		text, err := json.Marshal(r)
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
		var again review.Review
		require.NoError(t, json.Unmarshal(text, &again))
		assert.Empty(t, cmp.Diff(r, &again), "read back (-want +got)")
	}
}

// A request is read in the words of the API.
func TestRequestJSON(t *testing.T) {
	var got review.Request
	const text = `{"decision":"decline","reviewer":"ada","note":"stolen","confirm":true}`
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	assert.Equal(t, review.Request{Verdict: review.Decline, Reviewer: "ada", Note: "stolen", Confirm: true}, got)
}

// A request must have a verdict and a reviewer.
func TestRequestFault(t *testing.T) {
	for _, c := range []struct {
		request review.Request
		fault   string
	}{
		{review.Request{Verdict: review.Approve, Reviewer: "ada"}, ""},
		{review.Request{Verdict: review.Decline, Reviewer: "ada", Note: "stolen", Confirm: true}, ""},
		{review.Request{Verdict: review.Approve, Reviewer: "till-20261130-0001", Person: "till-20261130-0001"}, ""},
		{review.Request{Verdict: review.Approve, Reviewer: "till-20261130-0001"}, "reviewer: must not contain anything that could be a card number"},
		{review.Request{Reviewer: "ada"}, `decision "": must be approve or decline`},
		{review.Request{Verdict: "Approve", Reviewer: "ada"}, `decision "Approve": must be approve or decline`},
		{review.Request{Verdict: review.Approve}, "reviewer: must say who decides"},
	} {
		got := ""
		if err := c.request.Check(); err != nil {
			got = err.Error()
		}
		assert.Equal(t, c.fault, got, "of %+v", c.request)
	}
}
