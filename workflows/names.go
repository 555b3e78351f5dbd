// Package workflows is the saga: ProcessTransaction takes a transaction from acceptance to its end, and DeliverAlert
// takes an alert to the people who must know, with AlertGroup, which makes one message of many. Everything here is
// replayed from history: no clock, no randomness, no network but through activities.
package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

// Task queues, one a kind of worker.
const (
	OrdersTaskQueue      = "orders"
	FraudPoliceTaskQueue = "fraud_police"
	AlertmanTaskQueue    = "alertman"
)

// DeliveryTaskQueue is where the deliveries of a channel wait: each has a queue of its own, so that one whose other side
// hangs holds up no other. A channel that is not known is alertman's own queue.
func DeliveryTaskQueue(channel string) string {
	if !slices.Contains(alert.Channels, channel) {
		return AlertmanTaskQueue
	}
	return AlertmanTaskQueue + "_" + channel
}

// Names under which the outside reaches the workflows. They stand in histories, scripts and dashboards.
const (
	ProcessTransactionType = "ProcessTransaction"
	DeliverAlertType       = "DeliverAlert"
	AlertGroupType         = "AlertGroup"

	// StatusQuery answers with a ledger.Record.
	StatusQuery = "status"
	// AnswerUpdate waits until there is something to tell the caller: the answer is settled, or people have been asked.
	// It answers with a Reply. It is always sent under AnswerUpdateID, so that asking again is the same question, with the
	// same answer.
	AnswerUpdate   = "answer"
	AnswerUpdateID = "answer"
	// ReviewUpdate takes a review.Request, and answers with the ledger.Answer once it is settled. It fails with
	// ReviewClosed or CheckWorse, which change nothing.
	ReviewUpdate = "review"
	// LastingSignal comes from an activity that does not succeed at once: where the transaction stands is to be made known.
	LastingSignal = "lasting"

	// DeliveriesQuery answers with an alert.Log, also after the end.
	DeliveriesQuery = "deliveries"
	// AcknowledgeUpdate takes an alert.Acknowledgement, and answers with the one that counts, which is the first. It fails
	// with AcknowledgementClosed where there is nothing to acknowledge.
	AcknowledgeUpdate = "acknowledge"

	// DigestsQuery answers with an alert.GroupLog: what this run of a group has handed on.
	DigestsQuery = "digests"
	// JoinSignal takes an Arrival, which comes in the group's next digest.
	JoinSignal = "join"
	// AdmitUpdate takes an Arrival, and answers with an alert.Place. It is sent under the notice's id.
	AdmitUpdate = "admit"
	// FirstMemo is the id of the notice that a group began with.
	FirstMemo = "first"

	// ReceiptMemo is the transaction's receipt beside the workflow, for a caller that gets no Reply.
	ReceiptMemo = "receipt"
)

// The types of the errors that a review may be answered with.
const (
	// ReviewClosed means that there is nothing to decide; its message says who has decided, or where the transaction
	// stands. Its details are a ledger.Answer.
	ReviewClosed = "ReviewClosed"
	// CheckWorse means that the fraud check, asked again, speaks more against the transaction than before: the reviewer
	// has to confirm. Its details are the new fraud.Decision.
	CheckWorse = "CheckWorse"
)

// The types of the errors that concern alerts.
const (
	// NotDelivered is what DeliverAlert fails with when a target was not told.
	NotDelivered = "AlertNotDelivered"
	// NotAcknowledged is what it fails with when nobody acknowledged in time.
	NotAcknowledged = "AlertNotAcknowledged"
	// AcknowledgementClosed means that the alert asks nobody to acknowledge it, or does so no more; its message says which.
	AcknowledgementClosed = "AcknowledgementClosed"
)

// Reply is the answer for the caller, with the receipt of the call that was accepted: a caller that finds another call
// there was a retry, one that finds another digest has used a key twice.
type Reply struct {
	Answer  ledger.Answer       `json:"answer"`
	Receipt transaction.Receipt `json:"receipt,omitzero"`
}

// Search attributes, registered by temporal-config/setup.sh. They are stored in clear and never hold card data.
var (
	TransactionStatusKey = temporal.NewSearchAttributeKeyKeyword("TransactionStatus")
	FraudOutcomeKey      = temporal.NewSearchAttributeKeyKeyword("FraudOutcome")
	FraudScoreKey        = temporal.NewSearchAttributeKeyInt64("FraudScore")
	OrderIDKey           = temporal.NewSearchAttributeKeyKeyword("OrderID")
	PaymentMethodKey     = temporal.NewSearchAttributeKeyKeyword("PaymentMethod")
)

// TransactionWorkflowID is the workflow that processes a transaction.
func TransactionWorkflowID(transactionID string) string {
	return "transaction-" + transactionID
}

// AlertWorkflowID is the workflow that delivers an alert, or a digest of several. A second delivery of the same event
// finds it there.
func AlertWorkflowID(id string) string {
	return "alert-" + id
}

// groupBytes are enough of a hash to tell groups apart.
const groupBytes = 16

// GroupWorkflowID is the group of a receiver's alerts that have a key in common. The key is hashed: it may be long, and
// what is in it is nobody's business.
func GroupWorkflowID(receiver, key string) string {
	sum := sha256.Sum256([]byte(receiver + "\n" + key))
	return "alerts-group-" + hex.EncodeToString(sum[:groupBytes])
}

// ThrottleWorkflowID is the throttle of a receiver.
func ThrottleWorkflowID(receiver string) string {
	return "alerts-throttle-" + receiver
}
