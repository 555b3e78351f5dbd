package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// remindEvery is how often somebody who waits for the end is told what for.
const remindEvery = 5 * time.Second

type stopFunc func(context.Context) error

// stop ends our processes, so that they can finish what they have in hand, and then the servers. When ctx ends, what
// still runs is killed.
func (d *devStack) stop(ctx context.Context) error {
	ours, servers := map[string]stopFunc{}, map[string]stopFunc{}
	for name, process := range d.processes {
		ours[name] = process.Stop
	}
	if d.temporal != nil {
		servers["Temporal"] = d.temporal.Stop
	}
	if d.rabbitmq != nil {
		servers["RabbitMQ"] = d.rabbitmq.Stop
	}
	if d.mail != nil {
		servers["mail"] = d.mail.Stop
	}
	return errors.Join(d.stopAll(ctx, ours), d.stopAll(ctx, servers))
}

// stopAll stops them at the same time, and returns when all have ended.
func (d *devStack) stopAll(ctx context.Context, running map[string]stopFunc) error {
	if len(running) == 0 {
		return nil
	}
	names := func() string { return strings.Join(slices.Sorted(maps.Keys(running)), ", ") }
	d.out.say("Stopping %s (Ctrl-C once more kills)", names())
	type end struct {
		name string
		err  error
	}
	ends := make(chan end, len(running))
	for name, stop := range running {
		go func() { ends <- end{name, stop(ctx)} }()
	}
	reminder := time.NewTicker(remindEvery)
	defer reminder.Stop()
	var faults []error
	for len(running) > 0 {
		select {
		case e := <-ends:
			delete(running, e.name)
			faults = append(faults, e.err)
		case <-reminder.C:
			d.out.say("  waiting for %s", names())
		}
	}
	return errors.Join(faults...)
}
