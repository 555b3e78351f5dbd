package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Sessions keeps the desk's sessions, by the digests of their cookies. It is the store of a scs.SessionManager, which hashes
// the cookies.
type Sessions struct {
	Ledger *Ledger
	Now    func() time.Time // time.Now if nil
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
	err := s.Ledger.inTransaction(ctx, func(tx *sql.Tx) error {
		bind := s.Ledger.engine.bind
		_, err := tx.ExecContext(ctx, bind(`INSERT INTO sessions (digest, data, expires_at) VALUES (?, ?, ?)
			ON CONFLICT (digest) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at WHERE length(sessions.data) > 0`), digest, data, s.Ledger.engine.sqlTime(expires))
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

// DeleteCtx deletes a session, if it is there. Its digest stays until it would have expired.
func (s Sessions) DeleteCtx(ctx context.Context, digest string) error {
	err := s.Ledger.inTransaction(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, s.Ledger.engine.bind(`UPDATE sessions SET data = ? WHERE digest = ?`), []byte{}, digest)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete a session of the ledger: %w", s.Ledger.explain("sessions", err))
	}
	return nil
}

// AllCtx returns the data of all sessions that have not expired, by their digests.
func (s Sessions) AllCtx(ctx context.Context) (map[string][]byte, error) {
	all := map[string][]byte{}
	rows, err := s.Ledger.reader.QueryContext(ctx, s.Ledger.engine.bind(`SELECT digest, data FROM sessions WHERE expires_at > ? AND length(data) > 0`), s.now())
	if err != nil {
		return nil, fmt.Errorf("list the sessions in the ledger: %w", s.Ledger.explain("sessions", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var digest string
		var data []byte
		if err := rows.Scan(&digest, &data); err != nil {
			return nil, fmt.Errorf("list the sessions in the ledger: %w", err)
		}
		all[digest] = data
	}
	return all, rows.Err()
}

// Find is FindCtx without a deadline, as are Commit, Delete and All of theirs: scs asks for both forms, and calls these only.
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
