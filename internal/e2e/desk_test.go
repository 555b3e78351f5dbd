package e2e_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/internal/devissuer"
)

const desk = "desk"

// deskScreens holds the main work of each screen, from the sign-in to the entry of the audit trail. They share one stack.
var deskScreens = map[string]func(*testing.T, *deskWorld){
	"now":          deskNow,
	"reports":      deskReports,
	"transactions": deskTransactions,
	"searches":     deskSearches,
	"reviews":      deskReviews,
	"alerts":       deskAlerts,
	"people":       deskPeople,
	"you":          deskYou,
	"rules":        deskRules,
	"lists":        deskLists,
	"two desks":    deskTwice,
	"away":         deskAway,
}

func TestDesk(t *testing.T) {
	w := newDeskWorld(t)
	for name, test := range deskScreens {
		t.Run(name, func(t *testing.T) { test(t, w.in(t)) })
	}
	t.Run("pages", func(t *testing.T) { deskPages(t, w.in(t)) }) // over what the others have left
}

// deskWorld is a stack with a desk, an issuer, and a browser.
type deskWorld struct {
	*world
	url     string // the desk's
	issuer  *devissuer.Issuer
	browser context.Context //nolint:containedctx // chromedp's browser is a context
}

// in returns the same stack for a subtest, so that what fails there fails the subtest.
func (w *deskWorld) in(t *testing.T) *deskWorld {
	subtest, world := *w, *w.world
	world.t, subtest.world = t, &world
	return &subtest
}

// withDesk adds the settings of a desk to those of a stack. It returns the desk's address and the issuer of its persons.
func withDesk(t *testing.T, settings map[string]string) (string, *devissuer.Issuer) {
	t.Helper()
	issuer, err := devissuer.Start(devissuer.Options{Groups: allRoles})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, issuer.Stop(context.Background())) })
	address := freeAddress(t)
	maps.Copy(settings, map[string]string{
		"DESK_ADDRESS": address, "DESK_URL": "http://" + address, "OIDC_ISSUER": issuer.URL(), "OIDC_GROUPS_CLAIM": devissuer.GroupsClaim,
		"OIDC_ROLES": "reviewer=reviewer,analyst=analyst,operator=operator,auditor=auditor,admin=admin",
	})
	return "http://" + address, issuer
}

func newDeskWorld(t *testing.T) *deskWorld {
	t.Helper()
	settings := map[string]string{"FRAUD_DETECTOR": "rules", "RULES_FROM": "database", "REVIEW_SECOND_FROM": "NOK:10", "REVIEW_ASSIGN": "MXN:20=bob@localhost"}
	address, issuer := withDesk(t, settings)
	w := &deskWorld{url: address, issuer: issuer, world: newWorld(t, settings)}
	w.alertsTo(`
version: 1
receivers: [{name: fraud-team, channels: [mail: fraud-team@example.com], group: none, acknowledge: {within: 1h}}]
routes: [{name: all, tell: [fraud-team]}]
`)
	w.start(worker, fraudPolice, alertman, apiProcess, desk)
	require.NoError(t, w.processes[desk].WaitHealthy(t.Context(), w.url+"/readyz"))
	path, err := exec.LookPath("chromium")
	require.NoError(t, err, "Chromium is needed: make test installs it")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.UserDataDir(filepath.Join(t.TempDir(), "browser")))
	browser, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	first, stop := chromedp.NewContext(browser)
	t.Cleanup(stop)
	require.NoError(t, chromedp.Do(first), "start Chromium")
	w.browser = first
	return w
}

// tab is a browser of one person. Tabs share no cookies.
type tab struct {
	t   *testing.T
	w   *deskWorld
	ctx context.Context //nolint:containedctx // chromedp's tab is a context
}

// signIn opens the desk's page in a new tab as a person of these groups.
func (w *deskWorld) signIn(t *testing.T, name, page string, groups ...string) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(w.browser, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	ctx, cancel := context.WithTimeout(ctx, 2*soon)
	t.Cleanup(cancel)
	b := &tab{t: t, w: w, ctx: ctx}
	faults := chromedp.Events(ctx, runtime.ExceptionThrown)
	go func() {
		for thrown, err := range faults {
			if err == nil {
				t.Errorf("a script of the desk failed: %s", thrown.ExceptionDetails.Text)
			}
		}
	}()
	b.signIn(name, page, groups...)
	return b
}

// signIn opens the desk's page in the tab as a person of these groups.
func (b *tab) signIn(name, page string, groups ...string) {
	b.t.Helper()
	b.open(b.w.issuer.Link())
	b.open(page)
	chosen, err := json.Marshal(groups)
	require.NoError(b.t, err)
	b.do(chromedp.SetValue(chromedp.CSS(`input[name=name]`), name))
	b.run(fmt.Sprintf(`document.querySelectorAll("[name=group]").forEach(box => box.checked = %s.includes(box.value))`, chosen))
	b.click(`button`)
}

// do runs actions in the tab.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	err := chromedp.Do(b.ctx, actions...)
	if err != nil {
		b.t.Logf("the page was: %.3000s", b.text())
	}
	require.NoError(b.t, err)
}

// run runs a script in the page, as if it were typed into the browser's console.
func (b *tab) run(script string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](script))
	require.NoError(b.t, err)
}

// open opens a page by its address, or by its path on the desk.
func (b *tab) open(page string) {
	b.t.Helper()
	if strings.HasPrefix(page, "/") {
		page = b.w.url + page
	}
	b.do(chromedp.Navigate(page))
}

// click presses a button or follows a link, and waits until the next page is there.
func (b *tab) click(selector string) {
	b.t.Helper()
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(selector)))
	require.NoError(b.t, err)
}

// press presses a key, and waits until the next page is there.
func (b *tab) press(key string) {
	b.t.Helper()
	_, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent(key))
	require.NoError(b.t, err)
}

// text returns what the page shows.
func (b *tab) text() string {
	shown, _ := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(`body`))) // the next action says what is wrong with the tab
	return shown
}

// path returns the path and query of the page that is shown.
func (b *tab) path() string {
	b.t.Helper()
	at, err := chromedp.Run(b.ctx, chromedp.Location())
	require.NoError(b.t, err)
	u, err := url.Parse(at)
	require.NoError(b.t, err)
	return u.RequestURI()
}

// shows waits until the page, loaded again, shows a text.
func (b *tab) shows(text string) {
	b.t.Helper()
	eventually(b.t, func() error {
		if shown := b.text(); !strings.Contains(shown, text) {
			b.do(chromedp.Reload())
			return fmt.Errorf("%q is not on the page: %.2000s", text, shown)
		}
		return nil
	})
}

// A person signs out, and another's session is ended over the API: the desk refuses it at once.
func deskYou(t *testing.T, w *deskWorld) {
	b := w.signIn(t, "ada", "/you", "reviewer")
	assert.Contains(t, b.text(), "ada@localhost")
	assert.Equal(t, "/you", b.path())
	b.click(`header button`)
	assert.Contains(t, b.text(), "You have signed out")
	b.open("/callback") // without a sign-in that this browser has begun
	assert.Contains(t, b.text(), "This is not the sign-in")
	b.looksRight()

	b = w.signIn(t, "eve", "/you", "reviewer")
	var listed struct{ Sessions []identity.Session }
	require.NoError(t, json.Unmarshal(w.get("/sessions").body, &listed))
	at := slices.IndexFunc(listed.Sessions, func(s identity.Session) bool { return s.Person == "eve@localhost" })
	require.GreaterOrEqual(t, at, 0, "%v", listed)
	ended, err := w.sendTo("/sessions/"+listed.Sessions[at].ID+"/end", "")
	require.NoError(t, err)
	assert.Equal(t, 200, ended.status, "%s", ended.body)
	b.open("/you")
	assert.NotContains(t, b.text(), "Your sessions")
}

// While the desk's sessions cannot be read, and while it is dead, transactions are paid for. Persons are still signed in afterwards.
func deskAway(t *testing.T, w *deskWorld) {
	file, err := sql.Open("sqlite", strings.TrimPrefix(w.env["LEDGER_URL"], "sqlite:")+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	defer func() { assert.NoError(t, file.Close()) }()
	rename := func(from, to string) {
		t.Helper()
		_, err := file.ExecContext(t.Context(), fmt.Sprintf("ALTER TABLE %s RENAME TO %s", from, to))
		require.NoError(t, err)
	}
	isPaid := func(card string) {
		t.Helper()
		id := w.post(body(small, withCheckDigit(card)), "Prefer", "wait=60").answer(t).TransactionID
		assert.Equal(t, transaction.PaymentComplete, w.read(id).TransactionStatus.Code)
	}
	b := w.signIn(t, "ada", "/you", "reviewer")

	rename("sessions", "sessions_away")
	isPaid("400007400000011")
	b.open("/you")
	assert.Contains(t, b.text(), "The desk cannot read its sessions now")
	b.looksRight()
	rename("sessions_away", "sessions")
	b.open("/you")
	assert.Contains(t, b.text(), "ada@localhost")

	w.kill(desk)
	isPaid("400007400000012")
	require.NoError(t, w.processes[desk].Start())
	require.NoError(t, w.processes[desk].WaitHealthy(t.Context(), w.url+"/readyz"))
	b.open("/you")
	assert.Contains(t, b.text(), "ada@localhost")
}

// Two desks share a ledger. Who has signed in at one goes on at the other, sees there the backtest that the first one runs, and has signed
// out of both.
func deskTwice(t *testing.T, w *deskWorld) {
	const name = "another desk"
	address := freeAddress(t)
	another := w.startAs(desk, name, map[string]string{"DESK_ADDRESS": address})
	other := "http://" + address // browsers send it the same cookie: ports make no difference
	require.NoError(t, another.WaitHealthy(t.Context(), other+"/readyz"))
	b := w.signIn(t, "ada", "/rules", "analyst")
	b.shows("default, version") // the desks have just begun to read what was published
	b.open("/rules/workbench")
	b.click(`button[formaction="/rules/backtests"]`)
	backtest := b.path()
	b.open(other + backtest)
	assert.Contains(t, b.text(), "Nothing is changed by it.")
	b.shows("What would change")
	b.open(other + "/rules/workbench")
	b.shows("Your last backtest")
	b.click(fmt.Sprintf(`a[href=%q]`, backtest))
	assert.Contains(t, b.text(), "What would change")
	b.click(`header button`)
	assert.Contains(t, b.text(), "You have signed out")
	b.open("/you")
	assert.NotContains(t, b.text(), "ada@localhost")
	assert.Equal(t, 1, b.count(`input[name=group][value=analyst]`), "the issuer asks who it is")

	store := w.store()
	until := time.Now()
	goesOn := ruleset.KeptBacktest{Of: identity.AllMerchants(), Backtest: ruleset.Backtest{
		ID: uuid.NewString(), State: ruleset.Running, Candidate: fraud.Ruleset{ID: "default", Version: 9}, Since: until.AddDate(0, 0, -2), Until: until,
		Progress: ruleset.Progress{Read: 7, Decided: 7, ReadTo: until.AddDate(0, 0, -1)},
	}}
	require.NoError(t, store.KeepBacktest(t.Context(), goesOn))
	w.looksRight(t, backtest, "/rules/backtests/"+goesOn.ID)
}
