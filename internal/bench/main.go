// Bench measures POST /transact, on servers and processes that it starts itself, beside bare floors: workflows on the same
// Temporal server that only call no-op activities. It measures all in turn, in one run, so that their ratios stay valid when
// the machine's speed changes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
)

type plan struct {
	api      string
	callers  []int
	rates    []float64
	rounds   int
	duration time.Duration
	old      string // a folder of another commit, to compare with: its program orders, Dockerfile and temporal-config
	sizes    []int  // of a curve
	tries    []string
	*report
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := plan{}
	callers := flag.String("callers", "", `callers of the closed loops (default "1,10,50")`)
	rates := flag.String("rates", "10,20", "constant arrival rates, transactions a second; none if empty")
	flag.StringVar(&p.api, "api", "http://localhost:9001", "the API's address, for -beside")
	flag.IntVar(&p.rounds, "rounds", 5, "rounds of each measurement; medians are printed")
	flag.DurationVar(&p.duration, "duration", 5*time.Second, "how long a round of one side takes")
	flag.StringVar(&p.old, "old", "", "a folder with another commit's program orders, Dockerfile and temporal-config, to compare with; make bench-compare fills it")
	curve := flag.String("curve", "", "measure a curve instead: callers, workers, police, histories, reviews or rows")
	sizes := flag.String("sizes", "", "the sizes of a curve, such as 1000,10000")
	asJSON := flag.String("json", "", "also write every figure of every round to this file")
	update := flag.Bool("update", false, "write the tables into docs/performance.md, or docs/sizing.md")
	ofRules := flag.Bool("rules", false, "measure decisions by rules beside whole transactions, instead")
	ofTraces := flag.Bool("traces", false, "measure what exporting traces costs, instead")
	sink := flag.String("sink", "", "take the traces that -traces has exported, at this address")
	ofAlerts := flag.Bool("alerts", false, "measure alertman beside Alertmanager, or with -old beside that of another commit, instead")
	ofCallers := flag.Bool("greedy", false, "measure how much a caller that sends too much slows the others down, instead")
	ofCompose := flag.Bool("compose", false, "measure Temporal on PostgreSQL as docker-compose.yml runs them, beside the servers' defaults, instead; make bench-compose compiles the server")
	flag.Func("try", "for -compose: settings to measure as well, such as 'DB=postgres12 history.shardIOConcurrency=16 jit=off'; may be given again", func(settings string) error {
		p.tries = append(p.tries, settings)
		return nil
	})
	beside := flag.String("beside", "", "send as the caller that -greedy measures the others beside: its rate and slow sockets, as 20,2000")
	ofReads := flag.Bool("reads", false, "measure reads of a large ledger, instead")
	rows := flag.Int("rows", 1_000_000, "rows of the larger history that decisions by rules count in, and of the ledger that is read")
	dir := flag.String("dir", "", "where to keep the ledgers that are read, for the next time; if empty, they are deleted")
	ofSizes := flag.Bool("sizing", false, "compute how many cores, shards and bytes transactions need, by the figures of docs/performance.md, instead")
	profiles := flag.String("profile", "", "take CPU profiles of the program orders in this folder, instead")
	flag.Parse()
	p.callers, p.sizes = numbers(*callers), numbers(*sizes)
	for _, n := range split(*rates) {
		rate, err := strconv.ParseFloat(n, 64)
		fail(err)
		p.rates = append(p.rates, rate)
	}
	switch {
	case (*asJSON != "" || *update) && (*profiles != "" || *ofAlerts || *ofCallers || *ofReads):
		fail(errors.New("-json, -update: not possible with this measurement: it prints no tables"))
	case *ofSizes:
		fail(sizing(*update))
	case *profiles != "":
		fail(takeProfiles(ctx, *profiles, p.duration))
	case *ofAlerts:
		fail(benchAlerts(ctx, p.rounds, p.old))
	case *ofCallers:
		fail(benchCallers(ctx, p.rounds, p.duration))
	case *beside != "":
		fail(besideCaller(ctx, p.api, *beside))
	case *sink != "":
		fail(takeTraces(ctx, *sink))
	case *ofReads:
		fail(benchReads(ctx, *dir, *rows, p.duration))
	default:
		p.report = newReport(fmt.Sprintf("rounds of %s: %d", p.duration, p.rounds))
		section, measure := "loads", p.benchLoads
		switch {
		case *ofCompose:
			section, measure = "compose", p.benchCompose
		case *ofTraces:
			section, measure = "traces", p.benchTraces
		case *ofRules:
			section, measure = "rules", func(ctx context.Context) error { return p.benchRules(ctx, *rows) }
		case *curve != "":
			section, measure = *curve, func(ctx context.Context) error { return p.benchCurve(ctx, *curve) }
		case p.old != "":
			section = "old"
		}
		fail(p.printTables(ctx, measure, *asJSON, *update, section))
	}
}

// printTables measures, and writes the figures to a file, if it is named, and the tables into a section of docs/performance.md.
func (p plan) printTables(ctx context.Context, measure func(context.Context) error, asJSON string, update bool, section string) error {
	page := filepath.Join("docs", "performance.md")
	if update {
		if _, _, err := sectionOf(page, section); err != nil { // before it takes minutes
			return err
		}
	}
	err := measure(ctx)
	if err == nil && asJSON != "" {
		err = p.writeJSON(asJSON)
	}
	if err == nil && update {
		err = p.update(page, section)
	}
	return err
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ',' })
}

func numbers(list string) (all []int) {
	for _, text := range split(list) {
		n, err := strconv.Atoi(text)
		fail(err)
		all = append(all, n)
	}
	return all
}

// system is what is measured. Those of the service have processes of their own.
type system struct {
	target

	title     string
	temporal  client.Client
	processes []process
	samples   *samples
}

func (s system) name() string { return s.title }

// floors returns the floors: with as many activities as a transaction has, and with one.
func (s *servers) floors() (same, one system, err error) {
	c, err := s.client("default")
	if err != nil {
		return same, one, err
	}
	stop, err := startFloor(c)
	if err != nil {
		return same, one, err
	}
	s.stops = append(s.stops, stop)
	of := func(queues []string) system {
		f := &floor{temporal: c, queues: queues}
		return system{target: f, title: f.name(), temporal: c, processes: s.counted, samples: &f.samples}
	}
	return of(sameActivities), of(oneActivity), nil
}

// load is a load that all systems are measured under.
type load struct {
	name string
	run  func(context.Context, target) result
}

func (p plan) loads(callers ...int) (all []load) {
	if len(p.callers) > 0 {
		callers = p.callers
	}
	for _, n := range callers {
		all = append(all, load{plural(n, "caller"), func(ctx context.Context, t target) result { return closedLoop(ctx, t, n, p.duration) }})
	}
	return all
}

// plural returns a number of things, such as "1 caller" and "2 callers".
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// benchLoads measures the service, beside the floors or beside another commit.
func (p plan) benchLoads(ctx context.Context) error {
	s, err := startServers(ctx, "", "new")
	defer s.stop()
	if err != nil {
		return err
	}
	same, one, err := s.floors()
	if err != nil {
		return err
	}
	systems := []system{one, same}
	if p.old != "" {
		before, err := startServers(ctx, filepath.Join(p.old, "temporal-config"), "old")
		defer before.stop()
		if err != nil {
			return err
		}
		old, err := before.start(ctx, serviceOptions{title: "commit " + filepath.Base(p.old), namespace: "old", binary: filepath.Join(p.old, "orders")})
		if err != nil {
			return err
		}
		systems = []system{same, old}
	}
	service, err := s.start(ctx, serviceOptions{title: "POST /transact", namespace: "new"})
	if err != nil {
		return err
	}
	systems = append(systems, service)
	loads := p.loads(1, 10, 50)
	for _, rate := range p.rates {
		loads = append(loads, load{fmt.Sprintf("%g/s arriving", rate), func(ctx context.Context, t target) result { return constantRate(ctx, t, rate, p.duration) }})
	}
	if err := p.compare(ctx, loads, systems); err != nil {
		return err
	}
	if err := p.printCosts(ctx, systems); err != nil {
		return err
	}
	if err := p.printMemory(service.processes); err != nil {
		return err
	}
	for _, one := range []system{same, service} {
		closedLoop(ctx, one, 1, p.duration)
		if err := p.printSteps(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// compare measures all systems under all loads, and prints what came out.
func (p plan) compare(ctx context.Context, loads []load, systems []system) error {
	rows, err := p.measure(ctx, loads, systems)
	if err != nil {
		return err
	}
	p.printRows(rows, "rate/s", "p50 ms", "p95 ms", "p99 ms", "failed")
	cpu := []string{"CPU ms"}
	for _, kind := range append([]string{kinds[0], postgresKind}, kinds[1:]...) {
		cpu = append(cpu, kind+" ms")
	}
	p.printRows(rows, cpu...)
	p.printRatios(rows, "rate/s", "p50 ms", "p99 ms", "CPU ms", kinds[0]+" ms", postgresKind+" ms")
	return nil
}

// settle is how long the end of a round's workflows may take, before another system is measured.
const settle = 500 * time.Millisecond

// measure measures all systems under all loads, in turn, round after round.
func (p plan) measure(ctx context.Context, loads []load, systems []system) ([]row, error) {
	for _, one := range systems {
		fmt.Fprintln(os.Stderr, "warming up", one.name())
		if warm := closedLoop(ctx, one, 4, 3*time.Second); warm.failed > 0 {
			return nil, fmt.Errorf("warm up %s: %d calls failed, the last with: %w", one.name(), warm.failed, warm.lastError)
		}
	}
	var rows []row
	for _, load := range loads {
		fmt.Fprintln(os.Stderr, "measuring", load.name)
		begun := len(rows)
		for _, one := range systems {
			rows = append(rows, row{load.name, one.name(), map[string][]float64{}})
		}
		for round := range p.rounds {
			for i := range systems {
				i = (i + round) % len(systems) // what drifts within a round is not always against the same one
				one := systems[i]
				figures, err := one.under(ctx, load)
				if err != nil {
					return nil, fmt.Errorf("measure %s with %s: %w", one.name(), load.name, err)
				}
				rows[begun+i].add(figures)
			}
		}
	}
	p.Rows = append(p.Rows, rows...)
	return rows, nil
}

// under measures a round: rate and latencies, and the CPU time that each kind of process takes for a transaction.
func (s system) under(ctx context.Context, load load) (map[string]float64, error) {
	before, err := cpuTime(s.processes)
	if err != nil {
		return nil, err
	}
	r := load.run(ctx, s)
	time.Sleep(settle)
	after, err := cpuTime(s.processes)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	done := float64(r.latency.TotalCount())
	if done == 0 {
		return nil, fmt.Errorf("no call succeeded, the last failed with: %w", r.lastError)
	}
	figures := r.figures()
	for kind, used := range after {
		took := (used - before[kind]) * 1000 / done
		figures[kind+" ms"] = took
		if len(after) > 1 {
			figures["CPU ms"] += took
		}
	}
	return figures, nil
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
