package alert_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"dummyorders/domain/alert"
)

// A mute mutes what matches all that it names, from its beginning to its end.
func TestMuteMatches(t *testing.T) {
	event := alert.Sample(alert.FraudDetected, "event-1", now)
	event.Data.Merchant, event.Data.CustomerID = "", "c-1" // from before there were merchants
	for name, c := range map[string]struct {
		change func(*alert.Mute)
		want   bool
	}{
		"everything":       {func(*alert.Mute) {}, true},
		"its type":         {func(m *alert.Mute) { m.Type = alert.FraudDetected }, true},
		"another type":     {func(m *alert.Mute) { m.Type = alert.ReviewRequested }, false},
		"its merchant":     {func(m *alert.Mute) { m.Merchant = "default" }, true},
		"another merchant": {func(m *alert.Mute) { m.Merchant = "acme" }, false},
		"its customer":     {func(m *alert.Mute) { m.CustomerID = "c-1" }, true},
		"another customer": {func(m *alert.Mute) { m.CustomerID, m.Merchant = "c-2", "default" }, false},
		"later":            {func(m *alert.Mute) { m.Begin = now.Add(time.Second) }, false},
		"until now":        {func(m *alert.Mute) { m.Until = now }, false},
	} {
		m := alert.Mute{Begin: now, Until: now.Add(time.Hour)}
		c.change(&m)
		assert.Equal(t, c.want, m.Mutes(event, now), name)
	}
}

// A mute repeats one that asks for the same, whenever it was sent, and also if that was ended since.
func TestMuteRepeats(t *testing.T) {
	first := alert.Mute{ID: "m-1", Reason: "load test", By: "ada", Begin: now, Until: now.Add(time.Hour)}
	for name, c := range map[string]struct {
		change func(again, earlier *alert.Mute)
		want   bool
	}{
		"the same":       {func(_, _ *alert.Mute) {}, true},
		"ended since":    {func(_, earlier *alert.Mute) { earlier.Until, earlier.EndedBy = now.Add(time.Minute), "bob" }, true},
		"for longer":     {func(again, _ *alert.Mute) { again.Until = again.Until.Add(time.Hour) }, false},
		"another reason": {func(again, _ *alert.Mute) { again.Reason = "x" }, false},
		"another person": {func(again, _ *alert.Mute) { again.By = "bob" }, false},
	} {
		again, earlier := first, first
		again.Begin, again.Until = again.Begin.Add(time.Minute), again.Until.Add(time.Minute)
		c.change(&again, &earlier)
		assert.Equal(t, c.want, again.Repeats(earlier), name)
	}
}
