package e2e_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/internal/devissuer"
	"dummyorders/internal/stack"
)

var rolls = flag.Int("rolls", 0, "how often all processes are upgraded halfway, taken back and upgraded; without it nothing is upgraded")

// rolledFrom is the version that is upgraded: the newest before the workflow, its activity that pays, and the ledger's tables
// changed at once. There a charge became one call of the gateway, and transactions a shorter result; tables of version 9
// followed. A later choice must differ from this version in workflows/, or the test says nothing about replays.
const rolledFrom = "b47472c"

// deskFrom is the version of the desk that is upgraded, because rolledFrom has no desk: the oldest that serves for SHUTDOWN_DELAY, and
// whose sessions this version takes. The ledger's tables had version 23 then.
const deskFrom = "ff613f8"

// shutdownDelay is longer than the test's balancer takes to see that a process is not ready.
const shutdownDelay = time.Second

// These are the processes that are rolled, in the order of an upgrade: two APIs, and one of each other.
var rolled = []string{worker, fraudPolice, alertman, "api-1", "api-2", desk}

// TestRollingUpgrade upgrades every process, one after the other, under a steady load, and in between goes back to the version
// before. Each is started beside the one that it replaces. No request and no page of the desk may fail, the person there stays
// signed in, every transaction ends as it should, is paid for once, and every fraud is mailed once.
func TestRollingUpgrade(t *testing.T) {
	if *rolls == 0 {
		t.Skip("make test-rolling runs it")
	}
	r := newRolling(t, buildCommit(t, rolledFrom), buildCommit(t, deskFrom))
	for _, name := range rolled {
		if name != desk { // it needs tables that the old worker does not make
			r.replace(name, r.old)
		}
	}
	load := startLoad(r.world, filepath.Base(r.old), filepath.Base(r.oldDesk))
	load.goesOn()
	r.roll(load, shared.binary, worker)
	r.replace(desk, r.old)
	load.signIn(r.issuer, r.desks.URL)
	r.roll(load, r.old, worker)
	for range *rolls {
		half := []string{worker, fraudPolice, alertman, "api-1", desk}
		r.roll(load, shared.binary, half...)
		slices.Reverse(half)
		r.roll(load, r.old, half...)
	}
	r.roll(load, shared.binary, rolled...)
	r.roll(load, shared.binary, "api-1") // which says that it stops, as the older APIs do not
	load.end()

	assert.Empty(t, r.apis.failures())
	assert.Empty(t, r.desks.failures())
	r.everythingEnds(soon)
	load.isDone(r.stripe.payments())
	r.binary = shared.binary
	r.verify(len(load.posted))
}

// rolling has processes of two versions.
type rolling struct {
	*world

	old, oldDesk string // paths of the versions before; shared.binary is the new one
	ledger       *stack.Postgres
	stripe       *stripeAccount
	issuer       *devissuer.Issuer
	ofDesk       map[string]string // settings that only the desk has
	apis, desks  *balancer
	serving      map[string]*instance
	started      int
}

// instance is one process of a name.
type instance struct {
	process  *stack.Process
	key      string // in the world's processes
	binary   string
	balancer *balancer // of an API or a desk
	backend  *backend  // in it
}

func newRolling(t *testing.T, old, oldDesk string) *rolling {
	t.Helper()
	server, account := startPostgres(t), startStripe(t)
	r := &rolling{old: old, oldDesk: oldDesk, ledger: server, stripe: account, ofDesk: map[string]string{}, serving: map[string]*instance{}}
	_, r.issuer = withDesk(t, r.ofDesk)
	r.world = newWorld(t, map[string]string{
		"LEDGER_URL":       server.URL("orders", "orders"),
		"FRAUD_DETECTOR":   "rules",
		"FRAUD_RULESET":    rulesetFolder(t, "tested"),
		"PAYMENT_GATEWAYS": "card:stripe,*:simulated",
		"STRIPE_API_KEY":   "sk_test_rolling",
		"STRIPE_URL":       account.URL,
	})
	r.apis, r.desks = startBalancer(t), startBalancer(t)
	r.api = r.apis.URL
	return r
}

// roll replaces processes, one after the other, while transactions go on.
func (r *rolling) roll(l *load, binary string, names ...string) {
	r.t.Helper()
	for _, name := range names {
		r.replace(name, binary)
		l.goesOn()
	}
}

// replace starts a process of another version, and once that is ready, stops the one of that name.
func (r *rolling) replace(name, binary string) {
	r.t.Helper()
	if name == desk && binary == r.old {
		binary = r.oldDesk
	}
	r.t.Logf("%s %s becomes %s", time.Now().Format(time.TimeOnly), name, filepath.Base(binary))
	next := r.begin(name, binary)
	before := r.serving[name]
	r.serving[name] = next
	if before == nil {
		return
	}
	if before.backend != nil && before.binary == r.old {
		before.balancer.takeOut(r.t, before.backend) // it does not say that it stops
	}
	require.NoError(r.t, before.process.Stop(r.t.Context()), name)
	require.NoError(r.t, before.process.Wait(r.t.Context()), name)
	delete(r.processes, before.key)
	if before.backend != nil {
		draining := before.balancer.remove(before.backend)
		assert.Equal(r.t, before.binary != r.old, draining, "%s said that it was draining", name)
	}
}

func (r *rolling) begin(name, binary string) *instance {
	r.t.Helper()
	r.started++
	address, kind := freeAddress(r.t), name
	i := &instance{key: fmt.Sprintf("%s-%d", name, r.started), binary: binary}
	settings := map[string]string{"HEALTH_ADDRESS": address}
	switch name {
	case fraudPolice:
		settings["LEDGER_URL"] = r.ledger.URL("orders_police", "orders")
	case alertman:
		settings["LEDGER_URL"] = r.ledger.URL("orders_alertman", "orders")
	case worker:
	case desk:
		i.balancer = r.desks
		settings = maps.Clone(r.ofDesk)
		maps.Copy(settings, map[string]string{
			"DESK_ADDRESS": address, "DESK_URL": r.desks.URL, "SHUTDOWN_DELAY": shutdownDelay.String(), "LEDGER_URL": r.ledger.URL("orders_desk", "orders"),
		})
	default:
		kind, i.balancer = apiProcess, r.apis
		settings = map[string]string{
			"HTTP_ADDRESS": address, "SHUTDOWN_DELAY": shutdownDelay.String(), "LEDGER_URL": r.ledger.URL("orders_reader", "orders"),
		}
	}
	r.binary = binary
	i.process = r.startAs(kind, i.key, settings)
	require.NoError(r.t, i.process.WaitHealthy(r.t.Context(), "http://"+address+"/readyz"), name)
	if i.balancer != nil {
		i.backend = i.balancer.add(address, filepath.Base(binary))
		eventually(r.t, func() error { return i.balancer.uses(i.backend) })
	}
	return i
}

// load is callers that post one transaction after the other, and decide reviews some time after, and a person at the desk.
type load struct {
	*world

	old, oldDesk string // the versions whose verdicts may have to be sent again, and whose lists of alerts opened again
	over         chan struct{}
	callers      sync.WaitGroup

	mu      sync.Mutex
	posted  map[string]string // the amount of each transaction
	held    []string          // in review
	later   int               // those whose caller was told to ask later, though no person has to decide
	slowest time.Duration

	browser     *http.Client // of the person at the desk, once there is one
	desk        string       // the desk's URL
	rounds      int          // how often the person has opened each page
	decided     int          // the reviews of the person
	slowestPage time.Duration
}

const (
	loadCallers = 4
	loadPause   = 500 * time.Millisecond
	pagePause   = 100 * time.Millisecond
)

// loadPerson is how each page names the person who has signed in.
const loadPerson = "<span>ada@localhost</span>"

func startLoad(w *world, old, oldDesk string) *load {
	l := &load{world: w, old: old, oldDesk: oldDesk, over: make(chan struct{}), posted: map[string]string{}}
	for caller := range loadCallers {
		l.callers.Go(func() { l.call(caller) })
	}
	return l
}

func (l *load) call(caller int) {
	pace := time.NewTicker(loadPause)
	defer pace.Stop()
	amounts := []string{small, tooMuch, small, forReview}
	for i := 0; ; i++ {
		l.pay(fmt.Sprintf("%d-%d", caller, i), amounts[i%len(amounts)])
		if i%len(amounts) == 0 {
			l.decide(2 * loadCallers)
		}
		select {
		case <-l.over:
			return
		case <-pace.C:
		}
	}
}

// pay posts a transaction of a card of its own, and reads it.
func (l *load) pay(name, amount string) {
	text := fmt.Sprintf(`{"order": {"id": "order-%s", "cost": %s, "currency": "INR"}, "paymentMethod": "card",
		"payment": {"token": "pm_%s", "type": "card", "amount": %s, "currency": "INR"}}`, name, amount, name, amount)
	began := time.Now()
	got, err := l.send(text, "Prefer", "wait=60")
	var answer ledger.Answer
	if err != nil || got.status > http.StatusAccepted || json.Unmarshal(got.body, &answer) != nil {
		l.t.Errorf("%s post %s: %v: %d %s", time.Now().Format(time.TimeOnly), name, err, got.status, got.body)
		return
	}
	l.mu.Lock()
	l.posted[answer.TransactionID] = amount
	if amount == forReview {
		l.held = append(l.held, answer.TransactionID)
	}
	if got.status == http.StatusAccepted && amount != forReview {
		l.later++
	}
	l.slowest = max(l.slowest, time.Since(began))
	l.mu.Unlock()
	if read, err := l.fetch("/transactions/" + answer.TransactionID); err != nil || read.status != http.StatusOK {
		l.t.Errorf("%s read %s: %v: %d %s", time.Now().Format(time.TimeOnly), answer.TransactionID, err, read.status, read.body)
	}
}

// decide approves the oldest transaction in review, if more than so many wait. It reports whether it found one.
func (l *load) decide(leave int) bool {
	l.mu.Lock()
	if len(l.held) <= leave {
		l.mu.Unlock()
		return false
	}
	id := l.held[0]
	l.held = l.held[1:]
	l.mu.Unlock()
	got, err := l.reviewBy("ada", id, "approve", "Prefer", "wait=60")
	if err == nil && got.status == http.StatusServiceUnavailable && got.header.Get("Server") == l.old && got.header.Get("Retry-After") != "" {
		// That version waits no longer than Temporal takes to give another worker what a stopped one has lost.
		l.t.Logf("%s review %s is sent again: %s", time.Now().Format(time.TimeOnly), id, got.body)
		got, err = l.reviewBy("ada", id, "approve", "Prefer", "wait=60")
	}
	if err != nil || got.status > http.StatusAccepted {
		l.t.Errorf("%s review %s: %v: %d %s", time.Now().Format(time.TimeOnly), id, err, got.status, got.body)
	}
	return true
}

// signIn has a person sign in at the desk, open one page after the other, and decide reviews in between.
func (l *load) signIn(issuer *devissuer.Issuer, address string) {
	l.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(l.t, err)
	l.browser, l.desk = &http.Client{Jar: jar}, address
	shown, err := issuer.SignIn(l.t.Context(), l.browser, address+"/you", "ada", allRoles...)
	require.NoError(l.t, err)
	require.Contains(l.t, shown, loadPerson)
	l.callers.Go(l.atDesk)
}

func (l *load) atDesk() {
	pace := time.NewTicker(pagePause)
	defer pace.Stop()
	pages := []string{"/now", "/reviews", "/transactions", "/rules", "/alerts", "/reports", "/people", "/audit", "/you"}
	for i := 0; ; i++ {
		if i%len(pages) == 0 {
			l.review()
		}
		l.visit(pages[i%len(pages)], nil)
		select {
		case <-l.over:
			return
		case <-pace.C:
		}
	}
}

// review takes the next review at the desk, and approves it unless a caller does.
func (l *load) review() {
	page := l.visit("/reviews/next", url.Values{"page": {"/reviews"}})
	id := strings.TrimPrefix(page, "/reviews/")
	l.mu.Lock()
	l.rounds++
	at := slices.Index(l.held, id)
	if at >= 0 {
		l.held = slices.Delete(l.held, at, at+1)
		l.decided++
	}
	l.mu.Unlock()
	if at >= 0 {
		l.visit("/transactions/"+id, nil)
		l.visit(page, url.Values{"page": {page}, "decision": {string(review.Approve)}})
	}
}

// visit opens a page of the desk, or sends a form, and returns the path of the page that follows.
func (l *load) visit(path string, form url.Values) string {
	method, began := http.MethodGet, time.Now()
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(l.t.Context(), method, l.desk+path, strings.NewReader(form.Encode()))
	if err != nil {
		l.t.Error(err)
		return ""
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := l.browser.Do(r)
	if err != nil {
		l.t.Errorf("%s %s %s: %v", time.Now().Format(time.TimeOnly), method, path, err)
		return ""
	}
	defer func() { _ = answer.Body.Close() }()
	shown, err := io.ReadAll(answer.Body)
	text := string(shown)
	if path == "/alerts" && answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Server") == l.oldDesk {
		// That version does not ask another alertman what a stopped one was asked.
		l.t.Logf("%s %s is opened again", time.Now().Format(time.TimeOnly), path)
		return l.visit(path, nil)
	}
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(text, loadPerson) || strings.Contains(text, `class="fault" role="status"`) {
		l.t.Errorf("%s %s %s led to %s: %v: %d %s", time.Now().Format(time.TimeOnly), method, path, answer.Request.URL, err, answer.StatusCode, shown)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowestPage = max(l.slowestPage, time.Since(began))
	return answer.Request.URL.Path
}

// goesOn waits until each kind of transaction was posted again, and each page opened again.
func (l *load) goesOn() {
	l.t.Helper()
	posted, rounds := l.count()
	eventually(l.t, func() error {
		now, round := l.count()
		if now-posted < loadCallers*4 || l.browser != nil && round-rounds < 2 { // the first round had begun
			return fmt.Errorf("%d more transactions, %d more rounds at the desk", now-posted, round-rounds)
		}
		return nil
	})
}

func (l *load) count() (posted, rounds int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.posted), l.rounds
}

func (l *load) end() {
	close(l.over)
	l.callers.Wait()
	for l.decide(0) {
	}
	l.t.Logf("%d transactions, %d of them to ask for later; the slowest answer took %s", len(l.posted), l.later, l.slowest)
	l.t.Logf("%d rounds at the desk, with %d reviews decided; the slowest page took %s", l.rounds, l.decided, l.slowestPage)
	assert.NotZero(l.t, l.decided, "reviews that were decided at the desk")
}

// isDone checks what has become of each transaction, given how often each was paid for.
func (l *load) isDone(payments map[string]int) {
	l.t.Helper()
	var paid, frauds []string
	for id, amount := range l.posted {
		if amount == tooMuch {
			frauds = append(frauds, id)
			assert.Zero(l.t, payments[id], "the fraud %s was paid for", id)
			continue
		}
		paid = append(paid, id)
		assert.Equal(l.t, 1, payments[id], "payments of %s", id)
	}
	assert.Len(l.t, payments, len(paid), "transactions that were paid for")
	l.endAs(paid, transaction.PaymentComplete)
	l.endAs(frauds, transaction.AlertDone)
	l.areMailed(frauds, 1)
}

// buildCommit builds orders as of an earlier commit. It skips the test where the repository does not have that.
func buildCommit(t *testing.T, commit string) string {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	git := func(args ...string) ([]byte, error) {
		return exec.CommandContext(t.Context(), "git", append([]string{"-C", root}, args...)...).CombinedOutput()
	}
	if out, err := git("cat-file", "-e", commit+"^{commit}"); err != nil {
		t.Skipf("the repository has no commit %s to upgrade from: a clone with all its history has: %v: %s", commit, err, out)
	}
	dir := t.TempDir()
	source, archive, binary := filepath.Join(dir, "source"), filepath.Join(dir, "source.tar"), filepath.Join(dir, "orders-"+commit)
	require.NoError(t, os.Mkdir(source, 0o750))
	out, err := git("archive", "--output="+archive, commit)
	require.NoError(t, err, "%s", out)
	out, err = exec.CommandContext(t.Context(), "tar", "-xf", archive, "-C", source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	build := exec.CommandContext(t.Context(), "go", "build", "-race", "-o", binary, "./cmd/orders")
	build.Dir = source
	out, err = build.CombinedOutput()
	require.NoError(t, err, "build %s: %s", commit, out)
	return binary
}
