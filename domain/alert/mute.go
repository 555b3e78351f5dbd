package alert

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dummyorders/domain/identity"
)

// Mute has alerts not sent for a while, beside the mutes of the routing file. Of Type, Merchant and CustomerID, those that are not
// empty have to match.
type Mute struct {
	ID         string    `json:"id"`
	Type       Type      `json:"type,omitempty" doc:"Only alerts of this type; absent: of all types, urgent ones too"`
	Merchant   string    `json:"merchant,omitempty" doc:"Only alerts about this merchant's transactions; absent: about all"`
	CustomerID string    `json:"customerID,omitempty" doc:"Only alerts about this customer's transactions"`
	Reason     string    `json:"reason" doc:"Why they are muted"`
	By         string    `json:"by" doc:"Who has muted them"`
	Begin      time.Time `json:"begin"`
	Until      time.Time `json:"until" doc:"When it ends, or has ended"`
	EndedBy    string    `json:"endedBy,omitempty" doc:"Who has ended it early"`
}

// How long a mute can last, in hours.
const (
	LeastMute = 1
	MostMute  = 24
)

// MostMutes is how many mutes of a merchant, or of all merchants, can be on at once, and MostListed how many can be listed: those too that
// ended within the last day.
const (
	MostMutes  = 100
	MostListed = 1000
)

// Listed is how long a mute is listed after its end.
const Listed = 24 * time.Hour

// What AddMute can fail with.
var (
	ErrManyMutes = errors.New("there are too many mutes")
	ErrOtherMute = errors.New("the id is that of another mute")
)

// Mutes keeps mutes.
type Mutes interface {
	// AddMute keeps a mute, and returns it. If the same one was kept before under its id, it returns that. It fails with ErrOtherMute
	// if the id has another one, and with ErrManyMutes.
	AddMute(ctx context.Context, m Mute) (Mute, error)
	// EndMute ends a mute of these merchants at a time, unless it has ended before, and returns it as it is then. A mute of all
	// merchants can be ended only by those who see all. It fails with ErrNoMute.
	EndMute(ctx context.Context, of identity.Merchants, id, by string, at time.Time) (Mute, error)
	// Mutes returns the mutes of these merchants that end after a time, the latest first.
	Mutes(ctx context.Context, of identity.Merchants, after time.Time) ([]Mute, error)
}

// Mutes reports whether the alert of an event is muted at a time.
func (m Mute) Mutes(e Event, at time.Time) bool {
	return !at.Before(m.Begin) && at.Before(m.Until) &&
		(m.Type == "" || m.Type == e.Type) &&
		(m.Merchant == "" || m.Merchant == identity.MerchantOf(e.Data.Merchant)) &&
		(m.CustomerID == "" || m.CustomerID == e.Data.CustomerID)
}

// Repeats reports whether a mute asks for the same as an earlier one, which may have been ended since.
func (m Mute) Repeats(earlier Mute) bool {
	hours := m.Until.Sub(m.Begin)
	m.Begin, m.Until, m.EndedBy = earlier.Begin, earlier.Until, earlier.EndedBy
	return m == earlier && (earlier.EndedBy != "" || hours == earlier.Until.Sub(earlier.Begin))
}

// Why says in the delivery log why an alert is not sent.
func (m Mute) Why() string {
	return fmt.Sprintf("muted by %s until %s: %s (mute %s)", m.By, m.Until.UTC().Format(time.RFC3339), m.Reason, m.ID)
}
