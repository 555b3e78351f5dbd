package archtest_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

const module = "dummyorders"

// layers holds what the packages of each folder may import from this module, in addition to each other:
//
//	domain  ◀  activities  ◀  workflows  ◀  workers       ◀  cmd
//	domain  ◀  gateways, api, desk                        ◀  cmd
//	domain  ◀  rules/lang  ◀  rules                       ◀  cmd
//	           gateways   ◀  alerting                     ◀  cmd
//	           workflows  ◀  gateways/temporal  ◀  ops    ◀  cmd
//
// All of them except the domain may import internal, which imports none of them. A subfolder may have a line of its own.
var layers = map[string][]string{
	"domain":     {},
	"activities": {"domain", "internal"},
	"workflows":  {"domain", "activities", "internal"},
	"workers":    {"domain", "activities", "workflows", "internal"},
	"api":        {"domain", "internal"},
	"desk":       {"domain", "internal"},
	"gateways":   {"domain", "internal"},
	"rules":      {"domain", "rules/lang", "internal"},
	"alerting":   {"domain", "gateways", "internal"},
	"ops":        {"domain", "workflows", "gateways", "gateways/temporal", "internal"},
	"internal":   {},
	"deploy":     {},
	".":          {}, // the documentation, for orders help
	"cmd": {
		".", "domain", "activities", "workflows", "workers", "api", "desk", "gateways", "gateways/temporal", "rules", "rules/lang", "rules/backtest", "rules/workbench",
		"alerting", "ops", "internal",
	},

	"gateways/temporal": {"domain", "workflows", "gateways", "internal"},
	"rules/lang":        {"domain", "internal"},
	"rules/backtest":    {"domain"},
	"rules/workbench":   {"domain", "rules", "rules/lang", "rules/backtest", "internal"},
}

// layer returns the entry of layers that a folder belongs to.
func layer(folder string) string {
	for own := folder; own != "."; own = path.Dir(own) {
		if _, known := layers[own]; known {
			return own
		}
	}
	return first(folder)
}

// helpers lists the folders of internal for tests and laptops. They may import everything, and nothing that runs in
// production may import them. The same applies to every folder of internal whose name ends in test and that layers does
// not name.
var helpers = []string{"stack", "devstack", "devmail", "devissuer", "e2e", "bench", "demo"}

// temporalUsers lists the folders that may import Temporal's SDK. Every other package calls gateways/temporal.
// Helpers may import everything.
var temporalUsers = []string{"workflows", "activities", "workers", "gateways/temporal"}

// breach returns what is wrong with an import in a file of the folder, or "".
func breach(folder, imported string) string {
	if isHelper(folder) {
		return ""
	}
	from := layer(folder)
	allowed, known := layers[from]
	target, ours := strings.CutPrefix(imported, module+"/")
	if imported == module {
		target, ours = ".", true
	}
	switch {
	case !known:
		return fmt.Sprintf("no layer is given for the folder %s", from)
	case !ours && from == "domain" && !isStandard(imported):
		return "domain may import only domain and the standard library"
	case strings.HasPrefix(imported, "go.temporal.io/") && !slices.ContainsFunc(temporalUsers, func(user string) bool {
		return folder == user || strings.HasPrefix(folder, user+"/")
	}):
		return "only " + strings.Join(temporalUsers, ", ") + " may import Temporal's SDK"
	case ours && isHelper(target):
		return "it serves tests and laptops, and what runs in production may not import it"
	case ours && layer(target) != from && !slices.Contains(allowed, layer(target)):
		return fmt.Sprintf("of %s, %s may import only %s", module, from, strings.Join(append([]string{from}, allowed...), ", "))
	}
	return ""
}

func isHelper(folder string) bool {
	within, internal := strings.CutPrefix(folder, "internal/")
	_, layered := layers["internal/"+first(within)]
	return internal && !layered && (slices.Contains(helpers, first(within)) || strings.HasSuffix(first(within), "test"))
}

// isStandard reports whether a package is in the standard library: only there the first element of a path has no dot.
func isStandard(imported string) bool {
	return imported != module && !strings.Contains(first(imported), ".")
}

// first returns the first element of a path.
func first(path string) string {
	element, _, _ := strings.Cut(path, "/")
	return element
}
