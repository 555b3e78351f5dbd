package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/fraud"
)

// recheckDeadline is how long a reviewer waits for the fraud check to be asked again.
const recheckDeadline = 20 * time.Second

// checkFraud fails only when the transaction is cancelled. Where no verdict came, the decision says so: it is never
// approved by silence.
func (p *process) checkFraud(ctx workflow.Context) (fraud.Decision, error) {
	return p.decision(fraudCheckOptions(ctx, p.FraudCheckDeadline, p.summary()), p.record.StartTime)
}

// checkAgain asks as of now, before an approval takes effect. It fails only when the transaction is cancelled.
func (p *process) checkAgain(ctx workflow.Context) (fraud.Decision, error) {
	decision, err := p.decision(fraudCheckOptions(ctx, recheckDeadline, p.summary()+", again before its approval"), workflow.Now(ctx))
	decision.Explanation = nil // the activity's result in the history has it; the record would grow with each check
	if err == nil {
		p.record.Review.Recheck = &decision
	}
	return decision, err
}

func (p *process) decision(ctx workflow.Context, asOf time.Time) (fraud.Decision, error) {
	p.checks++
	check := fraud.Check{Transaction: p.transaction, StartTime: p.record.StartTime, AsOf: asOf, Number: p.checks}
	var decision fraud.Decision
	err := workflow.ExecuteActivity(ctx, fraudPolice.CheckFraud, check).Get(ctx, &decision)
	switch {
	case err == nil:
		return decision, nil
	case temporal.IsCanceledError(err):
		return fraud.Decision{}, err
	default:
		return fraud.Undecided("no fraud_police worker decided in time"), nil
	}
}

func (p *process) summary() string {
	return line("order " + p.transaction.Order.ID + ", " + p.transaction.Payment.Amount.String())
}
