package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"dummyorders/domain/ruleset"
)

// KeepBacktest keeps a backtest, as ruleset.Backtests says.
func (l *Ledger) KeepBacktest(ctx context.Context, k ruleset.KeptBacktest) error {
	document, err := json.Marshal(k.Backtest)
	if err != nil {
		return fmt.Errorf("keep the backtest %s: %w", k.ID, err)
	}
	err = l.inTransaction(ctx, func(tx *sql.Tx) error {
		bind := l.engine.bind
		var now instant
		err := tx.QueryRowContext(ctx, bind(`INSERT INTO backtests (id, merchants, document, kept_at) VALUES (?, ?, ?, `+l.engine.now+`)
			ON CONFLICT (id) DO UPDATE SET document = excluded.document, kept_at = excluded.kept_at RETURNING kept_at`), k.ID, k.Of.String(), string(document)).Scan(&now)
		if err == nil {
			_, err = tx.ExecContext(ctx, bind(`DELETE FROM backtests WHERE kept_at <= ?`), l.engine.sqlTime(now.Add(-ruleset.BacktestsKept)))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the backtest %s: %w", k.ID, l.explain("backtests", err))
	}
	return nil
}

// KeptBacktest returns what was kept of a backtest.
func (l *Ledger) KeptBacktest(ctx context.Context, id string) (k ruleset.KeptBacktest, err error) {
	var merchants, document string
	var at, now instant
	err = l.retry(ctx, func() error {
		return l.reader.QueryRowContext(ctx, l.engine.bind(`SELECT merchants, document, kept_at, `+l.engine.now+` FROM backtests WHERE id = ?`), nullable(id)).Scan(&merchants, &document, &at, &now)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return k, ruleset.ErrNoBacktest
	}
	if err == nil {
		err = json.Unmarshal([]byte(document), &k.Backtest)
	}
	if err == nil {
		err = k.Of.UnmarshalText([]byte(merchants))
	}
	if err != nil {
		return k, fmt.Errorf("read the backtest %s: %w", id, l.explain("backtests", err))
	}
	k.Age = now.Sub(at.Time)
	return k, nil
}
