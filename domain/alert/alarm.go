package alert

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/identity"
)

// Alarm is what a monitor, such as Prometheus' Alertmanager, says about the service itself. It belongs to identity.NoMerchant.
type Alarm struct {
	Name        string       `json:"name" doc:"The label alertname"`
	Severity    string       `json:"severity,omitempty" doc:"The label severity"`
	Summary     string       `json:"summary" doc:"The annotation summary; without it the name"`
	Description string       `json:"description,omitempty" doc:"The annotation description"`
	Runbook     string       `json:"runbook,omitempty" doc:"The annotation runbook_url"`
	Source      string       `json:"source,omitempty" doc:"Where the monitor shows it"`
	Since       time.Time    `json:"since" doc:"When it began to fire"`
	Until       *time.Time   `json:"until,omitempty" doc:"When it was over; absent while it fires"`
	Labels      []AlarmLabel `json:"labels" nullable:"false" doc:"All its labels, by their names"`
}

// AlarmLabel is a name and a value by which a monitor tells alarms apart.
type AlarmLabel struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// SetLabels sets the labels, and the name and the severity, which are among them.
func (a *Alarm) SetLabels(labels map[string]string) {
	for name, value := range labels {
		a.Labels = append(a.Labels, AlarmLabel{name, value})
	}
	slices.SortFunc(a.Labels, func(a, b AlarmLabel) int { return strings.Compare(a.Name, b.Name) })
	a.Name, a.Severity = labels["alertname"], labels["severity"]
}

// Label returns the value of a label, or "" if there is none.
func (a *Alarm) Label(name string) string {
	if a == nil {
		return ""
	}
	for _, l := range a.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// state says in a word how an alarm stands, in the place of a decision's outcome.
func (a *Alarm) state() string {
	if a.Until != nil {
		return "resolved"
	}
	return "firing"
}

// Event returns the event that says at a time that the alarm fires, or is over. It is worth delivering for as long from then
// on, however long ago the alarm began.
func (a *Alarm) Event(id string, at time.Time) Event {
	e := Event{ID: id, Source: "/alertmanager", Type: AlarmFiring, Subject: a.Name, Time: a.Since, Data: Data{
		Merchant: identity.NoMerchant, Alarm: a, ExpiresAt: new(at.Add(lifetime)),
	}}
	if a.Until != nil {
		e.Type, e.Time = AlarmResolved, *a.Until
	}
	return e
}

// MarshalJSON leaves out what is about a transaction if the event is about an alarm.
func (d Data) MarshalJSON() ([]byte, error) {
	if d.Alarm != nil {
		return json.Marshal(struct {
			Merchant  string     `json:"merchant"`
			Alarm     *Alarm     `json:"alarm"`
			ExpiresAt *time.Time `json:"expiresAt,omitempty"`
		}{d.Merchant, d.Alarm, d.ExpiresAt})
	}
	type plain Data
	return json.Marshal(plain(d))
}

func sampleAlarm(of Type, at time.Time) *Alarm {
	a := &Alarm{
		Summary:     "More than a tenth of the payments fail.",
		Description: "12% of the payments by card failed in the last ten minutes.",
		Runbook:     "https://example.com/runbooks/payments-fail",
		Since:       at,
	}
	a.SetLabels(map[string]string{"alertname": "PaymentsFail", "job": "worker", "severity": "page"})
	if of == AlarmResolved {
		a.Since, a.Until = at.Add(-time.Hour), &at
	}
	return a
}

// about returns what a digest's line about the event names: the first reason of a decision, or the alarm.
func (d Data) about() string {
	switch {
	case d.Alarm != nil:
		return d.Alarm.Name
	case len(d.Decision.Reasons) > 0:
		return d.Decision.Reasons[0].Code
	}
	return ""
}

// outcome returns the decision's outcome, or how the alarm stands.
func (d Data) outcome() string {
	if d.Alarm != nil {
		return d.Alarm.state()
	}
	return string(d.Decision.Outcome)
}
