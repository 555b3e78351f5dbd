package rules_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/rules"
)

// A file that is not YAML is the only fault. If a file cannot be read, references to what it should hold are not
// reported as faults.
func TestBrokenFileIsOnlyFault(t *testing.T) {
	files, err := fs.ReadFile(rules.Files(), "ruleset.yaml")
	require.NoError(t, err)
	torn := t.TempDir()
	require.NoError(t, os.CopyFS(torn, rules.Files()))
	for _, file := range []string{"rules/velocity.yaml", "ruleset.yaml"} {
		require.NoError(t, os.WriteFile(filepath.Join(torn, file), append(files, "x: ["...), 0o600))
		_, err = rules.Load(torn)
		faults := rules.Faults(nil)
		require.ErrorAs(t, err, &faults)
		require.Len(t, faults, 1)
		require.Equal(t, file, faults[0].File)
		require.Contains(t, faults[0].Text, "is not YAML here")
	}
}

// A fault says where it is and what would be right.
func TestFaults(t *testing.T) {
	main := func(text string) folder { return folder{"ruleset.yaml": text} }
	const good = "id: plain\nversion: 1\nthresholds: {review: 40, decline: 80}\n"
	oneRule := func(text string) folder { return folder{"rules/b.yaml": text} }
	for name, c := range map[string]struct {
		change folder
		want   string
	}{
		"no ruleset":        {main(""), `ruleset.yaml: is missing: there must be such a file in the ruleset's folder`},
		"no YAML":           {main("id: [\n"), `ruleset.yaml:2:1: is not YAML here: did not find expected node content`},
		"nothing":           {main("# nothing\n"), `ruleset.yaml: is not one YAML document: no documents in stream`},
		"two documents":     {main(good + "---\n" + good), `ruleset.yaml: is not one YAML document: expected single document, found multiple`},
		"no mapping":        {main("- id\n"), `ruleset.yaml:1:1: must be a mapping of keys and values`},
		"no UTF-8":          {main("id: \xff\n"), `ruleset.yaml: is not UTF-8: it must be a YAML file in UTF-8`},
		"a key twice":       {main(good + "version: 2\n"), `ruleset.yaml:4:1: "version" stands twice in one mapping: leave one out`},
		"an unknown key":    {main(good + "treshold: 2\n"), `ruleset.yaml:4:1: the key "treshold" is not known here: did you mean "thresholds"?`},
		"a missing key":     {main("id: plain\nthresholds: {review: 40, decline: 80}\n"), `ruleset.yaml:1:1: "version" is missing: it must be given`},
		"an alias":          {main("id: &a plain\nversion: 1\nthresholds: {review: 40, decline: 80}\n"), `ruleset.yaml:1:5: is an anchor or an alias, which must not stand here: write the value itself`},
		"no whole number":   {main(strings.Replace(good, "1", "one", 1)), `ruleset.yaml:2:10: must be a whole number from 1 to 2147483647`},
		"a bad id":          {main(strings.Replace(good, "plain", "Plain", 1)), `ruleset.yaml:1:5: "Plain" must be of small letters, digits, - and _, a letter first, and have at most 64 characters`},
		"out of range":      {main(strings.Replace(good, "80", "101", 1)), `ruleset.yaml:3:35: must be a whole number from 1 to 100`},
		"out of order":      {main(strings.Replace(good, "40", "80", 1)), `ruleset.yaml:3:22: no transaction would be reviewed: the threshold of review, 80, must be below that of decline, 80`},
		"across merchants":  {main(good + "across_merchants: [card, customer]\n"), `ruleset.yaml:4:26: "customer" is not known here: it must be one of card, ip`},
		"across, twice":     {main(good + "across_merchants: [ip, ip]\n"), `ruleset.yaml:4:24: "ip" stands twice: leave one out`},
		"across, no list":   {main(good + "across_merchants: card\n"), `ruleset.yaml:4:19: must be a list`},
		"a list's value":    {main(good + "lists:\n  bad:\n    file: lists/bad.txt\n    of: card.number\n"), `ruleset.yaml:7:9: "card.number" cannot be looked up: it must be one of card.fingerprint, card.firstSix, customer.id, customer.email, customer.emailDomain, ip.address, billing.country, shipping.country, metadata.<key>`},
		"a list's effect":   {folder{"ruleset.yaml": good + "lists:\n  bad: {file: l.txt, of: customer.id, effect: blok}\n", "l.txt": "# none\n"}, `ruleset.yaml:5:47: "blok" is not known here: did you mean "block"?`},
		"a list's file":     {main(good + "lists:\n  bad: {file: bad.txt, of: customer.id}\n"), `bad.txt: is missing: there must be such a file in the ruleset's folder`},
		"a list outside":    {main(good + "lists:\n  bad: {file: ../bad.txt, of: customer.id}\n"), `ruleset.yaml:5:15: "../bad.txt" must be the path of a file within the ruleset's folder, such as lists/bad.txt`},
		"a list of cases":   {main(good + "lists:\n  bad: {file: cases/bad.txt, of: customer.id, effect: block}\n"), `ruleset.yaml:5:15: "cases/bad.txt" must not be in rules/ or cases/, whose files are rules and cases: write lists/bad.txt`},
		"a list of rules":   {main(good + "lists:\n  bad: {file: rules/a.yaml, of: customer.id, effect: block}\n"), `ruleset.yaml:5:15: "rules/a.yaml" must not be in rules/ or cases/, whose files are rules and cases: write lists/bad.txt`},
		"a list's name":     {folder{"ruleset.yaml": good + "lists:\n  Bad: {file: l.txt, of: customer.id}\n", "l.txt": "# none\n"}, `ruleset.yaml:5:3: "Bad" is not a name for a list: it must be of small letters, digits and _, a letter first`},
		"a file's name":     {folder{"rules/b.yml": "rules: []\n"}, `rules/b.yml: is not read: its name must end in .yaml`},
		"rules are no list": {oneRule("rules: {}\n"), `rules/b.yaml:1:8: must be a list`},
		"a rule is no rule": {oneRule("rules: [x]\n"), `rules/b.yaml:1:9: must be a mapping of keys and values`},
		"an id twice":       {oneRule("rules:\n" + written("often", "true")), `rules/b.yaml:2:9: the id "often" is taken: it stands at rules/a.yaml:2, and must stand once in the whole ruleset`},
		"a rule's key":      {oneRule("rules:\n" + written("x", "true", "scroe: 3")), `rules/b.yaml:7:5: the key "scroe" is not known here: did you mean "score"?`},
		"a score":           {oneRule("rules:\n" + written("x", "true", "score: 101")), `rules/b.yaml:7:12: must be a whole number from -100 to 100`},
		"an action":         {oneRule("rules:\n" + written("x", "true", "action: decline")), `rules/b.yaml:7:13: "decline" is not known here: it must be one of allow, review, block`},
		"a mode":            {oneRule("rules:\n" + written("x", "true", "mode: dead")), `rules/b.yaml:7:11: "dead" is not known here: it must be one of live, shadow`},
		"no condition":      {oneRule("rules:\n" + written("x", `""`)), `rules/b.yaml:4:11: must not be empty`},
		"a condition":       {oneRule("rules:\n" + written("x", `[true]`)), `rules/b.yaml:4:11: must be a condition in CEL: write it in quotes, or after a |`},
		"a case's key":      {oneRule("rules:\n" + written("x", "true", "cases: [{name: a, given: {card: {brnd: visa}}, hits: true}]")), `rules/b.yaml:7:38: the key "brnd" is not known here: did you mean "brand"?`},
		"a case's amount":   {oneRule("rules:\n" + written("x", "true", "cases: [{name: a, given: {order: {cost: 1.005}}, hits: true}]")), `rules/b.yaml:7:45: "1.005" must have at most 2 decimal digits, as INR has`},
		"a case's currency": {oneRule("rules:\n" + written("x", "true", "cases: [{name: a, given: {order: {currency: RUB1}}, hits: true}]")), `rules/b.yaml:7:49: "RUB1" must be an ISO 4217 currency code in capitals, such as INR or USD`},
		"a case's time":     {oneRule("rules:\n" + written("x", "true", "cases: [{name: a, given: {at: noon}, hits: true}]")), `rules/b.yaml:7:35: "noon" must be a time of RFC 3339, such as 2026-03-04T12:00:00Z`},
		"a case's address":  {oneRule("rules:\n" + written("x", "true", "cases: [{name: a, given: {ip: 10.0.1}, hits: true}]")), `rules/b.yaml:7:35: "10.0.1" is not an address: it must be one such as 192.0.2.1 or 2001:db8::1, or none`},
		"a case's country":  {oneRule("rules:\n" + written("x", "true", "cases: [{name: a, given: {billing: {country: India}}, hits: true}]")), `rules/b.yaml:7:50: "India" must be a country of ISO 3166 in capitals, such as IN`},
		"a case's brand":    {oneRule("rules:\n" + written("x", "true", "cases: [{name: a, given: {card: {brand: Visa}}, hits: true}]")), `rules/b.yaml:7:45: "Visa" is not known here: did you mean "visa"?`},
		"a case's digits":   {oneRule("rules:\n" + written("x", "true", "cases: [{name: a, given: {card: {firstSix: 41111}}, hits: true}]")), `rules/b.yaml:7:48: "41111" must be six digits, such as 411111`},
		"a metadata key":    {oneRule("rules:\n" + written("x", `card.distinct("metadata.`+strings.Repeat("k", 41)+`", "1h") > 1`)), `rules/b.yaml:4:25: "` + strings.Repeat("k", 41) + `" is not a key of metadata: a key has from 1 to 40 characters`},
		"a case's feature":  {oneRule("rules:\n" + written("x", "true", `cases: [{name: a, given: {seen: {card.cuont("10m"): 1}}, hits: true}]`)), `rules/b.yaml:7:38: "card.cuont(\"10m\")" is not a feature: the function "cuont" does not exist: did you mean "count"?`},
		"nobody's feature":  {oneRule("rules:\n" + written("x", "true", `cases: [{name: a, given: {seen: {card.count("1h"): 1}}, hits: true}]`)), `rules/b.yaml:7:38: no rule asks for card.count("1h"): did you mean "card.count("10m")"?`},
		"another's feature": {oneRule("rules:\n" + written("x", `card.count("1h") > 1`, `cases: [{name: a, given: {seen: {card.count("10m"): 1}}, hits: true}]`)), `rules/b.yaml:7:38: the rule x does not ask for card.count("10m"): did you mean "card.count("1h")"?`},
		"a value":           {oneRule("rules:\n" + written("x", `card.count("1h") > 1`, `cases: [{name: a, given: {seen: {card.count("1h"): often}}, hits: true}]`)), `rules/b.yaml:7:56: must be a whole number from 0 to 1000`},
		"a sum":             {oneRule("rules:\n" + written("x", `card.sum("1h") > 1.0`, `cases: [{name: a, given: {seen: {card.sum("1h"): often}}, hits: true}]`)), `rules/b.yaml:7:54: must be a number`},
		"half a time":       {oneRule("rules:\n" + written("x", `card.count("1h") > 1`, `cases: [{name: a, given: {seen: {card.count("1h"): 1.5}}, hits: true}]`)), `rules/b.yaml:7:56: must be a whole number from 0 to 1000`},
		"a negative count":  {oneRule("rules:\n" + written("x", `ip.distinct("card", "1h") > 1`, `cases: [{name: a, given: {seen: {'ip.distinct("card", "1h")': -1}}, hits: true}]`)), `rules/b.yaml:7:67: must be a whole number from 0 to 1000`},
		"too many":          {oneRule("rules:\n" + written("x", `card.frauds("1h") > 1`, `cases: [{name: a, given: {seen: {card.frauds("1h"): 1001}}, hits: true}]`)), `rules/b.yaml:7:57: must be a whole number from 0 to 1000`},
		"a feature twice":   {oneRule("rules:\n" + written("x", `card.count("1h") > 1`, `cases: [{name: a, given: {seen: {card.count("1h"): 1, card.count("60m"): 1}}, hits: true}]`)), `rules/b.yaml:7:59: "card.count(\"60m\")" is given twice: card.count("1h") is another spelling of it`},
		"hits":              {oneRule("rules:\n" + written("x", "true", "cases: [{name: a, given: {}, hits: 1}]")), `rules/b.yaml:7:40: must be true or false`},
		"a case's rules":    {folder{"cases/a.yaml": "cases: [{name: a, given: {}, outcome: approve, rules: [oftn]}]\n"}, `cases/a.yaml:1:56: "oftn" is not known here: did you mean "often"?`},
		"a case's outcome":  {folder{"cases/a.yaml": "cases: [{name: a, given: {}, outcome: aprove}]\n"}, `cases/a.yaml:1:39: "aprove" is not known here: did you mean "approve"?`},
		"a case's list":     {folder{"cases/a.yaml": "cases: [{name: a, given: {listed: [x]}, outcome: approve}]\n"}, `cases/a.yaml:1:36: "x" is not known here: none is defined`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, []string{c.want}, plain.with(c.change).faults(t))
		})
	}
}

// All faults of all files are reported at once, in their order.
func TestFaultsAtOnce(t *testing.T) {
	require.Equal(t, []string{
		`lists/bad.txt:2:1: "300.0.2.1" is neither an address nor a network: it must be an address such as 192.0.2.1, or a network such as 192.0.2.0/24`,
		`lists/bad.txt:4:1: "192.0.2.0/33" is neither an address nor a network: it must be an address such as 192.0.2.1, or a network such as 192.0.2.0/24`,
		`rules/a.yaml:4:16: card has no field "brnd": did you mean "brand"?`,
		`rules/a.yaml:6:5: the key "scor" is not known here: did you mean "score"?`,
		`rules/a.yaml:9:5: "name" is missing: it must be given`,
		`rules/a.yaml:9:5: "reason" is missing: it must be given`,
		`rules/a.yaml:9:5: "message" is missing: it must be given`,
		`rules/a.yaml:9:5: "when" is missing: it must be given`,
		`ruleset.yaml:1:5: "9" must be of small letters, digits, - and _, a letter first, and have at most 64 characters`,
	}, folder{
		"ruleset.yaml":  "id: 9\nversion: 1\nthresholds: {review: 4, decline: 8}\nlists:\n  bad: {file: lists/bad.txt, of: ip.address, effect: block}\n",
		"lists/bad.txt": "# bad\n300.0.2.1\n192.0.2.1 # known\n192.0.2.0/33\n",
		"rules/a.yaml":  "rules:\n  - id: a\n    name: a\n    when: card.brnd == \"\"\n    reason: A\n    scor: 8\n    message: a\n  -\n    id: b\n",
	}.faults(t))
}

// A file that is all wrong is not reported in thousands of lines.
func TestFaultsAreBounded(t *testing.T) {
	faults := plain.with(folder{
		"ruleset.yaml": plain["ruleset.yaml"] + "lists:\n  bad: {file: bad.txt, of: ip.address, effect: block}\n",
		"bad.txt":      strings.Repeat("x\n", 5000),
	}).faults(t)
	require.Len(t, faults, 101)
	require.Equal(t, "bad.txt: there are 4900 more faults in this file", faults[0])
}

func TestWarnings(t *testing.T) {
	set := plain.with(folder{
		"ruleset.yaml": plain["ruleset.yaml"] + "lists:\n  odd: {file: odd.txt, of: customer.id}\n",
		"odd.txt":      "# nobody\n",
		"rules/b.yaml": "rules:\n" + written("idle", "true") + written("fails", `1 / card.count("1h") > 0`, "score: 1"),
		"rules/c.yaml": strings.ReplaceAll("rules:\n"+written("untried", "true", "score: 1"), "    cases: []\n", ""),
	}).read(t)
	var warnings []string
	for _, w := range set.Warnings() {
		warnings = append(warnings, w.String())
	}
	require.Equal(t, []string{
		`rules/b.yaml:2:5: the rule idle has no effect: it has neither a score nor an action`,
		`rules/b.yaml:8: the rule fails cannot be evaluated for an ordinary transaction without earlier ones: division by zero`,
		`rules/b.yaml:10:25: a division by 0 fails, and a rule that fails asks for a review: guard it with card.count("1h") > 0 && …`,
		`rules/c.yaml:2:5: the rule untried has no cases: give it one that hits and one that just does not`,
		`ruleset.yaml:5:8: the list odd is not used: give it an effect, or ask it in a rule with listed("odd")`,
	}, warnings)
}

// A threshold that only an action reaches is warned of.
func TestWarnOfUnreachableThreshold(t *testing.T) {
	set := plain.with(folder{"ruleset.yaml": strings.Replace(plain["ruleset.yaml"], "80", "95", 1)}).rule("true", "action: block").read(t)
	require.Len(t, set.Warnings(), 1)
	require.Contains(t, set.Warnings()[0].String(), "ruleset.yaml:3:35: no score can reach this")
}

func TestLoadMissingFolder(t *testing.T) {
	_, err := rules.Load(t.TempDir() + "/nowhere")
	require.ErrorContains(t, err, "read ruleset: ")
	require.ErrorContains(t, err, "nowhere")
}
