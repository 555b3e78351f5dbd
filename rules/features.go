package rules

import (
	"slices"

	"dummyorders/domain/velocity"
	"dummyorders/internal/yamlfile"
	"dummyorders/rules/lang"
)

// readFeatures reads values of features. A feature may be spelled as a rule spells it, or by its name.
func (s *Set) readFeatures(v *yamlfile.Value, values map[string]float64) {
	if v == nil || !v.Mapping() {
		return
	}
	known := velocity.Names(s.features)
	for _, key := range v.Keys() {
		f, err := lang.ParseFeature(key.Name)
		if err != nil {
			key.Fault("%q is not a feature: %v", key.Name, err)
			continue
		}
		f = s.Counts(f)
		if !s.partial && !slices.Contains(known, f.String()) {
			key.Fault("no rule asks for %s: %s", f, yamlfile.OneOf(f.String(), known))
			continue
		}
		if _, twice := values[f.String()]; twice {
			key.Fault("%q is given twice: %s is another spelling of it", key.Name, f)
			continue
		}
		values[f.String()] = lang.ReadValue(v.Optional(key.Name), f)
	}
}
