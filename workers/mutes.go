package workers

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
)

// Mutes knows which alerts people have muted. While the store does not answer, the mutes that were read last hold until their ends:
// an alert is never held up.
type Mutes struct {
	Store interface {
		Mutes(ctx context.Context, of identity.Merchants, after time.Time) ([]alert.Mute, error)
	}
	Log *slog.Logger
	Now func() time.Time // nil means time.Now

	mu   sync.Mutex
	read time.Time
	all  []alert.Mute
}

// How often the mutes are read, and how long that may take.
const (
	mutesFor    = 4 * time.Second
	mutesWithin = time.Second
)

// mute has the receivers of an event not get it if a mute matches.
func (m *Mutes) mute(ctx context.Context, event alert.Event, assignments []alert.Assignment) {
	now := time.Now()
	if m.Now != nil {
		now = m.Now()
	}
	for _, mute := range m.current(ctx, now) {
		if !mute.Mutes(event, now) {
			continue
		}
		for i := range assignments {
			if assignments[i].Muted == "" {
				assignments[i].Muted = mute.Why()
			}
		}
		return
	}
}

// current returns the mutes, which it reads anew if that was too long ago.
func (m *Mutes) current(ctx context.Context, now time.Time) []alert.Mute {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.read.IsZero() && now.Sub(m.read) < mutesFor {
		return m.all
	}
	ctx, cancel := context.WithTimeout(ctx, mutesWithin)
	defer cancel()
	found, err := m.Store.Mutes(ctx, identity.AllMerchants(), now)
	if err != nil {
		m.Log.WarnContext(ctx, "Mutes not read: those that were read last hold, and newer ones do not yet", "error", err)
	} else {
		m.all = found
	}
	m.read = now
	return m.all
}
