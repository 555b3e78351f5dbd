package archtest_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

const module = "dummyorders"

// layers say what the packages of each folder may import of this module beside one another:
//
//	domain  ◀  activities  ◀  workflows  ◀  workers       ◀  cmd
//	domain  ◀  gateways, api, rules                       ◀  cmd
//	           gateways   ◀  alerting                     ◀  cmd
//	           workflows  ◀  gateways/temporal            ◀  cmd
//
// internal serves all of them but the domain, and uses none. A folder within one of these may have a line of its own.
var layers = map[string][]string{
	"domain":     {},
	"activities": {"domain", "internal"},
	"workflows":  {"domain", "activities", "internal"},
	"workers":    {"domain", "activities", "workflows", "internal"},
	"api":        {"domain", "internal"},
	"gateways":   {"domain", "internal"},
	"rules":      {"domain", "internal"},
	"alerting":   {"domain", "gateways", "internal"},
	"internal":   {},
	"cmd": {
		"domain", "activities", "workflows", "workers", "api", "gateways", "gateways/temporal", "rules", "rules/backtest", "alerting",
		"internal", "internal/audit",
	},

	"gateways/temporal": {"domain", "workflows", "internal", "internal/audit"},
	"internal/audit":    {"domain"},
	"rules/backtest":    {"domain"},
}

// layer is the entry of layers that a folder belongs to.
func layer(folder string) string {
	for own := folder; own != "."; own = path.Dir(own) {
		if _, known := layers[own]; known {
			return own
		}
	}
	return first(folder)
}

// helpers are the folders of internal that serve tests and laptops. They may import everything, and nothing that runs
// in production may import them. The same goes for every folder of internal whose name ends in test and that layers does
// not name.
var helpers = []string{"stack", "devstack", "devmail", "e2e", "bench"}

// temporalUsers are the folders that may import Temporal's SDK. Every other package calls gateways/temporal. internal/tracing
// has the propagator that gateways/temporal gives to the client and the workers use; helpers may import everything.
var temporalUsers = []string{"workflows", "activities", "workers", "gateways/temporal", "internal/tracing"}

// breach says what is wrong with an import in a file of the folder, and is empty when nothing is.
func breach(folder, imported string) string {
	if isHelper(folder) {
		return ""
	}
	from := layer(folder)
	allowed, known := layers[from]
	target, ours := strings.CutPrefix(imported, module+"/")
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

// isStandard goes by the rule that only the standard library's import paths have no dot in their first element.
func isStandard(imported string) bool {
	return imported != module && !strings.Contains(first(imported), ".")
}

// first is the first element of a path.
func first(path string) string {
	element, _, _ := strings.Cut(path, "/")
	return element
}
