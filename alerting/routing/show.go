package routing

import (
	"time"

	"dummyorders/domain/alert"
	"dummyorders/internal/duration"
)

// Shown returns what the configuration says, without its secrets.
func (c *Config) Shown() alert.Routing {
	shown := alert.Routing{File: c.file, Mutes: []alert.RoutingRule{}, Routes: []alert.RoutingRule{}, Receivers: []alert.RoutingReceiver{}, Warnings: []string{}}
	for _, m := range c.mutes {
		shown.Mutes = append(shown.Mutes, alert.RoutingRule{Name: m.name, When: m.when.words()})
	}
	for _, r := range c.routes {
		shown.Routes = append(shown.Routes, alert.RoutingRule{Name: r.name, When: r.when.words(), Tell: r.receivers, Continue: r.carryOn})
	}
	for _, name := range c.names {
		to := c.receivers[name]
		one := alert.RoutingReceiver{Name: name, GroupBy: []string{}, Throttle: boundShown(to.throttle)}
		if to.group != nil {
			one.GroupBy, one.Window = to.group.by, duration.Short(to.group.window)
		}
		one.Steps = stepsShown(c.steps(to, to.targets))
		shown.Receivers = append(shown.Receivers, one)
	}
	for _, w := range c.warnings {
		shown.Warnings = append(shown.Warnings, w.String())
	}
	return shown
}

// Try says where an event would be delivered if it were taken at a time, and why.
func (c *Config) Try(event alert.Event, at time.Time) alert.Routed {
	tried := alert.Routed{EventID: event.ID, Type: event.Type, At: at.UTC(), Findings: []alert.Finding{}}
	for _, f := range c.Explain(event, at) {
		one := alert.Finding{
			Kind: f.Kind, Name: f.Name, Asked: f.Asked, Matched: f.Matched, Why: f.Why, Assignments: []alert.Assigned{}, LeftOut: append([]string{}, f.Left...),
		}
		for _, a := range f.Assignments {
			one.Assignments = append(one.Assignments, assignmentShown(a))
		}
		tried.Findings = append(tried.Findings, one)
	}
	return tried
}

func assignmentShown(a alert.Assignment) alert.Assigned {
	shown := alert.Assigned{Muted: a.Muted, Throttle: boundShown(a.Throttle), Steps: stepsShown(a.Steps)}
	if g := a.Group; g != nil {
		shown.Group = &alert.ShownGroup{Name: g.Name, Window: duration.Short(g.Window)}
	}
	return shown
}

func boundShown(t *alert.Throttle) *alert.ShownBound {
	if t == nil {
		return nil
	}
	return &alert.ShownBound{Most: t.Most, Per: duration.Short(t.Per)}
}

func stepsShown(steps []alert.Step) []alert.RoutingStep {
	shown := []alert.RoutingStep{}
	for _, step := range steps {
		one := alert.RoutingStep{Receiver: step.Receiver, Targets: step.Targets}
		if step.Within > 0 {
			one.Within = duration.Short(step.Within)
		}
		shown = append(shown, one)
	}
	return shown
}
