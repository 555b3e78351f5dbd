package ledger

import (
	"context"
	"fmt"
	"time"

	"dummyorders/domain/alert"
)

// OpenWindow implements alert.Windows. In SQLite, a crash of the machine may lose the windows of the last seconds.
func (l *Ledger) OpenWindow(ctx context.Context, w alert.Window) (open alert.Window, err error) {
	err = l.retry(ctx, func() error {
		open, err = l.openWindow(ctx, w)
		return err
	})
	if err != nil {
		return open, fmt.Errorf("open a window of the group %s: %w", w.Group, l.explain("windows", err))
	}
	return open, nil
}

func (l *Ledger) openWindow(ctx context.Context, w alert.Window) (alert.Window, error) {
	begin, end := l.engine.sqlTime(w.Since), l.engine.sqlTime(w.Until)
	opened, err := changes(l.velocity.ExecContext(ctx, l.engine.bind(`INSERT INTO alert_windows (id, opened_by, since, until, kept_until)
		VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET opened_by = excluded.opened_by, since = excluded.since, until = excluded.until,
			kept_until = excluded.kept_until WHERE alert_windows.kept_until <= excluded.since`), w.Group, w.First, begin, end, end))
	if opened || err != nil {
		return w, err
	}
	// The group's workflow runs until a window without an alert has passed. An alert with a shorter window may ask meanwhile.
	runs := l.engine.sqlTime(w.Until.Add(w.Until.Sub(w.Since)))
	there, since, until := alert.Window{Group: w.Group}, instant{}, instant{}
	err = l.velocity.QueryRowContext(ctx, l.engine.bind(`UPDATE alert_windows SET kept_until = CASE WHEN kept_until > ? THEN kept_until ELSE ? END
		WHERE id = ? RETURNING opened_by, since, until`), runs, runs, w.Group).Scan(&there.First, &since, &until)
	there.Since, there.Until = since.Time, until.Time
	return there, err
}

// PruneWindows deletes windows that ended before a time, at most as many as limit, and returns how many.
func (l *Ledger) PruneWindows(ctx context.Context, endedBefore time.Time, limit int) (int, error) {
	deleted, err := l.delete(ctx, l.velocity, l.engine.bind(`DELETE FROM alert_windows WHERE id IN
		(SELECT id FROM alert_windows WHERE kept_until < ? ORDER BY kept_until LIMIT ?)`), endedBefore, limit)
	if err != nil {
		return 0, fmt.Errorf("delete the windows of alerts that ended before %s: %w", endedBefore.UTC().Format(time.RFC3339), err)
	}
	return deleted, nil
}
