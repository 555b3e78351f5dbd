package identity

import "strings"

// Scope is a kind of operation that a subject may be allowed.
type Scope string

// The scopes.
const (
	Transact    Scope = "transact"
	Read        Scope = "read"
	Review      Scope = "review"
	Label       Scope = "label"
	Rules       Scope = "rules"
	Publish     Scope = "publish"
	Alerts      Scope = "alerts"
	Alarms      Scope = "alarms"
	DeadLetters Scope = "deadletters"
	Audit       Scope = "audit"
	Admin       Scope = "admin"
)

// Scopes lists all scopes.
var Scopes = []Scope{Transact, Read, Review, Label, Rules, Publish, Alerts, Alarms, DeadLetters, Audit, Admin}

// Allows says in words what a scope allows. It is empty for an unknown scope.
func (s Scope) Allows() string {
	return map[Scope]string{
		Transact:    "post transactions, and read the answers",
		Read:        "list transactions, and look at each",
		Review:      "decide transactions in review",
		Label:       "say what turned out to be true about transactions",
		Rules:       "see how the fraud check came to a decision, with the messages for analysts",
		Publish:     "propose rulesets, approve those that other people propose, and change lists",
		Alerts:      "see to whom alerts were sent, acknowledge them, send them again, and mute them",
		Alarms:      "report alarms of the service itself, as Alertmanager's webhook does",
		DeadLetters: "read, replay and delete dead letters",
		Audit:       "read the audit trail",
		Admin:       "manage merchants, clients and keys",
	}[s]
}

// JoinScopes returns scopes with commas between them.
func JoinScopes(scopes []Scope) string {
	var words []string
	for _, scope := range scopes {
		words = append(words, string(scope))
	}
	return strings.Join(words, ",")
}

// Role is a named set of scopes, which persons have. Clients have scopes of their own instead.
type Role string

// Roles lists all roles. None has Transact and Alarms: transactions and alarms are posted by clients,
// so that it is clear whose they are.
var Roles = []Role{"merchant", "reviewer", "analyst", "operator", "auditor", "admin"}

// Scopes returns the scopes of a role. There are none for an unknown role.
func (r Role) Scopes() []Scope {
	return map[Role][]Scope{
		"merchant": {Read, Label},
		"reviewer": {Read, Review, Label, Rules, Alerts},
		"analyst":  {Read, Label, Rules, Publish},
		"operator": {Read, Alerts, DeadLetters},
		"auditor":  {Read, Audit},
		"admin":    {Read, Review, Label, Rules, Publish, Alerts, DeadLetters, Audit, Admin},
	}[r]
}
