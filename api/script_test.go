package api_test

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// These are the payment methods that the scripted workflow knows. Any other is paid at once.
const (
	paysOnSignal  = "pays-on-signal" // waits for the signal "go" before it charges
	heldForReview = "held"           // goes to review
	heldAndWorse  = "held-and-worse" // goes to review, and the fraud check has become worse by then
)

// explanation explains how the script comes to its decisions.
var explanation = &fraud.Explanation{
	Rules:    []fraud.RuleResult{{ID: "card_velocity", Outcome: fraud.RuleHit, Score: 45}},
	Features: map[string]float64{`card.count("10m")`: 3},
}

// reasons are those of all its decisions.
var reasons = []fraud.Reason{{Code: "CARD_VELOCITY", Message: "four of this card's uses were declined", PublicMessage: "the card was used often"}}

// script is a workflow that answers like workflows.ProcessTransaction, and acts as its payment method says.
type script struct {
	ledger *memory
	till   *till
}

func (s *script) charge(_ context.Context, id string) error {
	s.till.mu.Lock()
	defer s.till.mu.Unlock()
	s.till.charges[id]++
	return nil
}

func (s *script) save(_ context.Context, e ledger.Entry) error {
	s.ledger.save(e)
	return nil
}

// scripted is one run of the script.
type scripted struct {
	transaction transaction.Transaction
	record      *ledger.Record
}

func (s *script) process(ctx workflow.Context, t transaction.Transaction) (ledger.Answer, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	r := &scripted{t, ledger.Open(t, workflow.GetInfo(ctx).WorkflowStartTime)}
	if err := r.listen(ctx); err != nil {
		return ledger.Answer{}, err
	}
	r.record.Decide(fraud.Decision{
		Outcome: fraud.Approve, RiskLevel: fraud.NormalRisk, Source: fraud.AutomatedRule, Reasons: reasons, Explanation: explanation,
	})
	if err := r.run(ctx); err != nil {
		return ledger.Answer{}, err
	}
	r.record.Close(workflow.Now(ctx))
	if err := r.save(ctx); err != nil {
		return ledger.Answer{}, err
	}
	return r.record.Answer, workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

func (r *scripted) run(ctx workflow.Context) error {
	r.record.Move(transaction.PaymentInitiated, workflow.Now(ctx))
	switch r.transaction.PaymentMethod {
	case paysOnSignal:
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	case heldForReview, heldAndWorse:
		now := workflow.Now(ctx)
		r.record.Review = &review.Review{RequestedAt: now, Deadline: now.Add(time.Hour), OnExpiry: review.Decline}
		r.record.Move(transaction.InReview, now)
		if err := r.save(ctx); err != nil {
			return err
		}
		if err := workflow.Await(ctx, r.record.Review.Decided); err != nil {
			return err
		}
		if r.record.Review.Verdict == review.Decline {
			r.record.Move(transaction.Fraudulent, workflow.Now(ctx))
			r.record.Move(transaction.AlertInitiated, workflow.Now(ctx))
			return nil
		}
	}
	if err := workflow.ExecuteActivity(ctx, "charge", r.transaction.ID).Get(ctx, nil); err != nil {
		return err
	}
	r.record.Move(transaction.PaymentComplete, workflow.Now(ctx))
	return nil
}

func (r *scripted) save(ctx workflow.Context) error {
	return workflow.ExecuteActivity(ctx, "save", ledger.Entry{Record: *r.record, Transaction: r.transaction}).Get(ctx, nil)
}

func (r *scripted) listen(ctx workflow.Context) error {
	err := workflow.SetQueryHandler(ctx, workflows.StatusQuery, func() (*ledger.Record, error) { return r.record, nil })
	if err != nil {
		return err
	}
	err = workflow.SetUpdateHandler(ctx, workflows.AnswerUpdate, func(ctx workflow.Context) (workflows.Reply, error) {
		err := workflow.Await(ctx, func() bool {
			return r.record.Status().Settled() || r.record.Status() == transaction.InReview
		})
		return workflows.Reply{Answer: r.record.Answer, Receipt: r.transaction.Receipt}, err
	})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, workflows.ReviewUpdate, r.review,
		workflow.UpdateHandlerOptions{Validator: r.reviewable})
}

func (r *scripted) review(ctx workflow.Context, q review.Request) (ledger.Answer, error) {
	if q.Verdict == review.Approve && !q.Confirm && r.transaction.PaymentMethod == heldAndWorse {
		now := fraud.Decision{Outcome: fraud.Decline, Score: 99, RiskLevel: fraud.HighestRisk, Source: fraud.AutomatedRule, Reasons: reasons}
		r.record.Review.Recheck = &now
		return ledger.Answer{}, temporal.NewNonRetryableApplicationError("the fraud check now says decline, score 99", workflows.CheckWorse, nil, now)
	}
	if !r.record.Review.Decided() {
		r.record.Review.Decide(q, workflow.Now(ctx))
		r.record.Labels = []ledger.Label{{Label: ledger.Legitimate, Source: ledger.ByReviewer, Note: q.Note, Time: workflow.Now(ctx)}}
	}
	err := workflow.Await(ctx, func() bool { return r.record.Status().Settled() })
	return r.record.Answer, err
}

func (r *scripted) reviewable(q review.Request) error {
	decided := r.record.Review
	if r.record.Status() == transaction.InReview && !decided.Decided() ||
		decided != nil && decided.Verdict == q.Verdict && decided.Reviewer == q.Reviewer {
		return nil
	}
	return temporal.NewNonRetryableApplicationError("there is nothing to decide", workflows.ReviewClosed, nil, r.record.Answer)
}
