package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dummyorders/domain/alert"
)

func (s *server) showAcknowledgePage(v *visit) {
	found, err := s.deliveries.Find(v.r.Context(), v.id)
	if err != nil {
		v.refuse(s.alertUnread(v.r.Context(), v.id, err))
		return
	}
	v.show(http.StatusOK, pageOf(answerAlert(found)))
}

// acknowledgeByLink takes an empty body or the page's form.
func (s *server) acknowledgeByLink(v *visit, values url.Values) {
	f := readForm(values)
	if len(f.Faults) > 0 {
		s.askAgain(v, f)
		return
	}
	sent := alert.Acknowledgement{By: f.by(v.sentTo, alert.MaxBy), Note: f.Note}
	kept, err := s.deliveries.Acknowledge(v.r.Context(), v.id, sent)
	if err != nil {
		v.refuse(s.notAcknowledged(v.r.Context(), v.id, err))
		return
	}
	v.tell(kept, sent.By)
}

// askAgain shows the form as it was typed, with what is wrong with it.
func (s *server) askAgain(v *visit, f form) {
	found, err := s.deliveries.Find(v.r.Context(), v.id)
	if err != nil {
		v.refuse(problem(http.StatusUnprocessableEntity, strings.Join(f.Faults, " ")))
		return
	}
	p := pageOf(answerAlert(found))
	p.Form = f
	v.show(http.StatusUnprocessableEntity, p)
}

// headings say what happened, for people.
var headings = map[alert.Type]string{
	alert.FraudDetected:      "A transaction was stopped as a fraud",
	alert.ReviewRequested:    "A transaction waits for a decision",
	alert.ReviewReminder:     "A transaction still waits for a decision",
	alert.ReviewExpired:      "Nobody decided about a transaction in time",
	alert.CompensationFailed: "Money could not be given back",
	alert.Test:               "This is a test",
}

func pageOf(a *alertAnswer) page {
	p := page{Heading: headings[a.Type], Log: &a.Log, Acknowledgement: a.Acknowledgement, Open: a.asks(time.Now())}
	if p.Heading == "" {
		p.Heading = "An alert"
	}
	return p
}

// tell says who takes care, which may be somebody else.
func (v *visit) tell(kept alert.Acknowledgement, by string) {
	if v.html {
		heading := "Thank you"
		if kept.By != by {
			heading = "Somebody takes care of it already"
		}
		v.show(http.StatusOK, page{Heading: heading, Acknowledgement: &kept})
		return
	}
	v.guard()
	v.w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(v.w).Encode(kept) // the client may be gone; there is nobody else to tell
}
