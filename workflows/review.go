package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// review asks a person to decide about the held money: it is taken or given back. The wait needs two timers at most.
func (p *process) review(ctx workflow.Context, held payment.Authorization) error {
	if err := p.awaitVerdict(ctx); err != nil {
		p.giveBack(ctx, held)
		return p.cancelled(ctx, err)
	}
	verdict, expired := p.record.Review.Verdict, p.record.Review.Expired
	if verdict == review.Approve {
		if expired {
			p.sendAlert(ctx, p.event(ctx, alert.ReviewExpired))
		}
		return p.take(ctx, held)
	}
	p.giveBack(ctx, held)
	if expired {
		return p.stop(ctx, alert.ReviewExpired)
	}
	return p.stop(ctx, alert.FraudDetected)
}

// reviewTerms are what a review begins with. They are kept in its history, so that changed settings affect later reviews only.
type reviewTerms struct {
	Deadline time.Duration  `json:"deadline"`
	OnExpiry review.Verdict `json:"onExpiry"`
	Second   bool           `json:"second,omitempty"` // a second person has to agree to an approval
}

// reviewTerms returns the terms of a review that begins now. Where two people are needed, the deadline declines: it would
// else approve what one person alone may not.
func (o *Orders) reviewTerms(amount money.Money) reviewTerms {
	terms := reviewTerms{Deadline: o.ReviewDeadline, OnExpiry: o.ReviewOnExpiry}
	terms.Second = slices.ContainsFunc(o.ReviewSecondFrom, func(from money.Money) bool {
		return amount.Currency == from.Currency && amount.Minor > from.Minor
	})
	if terms.Second {
		terms.OnExpiry = review.Decline
	}
	return terms
}

// awaitVerdict waits for a verdict, and decides by itself at the deadline. It fails only when the transaction is cancelled.
func (p *process) awaitVerdict(ctx workflow.Context) error {
	var agreed reviewTerms
	options := workflow.SideEffectOptions{Summary: "keep the review's deadline"}
	kept := workflow.SideEffectWithOptions(ctx, options, func(workflow.Context) any { return p.reviewTerms(p.transaction.Payment.Amount) })
	if err := kept.Get(&agreed); err != nil {
		return fmt.Errorf("read the terms of the review: %w", err)
	}
	now := workflow.Now(ctx)
	p.record.Review = &review.Review{RequestedAt: now, Deadline: now.Add(agreed.Deadline), OnExpiry: agreed.OnExpiry, NeedsSecond: agreed.Second}
	p.move(ctx, transaction.InReview)
	p.stay(ctx)
	p.sendAlert(ctx, p.event(ctx, alert.ReviewRequested))
	decided, err := p.awaitUntil(ctx, now.Add(agreed.Deadline/2), "remind the reviewers")
	if err != nil || decided {
		return err
	}
	p.sendAlert(ctx, p.event(ctx, alert.ReviewReminder))
	if decided, err = p.awaitUntil(ctx, p.record.Review.Deadline, "decide without a reviewer"); err != nil || decided {
		return err
	}
	return p.expire(ctx, agreed.OnExpiry)
}

// awaitUntil reports whether a reviewer decided before the time until.
func (p *process) awaitUntil(ctx workflow.Context, until time.Time, then string) (bool, error) {
	return workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      until.Sub(workflow.Now(ctx)),
		TimerOptions: workflow.TimerOptions{Summary: then},
	}, p.record.Review.Decided)
}

// expire decides when no reviewer has, unless one is just doing so. It never approves a transaction that the repeated fraud
// check could not evaluate, or finds worse than before.
func (p *process) expire(ctx workflow.Context, verdict review.Verdict) error {
	if err := p.reviewing.Lock(ctx); err != nil {
		return err
	}
	defer p.reviewing.Unlock()
	if p.record.Review.Decided() {
		return nil
	}
	if verdict == review.Approve {
		now, err := p.checkAgain(ctx)
		if err != nil {
			return err
		}
		if now.Outcome == fraud.NotEvaluated || now.WorseThan(*p.record.Decision) {
			verdict = review.Decline
		}
	}
	p.record.Review.Expire(verdict, workflow.Now(ctx))
	workflow.SetCurrentDetails(ctx, p.details())
	return nil
}

// onReview takes a reviewer's verdict. If two come at once, the first decides, and the other gets an error that says who
// did. An approval to which a second person has to agree is answered at once.
func (p *process) onReview(ctx workflow.Context, q review.Request) (ledger.Answer, error) {
	ctx = detached(ctx)
	if err := p.reviewing.Lock(ctx); err != nil {
		return ledger.Answer{}, err
	}
	err := p.decide(ctx, q)
	p.reviewing.Unlock()
	if err != nil {
		return ledger.Answer{}, err
	}
	if p.record.Review.AwaitsSecond() {
		return p.record.Standing(), nil
	}
	err = workflow.Await(ctx, func() bool { return p.record.Status().Settled() })
	return p.record.CallersAnswer(), err
}

func (p *process) decide(ctx workflow.Context, q review.Request) error {
	if p.record.Review.Repeats(q) {
		return nil
	}
	if q.Verdict == review.Approve {
		if err := p.mayApprove(ctx, q); err != nil {
			return err
		}
	}
	if err := p.open(); err != nil {
		return err
	}
	now, recheck := workflow.Now(ctx), p.record.Review.Recheck
	q.Confirm = q.Confirm && q.Verdict == review.Approve && recheck != nil && recheck.WorseThan(*p.record.Decision)
	p.record.Review.Decide(q, now)
	if !p.record.Review.AwaitsSecond() {
		p.record.Labels = append(p.record.Labels, ledger.Label{Label: labels[q.Verdict], Source: ledger.ByReviewer, Note: q.Note, By: q.Reviewer, Time: now})
	}
	p.record.Message = p.record.Standing().Message
	workflow.SetCurrentDetails(ctx, p.details())
	p.save(ctx)
	return nil
}

// labels maps a reviewer's verdict to the label that it gives the transaction.
var labels = map[review.Verdict]string{review.Approve: ledger.Legitimate, review.Decline: ledger.Fraudulent}

// mayApprove repeats the fraud check, and fails with CheckWorse if the reviewer has to hear of the result first. By
// confirming, a reviewer approves the result that was reported before, and nothing worse.
func (p *process) mayApprove(ctx workflow.Context, q review.Request) error {
	if err := p.open(); err != nil {
		return err
	}
	known := *p.record.Decision
	if before := p.record.Review.Recheck; q.Confirm && before != nil && before.WorseThan(known) {
		known = *before // the result that was reported to a reviewer
	}
	now, err := p.checkAgain(ctx)
	if err != nil {
		return err
	}
	p.save(ctx)
	if !now.WorseThan(known) {
		return nil
	}
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf("the fraud check now says %s, score %d, after %s, score %d",
		now.Outcome, now.Score, p.record.Decision.Outcome, p.record.Decision.Score), CheckWorse, nil, now)
}

// reviewable refuses a request that could not change anything, or that its sender may not make, without a trace in the
// history.
func (p *process) reviewable(q review.Request) error {
	if err := q.Check(); err != nil {
		return temporal.NewNonRetryableApplicationError(err.Error(), RequestInvalid, nil)
	}
	if q.Verdict == review.Approve && q.Person != "" && q.Person == p.transaction.Receipt.Client {
		return temporal.NewNonRetryableApplicationError(
			q.Person+" posted the transaction, so somebody else has to approve it; declining it is allowed", ReviewByPoster, nil)
	}
	if p.record.Review.Repeats(q) {
		return nil
	}
	return p.open()
}

// open fails with ReviewClosed if there is nothing to decide.
func (p *process) open() error {
	r, status := p.record.Review, p.record.Status()
	switch {
	case r.Decided():
		return p.closed("the transaction was " + r.By())
	case status != transaction.InReview:
		return p.closed("the transaction is not in review: it is " + status.String())
	default:
		return nil
	}
}

func (p *process) closed(why string) error {
	return temporal.NewNonRetryableApplicationError(why, ReviewClosed, nil, p.record.Standing())
}
