package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
)

// grave is a queue of dead letters in memory. The real one has tests of its own.
type grave struct {
	letters  []alert.DeadLetter
	replayed []string
	visited  int   // by looks
	err      error // of the broker, at the first replay
}

func (g *grave) Look(ctx context.Context, visit func(alert.DeadLetter) (drop, enough bool)) (int, error) {
	if err := inTime(ctx, 15*time.Second); err != nil {
		return 0, err
	}
	total, enough := len(g.letters), false
	g.letters = slices.DeleteFunc(g.letters, func(l alert.DeadLetter) (drop bool) {
		if !enough {
			g.visited++
			drop, enough = visit(l)
		}
		return drop
	})
	return total, nil
}

// inTime returns an error if what a context bounds can take longer.
func inTime(ctx context.Context, most time.Duration) error {
	if ends, bounded := ctx.Deadline(); !bounded || time.Until(ends) > most {
		return fmt.Errorf("it may go on until %v", ends)
	}
	return nil
}

func (g *grave) Replay(ctx context.Context, chosen func(alert.DeadLetter) bool, report func(alert.DeadLetter, error)) error {
	if err := inTime(ctx, 15*time.Second); err != nil {
		return err
	}
	g.letters = slices.DeleteFunc(g.letters, func(l alert.DeadLetter) bool {
		if !chosen(l) {
			return false
		}
		report(l, g.err)
		g.replayed = append(g.replayed, l.ID)
		return g.err == nil
	})
	return g.err
}

// deadWorld returns an API over dead letters of two merchants, and a message that is not an event.
func deadWorld(t *testing.T) (*grave, *trail, http.Handler) {
	t.Helper()
	g, kept := &grave{letters: []alert.DeadLetter{
		{ID: "of-acme", Merchant: "acme", Reason: "delivery_limit", Body: []byte(`{"card":"4111111111111111"}`)},
		{ID: "of-beta", Merchant: "beta", Reason: "delivery_limit"},
		{ID: "odd", NoEvent: "no CloudEvent", Reason: "no CloudEvent"},
	}}, &trail{}
	o := options(nowhere(t), newMemory())
	o.DeadLetters, o.Audit = g, kept
	all := aPerson("", identity.DeadLetters)
	all.Grants[0].Merchants = identity.AllMerchants()
	o.Authenticators = []api.Authenticator{tokens{"acme": aPerson("acme", identity.DeadLetters), "all": all}}
	return g, kept, handlerWith(o)
}

type deadAnswer struct {
	Letters, Done, Left []alert.DeadLetter
	Missing             []string
	Body                string
}

func askDead(t *testing.T, handler http.Handler, who, method, path, body string) (int, deadAnswer) {
	t.Helper()
	answer := request(t, handler, method, path, body, "Authorization: Bearer "+who)
	var a deadAnswer
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &a))
	return answer.Code, a
}

func idsIn(letters []alert.DeadLetter) (ids []string) {
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	return ids
}

// Dead letters are shown, replayed and purged by those only whose they are, and the audit trail has their ids.
func TestDeadLetters(t *testing.T) {
	g, kept, handler := deadWorld(t)
	_, a := askDead(t, handler, "acme", http.MethodGet, "/dead-letters", "")
	assert.Equal(t, []string{"of-acme"}, idsIn(a.Letters))
	_, a = askDead(t, handler, "all", http.MethodGet, "/dead-letters", "")
	assert.Equal(t, []string{"of-acme", "of-beta", "odd"}, idsIn(a.Letters))
	_, a = askDead(t, handler, "acme", http.MethodGet, "/dead-letters/of-acme", "")
	assert.Contains(t, a.Body, "411111******1111")
	status, _ := askDead(t, handler, "acme", http.MethodGet, "/dead-letters/of-beta", "")
	assert.Equal(t, 404, status)
	g.letters = append(g.letters, alert.DeadLetter{ID: "a/b/", Merchant: "acme"})
	for path, want := range map[string]int{"a%2Fb%2F": 200, "a%2Fb%2F/": 200, "a%2Fb": 404, "of-acme/": 200, "of-acme%2F": 404} {
		status, _ := askDead(t, handler, "acme", http.MethodGet, "/dead-letters/"+path, "")
		assert.Equal(t, want, status, path)
	}
	for range 300 {
		g.letters = append(g.letters, alert.DeadLetter{ID: "more", Merchant: "acme"})
	}
	for path, most := range map[string]int{"/dead-letters": 200, "/dead-letters/of-beta": 2} {
		g.visited = 0
		askDead(t, handler, "all", http.MethodGet, path, "")
		assert.Equal(t, most, g.visited, "%s looks no further than it must", path)
	}
	g.letters = g.letters[:3]

	kept.lines()
	_, a = askDead(t, handler, "acme", http.MethodPost, "/dead-letters/replay", `{"ids": ["of-acme", "of-beta", "none"]}`)
	assert.Equal(t, []string{"of-acme"}, idsIn(a.Done))
	assert.Equal(t, []string{"of-beta", "none"}, a.Missing)
	assert.Equal(t, []string{
		"person ada@example.com | acme | replayDeadLetters | dead letters of-acme of-beta none | begun",
		"person ada@example.com | acme | replayDeadLetters | dead letters of-acme of-beta none | 200 |  > 1: of-acme | ends 1",
	}, kept.lines())
	_, a = askDead(t, handler, "all", http.MethodPost, "/dead-letters/replay", `{"all": true}`)
	assert.Equal(t, []string{"of-beta"}, idsIn(a.Done))
	assert.Equal(t, []string{"odd"}, idsIn(a.Left), "it would come straight back")
	_, a = askDead(t, handler, "acme", http.MethodPost, "/dead-letters/purge", `{"all": true}`)
	assert.Empty(t, a.Done)
	_, a = askDead(t, handler, "all", http.MethodPost, "/dead-letters/purge", `{"ids": ["odd"]}`)
	assert.Equal(t, []string{"odd"}, idsIn(a.Done))
	assert.Empty(t, g.letters)
}

// A choice names letters or all, and not both.
func TestDeadLettersChoice(t *testing.T) {
	_, _, handler := deadWorld(t)
	for _, body := range []string{`{}`, `{"ids": []}`, `{"ids": ["odd"], "all": true}`, `{"all": false}`, `{"id": "odd"}`, `{"ids": [""]}`} {
		status, _ := askDead(t, handler, "all", http.MethodPost, "/dead-letters/purge", body)
		assert.Equal(t, 422, status, body)
	}
}

// If the broker fails, or was not set up, or the audit trail cannot be written, the answer says so.
func TestDeadLettersAway(t *testing.T) {
	g, kept, handler := deadWorld(t)
	g.err = errors.New("no confirm")
	status, _ := askDead(t, handler, "all", http.MethodPost, "/dead-letters/replay", `{"all": true}`)
	assert.Equal(t, 503, status)
	assert.Len(t, g.letters, 3)
	kept.err = errors.New("the disk is full")
	status, _ = askDead(t, handler, "all", http.MethodPost, "/dead-letters/purge", `{"all": true}`)
	assert.Equal(t, 503, status)
	assert.Len(t, g.letters, 3)
	without := request(t, handlerOn(nowhere(t)), http.MethodGet, "/dead-letters", "")
	assert.Equal(t, 503, without.Code)
	assert.Contains(t, without.Body.String(), "RABBITMQ_CONSUMER_URL is not set")
}
