// Package workflows implements the saga: ProcessTransaction takes a transaction from acceptance to its end, and DeliverAlert
// takes an alert to the people who must know, with AlertGroup, which makes one message of many. All this code is replayed
// from history: it uses the clock, randomness and the network only through Temporal and activities.
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

// Task queues, one per kind of worker.
const (
	OrdersTaskQueue      = "orders"
	FraudPoliceTaskQueue = "fraud_police"
	AlertmanTaskQueue    = "alertman"
)

// DeliveryTaskQueue returns the task queue for a channel's deliveries. Each channel has its own queue, so that a channel
// whose server hangs holds up no other. For an unknown channel it returns alertman's own queue.
func DeliveryTaskQueue(channel string) string {
	if !slices.Contains(alert.Channels, channel) {
		return AlertmanTaskQueue
	}
	return AlertmanTaskQueue + "_" + channel
}

// These names are used from outside to reach the workflows. They appear in histories, scripts and dashboards.
const (
	ProcessTransactionType = "ProcessTransaction"
	DeliverAlertType       = "DeliverAlert"
	AlertGroupType         = "AlertGroup"

	// StatusQuery answers with a ledger.Record.
	StatusQuery = "status"
	// AnswerUpdate waits until there is an answer for the caller: the transaction is settled, or a review has begun. It
	// answers with a Reply. It is always sent under AnswerUpdateID, so that asking again is the same question and gets the
	// same answer.
	AnswerUpdate   = "answer"
	AnswerUpdateID = "answer"
	// ReviewUpdate takes a review.Request, and answers with the ledger.Answer once the transaction is settled. It fails with
	// ReviewClosed, CheckWorse, ReviewByPoster or RequestInvalid, which change nothing.
	ReviewUpdate = "review"
	// LastingSignal comes from an activity that does not succeed at once. The workflow then publishes the transaction's
	// status.
	LastingSignal = "lasting"

	// DeliveriesQuery answers with an alert.Log, even after the workflow has ended.
	DeliveriesQuery = "deliveries"
	// AcknowledgeUpdate takes an alert.Acknowledgement, and answers with the first one, which is the one that counts. It
	// fails with AcknowledgementClosed if there is nothing to acknowledge, and with RequestInvalid.
	AcknowledgeUpdate = "acknowledge"

	// ResendingMemo holds an alert.Resending in the memo of a delivery that sends an alert again.
	ResendingMemo = "resending"

	// DigestsQuery answers with an alert.GroupLog: the digests that this run of a group has handed on.
	DigestsQuery = "digests"
	// JoinSignal takes an Arrival, whose alerts go into the group's next digest.
	JoinSignal = "join"
	// AdmitUpdate takes an Arrival, and answers with an alert.Place. It is sent under the notice's id.
	AdmitUpdate = "admit"
	// FirstMemo holds the id of the notice that a group began with.
	FirstMemo = "first"

	// ReceiptMemo holds the transaction's receipt in the workflow's memo, for a caller that gets no Reply.
	ReceiptMemo = "receipt"
)

// RequestInvalid is the error type of a ReviewUpdate or an AcknowledgeUpdate whose request has a fault; its message says which.
const RequestInvalid = "RequestInvalid"

// Error types that ReviewUpdate may fail with.
const (
	// ReviewClosed means that there is nothing to decide; its message says who has decided, or what the transaction's status
	// is. Its details are a ledger.Answer.
	ReviewClosed = "ReviewClosed"
	// CheckWorse means that the repeated fraud check speaks more against the transaction than the one before: the reviewer
	// has to confirm. Its details are the new fraud.Decision.
	CheckWorse = "CheckWorse"
	// ReviewByPoster means that the client that posted the transaction asks to approve it.
	ReviewByPoster = "ReviewByPoster"
)

// Error types that concern alerts.
const (
	// NotDelivered is the type of DeliverAlert's error if the alert did not reach a target.
	NotDelivered = "AlertNotDelivered"
	// NotAcknowledged is the type of DeliverAlert's error if the alert was not acknowledged in time.
	NotAcknowledged = "AlertNotAcknowledged"
	// AcknowledgementClosed means that the alert never asked for an acknowledgement, or no longer does; its message says
	// which.
	AcknowledgementClosed = "AcknowledgementClosed"
)

// Reply is the answer for the caller, with the receipt of the call that was accepted. If the receipt names another call, the
// caller's own call was a retry; if it has another digest, the caller has used a key twice.
type Reply struct {
	Answer  ledger.Answer       `json:"answer"`
	Receipt transaction.Receipt `json:"receipt,omitzero"`
}

// Search attributes, registered by temporal-config/setup.sh. They are stored in clear text and never hold card data.
var (
	TransactionStatusKey = temporal.NewSearchAttributeKeyKeyword("TransactionStatus")
	FraudOutcomeKey      = temporal.NewSearchAttributeKeyKeyword("FraudOutcome")
	FraudScoreKey        = temporal.NewSearchAttributeKeyInt64("FraudScore")
	OrderIDKey           = temporal.NewSearchAttributeKeyKeyword("OrderID")
	PaymentMethodKey     = temporal.NewSearchAttributeKeyKeyword("PaymentMethod")
	MerchantKey          = temporal.NewSearchAttributeKeyKeyword("Merchant")
)

// TransactionWorkflowID returns the id of the workflow that processes a transaction.
func TransactionWorkflowID(transactionID string) string {
	return "transaction-" + transactionID
}

// AlertWorkflowID returns the id of the workflow that delivers an alert, or a digest of several. The id is the same for a
// second delivery of an event, which therefore finds the workflow of the first.
func AlertWorkflowID(id string) string {
	return "alert-" + id
}

// groupBytes is how many bytes of the hash a group's id holds, enough to tell groups apart.
const groupBytes = 16

// GroupWorkflowID returns the workflow id of the group of a receiver's alerts that share a key. The key is hashed, because
// it may be long and its content is private.
func GroupWorkflowID(receiver, key string) string {
	sum := sha256.Sum256([]byte(receiver + "\n" + key))
	return "alerts-group-" + hex.EncodeToString(sum[:groupBytes])
}

// ThrottleWorkflowID returns the workflow id of a receiver's throttle.
func ThrottleWorkflowID(receiver string) string {
	return "alerts-throttle-" + receiver
}
