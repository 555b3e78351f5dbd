package api

import (
	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/card"
	"dummyorders/domain/review"
	"dummyorders/internal/strictjson"
)

// Bounds of what a reviewer may say, in characters.
const (
	maxReviewer = review.MaxReviewer
	maxNote     = review.MaxNote
)

// noteSchema is what people write beside a verdict, a label or an acknowledgement.
var noteSchema = optionalText(maxNote, "More about it, for whoever looks at it later. What could be a card number is masked", "the buyer was called")

// reviews are what a reviewer may say. People paste what they should not: whatever could be a card number is masked before
// it goes anywhere.
var reviews = object[review.Request]{name: "ReviewSchema", members: []member[review.Request]{
	{
		"decision", true, choice("approve takes the money, decline gives it back", string(review.Approve), string(review.Decline)),
		func(v *strictjson.Value, q *review.Request) { q.Verdict = review.Verdict(v.Literal()) },
	},
	{
		"reviewer", true, requiredText(maxReviewer, "Who decides", "ada"),
		func(v *strictjson.Value, q *review.Request) { q.Reviewer = card.Redact(v.Literal()) },
	},
	{"note", false, noteSchema, func(v *strictjson.Value, q *review.Request) { q.Note = card.Redact(clean(v.Literal())) }},
	{"confirm", false, &huma.Schema{
		Type: huma.TypeBoolean, Nullable: true, Description: "true approves although the fraud check has got worse",
	}, func(v *strictjson.Value, q *review.Request) { q.Confirm = v.Literal() == "true" }},
}}
