package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"dummyorders/domain/identity"
)

// Sessions keeps the desk's sessions, by the digests of their cookies. It is the store of a scs.SessionManager, which hashes
// the cookies. The API lists and ends sessions by it.
type Sessions struct {
	Ledger *Ledger
	// Of returns what may be shown of a session with this data, without an id before a person has signed in. Only CommitCtx needs it.
	Of  func(data []byte) identity.Session
	Now func() time.Time // time.Now if nil
}

func (s Sessions) now() any {
	if s.Now == nil {
		return s.Ledger.engine.sqlTime(time.Now())
	}
	return s.Ledger.engine.sqlTime(s.Now())
}

// FindCtx returns a session's data, and false if there is no such session or it has expired.
func (s Sessions) FindCtx(ctx context.Context, digest string) (data []byte, found bool, err error) {
	err = s.Ledger.retry(ctx, func() error {
		return s.Ledger.reader.QueryRowContext(ctx, s.Ledger.engine.bind(`SELECT data FROM sessions WHERE digest = ? AND expires_at > ? AND length(data) > 0`),
			digest, s.now()).Scan(&data)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("find a session in the ledger: %w", s.Ledger.explain("sessions", err))
	}
	return data, true, nil
}

// CommitCtx keeps a session's data until a time, and deletes sessions that have expired. It does nothing about one that was
// deleted: a request that was under way then ends later.
func (s Sessions) CommitCtx(ctx context.Context, digest string, data []byte, expires time.Time) error {
	var id, document any
	if of := s.Of(data); of.ID != "" {
		text, err := json.Marshal(of)
		if err != nil {
			return fmt.Errorf("keep a session in the ledger: %w", err)
		}
		id, document = of.ID, string(text)
	}
	err := s.Ledger.inTransaction(ctx, func(tx *sql.Tx) error {
		bind := s.Ledger.engine.bind
		_, err := tx.ExecContext(ctx, bind(`INSERT INTO sessions (digest, data, expires_at, id, document) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (digest) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at, id = excluded.id, document = excluded.document
			WHERE length(sessions.data) > 0`), digest, data, s.Ledger.engine.sqlTime(expires), id, document)
		if err == nil {
			_, err = tx.ExecContext(ctx, bind(`DELETE FROM sessions WHERE expires_at <= ?`), s.now())
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a session in the ledger: %w", s.Ledger.explain("sessions", err))
	}
	return nil
}

// DeleteCtx ends a session, if it is there. Its digest stays until it would have expired.
func (s Sessions) DeleteCtx(ctx context.Context, digest string) error {
	_, err := s.end(ctx, "digest", digest)
	return err
}

// End ends the session with this id. It fails with identity.ErrNotFound if there is none, or it has ended.
func (s Sessions) End(ctx context.Context, id string) error {
	ended, err := s.end(ctx, "id", id)
	if err == nil && !ended {
		err = identity.ErrNotFound
	}
	return err
}

// end ends the session that has this value in a column, and reports whether there was one. A trigger deletes its data.
func (s Sessions) end(ctx context.Context, column, value string) (ended bool, err error) {
	err = s.Ledger.once(ctx, func(tx *sql.Tx) (err error) { // not again after a failure: one that was ended, although its answer was lost, would not be found
		ended, err = s.Ledger.change(ctx, tx, `UPDATE sessions SET ended_at = ? WHERE ended_at IS NULL AND `+column+` = ?`, s.now(), value)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("end a session in the ledger: %w", s.Ledger.explain("sessions", err))
	}
	return ended, nil
}

// Open returns the sessions of persons that are open, the latest sign-in first.
func (s Sessions) Open(ctx context.Context) (all []identity.Session, err error) {
	rows, err := s.Ledger.reader.QueryContext(ctx, s.Ledger.engine.bind(`SELECT document FROM sessions WHERE expires_at > ? AND ended_at IS NULL AND document IS NOT NULL`), s.now())
	if err != nil {
		return nil, fmt.Errorf("list the sessions in the ledger: %w", s.Ledger.explain("sessions", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var document []byte
		var of identity.Session
		if err = rows.Scan(&document); err == nil {
			err = json.Unmarshal(document, &of)
		}
		if err != nil {
			return nil, fmt.Errorf("list the sessions in the ledger: %w", err)
		}
		all = append(all, of)
	}
	slices.SortFunc(all, func(a, b identity.Session) int { return b.Since.Compare(a.Since) })
	return all, rows.Err()
}

// Find is FindCtx without a deadline, as are Commit and Delete of theirs: scs asks for both forms, and calls these only.
func (s Sessions) Find(digest string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), digest)
}

// Commit is CommitCtx without a deadline.
func (s Sessions) Commit(digest string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), digest, data, expires)
}

// Delete is DeleteCtx without a deadline.
func (s Sessions) Delete(digest string) error {
	return s.DeleteCtx(context.Background(), digest)
}
