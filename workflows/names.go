// Package workflows is the saga: ProcessTransaction takes a transaction from acceptance to its end, and DeliverAlert
// takes an alert to the people who must know. Everything here is replayed from history: no clock, no randomness, no
// network but through activities.
package workflows

import (
	"go.temporal.io/sdk/temporal"
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
	// AnswerUpdate waits until the caller's answer is settled, and answers with a ledger.Answer. It is always sent
	// under AnswerUpdateID, so that asking again is the same question, with the same answer.
	AnswerUpdate   = "answer"
	AnswerUpdateID = "answer"
)

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
