package routing

import (
	"regexp"
	"slices"
	"strings"

	"dummyorders/internal/yamlfile"
)

// discreet are faults as they may be logged: where a name should stand, somebody may have written a URL or a secret. What a
// fault repeats of the file, it has in quotes; the rest of it is this program's own words, and stays.
func discreet(faults []yamlfile.Fault) []yamlfile.Fault {
	for i := range faults {
		faults[i].Text = quoted.ReplaceAllStringFunc(faults[i].Text, func(value string) string {
			if secretive(value) {
				return value[:1] + hidden + value[:1]
			}
			return value
		})
	}
	return faults
}

// hidden stands where a secret was.
const hidden = "…"

var (
	// quoted is a value as %q writes it, or a word as the YAML library does.
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^'\s]*'`)
	// addressed is the part of a URL from the scheme or the host on, with its port or its domain, and of a webhook's secret.
	addressed = regexp.MustCompile(`(?i)[.:][^\s/]*/|whsec_`)
	// lump is what may be a key by itself: 24 characters of base64 are 18 bytes. No name that is known here is as long.
	lump = regexp.MustCompile(`[A-Za-z0-9+/=]{24,}`)
)

// secretive says whether a value may be a secret, or hold one. A long word of letters alone is a time zone or a name.
func secretive(value string) bool {
	return addressed.MatchString(value) || slices.ContainsFunc(lump.FindAllString(value, -1), func(word string) bool {
		return strings.ContainsAny(word, "0123456789+=")
	})
}

// offered are names that a fault may list without quotes: what does not look like a name may be a secret.
func offered(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !nameLook.MatchString(name) })
}
