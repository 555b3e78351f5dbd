package temporal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// These bound how long a question may take that should take milliseconds.
const (
	queryTimeout   = 10 * time.Second
	refreshTimeout = 3 * time.Second // of a query when the ledger has an answer, though perhaps an older one
	confirmTimeout = 2 * time.Second
	ledgerTimeout  = 3 * time.Second
	// labelTimeout is longer, because a label may have to wait for the ledger's other writers.
	labelTimeout = 10 * time.Second
	// ledgerLag is longer than the ledger usually is behind a transaction.
	ledgerLag = 2 * time.Second
	askAgain  = 50 * time.Millisecond
)

// Ledger is the part of the ledger that Transactions uses.
type Ledger interface {
	ledger.Reader
	ledger.Labeler
}

// Transactions starts and reads the ProcessTransaction workflows, and reads what the ledger keeps of them. Its errors are
// those of the package transaction, and ledger.ClosedError and ledger.WorseError of a review.
type Transactions struct {
	Client client.Client
	Ledger Ledger
	// Draining ends when the process stops taking requests. Waits for answers then end too.
	Draining context.Context
}

// result is the answer to the caller of an accepted transaction: its state, and whether an earlier call with the same
// idempotency key was accepted.
type result struct {
	answer   ledger.Answer
	replayed bool
}

func (r result) settled() bool {
	return r.answer.TransactionStatus.Code.Settled()
}

// Process has a transaction accepted, and waits up to wait for its answer. If it returns no error, the transaction will be
// processed, whatever happens to this caller. A retry is replayed: it gets the first call's answer, and changes nothing.
//
// If the caller hangs up, only the wait ends.
func (s *Transactions) Process(ctx context.Context, t transaction.Transaction, wait time.Duration) (answer ledger.Answer, replayed bool, err error) {
	found, err := s.process(ctx, t, wait)
	return found.answer, found.replayed, err
}

func (s *Transactions) process(ctx context.Context, t transaction.Transaction, wait time.Duration) (result, error) {
	earlier, err := s.earlier(context.WithoutCancel(ctx), t)
	switch {
	case err != nil:
		return result{}, err
	case earlier == nil:
		return s.submit(ctx, t, wait)
	case earlier.settled():
		return *earlier, nil
	default:
		return s.join(ctx, *earlier, wait), nil
	}
}

// join waits for the answer of a transaction that was accepted before. It starts nothing: a workflow that no longer exists
// was ended by force, and another one would charge again.
func (s *Transactions) join(ctx context.Context, earlier result, wait time.Duration) result {
	id := earlier.answer.TransactionID
	if wait > 0 {
		if reply, err := s.await(ctx, id, wait); err == nil && reply.Answer.TransactionStatus.Code.Settled() {
			return result{reply.Answer, true}
		}
	}
	return result{s.currentAnswer(ctx, id, earlier.answer), true}
}

// submit asks Temporal, which decides whether the transaction exists already.
func (s *Transactions) submit(ctx context.Context, t transaction.Transaction, wait time.Duration) (result, error) {
	ctx, sent := trackSent(ctx)
	var reply workflows.Reply
	var err error
	if wait > 0 {
		reply, err = s.startAndWait(ctx, t, wait)
	}
	hungUp := err != nil && ctx.Err() != nil // perhaps before Temporal accepted the transaction
	ctx = context.WithoutCancel(ctx)
	if wait == 0 || hungUp {
		wait, err = 0, s.start(ctx, t)
	}
	switch {
	case err == nil && wait > 0:
		return s.replied(ctx, t, reply)
	case err == nil:
		return result{answer: ledger.PendingAnswer(t.ID)}, nil
	case !sent() && !is[*serviceerror.WorkflowExecutionAlreadyStarted](err):
		return result{}, fmt.Errorf("%w: Temporal cannot be reached: %w", transaction.ErrNotAccepted, err)
	default:
		return s.confirm(ctx, t, err)
	}
}

// replied turns the workflow's answer to the first call into a result. If the transaction was not settled then, it looks
// again.
func (s *Transactions) replied(ctx context.Context, t transaction.Transaction, reply workflows.Reply) (result, error) {
	replayed, err := retryOf(t.Receipt, reply.Receipt)
	if err != nil {
		return result{}, err
	}
	found := result{reply.Answer, replayed}
	if replayed && !found.settled() {
		found.answer = s.currentAnswer(ctx, t.ID, reply.Answer)
	}
	return found, nil
}

// confirm finds out what became of a call that was sent and got no answer. If it returns no error, the transaction was
// accepted: only the wait for its answer failed.
func (s *Transactions) confirm(ctx context.Context, t transaction.Transaction, cause error) (result, error) {
	found, err := s.describe(ctx, t.ID)
	switch {
	case err == nil:
		return s.accepted(ctx, t, found)
	case is[*serviceerror.ResourceExhausted](cause) && isNotFound(err):
		return result{}, fmt.Errorf("%w: %w", transaction.ErrBusy, cause)
	default:
		return result{}, fmt.Errorf("%w: %w", transaction.ErrUnknown, cause)
	}
}

// accepted tells a retry from the first call by the receipt in the workflow's memo. Both get the transaction's current
// state.
func (s *Transactions) accepted(ctx context.Context, t transaction.Transaction, found *workflow.WorkflowExecutionInfo) (result, error) {
	replayed, err := retryOf(t.Receipt, receiptOf(found))
	if err != nil {
		return result{}, err
	}
	return result{s.currentAnswer(ctx, t.ID, ledger.PendingAnswer(t.ID)), replayed}, nil
}

func (s *Transactions) describe(ctx context.Context, id string) (*workflow.WorkflowExecutionInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	found, err := s.Client.DescribeWorkflowExecution(ctx, workflows.TransactionWorkflowID(id), "")
	return found.GetWorkflowExecutionInfo(), err
}

// receiptOf returns an empty receipt if there is none that can be read. No key matches that.
func receiptOf(found *workflow.WorkflowExecutionInfo) transaction.Receipt {
	var receipt transaction.Receipt
	if payload := found.GetMemo().GetFields()[workflows.ReceiptMemo]; payload != nil {
		if converter.GetDefaultDataConverter().FromPayload(payload, &receipt) != nil {
			return transaction.Receipt{}
		}
	}
	return receipt
}

// start starts the workflow, and fails if there is one already.
func (s *Transactions) start(ctx context.Context, t transaction.Transaction) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	options := startOptions(t)
	options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	options.WorkflowExecutionErrorWhenAlreadyStarted = true
	_, err := s.Client.ExecuteWorkflow(ctx, options, workflows.ProcessTransactionType, t)
	return err
}

// startAndWait starts the workflow, or finds the existing one, and asks for the answer in the same call.
func (s *Transactions) startAndWait(ctx context.Context, t transaction.Transaction, wait time.Duration) (workflows.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.Draining, cancel)()
	handle, err := s.Client.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: s.Client.NewWithStartWorkflowOperation(startOptions(t), workflows.ProcessTransactionType, t),
		UpdateOptions:          answerUpdate(t.ID),
	})
	if err != nil {
		return workflows.Reply{}, err
	}
	return replyOf(ctx, handle)
}

// await asks an existing workflow for the answer.
func (s *Transactions) await(ctx context.Context, id string, wait time.Duration) (workflows.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.Draining, cancel)()
	handle, err := s.Client.UpdateWorkflow(ctx, answerUpdate(id))
	if err != nil {
		return workflows.Reply{}, err
	}
	return replyOf(ctx, handle)
}

func answerUpdate(id string) client.UpdateWorkflowOptions {
	return client.UpdateWorkflowOptions{
		WorkflowID:   workflows.TransactionWorkflowID(id),
		UpdateID:     workflows.AnswerUpdateID,
		UpdateName:   workflows.AnswerUpdate,
		WaitForStage: client.WorkflowUpdateStageCompleted,
	}
}

func replyOf(ctx context.Context, handle client.WorkflowUpdateHandle) (workflows.Reply, error) {
	var reply workflows.Reply
	err := handle.Get(ctx, &reply)
	return reply, err
}

// Ready returns an error if Temporal cannot be reached, since no transactions can be accepted then.
func (s *Transactions) Ready(ctx context.Context) error {
	return Check(s.Client)(ctx)
}

func startOptions(t transaction.Transaction) client.StartWorkflowOptions {
	options := client.StartWorkflowOptions{
		ID:                       workflows.TransactionWorkflowID(t.ID),
		TaskQueue:                workflows.OrdersTaskQueue,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            workflows.TransactionSummary(t),
		TypedSearchAttributes:    workflows.SearchAttributes(t),
	}
	if t.Receipt != (transaction.Receipt{}) {
		options.Memo = map[string]any{workflows.ReceiptMemo: t.Receipt}
	}
	return options
}

// retryOf reports whether a call is a retry of the one that was accepted under its id. It fails with transaction.ErrKeyUsed
// if the accepted call had another body. A call without a key is never a retry: its id is its own.
func retryOf(call, accepted transaction.Receipt) (bool, error) {
	switch {
	case call.BodyDigest == "":
		return false, nil
	case call.BodyDigest != accepted.BodyDigest && call.TextDigest != accepted.BodyDigest:
		return false, transaction.ErrKeyUsed
	default:
		return call.Call != accepted.Call, nil
	}
}

// earlier returns what the ledger knows of an earlier call with the same idempotency key, or nil. The ledger remembers
// longer than Temporal does. So if the ledger cannot be asked, a key that Temporal does not know may still be an old one,
// and nothing is accepted under it.
func (s *Transactions) earlier(ctx context.Context, t transaction.Transaction) (*result, error) {
	if t.Receipt.BodyDigest == "" {
		return nil, nil
	}
	entry, err := s.find(ctx, identity.OnlyMerchants(identity.MerchantOf(t.Merchant)), t.ID)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil, nil
	case err != nil:
		return s.running(ctx, t, err)
	}
	if _, err := retryOf(t.Receipt, entry.Transaction.Receipt); err != nil {
		return nil, err
	}
	return &result{entry.Record.CallersAnswer(), true}, nil
}

// running looks in Temporal for an earlier call, because the ledger could not be asked.
func (s *Transactions) running(ctx context.Context, t transaction.Transaction, ledgerErr error) (*result, error) {
	found, err := s.describe(ctx, t.ID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; Temporal: %w", transaction.ErrLedgerAway, ledgerErr, err)
	}
	if _, err := retryOf(t.Receipt, receiptOf(found)); err != nil {
		return nil, err
	}
	return &result{ledger.PendingAnswer(t.ID), true}, nil
}

// Record returns everything that is known about a transaction of one of these merchants. It reads an ended transaction from the ledger, which keeps
// it longer than Temporal keeps histories. For any other it asks the workflow, which knows most, except for labels from
// others.
func (s *Transactions) Record(ctx context.Context, of identity.Merchants, id string) (*ledger.Record, error) {
	entry, ledgerErr := s.find(ctx, of, id)
	if ledgerErr == nil && entry.Record.EndTime != nil {
		return &entry.Record, nil
	}
	if err := s.belongs(ctx, of, id, ledgerErr); err != nil {
		return nil, err
	}
	patience := queryTimeout
	if ledgerErr == nil {
		patience = refreshTimeout
	}
	record, err := s.query(ctx, id, patience)
	switch {
	case err == nil && !of.Has(record.Merchant):
		return nil, transaction.ErrNotFound
	case err == nil:
		return s.withRetries(ctx, withLabels(record, entry.Record.Labels)), nil
	case ledgerErr == nil:
		return s.withRetries(ctx, &entry.Record), nil
	case isNotFound(err) && errors.Is(ledgerErr, ledger.ErrNotFound):
		return nil, transaction.ErrNotFound
	default:
		return nil, fmt.Errorf("%w: the ledger: %w; the workflow: %w", transaction.ErrUnavailable, ledgerErr, err)
	}
}

const (
	// retriesAfter is how long a transaction has run before it is looked for what is tried again: callers ask often before that.
	retriesAfter = 2 * time.Second
	// longestFailure bounds the characters of a failure that are shown.
	longestFailure = 500
)

// withRetries adds what is tried again to the record of a running transaction, if Temporal says so soon.
func (s *Transactions) withRetries(ctx context.Context, record *ledger.Record) *ledger.Record {
	if record.EndTime != nil || time.Since(record.StartTime) < retriesAfter {
		return record
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	found, err := s.Client.DescribeWorkflowExecution(ctx, workflows.TransactionWorkflowID(record.TransactionID), "")
	if err != nil {
		return record // it is shown without them
	}
	for _, activity := range found.GetPendingActivities() {
		if activity.GetAttempt() < 2 {
			continue
		}
		r := ledger.Retry{Step: activity.GetActivityType().GetName(), Failed: int(activity.GetAttempt()) - 1}
		failure := []rune(card.Conceal(activity.GetLastFailure().GetMessage()))
		r.Failure = string(failure[:min(len(failure), longestFailure)])
		if next := activity.GetNextAttemptScheduleTime(); next != nil && activity.GetState() == enums.PENDING_ACTIVITY_STATE_SCHEDULED {
			r.Next = new(next.AsTime())
		}
		record.Retries = append(record.Retries, r)
	}
	return record
}

// withLabels adds the labels that only the ledger has, and notes that were changed there, to the record that a workflow
// returned.
func withLabels(record *ledger.Record, inLedger []ledger.Label) *ledger.Record {
	all := slices.Clone(inLedger)
	for _, label := range record.Labels {
		if !slices.ContainsFunc(inLedger, label.Same) {
			all = append(all, label)
		}
	}
	ledger.SortLabels(all)
	record.Labels = all
	return record
}

// currentAnswer returns a transaction's current state if that can be found out soon, and else before. It asks the workflow
// first, because the ledger is written only when a transaction stays in a state. Each has its own timeout, so that one that
// hangs does not use up the other's. The caller may see the transaction: that was checked before.
func (s *Transactions) currentAnswer(ctx context.Context, id string, before ledger.Answer) ledger.Answer {
	if record, err := s.query(ctx, id, confirmTimeout); err == nil {
		return record.CallersAnswer()
	}
	if entry, err := s.find(ctx, identity.AllMerchants(), id); err == nil {
		return entry.Record.CallersAnswer()
	}
	return before
}

func (s *Transactions) find(ctx context.Context, of identity.Merchants, id string) (ledger.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	return s.Ledger.Find(ctx, of, id)
}

// belongs returns nil if a transaction belongs to one of these merchants, and transaction.ErrNotFound if it belongs to
// another one or does not exist. ledgerErr says whether the ledger shows it to them. If not, belongs asks Temporal, which
// needs no worker for it: so what is another merchant's is not found either while none answers.
func (s *Transactions) belongs(ctx context.Context, of identity.Merchants, id string, ledgerErr error) error {
	if of.All() || ledgerErr == nil {
		return nil
	}
	found, err := s.describe(ctx, id)
	switch {
	case err == nil && of.Has(merchantOf(found)):
		return nil
	case err == nil, isNotFound(err) && errors.Is(ledgerErr, ledger.ErrNotFound):
		return transaction.ErrNotFound
	default:
		return fmt.Errorf("%w: the ledger: %w; Temporal: %w", transaction.ErrUnavailable, ledgerErr, err)
	}
}

// merchantOf returns the merchant that a workflow belongs to. One from before there were merchants belongs to the default.
func merchantOf(found *workflow.WorkflowExecutionInfo) string {
	payload := found.GetSearchAttributes().GetIndexedFields()[workflows.MerchantKey.GetName()]
	merchant := ""
	if payload != nil && converter.GetDefaultDataConverter().FromPayload(payload, &merchant) != nil {
		return "?" // no merchant has this name
	}
	return identity.MerchantOf(merchant)
}

func (s *Transactions) query(ctx context.Context, id string, patience time.Duration) (*ledger.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, err := ask(ctx, s.Client, workflows.TransactionWorkflowID(id), "", workflows.StatusQuery)
	if err != nil {
		return nil, err
	}
	record := new(ledger.Record)
	return record, value.Get(record)
}

// Review hands a reviewer's verdict to the transaction, and waits up to wait until the transaction is settled. If it
// returns no error, the transaction has the verdict, whatever happens to this caller, and the answer is the settled one, or
// the transaction's current state. After that, only a fraud check that has become worse may still refuse an approval that
// the caller did not wait for.
//
// The wait begins when the transaction has the verdict: otherwise it would be unknown whether it has.
func (s *Transactions) Review(ctx context.Context, of identity.Merchants, id string, q review.Request, wait time.Duration) (ledger.Answer, error) {
	if !of.All() {
		_, ledgerErr := s.find(ctx, of, id)
		if err := s.belongs(ctx, of, id, ledgerErr); err != nil {
			return ledger.Answer{}, err
		}
	}
	goesOn, sent := trackSent(context.WithoutCancel(ctx))
	handle, err := s.sendVerdict(goesOn, id, q)
	if err != nil && !sent() {
		return ledger.Answer{}, fmt.Errorf("%w: Temporal cannot be reached: %w", transaction.ErrNotAccepted, err)
	}
	if err == nil {
		var answer ledger.Answer
		if answer, err = s.awaitVerdict(ctx, handle, wait); err == nil {
			return answer, nil
		}
		if !isRefused(err) { // the wait is over, the caller hung up, or the connection broke: the workflow has the verdict
			return s.currentAnswer(ctx, id, ledger.PendingAnswer(id)), nil
		}
	}
	return s.reviewError(goesOn, id, q, err)
}

// sendVerdict returns once the workflow has accepted the verdict, or refused it.
func (s *Transactions) sendVerdict(ctx context.Context, id string, q review.Request) (client.WorkflowUpdateHandle, error) {
	ctx, cancel := context.WithTimeout(ctx, updateWithin)
	defer cancel()
	return s.Client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID:   workflows.TransactionWorkflowID(id),
		UpdateID:     uuid.NewString(), // a new id for each call: the same question may later have another answer
		UpdateName:   workflows.ReviewUpdate,
		Args:         []any{q},
		WaitForStage: client.WorkflowUpdateStageAccepted,
	})
}

func (s *Transactions) awaitVerdict(ctx context.Context, handle client.WorkflowUpdateHandle, wait time.Duration) (ledger.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.Draining, cancel)()
	var answer ledger.Answer
	err := handle.Get(ctx, &answer)
	return answer, err
}

// reviewError returns the reason why there is no answer. A workflow that has ended takes no updates; its record says who
// decided.
func (s *Transactions) reviewError(ctx context.Context, id string, q review.Request, cause error) (ledger.Answer, error) {
	refused, isRefused := errors.AsType[*temporal.ApplicationError](cause)
	switch {
	case isRefused && refused.Type() == workflows.ReviewClosed:
		return ledger.Answer{}, closedError(refused)
	case isRefused && refused.Type() == workflows.CheckWorse:
		return ledger.Answer{}, worseError(refused)
	case isRefused && refused.Type() == workflows.ReviewByPoster:
		return ledger.Answer{}, &ledger.PosterError{Why: refused.Message()}
	case isRefused && refused.Type() == workflows.RequestInvalid:
		return ledger.Answer{}, fmt.Errorf("%w: %s", transaction.ErrInvalid, refused.Message())
	case is[*serviceerror.ResourceExhausted](cause):
		return ledger.Answer{}, fmt.Errorf("%w: %w", transaction.ErrBusy, cause)
	case isRefused, isNotFound(cause):
		return s.answerOfEnded(ctx, id, q, cause)
	default:
		return ledger.Answer{}, fmt.Errorf("%w: %w", transaction.ErrUnknown, cause)
	}
}

// answerOfEnded handles a transaction whose workflow has ended: the reviewer who decided it gets its answer again.
func (s *Transactions) answerOfEnded(ctx context.Context, id string, q review.Request, cause error) (ledger.Answer, error) {
	record, err := s.Record(ctx, identity.AllMerchants(), id)
	if err != nil {
		return ledger.Answer{}, err
	}
	answer, status := record.CallersAnswer(), record.TransactionStatus
	switch r := record.Review; {
	case status.Code == transaction.InReview && isNotFound(cause):
		return ledger.Answer{}, &ledger.ClosedError{Why: "it cannot be decided any more: the transaction was ended by force while it was in review", Status: &status}
	case status.Code == transaction.InReview:
		return ledger.Answer{}, fmt.Errorf("%w: %w", transaction.ErrUnknown, cause)
	case !r.Decided():
		return ledger.Answer{}, &ledger.ClosedError{Why: "the transaction is not in review: it is " + status.Status, Status: &status}
	case r.Repeats(q):
		return answer, nil
	default:
		return ledger.Answer{}, &ledger.ClosedError{Why: "the transaction was " + r.By(), Status: &status}
	}
}

func closedError(refused *temporal.ApplicationError) error {
	var answer ledger.Answer
	if refused.Details(&answer) != nil {
		return &ledger.ClosedError{Why: refused.Message()}
	}
	return &ledger.ClosedError{Why: refused.Message(), Status: &answer.TransactionStatus}
}

func worseError(refused *temporal.ApplicationError) error {
	var now fraud.Decision
	if refused.Details(&now) != nil {
		return &ledger.WorseError{Why: refused.Message()}
	}
	return &ledger.WorseError{Why: refused.Message(), Now: &now}
}

// isRefused reports whether the workflow has refused the verdict, or ended without an answer to it.
func isRefused(err error) bool {
	return is[*temporal.ApplicationError](err) || isNotFound(err)
}

// Label has the ledger keep a label. A transaction that was just accepted may not be in the ledger yet: if it has a
// workflow, Label waits a little for its first entry, and fails with ledger.ErrNotFound if none comes. It fails with
// transaction.ErrNotFound if the transaction is unknown or of another merchant, or if the ledger has lost its entry.
func (s *Transactions) Label(ctx context.Context, of identity.Merchants, id string, l ledger.Label) (ledger.Label, error) {
	kept, err := s.saveLabel(ctx, of, id, l)
	if !errors.Is(err, ledger.ErrNotFound) {
		return kept, err
	}
	found, describeErr := s.describe(ctx, id)
	switch {
	case isNotFound(describeErr), describeErr == nil && !of.Has(merchantOf(found)):
		return ledger.Label{}, transaction.ErrNotFound
	case describeErr != nil:
		return ledger.Label{}, fmt.Errorf("%w: the ledger: %s; Temporal: %w", transaction.ErrUnavailable, err.Error(), describeErr)
	}
	kept, err = backoff.Retry(ctx, func() (ledger.Label, error) {
		kept, err := s.saveLabel(ctx, of, id, l)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			err = backoff.Permanent(err)
		}
		return kept, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(askAgain)), backoff.WithMaxElapsedTime(ledgerLag))
	if errors.Is(err, ledger.ErrNotFound) && found.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return ledger.Label{}, transaction.ErrNotFound // a workflow does not end before the ledger has its end
	}
	return kept, err
}

func (s *Transactions) saveLabel(ctx context.Context, of identity.Merchants, id string, l ledger.Label) (ledger.Label, error) {
	ctx, cancel := context.WithTimeout(ctx, labelTimeout)
	defer cancel()
	return s.Ledger.Label(ctx, of, id, l)
}
