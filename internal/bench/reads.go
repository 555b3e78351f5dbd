package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/devissuer"
	"dummyorders/internal/stack"
)

const (
	readCallers = 10
	readEvery   = time.Second / 5 // how often each of them reads, where that does not depend on the answers
	saveRate    = 20              // what the writer saves beside them, a second
)

// reads are the reads of one ledger by its API.
type reads struct {
	engine  string
	address string
	http    *http.Client
	tokens  map[string][]string // of several persons, by their group
	first   time.Time           // the day of the oldest transactions
	days    int
	api     *stack.Process
	server  *stack.Postgres // nil for SQLite
	ledger  *ledgerdb.Ledger
}

// read is a kind of read, by a person of a group. Those of a class are shown together where callers mix them.
type read struct {
	*reads

	class, title, group string
	path                func() string
}

// The classes of reads.
const (
	readOne    = "one by its id"
	readList   = "a list"
	readQueue  = "the review queue"
	readSearch = "a search among 2000"
)

var classes = []string{readOne, readList, readQueue, readSearch}

func (r read) name() string { return r.title }

func (r read) call(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.address+r.path(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+r.tokens[r.group][rand.IntN(readCallers)])
	answer, err := r.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: answer %s: %s", r.title, answer.Status, body)
	}
	return err
}

// groups are those of persons, with the merchants whose transactions they read, as OIDC_ROLES names them.
var groups = map[string]string{
	"all": "analyst", "reviewers": "reviewer", "default": "merchant@default", "acme": "merchant@acme", "rare": "merchant@" + rareMerchant, "two": "merchant@" + rareMerchant + "+shop-8",
}

// all returns the kinds of reads.
func (r *reads) all() []read {
	list := func(filters string) func() string {
		return func() string { return "/transactions?" + filters }
	}
	deep := func(filters string) func() string {
		return func() string { return "/transactions?" + filters + "&cursor=" + r.anyCursor() }
	}
	byID := func() string { return "/transactions/" + r.anyEnded() }
	return []read{
		{r, readOne, "by id", "all", byID},
		{r, readList, "newest", "all", list("limit=50")},
		{r, readList, "deep in the list", "all", deep("limit=50")},
		{r, readList, "in review", "all", list("status=TRANSACTION_IN_REVIEW")},
		{r, readQueue, "review queue", "reviewers", func() string { return "/reviews" }},
		{r, readQueue, "review queue by amount", "reviewers", func() string { return "/reviews?sort=amount" }},
		{r, readList, "status, deep", "all", deep("status=18")},
		{r, readList, "outcome, deep", "all", deep("outcome=decline")},
		{r, readList, "a day", "all", func() string {
			day := r.anyDay()
			return "/transactions?since=" + day.Format(time.RFC3339) + "&until=" + day.AddDate(0, 0, 1).Format(time.RFC3339)
		}},
		{r, readList, "an order", "all", func() string {
			return "/transactions?orderID=order-" + r.anyDay().Format(time.DateOnly) + "-" + strconv.Itoa(rand.IntN(perDay/2))
		}},
		{r, readList, "a customer", "all", func() string { return "/transactions?customerID=customer-" + strconv.Itoa(rand.IntN(700)) }},
		{r, readList, "last four digits", "all", func() string { return fmt.Sprintf("/transactions?cardLastFour=%04d", rand.IntN(500)) }},
		{r, readList, "a card", "all", func() string { return "/transactions?sameCardAs=" + r.anyEnded() }},
		{r, readList, "an address", "all", func() string { return "/transactions?ip=192.0.2." + strconv.Itoa(rand.IntN(250)) }},
		{r, readSearch, "metadata", "all", func() string { return deep("metadata.terminal=t-" + strconv.Itoa(rand.IntN(30)))() }},
		{r, readSearch, "a rule", "all", deep("rule=card_velocity")},
		{r, readSearch, "no such rule", "all", deep("rule=never")},
		{r, readSearch, "the ruleset in shadow disagrees", "all", deep("disagrees=ruleset")},
		{r, readSearch, "status and outcome", "all", deep("status=18&outcome=review")},
		{r, readSearch, "what never happens", "all", deep("status=15&outcome=approve")},
		{r, readList, "merchant, newest", "acme", list("limit=50")},
		{r, readList, "merchant, in review", "default", list("status=19")},
		{r, readList, "merchant, outcome, deep", "acme", deep("outcome=not_evaluated")},
		{r, readList, "rare merchant, newest", "rare", list("limit=50")},
		{r, readList, "rare merchant, status", "rare", deep("status=18")},
		{r, readList, "rare merchant, outcome", "rare", deep("outcome=decline")},
		{r, readList, "two merchants, newest", "two", list("limit=50")},
		{r, readList, "two merchants, status", "two", deep("status=18")},
	}
}

func (r *reads) anyDay() time.Time { return r.first.AddDate(0, 0, rand.IntN(r.days)) }

func (r *reads) anyEnded() string {
	for {
		if n := rand.IntN(perDay); !journeyOf(n).open {
			return idOf(r.anyDay(), n)
		}
	}
}

// anyCursor returns a cursor at any place, as the API writes them.
func (r *reads) anyCursor() string {
	n := rand.IntN(perDay)
	day := r.anyDay()
	at := day.Add(time.Duration(n) * 23 * time.Hour / perDay)
	return base64.RawURLEncoding.EncodeToString([]byte(at.Format(time.RFC3339Nano) + "/" + idOf(day, n)))
}

// mixed makes reads of all kinds, chosen at random, half of them by id. Each caller reads again every so often, or, if every is zero,
// as soon as it is answered. One that is answered late catches up, and its reads are measured from when they were due. It returns the
// result of each class.
func mixed(ctx context.Context, kinds []read, every, duration time.Duration) map[string]result {
	recorders := map[string]*recorder{}
	for _, class := range classes {
		recorders[class] = newRecorder()
	}
	start := time.Now()
	var all sync.WaitGroup
	for range readCallers {
		all.Go(func() {
			for due := start.Add(rand.N(every + 1)); time.Since(start) < duration && ctx.Err() == nil; due = due.Add(every) {
				if every == 0 {
					due = time.Now()
				}
				select {
				case <-time.After(time.Until(due)):
				case <-ctx.Done():
				}
				kind := kinds[max(0, rand.IntN(2*len(kinds)-1)-len(kinds)+1)]
				recorders[kind.class].record(due, callWithin(ctx, kind))
			}
		})
	}
	all.Wait()
	results := map[string]result{}
	for class, recorder := range recorders {
		results[class] = recorder.result
	}
	return results
}

// writer saves transactions of today, each when it is accepted and when it has ended.
type writer struct{ *reads }

func (w writer) name() string { return "saves" }

func (w writer) call(ctx context.Context) error {
	now := time.Now().UTC()
	e := entryOf(rand.IntN(perDay), now)
	e.Record.TransactionID = idOf(now, perDay+int(now.UnixNano()%1e11))
	e.Transaction.ID = e.Record.TransactionID
	return w.ledger.Save(ctx, e)
}

// benchReads measures reads of a large ledger, on both engines.
func benchReads(ctx context.Context, dir string, rows int, duration time.Duration) error {
	if dir == "" {
		made, err := os.MkdirTemp("", "orders-bench-reads-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(made) }()
		dir = made
	}
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		if err := benchReadsOf(ctx, engine, filepath.Join(dir, engine), rows, duration); err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	return nil
}

func benchReadsOf(ctx context.Context, engine, dir string, rows int, duration time.Duration) error {
	r := &reads{engine: engine, days: max(1, rows/perDay)}
	stop, err := r.start(ctx, dir)
	defer stop()
	if err != nil {
		return err
	}
	kinds := r.all()
	fmt.Printf("\n%s, %d rows, one caller\n%-32s %9s %9s %9s %12s %12s\n", engine, rows, "", "p50", "p95", "p99", "API's CPU", "database's")
	for _, kind := range kinds {
		if result := closedLoop(ctx, kind, 1, time.Second/4); result.failed > 0 { // warm up
			return result.lastError
		}
		var result result
		api, database, err := r.cpu(func() int64 {
			result = closedLoop(ctx, kind, 1, duration/10)
			return result.latency.TotalCount()
		})
		if err != nil {
			return err
		}
		printRead(kind.title, result, api, database)
	}
	for _, every := range []time.Duration{readEvery, 0} {
		if err := r.printMixed(ctx, kinds, every, duration); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// printMixed measures reads of all kinds while the writer saves.
func (r *reads) printMixed(ctx context.Context, kinds []read, every, duration time.Duration) error {
	pace := "as fast as they are answered"
	if every > 0 {
		pace = fmt.Sprintf("one read each every %s", every)
	}
	fmt.Printf("\n%s, %d callers, %s, while %d a second are saved\n%-32s %9s %9s %9s %12s\n", r.engine, readCallers, pace, saveRate, "", "p50", "p95", "p99", "reads")
	var saved result
	saving, end := context.WithCancel(ctx)
	var saver sync.WaitGroup
	saver.Go(func() { saved = constantRate(saving, writer{r}, saveRate, time.Hour) })
	var results map[string]result
	count := int64(0)
	api, database, err := r.cpu(func() int64 {
		results = mixed(ctx, kinds, every, duration)
		for _, result := range results {
			count += result.latency.TotalCount()
		}
		return count
	})
	end()
	saver.Wait()
	if err != nil {
		return err
	}
	for _, class := range classes {
		result := results[class]
		if result.failed > 0 {
			return fmt.Errorf("%s: %d reads failed: %w", class, result.failed, result.lastError)
		}
		printRead(class, result, strconv.FormatInt(result.latency.TotalCount(), 10))
	}
	printRead("saves", saved, strconv.FormatInt(saved.latency.TotalCount(), 10))
	fmt.Printf("%.0f reads a second; CPU a read: API %s, database with its saves %s\n", float64(count)/duration.Seconds(), api, database)
	return nil
}

// cpu returns the processor time of the API and of the database for each of the reads that do makes and counts.
func (r *reads) cpu(do func() int64) (api, database string, err error) {
	before, beforeErr := cpuTime(r.processes())
	count := max(1, do())
	after, afterErr := cpuTime(r.processes())
	each := func(kind string) string {
		return fmt.Sprintf("%.3fms", (after[kind]-before[kind])*1000/float64(count))
	}
	return each("api"), each(postgresKind), errors.Join(beforeErr, afterErr)
}

func printRead(title string, of result, more ...any) {
	cells := []any{title, millis(of.quantile(50)), millis(of.quantile(95)), millis(of.quantile(99))}
	fmt.Printf("%-32s %9s %9s %9s"+strings.Repeat(" %12s", len(more))+"\n", append(cells, more...)...)
}

// start starts the database and the API, and fills the ledger. stop ends what has been started.
func (r *reads) start(ctx context.Context, dir string) (stop func(), err error) {
	var stops []func(context.Context) error
	stop = func() {
		for i := range stops {
			_ = stops[len(stops)-1-i](context.WithoutCancel(ctx))
		}
	}
	ownersURL, readersURL := "sqlite:"+filepath.Join(dir, "ledger.db"), "sqlite:"+filepath.Join(dir, "ledger.db")
	if r.engine == "PostgreSQL" {
		if r.server, err = stack.StartPostgres(ctx, stack.PostgresOptions{Dir: dir}); err != nil {
			return stop, err
		}
		stops = append(stops, r.server.Stop)
		if err := r.server.SetUpLedger(ctx); err != nil {
			return stop, err
		}
		ownersURL, readersURL = r.server.URL("orders", "orders"), r.server.URL("orders_reader", "orders")
	}
	if r.ledger, err = ledgerdb.Open(ownersURL); err != nil {
		return stop, err
	}
	stops = append(stops, func(context.Context) error { return r.ledger.Close() })
	if err := r.ledger.Migrate(ctx); err != nil {
		return stop, err
	}
	began := time.Now()
	if r.first, err = fillLedger(ctx, r.ledger, ownersURL, r.days, perDay); err != nil {
		return stop, err
	}
	fmt.Printf("%s filled in %s\n", r.engine, time.Since(began).Round(time.Second))
	issuer, err := devissuer.Start(devissuer.Options{})
	if err != nil {
		return stop, err
	}
	stops = append(stops, issuer.Stop)
	if err := r.signIn(issuer); err != nil {
		return stop, err
	}
	err = r.startAPI(ctx, dir, readersURL, issuer.URL())
	if r.api != nil {
		stops = append(stops, r.api.Stop)
	}
	return stop, err
}

// signIn makes tokens for as many persons of each group as there are callers: one person has too few lists at once.
func (r *reads) signIn(issuer *devissuer.Issuer) error {
	r.tokens = map[string][]string{}
	now := time.Now()
	for group := range groups {
		for n := range readCallers {
			claims, err := json.Marshal(map[string]any{
				"iss": issuer.URL(), "aud": devissuer.ClientID, "sub": fmt.Sprint(group, n), "iat": now.Unix(),
				"exp": now.Add(devissuer.Lifetime).Unix(), devissuer.GroupsClaim: []string{group},
			})
			if err != nil {
				return err
			}
			token, err := issuer.Sign(claims)
			if err != nil {
				return err
			}
			r.tokens[group] = append(r.tokens[group], token)
		}
	}
	return nil
}

// startAPI starts the API. It asks Temporal for nothing, as all reads are of ended transactions or lists.
func (r *reads) startAPI(ctx context.Context, dir, ledgerURL, issuer string) error {
	root, rootErr := stack.Root()
	port, portErr := stack.FreePort()
	if err := errors.Join(rootErr, portErr); err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	var roles []string
	for group, role := range groups {
		roles = append(roles, group+"="+role)
	}
	var err error
	r.api, err = stack.StartProcess(stack.Command{
		Name: "api", Path: filepath.Join(root, "bin", "orders"), Args: []string{"api"}, Log: filepath.Join(dir, "api.log"),
		Env: append(os.Environ(), "LOG_LEVEL=warn", "HTTP_ADDRESS="+address, "LEDGER_URL="+ledgerURL,
			"CARD_FINGERPRINT_KEY=of-this-benchmark-and-nothing-else", "OIDC_ISSUER="+issuer, "OIDC_ROLES="+strings.Join(roles, ","),
			"HTTP_RATE_PER_CALLER=100000", "HTTP_BURST_PER_CALLER=100000", "GOGC=400"), // as in the Dockerfile
	})
	if err != nil {
		return err
	}
	r.address = (&url.URL{Scheme: "http", Host: address}).String()
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the standard library's own
	transport.MaxIdleConnsPerHost = readCallers
	r.http = &http.Client{Transport: transport}
	return r.api.WaitHealthy(ctx, r.address+"/livez")
}

// processes returns the API, and the database if that is a process.
func (r *reads) processes() []process {
	all := []process{{kind: "api", Process: r.api}}
	if r.server != nil {
		all = append(all, process{kind: postgresKind, Process: r.server.Process})
	}
	return all
}

func millis(d time.Duration) string { return fmt.Sprintf("%.3fms", d.Seconds()*1000) }
