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
