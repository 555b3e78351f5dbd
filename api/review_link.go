package api

import (
	"net/http"
	"net/url"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

func (s *server) showReviewPage(v *visit) {
	p, refused := s.reviewPage(v)
	if refused != nil {
		v.refuse(refused)
		return
	}
	v.show(http.StatusOK, p)
}

// reviewByLink takes the page's form. The rules are those of the API: see review.
func (s *server) reviewByLink(v *visit, values url.Values) {
	f, q := readVerdict(values, v.sentTo)
	if len(f.Faults) > 0 {
		s.askForVerdict(v, f, problem(http.StatusUnprocessableEntity, f.Faults[0]), nil)
		return
	}
	s.decideByLink(v, f, q)
}

func (s *server) decideByLink(v *visit, f form, q review.Request) {
	id, err := parseID(v.id)
	if err != nil {
		v.refuse(s.readProblem(v.r.Context(), v.id, transaction.ErrNotFound))
		return
	}
	answer, refused := s.decide(v.r.Context(), identity.AllMerchants(), id, q, defaultWait)
	switch {
	case refused != nil && refused.worse != nil:
		s.askForVerdict(v, f, refused, refused.worse)
	case refused != nil:
		v.refuse(refused)
	case answer.Review.AwaitsSecond():
		v.show(http.StatusAccepted, page{Heading: "Thank you", Text: awaitsSecond(answer.Review)})
	case !answer.TransactionStatus.Code.Settled() || answer.Review == nil:
		v.show(http.StatusAccepted, page{Heading: "Thank you", Text: "Your decision is with the transaction, which is not settled yet. " +
			"Open the link again in a moment to see the result."})
	default:
		v.show(http.StatusOK, page{Heading: "Thank you", Text: decided(answer)})
	}
}

// askForVerdict shows the form as it was typed, with its faults, or with the fraud check that has become worse. If the
// transaction cannot be shown, or is decided by now, it answers with p.
func (s *server) askForVerdict(v *visit, f form, p *Problem, now *fraud.Decision) {
	shown, refused := s.reviewPage(v)
	if refused != nil || !shown.Open {
		v.refuse(p)
		return
	}
	shown.Form = f
	if now != nil {
		shown.Heading, shown.Recheck, shown.Confirm = "The fraud check has got worse", now, true
		shown.Text = "Nothing was decided. Look at what the fraud check says now, and decide again."
	}
	v.show(p.Status, shown)
}

// reviewPage returns a page about a transaction, with a form if it can still be decided.
func (s *server) reviewPage(v *visit) (page, *Problem) {
	id, err := parseID(v.id)
	if err != nil {
		return page{}, s.readProblem(v.r.Context(), v.id, transaction.ErrNotFound)
	}
	record, err := s.Transactions.Record(v.r.Context(), identity.AllMerchants(), id)
	if err != nil {
		return page{}, s.readProblem(v.r.Context(), id, err)
	}
	visitorOf(v.r.Context()).merchant = identity.MerchantOf(record.Merchant)
	p := page{Record: record}
	if record.Review != nil {
		p.Recheck = record.Review.Recheck
	}
	switch r := record.Review; {
	case r != nil && r.Decided():
		p.Heading, p.Text = "The transaction is decided", decided(record.Standing())
	case r == nil || record.Status() != transaction.InReview:
		p.Heading, p.Text = "No decision is needed", "The transaction is not in review: it is "+record.Status().String()+"."
	default:
		p.Heading, p.Text = "A transaction waits for your decision", "Its money is held, and not taken."
		p.Open = true
		if r.AwaitsSecond() {
			p.Text = awaitsSecond(r)
		} else if r.NeedsSecond {
			p.Text += " An approval needs a second person."
		}
	}
	return p, nil
}

// awaitsSecond says what a review with one approval waits for.
func awaitsSecond(r *review.Review) string {
	return "The transaction was " + r.By() + ". Until then its money is held, and not taken. Each link counts as the one person " +
		"that it was sent to, so a second approval by the same link changes nothing. One person can decline."
}

// decided says who decided, and what the result is.
func decided(a ledger.Answer) string {
	text := "The transaction was " + a.Review.By() + ". "
	switch a.TransactionStatus.Code {
	case transaction.PaymentComplete:
		return text + "The money was taken."
	case transaction.PaymentError:
		return text + "The payment failed."
	case transaction.Fraudulent, transaction.AlertInitiated, transaction.AlertError, transaction.AlertDone:
		return text + "No money was taken."
	case transaction.Pending, transaction.PaymentInitiated, transaction.InReview:
	}
	return text + "It is not settled yet: it is " + a.TransactionStatus.Status + "."
}

// readVerdict reads the form, and which button was pressed.
func readVerdict(values url.Values, sentTo string) (form, review.Request) {
	f := readForm(values)
	q := review.Request{Verdict: review.Verdict(values.Get("decision")), Reviewer: f.by(sentTo, maxReviewer), Person: card.Redact(sentTo), Note: f.Note}
	if q.Verdict != review.Approve && q.Verdict != review.Decline {
		f.Faults = append(f.Faults, "Press one of the two buttons, to approve or to decline.")
	}
	q.Confirm = q.Verdict == review.Approve && values.Get("confirm") == "true"
	return f, q
}
