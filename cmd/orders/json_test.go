package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/gateways/ledger/inspect"
	"dummyorders/internal/goldentest"
	"dummyorders/internal/timezone"
	"dummyorders/ops"
	"dummyorders/rules"
	"dummyorders/rules/lang"
)

// withoutJSON lists the commands that neither list nor show anything, and why.
var withoutJSON = map[string]string{
	"api": "runs", "worker": "runs", "fraud-police": "runs", "alertman run": "runs", "dev": "runs", "desk": "runs",
	"merchants add": "changes", "merchants disable": "changes", "merchants enable": "changes", "keys revoke": "changes",
	"ledger migrate": "changes", "ledger backup": "writes a file", "rules init": "writes files",
	"ledger export": "has --format", "audit export": "has --format",
	"check-secrets": "has no result but its exit code", "help": "prints a page", "completion": "prints a shell's code",
}

// withJSON holds what each command prints by --json. A case is named after its command and, after a colon, what is special.
var withJSON = map[string]func(t *testing.T) string{
	"status":                         reported,
	"doctor":                         reported,
	"version":                        prints("version", "--json"),
	"merchants list":                 inKeyLedger("merchants list --json"),
	"keys new":                       inKeyLedger("keys new --client till --scopes read,review --expires 90d --json"),
	"keys list":                      inKeyLedger("keys list --json"),
	"keys list: none":                inKeyLedger("keys list --json --client another"),
	"keys roll":                      inKeyLedger("keys roll KEY --json"),
	"audit list":                     inKeyLedger("audit list --json --action=transact"),
	"audit verify":                   inKeyLedger("audit verify --json"),
	"audit verify: broken":           brokenTrail,
	"ledger verify":                  verifiedLedger,
	"healthcheck":                    healthOf(http.StatusOK, "ready\n", 0),
	"healthcheck: not":               healthOf(http.StatusServiceUnavailable, "not ready: rabbitmq; the log says why\n", exitFailure),
	"sign-in":                        signedInPerson,
	"alertman check":                 checkedAlertman(twoReceivers+"windows: {unused: {zone: UTC}}\n", ""),
	"alertman check: faults":         checkedAlertman(strings.Replace(twoReceivers, "within: 5m", "within: 5", 1), "cannot be used"),
	"alertman route":                 routedAlert,
	"alertman preview":               previewJSON,
	"alertman test":                  triedAlert,
	"alertman dead list":             deadJSON(listDeadCommand{Most: 1, jsonFlag: asJSON}, ""),
	"alertman dead show":             deadJSON(showDeadCommand{ID: "one", jsonFlag: asJSON}, ""),
	"alertman dead replay":           deadJSON(replayDeadCommand{deadChoice: deadChoice{All: true}, jsonFlag: asJSON}, "1 dead letter left in dead"),
	"alertman dead purge":            deadJSON(purgeDeadCommand{deadChoice: deadChoice{IDs: []string{"odd"}}, jsonFlag: asJSON}, ""),
	"rules check":                    rulesJSON(checksRules, rule, ""),
	"rules check: faults":            rulesJSON(checksRules, strings.Replace(rule, "card.count(", "cart.count(", 1), "cannot be used"),
	"rules test":                     rulesJSON(testsRules, rule, ""),
	"rules test: failed":             rulesJSON(testsRules, strings.Replace(rule, ">= 3", ">= 30", 1), "failed"),
	"rules diff":                     rulesJSON(comparesRules, rule, ""),
	"rules diff: differ":             differingRules,
	"rules explain":                  explainedDecision,
	"rules explain: without ruleset": explainedElsewhere,
	"rules try":                      triedTransaction,
	"rules vocabulary":               vocabularyJSON,
	"rules backtest":                 backtested,
}

var asJSON = jsonFlag{JSON: true}

// Every command that lists or shows something has --json.
func TestJSONEverywhere(t *testing.T) {
	shown := map[string]bool{}
	for name := range withJSON {
		command, _, _ := strings.Cut(name, ":")
		shown[command] = true
	}
	parser, err := newParser(t.Context())
	require.NoError(t, err)
	for _, leaf := range parser.Model.Leaves(false) {
		name := strings.TrimPrefix(leaf.FullPath(), "orders ")
		has := slices.ContainsFunc(leaf.Flags, func(f *kong.Flag) bool { return f.Name == "json" })
		_, without := withoutJSON[name]
		assert.NotEqual(t, without, has, "orders %s: a command that lists or shows something embeds jsonFlag; the others are in withoutJSON", name)
		assert.Equal(t, has, shown[name], "orders %s: what it prints by --json is in withJSON", name)
	}
}

// What programs read stays as it is.
func TestJSON(t *testing.T) {
	for name, printed := range withJSON {
		t.Run(name, func(t *testing.T) {
			got := steady(printed(t))
			require.True(t, json.Valid([]byte(got)), got)
			golden := filepath.Join("testdata", "json", strings.NewReplacer(" ", "_", ":", "").Replace(name)+".json")
			goldentest.Same(t, golden, got)
		})
	}
}

// steadied holds what differs from run to run, and what stands for it. Times must be in UTC.
var steadied = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`), `"TIME"`},
	{regexp.MustCompile(`"20\d\d-\d\d-\d\d"`), `"DAY"`},
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "DIGEST"},
	{regexp.MustCompile(`DIGEST[0-9a-f]{52}`), "DIGEST"}, // of the built-in ruleset
	{regexp.MustCompile(`ordkey_\w+`), "SECRET"},
	{regexp.MustCompile(`"key": "\w{8}"`), `"key": "KEY"`},
	{regexp.MustCompile(`"token": "[\w.-]+"`), `"token": "TOKEN"`},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "ADDRESS"},
	{regexp.MustCompile(`[^" ]*/Test\w+/\d+/`), "DIR/"},
	{regexp.MustCompile(`"takes": \d+`), `"takes": 0`},
}

func steady(text string) string {
	for _, s := range steadied {
		text = s.what.ReplaceAllString(text, s.by)
	}
	return strings.NewReplacer(`"`+runtime.Version()+`"`, `"GO"`, `"`+timezone.Version()+`"`, `"ZONES"`, `"`+buildVersion()+`"`, `"VERSION"`).Replace(text)
}

func prints(args ...string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		setEnvironment(t, nil)
		out, _ := said(t, 0, args...)
		return out
	}
}

// inKeyLedger runs a command on a ledger with a merchant, its client's key, and three entries of the audit trail about
// transactions. KEY in the command is the key's name.
func inKeyLedger(command string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		store := openKeyLedger(t)
		for _, result := range []string{audit.Begun, "503"} {
			_, err := store.Append(t.Context(), audit.Entry{
				Time: time.Now(), Address: "192.0.2.5", Merchant: "acme", Action: "transact", Object: "1234 <", Result: result,
			}.By(identity.Subject{Kind: identity.Client, Name: "acme/shop"}))
			require.NoError(t, err)
		}
		ago := time.Now().In(time.FixedZone("IST", 5*3600+1800)).Add(-time.Hour)
		require.NoError(t, store.AddMerchant(t.Context(), identity.Merchant{Name: "acme", AddedAt: ago}))
		secret := identity.NewSecret()
		require.NoError(t, store.AddKey(t.Context(), identity.Key{
			Name: secret.Name(), Digest: secret.Digest(), Merchant: "acme", Client: "shop", Scopes: []identity.Scope{identity.Transact}, CreatedAt: ago,
			ExpiresAt: ago.Add(48 * time.Hour),
		}))
		out, _ := said(t, 0, strings.Fields(strings.Replace(command, "KEY", secret.Name(), 1))...)
		return out
	}
}

func brokenTrail(t *testing.T) string {
	t.Helper()
	store := openKeyLedger(t)
	for range 3 {
		_, err := store.Append(t.Context(), audit.Entry{Time: time.Now(), Action: "transact"})
		require.NoError(t, err)
	}
	file, _ := ledgerdb.SQLiteFile(os.Getenv("LEDGER_URL"))
	openFile(t, file, `DROP TRIGGER audit_unchanged`, `UPDATE audit SET subject = 'eve' WHERE number = 2`)
	out, fault := said(t, exitFailure, "audit", "verify", "--json")
	require.Contains(t, fault, "orders: the audit trail is not as it was: entry 2")
	return out
}

func verifiedLedger(t *testing.T) string {
	t.Helper()
	record := running()
	out, err := printed(t, func(out output) error {
		return verifyCommand{All: true, jsonFlag: asJSON}.verify(t.Context(), records{record}, silent{err: inspect.ErrForgotten}, 0, out)
	})
	require.EqualError(t, err, "the ledger and Temporal disagree about 1 of 1 transactions")
	return out
}

// healthOf asks a process that answers so.
func healthOf(status int, body string, code int) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		setEnvironment(t, nil)
		process := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(process.Close)
		out, _ := said(t, code, "healthcheck", "--json", process.Listener.Addr().String())
		return out
	}
}

func checkedAlertman(text, fault string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		setEnvironment(t, nil)
		out, err := printed(t, inContext(t, checkAlertmanCommand{File: routesFile(t, text), jsonFlag: asJSON}.check))
		expect(t, err, fault)
		return out
	}
}

// expect checks that an error says something, or that there is none if it should say nothing.
func expect(t *testing.T, err error, says string) {
	t.Helper()
	if says == "" {
		require.NoError(t, err)
		return
	}
	require.ErrorContains(t, err, says)
}

func routedAlert(t *testing.T) string {
	t.Helper()
	setEnvironment(t, nil)
	event, err := os.Open(anEvent)
	require.NoError(t, err)
	defer func() { _ = event.Close() }()
	file := routesFile(t, strings.Replace(twoReceivers, "    throttle:", "    group: {by: [merchant], window: 5m}\n    throttle:", 1))
	out, err := printed(t, func(out output) error {
		return routeAlertmanCommand{Config: file, At: moment{noon.In(time.FixedZone("IST", 5*3600+1800))}, jsonFlag: asJSON}.route(t.Context(), event, out)
	})
	require.NoError(t, err)
	return out
}

func previewJSON(t *testing.T) string {
	t.Helper()
	out, err := previews(t, previewAlertmanCommand{Channel: alert.SMS, Type: "fraud.detected", jsonFlag: asJSON}, nil)
	require.NoError(t, err)
	return out
}

func triedAlert(t *testing.T) string {
	t.Helper()
	at := time.Now().UTC()
	c := tryReceiverCommand{Receiver: "fraud-team", Wait: 2 * time.Second, jsonFlag: asJSON}
	out, err := tryReceiverBy(t, c, nil, alert.Delivery{
		Target: "mail a@example.com", State: alert.Refused, At: &at, Attempts: []alert.Attempt{{Number: 1, At: at, Answer: "550 no"}},
	})
	require.EqualError(t, err, "not delivered to 1 of 1 target: mail a@example.com (refused: 550 no)")
	return out
}

func deadJSON(command deadRunner, fault string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		dead := fakeDead{letters: letters()}
		dead.letters[0].Body = []byte(`{"card":"4111111111111111"}`)
		out, _, err := dead.run(t, command)
		expect(t, err, fault)
		return out
	}
}

func signedInPerson(t *testing.T) string {
	t.Helper()
	out, _ := signsIn(t, signInCommand{Wait: time.Minute, jsonFlag: asJSON})
	return out
}

func checksRules(folder string, out output) error {
	return checkRulesCommand{folder, asJSON}.check(out)
}

func testsRules(folder string, out output) error {
	return testRulesCommand{folder, asJSON}.test(out)
}

func comparesRules(folder string, out output) error {
	return diffRulesCommand{folder, folder, asJSON}.diff(out)
}

func rulesJSON(run func(folder string, out output) error, text, fault string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		folder := ruleset(t, text)
		out, err := printed(t, func(out output) error { return run(folder, out) })
		expect(t, err, fault)
		return out
	}
}

func differingRules(t *testing.T) string {
	t.Helper()
	c := diffRulesCommand{ruleset(t, rule), ruleset(t, strings.Replace(rule, ">= 3", ">= 4", 1)), asJSON}
	out, err := printed(t, c.diff)
	require.ErrorContains(t, err, "differ in 1 thing")
	return out
}

func explainedDecision(t *testing.T) string {
	t.Helper()
	store := openTestLedger(t)
	e := decided(t, map[string]float64{`card.count("10m")`: 6})
	require.NoError(t, store.Save(t.Context(), e))
	out, _ := explain(t, explainRulesCommand{TransactionID: "t-1", jsonFlag: asJSON}, store)
	return out
}

func explainedElsewhere(t *testing.T) string {
	t.Helper()
	store := openTestLedger(t)
	require.NoError(t, store.Save(t.Context(), accepted(t)))
	out, notes := explain(t, explainRulesCommand{TransactionID: "t-1", jsonFlag: asJSON}, store)
	require.Empty(t, notes)
	return out
}

func triedTransaction(t *testing.T) string {
	t.Helper()
	out, _ := try(t, tryRulesCommand{At: moment{noon}, jsonFlag: asJSON}, noPastUses{})
	return out
}

func reported(t *testing.T) string {
	t.Helper()
	r := ops.Report{
		Time: noon, Version: "1", State: ops.Degraded,
		Parts: []ops.Line{{Group: "processes", Name: "worker", State: ops.OK, Detail: "polls", Figures: map[string]float64{"pollers": 2}}},
		Stuck: []ops.Stuck{{Kind: "review", ID: "t-1", Since: noon, Detail: "waits", Look: "curl <id>", Do: "decide"}},
	}
	out, err := printed(t, func(out output) error {
		return reportFlags{jsonFlag: asJSON}.run(t.Context(), "orders status", func(context.Context) ops.Report { return r }, out)
	})
	require.EqualError(t, err, "degraded: review")
	return out
}

// vocabularyJSON returns the first part of the vocabulary as it is printed: the whole is in docs/vocabulary.md.
func vocabularyJSON(t *testing.T) string {
	t.Helper()
	out, _ := said(t, 0, "rules", "vocabulary", "--json")
	var all []lang.Words
	require.NoError(t, json.Unmarshal([]byte(out), &all))
	require.Equal(t, lang.Vocabulary(), all)
	first, _, _ := strings.Cut(out, "\n  },\n")
	return first + "\n  }\n]\n"
}

func backtested(t *testing.T) string {
	t.Helper()
	store := openTestLedger(t)
	for _, e := range burst(8) {
		require.NoError(t, store.Save(t.Context(), e))
	}
	out, err := printed(t, func(out output) error {
		return backtestCommand{jsonFlag: asJSON}.backtest(t.Context(), ledger.Reader(store), rules.Default(), out)
	})
	require.NoError(t, err)
	return out
}

// A letter's body is printed as it is, or in JSON, not both.
func TestShowDeadRawJSON(t *testing.T) {
	setEnvironment(t, nil)
	_, fault := said(t, exitConfig, "alertman", "dead", "show", "one", "--raw", "--json")
	require.Contains(t, fault, "--raw: prints the body alone, whatever it is: leave out --json")
}

// An output that cannot be written is a failure with --json too.
func TestPrintJSON(t *testing.T) {
	require.ErrorIs(t, printJSON(fullDisk{}, []string{}), errFull)
	var letters []alert.DeadLetter
	out, err := printed(t, func(out output) error { return printJSON(out.results, array(letters)) })
	require.NoError(t, err)
	require.Equal(t, "[]\n", out)
}

var errFull = errors.New("no space left")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }
