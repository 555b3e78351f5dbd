package desk

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/money"
)

// figures is what the API says about now.
type figures struct {
	At      time.Time `json:"at"`
	Minutes []minute  `json:"minutes"`
	Answers struct {
		Transactions int   `json:"transactions"`
		P50          int64 `json:"p50Milliseconds"`
		P99          int64 `json:"p99Milliseconds"`
	} `json:"answers"`
	Reviews struct {
		Waiting      int64     `json:"waiting"`
		NextDeadline time.Time `json:"nextDeadline"`
	} `json:"reviews"`
	Held      []money.Wire `json:"held"`
	Releasing []money.Wire `json:"releasing"`
	Alerts    *struct {
		Open        int64  `json:"open"`
		Failed      int64  `json:"failed"`
		Unpublished int64  `json:"unpublished"`
		FailedSince string `json:"failedSince"`
	} `json:"alerts"`
	Parts []struct {
		Name   string `json:"name"`
		State  string `json:"state"`
		Detail string `json:"detail"`
	} `json:"parts"`
}

type minute struct {
	Begin        time.Time `json:"begin"`
	Transactions int64     `json:"transactions"`
	Outcomes     *struct {
		Approve      int64 `json:"approve"`
		Review       int64 `json:"review"`
		Decline      int64 `json:"decline"`
		NotEvaluated int64 `json:"notEvaluated"`
	} `json:"outcomes"`
}

// cell is a number of the table of minutes, and the address of the transactions behind it.
type cell struct {
	Count int64
	To    string
}

// Cells returns the numbers of the minute in the order of the table's columns.
func (m minute) Cells() (all []cell) {
	behind := func(count int64, outcome fraud.Outcome) {
		query := within(m.Begin, time.Minute)
		if outcome != "" {
			query.Set("outcome", string(outcome))
		}
		all = append(all, cell{count, "/transactions?" + query.Encode()})
	}
	if o := m.Outcomes; o != nil {
		behind(o.Approve, fraud.Approve)
		behind(o.Review, fraud.Review)
		behind(o.Decline, fraud.Decline)
		behind(o.NotEvaluated, fraud.NotEvaluated)
	}
	behind(m.Transactions, "")
	return all
}

// within asks for the transactions of a span.
func within(begin time.Time, span time.Duration) url.Values {
	return url.Values{"since": {begin.UTC().Format(time.RFC3339)}, "until": {begin.Add(span).UTC().Format(time.RFC3339)}}
}

// Hour returns how many transactions were accepted in the last hour.
func (f figures) Hour() (all int64) {
	for _, m := range f.Minutes {
		all += m.Transactions
	}
	return all
}

// Decisions reports whether the person may see what fraud checks found.
func (f figures) Decisions() bool { return len(f.Minutes) > 0 && f.Minutes[0].Outcomes != nil }

// Since returns the beginning of the first minute, as the search of transactions takes it.
func (f figures) Since() string {
	if len(f.Minutes) == 0 {
		return ""
	}
	return f.Minutes[0].Begin.UTC().Format("2006-01-02T15:04:05")
}

func (*desk) showNow(v *visit) (any, error) {
	var f figures
	err := v.get("/figures", nil, &f)
	return f, err
}

// Streams are bounded, in all and for one person: each asks for the figures again and again.
const (
	mostStreams  = 100
	mostOfOne    = 5
	streamEvery  = 2 * time.Second
	streamWithin = 10 * time.Second // for one event to be written
)

// streams counts the pages that follow Now, in all and of each person.
type streams struct {
	mu  sync.Mutex
	all int
	of  map[string]int
}

// begin counts a stream, unless there are too many. end is to be called when it is over.
func (s *streams) begin(person string) (end func(), may bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= mostStreams || s.of[person] >= mostOfOne {
		return nil, false
	}
	s.all++
	s.of[person]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.of[person]--; s.of[person] == 0 {
			delete(s.of, person)
		}
	}, true
}

// nowEvents sends the numbers of the page Now again and again, until the browser leaves, the session ends or the desk stops. It
// does not keep the session from ending: somebody who only looks at the page does nothing.
func (d *desk) nowEvents(w http.ResponseWriter, r *http.Request) {
	ticker := time.NewTicker(streamEvery)
	defer ticker.Stop()
	out := http.NewResponseController(w)
	for begun := false; ; begun = true {
		v, may := d.follower(r)
		switch {
		case !may && !begun:
			w.WriteHeader(http.StatusNoContent) // which keeps the browser from asking again
			return
		case !may:
			return
		case !begun:
			end, may := d.streams.begin(v.Person.Name)
			if !may {
				http.Error(w, "too many pages follow the numbers", http.StatusServiceUnavailable)
				return
			}
			defer end()
			w.Header().Set("Content-Type", "text/event-stream")
		}
		if out.SetWriteDeadline(time.Now().Add(streamWithin)) != nil {
			return
		}
		if _, err := w.Write(d.nowEvent(v)); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-d.Running.Done():
			return
		}
	}
}

// follower returns the visit of a person who may see the numbers, or false. If the session cannot be read now, the visit has no person.
func (d *desk) follower(r *http.Request) (v *visit, may bool) {
	cookie, err := r.Cookie(d.sessions.Cookie.Name)
	if err != nil {
		return nil, false
	}
	ctx, err := d.sessions.Load(r.Context(), cookie.Value)
	if err != nil {
		return &visit{Request: r, desk: d}, true
	}
	v = d.visit(r.WithContext(ctx))
	return v, v.Person.Name != "" && v.May(identity.Read)
}

// nowEvent returns the numbers as an event. If they cannot be read, it is a comment, and the page keeps those that it has.
func (d *desk) nowEvent(v *visit) []byte {
	if v.Person.Name == "" {
		return []byte(": the session cannot be read now\n\n")
	}
	data, err := d.showNow(v)
	var body bytes.Buffer
	if err == nil {
		err = pages["now"].ExecuteTemplate(&body, "figures", view{Person: v.Person, Data: data})
	}
	if err != nil {
		d.Log.WarnContext(v.Context(), "Numbers of the page Now not sent", "error", err)
		return []byte(": the numbers cannot be read now\n\n")
	}
	return fmt.Appendf(nil, "data: %s\n\n", strings.ReplaceAll(strings.TrimSpace(body.String()), "\n", "\ndata: "))
}
