package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

// Orders holds what the orders worker's configuration decides about its workflows. None of it may change which
// commands a workflow gives: running workflows are replayed under the new values.
type Orders struct {
	// FraudCheckDeadline is how long a transaction waits for a fraud_police worker's decision.
	FraudCheckDeadline time.Duration
	// WebUI is the address of Temporal's Web UI, for the links in alerts; empty for none.
	WebUI string
}

// ProcessTransaction checks a transaction for fraud, then pays for it or stops it and has people told. It answers
// StatusQuery at any time, and AnswerUpdate as soon as the caller's answer is settled; what follows does not hold up
// the caller.
func (o *Orders) ProcessTransaction(ctx workflow.Context, t transaction.Transaction) (ledger.Answer, error) {
	p := &process{Orders: o, transaction: t, record: ledger.Open(t, workflow.GetInfo(ctx).WorkflowStartTime)}
	if err := p.listen(ctx); err != nil {
		return ledger.Answer{}, err
	}
	err := p.run(ctx)
	p.record.Close(workflow.Now(ctx))
	p.publishStatus(ctx)
	if waitErr := workflow.Await(detached(ctx), func() bool { return workflow.AllHandlersFinished(ctx) }); err == nil {
		err = waitErr
	}
	return p.record.Answer, err
}

// process is one run of ProcessTransaction.
type process struct {
	*Orders

	transaction transaction.Transaction
	record      *ledger.Record
}

func (p *process) listen(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, StatusQuery, func() (*ledger.Record, error) {
		return p.record, nil
	}, workflow.QueryHandlerOptions{Description: "The transaction, its decision, its payment and its steps"})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, AnswerUpdate, func(ctx workflow.Context) (ledger.Answer, error) {
		// A cancelled transaction is settled too: its caller is answered, not left with the cancellation.
		err := workflow.Await(detached(ctx), func() bool { return p.record.Status().Settled() })
		return p.record.Answer, err
	}, workflow.UpdateHandlerOptions{Description: "Waits until the caller's answer is settled"})
}

func (p *process) run(ctx workflow.Context) error {
	decision, err := p.checkFraud(ctx)
	if err != nil {
		return p.cancelled(ctx, err)
	}
	p.record.Decide(decision)
	if decision.Outcome == fraud.Approve {
		return p.pay(ctx)
	}
	return p.stop(ctx)
}

// checkFraud fails only when the transaction is cancelled. Where no verdict came, the decision says so: it is never
// approved by silence.
func (p *process) checkFraud(ctx workflow.Context) (fraud.Decision, error) {
	var decision fraud.Decision
	err := workflow.ExecuteActivity(fraudCheckOptions(ctx, p), fraudPolice.CheckFraud, p.transaction).Get(ctx, &decision)
	switch {
	case err == nil:
		return decision, nil
	case temporal.IsCanceledError(err):
		return fraud.Decision{}, err
	default:
		return fraud.Undecided("no fraud_police worker decided within " + p.FraudCheckDeadline.String()), nil
	}
}

// cancelled ends a transaction that was cancelled before any money moved.
func (p *process) cancelled(ctx workflow.Context, err error) error {
	p.record.Payment.Error = "cancelled"
	p.move(ctx, transaction.PaymentError)
	return err
}

// detached outlives a cancellation: for what must be seen through once it has begun.
func detached(ctx workflow.Context) workflow.Context {
	free, _ := workflow.NewDisconnectedContext(ctx)
	return free
}
