package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/dunglas/httpsfv"
	"github.com/google/uuid"

	"dummyorders/domain/card"
)

// Idempotency keys follow draft-ietf-httpapi-idempotency-key-header-07. They are also accepted without the draft's quotes,
// as most clients send them.

const (
	keyHeader = "Idempotency-Key"
	maxKey    = 255
	keyForm   = "one header line with 1 to 255 printable ASCII characters, in quotes as a structured field string or without, such as a UUID"
)

// These are the draft's titles for what may be wrong with a key.
const (
	keyMissing   = "Idempotency-Key is missing"
	keyMalformed = "Idempotency-Key is malformed"
	keyUsed      = "Idempotency-Key is already used"
)

// keySpace is the namespace of the transaction ids that are made from keys. If it changed, every key would be new.
var keySpace = uuid.MustParse("66285108-7833-47aa-b5d0-0d490112ab48")

// checkKey refuses a key that is missing, malformed or holds a card number, and leaves a valid one in the header without its
// quotes.
func (s *server) checkKey(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines := r.Header.Values(keyHeader)
		if len(lines) == 0 && s.RequireIdempotencyKey {
			keyProblem(http.StatusBadRequest, keyMissing,
				"this operation must not be done twice by mistake: send an Idempotency-Key, as "+keyForm).write(w)
			return
		}
		if len(lines) > 0 {
			key, err := parseKey(lines)
			if err != nil {
				keyProblem(http.StatusBadRequest, keyMalformed, err.Error()+": it must be "+keyForm).write(w)
				return
			}
			if !s.reader.maskOrderIDs && card.HoldsNumber(key) || card.HoldsVerificationValue(key) {
				keyHoldsNumber().write(w)
				return
			}
			r.Header.Set(keyHeader, key)
		}
		next.ServeHTTP(w, r)
	})
}

// parseKey returns the key. Its errors never repeat the key, which may be anything.
func parseKey(lines []string) (string, error) {
	if len(lines) > 1 {
		return "", errors.New("the Idempotency-Key stands in more than one header line")
	}
	key := lines[0]
	if strings.HasPrefix(key, `"`) {
		item, err := httpsfv.UnmarshalItem(lines)
		text, isString := item.Value.(string)
		if err != nil || !isString || len(item.Params.Names()) > 0 {
			return "", errors.New("the Idempotency-Key is not a structured field string, though it begins like one")
		}
		key = text
	}
	switch {
	case key == "":
		return "", errors.New("the Idempotency-Key is empty")
	case len(key) > maxKey:
		return "", errors.New("the Idempotency-Key is too long")
	case strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }):
		return "", errors.New("the Idempotency-Key holds other characters")
	}
	return key, nil
}

// transactionID returns the same id for the same key of the same client, and another one for any other pair: the client's
// length keeps (a, bc) and (ab, c) apart.
func transactionID(client, key string) string {
	return uuid.NewSHA1(keySpace, fmt.Appendf(nil, "%d:%s:%s", len(client), client, key)).String()
}

// keyHoldsNumber returns a problem for a key from which a card number could be found: the transaction's id follows from it.
func keyHoldsNumber() *Problem {
	p := keyProblem(http.StatusUnprocessableEntity, keyMalformed, "the Idempotency-Key cannot be accepted as it is: see errors")
	p.Errors = []Fault{{Header: keyHeader, Detail: "must not hold a card number or a card verification value: send a UUID"}}
	return p
}

// keyProblem returns a problem that links to where keys are explained, as the draft requires.
func keyProblem(status int, title, detail string) *Problem {
	p := problem(status, detail)
	p.Title = title
	p.headers = http.Header{"Link": {`</docs>; rel="describedby"; type="text/html"`}}
	return p
}
