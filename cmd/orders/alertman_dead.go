package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"dummyorders/domain/card"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/internal/safetext"
)

type deadCommand struct {
	List   listDeadCommand   `cmd:"" help:"List dead letters, the oldest first, and why they are dead. Nothing is taken away."`
	Show   showDeadCommand   `cmd:"" help:"Show a dead letter with its body."`
	Replay replayDeadCommand `cmd:"" help:"Hand dead letters to alertman again, under their ids: what it had before it tells nobody twice. Exit 1 where one was left."`
	Purge  purgeDeadCommand  `cmd:"" help:"Drop dead letters for good, and print which."`
}

// deadLetters is the part of rabbitmq.DeadLetters that the commands use.
type deadLetters interface {
	List(ctx context.Context, most int) ([]rabbitmq.DeadLetter, int, error)
	Show(ctx context.Context, id string) (rabbitmq.DeadLetter, error)
	Replay(ctx context.Context, c rabbitmq.Choice, force bool, tell func(rabbitmq.DeadLetter, error)) error
	Purge(ctx context.Context, c rabbitmq.Choice, tell func(rabbitmq.DeadLetter)) error
}

// withDead runs a command on the dead queue of the settings and passes the queue's name as third argument. It logs
// nothing: the command's errors say everything.
func withDead(ctx context.Context, command func(context.Context, deadLetters, string, output) error) error {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	v := &values{}
	reading, publishing := env.consumer(v), env.publisher(v)
	if err := v.err(); err != nil {
		return err
	}
	dead := rabbitmq.NewDeadLetters(reading, publishing, slog.New(slog.DiscardHandler))
	return command(ctx, dead, env.RabbitMQDeadQueue, standard())
}

// mostListed bounds --most, so that a list fits in memory.
const mostListed = 100_000

type listDeadCommand struct {
	Most int  `help:"How many to list." default:"100"`
	JSON bool `name:"json" help:"A JSON object on each line."`
}

// Validate checks the range of --most.
func (c listDeadCommand) Validate() error {
	if c.Most < 1 || c.Most > mostListed {
		return fmt.Errorf("--most: must be from 1 to %d, not %d", mostListed, c.Most)
	}
	return nil
}

// Run lists the dead letters in the queue.
func (c listDeadCommand) Run(ctx context.Context) error {
	return withDead(ctx, c.list)
}

func (c listDeadCommand) list(ctx context.Context, dead deadLetters, queue string, out output) error {
	letters, total, err := dead.List(ctx, c.Most)
	if err != nil {
		return err
	}
	if c.JSON {
		lines := json.NewEncoder(out.results)
		for _, letter := range letters {
			if err := lines.Encode(letter); err != nil {
				return fmt.Errorf("list dead letters: %w", err)
			}
		}
	} else if err := listed(out, letters); err != nil {
		return err
	}
	fmt.Fprintln(out.progress, howMany(queue, len(letters), total, c.Most))
	return nil
}

func listed(out output, letters []rabbitmq.DeadLetter) error {
	if len(letters) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out.results, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTIME\tTYPE\tORDER\tBYTES\tREASON")
	for _, l := range letters {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", l.ID, whenDead(l), cmp.Or(l.Type, "-"), cmp.Or(l.OrderID, "-"), l.Size, l.Reason)
	}
	return w.Flush()
}

// howMany returns a sentence that says how many dead letters the queue holds and how many of them are shown.
func howMany(queue string, shown, total, most int) string {
	switch {
	case total == 0:
		return "No dead letter waits in " + queue + "."
	case shown < min(total, most):
		return fmt.Sprintf("%s in %s, of which %d are held by another look just now", many(total, "dead letter"), queue, min(total, most)-shown)
	case shown < total:
		return fmt.Sprintf("%s in %s; these are the %d oldest", many(total, "dead letter"), queue, shown)
	default:
		return fmt.Sprintf("%s in %s", many(total, "dead letter"), queue)
	}
}

func whenDead(l rabbitmq.DeadLetter) string {
	if l.Time.IsZero() {
		return "-"
	}
	return l.Time.Format(time.RFC3339)
}

// deadChoice holds the arguments that choose dead letters.
type deadChoice struct {
	IDs []string `arg:"" optional:"" name:"id" help:"Letters, as the list names them."`
	All bool     `help:"All that are there."`
}

// Validate requires either ids or --all, but not both.
func (c deadChoice) Validate() error {
	if c.All == (len(c.IDs) > 0) {
		return errors.New("either ids, as orders alertman dead list names them, or --all")
	}
	return nil
}

// described returns a one-line description of a letter.
func described(l rabbitmq.DeadLetter) string {
	what := []string{l.ID}
	if l.Type != "" {
		what = append(what, l.Type)
	}
	if l.OrderID != "" {
		what = append(what, "order "+l.OrderID)
	}
	return strings.Join(what, ", ")
}

type replayDeadCommand struct {
	deadChoice

	Force bool `help:"Also what is not an event, which alertman puts straight back."`
}

// Run replays the chosen letters and prints the result for each.
func (c replayDeadCommand) Run(ctx context.Context) error {
	return withDead(ctx, c.replay)
}

func (c replayDeadCommand) replay(ctx context.Context, dead deadLetters, queue string, out output) error {
	replayed, left := 0, 0
	err := dead.Replay(ctx, rabbitmq.Choice(c.deadChoice), c.Force, func(l rabbitmq.DeadLetter, err error) {
		if err != nil {
			left++
			fmt.Fprintf(out.results, "left      %s: %v\n", described(l), err)
			return
		}
		replayed++
		if l.NoEvent != "" {
			fmt.Fprintf(out.results, "replayed  %s: no event, so alertman puts it back: %s\n", described(l), l.NoEvent)
			return
		}
		fmt.Fprintf(out.results, "replayed  %s\n", described(l))
	})
	fmt.Fprintf(out.progress, "%s replayed, %d of those chosen left in %s\n", many(replayed, "dead letter"), left, queue)
	if left > 0 {
		err = errors.Join(err, fmt.Errorf("%s left in %s", many(left, "dead letter"), queue))
	}
	return err
}

type purgeDeadCommand struct {
	deadChoice

	Yes bool `help:"Needed with --all: what is purged is gone."`
}

// Validate requires --yes with --all.
func (c purgeDeadCommand) Validate() error {
	if c.All && !c.Yes {
		return errors.New("--all: drops all dead letters for good, and needs --yes beside it")
	}
	return c.deadChoice.Validate()
}

// Run purges the chosen letters and prints each of them.
func (c purgeDeadCommand) Run(ctx context.Context) error {
	return withDead(ctx, c.purge)
}

func (c purgeDeadCommand) purge(ctx context.Context, dead deadLetters, queue string, out output) error {
	purged := 0
	err := dead.Purge(ctx, rabbitmq.Choice(c.deadChoice), func(l rabbitmq.DeadLetter) {
		purged++
		fmt.Fprintf(out.results, "purged  %s: %s\n", described(l), l.Reason)
	})
	fmt.Fprintf(out.progress, "%s purged from %s\n", many(purged, "dead letter"), queue)
	return err
}

type showDeadCommand struct {
	ID  string `arg:"" name:"id" help:"The letter, as the list names it."`
	Raw bool   `help:"The body alone, as it is in the queue: card numbers and all."`
}

// Run shows what is known about the letter. It does not replay it.
func (c showDeadCommand) Run(ctx context.Context) error {
	return withDead(ctx, c.show)
}

func (c showDeadCommand) show(ctx context.Context, dead deadLetters, _ string, out output) error {
	l, err := dead.Show(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.Raw {
		_, err := out.results.Write(l.Body)
		return err
	}
	w := tabwriter.NewWriter(out.results, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "ID\t%s\n", l.ID)
	fmt.Fprintf(w, "Time\t%s\n", whenDead(l))
	fmt.Fprintf(w, "Reason\t%s\n", l.Reason)
	fmt.Fprintf(w, "Type\t%s\n", cmp.Or(l.Type, "-"))
	fmt.Fprintf(w, "Order\t%s\n", cmp.Or(l.OrderID, "-"))
	fmt.Fprintf(w, "Routing key\t%s\n", cmp.Or(l.RoutingKey, "-"))
	if l.NoEvent == "" {
		fmt.Fprintf(w, "Replay\talertman would take it: orders alertman dead replay %s\n", l.ID)
	} else {
		fmt.Fprintf(w, "Replay\tit is not an event, and would come straight back: %s\n", l.NoEvent)
	}
	fmt.Fprintf(w, "Body\t%s, card numbers struck out; --raw shows it as it is\n", many(l.Size, "byte"))
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out.results, "\n%s\n", forPeople(l.Body))
	return err
}

// forPeople returns a body to show on a terminal: without card numbers or control sequences, and with JSON indented.
func forPeople(body []byte) string {
	var indented bytes.Buffer
	if json.Indent(&indented, body, "", "  ") == nil {
		body = indented.Bytes()
	}
	return card.Redact(safetext.Block(string(body)))
}
