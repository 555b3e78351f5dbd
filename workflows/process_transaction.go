package workflows

import (
	"encoding/json"
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
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/internal/telemetry"
)

// Orders holds the part of the orders worker's configuration that its workflows use. No setting may change which commands a
// workflow gives, nor what its record says: running workflows are replayed under the new values.
type Orders struct {
	// FraudCheckDeadline is how long a transaction waits for a fraud_police worker's decision.
	FraudCheckDeadline time.Duration
	// PaymentDeadline is how long a gateway is asked to hold the money, and again how long it is asked to take it.
	PaymentDeadline time.Duration
	// Gateways chooses the gateway that a payment begins with. The payment stays with that gateway.
	Gateways *payment.Registry
	// ReviewDeadline is how long a review waits for a person, and ReviewOnExpiry is the verdict after that.
	ReviewDeadline time.Duration
	ReviewOnExpiry review.Verdict
	// ReviewSecondFrom are the amounts, one for a currency, above which a second person has to agree to an approval.
	ReviewSecondFrom []money.Money
	// WebUI is the address of Temporal's Web UI, for the links in alerts; empty for none.
	WebUI string
}

// ProcessTransaction checks a transaction for fraud, then pays for it, asks a person to decide about it, or stops it, and
// sends the alerts. It answers StatusQuery at any time, and AnswerUpdate as soon as there is an answer for the caller; what
// follows does not hold up the caller. By the time it ends, all money that was held has been taken or given back. Its result is
// for people: the last status alone, because the answer is in the history already.
func (o *Orders) ProcessTransaction(ctx workflow.Context, t transaction.Transaction) (ledger.Status, error) {
	p := &process{
		Orders:      o,
		transaction: t,
		record:      ledger.Open(t, workflow.GetInfo(ctx).WorkflowStartTime),
		reviewing:   workflow.NewMutex(ctx),
		background:  workflow.NewWaitGroup(ctx),
	}
	if err := p.listen(ctx); err != nil {
		return ledger.Status{}, err
	}
	workflow.GoNamed(detached(ctx), "lasting", p.publishStatusOnSignal)
	p.save(ctx)
	err := p.run(ctx)
	if failed := p.finish(ctx); failed != nil {
		err = failed // money that could not be given back matters more than a cancellation
	}
	return p.record.Standing().TransactionStatus, err
}

// process is one run of ProcessTransaction.
type process struct {
	*Orders

	transaction  transaction.Transaction
	record       *ledger.Record
	ledgerWriter ledgerWriter
	gateway      gatewayChoice  // the one the payment began with
	checks       int            // fraud checks asked for so far
	alerts       int            // alerts created so far
	reviewing    workflow.Mutex // held by the side that is deciding: a reviewer, or the deadline

	// background counts what runs beside the main line. The workflow waits for it before it ends, and failed is its first
	// failure.
	background workflow.WaitGroup
	pending    int // how many of them still run
	failed     error
	lasting    bool // an activity did not succeed at once
	ending     bool // the main line has ended
	searchable bool // the search attributes have the decision
	answered   bool // how long that took has been measured
}

func (p *process) listen(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, StatusQuery, func() (*ledger.Record, error) {
		return p.record, nil
	}, workflow.QueryHandlerOptions{Description: "The transaction, its decision, its payment and its steps"})
	if err != nil {
		return err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, AnswerUpdate, p.answer,
		workflow.UpdateHandlerOptions{Description: "Waits until the transaction is settled or in review"})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, ReviewUpdate, p.onReview, workflow.UpdateHandlerOptions{
		Validator:   p.reviewable,
		Description: "Approves or declines a held transaction, and waits until it is settled",
	})
}

// answer waits on a detached context: a cancelled transaction is settled too, and its caller gets that answer rather than
// the cancellation.
func (p *process) answer(ctx workflow.Context) (Reply, error) {
	err := workflow.Await(detached(ctx), func() bool {
		return hasAnswer(p.record.Status())
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
	p.move(ctx, transaction.PaymentInitiated)
	if err := p.chooseGateway(ctx); err != nil {
		return err
	}
	if decision.Outcome == fraud.Approve && p.gateway.AtOnce {
		return p.charge(ctx)
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

// finish waits for what still runs in the background, and saves to the ledger how the transaction ended.
func (p *process) finish(ctx workflow.Context) error {
	free := detached(ctx)
	if p.lasting && p.pending > 0 {
		p.stay(ctx) // this status is settled, but lasts until the background work is done
	}
	p.ending = true
	p.background.Wait(free)
	p.record.Close(workflow.Now(ctx))
	workflow.SetCurrentDetails(ctx, p.details())
	p.publishStatus(ctx)
	p.save(ctx)
	err := workflow.Await(free, func() bool { return p.ledgerWriter.idle() && workflow.AllHandlersFinished(ctx) })
	p.fail(err)
	p.measureEnd(ctx)
	return p.failed
}

// inBackground runs do beside the main line. It runs to its end even when the transaction is cancelled.
func (p *process) inBackground(ctx workflow.Context, name string, do func(workflow.Context) error) {
	p.background.Add(1)
	p.pending++
	workflow.GoNamed(detached(ctx), name, func(ctx workflow.Context) {
		defer p.background.Done()
		p.fail(do(ctx))
		p.pending--
	})
}

// fail keeps the first failure of the background work.
func (p *process) fail(err error) {
	if p.failed == nil {
		p.failed = err
	}
}

// cancelled settles a transaction that was cancelled before any money was taken.
func (p *process) cancelled(ctx workflow.Context, err error) error {
	p.recordUnpaid(ctx, temporal.NewCanceledError())
	return err
}

// recordUnpaid settles a transaction for which no money was taken; err says what went wrong.
func (p *process) recordUnpaid(ctx workflow.Context, err error) {
	why, code := whyUnpaid(err)
	p.settleUnpaid(ctx, why, code)
}

// settleUnpaid settles a transaction for which no money was taken, with the reason in words and as a code.
func (p *process) settleUnpaid(ctx workflow.Context, why string, code payment.DeclineCode) {
	p.record.Payment.Error, p.record.Payment.Decline = why, payment.NewDecline(code)
	p.move(ctx, transaction.PaymentError)
}

// detached returns a context that outlives a cancellation, for work that must be finished once it has begun.
func detached(ctx workflow.Context) workflow.Context {
	free, _ := workflow.NewDisconnectedContext(ctx)
	return free
}

// recheckDeadline is how long a reviewer waits for the fraud check to be asked again.
const recheckDeadline = 20 * time.Second

// checkFraud fails only when the transaction is cancelled. If no verdict came, the decision says so: silence never approves
// a transaction.
func (p *process) checkFraud(ctx workflow.Context) (fraud.Decision, error) {
	return p.decision(fraudCheckOptions(ctx, p.FraudCheckDeadline, p.summary()), p.record.StartTime)
}

// checkAgain repeats the fraud check as of now, before an approval takes effect. It fails only when the transaction is
// cancelled.
func (p *process) checkAgain(ctx workflow.Context) (fraud.Decision, error) {
	decision, err := p.decision(fraudCheckOptions(ctx, recheckDeadline, p.summary()+", again before its approval"), workflow.Now(ctx))
	decision.Explanation = nil // the history keeps it as the activity's result; the record would grow with each check
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

// Holding and taking money run to their end even when the transaction is cancelled meanwhile, because after an interrupted
// call it would be unknown whether money moved. The cancellation takes effect before them, and between them where a review
// comes between.

// patched reports whether the workflow takes steps that were added to rare paths, all at once. It costs two events, so it is asked only
// there: where a cancellation comes with the verdict, where a gateway gives no answer for long, and where money was given back and an
// alert is late.
func (p *process) patched(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "asked on beside its alert", workflow.DefaultVersion, 1) >= 1
}

// unanswered is the reason for a failed payment when the gateway gave no answer before the deadline.
const unanswered = "the payment gateway gave no answer in time"

// hold authorizes the amount. It returns nil if no money is held that the transaction could go on with: the transaction is
// settled then.
func (p *process) hold(ctx workflow.Context) (*payment.Authorization, error) {
	if err := ctx.Err(); err != nil && p.patched(ctx) {
		return nil, p.cancelled(ctx, err)
	}
	authorization, err := p.authorize(p.withDeadline(detached(ctx)), p.authorizeRequest())
	if err != nil {
		p.recordUnpaid(ctx, err)
		if !isType(err, activities.PaymentDeclined) {
			p.inBackground(ctx, "release", p.releaseUnknown)
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

// chooseGateway chooses the gateway and how it is asked, and keeps the choice in the history: if the answer to a hold or a charge
// was lost, the same gateway has to be asked about it in the same way, even if settings or code have changed since. This costs no
// event, as workflow.GetVersion would.
func (p *process) chooseGateway(ctx workflow.Context) error {
	options := workflow.SideEffectOptions{Summary: "choose the payment gateway"}
	kept := workflow.SideEffectWithOptions(ctx, options, func(workflow.Context) any {
		gateway := p.Gateways.For(p.transaction.PaymentMethod)
		_, oneCall := gateway.(payment.Charger)
		return gatewayChoice{Name: gateway.Name(), AtOnce: true, OneCall: oneCall}
	})
	if err := kept.Get(&p.gateway); err != nil {
		return fmt.Errorf("read the choice of the gateway: %w", err)
	}
	p.record.Payment.Gateway = p.gateway.Name
	return nil
}

// gatewayChoice is a choice as histories keep it. Older ones keep the name alone, and go the way of that time.
type gatewayChoice struct {
	Name    string `json:"gateway"`
	AtOnce  bool   `json:"atOnce"`            // an approved transaction is charged by one activity, not held and taken by two
	OneCall bool   `json:"oneCall,omitempty"` // and that asks the gateway once
}

// UnmarshalJSON also reads the choice of an older history.
func (c *gatewayChoice) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &c.Name) == nil {
		return nil
	}
	type plain gatewayChoice
	return json.Unmarshal(text, (*plain)(c))
}

// charge takes the money of an approved transaction in one step. A cancellation takes effect until it begins. If no answer
// comes, what was held or taken is given back.
func (p *process) charge(ctx workflow.Context) error {
	if err := ctx.Err(); err != nil {
		return p.cancelled(ctx, err)
	}
	t := p.transaction
	var charged payment.Charge
	options := described(p.withDeadline(detached(ctx)), "take "+t.Payment.Amount.String())
	err := workflow.ExecuteActivity(workflow.WithStartToCloseTimeout(options, chargeWithin), pay.Charge, payment.ChargeRequest{
		AuthorizeRequest: p.authorizeRequest(), OneCall: p.gateway.OneCall, CaptureKey: t.ID + "/capture",
	}).Get(ctx, &charged)
	if err != nil {
		p.recordUnpaid(ctx, err)
		if !isType(err, activities.PaymentDeclined) {
			p.inBackground(ctx, "release", p.releaseUnknown)
		}
		return nil
	}
	p.record.Payment.AuthorizationID = charged.Authorization.ID
	if charged.Refusal != "" {
		p.giveBack(ctx, charged.Authorization)
		p.settleUnpaid(ctx, charged.Refusal, charged.Decline)
		return nil
	}
	p.record.Payment.CaptureID = charged.Capture.ID
	p.move(ctx, transaction.PaymentComplete)
	return nil
}

// take captures the held money, or gives it back. A cancellation takes effect until the capture has begun: once the money is
// taken, the transaction is complete.
func (p *process) take(ctx workflow.Context, held payment.Authorization) error {
	if err := ctx.Err(); err != nil {
		p.giveBack(ctx, held)
		return p.cancelled(ctx, err)
	}
	capture, err := p.capture(p.withDeadline(detached(ctx)), held)
	if err != nil {
		p.giveBack(ctx, held)
		p.recordUnpaid(ctx, err)
		return nil
	}
	p.record.Payment.CaptureID = capture.ID
	p.move(ctx, transaction.PaymentComplete)
	return nil
}

// whyUnpaid returns why no money was taken, in the gateway's words and as a code. An error that is neither a cancellation
// nor a decline means that the gateway was asked until the deadline.
func whyUnpaid(err error) (string, payment.DeclineCode) {
	if temporal.IsCanceledError(err) {
		return "cancelled", payment.Cancelled
	}
	declined, is := errors.AsType[*temporal.ApplicationError](err)
	if !is || declined.Type() != activities.PaymentDeclined {
		return unanswered, payment.GatewayUnavailable
	}
	var code payment.DeclineCode
	if declined.HasDetails() && declined.Details(&code) != nil {
		code = "" // in a form this version does not know: the gateway's words remain
	}
	return declined.Message(), code
}

func (p *process) authorize(ctx workflow.Context, r payment.AuthorizeRequest) (authorization payment.Authorization, err error) {
	options := described(ctx, "hold "+r.Amount.String())
	err = workflow.ExecuteActivity(options, pay.Authorize, r).Get(ctx, &authorization)
	return authorization, err
}

func (p *process) authorizeRequest() payment.AuthorizeRequest {
	t := p.transaction
	t.Payment.Card.Fingerprint = "" // for recognizing the card, which is not for gateways
	return payment.AuthorizeRequest{
		IdempotencyKey: t.ID + "/authorize",
		TransactionID:  t.ID,
		Gateway:        p.gateway.Name,
		Method:         t.PaymentMethod,
		Card:           t.Payment.Card,
		Token:          t.Payment.Token,
		Amount:         t.Payment.Amount,
	}
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

// withDeadline returns a context in which a gateway is asked until the payment's deadline.
func (p *process) withDeadline(ctx workflow.Context) workflow.Context {
	return workflow.WithScheduleToCloseTimeout(paymentOptions(ctx), p.PaymentDeadline)
}

// Compensations are retried until they succeed, for as long as it takes. One that the gateway refuses for good cannot
// succeed: an alert is sent, and the workflow fails, so that it stands out.

// CompensationFailed is the error type of a workflow that could not give back the money it holds or took.
const CompensationFailed = "CompensationFailed"

// alarmAfter is how long a gateway is asked to give money back before an alert says that it does not answer.
const alarmAfter = time.Hour

// giveBack releases the held money, or refunds it if it turns out to be taken. Only the end of the workflow waits for it.
func (p *process) giveBack(ctx workflow.Context, held payment.Authorization) {
	p.inBackground(ctx, "give back", func(ctx workflow.Context) error { return p.release(ctx, held) })
}

// releaseUnknown handles a hold or a charge that may or may not exist, because no answer came. It asks for a hold under the same
// key to find out, which takes nothing even if nothing was done before. What is held or taken then is given back.
func (p *process) releaseUnknown(ctx workflow.Context) error {
	var held payment.Authorization
	request := p.authorizeRequest()
	request.Settle = true
	err := p.askUntilAnswered(ctx, func(ctx workflow.Context) (err error) {
		held, err = p.authorize(ctx, request)
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
	step, err := "void", p.askUntilAnswered(ctx, func(ctx workflow.Context) error { return p.void(ctx, held) })
	if isType(err, activities.PaymentCaptured) {
		step = "refund"
		err = p.askUntilAnswered(ctx, func(ctx workflow.Context) error { return p.refund(ctx, held) })
	}
	refused, final := errors.AsType[*temporal.ApplicationError](err)
	if !final {
		if more := !p.ending || p.pending > 1; more && p.lasting && p.patched(ctx) {
			p.save(ctx) // the last entry may follow much later
		}
		return err
	}
	count(ctx, telemetry.CompensationsFailed, step)
	if err := p.publish(ctx, p.stillHeld(ctx, refused.Message()), unlimitedAttempts); err != nil {
		return err
	}
	return temporal.NewNonRetryableApplicationError("the money could not be given back: "+refused.Message(), CompensationFailed, nil)
}

// askUntilAnswered asks until there is an answer. If there is none within alarmAfter, it sends an alert and goes on asking, also while
// the alert cannot be published.
func (p *process) askUntilAnswered(ctx workflow.Context, ask func(workflow.Context) error) error {
	patient := paymentOptions(ctx)
	err := ask(workflow.WithScheduleToCloseTimeout(patient, alarmAfter))
	if err == nil || isType(err, activities.PaymentDeclined) || isType(err, activities.PaymentCaptured) {
		return err
	}
	event := p.stillHeld(ctx, "the payment gateway has given no answer for "+alarmAfter.String()+", and is being asked again")
	if p.patched(ctx) {
		p.sendAlert(ctx, event)
	} else if err := p.publish(ctx, event, unlimitedAttempts); err != nil {
		return err
	}
	err = ask(patient)
	p.record.Payment.StillHeld = "" // it has answered; the caller decides what the answer means
	if p.patched(ctx) {
		p.save(ctx)
	}
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

// stillHeld records why the money was not given back, and returns the alert about it.
func (p *process) stillHeld(ctx workflow.Context, why string) alert.Event {
	p.record.Payment.StillHeld = why
	p.save(ctx)
	event := p.event(ctx, alert.CompensationFailed)
	event.Data.Problem = why
	return event
}

// eventSource is the source of events in CloudEvents' sense: together with the id, it makes an event unique.
const eventSource = "/orders"

// eventNamespace makes event ids a pure function of the workflow and the alert's number.
var eventNamespace = uuid.MustParse("0c9f4c0e-7a52-4c5e-9a3d-2f1f6d0f3b11")

// stop ends a transaction without a payment, and sends an alert of the given kind. The caller is answered before the broker
// is asked; the alert is sent even when the transaction is cancelled meanwhile.
func (p *process) stop(ctx workflow.Context, kind alert.Type) error {
	p.move(ctx, transaction.Fraudulent)
	p.move(ctx, transaction.AlertInitiated)
	p.stay(ctx)
	event, free := p.event(ctx, kind), detached(ctx)
	if err := p.publish(free, event, firstPublishAttempts); err != nil {
		p.move(ctx, transaction.AlertError)
		p.stay(ctx)
		if err := p.publish(free, event, unlimitedAttempts); err != nil {
			return err
		}
	}
	p.move(ctx, transaction.AlertDone)
	return nil
}

// sendAlert sends an alert beside the main line: only the end of the workflow waits for the broker.
func (p *process) sendAlert(ctx workflow.Context, event alert.Event) {
	p.inBackground(ctx, "alert", func(ctx workflow.Context) error { return p.publish(ctx, event, unlimitedAttempts) })
}

func (p *process) publish(ctx workflow.Context, event alert.Event, attempts int32) error {
	ctx = publishOptions(ctx, attempts, line(event.Type.RoutingKey()+" for order "+event.Subject))
	return workflow.ExecuteActivity(ctx, alerts.PublishAlert, event).Get(ctx, nil)
}

// event returns the transaction's next alert. Its id is the same in every replay.
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
			Merchant:      identity.MerchantOf(t.Merchant),
			TransactionID: t.ID,
			OrderID:       t.Order.ID,
			OrderName:     t.Order.Name,
			PaymentMethod: t.PaymentMethod,
			Card:          t.Payment.Card.Masked(),

			CardFingerprint: t.Payment.Card.Fingerprint,
			CustomerID:      customerID(t),

			Result: p.record.Payment.Result,

			Wire:      t.Payment.Amount.Wire(),
			Decision:  *record.Decision,
			Review:    record.Review,
			Link:      p.link(info),
			ExpiresAt: expiry(kind, record.Review),
		},
	}
}

// expiry returns when an alert that asks for a review expires: at the review's deadline, because another alert then reports
// the result. It returns nil for other alerts.
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

// EventID returns the id of a workflow's alert with that number, counted from 1. It stays the same over retries, resets and
// replays.
func EventID(workflowID string, number int) string {
	return uuid.NewSHA1(eventNamespace, []byte(workflowID+"/"+strconv.Itoa(number))).String()
}

// link returns the address of the transaction's history in the Web UI, or "" if no Web UI is configured.
func (p *process) link(info *workflow.Info) string {
	if p.WebUI == "" {
		return ""
	}
	return strings.TrimSuffix(p.WebUI, "/") + "/namespaces/" + info.Namespace + "/workflows/" + info.WorkflowExecution.ID
}

// ledgerWriter keeps the ledger up to date with the record: it writes one entry at a time, and always the newest.
type ledgerWriter struct {
	writing, behind bool
	written         int
}

func (s *ledgerWriter) idle() bool {
	return !s.writing
}

// save writes the record as it is now to the ledger, without waiting for it: a ledger that is down holds up no payment. The
// workflow does not end before its last entry is written.
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

// write costs one event in the history while the ledger is up: a local activity runs within the workflow task that is under
// way anyway. If the ledger does not answer, a regular activity takes over: the server retries it, which holds up no
// workflow task.
func (p *process) write(ctx workflow.Context) error {
	p.ledgerWriter.written++
	entry := ledger.Entry{
		Record:      p.record.Clone(),
		Transaction: p.transaction,
		Mark:        ledger.Mark{At: workflow.Now(ctx), Number: p.ledgerWriter.written},
	}
	summary := "keep in the ledger: " + p.record.Status().String()
	if workflow.ExecuteLocalActivity(withinTask(ctx, time.Second, summary), ledgerActivities.Save, entry).Get(ctx, nil) == nil {
		return nil
	}
	return workflow.ExecuteActivity(patientSave(ctx, summary), ledgerActivities.Save, entry).Get(ctx, nil)
}
