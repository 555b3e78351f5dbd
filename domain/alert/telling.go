package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Telling is one delivery that is to be made: what, and to whom.
type Telling struct {
	Notice   Notice `json:"notice"`
	Receiver string `json:"receiver"`
	Step     int    `json:"step"` // of the escalation, counted from 0
	Target   Target `json:"target"`
}

// keyBytes are enough of a hash to tell the targets of one notice apart.
const keyBytes = 8

// Key is the message's, see Message. It has no dot, since Standard Webhooks signs it with dots around it.
func (t Telling) Key() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s", t.Receiver, t.Step, t.Target))
	return t.Notice.ID + "-" + hex.EncodeToString(sum[:keyBytes])
}

// Writer puts a notice into the words of the channel on which it is told.
type Writer interface {
	Write(t Telling) (Message, error)
}
