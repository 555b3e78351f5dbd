package rules

import (
	"errors"
	"maps"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"

	"dummyorders/domain/velocity"
	"dummyorders/internal/yamlfile"
)

// readFeatures reads values of features. A feature may be spelled as a rule spells it, or by its name.
func (s *Set) readFeatures(v *yamlfile.Value, values map[string]float64) {
	if v == nil || !v.Mapping() {
		return
	}
	known := names(s.features)
	for _, key := range v.Keys() {
		f, err := ParseFeature(key.Name)
		if err != nil {
			key.Fault("%q is not a feature: %v", key.Name, err)
			continue
		}
		if !s.partial && !slices.Contains(known, f.String()) {
			key.Fault("no rule asks for %s: %s", f, yamlfile.OneOf(f.String(), known))
			continue
		}
		if _, twice := values[f.String()]; twice {
			key.Fault("%q is given twice: %s is another spelling of it", key.Name, f)
			continue
		}
		values[f.String()] = featureValue(v.Optional(key.Name), f)
	}
}

// featureValue reads a value that the feature can have.
func featureValue(v *yamlfile.Value, f velocity.Feature) float64 {
	if m, is := measureNamed(string(f.Measure)); v != nil && is && m.result == cel.IntType {
		return float64(v.Whole(0, velocity.MostUses))
	}
	return v.Number()
}

// ParseFeature parses a feature as a rule spells it: only the call, with nothing around it.
func ParseFeature(text string) (velocity.Feature, error) {
	env, err := environment()
	if err != nil {
		return velocity.Feature{}, err
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return velocity.Feature{}, errors.New(explain(env, text, issues)[0].text)
	}
	a := analyze(checked.NativeRep(), nil)
	if len(a.faults) > 0 {
		return velocity.Feature{}, errors.New(a.faults[0].text)
	}
	root := checked.NativeRep().Expr()
	if root.Kind() == ast.CallKind {
		if _, is := measureNamed(root.AsCall().FunctionName()); is && len(a.features) == 1 {
			return slices.Collect(maps.Values(a.features))[0], nil
		}
	}
	return velocity.Feature{}, errors.New(`it must be written as in a rule, such as card.count("10m")`)
}

func names(features []velocity.Feature) []string {
	all := make([]string, len(features))
	for i, f := range features {
		all[i] = f.String()
	}
	return all
}
