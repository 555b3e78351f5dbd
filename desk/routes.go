package desk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"dummyorders/domain/alert"
)

// routesPage is what the page about the routes of alerts shows.
type routesPage struct {
	alert.Routing

	Types     []typeChoice
	Type      alert.Type // whose sample the form began with
	Event, At string     // as they are in the form
	Fault     *Problem   // why the event was not tried
	Tried     *alert.Routed
}

// Receiver returns the receiver of a name.
func (p routesPage) Receiver(name string) *alert.RoutingReceiver {
	i := slices.IndexFunc(p.Receivers, func(r alert.RoutingReceiver) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &p.Receivers[i]
}

// localTime is how browsers write the value of a field for a date and a time.
const localTime = "2006-01-02T15:04"

func (d *desk) showRoutes(v *visit) (any, error) {
	p := routesPage{Type: alert.Type(v.URL.Query().Get("type"))}
	if !slices.Contains(alert.Types, p.Type) {
		p.Type = alert.FraudDetected
	}
	sample := struct {
		SpecVersion string `json:"specversion"`
		alert.Event
	}{"1.0", alert.Sample(p.Type, "sample", d.Now().UTC().Truncate(time.Second))}
	text, err := json.MarshalIndent(sample, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the sample of %s: %w", p.Type, err)
	}
	p.Event = string(text)
	return p.read(v)
}

// tryRoutes shows where the event of the form would go. A refusal is on the page, beside what was written.
func (d *desk) tryRoutes(v *visit) (any, error) {
	p := routesPage{Type: alert.Type(v.PostForm.Get("type")), Event: v.PostForm.Get("event"), At: v.PostForm.Get("at")}
	query := url.Values{}
	if at, err := time.Parse(localTime, p.At); err == nil {
		query.Set("at", at.Format(time.RFC3339))
	}
	err := error(&Problem{Status: http.StatusBadRequest, Detail: "The event is not JSON."})
	if json.Valid([]byte(p.Event)) {
		err = v.send(http.MethodPost, "/alerts/routes/try?"+query.Encode(), json.RawMessage(p.Event), &p.Tried)
	}
	if err != nil {
		p.Tried, p.Fault = nil, d.problem(v, err)
	}
	return p.read(v)
}

// read adds the routes to the page.
func (p *routesPage) read(v *visit) (any, error) {
	p.Types = typeChoices()
	err := v.get("/alerts/routes", nil, &p.Routing)
	return *p, err
}
