package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/identity"
)

// mostLiveKeys is how many live keys a client may have: the one in use, and the one that takes its place.
const mostLiveKeys = 2

// mostNoted is how many keys one statement notes as used.
const mostNoted = 500

// insufficientPrivilege is a SQLSTATE code, from PostgreSQL's appendix A.
const insufficientPrivilege = "42501"

// changeKeys runs a change of merchants, clients or keys in one database transaction, and has all who keep keys in memory
// read them again. Changes wait for each other. It never tries again: a change that was made, although the connection was
// lost before its answer came, would then seem to have been made before.
func (l *Ledger) changeKeys(ctx context.Context, do func(*sql.Tx) error) error {
	err := l.once(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE key_changes SET number = number + 1`); err != nil {
			return err
		}
		return do(tx)
	})
	if _, conflicts := errors.AsType[*identity.ConflictError](err); conflicts || errors.Is(err, identity.ErrNotFound) {
		return err
	}
	if sqlState(err) == insufficientPrivilege {
		return fmt.Errorf("%w: %w: they are changed by the role that owns the tables, which gateways/ledger/setup.sh calls orders, and by orders_desk",
			identity.ErrMayNotManage, err)
	}
	return l.explain("keys", err)
}

// change runs a statement of such a change, and reports whether it has changed a row.
func (l *Ledger) change(ctx context.Context, tx *sql.Tx, statement string, args ...any) (bool, error) {
	return changes(tx.ExecContext(ctx, l.engine.bind(statement), args...))
}

// AddMerchant adds a merchant.
func (l *Ledger) AddMerchant(ctx context.Context, m identity.Merchant) error {
	err := l.changeKeys(ctx, func(tx *sql.Tx) error {
		added, err := l.change(ctx, tx, `INSERT INTO merchants (name, added_at) VALUES (?, ?) ON CONFLICT DO NOTHING`, m.Name, l.engine.sqlTime(m.AddedAt))
		if err == nil && !added {
			return &identity.ConflictError{Why: "it exists already"}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("add merchant %s: %w", m.Name, err)
	}
	return nil
}

// DisableMerchant has the keys of a merchant's clients refused from a time on, or not any more if the time is zero.
func (l *Ledger) DisableMerchant(ctx context.Context, name string, at time.Time) error {
	statement, args, doing := `UPDATE merchants SET disabled_at = coalesce(disabled_at, ?) WHERE name = ?`, []any{l.engine.sqlTime(at), name}, "disable"
	if at.IsZero() {
		statement, args, doing = `UPDATE merchants SET disabled_at = NULL WHERE name = ?`, []any{name}, "enable"
	}
	err := l.changeKeys(ctx, func(tx *sql.Tx) error {
		changed, err := l.change(ctx, tx, statement, args...)
		if err == nil && !changed {
			return identity.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s merchant %s: %w", doing, name, err)
	}
	return nil
}

// Merchants returns all merchants by their names.
func (l *Ledger) Merchants(ctx context.Context) ([]identity.Merchant, error) {
	var all []identity.Merchant
	rows, err := l.reader.QueryContext(ctx, `SELECT name, added_at, disabled_at FROM merchants ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list merchants: %w", l.explain("keys", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var m identity.Merchant
		var added, disabled instant
		if err := rows.Scan(&m.Name, &added, &disabled); err != nil {
			return nil, fmt.Errorf("list merchants: %w", err)
		}
		m.AddedAt, m.DisabledAt = added.Time, disabled.Time
		all = append(all, m)
	}
	return all, rows.Err()
}

// AddKey adds a key, and its client if that is new.
func (l *Ledger) AddKey(ctx context.Context, key identity.Key) error {
	err := l.changeKeys(ctx, func(tx *sql.Tx) error { return l.addKey(ctx, tx, key) })
	if err != nil {
		return fmt.Errorf("make a key for client %s: %w", identity.ClientName(key.Merchant, key.Client), err)
	}
	return nil
}

func (l *Ledger) addKey(ctx context.Context, tx *sql.Tx, key identity.Key) error {
	var disabled instant
	err := tx.QueryRowContext(ctx, l.engine.bind(`SELECT disabled_at FROM merchants WHERE name = ?`), key.Merchant).Scan(&disabled)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("merchant %s: %w: orders merchants add adds it", key.Merchant, identity.ErrNotFound)
	case err != nil:
		return err
	case !disabled.IsZero():
		return &identity.ConflictError{Why: "merchant " + key.Merchant + " is disabled", Command: "orders merchants enable " + key.Merchant}
	}
	if err := l.roomForKey(ctx, tx, key); err != nil {
		return err
	}
	if _, err := l.change(ctx, tx, `INSERT INTO clients (merchant, name, added_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		key.Merchant, key.Client, l.engine.sqlTime(key.CreatedAt)); err != nil {
		return err
	}
	_, err = l.change(ctx, tx, `INSERT INTO keys (name, merchant, client, digest, scopes, created_at, expires_at, lifetime) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		key.Name, key.Merchant, key.Client, key.Digest[:], identity.JoinScopes(key.Scopes), l.engine.sqlTime(key.CreatedAt), l.orNull(key.ExpiresAt),
		lifetime(key).Microseconds())
	return err
}

// lifetime returns how long a key lives from when it was made, and 0 if it does not expire.
func lifetime(key identity.Key) time.Duration {
	if key.ExpiresAt.IsZero() {
		return 0
	}
	return key.ExpiresAt.Sub(key.CreatedAt)
}

// roomForKey fails if the client has as many live keys as it may have.
func (l *Ledger) roomForKey(ctx context.Context, tx *sql.Tx, key identity.Key) error {
	all, err := l.keys(ctx, tx, `WHERE k.merchant = ? AND k.client = ?`, key.Merchant, key.Client)
	if err != nil {
		return err
	}
	var live []string
	for _, k := range all {
		if k.State(key.CreatedAt) == identity.KeyLive {
			live = append(live, k.Name)
		}
	}
	if len(live) >= mostLiveKeys {
		return &identity.ConflictError{Why: fmt.Sprintf("it has two live keys already, %s: revoke one of them", strings.Join(live, " and "))}
	}
	return nil
}

// RollKey adds a key for the client of a live key, with the scopes and the lifetime that this was made with if it has none of its own.
// The earlier key expires at a time, if it does not sooner. RollKey returns both keys as they are then.
func (l *Ledger) RollKey(ctx context.Context, name string, next identity.Key, expires time.Time) (before, after identity.Key, err error) {
	err = l.changeKeys(ctx, func(tx *sql.Tx) error {
		if before, err = l.findKey(ctx, tx, name); err != nil {
			return err
		}
		if state := before.State(next.CreatedAt); state != identity.KeyLive {
			return &identity.ConflictError{Why: "it is " + string(state), Command: "orders keys new makes another"}
		}
		after = next
		after.Merchant, after.Client = before.Merchant, before.Client
		if len(after.Scopes) == 0 {
			after.Scopes = before.Scopes
		}
		lives := lifetime(before).Microseconds() // unless this is kept: older code did not
		if err := tx.QueryRowContext(ctx, l.engine.bind(`SELECT coalesce(lifetime, ?) FROM keys WHERE name = ?`), lives, name).Scan(&lives); err != nil {
			return err
		}
		if after.ExpiresAt.IsZero() && lives > 0 {
			after.ExpiresAt = after.CreatedAt.Add(time.Duration(lives) * time.Microsecond)
		}
		if before.ExpiresAt.IsZero() || expires.Before(before.ExpiresAt) {
			before.ExpiresAt = expires
		}
		if err := l.addKey(ctx, tx, after); err != nil {
			return err
		}
		_, err := l.change(ctx, tx, `UPDATE keys SET expires_at = ? WHERE name = ?`, l.engine.sqlTime(before.ExpiresAt), name)
		return err
	})
	if err != nil {
		return identity.Key{}, identity.Key{}, fmt.Errorf("roll key %s: %w", name, err)
	}
	return before, after, nil
}

// RevokeKey has a key refused for good, and returns it as it is then.
func (l *Ledger) RevokeKey(ctx context.Context, name string, at time.Time) (revoked identity.Key, err error) {
	err = l.changeKeys(ctx, func(tx *sql.Tx) error {
		if _, err := l.change(ctx, tx, `UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE name = ?`, l.engine.sqlTime(at), name); err != nil {
			return err
		}
		revoked, err = l.findKey(ctx, tx, name)
		return err
	})
	if err != nil {
		return identity.Key{}, fmt.Errorf("revoke key %s: %w", name, err)
	}
	return revoked, nil
}

// Key returns the key of a name. It fails with identity.ErrNotFound if there is none.
func (l *Ledger) Key(ctx context.Context, name string) (key identity.Key, err error) {
	err = l.retry(ctx, func() (err error) {
		key, err = l.findKey(ctx, l.reader, name)
		return err
	})
	switch {
	case errors.Is(err, identity.ErrNotFound):
		return identity.Key{}, fmt.Errorf("find key %s: %w", name, err)
	case err != nil:
		return identity.Key{}, fmt.Errorf("find key %s in the ledger: %w", name, l.explain("keys", err))
	}
	return key, nil
}

func (l *Ledger) findKey(ctx context.Context, db querier, name string) (identity.Key, error) {
	found, err := l.keys(ctx, db, `WHERE k.name = ?`, nullable(name))
	switch {
	case err != nil:
		return identity.Key{}, err
	case len(found) == 0:
		return identity.Key{}, fmt.Errorf("%w: orders keys list names all keys", identity.ErrNotFound)
	}
	return found[0], nil
}

// KeysUsed notes the hour in which keys were used.
func (l *Ledger) KeysUsed(ctx context.Context, names []string, hour time.Time) error {
	for some := range slices.Chunk(names, mostNoted) {
		at := l.engine.sqlTime(hour)
		args := []any{at, at}
		for _, name := range some {
			args = append(args, name)
		}
		earlier := `SELECT name FROM keys WHERE (last_used_at IS NULL OR last_used_at < ?) AND name IN (?` + strings.Repeat(", ?", len(some)-1) + `) ORDER BY name`
		if !l.engine.oneWriter {
			earlier += ` FOR UPDATE` // in one order: other processes do this at the same time
		}
		text := `UPDATE keys SET last_used_at = ? WHERE name IN (` + earlier + `)`
		err := l.retry(ctx, func() error {
			_, err := l.writer.ExecContext(ctx, l.engine.bind(text), args...)
			return err
		})
		if err != nil {
			return fmt.Errorf("note in the ledger that keys were used: %w", l.explain("keys", err))
		}
	}
	return nil
}

// KeyChanges returns a number that is another after every change of merchants, clients and keys.
func (l *Ledger) KeyChanges(ctx context.Context) (number int64, err error) {
	err = l.retry(ctx, func() error { return l.reader.QueryRowContext(ctx, `SELECT number FROM key_changes`).Scan(&number) })
	if err != nil {
		return 0, fmt.Errorf("ask the ledger whether keys have changed: %w", l.explain("keys", err))
	}
	return number, nil
}

// Keys returns all keys, also those that open nothing any more, by merchant, client and age.
func (l *Ledger) Keys(ctx context.Context) (all []identity.Key, err error) {
	err = l.retry(ctx, func() (err error) {
		all, err = l.keys(ctx, l.reader, "")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the keys in the ledger: %w", l.explain("keys", err))
	}
	return all, nil
}

func (l *Ledger) keys(ctx context.Context, db querier, where string, args ...any) ([]identity.Key, error) {
	rows, err := db.QueryContext(ctx, l.engine.bind(`SELECT k.name, k.merchant, k.client, k.digest, k.scopes, k.created_at, k.expires_at, k.revoked_at,
		k.last_used_at, m.disabled_at FROM keys k JOIN merchants m ON m.name = k.merchant `+where+` ORDER BY k.merchant, k.client, k.created_at, k.name`), args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []identity.Key
	for rows.Next() {
		key, err := scanKey(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, key)
	}
	return all, rows.Err()
}

func scanKey(rows *sql.Rows) (identity.Key, error) {
	var (
		key                                       identity.Key
		digest                                    []byte
		scopes                                    string
		created, expires, revoked, used, disabled instant
	)
	if err := rows.Scan(&key.Name, &key.Merchant, &key.Client, &digest, &scopes, &created, &expires, &revoked, &used, &disabled); err != nil {
		return identity.Key{}, err
	}
	if copy(key.Digest[:], digest) != len(key.Digest) {
		return identity.Key{}, fmt.Errorf("the digest of key %s has %d bytes, and not %d", key.Name, len(digest), len(key.Digest))
	}
	for scope := range strings.SplitSeq(scopes, ",") {
		key.Scopes = append(key.Scopes, identity.Scope(scope))
	}
	key.CreatedAt, key.ExpiresAt, key.RevokedAt, key.LastUsedAt = created.Time, expires.Time, revoked.Time, used.Time
	key.MerchantDisabled = !disabled.IsZero()
	return key, nil
}
