package workflows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
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

	transaction  transaction.Transaction
	record       *ledger.Record
	ledgerWriter ledgerWriter
	gateway      string         // that the payment began with
	checks       int            // how often the fraud check was asked so far
	alerts       int            // how many there were so far
	reviewing    workflow.Mutex // held by whoever is about to decide: a reviewer, or the deadline

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
	err := workflow.Await(free, func() bool { return p.ledgerWriter.idle() && workflow.AllHandlersFinished(ctx) })
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

// Holding and taking are seen through even when the transaction is cancelled meanwhile, since an interrupted call would
// leave it unknown whether money moved; the cancellation counts before and between them.

// unanswered is why a payment failed whose gateway gave no answer before the deadline.
const unanswered = "the payment gateway gave no answer in time"

// hold authorizes the amount. It returns nil when nothing is held for the transaction to go on with: it is settled then.
func (p *process) hold(ctx workflow.Context) (*payment.Authorization, error) {
	p.move(ctx, transaction.PaymentInitiated)
	if err := p.chooseGateway(ctx); err != nil {
		return nil, err
	}
	authorization, err := p.authorize(p.withDeadline(detached(ctx)))
	if err != nil {
		p.unpaid(ctx, err)
		if !isType(err, activities.PaymentDeclined) {
			p.meanwhile(ctx, "release", p.releaseUnknown)
		}
		return nil, nil //nolint:nilnil // nothing held, and no failure of the workflow: a result of the transaction
	}
	p.record.Payment.AuthorizationID = authorization.ID
	if err := ctx.Err(); err != nil {
		p.giveBack(ctx, authorization)
		return nil, p.cancelled(ctx, err)
	}
	return &authorization, nil
}

// chooseGateway keeps the choice in the history: a hold whose answer was lost has to be asked about where it was asked
// for, whatever the settings say by then.
func (p *process) chooseGateway(ctx workflow.Context) error {
	options := workflow.SideEffectOptions{Summary: "choose the payment gateway"}
	chosen := workflow.SideEffectWithOptions(ctx, options, func(workflow.Context) any { return p.Gateways.For(p.transaction.PaymentMethod).Name() })
	if err := chosen.Get(&p.gateway); err != nil {
		return fmt.Errorf("read the choice of the gateway: %w", err)
	}
	p.record.Payment.Gateway = p.gateway
	return nil
}

// take captures what is held, or gives it back. A cancellation counts until the capture has begun: once the money is
// taken, the transaction is complete.
func (p *process) take(ctx workflow.Context, held payment.Authorization) error {
	if err := ctx.Err(); err != nil {
		p.giveBack(ctx, held)
		return p.cancelled(ctx, err)
	}
	capture, err := p.capture(p.withDeadline(detached(ctx)), held)
	if err != nil {
		p.giveBack(ctx, held)
		p.unpaid(ctx, err)
		return nil
	}
	p.record.Payment.CaptureID = capture.ID
	p.move(ctx, transaction.PaymentComplete)
	return nil
}

// whyUnpaid returns why no money was taken, in the gateway's words and by code. What is no decline went on until the
// deadline.
func whyUnpaid(err error) (string, payment.DeclineCode) {
	var declined *temporal.ApplicationError
	switch {
	case temporal.IsCanceledError(err):
		return "cancelled", payment.Cancelled
	case !asType(err, activities.PaymentDeclined, &declined):
		return unanswered, payment.GatewayUnavailable
	}
	var code payment.DeclineCode
	if declined.HasDetails() && declined.Details(&code) != nil {
		code = "" // of a form that is not known here: the gateway's words are there
	}
	return declined.Message(), code
}

func (p *process) authorize(ctx workflow.Context) (authorization payment.Authorization, err error) {
	t := p.transaction
	err = workflow.ExecuteActivity(described(ctx, "hold "+t.Payment.Amount.String()), pay.Authorize, payment.AuthorizeRequest{
		IdempotencyKey: t.ID + "/authorize",
		TransactionID:  t.ID,
		Gateway:        p.gateway,
		Method:         t.PaymentMethod,
		Card:           t.Payment.Card,
		Token:          t.Payment.Token,
		Amount:         t.Payment.Amount,
	}).Get(ctx, &authorization)
	return authorization, err
}

func (p *process) capture(ctx workflow.Context, held payment.Authorization) (capture payment.Capture, err error) {
	t := p.transaction
	err = workflow.ExecuteActivity(described(ctx, "take "+t.Payment.Amount.String()), pay.Capture, payment.CaptureRequest{
		IdempotencyKey:  t.ID + "/capture",
		Gateway:         held.Gateway,
		Method:          t.PaymentMethod,
		AuthorizationID: held.ID,
		Amount:          t.Payment.Amount,
	}).Get(ctx, &capture)
	return capture, err
}

// withDeadline asks a gateway until the payment's deadline.
func (p *process) withDeadline(ctx workflow.Context) workflow.Context {
	return workflow.WithScheduleToCloseTimeout(paymentOptions(ctx), p.PaymentDeadline)
}

// Compensations are asked for until they stick, for as long as it takes. One that the gateway refuses for good cannot
// succeed: people are told, and the workflow fails, so that it stands out.

// CompensationFailed is the type of the failure of a workflow that could not give back what it holds or took.
const CompensationFailed = "CompensationFailed"

// alarmAfter is how long a gateway is asked to give money back before people are told that it does not answer.
const alarmAfter = time.Hour

// giveBack releases what is held, or refunds it where it turns out to be taken. Nobody waits for it but the end of the
// workflow.
func (p *process) giveBack(ctx workflow.Context, held payment.Authorization) {
	p.meanwhile(ctx, "give back", func(ctx workflow.Context) error { return p.release(ctx, held) })
}

// releaseUnknown is for a hold that may or may not exist, because no answer came. Asking again under the same key tells,
// and what is held then is released.
func (p *process) releaseUnknown(ctx workflow.Context) error {
	var held payment.Authorization
	err := p.askUntilAnswered(ctx, func(ctx workflow.Context) (err error) {
		held, err = p.authorize(ctx)
		return err
	})
	if isType(err, activities.PaymentDeclined) {
		return nil
	}
	if err != nil {
		return err
	}
	p.record.Payment.AuthorizationID = held.ID
	return p.release(ctx, held)
}

func (p *process) release(ctx workflow.Context, held payment.Authorization) error {
	err := p.askUntilAnswered(ctx, func(ctx workflow.Context) error { return p.void(ctx, held) })
	if isType(err, activities.PaymentCaptured) {
		err = p.askUntilAnswered(ctx, func(ctx workflow.Context) error { return p.refund(ctx, held) })
	}
	refused, final := errors.AsType[*temporal.ApplicationError](err)
	if !final {
		return err
	}
	if err := p.stillHeld(ctx, refused.Message()); err != nil {
		return err
	}
	return temporal.NewNonRetryableApplicationError("the money could not be given back: "+refused.Message(), CompensationFailed, nil)
}

// askUntilAnswered asks until there is an answer. When there is none for long, people are told, and it goes on asking.
func (p *process) askUntilAnswered(ctx workflow.Context, ask func(workflow.Context) error) error {
	patient := paymentOptions(ctx)
	err := ask(workflow.WithScheduleToCloseTimeout(patient, alarmAfter))
	if err == nil || isType(err, activities.PaymentDeclined) || isType(err, activities.PaymentCaptured) {
		return err
	}
	why := "the payment gateway has given no answer for " + alarmAfter.String() + ", and is being asked again"
	if err := p.stillHeld(ctx, why); err != nil {
		return err
	}
	err = ask(patient)
	p.record.Payment.StillHeld = "" // it has answered; whoever asked says what that means
	return err
}

func (p *process) void(ctx workflow.Context, held payment.Authorization) error {
	t := p.transaction
	ctx = described(ctx, "release "+t.Payment.Amount.String())
	err := workflow.ExecuteActivity(ctx, pay.Void, payment.VoidRequest{
		IdempotencyKey:  t.ID + "/void",
		Gateway:         held.Gateway,
		Method:          t.PaymentMethod,
		AuthorizationID: held.ID,
	}).Get(ctx, nil)
	if err == nil {
		now := workflow.Now(ctx)
		p.record.Payment.VoidedAt = &now
	}
	return err
}

func (p *process) refund(ctx workflow.Context, held payment.Authorization) error {
	t := p.transaction
	ctx = described(ctx, "give back "+t.Payment.Amount.String())
	var refund payment.Refund
	err := workflow.ExecuteActivity(ctx, pay.Refund, payment.RefundRequest{
		IdempotencyKey:  t.ID + "/refund",
		Gateway:         held.Gateway,
		Method:          t.PaymentMethod,
		AuthorizationID: held.ID,
		Amount:          t.Payment.Amount,
	}).Get(ctx, &refund)
	p.record.Payment.RefundID = refund.ID
	return err
}

// stillHeld tells people why the money was not given back.
func (p *process) stillHeld(ctx workflow.Context, why string) error {
	p.record.Payment.StillHeld = why
	p.save(ctx)
	event := p.event(ctx, alert.CompensationFailed)
	event.Data.Problem = why
	return p.publish(ctx, event, untilItSticks)
}

// eventSource is where events come from, in CloudEvents' sense: with the id, it makes an event unique.
const eventSource = "/orders"

// eventNamespace makes event ids a pure function of the workflow and the alert's number.
var eventNamespace = uuid.MustParse("0c9f4c0e-7a52-4c5e-9a3d-2f1f6d0f3b11")

// stop ends a transaction without a payment, and has people told. The caller is answered before the broker is asked;
// the alert is seen through even when the transaction is cancelled.
func (p *process) stop(ctx workflow.Context, kind alert.Type) error {
	p.move(ctx, transaction.Fraudulent)
	p.move(ctx, transaction.AlertInitiated)
	p.stay(ctx)
	event, free := p.event(ctx, kind), detached(ctx)
	if err := p.publish(free, event, firstPublishAttempts); err != nil {
		p.move(ctx, transaction.AlertError)
		p.stay(ctx)
		if err := p.publish(free, event, untilItSticks); err != nil {
			return err
		}
	}
	p.move(ctx, transaction.AlertDone)
	return nil
}

// tell has people told beside the main line: nothing waits for the broker but the end of the workflow.
func (p *process) tell(ctx workflow.Context, kind alert.Type) {
	event := p.event(ctx, kind)
	p.meanwhile(ctx, "alert", func(ctx workflow.Context) error { return p.publish(ctx, event, untilItSticks) })
}

func (p *process) publish(ctx workflow.Context, event alert.Event, attempts int32) error {
	ctx = publishOptions(ctx, attempts, line(event.Type.RoutingKey()+" for order "+event.Subject))
	return workflow.ExecuteActivity(ctx, alerts.PublishAlert, event).Get(ctx, nil)
}

// event is the transaction's next alert. Its id is the same in every replay.
func (p *process) event(ctx workflow.Context, kind alert.Type) alert.Event {
	p.alerts++
	info, t := workflow.GetInfo(ctx), p.transaction
	record := p.record.Clone()
	return alert.Event{
		ID:      EventID(info.WorkflowExecution.ID, p.alerts),
		Source:  eventSource,
		Type:    kind,
		Subject: t.Order.ID,
		Time:    workflow.Now(ctx),
		Data: alert.Data{
			TransactionID: t.ID,
			OrderID:       t.Order.ID,
			OrderName:     t.Order.Name,
			PaymentMethod: t.PaymentMethod,
			Card:          t.Payment.Card.Masked(),

			CardFingerprint: t.Payment.Card.Fingerprint,
			CustomerID:      customerID(t),

			Result: p.record.Payment.Result,

			Amount:    t.Payment.Amount.Decimal(),
			Currency:  string(t.Payment.Amount.Currency),
			Decision:  *record.Decision,
			Review:    record.Review,
			Link:      p.link(info),
			ExpiresAt: expiry(kind, record.Review),
		},
	}
}

// expiry: once a review's time is over nobody has to be asked for it any more, and another alert says what became of it.
func expiry(kind alert.Type, r *review.Review) *time.Time {
	if r == nil || kind != alert.ReviewRequested && kind != alert.ReviewReminder {
		return nil
	}
	return &r.Deadline
}

func customerID(t transaction.Transaction) string {
	if t.Customer == nil {
		return ""
	}
	return t.Customer.ID
}

// EventID is the id of a workflow's alert of that number, counted from 1. It survives retries, resets and replays.
func EventID(workflowID string, number int) string {
	return uuid.NewSHA1(eventNamespace, []byte(workflowID+"/"+strconv.Itoa(number))).String()
}

// link leads to the transaction's history in the Web UI.
func (p *process) link(info *workflow.Info) string {
	if p.WebUI == "" {
		return ""
	}
	return strings.TrimSuffix(p.WebUI, "/") + "/namespaces/" + info.Namespace + "/workflows/" + info.WorkflowExecution.ID
}

// ledgerWriter keeps the ledger up with the record: one entry at a time, and always the newest.
type ledgerWriter struct {
	writing, behind bool
	written         int
}

func (s *ledgerWriter) idle() bool {
	return !s.writing
}

// save has the record as it is now kept in the ledger, without waiting for it: a ledger that is away holds up no
// payment. The workflow does not end before its last entry is kept.
func (p *process) save(ctx workflow.Context) {
	p.ledgerWriter.behind = true
	if p.ledgerWriter.writing {
		return
	}
	p.ledgerWriter.writing = true
	workflow.GoNamed(detached(ctx), "ledger", func(ctx workflow.Context) {
		defer func() { p.ledgerWriter.writing = false }()
		for p.ledgerWriter.behind {
			p.ledgerWriter.behind = false
			if err := p.write(ctx); err != nil {
				p.fail(err)
				return
			}
		}
	})
}

// write costs one event in the history while the ledger is there: a local activity runs within the workflow task that
// is under way anyway. When the ledger does not answer, a regular activity takes over, whose retries are the server's
// and hold up no workflow task.
func (p *process) write(ctx workflow.Context) error {
	p.ledgerWriter.written++
	entry := ledger.Entry{
		Record:      p.record.Clone(),
		Transaction: p.transaction,
		Mark:        ledger.Mark{At: workflow.Now(ctx), Number: p.ledgerWriter.written},
	}
	summary := "keep in the ledger: " + p.record.Status().String()
	if workflow.ExecuteLocalActivity(quickSave(ctx, summary), ledgerActivities.Save, entry).Get(ctx, nil) == nil {
		return nil
	}
	return workflow.ExecuteActivity(patientSave(ctx, summary), ledgerActivities.Save, entry).Get(ctx, nil)
}
