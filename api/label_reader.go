package api

import (
	"dummyorders/domain/card"
	"dummyorders/domain/ledger"
	"dummyorders/internal/strictjson"
)

// labels are what may turn out to be true. A label has no time yet. What could be a card number in its note is masked
// before it goes anywhere.
var labels = object[ledger.Label]{name: "LabelSchema", members: []member[ledger.Label]{
	{
		"label", true, choice("What turned out to be true", ledger.Fraudulent, ledger.Legitimate),
		func(v *strictjson.Value, l *ledger.Label) { l.Label = v.Literal() },
	},
	{
		"source", true, choice("Where that is known from", ledger.ByDispute, ledger.ByEarlyFraudWarning, ledger.ByReviewer),
		func(v *strictjson.Value, l *ledger.Label) { l.Source = v.Literal() },
	},
	{"note", false, noteSchema, func(v *strictjson.Value, l *ledger.Label) { l.Note = card.Redact(clean(v.Literal())) }},
}}
