package telemetry

import "slices"

// The bounds of buckets, in seconds: of what answers soon, and of what may wait for a server or a person.
var (
	quick = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60}
	long  = []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600}
)

// Of HTTP, by the api and the desk.
var (
	HTTPRequestDuration = seconds("orders_http_request_duration_seconds",
		"How long requests took. server is api, also for what the desk's pages ask of the API, or desk for the pages themselves; "+
			"route is its pattern, or other if none matched; method is other unless it is GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS", quick,
		"server", "route", "method", "status")
	HTTPLimited = counter("orders_http_limited_total",
		"Requests that a limit refused, and connections that it closed. limit is rate, wrong_keys, in_flight, in_flight_per_caller, connections, temporal or backtests", "limit")
	LoginsRefused = counter("orders_logins_refused_total",
		"Requests without a caller who is known. reason is no_credentials, malformed, unknown_key, expired_key, revoked_key, disabled_merchant, expired_token, bad_token, expired_link, bad_link, or sign_in at the desk", "reason")
	IdempotentReplays = counter("orders_idempotent_replays_total", "Posted transactions that were answered with an earlier one of the same idempotency key")
)

// Of transactions, by the worker.
var (
	Transactions = counter("orders_transactions_total",
		"Transactions that have ended. payment_method is other if it is not in PAYMENT_GATEWAYS; outcome and gateway are none if it did not come to them",
		"status", "outcome", "payment_method", "gateway")
	TransactionAnswer = seconds("orders_transaction_answer_seconds",
		"From when a transaction was accepted until its caller could be answered: it was settled, or a review began", quick, "status")
	TransactionDuration = seconds("orders_transaction_duration_seconds", "From when a transaction was accepted until its last step was done", long, "status")
	CompensationsFailed = counter("orders_compensations_failed_total",
		"Money that could not be given back: a person has to do it. step is what the gateway refused, void or refund", "step")
)

// Of decisions, by fraud_police.
var (
	Decisions           = counter("orders_decisions_total", "Decisions about transactions; a repeated check is another one", "outcome", "ruleset")
	DecisionDuration    = seconds("orders_decision_duration_seconds", "How long decisions took, with the reading of what came before", quick)
	VelocityDuration    = seconds("orders_velocity_duration_seconds", "How long it took to read what a decision counts, with the wait for checks of the same values", quick)
	RuleHits            = counter("orders_rule_hits_total", "Rules that hit. mode is live or shadow", "rule", "mode")
	RuleFailures        = counter("orders_rule_failures_total", "Rules that could not be evaluated, and asked for a review instead", "rule")
	ShadowDisagreements = counter("orders_shadow_disagreements_total",
		"Decisions for which a ruleset in shadow had another outcome. For rules in shadow within the live ruleset, ruleset ends in +shadow", "ruleset")
)

// Of payments, by the worker.
var (
	GatewayCalls = counter("orders_gateway_calls_total",
		"Calls of payment gateways, each attempt. step is authorize, capture, charge, void or refund; result is ok, declined or failed", "gateway", "step", "result")
	GatewayCallDuration = seconds("orders_gateway_call_duration_seconds", "How long calls of payment gateways took", quick, "gateway", "step")
)

// Of money and reviews, by the worker from the ledger.
var (
	ReviewsWaiting     = gauge("orders_reviews_waiting", "", "Transactions in review")
	ReviewNextDeadline = gauge("orders_review_next_deadline_timestamp_seconds", "s", "When the next review is decided without a person; 0 if there is none")
	MoneyHeld          = gauge("orders_money_held", "", "Money that is held, in major units of the currency. reason is review, or release where the gateway is asked to give back what it may hold", "currency", "reason")
	MoneyHeldOldest    = gauge("orders_money_held_oldest_timestamp_seconds", "s", "When the oldest transaction whose money is held was accepted; 0 if there is none", "reason")
)

// Of alerts: the worker publishes, and alertman delivers.
var (
	AlertsPublished      = counter("orders_alerts_published_total", "Attempts to publish an alert. result is confirmed or failed", "type", "result")
	AlertPublishDuration = seconds("orders_alert_publish_duration_seconds", "How long it took until the broker confirmed an alert, or the attempt failed", quick)
	AlertsUnconfirmed    = level("orders_alerts_unconfirmed", "Alerts that are being published, and are not confirmed yet")
	AlertsTaken          = counter("orders_alerts_taken_total",
		"Messages that alertman took off the queue. result is delivered_on, duplicate, failed (back to the queue) or dead (not an alert)", "result")
	Deliveries = counter("orders_deliveries_total",
		"Attempts to deliver an alert to a target. result is ok, refused (for good) or failed (to be tried again)", "channel", "result")
	AlertDelivered = seconds("orders_alert_delivered_seconds",
		"From an alert's event until a channel took the first message about it, for alerts that are sent immediately: not for digests and others that a group or a throttle held back, alarms, or what is sent again", long)
	AlertsExpired  = counter("orders_alerts_expired_total", "Alerts whose last step was not acknowledged in time")
	QueueMessages  = gauge("orders_queue_messages", "", "Messages that wait in a queue of RabbitMQ", "queue")
	QueueConsumers = gauge("orders_queue_consumers", "", "Consumers of a queue of RabbitMQ", "queue")
)

// Of the ledger, by each process that uses it.
var (
	LedgerErrors = counter("orders_ledger_errors_total",
		"Operations of the ledger's database that failed. operation is assign, audit, backtests, count, keys, label, lists, look, mutes, prune, read, ready, rulesets, save, sessions or windows", "operation")
	LedgerLag = seconds("orders_ledger_lag_seconds", "From the moment of an entry until it was saved in the ledger", slices.Concat(quick, []float64{300, 900, 3600}))
)

// Of every process.
var (
	Ready             = gauge("orders_ready", "", "1 if a check of /readyz passes, else 0", "part")
	KeyExpiry         = gauge("orders_key_expiry_timestamp_seconds", "s", "When the first client's last live API key in the ledger expires; 0 if none does")
	CertificateExpiry = gauge("orders_certificate_expiry_timestamp_seconds", "s", "When the first certificate expires in a file that the settings name, or in the settings, as the process read it at its start, or RabbitMQ's as it is now. use is one of temporal, ledger, rabbitmq_publisher, rabbitmq_consumer and traces, with _client or _ca", "use")
	BuildInfo         = gauge("orders_build_info", "", "1, for the version that runs", "version", "goversion")
)
