package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"dummyorders/domain/card"
)

// State is how a delivery stands.
type State string

// The states. Delivered means that the other side has taken the message; Refused that its no is final; Expired that the
// event was not worth telling any more before anybody took it.
const (
	Pending   State = "pending"
	Delivered State = "delivered"
	Refused   State = "refused"
	Expired   State = "expired"
)

// Attempt is one try of a delivery.
type Attempt struct {
	Number int       `json:"number"` // counted from 1
	At     time.Time `json:"at"`
	// Answer is what the other side said, or what went wrong. Where the process was killed in between, nobody knows, and the
	// message may have arrived.
	Answer string `json:"answer"`
	// Unknown says that nobody knows whether the other side took the message.
	Unknown bool `json:"unknown,omitempty" doc:"Nobody knows whether the other side took the message: alertman was gone before its answer"`
}

// Told is what a delivery came to, told by the activity that made it.
type Told struct {
	State    State     `json:"state"`
	At       time.Time `json:"at"`
	Attempts []Attempt `json:"attempts"` // the first and the last ones, where there were many
}

// Delivery is a target in the log.
type Delivery struct {
	Target   Target     `json:"target"`
	State    State      `json:"state" enum:"pending,delivered,refused,expired"`
	At       *time.Time `json:"at,omitempty" doc:"When it was delivered, refused or expired"`
	Attempts []Attempt  `json:"attempts"`
}

// StepLog is a step of an escalation that was begun.
type StepLog struct {
	Receiver   string     `json:"receiver"`
	At         time.Time  `json:"at"`
	AskedUntil *time.Time `json:"askedUntil,omitempty" doc:"Until when it has to be acknowledged"`
	Deliveries []Delivery `json:"deliveries"`
}

// ChainLog is what became of an assignment.
type ChainLog struct {
	Receiver string `json:"receiver"`
	Route    string `json:"route"`
	Muted    string `json:"muted,omitempty" doc:"Why nobody was told"`
	// Collected is the group whose digest tells the alert.
	Collected *Place `json:"collected,omitempty"`
	// Holding is there where the receiver's throttle holds back what came after.
	Holding *Holding  `json:"holding,omitempty"`
	Steps   []StepLog `json:"steps"`
	// Unacknowledged says that the last step was begun, and nobody has acknowledged in time.
	Unacknowledged bool `json:"unacknowledged,omitempty"`
}

// Log is all that was done about a notice.
type Log struct {
	ID              string           `json:"id"`
	EventID         string           `json:"eventID,omitempty" doc:"Of what tells an alert that waited for a digest, and was alone in it: the alert's own id"`
	Type            Type             `json:"type"`
	OrderID         string           `json:"orderID"`
	TransactionID   string           `json:"transactionID"`
	Time            time.Time        `json:"time" doc:"When what the alert tells came about"`
	TakenAt         time.Time        `json:"takenAt" doc:"When alertman took it"`
	ExpiresAt       time.Time        `json:"expiresAt"`
	Chains          []ChainLog       `json:"chains"`
	Acknowledgement *Acknowledgement `json:"acknowledgement,omitempty"`
	// Digest is there where the log is of a digest.
	Digest *Digest `json:"digest,omitempty" doc:"Of a digest: all alerts in it"`
}

// GroupLog is what a group has told, and what it holds.
type GroupLog struct {
	Name    string      `json:"name"`
	Waiting int         `json:"waiting"` // alerts that the next digest will tell
	Until   *time.Time  `json:"until,omitempty"`
	Digests []DigestLog `json:"digests"`
}

// DigestLog is a digest that was handed on to be told. Its deliveries are in the log of its own id.
type DigestLog struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Events []string  `json:"events"` // the ids of the alerts in it
}

// Report is an alert's log with what its workflow does not know.
type Report struct {
	Log      Log
	Running  bool                  // whether the workflow goes on
	UnderWay map[DeliveryKey]Tries // the deliveries that are being tried
	Groups   map[int]*Membership   // by the chain's index, where a collected alert went; nil where unknown
}

// DeliveryKey tells the deliveries of a log apart.
type DeliveryKey struct {
	Receiver string // of the step
	Step     int
	Target   Target
}

// Tries are those of a delivery that is under way.
type Tries struct {
	Attempts []Attempt
	Next     *time.Time // nil while one goes on
}

// Membership is where an alert is that was collected in a group.
type Membership struct {
	Name     string
	DigestID string
	Waiting  int
	Until    *time.Time
}

// What may come of asking for an alert, apart from an answer.
var (
	ErrNotFound   = errors.New("no such alert")
	ErrNoAlertman = errors.New("no alertman answers")
)

// ClosedError is for an alert that cannot be acknowledged.
type ClosedError struct {
	Why string
}

// Error implements error.
func (e *ClosedError) Error() string { return e.Why }

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

// Acknowledgement is that somebody has taken an alert upon himself: no further step is told.
type Acknowledgement struct {
	By   string    `json:"by"`
	Note string    `json:"note,omitempty"`
	At   time.Time `json:"at"`
}

// The most characters that an acknowledgement may hold.
const (
	MaxBy   = 200
	MaxNote = 500
)

// Check says what is wrong with an acknowledgement.
func (a Acknowledgement) Check() error {
	switch {
	case strings.TrimSpace(a.By) == "":
		return errors.New("by: must say who acknowledges")
	case utf8.RuneCountInString(a.By) > MaxBy:
		return fmt.Errorf("by: must not be longer than %d characters", MaxBy)
	case utf8.RuneCountInString(a.Note) > MaxNote:
		return fmt.Errorf("note: must not be longer than %d characters", MaxNote)
	case strings.ContainsFunc(a.By, unicode.IsControl):
		return errors.New("by: must hold no control characters")
	case card.Redact(a.By) != a.By || card.Redact(a.Note) != a.Note:
		return errors.New("by and note: must hold nothing that could be a card number")
	}
	return nil
}
