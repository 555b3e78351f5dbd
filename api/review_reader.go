package api

import (
	"net/http"

	"dummyorders/domain/card"
	"dummyorders/domain/review"
	"dummyorders/internal/strictjson"
)

// Bounds of what a reviewer may say, in characters.
const (
	maxReviewer = review.MaxReviewer
	maxNote     = review.MaxNote
)

// readReview returns every fault at once, as a *Problem. People paste what they should not: whatever could be a card
// number is masked before it goes anywhere.
func readReview(body []byte) (review.Request, error) {
	doc, err := strictjson.Parse(body)
	if err != nil {
		return review.Request{}, problem(http.StatusBadRequest, err.Error())
	}
	var q review.Request
	if root := doc.Root(); root.Is(strictjson.Object) {
		q = review.Request{
			Verdict:  readVerdict(root.Required("decision")),
			Reviewer: card.Redact(text(root.Required("reviewer"), maxReviewer)),
			Note:     card.Redact(readNote(root.Optional("note"))),
			Confirm:  readFlag(root.Optional("confirm")),
		}
		root.RefuseUnknown()
	}
	if faults := doc.Faults(); len(faults) > 0 {
		return review.Request{}, invalid("the review", faults)
	}
	return q, nil
}

func readVerdict(v *strictjson.Value) review.Verdict {
	verdict := review.Verdict(v.Literal())
	if v.Is(strictjson.String) && verdict != review.Approve && verdict != review.Decline {
		v.Fault("must be approve or decline")
	}
	return verdict
}

// readNote takes an empty one for none, as forms send it.
func readNote(v *strictjson.Value) string {
	if v == nil || v.Kind() == strictjson.String && v.Literal() == "" {
		return ""
	}
	return text(v, maxNote)
}

func readFlag(v *strictjson.Value) bool {
	return v != nil && v.Is(strictjson.Bool) && v.Literal() == "true"
}
