package rules

import (
	"fmt"

	"dummyorders/domain/fraud"
	"dummyorders/internal/yamlfile"
	"dummyorders/rules/lang"
)

// checkThresholds finds thresholds that no score can reach: their author believes that they stop something. A set with such a
// threshold can still decide, since in an emergency it must be possible to put a rule in shadow at once.
func (r *reader) checkThresholds() {
	if r.thresholds == nil {
		return
	}
	most, review, block := 0, false, false
	for _, rule := range r.set.rules {
		if rule.Mode == Live {
			most += max(0, rule.Score)
			review = review || rule.Action == fraud.ActReview
			block = block || rule.Action == fraud.ActBlock
		}
	}
	for _, l := range r.set.lists {
		block = block || l.Effect == fraud.ActBlock
	}
	most = min(most, fraud.MaxScore)
	r.checkThreshold("review", most, r.set.thresholds.Review, review)
	r.checkThreshold("decline", most, r.set.thresholds.Decline, block)
}

func (r *reader) checkThreshold(name string, most, threshold int, forced bool) {
	if most >= threshold {
		return
	}
	at := r.thresholds.Optional(name)
	text := "no score can reach this: those of all live rules come to %d, so it must be at most that, or rules must score more"
	found := at.Warning(text, most)
	if forced {
		r.warnings = append(r.warnings, found)
		return
	}
	r.unreachable = append(r.unreachable, found)
}

// checkCost refuses a set that would take too long for each transaction.
func (r *reader) checkCost() {
	sum, dearest := uint64(0), (*rule)(nil)
	for _, rule := range r.set.rules {
		sum += rule.Cost
		if dearest == nil || rule.Cost > dearest.Cost {
			dearest = rule
		}
	}
	if sum > lang.MaxSetCost {
		r.faults = append(r.faults, Fault{File: dearest.File, Line: dearest.Line, Text: fmt.Sprintf(
			"all rules together may cost up to %d units, and %d is the limit: the dearest is this, %s, of %d", sum, lang.MaxSetCost, dearest.ID, dearest.Cost)})
	}
}

// lintRule warns of a rule that changes no decision, or that has no cases.
func (r *reader) lintRule(read *rule, v *yamlfile.Value) {
	if read.Mode == Live && read.Score == 0 && read.Action == "" {
		r.warnings = append(r.warnings, v.Warning("the rule %s has no effect: it has neither a score nor an action", read.ID))
	}
	if v.Optional("cases") == nil {
		r.warnings = append(r.warnings, v.Warning("the rule %s has no cases: give it one that hits and one that just does not", read.ID))
	}
}

// warn adds the warnings about the whole set: lists without use, and rules that fail for the unremarkable transaction.
func (r *reader) warn() {
	r.warnOfLists()
	if len(r.faults) > 0 {
		return
	}
	v := lang.NewView(Unremarkable(), r.set.names, r.set.counted(fixture{}), map[string]bool{})
	for _, rule := range r.set.rules {
		if _, err := rule.condition.Hits(v); err != nil {
			r.warnings = append(r.warnings, Fault{File: rule.File, Line: rule.Line, Text: fmt.Sprintf(
				"the rule %s cannot be evaluated for an ordinary transaction without earlier ones: %v", rule.ID, err)})
		}
	}
}

func (r *reader) warnOfLists() {
	asked := map[string]bool{}
	for _, rule := range r.set.rules {
		for _, name := range rule.Lists {
			asked[name] = true
		}
	}
	for _, l := range r.set.lists {
		if l.Effect == "" && !asked[l.Name] {
			r.warnings = append(r.warnings, Fault{File: mainFile, Line: l.line, Column: l.column, Text: "the list " + l.Name +
				" is not used: give it an effect, or ask it in a rule with listed(\"" + l.Name + "\")"})
		}
	}
}
