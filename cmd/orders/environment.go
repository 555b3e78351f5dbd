package main

// environment holds every variable that the processes read, with its default. The file env documents the same
// variables, and a test compares the two. Temporal's library reads its own variables (TEMPORAL_*) itself.
//
// Values stay as they were written: the code that makes settings of them reports what is wrong with a value.
type environment struct {
	LogLevel      string `env:"LOG_LEVEL, default=info"`
	LogFormat     string `env:"LOG_FORMAT, default=text"`
	NoColor       string `env:"NO_COLOR"`
	HealthAddress string `env:"HEALTH_ADDRESS"`

	// OpenTelemetry's libraries read these themselves, and its other variables too.
	OTelDisabled       string `env:"OTEL_SDK_DISABLED, default=false"`
	MetricsExporter    string `env:"OTEL_METRICS_EXPORTER, default=prometheus"`
	TracesExporter     string `env:"OTEL_TRACES_EXPORTER"`
	OTLPEndpoint       string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	OTLPTracesEndpoint string `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"`
	OTLPProtocol       string `env:"OTEL_EXPORTER_OTLP_PROTOCOL, default=http/protobuf"`
	OTLPTracesProtocol string `env:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"`
	OTLPHeaders        string `env:"OTEL_EXPORTER_OTLP_HEADERS"`
	OTelServiceName    string `env:"OTEL_SERVICE_NAME"`
	OTelResource       string `env:"OTEL_RESOURCE_ATTRIBUTES"`
	TracesSampler      string `env:"OTEL_TRACES_SAMPLER, default=parentbased_always_on"`
	TracesSamplerArg   string `env:"OTEL_TRACES_SAMPLER_ARG"`

	TemporalCompression string `env:"TEMPORAL_COMPRESSION, default=auto"`

	ShutdownDelay      string `env:"SHUTDOWN_DELAY, default=0s"`
	HTTPAddress        string `env:"HTTP_ADDRESS, default=127.0.0.1:9001"`
	APIPublishedOn     string `env:"API_PUBLISHED_ON"`
	APIOpen            string `env:"API_OPEN, default=false"`
	HTTPMaxInFlight    string `env:"HTTP_MAX_IN_FLIGHT, default=1000"`
	HTTPMaxConnections string `env:"HTTP_MAX_CONNECTIONS, default=4000"`
	AddressConnections string `env:"HTTP_MAX_CONNECTIONS_PER_ADDRESS, default=1000"`
	CallerInFlight     string `env:"HTTP_MAX_IN_FLIGHT_PER_CALLER, default=500"`
	CallerRate         string `env:"HTTP_RATE_PER_CALLER, default=1000"`
	CallerBurst        string `env:"HTTP_BURST_PER_CALLER, default=2000"`
	TrustedProxies     string `env:"TRUSTED_PROXIES"`
	CardFingerprintKey string `env:"CARD_FINGERPRINT_KEY"`
	APIKeys            string `env:"API_KEYS"`
	APIKeysScopes      string `env:"API_KEYS_SCOPES, default=transact,read,review,label,rules,alerts"`
	StoredKeys         string `env:"API_KEYS_IN_LEDGER, default=false"`
	KeysWithoutLedger  string `env:"API_KEYS_WITHOUT_LEDGER, default=1h"`
	OIDCIssuer         string `env:"OIDC_ISSUER"`
	OIDCAudience       string `env:"OIDC_AUDIENCE, default=orders"`
	OIDCGroupsClaim    string `env:"OIDC_GROUPS_CLAIM, default=groups"`
	OIDCRoles          string `env:"OIDC_ROLES"`
	DeskAddress        string `env:"DESK_ADDRESS, default=127.0.0.1:9002"`
	DeskURL            string `env:"DESK_URL"`
	DeskReviewNotes    string `env:"DESK_REVIEW_NOTES"`
	ReviewAssign       string `env:"REVIEW_ASSIGN"`
	DecisionDetail     string `env:"DECISION_DETAIL, default=full"`
	RequireKey         string `env:"IDEMPOTENCY_KEY_REQUIRED, default=false"`
	CardLikeOrderIDs   string `env:"ORDER_ID_MAY_LOOK_LIKE_A_CARD, default=false"`

	LedgerURL       string `env:"LEDGER_URL, default=sqlite:.run/orders-ledger.db"`
	LedgerRetention string `env:"LEDGER_RETENTION, default=9600h"`
	AuditStream     string `env:"AUDIT_STREAM, default=none"`

	FraudCheckDeadline string `env:"FRAUD_CHECK_DEADLINE, default=15m"`
	PaymentDeadline    string `env:"PAYMENT_DEADLINE, default=15m"`
	ReviewDeadline     string `env:"REVIEW_DEADLINE, default=24h"`
	ReviewOnExpiry     string `env:"REVIEW_ON_EXPIRY, default=decline"`
	ReviewSecondFrom   string `env:"REVIEW_SECOND_FROM"`
	WebUIURL           string `env:"WEB_UI_URL, default=http://localhost:8233"`

	PaymentGateways string `env:"PAYMENT_GATEWAYS, default=*:simulated"`
	TestDoubles     string `env:"TEST_DOUBLES, default=auto"`
	StripeAPIKey    string `env:"STRIPE_API_KEY"`
	StripeURL       string `env:"STRIPE_URL, default=https://api.stripe.com"`

	FraudDetector      string `env:"FRAUD_DETECTOR, default=rules"`
	FraudRuleset       string `env:"FRAUD_RULESET, default=default"`
	RulesFrom          string `env:"RULES_FROM, default=files"`
	RulesFourEyes      string `env:"RULES_FOUR_EYES, default=true"`
	FraudShadowRuleset string `env:"FRAUD_SHADOW_RULESET"`
	FraudLimitReview   string `env:"FRAUD_LIMIT_REVIEW, default=INR:100000,USD:1200,EUR:1100,GBP:950"`
	FraudLimitDecline  string `env:"FRAUD_LIMIT_DECLINE, default=INR:200000,USD:2400,EUR:2200,GBP:1900"`

	RabbitMQPublisherURL    string `env:"RABBITMQ_PUBLISHER_URL, default=amqp://orders:orders@localhost:5672/"`
	RabbitMQConsumerURL     string `env:"RABBITMQ_CONSUMER_URL, default=amqp://alertman:alertman@localhost:5672/"`
	RabbitMQExchange        string `env:"RABBITMQ_EXCHANGE, default=alerts"`
	RabbitMQQueue           string `env:"RABBITMQ_QUEUE, default=alertman"`
	RabbitMQDeadExchange    string `env:"RABBITMQ_DEAD_EXCHANGE, default=alerts.dead"`
	RabbitMQDeadQueue       string `env:"RABBITMQ_DEAD_QUEUE, default=alertman.dead"`
	RabbitMQDeliveryLimit   string `env:"RABBITMQ_DELIVERY_LIMIT, default=20"`
	RabbitMQDeclareTopology string `env:"RABBITMQ_DECLARE_TOPOLOGY, default=false"`
	RabbitMQConfirmTimeout  string `env:"RABBITMQ_CONFIRM_TIMEOUT, default=5s"`
	AlertmanPrefetch        string `env:"ALERTMAN_PREFETCH, default=20"`

	AlertmanConfig     string `env:"ALERTMAN_CONFIG"`
	AlertmanDeliveries string `env:"ALERTMAN_DELIVERIES, default=100"`
	APIURL             string `env:"API_URL, default=http://localhost:9001"`
	AlertLinkKey       string `env:"ALERT_LINK_KEY"`

	SMSURL        string `env:"SMS_URL, default=https://api.twilio.com"`
	SMSAccountSID string `env:"SMS_ACCOUNT_SID"`
	SMSAuthToken  string `env:"SMS_AUTH_TOKEN"`
	SMSFrom       string `env:"SMS_FROM"`

	SMTPHostname string `env:"SMTP_HOSTNAME, default=localhost"`
	SMTPPort     string `env:"SMTP_PORT, default=1025"`
	SMTPHELO     string `env:"SMTP_HELO"`
	SMTPUsername string `env:"SMTP_USERNAME"`
	SMTPPassword string `env:"SMTP_PASSWORD"`
	SMTPUseTLS   string `env:"SMTP_USE_TLS, default=none"`
	MailFrom     string `env:"TRANSACTION_FRAUD_EMAIL_ALERT_FROM, default=orders@localhost"`
	MailTo       string `env:"TRANSACTION_FRAUD_EMAIL_ALERT_TO, default=fraud-team@localhost"`
	MailSubject  string `env:"TRANSACTION_FRAUD_EMAIL_ALERT_SUBJECT, default=Transaction Fraud Alert"`
}
