package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
)

// mutesKept is how long a mute is kept after its end.
const mutesKept = 30 * 24 * time.Hour

// AddMute keeps a mute of alerts, as alert.Mutes says. It also deletes mutes that ended long ago.
func (l *Ledger) AddMute(ctx context.Context, m alert.Mute) (kept alert.Mute, err error) {
	of := identity.AllMerchants()
	if m.Merchant != "" {
		of = identity.OnlyMerchants(m.Merchant)
	}
	err = l.inTransactionOf(ctx, of, func(tx *sql.Tx) error {
		bind, listed, on := l.engine.bind, 0, 0
		if _, err := tx.ExecContext(ctx, bind(`DELETE FROM mutes WHERE until < ?`), l.engine.sqlTime(m.Begin.Add(-mutesKept))); err != nil {
			return err
		}
		row := tx.QueryRowContext(ctx, bind(`SELECT count(*), count(CASE WHEN until > ? THEN 1 END) FROM mutes WHERE merchant = ? AND until > ? AND id <> ?`),
			l.engine.sqlTime(m.Begin), m.Merchant, l.engine.sqlTime(m.Begin.Add(-alert.Listed)), m.ID)
		if err := row.Scan(&listed, &on); err != nil {
			return err
		}
		if on >= alert.MostMutes || listed >= alert.MostListed {
			return alert.ErrManyMutes
		}
		_, err := tx.ExecContext(ctx, bind(`INSERT INTO mutes (id, type, merchant, customer_id, reason, muted_by, begun_at, until, ended_by)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, '') ON CONFLICT (id) DO NOTHING`),
			m.ID, string(m.Type), m.Merchant, m.CustomerID, m.Reason, m.By, l.engine.sqlTime(m.Begin), l.engine.sqlTime(m.Until))
		return err
	})
	if errors.Is(err, alert.ErrManyMutes) {
		return m, err
	}
	if err != nil {
		return m, fmt.Errorf("keep the mute %s: %w", m.ID, l.explain("mutes", err))
	}
	found, err := l.muteOf(ctx, of, m.ID)
	if errors.Is(err, alert.ErrNoMute) || err == nil && !m.Repeats(found) {
		err = alert.ErrOtherMute
	}
	return found, err
}

// EndMute ends a mute of these merchants at a time, unless it has ended before, and returns it as it is then.
func (l *Ledger) EndMute(ctx context.Context, of identity.Merchants, id, by string, at time.Time) (m alert.Mute, err error) {
	err = l.inTransactionOf(ctx, of, func(tx *sql.Tx) error {
		var c conditions
		c.add("id = ?", id)
		c.of(of)
		args := append([]any{l.engine.sqlTime(at), by}, c.args...)
		_, err := tx.ExecContext(ctx, l.engine.bind(`UPDATE mutes SET until = ?, ended_by = ? `+c.where()+`AND until > ?`), append(args, l.engine.sqlTime(at))...)
		return err
	})
	if err != nil {
		return m, fmt.Errorf("end the mute %s: %w", id, l.explain("mutes", err))
	}
	return l.muteOf(ctx, of, id)
}

// muteOf returns a mute of these merchants. It fails with alert.ErrNoMute.
func (l *Ledger) muteOf(ctx context.Context, of identity.Merchants, id string) (m alert.Mute, err error) {
	var c conditions
	c.add("id = ?", id)
	found, err := l.mutes(ctx, of, c)
	switch {
	case err != nil:
		return m, err
	case len(found) == 0:
		return m, alert.ErrNoMute
	}
	return found[0], nil
}

// Mutes returns the mutes of these merchants that end after a time, the latest first.
func (l *Ledger) Mutes(ctx context.Context, of identity.Merchants, after time.Time) ([]alert.Mute, error) {
	var c conditions
	c.add("until > ?", l.engine.sqlTime(after))
	return l.mutes(ctx, of, c)
}

func (l *Ledger) mutes(ctx context.Context, of identity.Merchants, c conditions) (all []alert.Mute, err error) {
	c.of(of)
	q := query{l.engine.bind(`SELECT id, type, merchant, customer_id, reason, muted_by, begun_at, until, ended_by FROM mutes ` + c.where() +
		`ORDER BY begun_at DESC, id`), c.args}
	err = l.retry(ctx, func() error {
		all = nil
		return l.engine.read(ctx, l.reader, of, q, func(r row) error {
			var m alert.Mute
			var begin, until instant
			if err := r.Scan(&m.ID, &m.Type, &m.Merchant, &m.CustomerID, &m.Reason, &m.By, &begin, &until, &m.EndedBy); err != nil {
				return err
			}
			m.Begin, m.Until = begin.Time, until.Time
			all = append(all, m)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list the mutes: %w", l.explain("mutes", err))
	}
	return all, nil
}
