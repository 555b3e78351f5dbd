package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"dummyorders/internal/stack"
)

// alertsPlan is the comparison with Alertmanager: an alert goes in, and a webhook is called.
type alertsPlan struct {
	rounds, single, many int
	sink                 *sink
	sides                []side // alertman last: ratios are its
}

// silence is how long nothing must come before the rest counts as lost: more than any wait of either side.
const silence = 45 * time.Second

func benchAlerts(ctx context.Context, rounds int) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "orders-bench-alerts-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p := alertsPlan{rounds: rounds, single: 20, many: 1000}
	if p.sink, err = startSink(); err != nil {
		return err
	}
	defer func() { _ = p.sink.server.Close() }()
	fmt.Println("starting Temporal, RabbitMQ, alertman, and Alertmanager twice")
	for _, shape := range []struct {
		title string
		wait  time.Duration
	}{{"Alertmanager, as it ships", 30 * time.Second}, {"Alertmanager, group_wait 0s", 0}} {
		s, err := alertmanager(ctx, dir, p.sink.address, shape.title, shape.wait)
		if err != nil {
			return err
		}
		defer func() { _ = s.process.Stop(context.WithoutCancel(ctx)) }()
		p.sides = append(p.sides, s)
	}
	own, stop, err := ours(ctx, root, dir, p.sink.address)
	if stop != nil {
		defer stop()
	}
	if err != nil {
		return err
	}
	p.sides = append(p.sides, own)
	return p.run(ctx)
}

func (p alertsPlan) run(ctx context.Context) error {
	if _, err := p.storm(ctx, p.sides[len(p.sides)-1], 50, 50); err != nil { // warm up
		return err
	}
	fmt.Printf("\n%-44s %-28s %9s %9s %9s %9s %6s %6s\n", "", "", "first", "median", "last", "messages", "told", "again")
	for _, scenario := range []struct {
		title   string
		measure func(context.Context, side) (outcome, error)
	}{
		{"one alert of a new group, and then the next", p.oneByOne},
		{fmt.Sprintf("%d alerts of one group", p.many), func(ctx context.Context, s side) (outcome, error) { return p.storm(ctx, s, p.many, 1) }},
		{fmt.Sprintf("%d alerts of %[1]d groups", p.many), func(ctx context.Context, s side) (outcome, error) { return p.storm(ctx, s, p.many, p.many) }},
		{"the same, killed when it has accepted them", p.killed},
	} {
		if err := p.compare(ctx, scenario.title, scenario.measure); err != nil {
			return err
		}
	}
	return p.sink.failed
}

// outcome is what a round says of a side. Spans are from when an alert was handed over to when it was told.
type outcome struct {
	first, median, last   time.Duration
	messages, told, again int
	of                    int
}

// oneByOne is the median of alerts that come one at a time. As it ships, Alertmanager waits for 30 s with each: there are
// fewer of those.
func (p alertsPlan) oneByOne(ctx context.Context, s side) (outcome, error) {
	n := p.single
	if s.name == p.sides[0].name {
		n = 2
	}
	var spans []time.Duration
	o := outcome{of: n}
	for range n {
		one, err := p.storm(ctx, s, 1, 1)
		if err != nil {
			return o, err
		}
		spans = append(spans, one.first)
		o.messages, o.told, o.again = o.messages+one.messages, o.told+one.told, o.again+one.again
	}
	slices.Sort(spans)
	o.first, o.median, o.last = spans[0], spans[len(spans)/2], spans[len(spans)-1]
	return o, nil
}

func (p alertsPlan) storm(ctx context.Context, s side, n, groups int) (outcome, error) {
	return p.tell(ctx, s, incidents(n, groups), func() error { return nil })
}

// killed kills the side as soon as it has accepted a fifth as many alerts as in the other rounds.
func (p alertsPlan) killed(ctx context.Context, s side) (outcome, error) {
	n := p.many / 5
	return p.tell(ctx, s, incidents(n, n), func() error { return s.restart(ctx) })
}

func (p alertsPlan) tell(ctx context.Context, s side, all []incident, then func() error) (outcome, error) {
	before, start := p.sink.tally(nil), time.Now()
	if err := s.send(ctx, all); err != nil {
		return outcome{}, fmt.Errorf("send alerts to %s: %w", s.name, err)
	}
	if err := then(); err != nil {
		return outcome{}, err
	}
	after := p.sink.await(ids(all), silence)
	o := outcome{of: len(all), told: after.told, messages: after.messages - before.messages, again: after.again - before.again}
	if after.told > 0 {
		o.first, o.last = after.first.Sub(start), after.last.Sub(start)
	}
	var spans []time.Duration
	for _, at := range after.times {
		if !at.IsZero() {
			spans = append(spans, at.Sub(start))
		}
	}
	slices.Sort(spans)
	if len(spans) > 0 {
		o.median = spans[len(spans)/2]
	}
	return o, nil
}

// compare measures all sides in turn, round after round, and shows medians; ratios are alertman's, taken round by round.
func (p alertsPlan) compare(ctx context.Context, title string, measure func(context.Context, side) (outcome, error)) error {
	rounds := make([][]outcome, p.rounds)
	for i := range rounds {
		for _, s := range p.sides {
			o, err := measure(ctx, s)
			if err != nil {
				return err
			}
			rounds[i] = append(rounds[i], o)
		}
	}
	figure := func(of func(outcome) float64, side int) float64 {
		return middle(rounds, func(r []outcome) float64 { return of(r[side]) })
	}
	for i, s := range p.sides {
		span := func(of func(outcome) time.Duration) string {
			seconds := figure(func(o outcome) float64 { return of(o).Seconds() }, i)
			if seconds == 0 {
				return "never"
			}
			return fmt.Sprintf("%.1fms", 1000*seconds)
		}
		told, again, of := 0, 0, 0
		for _, r := range rounds {
			told, again, of = told+r[i].told, again+r[i].again, of+r[i].of
		}
		fmt.Printf("%-44s %-28s %9s %9s %9s %9.0f %6s %6d\n", title, s.name,
			span(func(o outcome) time.Duration { return o.first }), span(func(o outcome) time.Duration { return o.median }),
			span(func(o outcome) time.Duration { return o.last }), figure(func(o outcome) float64 { return float64(o.messages) }, i),
			fmt.Sprintf("%d/%d", told, of), again)
		title = ""
	}
	p.ratios(rounds)
	return nil
}

func (p alertsPlan) ratios(rounds [][]outcome) {
	last := len(p.sides) - 1
	for i, s := range p.sides[:last] {
		ratio := func(of func(outcome) time.Duration) string {
			if figure := middle(rounds, func(r []outcome) float64 { return of(r[i]).Seconds() }); figure == 0 {
				return "-"
			}
			return fmt.Sprintf("%.3g", middle(rounds, func(r []outcome) float64 { return of(r[last]).Seconds() / of(r[i]).Seconds() }))
		}
		fmt.Printf("%-44s %-28s %9s %9s %9s\n", "", "  ratio to "+s.name[len("Alertmanager, "):],
			ratio(func(o outcome) time.Duration { return o.first }), ratio(func(o outcome) time.Duration { return o.median }),
			ratio(func(o outcome) time.Duration { return o.last }))
	}
}

func middle(rounds [][]outcome, figure func([]outcome) float64) float64 {
	values := make([]float64, len(rounds))
	for i, round := range rounds {
		values[i] = figure(round)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
