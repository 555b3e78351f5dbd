package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
)

// These bound what is added up about reviews.
const (
	mostReviewed  = 5000
	reviewedSince = 24 * time.Hour
	reviewedMost  = 31 * 24 * time.Hour
)

// reviewersRequest describes GET /reviewers for huma.
type reviewersRequest struct {
	Since string `query:"since" doc:"Decided at that time or later, RFC 3339; a day ago by default, and 31 days ago at most" example:"2026-01-02T00:00:00Z"`

	RawQuery
}

// reviewWork is what waits, and what people have decided.
type reviewWork struct {
	Waiting      int            `json:"waiting" doc:"How many transactions are in review now"`
	NextDeadline *time.Time     `json:"nextDeadline,omitempty" doc:"When the first of them is decided without a person; absent if none waits"`
	Since        time.Time      `json:"since"`
	Cut          bool           `json:"cut,omitempty" doc:"More was decided than is counted here: only the latest 5000 are"`
	Expired      int            `json:"expired" doc:"How many were decided by their deadline"`
	Reviewers    []reviewerWork `json:"reviewers" nullable:"false"`
}

// reviewerWork is what one person has decided.
type reviewerWork struct {
	Reviewer      string `json:"reviewer"`
	Approved      int    `json:"approved"`
	Declined      int    `json:"declined"`
	MedianSeconds int64  `json:"medianSeconds" doc:"Half of the decisions took no longer, from the request of the review"`
	Agreed        int    `json:"agreed" doc:"Decisions that labels from outside confirm: approved and legitimate, or declined and fraudulent"`
	Disagreed     int    `json:"disagreed" doc:"Decisions that labels from outside contradict"`
}

func (s *server) registerReviewers(api huma.API) {
	huma.Register(api, s.soon(s.lists, huma.Operation{
		OperationID: "listReviewers",
		Method:      http.MethodGet,
		Path:        "/reviewers",
		Summary:     "See what waits, and who has decided what",
		Description: "How many transactions are in review, and what each reviewer has decided. Where two people have to agree, the second has " +
			"decided. Labels from outside are those of disputes and early fraud warnings; where they contradict each other, the worse counts.",
		Tags:   []string{"reviews"},
		Errors: []int{422, 503},
	}), answering(s.reviewers))
	describeParameter(api.OpenAPI().Paths["/reviewers"].Get, "since", huma.Schema{Format: "date-time"})
}

func (s *server) reviewers(ctx context.Context, r *reviewersRequest) (work reviewWork, _ error) {
	p, err := readParameters(r.sent.RawQuery, "since")
	if err != nil {
		return work, err
	}
	now := time.Now().UTC()
	since := p.time("since")
	if since.IsZero() {
		since = now.Add(-reviewedSince)
	}
	if since.Before(now.Add(-reviewedMost)) {
		p.wrong("since", "must be at most 31 days ago")
	}
	if err := p.problem("the reviewers cannot be listed so: see errors"); err != nil {
		return work, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	of := merchantsOf(ctx)
	waiting, next, err := s.Ledger.Waiting(ctx, of)
	if err != nil {
		return work, s.ledgerAway(ctx, err)
	}
	reviewed, err := s.Ledger.Reviewed(ctx, of, since, mostReviewed)
	if err != nil {
		return work, s.ledgerAway(ctx, err)
	}
	work = workOf(reviewed)
	work.Waiting, work.Since = waiting, since.UTC()
	if !next.IsZero() {
		work.NextDeadline = &next
	}
	return work, nil
}

// workOf adds up reviews that were decided.
func workOf(reviewed []ledger.Reviewed) reviewWork {
	work := reviewWork{Cut: len(reviewed) == mostReviewed, Reviewers: []reviewerWork{}}
	byName, took := map[string]*reviewerWork{}, map[string][]time.Duration{}
	for _, r := range reviewed {
		if r.Review.Expired {
			work.Expired++
			continue
		}
		name := r.Review.Reviewer
		if byName[name] == nil {
			byName[name] = &reviewerWork{Reviewer: name}
		}
		took[name] = append(took[name], r.Review.DecidedAt.Sub(r.Review.RequestedAt))
		byName[name].count(r)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		slices.Sort(took[name])
		byName[name].MedianSeconds = int64(took[name][(len(took[name])-1)/2].Seconds())
		work.Reviewers = append(work.Reviewers, *byName[name])
	}
	slices.SortStableFunc(work.Reviewers, func(a, b reviewerWork) int {
		return cmp.Compare(b.Approved+b.Declined, a.Approved+a.Declined)
	})
	return work
}

func (w *reviewerWork) count(r ledger.Reviewed) {
	declined := r.Review.Verdict == review.Decline
	if declined {
		w.Declined++
	} else {
		w.Approved++
	}
	if len(r.Labels) == 0 {
		return
	}
	fraudulent := slices.ContainsFunc(r.Labels, func(l ledger.Label) bool { return l.Label == ledger.Fraudulent })
	if fraudulent == declined {
		w.Agreed++
	} else {
		w.Disagreed++
	}
}
