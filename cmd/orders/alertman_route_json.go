package main

import (
	"time"

	"dummyorders/alerting/routing"
	"dummyorders/domain/alert"
	"dummyorders/internal/duration"
)

// routed is where an event would be delivered, and why, as JSON shows it. Durations are written as in the routing file.
type routed struct {
	EventID  string         `json:"eventID"`
	Type     alert.Type     `json:"type"`
	At       time.Time      `json:"at"`
	Findings []shownFinding `json:"findings"`
}

type shownFinding struct {
	Kind        string            `json:"kind"`
	Name        string            `json:"name"`
	Asked       bool              `json:"asked"`
	Matched     bool              `json:"matched"`
	Why         string            `json:"why,omitempty"`
	Assignments []shownAssignment `json:"assignments"`
	LeftOut     []string          `json:"leftOut"`
}

type shownAssignment struct {
	Muted    string         `json:"muted,omitempty"`
	Group    *shownGroup    `json:"group,omitempty"`
	Throttle *shownThrottle `json:"throttle,omitempty"`
	Steps    []shownStep    `json:"steps"`
}

// shownGroup is a group without its key, which may have a fingerprint in it.
type shownGroup struct {
	Name   string `json:"name"`
	Window string `json:"window"`
}

type shownThrottle struct {
	Most int    `json:"most"`
	Per  string `json:"per"`
}

type shownStep struct {
	Receiver string         `json:"receiver"`
	Targets  []alert.Target `json:"targets"`
	Within   string         `json:"within,omitempty"` // to acknowledge it
}

func shownFindings(all []routing.Finding) []shownFinding {
	shown := []shownFinding{}
	for _, f := range all {
		one := shownFinding{f.Kind, f.Name, f.Asked, f.Matched, f.Why, []shownAssignment{}, array(f.Left)}
		for _, a := range f.Assignments {
			one.Assignments = append(one.Assignments, assignmentShown(a))
		}
		shown = append(shown, one)
	}
	return shown
}

func assignmentShown(a alert.Assignment) shownAssignment {
	shown := shownAssignment{Muted: a.Muted, Steps: []shownStep{}}
	if g := a.Group; g != nil {
		shown.Group = &shownGroup{g.Name, duration.Short(g.Window)}
	}
	if t := a.Throttle; t != nil {
		shown.Throttle = &shownThrottle{t.Most, duration.Short(t.Per)}
	}
	for _, step := range a.Steps {
		one := shownStep{Receiver: step.Receiver, Targets: step.Targets}
		if step.Within > 0 {
			one.Within = duration.Short(step.Within)
		}
		shown.Steps = append(shown.Steps, one)
	}
	return shown
}
