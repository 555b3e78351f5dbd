package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"dummyorders/domain/alert"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/safetext"
	"dummyorders/internal/yamlfile"
	"dummyorders/workflows"
)

type tryReceiverCommand struct {
	Receiver string        `arg:"" help:"The receiver, as the configuration names it."`
	Config   string        `help:"The file with the receiver. By default that of ALERTMAN_CONFIG. The running alertman must use the same file." placeholder:"FILE"`
	Wait     time.Duration `help:"How long to try; then the test alert expires." default:"30s"`
	jsonFlag
}

// triedReceiver is the result of a test alert, as JSON shows it.
type triedReceiver struct {
	EventID    string           `json:"eventID"`
	WorkflowID string           `json:"workflowID"`
	Deliveries []alert.Delivery `json:"deliveries"`
}

// These are the bounds of --wait.
const (
	leastWait = time.Second
	mostWait  = time.Hour
)

// Validate refuses arguments that cannot mean anything.
func (c tryReceiverCommand) Validate() error {
	if c.Wait < leastWait || c.Wait > mostWait {
		return fmt.Errorf("--wait: must be from %s to %s, not %s", leastWait, mostWait, c.Wait)
	}
	return nil
}

// Run has a running alertman send the receiver a test alert, in the same way as for a real event.
func (c tryReceiverCommand) Run(ctx context.Context) error {
	return once(ctx, "alertman test", func(p *process) func(context.Context) error {
		c.Config = cmp.Or(c.Config, p.env.AlertmanConfig)
		return func(ctx context.Context) error {
			assignment, err := c.assignment(ctx, standard())
			if err != nil {
				return err
			}
			return c.try(ctx, &temporal.Alerts{Client: p.temporal}, assignment, standard())
		}
	})
}

// assignment returns the receiver's assignment, from the file or from the mail variables.
func (c tryReceiverCommand) assignment(ctx context.Context, out output) (alert.Assignment, error) {
	config, err := readRoutes(ctx, c.Config, out)
	if err != nil {
		return alert.Assignment{}, err
	}
	where := cmp.Or(c.Config, "without ALERTMAN_CONFIG or --config")
	if found, known := config.Receiver(c.Receiver); known {
		return found, nil
	}
	names, hint := config.Receivers(), "."
	if near := yamlfile.Nearest(c.Receiver, names); near != "" {
		hint = fmt.Sprintf(": did you mean %q?", near)
	}
	return alert.Assignment{}, fmt.Errorf("%s: no receiver is called %q%s There are: %s", where, c.Receiver, hint, strings.Join(names, ", "))
}

// These are the waits of a try. The workflow ends by itself once the test alert has expired; tryGrace is its time for
// that.
const (
	answerWithin = 5 * time.Second
	askAgain     = 200 * time.Millisecond
	tryGrace     = 10 * time.Second
)

func (c tryReceiverCommand) try(ctx context.Context, alerts *temporal.Alerts, to alert.Assignment, out output) error {
	now := time.Now().UTC()
	event := alert.Sample(alert.Test, uuid.NewString(), now)
	expiry := now.Add(c.Wait)
	event.Data.ExpiresAt = &expiry
	if _, err := alerts.Start(ctx, event, []alert.Assignment{to}); err != nil {
		return fmt.Errorf("hand the test alert to Temporal (TEMPORAL_ADDRESS says where it is): %w", err)
	}
	fmt.Fprintf(out.progress, "Test alert %s is on its way to %s, workflow %s\n", event.ID, c.Receiver, workflows.AlertWorkflowID(event.ID))
	ctx, cancel := context.WithDeadlineCause(ctx, expiry.Add(tryGrace), errTryOver)
	defer cancel()
	deliveries, err := outcomeOf(ctx, alerts, event.ID)
	if len(deliveries) == 0 && errors.Is(err, errTryOver) {
		return fmt.Errorf("no alertman answered for the test alert within %s: `orders alertman` must be running, with the same "+
			"Temporal (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE): %w", c.Wait+tryGrace, err)
	}
	if c.JSON {
		shown := triedReceiver{event.ID, workflows.AlertWorkflowID(event.ID), array(deliveries)}
		return errors.Join(printJSON(out.results, shown), verdictOn(deliveries), notOver(err))
	}
	for _, d := range deliveries {
		printDelivery(out.results, d, now)
	}
	return errors.Join(verdictOn(deliveries), notOver(err))
}

var errTryOver = errors.New("the time is over")

// outcomeOf polls until each delivery has succeeded or failed for good. Its error says why some outcomes are unknown.
func outcomeOf(ctx context.Context, alerts *temporal.Alerts, id string) ([]alert.Delivery, error) {
	var last []alert.Delivery
	silence := errors.New("no alertman answered")
	for {
		deliveries, err := deliveriesOf(ctx, alerts, id)
		if err == nil {
			last = deliveries
			if over(deliveries) {
				return deliveries, nil
			}
		} else if ctx.Err() == nil {
			silence = err
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return last, fmt.Errorf("%w: %w", context.Cause(ctx), silence)
		}
	}
}

func deliveriesOf(ctx context.Context, alerts *temporal.Alerts, id string) ([]alert.Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	log, err := alerts.Log(ctx, id)
	if err != nil {
		return nil, err
	}
	var deliveries []alert.Delivery
	for _, chain := range log.Chains {
		for _, step := range chain.Steps {
			deliveries = append(deliveries, step.Deliveries...)
		}
	}
	return deliveries, nil
}

func over(deliveries []alert.Delivery) bool {
	for _, d := range deliveries {
		if d.State == alert.Pending {
			return false
		}
	}
	return len(deliveries) > 0
}

func printDelivery(to io.Writer, d alert.Delivery, since time.Time) {
	fmt.Fprintf(to, "%s: %s", d.Target, d.State)
	if d.At != nil {
		fmt.Fprintf(to, " after %s", d.At.Sub(since).Round(time.Millisecond))
	}
	fmt.Fprintln(to)
	for _, a := range d.Attempts {
		fmt.Fprintf(to, "  attempt %d at %s: %s\n", a.Number, a.At.UTC().Format(time.RFC3339), answerLine(a))
	}
}

// mostShown is the number of characters of an answer that are shown.
const mostShown = 1000

// answerLine returns the other side's answer in one line. An older alertman may have stored the answer unchanged, so it
// is made safe here too.
func answerLine(a alert.Attempt) string {
	return safetext.Cut(safetext.Line(a.Answer), mostShown, "…")
}

// verdictOn returns an error if a target was not reached. The error gives the last known attempt for each of them.
func verdictOn(deliveries []alert.Delivery) error {
	var undelivered []string
	for _, d := range deliveries {
		if d.State == alert.Delivered {
			continue
		}
		why := string(d.State)
		if len(d.Attempts) > 0 {
			why += ": " + answerLine(d.Attempts[len(d.Attempts)-1])
		}
		undelivered = append(undelivered, fmt.Sprintf("%s (%s)", d.Target, why))
	}
	if len(undelivered) == 0 {
		return nil
	}
	return fmt.Errorf("not delivered to %d of %s: %s", len(undelivered), many(len(deliveries), "target"), strings.Join(undelivered, "; "))
}

// notOver returns nil for a try that used up its time: verdictOn's error says it better.
func notOver(err error) error {
	if errors.Is(err, errTryOver) {
		return nil
	}
	return err
}
