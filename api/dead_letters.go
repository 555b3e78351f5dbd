package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/internal/safetext"
	"dummyorders/internal/strictjson"
)

// DeadLetters reads and changes the queue of dead letters.
type DeadLetters interface {
	// Look passes each letter to visit, the oldest first, and drops those for which visit returns drop, until visit returns
	// enough. It returns how many there were when it began.
	Look(ctx context.Context, visit func(alert.DeadLetter) (drop, enough bool)) (total int, err error)
	// Replay publishes the letters for which chosen returns true, and passes each to report, with the error that kept it in
	// the queue.
	Replay(ctx context.Context, chosen func(alert.DeadLetter) bool, report func(alert.DeadLetter, error)) error
}

// deadTimeout allows for a long queue: RabbitMQ takes about a millisecond for a letter. It leaves time for the first entry of
// the audit trail (see workWithin).
const deadTimeout = workWithin - auditWrite

// The most letters in a list, and the most ids in a request.
const (
	mostLetters = 200
	mostIDs     = 100
)

const (
	deadLettersDescription = "Messages that alertman could not take, the oldest first, and why. They stay in the queue. Letters that are no events " +
		"belong to no merchant, and are shown only to those who have the scope for all merchants."
	deadLetterDescription = "A dead letter with its body, in which card numbers are masked. It stays in the queue."
	replayDescription     = "Sends dead letters to alertman again, under their ids, so that no alert is delivered twice. Letters that are no events would come straight back, and are left."
	purgeDescription      = "Deletes dead letters for good."
)

type deadLettersAnswer struct {
	Letters []alert.DeadLetter `json:"letters" nullable:"false"`
	Total   int                `json:"total" doc:"How many were in the queue, of all merchants; it can be more than the list has"`
}

type deadLetterRequest struct {
	ID string `path:"id" doc:"The id of the letter, as GET /dead-letters lists it"`
}

type deadLetterAnswer struct {
	alert.DeadLetter

	Body string `json:"body" doc:"What the letter holds, with card numbers masked"`
}

// deadChoice says which letters are meant.
type deadChoice struct {
	ids []string
	all bool
}

type deadDone struct {
	Done    []alert.DeadLetter `json:"done" nullable:"false" doc:"The letters that are no longer in the queue"`
	Left    []leftLetter       `json:"left" nullable:"false" doc:"The letters that were chosen and stay in the queue"`
	Missing []string           `json:"missing" nullable:"false" doc:"The ids that no letter has, or that another request holds just now"`
}

type leftLetter struct {
	alert.DeadLetter

	Why string `json:"why" doc:"Why it stays"`
}

func (s *server) registerDeadLetters(api huma.API) {
	read := func(id, path, summary, description string, errors ...int) huma.Operation {
		return s.soon(s.lists, huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Description: description, Tags: []string{"dead letters"}, Errors: append(errors, 503),
		})
	}
	huma.Register(api, read("listDeadLetters", "/dead-letters", "List dead letters", deadLettersDescription), answering(s.listDead))
	huma.Register(api, read("getDeadLetter", "/dead-letters/{id}", "Look at a dead letter", deadLetterDescription, 404), answering(s.showDead))
	for id, change := range map[string]struct {
		path, summary, description string
		do                         func(context.Context, deadChoice) (deadDone, error)
	}{
		"replayDeadLetters": {"/dead-letters/replay", "Replay dead letters", replayDescription, s.replayDead},
		"purgeDeadLetters":  {"/dead-letters/purge", "Purge dead letters", purgeDescription, s.purgeDead},
	} {
		huma.Register(api, s.soon(s.lists, takesBody(MaxBody, huma.Operation{
			OperationID: id, Method: http.MethodPost, Path: change.path, Summary: change.summary, Description: change.description,
			Tags: []string{"dead letters"}, DefaultStatus: http.StatusOK, Errors: []int{422, 503},
		})), answering(func(ctx context.Context, r *bodyRequest) (deadDone, error) { return s.changeDead(ctx, r, change.do) }))
		describeBody(api.OpenAPI(), api.OpenAPI().Paths[change.path].Post, deadChoices, `{"ids": ["5d1d1c0a-0000-5000-8000-000000000001"]}`)
	}
}

// theirs reports whether a letter is of these merchants. A message that is not an event may be of any.
func theirs(of identity.Merchants, l alert.DeadLetter) bool {
	return of.All() || l.NoEvent == "" && of.Has(l.Merchant)
}

func (s *server) listDead(ctx context.Context, _ *struct{}) (a deadLettersAnswer, err error) {
	a.Letters = []alert.DeadLetter{}
	of := merchantsOf(ctx)
	a.Total, err = s.lookDead(ctx, func(l alert.DeadLetter) (drop, enough bool) {
		if l.Body = nil; theirs(of, l) {
			a.Letters = append(a.Letters, l)
		}
		return false, len(a.Letters) == mostLetters
	})
	visitorOf(ctx).shown = fmt.Sprintf("%d dead letters", len(a.Letters))
	return a, err
}

func (s *server) showDead(ctx context.Context, r *deadLetterRequest) (a deadLetterAnswer, err error) {
	of := merchantsOf(ctx)
	found := false
	_, err = s.lookDead(ctx, func(l alert.DeadLetter) (drop, enough bool) {
		if found = l.ID == r.ID && theirs(of, l); found {
			a = deadLetterAnswer{l, ForPeople(l.Body)}
		}
		return false, found
	})
	if err == nil && !found {
		err = problem(http.StatusNotFound, "no such dead letter, or another request holds it just now")
	}
	return a, err
}

// ForPeople returns the body of a dead letter to show: without card numbers or control sequences, and with JSON indented.
func ForPeople(body []byte) string {
	var indented bytes.Buffer
	if json.Indent(&indented, body, "", "  ") == nil {
		body = indented.Bytes()
	}
	return card.Redact(safetext.Block(string(body)))
}

// lookDead fails with a *Problem.
func (s *server) lookDead(ctx context.Context, visit func(alert.DeadLetter) (drop, enough bool)) (int, error) {
	if s.DeadLetters == nil {
		return 0, noDead()
	}
	ctx, cancel := context.WithTimeout(ctx, deadTimeout)
	defer cancel()
	total, err := s.DeadLetters.Look(ctx, visit)
	if err != nil {
		return 0, s.deadProblem(ctx, err)
	}
	return total, nil
}

func noDead() *Problem {
	return problem(http.StatusServiceUnavailable, "this process has no access to the dead letters: RABBITMQ_CONSUMER_URL is not set for it")
}

func (s *server) deadProblem(ctx context.Context, err error) *Problem {
	s.Log.ErrorContext(ctx, "Dead letters not read or changed", "error", err)
	return unavailable("the broker does not answer: the letters are in the queue, except those that were replayed or purged before")
}

// changeDead replays or purges letters, between two entries of the audit trail.
func (s *server) changeDead(ctx context.Context, r *bodyRequest, do func(context.Context, deadChoice) (deadDone, error)) (deadDone, error) {
	choice, err := readBody(r.RawBody, deadChoices, "the choice of dead letters")
	if err == nil && choice.all == (len(choice.ids) > 0) {
		err = invalid("the choice of dead letters", []strictjson.Fault{{Detail: "must have either ids, or all: true"}})
	}
	if err != nil {
		return deadDone{}, err
	}
	if s.DeadLetters == nil {
		return deadDone{}, noDead()
	}
	object := "all dead letters"
	if !choice.all {
		object = "dead letters " + strings.Join(choice.ids, " ")
	}
	var done deadDone
	err = s.changed(ctx, audit.Entry{Object: object}, http.StatusOK, s.deadProblem, func(e *audit.Entry) (err error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadTimeout)
		defer cancel()
		done, err = do(ctx, choice)
		ids := make([]string, len(done.Done))
		for i, l := range done.Done {
			ids[i] = l.ID
		}
		e.After = fmt.Sprintf("%d: %s", len(ids), strings.Join(ids, " "))
		return err
	})
	return done, err
}

// begin returns the answer to a choice before anything is done, and a function that reports whether a letter is chosen. The
// answer has no bodies: it can be of all letters.
func (c deadChoice) begin(of identity.Merchants) (*deadDone, func(alert.DeadLetter) bool) {
	done := &deadDone{Done: []alert.DeadLetter{}, Left: []leftLetter{}, Missing: append([]string{}, c.ids...)}
	return done, func(l alert.DeadLetter) bool {
		if !theirs(of, l) || !c.all && !slices.Contains(c.ids, l.ID) {
			return false
		}
		done.Missing = slices.DeleteFunc(done.Missing, func(id string) bool { return id == l.ID })
		return true
	}
}

func (s *server) replayDead(ctx context.Context, c deadChoice) (deadDone, error) {
	done, chosen := c.begin(merchantsOf(ctx))
	err := s.DeadLetters.Replay(ctx, func(l alert.DeadLetter) bool {
		if !chosen(l) {
			return false
		}
		if l.NoEvent != "" {
			l.Body = nil
			done.Left = append(done.Left, leftLetter{l, "it is not an event, and would come straight back: " + l.NoEvent})
			return false
		}
		return true
	}, func(l alert.DeadLetter, err error) {
		if l.Body = nil; err == nil { // Replay returns it too
			done.Done = append(done.Done, l)
		}
	})
	return *done, err
}

func (s *server) purgeDead(ctx context.Context, c deadChoice) (deadDone, error) {
	done, chosen := c.begin(merchantsOf(ctx))
	_, err := s.DeadLetters.Look(ctx, func(l alert.DeadLetter) (drop, enough bool) {
		if drop = chosen(l); drop {
			l.Body = nil
			done.Done = append(done.Done, l)
		}
		return drop, false
	})
	return *done, err
}

// deadChoices lists the members of a choice of dead letters.
var deadChoices = object[deadChoice]{name: "DeadLetterSchema", members: []member[deadChoice]{
	{
		"ids", false, &huma.Schema{
			Type: huma.TypeArray, Nullable: true, Items: requiredText(300, "The id of a letter", "5d1d1c0a-0000-5000-8000-000000000001"), MaxItems: new(mostIDs),
			Description: "The ids of the letters, as GET /dead-letters lists them",
		},
		func(v *strictjson.Value, c *deadChoice) {
			for _, id := range v.Elements() {
				if conforms(id, requiredText(300, "", "")) {
					c.ids = append(c.ids, id.Literal())
				}
			}
		},
	},
	{
		"all", false, &huma.Schema{Type: huma.TypeBoolean, Nullable: true, Description: "All letters in the queue, of the merchants for which the caller has the scope"},
		func(v *strictjson.Value, c *deadChoice) { c.all = v.Literal() == "true" },
	},
}}
