package yamlfile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hbollon/go-edlib"
)

// OneOf says which of the known names somebody meant who wrote another, and if none is near, what there is.
func OneOf(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return `did you mean "` + near + `"?`
	}
	switch len(known) {
	case 0:
		return "there is none"
	case 1:
		return `it must be "` + known[0] + `"`
	}
	if len(known) > longestListing {
		return "it must be one of " + strings.Join(nearestFew(name, known), ", ") + ", …"
	}
	return "it must be one of " + strings.Join(known, ", ")
}

const (
	// longestListing is how many names can be taken in at one look.
	longestListing = 10
	// fewNames are shown of more than that.
	fewNames = 5
)

// nearestFew are the few names that are most like the one that somebody wrote.
func nearestFew(name string, known []string) []string {
	if len(name) > longestName {
		return known[:fewNames]
	}
	slips := make(map[string]int, len(known))
	for _, candidate := range known {
		slips[candidate] = distance(strings.ToLower(name), strings.ToLower(candidate))
	}
	sorted := slices.SortedStableFunc(slices.Values(known), func(a, b string) int { return cmp.Compare(slips[a], slips[b]) })
	return sorted[:fewNames]
}

// longestName is longer than any name that could be a slip of the finger.
const longestName = 100

// Nearest is the known name that the fewest slips of a finger lead to, if they are few for its length; else empty.
func Nearest(name string, known []string) string {
	if len(name) > longestName {
		return ""
	}
	best, fewest := "", 2+min(2, len(name)/5)
	for _, candidate := range known {
		if slips := distance(strings.ToLower(name), strings.ToLower(candidate)); slips < fewest && slips < len(name) {
			best, fewest = candidate, slips
		}
	}
	return best
}

// distance is how many characters must be added, left out, exchanged or swapped with the next to get from a to b.
func distance(a, b string) int {
	return edlib.OSADamerauLevenshteinDistance(a, b)
}
