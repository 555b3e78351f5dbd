package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"dummyorders/domain/identity"
	"dummyorders/internal/telemetry"
)

// KeyStore is the database in which clients' keys are kept.
type KeyStore interface {
	// KeyChanges returns a number that is another after every change of keys and merchants.
	KeyChanges(ctx context.Context) (int64, error)
	Keys(ctx context.Context) ([]identity.Key, error)
	// KeysUsed notes the hour in which keys were used.
	KeysUsed(ctx context.Context, names []string, hour time.Time) error
}

// The times of stored keys. A change is known everywhere after refreshEvery and the patience with one answer.
const (
	refreshEvery    = 2 * time.Second
	refreshPatience = 2 * time.Second
	noteUsesEvery   = time.Minute
)

// StoredKeys knows callers by the keys in a database. It keeps all of them in memory, and serves from there while the database
// is away.
type StoredKeys struct {
	store   KeyStore
	without time.Duration
	now     func() time.Time
	log     *slog.Logger
	// lookups bounds how often a second callers have the database asked at once, because of a key that is not in memory. The
	// key may be a new one, or an attacker's.
	lookups *rate.Limiter

	refreshing sync.Mutex // held while the database is asked
	begun      time.Time  // when it was asked last; guarded by refreshing

	mu       sync.Mutex // guards all below
	keys     map[string]identity.Key
	number   int64     // of the changes that are in keys
	readAt   time.Time // when keys were as they are in the database; zero before they were read
	failure  error     // of the last time that the database was asked; errNotRead before that
	lastUsed map[string]time.Time
}

var errNotRead = errors.New("they were not read yet")

// NewStoredKeys returns the keys of a store, which Run reads. They serve for the given time while the store is away.
func NewStoredKeys(store KeyStore, without time.Duration, now func() time.Time, log *slog.Logger) *StoredKeys {
	return &StoredKeys{
		store: store, without: without, now: now, log: log, lookups: rate.NewLimiter(10, 10),
		failure: errNotRead, lastUsed: map[string]time.Time{},
	}
}

// Authenticate returns the client whose key the token is. Why a key is refused says only to who has the whole of it.
func (s *StoredKeys) Authenticate(ctx context.Context, token string) (identity.Subject, error) {
	secret, is := identity.ParseSecret(token)
	if !is {
		return identity.Subject{}, identity.ErrUnknown
	}
	key, err := s.find(ctx, secret.Name())
	if err != nil {
		return identity.Subject{}, err
	}
	if !key.Opens(secret) {
		return identity.Subject{}, identity.ErrUnknown
	}
	now := s.now()
	switch key.State(now) {
	case identity.KeyLive:
		s.use(key.Name, now)
		return key.Subject(), nil
	case identity.KeyExpired:
		return identity.Subject{}, &identity.RefusedError{Reason: "expired_key", Why: "this API key expired at " + key.ExpiresAt.Format(time.RFC3339)}
	case identity.KeyRevoked:
		return identity.Subject{}, &identity.RefusedError{Reason: "revoked_key", Why: "this API key was revoked at " + key.RevokedAt.Format(time.RFC3339)}
	case identity.KeyDisabled:
	}
	return identity.Subject{}, &identity.RefusedError{Reason: "disabled_merchant", Why: "this API key belongs to a merchant that is disabled"}
}

// find returns the key of a name. For one that is not in memory it has the database asked.
func (s *StoredKeys) find(ctx context.Context, name string) (identity.Key, error) {
	came := s.now()
	key, err := s.inMemory(name)
	if err == nil {
		return key, nil
	}
	if s.lookups.Allow() {
		s.refresh(ctx, came)
	}
	return s.inMemory(name)
}

// inMemory returns the key of a name. It fails with identity.ErrUnknown only if there was none the last time that the
// database was asked.
func (s *StoredKeys) inMemory(name string) (identity.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, known := s.keys[name]
	age := s.now().Sub(s.readAt)
	switch {
	case s.readAt.IsZero():
		return identity.Key{}, fmt.Errorf("read the stored keys: %w", s.failure)
	case age > s.without:
		return identity.Key{}, errors.Join(fmt.Errorf("the stored keys were last read %s ago, and serve for %s", age.Round(time.Second), s.without), s.failure)
	case known:
		return key, nil
	case s.failure != nil:
		return identity.Key{}, fmt.Errorf("key %s is not in memory, and may be new: %w", name, s.failure)
	}
	return identity.Key{}, identity.ErrUnknown
}

// use remembers that a key was used.
func (s *StoredKeys) use(name string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastUsed[name] = at.UTC().Truncate(time.Hour)
}

// Run keeps the keys in memory as they are in the database, and notes there which were used, until ctx ends.
func (s *StoredKeys) Run(ctx context.Context) error {
	var noting sync.WaitGroup
	defer noting.Wait()
	noting.Go(func() { s.keepNoting(ctx) })
	refresh := time.NewTicker(refreshEvery)
	defer refresh.Stop()
	for {
		s.refresh(ctx, s.now())
		select {
		case <-ctx.Done():
			return nil
		case <-refresh.C:
		}
	}
}

// keepNoting notes in the database which keys were used, until ctx ends. No refresh waits for it.
func (s *StoredKeys) keepNoting(ctx context.Context) {
	note := time.NewTicker(noteUsesEvery)
	defer note.Stop()
	noted := map[string]time.Time{}
	for {
		select {
		case <-ctx.Done():
			s.noteUses(context.WithoutCancel(ctx), noted)
			return
		case <-note.C:
			s.noteUses(ctx, noted)
		}
	}
}

// refresh reads the keys, if they have changed. If somebody else has begun that since, it only waits for the end.
func (s *StoredKeys) refresh(ctx context.Context, since time.Time) {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	if s.begun.After(since) {
		return
	}
	s.begun = s.now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshPatience) // others may wait for it
	defer cancel()
	keys, number, err := s.changed(ctx)

	s.mu.Lock()
	if err == nil {
		s.keys, s.number, s.readAt = keys, number, s.begun
	}
	keys = s.keys
	switch {
	case err != nil && s.failure == nil:
		s.log.WarnContext(ctx, "Stored keys cannot be read; those in memory serve for a while", "error", err, "while", s.without)
	case err == nil && s.failure != nil:
		s.log.InfoContext(ctx, "Stored keys are in memory", "keys", len(keys))
	}
	s.failure = err
	s.mu.Unlock()
	telemetry.KeyExpiry.Set(telemetry.At(firstExpiry(keys, s.now())))
}

// firstExpiry returns when the first client's last live key expires, or the zero time if none does. The earlier key of two
// does not count: a rolled key expires soon, as it should.
func firstExpiry(keys map[string]identity.Key, now time.Time) (first time.Time) {
	last := map[[2]string]time.Time{} // by merchant and client; zero if a live key does not expire
	for _, key := range keys {
		client := [2]string{key.Merchant, key.Client}
		at, known := last[client]
		switch {
		case key.State(now) != identity.KeyLive, known && at.IsZero():
		case !known, key.ExpiresAt.IsZero(), key.ExpiresAt.After(at):
			last[client] = key.ExpiresAt
		}
	}
	for _, at := range last {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// changed returns the keys as they are in the database. It reads them only if they have changed since they were read, or
// if the database was away: it may be another one, with the same number.
func (s *StoredKeys) changed(ctx context.Context) (map[string]identity.Key, int64, error) {
	number, err := s.store.KeyChanges(ctx)
	if err != nil {
		return nil, 0, err
	}
	s.mu.Lock()
	keys, same := s.keys, s.number == number && s.failure == nil && !s.readAt.IsZero()
	s.mu.Unlock()
	if same {
		return keys, number, nil
	}
	all, err := s.store.Keys(ctx)
	keys = make(map[string]identity.Key, len(all))
	for _, key := range all {
		keys[key.Name] = key
	}
	return keys, number, err
}

// noteUses writes to the database which keys were used, once for each key and hour: what is in noted is there already.
func (s *StoredKeys) noteUses(ctx context.Context, noted map[string]time.Time) {
	ctx, cancel := context.WithTimeout(ctx, refreshPatience)
	defer cancel()
	s.mu.Lock()
	used := maps.Clone(s.lastUsed)
	s.mu.Unlock()
	fresh := map[time.Time][]string{}
	for name, hour := range used {
		if !noted[name].Equal(hour) {
			fresh[hour] = append(fresh[hour], name)
		}
	}
	for hour, names := range fresh {
		if err := s.store.KeysUsed(ctx, names, hour); err != nil {
			s.log.WarnContext(ctx, "Use of stored keys not noted; it is tried again", "error", err)
			return
		}
		for _, name := range names {
			noted[name] = hour
		}
	}
}
