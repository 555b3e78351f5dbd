package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// Orders holds what the orders worker's configuration decides about its workflows. None of it may change which
// commands a workflow gives, nor what its record says: running workflows are replayed under the new values.
type Orders struct {
	// FraudCheckDeadline is how long a transaction waits for a fraud_police worker's decision.
	FraudCheckDeadline time.Duration
	// PaymentDeadline is how long a gateway is asked to hold the money, and then again to take it.
	PaymentDeadline time.Duration
	// Gateways says which one a payment begins with. It stays with that one.
	Gateways *payment.Registry
	// ReviewDeadline is how long a review waits for a person, and ReviewOnExpiry what it comes to then.
	ReviewDeadline time.Duration
	ReviewOnExpiry review.Verdict
	// WebUI is the address of Temporal's Web UI, for the links in alerts; empty for none.
	WebUI string
}

// ProcessTransaction checks a transaction for fraud, then pays for it, has a person decide about it, or stops it, and
// has people told. It answers StatusQuery at any time, and AnswerUpdate as soon as there is something to tell the
// caller; what follows does not hold up the caller. Whatever was held when it ends has been taken or given back.
func (o *Orders) ProcessTransaction(ctx workflow.Context, t transaction.Transaction) (ledger.Answer, error) {
	p := &process{
		Orders:      o,
		transaction: t,
		record:      ledger.Open(t, workflow.GetInfo(ctx).WorkflowStartTime),
		reviewing:   workflow.NewMutex(ctx),
		background:  workflow.NewWaitGroup(ctx),
	}
	if err := p.listen(ctx); err != nil {
		return ledger.Answer{}, err
	}
	workflow.GoNamed(detached(ctx), "lasting", p.makeKnown)
	p.save(ctx)
	err := p.run(ctx)
	if failed := p.finish(ctx); failed != nil {
		err = failed // money that could not be given back matters more than a cancellation
	}
	return p.record.Standing(), err
}

// process is one run of ProcessTransaction.
type process struct {
	*Orders

	transaction transaction.Transaction
	record      *ledger.Record
	scribe      scribe
	gateway     string         // that the payment began with
	checks      int            // how often the fraud check was asked so far
	alerts      int            // how many there were so far
	reviewing   workflow.Mutex // held by whoever is about to decide: a reviewer, or the deadline

	// background is what goes on beside the main line. It is waited for before the end, and failed is what went wrong.
	background workflow.WaitGroup
	pending    int // of them
	failed     error
	lasting    bool // something has not succeeded at once
}

func (p *process) listen(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, StatusQuery, func() (*ledger.Record, error) {
		return p.record, nil
	}, workflow.QueryHandlerOptions{Description: "The transaction, its decision, its payment and its steps"})
	if err != nil {
		return err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, AnswerUpdate, p.answer,
		workflow.UpdateHandlerOptions{Description: "Waits until there is something to tell the caller"})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, ReviewUpdate, p.onReview, workflow.UpdateHandlerOptions{
		Validator:   p.reviewable,
		Description: "Approves or declines a held transaction, and waits until it is settled",
	})
}

// answer waits detached: a cancelled transaction is settled too, and its caller is answered, not left with the
// cancellation.
func (p *process) answer(ctx workflow.Context) (Reply, error) {
	err := workflow.Await(detached(ctx), func() bool {
		status := p.record.Status()
		return status.Settled() || status == transaction.InReview
	})
	return Reply{Answer: p.record.CallersAnswer(), Receipt: p.transaction.Receipt}, err
}

func (p *process) run(ctx workflow.Context) error {
	decision, err := p.checkFraud(ctx)
	if err != nil {
		return p.cancelled(ctx, err)
	}
	p.record.Decide(decision)
	if decision.Outcome == fraud.Decline {
		return p.stop(ctx, alert.FraudDetected)
	}
	held, err := p.hold(ctx)
	if err != nil || held == nil {
		return err
	}
	if decision.Outcome == fraud.Approve {
		return p.take(ctx, *held)
	}
	return p.review(ctx, *held)
}

// finish sees through what still goes on, and has the ledger know how it ended.
func (p *process) finish(ctx workflow.Context) error {
	free := detached(ctx)
	if p.lasting && p.pending > 0 {
		p.stay(ctx) // this status is settled, and lasts as well
	}
	p.background.Wait(free)
	p.record.Close(workflow.Now(ctx))
	workflow.SetCurrentDetails(ctx, p.details())
	p.publishStatus(ctx)
	p.save(ctx)
	err := workflow.Await(free, func() bool { return p.scribe.idle() && workflow.AllHandlersFinished(ctx) })
	p.fail(err)
	return p.failed
}

// meanwhile does something beside the main line. It is seen through even when the transaction is cancelled.
func (p *process) meanwhile(ctx workflow.Context, name string, do func(workflow.Context) error) {
	p.background.Add(1)
	p.pending++
	workflow.GoNamed(detached(ctx), name, func(ctx workflow.Context) {
		defer p.background.Done()
		p.fail(do(ctx))
		p.pending--
	})
}

// fail keeps the first of what went wrong in the background.
func (p *process) fail(err error) {
	if p.failed == nil {
		p.failed = err
	}
}

// cancelled ends a transaction that was cancelled before any money was taken.
func (p *process) cancelled(ctx workflow.Context, err error) error {
	p.unpaid(ctx, temporal.NewCanceledError())
	return err
}

// unpaid settles a transaction that no money was taken for, by what went wrong.
func (p *process) unpaid(ctx workflow.Context, err error) {
	why, code := whyUnpaid(err)
	p.record.Payment.Error, p.record.Payment.Decline = why, payment.NewDecline(code)
	p.move(ctx, transaction.PaymentError)
}

// detached outlives a cancellation: for what must be seen through once it has begun.
func detached(ctx workflow.Context) workflow.Context {
	free, _ := workflow.NewDisconnectedContext(ctx)
	return free
}
