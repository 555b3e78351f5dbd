package backtest

import (
	"context"
	"slices"
	"time"

	"dummyorders/domain/usage"
)

// fold goes through the past in the order of its decisions, gives each incomplete decision the values that it lacks,
// from what was decided before it and from nothing else, and decides it again.
func (b *Backtest) fold(ctx context.Context) error {
	h := b.history
	slices.SortFunc(h.past, func(x, y past) int { return x.turn.compare(y.turn) })
	slices.SortFunc(h.incomplete, func(x, y *decision) int { return x.turn.compare(y.turn) })
	needed := h.neededFrom()
	line, next := &timeline{}, 0
	for i, d := range h.incomplete {
		if err := ctx.Err(); err != nil {
			return err
		}
		line.neededFrom = needed[i]
		for ; next < len(h.past) && h.past[next].turn.compare(d.turn) < 0; next++ {
			line.add(h.use(h.past[next]))
			h.past[next] = past{}
		}
		b.fill(d, &line.Timeline)
		b.decide(*d)
		h.incomplete[i] = nil // it and all that it holds is done with
		if (i+1)%stride == 0 {
			b.tell()
		}
	}
	b.tell()
	return nil
}

// fill gives a decision what it lacks, and has the report say so.
func (b *Backtest) fill(d *decision, line *usage.Timeline) {
	lacking := b.history.lacking(d)
	use := usage.Of(d.posted, d.startTime, b.history.dimensions)
	values := usage.Values(lacking, use, d.asOf, line.Look(d.posted.ID, usage.Lookups(lacking, use, d.asOf)))
	b.tally.folded(lacking, d.before.Explanation != nil)
	for i, name := range b.history.names {
		if value, folded := values[name]; folded {
			d.values[i] = value
		}
	}
}

// neededFrom is for each incomplete decision the time before which neither it nor any later one looks.
func (h *history) neededFrom() []time.Time {
	reach, times := h.reach(), make([]time.Time, len(h.incomplete))
	for i := len(times) - 1; i >= 0; i-- {
		times[i] = h.incomplete[i].asOf.Add(-reach)
		if i+1 < len(times) && times[i+1].Before(times[i]) {
			times[i] = times[i+1]
		}
	}
	return times
}

// timeline holds no more than about twice what is needed.
type timeline struct {
	usage.Timeline
	neededFrom   time.Time
	added, limit int
}

func (t *timeline) add(u usage.Use) {
	t.Add(u)
	if t.added += len(u.Values); t.added > max(t.limit, pageSize) {
		t.added = t.Forget(t.neededFrom)
		t.limit = 2 * t.added
	}
}
