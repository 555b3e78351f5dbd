package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"dummyorders/alerting/routing"
	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
	"dummyorders/internal/duration"
	"dummyorders/internal/textfile"
	"dummyorders/internal/yamlfile"
)

type checkAlertmanCommand struct {
	File string `arg:"" optional:"" help:"The file; by default that of ALERTMAN_CONFIG."`
	jsonFlag
}

// checkedRoutes is what a check found, as JSON shows it.
type checkedRoutes struct {
	*routing.Outline // nil if the file cannot be used

	Warnings []yamlfile.Fault `json:"warnings"`
	Faults   []yamlfile.Fault `json:"faults"`
}

// Run checks the file and fails with all its faults: each says where it is and what would be right.
func (c checkAlertmanCommand) Run(ctx context.Context) error {
	return c.check(ctx, standard())
}

func (c checkAlertmanCommand) check(ctx context.Context, out output) error {
	routes, err := readRoutes(ctx, c.File, out)
	if faults, are := errors.AsType[yamlfile.Faults](err); are && c.JSON {
		return errors.Join(printJSON(out.results, checkedRoutes{Warnings: []yamlfile.Fault{}, Faults: faults}), err)
	}
	if err != nil {
		return err
	}
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	// These are warnings rather than faults: the file may be checked on another machine than the one alertman runs on.
	warnings := append(routes.Warnings(), routes.Needs(env.lacking())...)
	if c.JSON {
		outline := routes.Outline()
		return printJSON(out.results, checkedRoutes{&outline, array(warnings), []yamlfile.Fault{}})
	}
	for _, warning := range warnings {
		fmt.Fprintf(out.results, "warning: %s\n", warning)
	}
	fmt.Fprintln(out.results, routes.Summary())
	return nil
}

// readRoutes reads the routing file. Without a file name it reads the file of ALERTMAN_CONFIG. If that is not set
// either, it routes everything to the addresses of the mail variables and reports that on out.progress.
func readRoutes(ctx context.Context, file string, out output) (*routing.Config, error) {
	if file == "" {
		env, err := readEnvironment(ctx, lookup())
		if err != nil {
			return nil, err
		}
		if file = env.AlertmanConfig; file == "" {
			v := &values{}
			addresses := v.addresses("TRANSACTION_FRAUD_EMAIL_ALERT_TO", env.MailTo)
			if err := v.err(); err != nil {
				return nil, err
			}
			fmt.Fprintf(out.progress, "ALERTMAN_CONFIG is not set: every alert goes to the receiver mail, which is TRANSACTION_FRAUD_EMAIL_ALERT_TO: %s.\n",
				strings.Join(addresses, ", "))
			return routing.ToMail(addresses), nil
		}
	}
	routes, err := routing.Load(file)
	if _, is := errors.AsType[yamlfile.Faults](err); is {
		return nil, fmt.Errorf("%s cannot be used:\n%w", file, err)
	}
	return routes, err
}

type routeAlertmanCommand struct {
	Config string `help:"The file of receivers and routes; by default that of ALERTMAN_CONFIG." placeholder:"FILE"`
	At     moment `help:"When the event is taken: a time, such as 2026-11-02T23:30:00+05:30, a date, which is its midnight in UTC, or how long ago, such as 24h. By default now." placeholder:"WHEN"`
	jsonFlag
}

// Run reads an event from the standard input and explains its routing. It sends nothing.
func (c routeAlertmanCommand) Run(ctx context.Context) error {
	return c.route(ctx, os.Stdin, standard())
}

func (c routeAlertmanCommand) route(ctx context.Context, from io.Reader, out output) error {
	routes, err := readRoutes(ctx, c.Config, out)
	if err != nil {
		return err
	}
	event, err := readEvent(from)
	if err != nil {
		return err
	}
	if c.At.IsZero() {
		c.At.Time = time.Now()
	}
	if c.JSON {
		return printJSON(out.results, routes.Try(event, c.At.Time))
	}
	d := event.Data.Decision
	about := fmt.Sprintf("%s, score %d, %s %s", d.Outcome, d.Score, event.Data.Currency, event.Data.Amount)
	if event.Data.Alarm != nil {
		about = event.Data.Alarm.Name
	}
	fmt.Fprintf(out.results, "%s %q: %s, taken at %s\n", event.Type.RoutingKey(), event.ID, about, c.At.Format(time.RFC3339))
	for _, finding := range routes.Explain(event, c.At.Time) {
		printFinding(out.results, finding)
	}
	return nil
}

func readEvent(from io.Reader) (alert.Event, error) {
	document, err := io.ReadAll(io.LimitReader(from, cloudevents.MaxSize+1))
	if err != nil {
		return alert.Event{}, fmt.Errorf("read the event: %w", err)
	}
	if len(document) > cloudevents.MaxSize {
		return alert.Event{}, fmt.Errorf("the event on the standard input is larger than alertman takes, which is %d KiB", cloudevents.MaxSize>>10)
	}
	text, err := textfile.Text(document)
	if err != nil {
		return alert.Event{}, fmt.Errorf("the event on the standard input %w: it must be JSON in UTF-8", err)
	}
	event, err := cloudevents.Decode([]byte(text))
	if err != nil {
		return alert.Event{}, fmt.Errorf("the event on the standard input: %w", err)
	}
	return event, nil
}

func printFinding(w io.Writer, f routing.Finding) {
	switch {
	case !f.Asked:
		fmt.Fprintf(w, "%s %s: not asked, since %s\n", f.Kind, f.Name, f.Why)
		return
	case !f.Matched:
		fmt.Fprintf(w, "%s %s: no, %s\n", f.Kind, f.Name, f.Why)
		return
	}
	fmt.Fprintf(w, "%s %s: yes\n", f.Kind, f.Name)
	for _, a := range f.Assignments {
		if a.Muted != "" {
			fmt.Fprintf(w, "  not sent: %s\n", a.Muted)
			continue
		}
		printAssignment(w, a)
	}
	for _, receiver := range f.Left {
		fmt.Fprintf(w, "  %s is left out: an earlier assignment has all its targets\n", receiver)
	}
}

func printAssignment(w io.Writer, a alert.Assignment) {
	for i, step := range a.Steps {
		line := fmt.Sprintf("%s by %s", step.Receiver, targetNames(step.Targets))
		if i == 0 {
			fmt.Fprintf(w, "  %s\n", line)
			printBounds(w, a)
		} else {
			fmt.Fprintf(w, "    if not acknowledged within %s, %s\n", duration.Short(a.Steps[i-1].Within), line)
		}
	}
	if last := a.Steps[len(a.Steps)-1]; last.Within > 0 {
		fmt.Fprintf(w, "    if not acknowledged within %s, the escalation ends\n", duration.Short(last.Within))
	}
}

// printBounds prints how grouping and throttling limit the receiver's messages.
func printBounds(w io.Writer, a alert.Assignment) {
	if g := a.Group; g != nil {
		fmt.Fprintf(w, "    the first of its group, %s, at once; those that follow within %s as a digest\n", g.Name, duration.Short(g.Window))
	} else {
		fmt.Fprintln(w, "    by itself: it has no group")
	}
	if t := a.Throttle; t != nil {
		fmt.Fprintf(w, "    at most %s in %s, the rest as a digest\n", many(t.Most, "message"), duration.Short(t.Per))
	}
}

func targetNames(targets []alert.Target) string {
	all := make([]string, len(targets))
	for i, target := range targets {
		all[i] = string(target)
	}
	return strings.Join(all, ", ")
}
