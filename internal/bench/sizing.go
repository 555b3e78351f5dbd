package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// figure names a figure of a table of docs/performance.md.
type figure struct{ load, system, column string }

// figures reads the tables of a section of docs/performance.md.
func figures(page, section string) (map[figure]float64, error) {
	text, err := os.ReadFile(filepath.Clean(page))
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(text), "<!-- bench "+section+" -->")
	tables, _, found := strings.Cut(rest, "<!-- end -->")
	if !found {
		return nil, fmt.Errorf("%s has no section %s", page, section)
	}
	all, columns, load := map[figure]float64{}, []string(nil), ""
	for line := range strings.Lines(tables) {
		cells := cellsOf(line)
		switch {
		case len(cells) < 3:
			columns = nil
		case columns == nil:
			columns = cells
		default:
			if cells[0] != "" {
				load = cells[0]
			}
			for i, cell := range cells[2:] {
				number, _, _ := strings.Cut(cell, " ")
				if value, err := strconv.ParseFloat(number, 64); err == nil {
					all[figure{load, cells[1], columns[i+2]}] = value
				}
			}
		}
	}
	return all, nil
}

func cellsOf(line string) []string {
	line, found := strings.CutPrefix(strings.TrimSpace(line), "|")
	if !found {
		return nil
	}
	cells := strings.Split(strings.TrimSuffix(line, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// service is the service's name in the tables.
const service = "POST /transact"

// path is a way that transactions take, with its cost as docs/architecture.md says.
type path struct {
	name               string
	share              float64
	bytes, transitions float64
	alerts             float64 // each is a workflow of its own
}

// mix is what is posted: an assumption. Costs are those of docs/architecture.md, which a test compares.
var mix = []path{
	{"approved and paid", 0.95, 6100, 10, 0},
	{"payment declined", 0.03, 6100, 10, 0},
	{"stopped, alert published", 0.01, 6600, 10, 1},
	{"approved in review", 0.01, 13600, 21, 1},
}

// delivered is the workflow of one alert.
var delivered = path{"its alert delivered (`DeliverAlert`) to a target that answered at once the last time", 1, 2600, 2, 0}

// These are assumptions, which nothing here has measured.
const (
	busy           = 0.6  // of the cores that are bought, at the rate that is planned for
	shardBusy      = 0.25 // of the time of a history shard
	writeTime      = 5.0  // ms for one write of a shard, on a replicated database
	queueRate      = 500  // tasks a second of a partition of a task queue
	ledgerCommits  = 3    // a transaction: two entries and a decision
	ledgerBytes    = 3800 // a transaction, in PostgreSQL with an explanation: docs/ledger.md
	commitsAServer = 5000 // a second, of one PostgreSQL
)

// auditTime is measured: the ms for an entry of the audit trail, of 16 that wait at once. See docs/audit.md.
const auditTime = 0.16

// total returns a sum over the mix.
func total(of func(path) float64) float64 {
	sum := 0.0
	for _, p := range mix {
		sum += p.share * of(p)
	}
	return sum
}

// size prints what transactions a second need, for each of the rates, by the costs that docs/performance.md has.
func (r *report) size(page string, rates []float64) error {
	all, err := figures(page, "loads")
	if err != nil {
		return err
	}
	rows := [][]string{}
	add := func(what string, of func(rate float64) float64) {
		line := []string{what}
		for _, rate := range rates {
			line = append(line, rounded(of(rate)))
		}
		rows = append(rows, line)
	}
	for _, kind := range kinds {
		cost := all[figure{"50 callers", service, kind + " ms"}]
		if cost == 0 {
			continue
		}
		cores := func(rate float64) float64 { return math.Ceil(rate * cost / 1000 / busy) }
		add(fmt.Sprintf("cores of %s, %.3g ms each", kind, cost), cores)
		add("… 99 of 100 wait for one at most, ms", func(rate float64) float64 {
			return waitOf(int(cores(rate)), rate*cost/1000, cost, 0.01)
		})
	}
	alerts := total(func(p path) float64 { return p.alerts })
	transitions := total(func(p path) float64 { return p.transitions + p.alerts*delivered.transitions })
	histories := total(func(p path) float64 { return p.bytes + p.alerts*delivered.bytes })
	add("state transitions a second", func(rate float64) float64 { return rate * transitions })
	add("history shards", func(rate float64) float64 {
		return math.Exp2(math.Ceil(math.Log2(max(4, rate*transitions*writeTime/1000/shardBusy))))
	})
	add("partitions of each task queue", func(rate float64) float64 { return math.Ceil(rate / queueRate) })
	add("histories a day, GB", func(rate float64) float64 { return rate * histories * 86400 / 1e9 })
	add("commits of the ledger a second", func(rate float64) float64 { return rate * ledgerCommits })
	add("the audit trail's chain is busy, %", func(rate float64) float64 { return rate * auditTime / 10 })
	add("PostgreSQL servers for the ledger", func(rate float64) float64 { return math.Ceil(rate * ledgerCommits / commitsAServer) })
	add("ledger a day, GB", func(rate float64) float64 { return rate * ledgerBytes * 86400 / 1e9 })
	add("alerts a second", func(rate float64) float64 { return rate * alerts })
	answer := all[figure{"1 caller", service, "p50 ms"}]
	add("transactions on their way to an answer", func(rate float64) float64 { return rate * answer / 1000 })
	header := []string{"transactions a second"}
	for _, rate := range rates {
		header = append(header, rounded(rate))
	}
	printTable(r, header, rows)
	return nil
}

// thousands finds where a whole number gets its commas.
var thousands = regexp.MustCompile(`(\d)(\d{3})(,|$)`)

// rounded writes a number with three or four digits that count.
func rounded(x float64) string {
	if x != 0 && x < 100 {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	step := math.Pow(10, max(0, math.Floor(math.Log10(max(x, 1)))-3))
	text := strconv.FormatFloat(math.Round(x/step)*step, 'f', 0, 64)
	for thousands.MatchString(text) {
		text = thousands.ReplaceAllString(text, "$1,$2$3")
	}
	return text
}

// modelOf returns the model of the machine that docs/performance.md was measured on, by the figures of one caller: what the caller
// waits for, and how much more the processes work. There are as many stages as make the 95th percentile come out.
func modelOf(all map[figure]float64) machine {
	of := func(column string) float64 { return all[figure{"1 caller", service, column}] }
	spread := (of("p95 ms")/of("p50 ms") - 1) / 1.645
	return machine{
		cores: 2, stages: max(1, int(math.Round(1/spread/spread))), answer: of("p50 ms"), after: max(0, of("CPU ms")-of("p50 ms")),
	}
}

// figures returns what the model says of callers, by the names of columns.
func (m machine) figures(callers int) map[string]float64 {
	latencies, rate := m.closedLoop(callers, 20_000)
	all := map[string]float64{"rate/s": rate}
	for _, q := range []int{50, 95, 99} {
		all[fmt.Sprintf("p%d ms", q)] = latencies[len(latencies)*q/100]
	}
	return all
}

// compareModel prints what the model says beside what was measured.
func (r *report) compareModel(page string) error {
	all, err := figures(page, "loads")
	if err != nil {
		return err
	}
	columns := []string{"rate/s", "p50 ms", "p95 ms", "p99 ms"}
	rows := [][]string{}
	for _, callers := range []int{1, 50} {
		load, of := plural(callers, "caller"), modelOf(all).figures(callers)
		measured, says := []string{load, "measured"}, []string{"", "model"}
		for _, column := range columns {
			measured = append(measured, rounded(all[figure{load, service, column}]))
			says = append(says, rounded(of[column]))
		}
		rows = append(rows, measured, says)
	}
	printTable(r, append([]string{"load", ""}, columns...), rows)
	return nil
}

// notMeasured stands where docs/performance.md has no table of a curve.
const notMeasured = "not measured"

// grow prints what more processes of a kind brought on the measured machine, by the curves of docs/performance.md.
func (r *report) grow(page string) error {
	rows := [][]string{}
	for _, curve := range []struct{ section, kind string }{{"workers", "worker"}, {"police", "fraud_police"}} {
		all, err := figures(page, curve.section)
		if err != nil {
			return err
		}
		first, kind := 0.0, curve.kind
		for _, size := range sizesOf(all, curve.kind+": %d") {
			of := func(column string) float64 {
				return all[figure{"50 callers", fmt.Sprintf("%s: %d", curve.kind, size), column}]
			}
			if of("rate/s") == 0 {
				continue
			}
			first = cmp.Or(first, of("rate/s"))
			rows = append(rows, []string{kind, strconv.Itoa(size), rounded(of("rate/s")), rounded(of("rate/s") / first), rounded(of("p99 ms")), rounded(of("CPU ms"))})
			kind = ""
		}
		if first == 0 {
			rows = append(rows, []string{kind, notMeasured, "", "", "", ""})
		}
	}
	printTable(r, []string{"process", "how many", "rate/s, 50 callers", "to the first row", "p99 ms", "CPU ms"}, rows)
	return nil
}

// sizesOf returns the sizes in the names of a curve's rows, which form writes.
func sizesOf(all map[figure]float64, form string) (sizes []int) {
	for f := range all {
		for _, name := range []string{f.load, f.system} {
			var size int
			if _, err := fmt.Sscanf(name, form, &size); err == nil {
				sizes = append(sizes, size)
			}
		}
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

// reviews prints the memory for open reviews, by the curve of docs/performance.md.
func (r *report) reviews(page string) error {
	all, err := figures(page, "reviews")
	if err != nil {
		return err
	}
	columns := []string{"worker MB", "server MB", "worker ready s", "next decided s"}
	rows := [][]string{}
	for _, size := range sizesOf(all, openReviews) {
		line := []string{rounded(float64(size))}
		for _, column := range columns {
			cell := ""
			if value := all[figure{fmt.Sprintf(openReviews, size), service, column}]; value > 0 { // without a review none is decided
				cell = rounded(value)
			}
			line = append(line, cell)
		}
		rows = append(rows, line)
	}
	if len(rows) == 0 {
		rows = [][]string{{notMeasured, "", "", "", ""}}
	}
	printTable(r, append([]string{"open reviews"}, columns...), rows)
	return nil
}

// plannedRates are the transactions a second that docs/sizing.md plans for.
var plannedRates = []float64{10, 100, 1000, 10_000}

// sizing prints what docs/sizing.md says by arithmetic, and writes it there.
func sizing(update bool) error {
	performance, page := filepath.Join("docs", "performance.md"), filepath.Join("docs", "sizing.md")
	for section, write := range map[string]func(*report) error{
		"plan":  func(r *report) error { return r.size(performance, plannedRates) },
		"model": func(r *report) error { return r.compareModel(performance) },
		"grow":  func(r *report) error { return r.grow(performance) },
		"held":  func(r *report) error { return r.reviews(performance) },
	} {
		r := &report{}
		if err := write(r); err != nil {
			return err
		}
		if update {
			if err := r.update(page, section); err != nil {
				return err
			}
		}
	}
	return nil
}
