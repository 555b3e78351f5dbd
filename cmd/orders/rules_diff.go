package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"dummyorders/domain/fraud"
	"dummyorders/rules"
)

type diffRulesCommand struct {
	From string `arg:"" name:"a" help:"A ruleset's folder, or default for the built-in one."`
	To   string `arg:"" name:"b" help:"The other ruleset, given in the same way."`
	jsonFlag
}

// compared is how two rulesets differ, as JSON shows it.
type compared struct {
	From    fraud.Ruleset  `json:"from"`
	To      fraud.Ruleset  `json:"to"`
	Changes []rules.Change `json:"changes"`
}

// Run fails if the two rulesets differ, as diff(1) does.
func (c diffRulesCommand) Run() error {
	return c.diff(standard())
}

func (c diffRulesCommand) diff(out output) error {
	from, err := loadRuleset(c.From)
	if err != nil {
		return err
	}
	to, err := loadRuleset(c.To)
	if err != nil {
		return err
	}
	changes := rules.Diff(from, to)
	if len(changes) > 0 {
		err = fmt.Errorf("%s and %s differ in %s", c.From, c.To, many(len(changes), "thing"))
	}
	if c.JSON {
		return errors.Join(printJSON(out.results, compared{from.Ruleset(), to.Ruleset(), array(changes)}), err)
	}
	for _, change := range changes {
		fmt.Fprintln(out.results, difference(change, from, to))
	}
	switch {
	case err != nil:
		return err
	case from.Ruleset().Digest != to.Ruleset().Digest:
		fmt.Fprintln(out.results, "They decide alike: only comments, cases or the order of rules differ.")
	default:
		fmt.Fprintln(out.results, "They decide alike.")
	}
	return nil
}

// difference returns a readable description of a change. Long values are on lines of their own.
func difference(c rules.Change, from, to *rules.Set) string {
	switch {
	case c.Field == "" && c.From == "":
		if rule := whole(c.What, to); rule != "" {
			return c.What + " is new:\n" + rule
		}
	case c.Field == "" && c.To == "":
		if rule := whole(c.What, from); rule != "" {
			return c.What + " is gone:\n" + rule
		}
	case strings.Contains(c.From, "\n") || strings.Contains(c.To, "\n"):
		return c.What + ": " + c.Field + ", where its lines differ:" + differing(c.From, c.To)
	}
	return c.String()
}

// whole returns all fields of a rule, one on each line. It returns "" if what does not name a rule.
func whole(what string, set *rules.Set) string {
	id, _ := strings.CutPrefix(what, "the rule ")
	all := set.Rules()
	i := slices.IndexFunc(all, func(r rules.Rule) bool { return r.ID == id })
	if i < 0 {
		return ""
	}
	r, lines := all[i], []string{}
	for _, key := range [][2]string{
		{"name", r.Name},
		{"when", strings.TrimSpace(r.When)},
		{"score", fmt.Sprint(r.Score)},
		{"action", string(r.Action)},
		{"mode", string(r.Mode)},
		{"reason", r.Reason},
		{"message", r.Message},
		{"public_message", r.PublicMessage},
	} {
		if key[1] != "" {
			lines = append(lines, fmt.Sprintf("  %-8s %s", key[0], strings.ReplaceAll(key[1], "\n", "\n"+strings.Repeat(" ", 11))))
		}
	}
	return strings.Join(lines, "\n")
}

// differing returns the lines that only one of two texts has, each in its place.
func differing(from, to string) string {
	from, to = from+"\n", to+"\n"
	text := ""
	for _, edit := range udiff.Lines(from, to) {
		for line := range strings.Lines(from[edit.Start:edit.End]) {
			text += "\n  - " + strings.TrimSuffix(line, "\n")
		}
		for line := range strings.Lines(edit.New) {
			text += "\n  + " + strings.TrimSuffix(line, "\n")
		}
	}
	return text
}
