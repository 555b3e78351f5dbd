package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"dummyorders/domain/card"
	"dummyorders/domain/identity"
)

// LongestID is the longest id of an alert, in bytes. Brokers and Temporal take no longer one.
const LongestID = 256

// IsID reports whether an alert can have this id. CloudEvents has no control characters in its texts.
func IsID(id string) bool {
	return strings.TrimSpace(id) != "" && len(id) <= LongestID && utf8.ValidString(id) && !strings.ContainsFunc(id, unicode.IsControl)
}

// State is the state of a delivery.
type State string

// The states of a delivery. Delivered means that the other side has taken the message; Refused that it refuses for good;
// Expired that the event was no longer worth delivering before the other side took it.
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
	// Answer is what the other side said, or what went wrong. If the process was killed in between, the answer is unknown,
	// and the message may have arrived.
	Answer string `json:"answer"`
	// Unknown is true if it is not known whether the other side took the message.
	Unknown bool `json:"unknown,omitempty" doc:"It is not known whether the other side took the message: alertman ended before the answer came"`
}

// Delivery is a target's entry in the log. The activity that makes the delivery reports it without the target.
type Delivery struct {
	Target   Target     `json:"target,omitempty" required:"true"`
	State    State      `json:"state" enum:"pending,delivered,refused,expired"`
	At       *time.Time `json:"at,omitempty" doc:"When it was delivered, refused or expired"`
	Attempts []Attempt  `json:"attempts" nullable:"false" doc:"All attempts, or the first and the last of many"`
	// NextTry is known to the workflow only after an attempt within a workflow task.
	NextTry *time.Time `json:"nextTry,omitempty" doc:"When it is tried again"`
}

// StepLog is the log of a step of an escalation that was begun.
type StepLog struct {
	Receiver   string     `json:"receiver"`
	At         time.Time  `json:"at"`
	AskedUntil *time.Time `json:"askedUntil,omitempty" doc:"The time by which it must be acknowledged"`
	Deliveries []Delivery `json:"deliveries" nullable:"false"`
}

// ChainLog is the log of an assignment.
type ChainLog struct {
	Receiver string `json:"receiver"`
	Route    string `json:"route"`
	Muted    string `json:"muted,omitempty" doc:"Why the alert was not sent"`
	// Collected is the group whose digest contains the alert.
	Collected *Place `json:"collected,omitempty"`
	// Group is not known to the workflow.
	Group *Membership `json:"group,omitempty" doc:"The group of a collected alert; absent if the group cannot be asked"`
	// Holding is set if the receiver's throttle holds back the alerts that came after.
	Holding *Holding  `json:"holding,omitempty"`
	Steps   []StepLog `json:"steps" nullable:"false"`
	// Unacknowledged is true if the alert was not acknowledged before the time of the last step was over, or before the
	// alert expired.
	Unacknowledged bool `json:"unacknowledged,omitempty"`
}

// Log lists everything that was done about a notice.
type Log struct {
	ID              string           `json:"id"`
	EventID         string           `json:"eventID,omitempty" doc:"The alert's own id, if it waited for a digest and was the only one in it"`
	Merchants       []string         `json:"merchants" nullable:"false" doc:"Whose transactions it is about; only a digest can have several. * stands for an alarm, which belongs to no merchant"`
	Type            Type             `json:"type"`
	OrderID         string           `json:"orderID"`
	TransactionID   string           `json:"transactionID"`
	Time            time.Time        `json:"time" doc:"When the event happened"`
	TakenAt         time.Time        `json:"takenAt" doc:"When alertman took it"`
	ExpiresAt       time.Time        `json:"expiresAt"`
	Chains          []ChainLog       `json:"chains" nullable:"false" doc:"A receiver that was chosen, and the receivers that it escalates to"`
	Acknowledgement *Acknowledgement `json:"acknowledgement,omitempty"`
	Alarm           *Alarm           `json:"alarm,omitempty" doc:"The alarm that it is about; it has no order and no transaction then"`
	// Digest is set if the log is about a digest.
	Digest *Digest `json:"digest,omitempty" doc:"All alerts in it, if this is a digest"`
	// What follows is not known to the workflow.

	// Running is whether the workflow still runs.
	Running bool `json:"running,omitempty" doc:"It is still under way: being delivered, or waiting to be acknowledged"`
	// Failed is whether it has ended otherwise than it should.
	Failed bool `json:"-"`
	// Incomplete means that no alertman has answered in time: only what Temporal itself has is known.
	Incomplete bool `json:"incomplete,omitempty" doc:"No alertman has answered in time: chains say only for whom it was. Its deliveries and its acknowledgement are shown once an alertman runs"`
	// Resending is set if this is an earlier alert that was sent again.
	Resending *Resending `json:"resending,omitempty" doc:"Set if this is an earlier alert, sent again"`
	// Resent says when this alert was sent again, the earliest first. It is known only where the alert is asked for by its id.
	Resent []Resending `json:"resent,omitempty" doc:"When it was sent again; only in GET /alerts/{id}"`
}

// Asks reports whether the log says that somebody is still asked to acknowledge.
func (l Log) Asks(now time.Time) bool {
	return l.Acknowledgement == nil && slices.ContainsFunc(l.Chains, func(c ChainLog) bool {
		if c.Unacknowledged || len(c.Steps) == 0 {
			return false
		}
		until := c.Steps[len(c.Steps)-1].AskedUntil
		return until != nil && now.Before(*until)
	})
}

// Silent reports whether the alert was not acknowledged in time.
func (l Log) Silent() bool {
	return l.Acknowledgement == nil && slices.ContainsFunc(l.Chains, func(c ChainLog) bool { return c.Unacknowledged })
}

// GroupLog lists the digests that a group has handed on, and says what it holds.
type GroupLog struct {
	Name    string      `json:"name"`
	Waiting int         `json:"waiting"` // alerts for the next digest
	Until   *time.Time  `json:"until,omitempty"`
	Digests []DigestLog `json:"digests"`
}

// DigestLog is a digest that was handed on for delivery. Its deliveries are in the log of its own id.
type DigestLog struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Events []string  `json:"events"` // the ids of the alerts in it
}

// Membership says where an alert is that was collected in a group.
type Membership struct {
	Name     string     `json:"name" doc:"What the alerts in the group have in common"`
	DigestID string     `json:"digestID,omitempty" doc:"The id of the digest that has the alert; GET /alerts/{id} shows it too"`
	Waiting  int        `json:"waiting,omitempty" doc:"How many alerts wait for the digest, until it is sent"`
	Until    *time.Time `json:"until,omitempty" doc:"When the digest will be sent"`
}

// Query selects alerts. A field with its zero value excludes none.
type Query struct {
	Merchants identity.Merchants // only alerts about these
	Since     time.Time          // taken at that time or later
	Open      bool               // leaves out those that were delivered, and need nothing more
	DetailsBy time.Time          // alerts that alertman has not described by then are incomplete; zero means DetailsWithin from now
	After     []byte             // Page.Next of the page before
	Limit     int

	Running    bool      // only those that are not over
	Failed     bool      // only those that are over, and were not delivered or not acknowledged
	EndedSince time.Time // over at that time or later
}

// DetailsWithin is how long alertman has to say what it knows of the alerts of a page.
const DetailsWithin = 3 * time.Second

// Page is a part of a list of alerts: those that still run, and then those that have ended, the last to end first.
type Page struct {
	Alerts []Log
	Next   []byte // empty on the last page
}

// Errors of asking for an alert or a mute.
var (
	ErrNotFound   = errors.New("no such alert")
	ErrNoPage     = errors.New("the cursor is not one of this list")
	ErrNoAlertman = errors.New("no alertman answers")
	ErrNoMute     = errors.New("no such mute")
	ErrInvalid    = errors.New("the request is not valid")
)

// ClosedError means that an alert cannot be acknowledged, or sent again, as it stands.
type ClosedError struct {
	Why string
}

// Error implements error.
func (e *ClosedError) Error() string { return e.Why }

// DeliveryRequest is one delivery to make: what to send, and to whom.
type DeliveryRequest struct {
	Notice   Notice `json:"notice"`
	Receiver string `json:"receiver"`
	Step     int    `json:"step"` // of the escalation, counted from 0
	Target   Target `json:"target"`
	// Made lists what came before this delivery's activity: an attempt within a workflow task.
	Made []Attempt `json:"made,omitempty"`
}

// How many bytes of a hash a key holds: enough to tell notices, and the targets of one notice, apart.
const (
	noticeBytes = 16
	targetBytes = 8
)

// keyLook matches what a key is made of: Standard Webhooks signs the key with dots around it, headers trim spaces, and a mail's
// Message-ID allows few other characters.
var keyLook = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Key returns the message's key, see Message. It begins with the notice's id or, if that has other characters than keyLook, with a hash
// of it.
func (t DeliveryRequest) Key() string {
	id := t.Notice.ID
	if !keyLook.MatchString(id) {
		id = shortHash(id, noticeBytes)
	}
	return id + "-" + shortHash(fmt.Sprintf("%s\n%d\n%s", t.Receiver, t.Step, t.Target), targetBytes)
}

func shortHash(of string, length int) string {
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:length])
}

// Writer turns a notice into a message for the channel on which it is sent. The caller sets the message's key.
type Writer interface {
	Write(t DeliveryRequest) (Message, error)
}

// Acknowledgement says that a person takes care of an alert: no further step is begun.
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

// Check returns an error that says what is wrong with an acknowledgement, or nil. By may be a name that the service knows somebody by, with
// as many digits as a card number; a name that somebody typed is masked before.
func (a Acknowledgement) Check() error {
	switch {
	case strings.TrimSpace(a.By) == "":
		return errors.New("by: must say who acknowledges")
	case utf8.RuneCountInString(a.By) > MaxBy:
		return fmt.Errorf("by: must not be longer than %d characters", MaxBy)
	case utf8.RuneCountInString(a.Note) > MaxNote:
		return fmt.Errorf("note: must not be longer than %d characters", MaxNote)
	case strings.ContainsFunc(a.By, unicode.IsControl):
		return errors.New("by: must not contain control characters")
	case card.Redact(a.Note) != a.Note:
		return errors.New("note: must not contain anything that could be a card number")
	}
	return nil
}
