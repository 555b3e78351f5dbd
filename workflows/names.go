// Package workflows is the saga: ProcessTransaction takes a transaction from acceptance to its end, and DeliverAlert
// takes an alert to the people who must know. Everything here is replayed from history: no clock, no randomness, no
// network but through activities.
package workflows

import (
	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

// Task queues, one a kind of worker.
const (
	OrdersTaskQueue      = "orders"
	FraudPoliceTaskQueue = "fraud_police"
	AlertmanTaskQueue    = "alertman"
)

// Names under which the outside reaches the workflows. They stand in histories, scripts and dashboards.
const (
	ProcessTransactionType = "ProcessTransaction"
	DeliverAlertType       = "DeliverAlert"

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

// AlertWorkflowID is the workflow that delivers an alert. A second delivery of the same event finds it there.
func AlertWorkflowID(eventID string) string {
	return "alert-" + eventID
}
