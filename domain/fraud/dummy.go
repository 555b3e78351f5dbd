package fraud

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
)

// Dummy declines one transaction in ten, as the demo did. Which ones depends on the transaction id alone, so that a retry,
// or another process, decides the same.
type Dummy struct{}

const oneIn = 10

var dummyRuleset = Ruleset{ID: "dummy", Version: 1, Digest: digest("dummy/1: decline one in ten by transaction id")}

// Detect never fails.
func (Dummy) Detect(_ context.Context, c Check) (Decision, error) {
	f := newFinding(c.Transaction)
	sum := sha256.Sum256([]byte(c.ID))
	if binary.BigEndian.Uint64(sum[:8])%oneIn == 0 {
		f.add(Decline, declineScore, Reason{Code: "DUMMY_ONE_IN_TEN", Message: "the dummy detector declines one transaction in ten"})
	}
	return f.decision(dummyRuleset), nil
}
