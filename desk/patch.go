package desk

import (
	"maps"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"dummyorders/domain/ruleset"
)

// patchOf returns the difference between two rulesets' files as a patch: git apply and patch -p1 read it.
func patchOf(before, after ruleset.Files) string {
	all := maps.Clone(before)
	maps.Copy(all, after)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		from, to := "a/"+name, "b/"+name
		if _, had := before[name]; !had {
			from = "/dev/null"
		}
		if _, has := after[name]; !has {
			to = "/dev/null"
		}
		text.WriteString(udiff.Unified(from, to, before[name], after[name]))
	}
	return text.String()
}
