package workers_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/workers"
)

const retention = 30 * 24 * time.Hour

// pile is a ledger that holds only old transactions, and uses that are as old.
type pile struct {
	heap
	uses    heap
	audits  heap
	lists   heap
	windows heap
}

func (p *pile) Prune(ctx context.Context, endedBefore time.Time, limit int) (int, error) {
	return p.delete(ctx, endedBefore, limit)
}

// PruneVelocity finds as many uses, and as many decisions, as the limit allows.
func (p *pile) PruneVelocity(ctx context.Context, before time.Time, limit int) (int, error) {
	return p.uses.delete(ctx, before, limit)
}

// PruneAudit deletes entries of the audit trail.
func (p *pile) PruneAudit(ctx context.Context, before time.Time, limit int) (int, error) {
	return p.audits.delete(ctx, before, limit)
}

// PruneEntries deletes entries of lists.
func (p *pile) PruneEntries(ctx context.Context, before time.Time, limit int) (int, error) {
	return p.lists.delete(ctx, before, limit)
}

// PruneWindows deletes windows of alerts.
func (p *pile) PruneWindows(ctx context.Context, before time.Time, limit int) (int, error) {
	return p.windows.delete(ctx, before, limit)
}

type heap struct {
	old   int
	err   error
	calls []call
	begun time.Time
}

type call struct {
	since       time.Duration // the start
	endedBefore time.Duration // after the start; negative is before it
	limit       int
	bounded     bool
}

func (p *heap) delete(ctx context.Context, endedBefore time.Time, limit int) (int, error) {
	_, bounded := ctx.Deadline()
	p.calls = append(p.calls, call{time.Since(p.begun), endedBefore.Sub(p.begun), limit, bounded})
	if p.err != nil {
		return 0, p.err
	}
	deleted := min(p.old, limit)
	p.old -= deleted
	return deleted, ctx.Err()
}

// tidy runs KeepPruned on the pile for a while, on a clock of its own, and returns what was logged. It fails if KeepPruned goes
// on after its context's end.
func tidy(t *testing.T, p *pile, while time.Duration) string {
	t.Helper()
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		p.begun, p.uses.begun, p.audits.begun, p.lists.begun, p.windows.begun = time.Now(), time.Now(), time.Now(), time.Now(), time.Now()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- workers.KeepPruned(ctx, p, retention, slog.New(slog.NewTextHandler(&log, nil))) }()
		time.Sleep(while)
		stop()
		require.NoError(t, <-ended)
	})
	return log.String()
}

// Old transactions are deleted in batches until none is left.
func TestPruneLedger(t *testing.T) {
	p := &pile{heap: heap{old: 1234}}
	log := tidy(t, p, time.Minute)
	require.Zero(t, p.old)
	require.Len(t, p.calls, 3)
	for _, c := range p.calls {
		require.Equal(t, call{0, -retention, 500, true}, c)
	}
	require.Contains(t, log, `level=INFO msg="Old rows were deleted" of=transactions deleted=1234 retention=720h0m0s`)
}

// The ledger is pruned about every hour.
func TestPruneInterval(t *testing.T) {
	p := &pile{}
	log := tidy(t, p, 100*time.Hour)
	require.Empty(t, log, "nothing was deleted, and it is told")
	require.InDelta(t, 100, len(p.calls), 11)
	different := map[time.Duration]bool{}
	for i := 1; i < len(p.calls); i++ {
		between := p.calls[i].since - p.calls[i-1].since
		require.InDelta(t, time.Hour, between, float64(6*time.Minute))
		require.Equal(t, p.calls[i].since-retention, p.calls[i].endedBefore)
		different[between] = true
	}
	require.Greater(t, len(different), 50, "workers that start together look together for ever")
}

// A failed deletion is logged and tried again the next hour.
func TestPruneFailure(t *testing.T) {
	p := &pile{heap: heap{err: errors.New("the disk is full")}}
	log := tidy(t, p, 90*time.Minute)
	require.Len(t, p.calls, 2)
	require.Contains(t, log, `level=WARN msg="Deleting old rows failed; it is tried again within the hour" of=transactions deleted=0 error="the disk is full"`)
}

// Only what no check looks at is deleted of the past uses, whatever the ledger's retention is. A use is not old while a
// feature of 30 days, with a delay of 30 more, may look at it.
func TestPruneVelocity(t *testing.T) {
	const horizon = 61 * 24 * time.Hour
	p := &pile{uses: heap{old: 1200}}
	log := tidy(t, p, 90*time.Minute)
	require.Zero(t, p.uses.old)
	require.Len(t, p.uses.calls, 4)
	for _, c := range p.uses.calls {
		require.Equal(t, call{c.since, c.since - horizon, 500, true}, c)
	}
	require.Contains(t, log, `level=INFO msg="Old rows were deleted" of="data of fraud checks" deleted=1200 retention=1464h0m0s`)
}

// The audit trail is kept for 400 days, whatever the ledger's retention is.
func TestPruneAudit(t *testing.T) {
	p := &pile{audits: heap{old: 700}, uses: heap{err: errors.New("the disk is full")}}
	log := tidy(t, p, time.Minute)
	require.Zero(t, p.audits.old)
	require.Equal(t, []call{{0, -400 * 24 * time.Hour, 500, true}, {0, -400 * 24 * time.Hour, 500, true}}, p.audits.calls)
	require.Contains(t, log, `level=INFO msg="Old rows were deleted" of="entries of the audit trail" deleted=700 retention=9600h0m0s`)
	p = &pile{audits: heap{err: errors.New("the disk is full")}}
	require.Contains(t, tidy(t, p, time.Minute), `level=WARN msg="Deleting old rows failed; it is tried again within the hour" of="entries of the audit trail"`)
}

// Entries of lists are kept as long as transactions.
func TestPruneLists(t *testing.T) {
	p := &pile{lists: heap{old: 700}, audits: heap{err: errors.New("the disk is full")}}
	log := tidy(t, p, time.Minute)
	require.Equal(t, []call{{0, -retention, 500, true}, {0, -retention, 500, true}}, p.lists.calls)
	require.Contains(t, log, `level=INFO msg="Old rows were deleted" of="entries of lists" deleted=700 retention=720h0m0s`)
	p = &pile{lists: heap{err: errors.New("the disk is full")}}
	require.Contains(t, tidy(t, p, time.Minute), `level=WARN msg="Deleting old rows failed; it is tried again within the hour" of="entries of lists"`)
}

// Windows of alerts are deleted soon after their end.
func TestPruneWindows(t *testing.T) {
	p := &pile{windows: heap{old: 3}, lists: heap{err: errors.New("the disk is full")}}
	tidy(t, p, time.Minute)
	require.Equal(t, []call{{0, -time.Hour, 500, true}}, p.windows.calls)
}

// A failure to prune the ledger does not keep the past uses from being pruned.
func TestPruneFailuresAreIndependent(t *testing.T) {
	full := heap{old: 1200, err: errors.New("the disk is full")}
	p := &pile{heap: full, uses: heap{old: 3}}
	tidy(t, p, time.Minute)
	require.Zero(t, p.uses.old)
	p = &pile{heap: heap{old: 3}, uses: full}
	log := tidy(t, p, time.Minute)
	require.Zero(t, p.old)
	require.Contains(t, log, `level=WARN msg="Deleting old rows failed; it is tried again within the hour" of="data of fraud checks" deleted=0 error="the disk is full"`)
}
