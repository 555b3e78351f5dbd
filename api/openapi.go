package api

import (
	"cmp"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/payment"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
)

// This file adds to the OpenAPI document what huma cannot infer about the operations.

// describeBody describes the body that the operation reads.
func describeBody[T any](document *huma.OpenAPI, operation *huma.Operation, body object[T], example string) {
	body.describe(document)
	operation.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		jsonType: {Schema: body.reference(), Example: json.RawMessage(example)},
	}, Description: schemaDescriptions[body.name]}
}

// describeAccepted adds a 202 answer with the body and headers of the 200 one.
func describeAccepted(operation *huma.Operation, description string) {
	accepted := *operation.Responses["200"]
	accepted.Description = description
	accepted.Content = map[string]*huma.MediaType{jsonType: {Schema: accepted.Content[jsonType].Schema}}
	operation.Responses["202"] = &accepted
}

// describeParameter gives a parameter the schema of what its reader takes. To huma it is a string.
func describeParameter(operation *huma.Operation, name string, schema huma.Schema) {
	p := operation.Parameters[slices.IndexFunc(operation.Parameters, func(p *huma.Param) bool { return p.Name == name })]
	schema.Description, schema.Examples = p.Schema.Description, p.Schema.Examples
	if schema.Type == "" {
		schema.Type = huma.TypeString
	}
	p.Schema = &schema
}

// describePages describes the parameters of a list in pages.
func describePages(operation *huma.Operation) {
	describeParameter(operation, "cursor", huma.Schema{MinLength: new(1)})
	describeParameter(operation, "limit", huma.Schema{Type: huma.TypeInteger, Minimum: new(1.0), Maximum: new(float64(maxLimit)), Default: defaultLimit})
}

// describeService says where the API is, who may call it, and what the groups of operations are about.
func (s *server) describeService(document *huma.OpenAPI, prefix string) {
	document.Servers = []*huma.Server{{URL: cmp.Or(prefix, "/"), Description: "Where this document is from"}}
	document.Security = []map[string][]string{} // none is needed, except where an operation requires one
	document.Tags = []*huma.Tag{
		{Name: "transactions", Description: "Post transactions, and read their status and records"},
		{Name: "reviews", Description: "Decide about transactions whose money is held"},
		{Name: "labels", Description: "Record what turned out to be true afterwards"},
		{Name: "keys", Description: "Manage merchants, and the keys of their clients"},
		{Name: "sessions", Description: "See who is signed in at the desk, and end sessions"},
		{Name: "audit", Description: "See who did what"},
		{Name: "figures", Description: "See what transactions come to, now and by day"},
		{Name: "alerts", Description: "See to whom alerts were sent, acknowledge them, send them again, and mute them"},
		{Name: "dead letters", Description: "Read, replay and delete messages that alertman could not take"},
		{Name: "rules", Description: "See, try and check the rules of the fraud check"},
	}
}

// describeWords lists all statuses and codes, wherever an answer has one.
func describeWords(document *huma.OpenAPI) {
	var codes, names, declines []any
	for _, status := range transaction.Statuses() {
		codes, names = append(codes, int(status)), append(names, status.String())
	}
	for _, decline := range payment.DeclineCodes {
		declines = append(declines, decline.Code)
	}
	schemas := document.Components.Schemas.Map()
	for _, name := range []string{"Status", "Step"} {
		schemas[name].Properties["code"].Enum = codes
		schemas[name].Properties["status"].Enum = names
	}
	schemas["Decline"].Properties["code"].Enum = declines
	for _, name := range []string{"Answer", "Record", "Problem", "Member"} {
		schemas[name].Properties["transactionID"].Format = "uuid"
	}
}

// statusWords returns what a list can be filtered by: the statuses' codes and names.
func statusWords() (words []any) {
	for _, status := range transaction.Statuses() {
		words = append(words, status.String(), strconv.Itoa(int(status)))
	}
	return words
}

// hideExplanations removes the explanation from decisions: answers have one only in a record, beside its decision.
func hideExplanations(document *huma.OpenAPI) {
	delete(document.Components.Schemas.Map()["Decision"].Properties, "explanation")
}

// problemHeaders describes the headers of the problems of a status: when to come back, and how to authenticate.
var problemHeaders = map[string]map[string]*huma.Header{
	"401": {"WWW-Authenticate": {Description: "Bearer", Schema: &huma.Schema{Type: huma.TypeString}}},
	"429": {"Retry-After": {Description: "In how many seconds to try again", Schema: &huma.Schema{Type: huma.TypeInteger}}},
	"503": {"Retry-After": {Description: "In how many seconds to try again; left out where the process lacks a setting or a right", Schema: &huma.Schema{Type: huma.TypeInteger}}},
}

// rateHeaders describes the headers that say what a caller has left.
var rateHeaders = map[string]*huma.Header{
	"RateLimit": {
		Description: "How many requests the caller may send now (r), and in how many seconds all of them (t); draft-ietf-httpapi-ratelimit-headers-10",
		Schema:      &huma.Schema{Type: huma.TypeString}, Example: `"caller";r=1999;t=1`,
	},
	"RateLimit-Policy": {
		Description: "How many requests a caller may send at once (q), and in how many seconds as many again (w); draft-ietf-httpapi-ratelimit-headers-10",
		Schema:      &huma.Schema{Type: huma.TypeString}, Example: `"caller";q=2000;w=2`,
	},
}

// describeRates adds the headers with which every request of a known caller is answered.
func describeRates(document *huma.OpenAPI) {
	document.Components.Headers = rateHeaders
	for _, operation := range operations(document) {
		for status, response := range operation.Responses {
			if status == "401" {
				continue
			}
			response.Headers = maps.Clone(response.Headers)
			if response.Headers == nil {
				response.Headers = map[string]*huma.Header{}
			}
			for name := range rateHeaders {
				response.Headers[name] = &huma.Header{Ref: "#/components/headers/" + name}
			}
		}
	}
}

// describeHeaders gives the headers of answers their types. To huma they are strings.
func describeHeaders(document *huma.OpenAPI) {
	for _, operation := range operations(document) {
		for status, response := range operation.Responses {
			if more := problemHeaders[status]; more != nil {
				response.Headers = more // shared by all, with the right types already
				continue
			}
			if seconds := response.Headers["Retry-After"]; seconds != nil {
				seconds.Schema.Type = huma.TypeInteger
			}
			if location := response.Headers["Location"]; location != nil {
				location.Schema.Format = "uri-reference"
			}
		}
	}
}

func operations(document *huma.OpenAPI) (all []*huma.Operation) {
	for _, path := range document.Paths {
		for _, operation := range []*huma.Operation{path.Get, path.Post, path.Put, path.Delete} {
			if operation != nil {
				all = append(all, operation)
			}
		}
	}
	return all
}

// describeSchemas gives each schema its description, and an example to those that are whole answers.
func describeSchemas(document *huma.OpenAPI) {
	schemas := document.Components.Schemas.Map()
	for name, schema := range schemas {
		schema.Description = schemaDescriptions[name]
	}
	for name, answer := range map[string]string{
		"KeysAnswer": "listKeys.200", "MadeKey": "makeKey.201", "MerchantsAnswer": "listMerchants.200",
		"ShownKey": "revokeKey.200", "ShownMerchant": "disableMerchant.200",
		"Session": "endSession.200", "SessionsAnswer": "listSessions.200",
		"AuditEntries": "listAudit.200", "AuditReport": "verifyAudit.200",
		"FiguresAnswer": "getFigures.200", "Reports": "getReports.200", "RulesFigures": "getRuleFigures.200",
		"Acknowledgement": "acknowledgeAlert.200", "AlertAnswer": "getAlert.200", "AlertsAnswer": "listAlerts.200", "Answer": "transact.200",
		"DeadDone": "replayDeadLetters.200", "DeadLetterAnswer": "getDeadLetter.200", "DeadLettersAnswer": "listDeadLetters.200",
		"Assignment": "takeReview.200", "ReviewDetail": "getReview.200", "ReviewQueue": "listReviews.200", "ReviewWork": "listReviewers.200",
		"Label": "labelTransaction.201", "List": "listTransactions.200", "Problem": "problem.422", "Record": "getTransaction.200",
	} {
		schemas[name].Examples = []any{example(answer)}
	}
}

// schemaNames holds the names of the schemas whose types' names say too little beside those of transactions.
var schemaNames = map[string]string{
	"Broken": "AuditDamage", "Kept": "AuditEntry", "Link": "AuditLink", "Report": "AuditReport",
	"ChainLog": "AlertChain", "Delivery": "AlertDelivery", "Membership": "AlertGroup", "StepLog": "AlertStep", "InUse": "RulesInUse",
}

// ofRulesets holds the names of the schemas of the package ruleset's types that other types are called like.
var ofRulesets = map[reflect.Type]string{
	reflect.TypeFor[ruleset.Description](): "RulesetDescription", reflect.TypeFor[ruleset.Fault](): "RulesetFault",
	reflect.TypeFor[ruleset.Findings](): "RulesetFindings", reflect.TypeFor[ruleset.List](): "RuleList", reflect.TypeFor[ruleset.Trial](): "RuleTrial",
	reflect.TypeFor[ruleset.Version](): "RuleVersion",
}

func schemaName(of reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(of, hint)
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	return cmp.Or(ofRulesets[of], schemaNames[name], name)
}

var schemaDescriptions = map[string]string{
	"Acknowledgement":       "Who acknowledged an alert, and when",
	"AcknowledgementForm":   "What the page of a signed link posts",
	"AcknowledgementSchema": "Who acknowledges an alert",
	"AddressSchema":         "Where an order is billed or shipped to",
	"AlertAnswer":           "An alert: what it is about, and each attempt to deliver it",
	"AlertChain":            "The receivers of one route, notified one after the other until one acknowledges",
	"AlertDelivery":         "The delivery of an alert to one target",
	"AlertGroup":            "The group that collects an alert for a digest",
	"AlertStep":             "One receiver of a chain, with its deliveries",
	"AlertsAnswer":          "One page of alerts, or those about a transaction",
	"Approval":              "An approval by one of two people, which waits for the other's",
	"Answer":                "The status of a transaction, and how it got there",
	"Assignment":            "Who works on a transaction in review, and until when",
	"AssignmentSchema":      "Who takes a transaction in review",
	"Attempt":               "One attempt to deliver an alert, and what the other side answered",
	"AuditDamage":           "The first entry of the audit trail that is not as it was kept",
	"AuditEntries":          "One page of the audit trail, the newest entry first",
	"AuditEntry":            "An entry of the audit trail: who did what, and its place in the chain",
	"AuditLink":             "The end of a chain of entries",
	"AuditReport":           "The result of a verification of the audit trail",
	"AlertFigures":          "Alerts that are open or have failed",
	"Answers":               "How long transactions took to be answered",
	"Figure":                "How many transactions there are of a kind, and their amount",
	"FiguresAnswer":         "What happens now",
	"FraudRate":             "The share of fraud in what was paid, in hundredths of a percent (basis points)",
	"Minute":                "The transactions that were accepted in a minute",
	"OutcomeCounts":         "Transactions by the outcomes of their fraud checks; those that have none yet are in none of them",
	"Part":                  "A process or a server, and how it is",
	"ProgramRow":            "How far a merchant is from the thresholds of a card scheme's program, in a month",
	"Threshold":             "How many chargebacks a month, and how many of the payments, put a merchant that reaches both into a program",
	"ReportRow":             "What transactions come to, of one currency",
	"Reports":               "A report by day, week or merchant",
	"ReviewFigures":         "What was asked of people",
	"BesideRow":             "How often another rule hit the same transactions",
	"ComparedRow":           "How often what is tried in shadow disagreed on a day",
	"RuleFigure":            "How often a rule hit",
	"RuleRow":               "What a rule did in all days, or on one",
	"RulesFigures":          "What rules did",
	"Waiting":               "The transactions that wait for a review",
	"Wire":                  "An amount of money",
	"Backtest":              "A backtest of a ruleset: past decisions, made again with it",
	"BacktestSchema":        "A ruleset to decide again with, and about which days",
	"CustomerSchema":        "Who buys",
	"DeadDone":              "What was done with dead letters",
	"DeadLetter":            "A message that alertman could not take, and why",
	"DeadLetterAnswer":      "A dead letter with its body",
	"DeadLetterSchema":      "Which dead letters are meant: some by their ids, or all",
	"DeadLettersAnswer":     "The oldest dead letters in the queue",
	"Decision":              "The result of the fraud check",
	"Decline":               "Why a payment was declined",
	"Digest":                "The alerts that one message lists together",
	"Explanation":           "How the fraud check came to its decision",
	"Fault":                 "One wrong value in a request",
	"Holding":               "How many alerts a throttle holds back, and until when",
	"ItemSchema":            "One line of an order",
	"KeySchema":             "Which key to make",
	"KeysAnswer":            "All keys",
	"Label":                 "What turned out to be true about a transaction, and by which source",
	"LabelSchema":           "What turned out to be true about a transaction",
	"LeftLetter":            "A dead letter that stays in the queue, and why",
	"EntrySchema":           "An entry to add to a list of the ruleset",
	"List":                  "One page of transactions, the newest first",
	"ListEntries":           "One page of the entries of a list of the ruleset, the newest first",
	"ListEntry":             "An entry of a list of the ruleset",
	"ListHit":               "The entry by which a transaction was on a list",
	"ListsUsed":             "Which entries of lists in the database counted in a decision",
	"MadeKey":               "A new key with its secret, which is shown this once",
	"MerchantSchema":        "Which merchant to add",
	"MerchantsAnswer":       "All merchants",
	"Member":                "One alert of a digest",
	"Mute":                  "Which alerts are not sent, until when, and why",
	"MuteSchema":            "Which alerts are not to be sent, for how long, and why",
	"MutesAnswer":           "The mutes that are on, and those that ended within the last day",
	"Note":                  "A note that a label had before, and who wrote it",
	"Order":                 "The order that is paid for",
	"OrderSchema":           "What is ordered",
	"Payment":               "The payment: method, amount, and the gateway's id for each step",
	"PaymentSchema":         "Either a card or a token, how much, and of what kind",
	"Place":                 "The workflow that collects an alert",
	"Progress":              "What a backtest has done so far",
	"PostedDetail":          "What was posted with a transaction, beside what the transaction shows",
	"PostedItem":            "One line of an order",
	"Problem":               "Why a request failed, in the form of RFC 9457",
	"Reason":                "One finding of the fraud check",
	"Record":                "A transaction with everything that is known about it",
	"ResendSchema":          "To whom an alert is to be sent again",
	"Resending":             "Who had an alert sent again, and the new delivery",
	"Result":                "How the payment went",
	"Review":                "The review of a transaction by a person",
	"ReviewDetail":          "A transaction in review, and what bears on the decision",
	"ReviewQueue":           "One page of the transactions in review",
	"ReviewWork":            "What waits for people, and what each has decided",
	"ReviewerWork":          "What one person has decided",
	"Retry":                 "A step of a running transaction that has failed and is tried again",
	"ReviewForm":            "What the page of a signed link posts, and the button that was pressed",
	"ReviewSchema":          "A reviewer's decision",
	"RollSchema":            "How to roll a key",
	"Rule":                  "A rule as it is written",
	"RuleList":              "A list of a ruleset",
	"RuleResult":            "What one rule did in a decision",
	"RuleTrial":             "A decision that was made to look at it, without any effect",
	"Ruleset":               "The rules that decided, by name, version and digest",
	"Session":               "A person's session at the desk",
	"SessionsAnswer":        "All open sessions that the caller may end",
	"ShownKey":              "A key: whose it is, what it may do, and until when",
	"ShownMerchant":         "A merchant",
	"RulesetDescription":    "What is in a ruleset",
	"RulesetFault":          "One thing that is wrong with a ruleset, and where",
	"RulesetFiles":          "The files of a ruleset",
	"RulesetFindings":       "What is wrong with a ruleset's files, and what its cases say",
	"RulesetSchema":         "The files of a ruleset",
	"RulesInUse":            "The rulesets in use",
	"FailedCase":            "A case whose result is not the one that it demands",
	"Thresholds":            "The lowest score that puts a transaction under review, and the lowest that declines it",
	"Status":                "The status of a transaction. The codes are those of the first version of this API",
	"Step":                  "A status that a transaction has reached, and when",
	"TransactionSchema":     "A transaction to check and to pay for",
	"RuleVersion":           "A ruleset that was proposed, to decide once it is approved",
	"RuleVersions":          "Versions of the ruleset, the newest first",
	"ProposalSchema":        "The files of a ruleset, and what was changed",
	"Trial":                 "What a shadow ruleset would have decided: it is evaluated but does not act",
	"WaitingReview":         "A transaction in review, and who has taken it",
}

var problemDescriptions = map[string]string{
	"400": "The request cannot be read as JSON, or breaks off",
	"401": "No API key or token came with the request, or one that is unknown, has expired or was revoked: detail says which",
	"403": "The caller may not do this: detail says why, such as which scope it lacks",
	"404": "Nothing has this id",
	"409": "The present state does not allow it: detail says why",
	"413": "The body is too large",
	"415": "The body has a type or an encoding that is not supported",
	"422": "A value is wrong: errors says which, and what would be right",
	"429": "Too many requests at once, or too many of this caller; nothing was accepted",
	"500": "A fault of the service",
	"503": "A part that the service needs does not answer: detail says what is known, and whether it is safe to send the request again",
}
