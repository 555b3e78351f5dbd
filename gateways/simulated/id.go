package simulated

import (
	"strings"

	"github.com/google/uuid"
)

// namespace makes ids a pure function of the idempotency key: a retry has the same answer in any process.
var namespace = uuid.MustParse("5d0a9d2c-51b4-4a53-9d6c-54c1b8b9a0d1")

const authPrefix = "auth_"

// authorizationID is auth_<behaviour>_<uuid>, and auth_<uuid> for most.
func authorizationID(b behaviour, gateway, key string) string {
	id := uuid.NewSHA1(namespace, []byte(gateway+"\x00"+key)).String()
	if b.name == "" {
		return authPrefix + id
	}
	return authPrefix + b.name + "_" + id
}

// behaviourOf reads the behaviour out of an authorization's id. An id of another form was never given out.
func behaviourOf(authorizationID string) (b behaviour, own bool) {
	rest, own := strings.CutPrefix(authorizationID, authPrefix)
	name, id, marked := strings.Cut(rest, "_")
	if !marked {
		name, id = "", rest
	}
	if parsed, err := uuid.Parse(id); !own || err != nil || parsed.String() != id || parsed.Version() != 5 {
		return behaviour{}, false
	}
	if name == "" {
		return behaviour{}, !marked
	}
	for _, b := range behaviours {
		if b.name == name {
			return b, true
		}
	}
	return behaviour{}, false
}

// idFor is the one capture or refund that an authorization can have.
func idFor(kind, authorizationID string) string {
	return kind + "_" + uuid.NewSHA1(namespace, []byte(kind+" "+authorizationID)).String()
}
