package rules

import (
	"errors"
	"maps"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"

	"dummyorders/domain/usage"
)

// readSeen reads values of features, which may be spelled as the rules spell them or by their names.
func (s *Set) readSeen(v *value, seen map[string]float64) {
	if v == nil || !v.mapping() {
		return
	}
	known := names(s.features)
	for _, key := range v.keys {
		f, err := ParseFeature(key.Value)
		if err != nil {
			v.doc.fault(key.Line, key.Column, "%q is no feature: %v", key.Value, err)
			continue
		}
		if !s.partial && !slices.Contains(known, f.String()) {
			v.doc.fault(key.Line, key.Column, "no rule asks for %s: %s", f, oneOf(f.String(), known))
			continue
		}
		if _, twice := seen[f.String()]; twice {
			v.doc.fault(key.Line, key.Column, "%q is given twice: %s is another spelling of it", key.Value, f)
			continue
		}
		seen[f.String()] = v.optional(key.Value).seenValue(f)
	}
}

// seenValue is a value that the feature can have.
func (v *value) seenValue(f usage.Feature) float64 {
	if m, is := measureNamed(string(f.Measure)); v != nil && is && m.result == cel.IntType {
		return float64(v.whole(0, usage.MostUses))
	}
	return v.number()
}

// ParseFeature reads a feature as a rule spells it: the call itself and nothing around it.
func ParseFeature(text string) (usage.Feature, error) {
	env, err := environment()
	if err != nil {
		return usage.Feature{}, err
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return usage.Feature{}, errors.New(explain(env, text, issues)[0].text)
	}
	a := ask(checked.NativeRep(), nil)
	if len(a.faults) > 0 {
		return usage.Feature{}, errors.New(a.faults[0].text)
	}
	root := checked.NativeRep().Expr()
	if root.Kind() == ast.CallKind {
		if _, is := measureNamed(root.AsCall().FunctionName()); is && len(a.features) == 1 {
			return slices.Collect(maps.Values(a.features))[0], nil
		}
	}
	return usage.Feature{}, errors.New(`it must be written as in a rule, such as card.count("10m")`)
}

func names(features []usage.Feature) []string {
	all := make([]string, len(features))
	for i, f := range features {
		all[i] = f.String()
	}
	return all
}
