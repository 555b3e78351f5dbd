package main

import (
	"fmt"
	"slices"
	"strings"

	"dummyorders/rules"
)

type diffRulesCommand struct {
	From string `arg:"" name:"a" help:"A folder, or default: the built-in ruleset."`
	To   string `arg:"" name:"b" help:"Another."`
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
	for _, change := range changes {
		fmt.Fprintln(out.results, difference(change, from, to))
	}
	switch {
	case len(changes) > 0:
		return fmt.Errorf("%s and %s differ in %s", c.From, c.To, many(len(changes), "thing"))
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
		return c.What + ": " + c.Field + ", where its lines differ:" + differing(strings.Split(c.From, "\n"), strings.Split(c.To, "\n"))
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
	} {
		if key[1] != "" {
			lines = append(lines, fmt.Sprintf("  %-9s%s", key[0], strings.ReplaceAll(key[1], "\n", "\n"+strings.Repeat(" ", 11))))
		}
	}
	return strings.Join(lines, "\n")
}

// differing returns the lines that only one of two texts has, each in its place.
func differing(from, to []string) string {
	same := inCommon(from, to)
	text, i, j := "", 0, 0
	for i < len(from) || j < len(to) {
		switch {
		case i < len(from) && j < len(to) && from[i] == to[j]:
			i, j = i+1, j+1
		case j == len(to) || i < len(from) && same[i+1][j] >= same[i][j+1]:
			text, i = text+"\n  - "+from[i], i+1
		default:
			text, j = text+"\n  + "+to[j], j+1
		}
	}
	return text
}

// inCommon returns, for each pair of positions, how many lines the two texts have in common from there on, in order.
func inCommon(from, to []string) [][]int {
	same := make([][]int, len(from)+1)
	for i := range same {
		same[i] = make([]int, len(to)+1)
	}
	for i, was := range slices.Backward(from) {
		for j, is := range slices.Backward(to) {
			if same[i][j] = max(same[i+1][j], same[i][j+1]); was == is {
				same[i][j] = same[i+1][j+1] + 1
			}
		}
	}
	return same
}
