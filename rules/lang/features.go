package lang

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"golang.org/x/text/unicode/norm"

	"dummyorders/domain/velocity"
	"dummyorders/internal/yamlfile"
)

// ReadValue reads a value that the feature can have.
func ReadValue(v *yamlfile.Value, f velocity.Feature) float64 {
	if m, is := measureNamed(string(f.Measure)); v != nil && is && m.result == cel.IntType {
		return float64(v.Whole(0, velocity.MostUses))
	}
	return v.Number()
}

// ParseFeature parses a feature as a rule spells it: only the call, with nothing around it. It also parses the name of a feature
// that counts across merchants.
func ParseFeature(text string) (velocity.Feature, error) {
	spelled, across := velocity.CutAcross(text)
	f, err := parseCall(spelled)
	if err != nil || !across {
		return f, err
	}
	if f = f.AcrossMerchants(); !f.Across {
		return f, fmt.Errorf("%s never counts across merchants: only count, distinct and frauds of card and ip can", f)
	}
	return f, nil
}

func parseCall(text string) (velocity.Feature, error) {
	env, err := environment()
	if err != nil {
		return velocity.Feature{}, err
	}
	text = norm.NFC.String(text)
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return velocity.Feature{}, errors.New(explain(env, text, issues)[0].Text)
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
