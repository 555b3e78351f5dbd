package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
)

var start = time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)

// memory is a trail in memory.
type memory []audit.Kept

func (m *memory) Append(_ context.Context, e audit.Entry) (audit.Kept, error) {
	kept := m.last().Next(e)
	*m = append(*m, kept)
	return kept, nil
}

func (m memory) last() audit.Link {
	if len(m) == 0 {
		return audit.Link{}
	}
	return m[len(m)-1].Link()
}

func (m memory) all() iter.Seq2[audit.Kept, error] {
	return func(yield func(audit.Kept, error) bool) {
		for _, kept := range m {
			if !yield(kept, nil) {
				return
			}
		}
	}
}

func chainOf(t *testing.T, n int) memory {
	var m memory
	for i := range n {
		_, err := m.Append(t.Context(), audit.Entry{Time: start.Add(time.Duration(i) * time.Hour), Action: "transact"}.By(identity.Subject{Kind: identity.Client, Name: "shop"}))
		require.NoError(t, err)
	}
	return m
}

// Somebody who knows how digests are made is found too, unless all that follows is made anew.
func TestForgery(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(m memory) memory
		want  audit.Broken
	}{
		"changed, with a new digest": {func(m memory) memory {
			changed := m[5].Entry
			changed.Subject = "eve"
			m[5] = m[4].Link().Next(changed)
			return m
		}, audit.Broken{Number: 6, Day: "2026-11-29", How: audit.Changed}},
		"the last changed, with a new digest": {func(m memory) memory {
			changed := m[19].Entry
			changed.Subject = "eve"
			m[19] = m[18].Link().Next(changed)
			return m
		}, audit.Broken{Number: 20, Day: "2026-11-30", How: audit.Changed}},
		"put in between, with a new digest": {func(m memory) memory {
			forged := m[4].Link().Next(audit.Entry{Time: m[4].Time, Action: "start"})
			for i := range m[5:] {
				m[5+i].Number++
			}
			return slices.Insert(m, 5, forged)
		}, audit.Broken{Number: 6, Day: "2026-11-29", How: audit.Added}},
		"added at the end, with a new digest": {func(m memory) memory {
			return append(m, m.last().Next(audit.Entry{Time: start.Add(20 * time.Hour), Action: "start"}))
		}, audit.Broken{Number: 21, Day: "2026-11-30", How: audit.Added}},
	} {
		t.Run(name, func(t *testing.T) {
			m := chainOf(t, 20)
			last := m.last()
			report, err := audit.Verify(audit.Link{}, &last, start, m.all())
			require.NoError(t, err)
			require.Nil(t, report.Broken)
			report, err = audit.Verify(audit.Link{}, &last, start, c.forge(m).all())
			require.NoError(t, err)
			require.Equal(t, &c.want, report.Broken)
		})
	}
}

// Entries hold no card numbers, whichever field they came in.
func TestNoCardNumbers(t *testing.T) {
	const number, masked = "4111111111111111", "411111******1111"
	kept := audit.Link{}.Next(audit.Entry{Subject: number, Merchant: number, Object: number, Before: number, After: number}).Entry
	assert.Equal(t, []string{masked, masked, masked, masked, masked}, []string{kept.Subject, kept.Merchant, kept.Object, kept.Before, kept.After})
}

// Each part of an entry counts in its digest.
func TestDigestOfAllParts(t *testing.T) {
	digest := func(e audit.Entry) audit.Sum { return audit.Link{}.Next(e).Digest }
	plain := audit.Entry{Time: start, Times: 1}
	seen := map[audit.Sum]bool{digest(plain): true}
	for _, change := range []func(*audit.Entry){
		func(e *audit.Entry) { e.Time = e.Time.Add(time.Microsecond) },
		func(e *audit.Entry) { e.Kind = "x" },
		func(e *audit.Entry) { e.Subject = "x" },
		func(e *audit.Entry) { e.Address = "x" },
		func(e *audit.Entry) { e.Merchant = "x" },
		func(e *audit.Entry) { e.Action = "x" },
		func(e *audit.Entry) { e.Object = "x" },
		func(e *audit.Entry) { e.Before = "x" },
		func(e *audit.Entry) { e.After = "x" },
		func(e *audit.Entry) { e.Result = "x" },
		func(e *audit.Entry) { e.Ends = 1 },
		func(e *audit.Entry) { e.Times = 2 },
	} {
		e := plain
		change(&e)
		require.False(t, seen[digest(e)], "%+v", e)
		seen[digest(e)] = true
	}
	require.NotEqual(t, digest(audit.Entry{Time: start, Before: "ab", After: "c"}), digest(audit.Entry{Time: start, Before: "a", After: "bc"}))
}

func TestStream(t *testing.T) {
	var out bytes.Buffer
	trail := audit.Stream(&memory{}, &out)
	kept, err := trail.Append(t.Context(), audit.Entry{Time: start, Action: "transact", Object: "7", Result: audit.Begun}.By(identity.Subject{Kind: identity.Client, Name: "acme/shop"}))
	require.NoError(t, err)
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	assert.Equal(t, map[string]any{
		"number": 1.0, "day": "2026-11-29", "time": "2026-11-29T09:00:00Z", "kind": "client", "subject": "acme/shop", "action": "transact",
		"object": "7", "result": "begun", "times": 1.0, "previous": audit.Sum{}.String(), "digest": kept.Digest.String(),
	}, line)
}
