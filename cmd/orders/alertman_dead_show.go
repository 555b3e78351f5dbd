package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"dummyorders/domain/card"
	"dummyorders/internal/safetext"
)

type showDeadCommand struct {
	ID  string `arg:"" name:"id" help:"The letter, as the list names it."`
	Raw bool   `help:"The body alone, as it is in the queue: card numbers and all."`
}

// Run shows what can be known of the letter without replaying it.
func (c showDeadCommand) Run(ctx context.Context) error {
	dead, _, err := openDead(ctx)
	if err != nil {
		return err
	}
	return c.show(ctx, dead, standard())
}

func (c showDeadCommand) show(ctx context.Context, dead deadLetters, out output) error {
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
	fmt.Fprintf(w, "Type\t%s\n", orDash(l.Type))
	fmt.Fprintf(w, "Order\t%s\n", orDash(l.OrderID))
	fmt.Fprintf(w, "Routing key\t%s\n", orDash(l.RoutingKey))
	if l.NoEvent == "" {
		fmt.Fprintf(w, "Replay\talertman would take it: orders alertman dead replay %s\n", l.ID)
	} else {
		fmt.Fprintf(w, "Replay\tit is no event, and would come straight back: %s\n", l.NoEvent)
	}
	fmt.Fprintf(w, "Body\t%s, card numbers struck out; --raw shows it as it is\n", many(l.Size, "byte"))
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out.results, "\n%s\n", forPeople(l.Body))
	return err
}

// forPeople is a body without card numbers and without what a terminal would act upon, JSON indented.
func forPeople(body []byte) string {
	var indented bytes.Buffer
	if json.Indent(&indented, body, "", "  ") == nil {
		body = indented.Bytes()
	}
	return card.Redact(safetext.Block(string(body)))
}
