package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
)

// mutesKept is how long a mute is kept after its end, and mostMutes how many are listed.
const (
	mutesKept = 30 * 24 * time.Hour
	mostMutes = 1000
)

// AddMute keeps a mute of alerts. It also deletes mutes that ended long ago.
func (l *Ledger) AddMute(ctx context.Context, m alert.Mute) error {
	of := identity.AllMerchants()
	if m.Merchant != "" {
		of = identity.OnlyMerchants(m.Merchant)
	}
	err := l.inTransactionOf(ctx, of, func(tx *sql.Tx) error {
		bind := l.engine.bind
		if _, err := tx.ExecContext(ctx, bind(`DELETE FROM mutes WHERE until < ?`), l.engine.sqlTime(m.Begin.Add(-mutesKept))); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, bind(`INSERT INTO mutes (id, type, merchant, customer_id, reason, muted_by, begun_at, until, ended_by)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, '') ON CONFLICT (id) DO NOTHING`),
			m.ID, string(m.Type), m.Merchant, m.CustomerID, m.Reason, m.By, l.engine.sqlTime(m.Begin), l.engine.sqlTime(m.Until))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the mute %s: %w", m.ID, l.explain("mutes", err))
	}
	return nil
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
	var c conditions
	c.add("id = ?", id)
	found, err := l.mutes(ctx, of, c)
	if err == nil && len(found) == 0 {
		return m, alert.ErrNoMute
	}
	if err != nil {
		return m, err
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
		`ORDER BY begun_at DESC, id LIMIT ?`), append(c.args, mostMutes)}
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
