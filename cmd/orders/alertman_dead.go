package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/gateways/rabbitmq"
)

type deadCommand struct {
	List   listDeadCommand   `cmd:"" help:"List dead letters, the oldest first, and why they are dead. They stay in the queue."`
	Show   showDeadCommand   `cmd:"" help:"Show a dead letter with its body."`
	Replay replayDeadCommand `cmd:"" help:"Send dead letters to alertman again, under their ids: it delivers no alert twice. Exits with 1 if one was left in the queue."`
	Purge  purgeDeadCommand  `cmd:"" help:"Delete dead letters for good, and list them."`
}

// deadQueue is a dead queue, and where the commands print what they did with it.
type deadQueue struct {
	letters interface {
		Look(ctx context.Context, visit func(alert.DeadLetter) (drop, enough bool)) (total int, err error)
		Replay(ctx context.Context, chosen func(alert.DeadLetter) bool, report func(alert.DeadLetter, error)) error
	}
	name string
	// audited is the function audited with the trail of the settings, which is opened only for commands that change the queue.
	audited func(ctx context.Context, e audit.Entry, change func(e *audit.Entry) error) error
	output
}

// ProvideQueue returns the dead queue of the settings, which kong passes to the commands.
func (deadCommand) ProvideQueue(ctx context.Context) (*deadQueue, error) {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return nil, err
	}
	v := &values{}
	letters := rabbitmq.NewDeadLetters(env.consumer(v), env.publisher(v))
	keeping := func(ctx context.Context, e audit.Entry, change func(e *audit.Entry) error) error {
		return withLedger(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error { return audited(ctx, store, e, change) })
	}
	return &deadQueue{letters, env.RabbitMQDeadQueue, keeping, standard()}, v.err()
}

// mostListed bounds --most, so that a list fits in memory.
const mostListed = 100_000

type listDeadCommand struct {
	Most int `help:"How many to list." default:"100"`
	jsonFlag
}

// Validate checks the range of --most.
func (c listDeadCommand) Validate() error {
	if c.Most < 1 || c.Most > mostListed {
		return fmt.Errorf("--most: must be from 1 to %d, not %d", mostListed, c.Most)
	}
	return nil
}

// Run lists the dead letters in the queue.
func (c listDeadCommand) Run(ctx context.Context, q *deadQueue) error {
	var letters []alert.DeadLetter
	total, err := q.letters.Look(ctx, func(l alert.DeadLetter) (drop, enough bool) {
		l.Body = nil
		letters = append(letters, l)
		return false, len(letters) == c.Most
	})
	if err != nil {
		return err
	}
	if c.JSON || len(letters) > 0 {
		if err := printRows(q.results, c.JSON, letters, "ID\tTIME\tTYPE\tORDER\tBYTES\tREASON", showLetter); err != nil {
			return err
		}
	}
	switch {
	case total == 0:
		fmt.Fprintf(q.progress, "No dead letter waits in %s.\n", q.name)
	case len(letters) < total:
		fmt.Fprintf(q.progress, "%s in %s; these are the %d oldest\n", many(total, "dead letter"), q.name, len(letters))
	default:
		fmt.Fprintf(q.progress, "%s in %s\n", many(total, "dead letter"), q.name)
	}
	return nil
}

// showLetter returns a letter as JSON and as a line of a table.
func showLetter(l alert.DeadLetter) (any, string) {
	return l, fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%s", l.ID, timeOf(l), cmp.Or(l.Type, "-"), cmp.Or(l.OrderID, "-"), l.Size, l.Reason)
}

func timeOf(l alert.DeadLetter) string {
	if l.Time.IsZero() {
		return "-"
	}
	return l.Time.Format(time.RFC3339)
}

type showDeadCommand struct {
	ID  string `arg:"" name:"id" help:"The id of the letter, as list shows it."`
	Raw bool   `help:"Only the body, as it is in the queue, with any card numbers."`
	jsonFlag
}

// Validate refuses arguments that contradict each other.
func (c showDeadCommand) Validate() error {
	if c.Raw && c.JSON {
		return errors.New("--raw: prints the body alone, whatever it is: leave out --json")
	}
	return nil
}

// shownLetter is a letter with its body as people may see it.
type shownLetter struct {
	alert.DeadLetter

	Body string `json:"body"`
}

// Run shows what is known about the oldest letter with the id. It does not replay it.
func (c showDeadCommand) Run(ctx context.Context, q *deadQueue) error {
	var found *alert.DeadLetter
	_, err := q.letters.Look(ctx, func(l alert.DeadLetter) (drop, enough bool) {
		if l.ID == c.ID {
			found = &l
		}
		return false, found != nil
	})
	switch {
	case err != nil:
		return err
	case found == nil:
		return q.without(c.ID)
	case c.Raw:
		_, err := q.results.Write(found.Body)
		return err
	case c.JSON:
		return printJSON(q.results, shownLetter{*found, api.ForPeople(found.Body)})
	}
	replay := "alertman would take it: orders alertman dead replay " + found.ID
	if found.NoEvent != "" {
		replay = "it is not an event, and would come straight back: " + found.NoEvent
	}
	_, err = fmt.Fprintf(q.results, `ID           %s
Time         %s
Reason       %s
Type         %s
Order        %s
Routing key  %s
Replay       %s
Body         %s, card numbers masked; --raw shows it as it is

%s
`, found.ID, timeOf(*found), found.Reason, cmp.Or(found.Type, "-"), cmp.Or(found.OrderID, "-"), cmp.Or(found.RoutingKey, "-"),
		replay, many(found.Size, "byte"), api.ForPeople(found.Body))
	return err
}

// without returns an error for each id that no letter has.
func (q *deadQueue) without(ids ...string) error {
	var all []error
	for _, id := range ids {
		all = append(all, fmt.Errorf("%s: no such dead letter in queue %s, or another look holds it just now", id, q.name))
	}
	return errors.Join(all...)
}

// deadChoice holds the arguments that choose dead letters.
type deadChoice struct {
	IDs []string `arg:"" optional:"" name:"id" help:"The ids of the letters, as list shows them."`
	All bool     `help:"All dead letters in the queue."`
}

// Validate requires either ids or --all, but not both.
func (c deadChoice) Validate() error {
	if c.All == (len(c.IDs) > 0) {
		return errors.New("either ids, as orders alertman dead list names them, or --all")
	}
	return nil
}

// has reports whether a letter is chosen, and removes its id from missing.
func (c deadChoice) has(l alert.DeadLetter, missing *[]string) bool {
	*missing = slices.DeleteFunc(*missing, func(id string) bool { return id == l.ID })
	return c.All || slices.Contains(c.IDs, l.ID)
}

// object names the chosen letters in the audit trail.
func (c deadChoice) object(q *deadQueue) string {
	if c.All {
		return "queue " + q.name
	}
	return "queue " + q.name + ": " + strings.Join(c.IDs, " ")
}

// lines returns where a command prints a line for each letter: nowhere if it prints JSON at the end.
func (f jsonFlag) lines(q *deadQueue) io.Writer {
	if f.JSON {
		return io.Discard
	}
	return q.results
}

func idsOf(letters []alert.DeadLetter) string {
	ids := make([]string, len(letters))
	for i, l := range letters {
		ids[i] = l.ID
	}
	return strings.Join(ids, " ")
}

// described returns a one-line description of a letter.
func described(l alert.DeadLetter) string {
	what := l.ID
	if l.Type != "" {
		what += ", " + l.Type
	}
	if l.OrderID != "" {
		what += ", order " + l.OrderID
	}
	return what
}

type replayDeadCommand struct {
	deadChoice

	Force bool `help:"Also letters that are not events, which alertman puts straight back."`
	jsonFlag
}

// replayed is what a replay did, as JSON shows it.
type replayed struct {
	Replayed []alert.DeadLetter `json:"replayed"`
	Left     []leftLetter       `json:"left"`
}

type leftLetter struct {
	alert.DeadLetter

	Why string `json:"why"`
}

// Run replays the chosen letters and prints the result for each.
func (c replayDeadCommand) Run(ctx context.Context, q *deadQueue) error {
	return q.audited(ctx, audit.Entry{Action: "alertman dead replay", Object: c.object(q)}, func(e *audit.Entry) error {
		done, err := c.replay(ctx, q)
		e.After = "replayed: " + idsOf(done.Replayed)
		if c.JSON {
			err = errors.Join(printJSON(q.results, done), err)
		}
		return err
	})
}

func (c replayDeadCommand) replay(ctx context.Context, q *deadQueue) (replayed, error) {
	done, missing, lines := replayed{[]alert.DeadLetter{}, []leftLetter{}}, slices.Clone(c.IDs), c.lines(q)
	leave := func(l alert.DeadLetter, why string) {
		done.Left = append(done.Left, leftLetter{l, why})
		fmt.Fprintf(lines, "left      %s: %v\n", described(l), why)
	}
	err := q.letters.Replay(ctx, func(l alert.DeadLetter) bool {
		if !c.has(l, &missing) {
			return false
		}
		if l.NoEvent != "" && !c.Force {
			leave(l, "it is not an event, and would come straight back: "+l.NoEvent)
			return false
		}
		return true
	}, func(l alert.DeadLetter, err error) {
		if err != nil {
			leave(l, err.Error())
			return
		}
		done.Replayed = append(done.Replayed, l)
		note := ""
		if l.NoEvent != "" {
			note = ": not an event, so alertman puts it back: " + l.NoEvent
		}
		fmt.Fprintf(lines, "replayed  %s%s\n", described(l), note)
	})
	fmt.Fprintf(q.progress, "%s replayed, %d of those chosen left in %s\n", many(len(done.Replayed), "dead letter"), len(done.Left), q.name)
	if err == nil {
		err = q.without(missing...)
	}
	if len(done.Left) > 0 {
		err = errors.Join(err, fmt.Errorf("%s left in %s", many(len(done.Left), "dead letter"), q.name))
	}
	return done, err
}

type purgeDeadCommand struct {
	deadChoice

	Yes bool `help:"Needed with --all, because purged letters cannot be restored."`
	jsonFlag
}

// Validate requires --yes with --all.
func (c purgeDeadCommand) Validate() error {
	if c.All && !c.Yes {
		return errors.New("--all: deletes all dead letters for good: add --yes to do it")
	}
	return c.deadChoice.Validate()
}

// Run purges the chosen letters and prints each of them.
func (c purgeDeadCommand) Run(ctx context.Context, q *deadQueue) error {
	return q.audited(ctx, audit.Entry{Action: "alertman dead purge", Object: c.object(q)}, func(e *audit.Entry) error {
		purged, err := c.purge(ctx, q)
		e.After = "purged: " + idsOf(purged)
		if c.JSON {
			err = errors.Join(printJSON(q.results, array(purged)), err)
		}
		return err
	})
}

func (c purgeDeadCommand) purge(ctx context.Context, q *deadQueue) (purged []alert.DeadLetter, _ error) {
	missing, lines := slices.Clone(c.IDs), c.lines(q)
	_, err := q.letters.Look(ctx, func(l alert.DeadLetter) (drop, enough bool) {
		chosen := c.has(l, &missing)
		if chosen {
			l.Body = nil
			purged = append(purged, l)
			fmt.Fprintf(lines, "purged  %s: %s\n", described(l), l.Reason)
		}
		return chosen, false
	})
	fmt.Fprintf(q.progress, "%s purged from %s\n", many(len(purged), "dead letter"), q.name)
	if err != nil {
		return purged, err
	}
	return purged, q.without(missing...)
}
