package desk

import (
	"net/url"
	"slices"
	"strconv"
	"time"
)

// reviewersPage is what waits for people, and what each has decided.
type reviewersPage struct {
	Waiting      int
	NextDeadline time.Time
	Left         string // until then
	Days         int
	Spans        []int // days to choose from
	Cut          bool
	Expired      int
	Reviewers    []reviewer
}

type reviewer struct {
	Reviewer                              string
	Approved, Declined, Agreed, Disagreed int
	MedianSeconds                         int64
}

// Median is the time that half of the decisions took at most.
func (r reviewer) Median() string {
	if r.MedianSeconds == 0 {
		return "less than a second"
	}
	return inWords(time.Duration(r.MedianSeconds) * time.Second)
}

func (d *desk) showReviewers(v *visit) (any, error) {
	page := reviewersPage{Days: 1, Spans: []int{1, 7, 30}}
	if days, err := strconv.Atoi(v.URL.Query().Get("days")); err == nil && slices.Contains(page.Spans, days) {
		page.Days = days
	}
	since := d.Now().UTC().AddDate(0, 0, 1-page.Days).Truncate(24 * time.Hour)
	if err := v.get("/reviewers", url.Values{"since": {since.Format(time.RFC3339)}}, &page); err != nil {
		return nil, err
	}
	page.Left = leftInWords(page.NextDeadline.Sub(d.Now()))
	return page, nil
}
