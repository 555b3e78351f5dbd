package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/procfs"
)

// report is what a run measured, as -json writes it.
type report struct {
	Commit   string `json:"commit"`
	Machine  string `json:"machine"`
	Settings string `json:"settings"`
	Rows     []row  `json:"rows"`

	text bytes.Buffer // the tables, as they are printed
}

// row holds the figures of one system under one load, each with a value of every round.
type row struct {
	Load    string               `json:"load"`
	System  string               `json:"system"`
	Figures map[string][]float64 `json:"figures"`
}

func (r row) add(figures map[string]float64) {
	for name, value := range figures {
		r.Figures[name] = append(r.Figures[name], value)
	}
}

func newReport(settings string) *report {
	r := &report{Commit: "unknown", Settings: settings, Machine: fmt.Sprintf("%d cores", runtime.NumCPU())}
	if commit, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output(); err == nil {
		r.Commit = strings.TrimSpace(string(commit))
	}
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if cpus, err := fs.CPUInfo(); err == nil && len(cpus) > 0 {
			r.Machine += ", " + cpus[0].ModelName
		}
		if memory, err := fs.Meminfo(); err == nil && memory.MemTotal != nil {
			r.Machine += fmt.Sprintf(", %.0f GB", float64(*memory.MemTotal)/(1<<20))
		}
	}
	fmt.Fprintf(r, "Commit %s; %s; %s; %s. Each figure is the median of its rounds, ± half the distance from the lowest to the highest.\n",
		r.Commit, r.Machine, runtime.Version(), settings)
	return r
}

// Write prints text, and keeps it for update.
func (r *report) Write(text []byte) (int, error) {
	r.text.Write(text)
	return os.Stdout.Write(text)
}

// printRows prints rows, each with those of the figures that it has.
func (r *report) printRows(rows []row, figures ...string) {
	figures = had(rows, figures)
	cells := make([][]string, 0, len(rows))
	for i, one := range rows {
		load := one.Load
		if i > 0 && rows[i-1].Load == load {
			load = ""
		}
		line := []string{load, one.System}
		for _, figure := range figures {
			line = append(line, spread(one.Figures[figure]))
		}
		cells = append(cells, line)
	}
	printTable(r, append([]string{"load", ""}, figures...), cells)
}

// printRatios compares the last row of each load with the others. Ratios are taken within a round, where all systems were
// measured one after the other.
func (r *report) printRatios(rows []row, figures ...string) {
	figures = had(rows, figures)
	var cells [][]string
	for i, one := range rows {
		last := i
		for last+1 < len(rows) && rows[last+1].Load == one.Load {
			last++
		}
		if last == i {
			continue
		}
		line := []string{one.Load, rows[last].System + " to " + one.System}
		for _, figure := range figures {
			line = append(line, ratio(rows[last].Figures[figure], one.Figures[figure]))
		}
		cells = append(cells, line)
	}
	if len(cells) > 0 {
		printTable(r, append([]string{"load", "ratio of"}, figures...), cells)
		fmt.Fprintln(r, "\nRatios are medians, with the lowest and the highest round. No difference: none beyond the spread of the rounds.")
	}
}

// had returns the figures that at least one row has.
func had(rows []row, figures []string) (some []string) {
	for _, figure := range figures {
		if slices.ContainsFunc(rows, func(r row) bool { return len(r.Figures[figure]) > 0 }) {
			some = append(some, figure)
		}
	}
	return some
}

// printTable prints a table as Markdown, with columns of even width.
func printTable(w io.Writer, header []string, rows [][]string) {
	widths := make([]int, len(header))
	for _, line := range append([][]string{header}, rows...) {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 2)
		}
	}
	rule := make([]string, len(header))
	for i := range rule {
		rule[i] = strings.Repeat("-", widths[i])
	}
	fmt.Fprintln(w)
	for _, line := range append([][]string{header, rule}, rows...) {
		for i, cell := range line {
			fmt.Fprintf(w, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		fmt.Fprintln(w, "|")
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// spread returns the median, and half the distance between the lowest and the highest value.
func spread(values []float64) string {
	switch len(values) {
	case 0:
		return ""
	case 1:
		return number(values[0])
	}
	if half := (slices.Max(values) - slices.Min(values)) / 2; half > 0 {
		return number(median(values)) + " ±" + number(half)
	}
	return number(median(values))
}

// ratio returns the median of the rounds' ratios with the lowest and the highest, or that there is no difference: some rounds
// are above 1 and some below, or the median is nearer to 1 than half the distance from the lowest to the highest.
func ratio(of, to []float64) string {
	ratios := make([]float64, min(len(of), len(to)))
	for i := range ratios {
		ratios[i] = of[i] / to[i]
	}
	if len(ratios) == 0 {
		return ""
	}
	middle, low, high := median(ratios), slices.Min(ratios), slices.Max(ratios)
	switch between := fmt.Sprintf("(%.2f to %.2f)", low, high); {
	case len(ratios) < 3:
		return fmt.Sprintf("too few rounds %s", between)
	case low <= 1 && 1 <= high, math.Abs(middle-1) < (high-low)/2:
		return "no difference " + between
	default:
		return fmt.Sprintf("%.2f %s", middle, between)
	}
}

// number returns a figure with three digits that count.
func number(value float64) string {
	if value >= 100 {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return strconv.FormatFloat(value, 'g', 3, 64)
}

// writeJSON writes the report to a file.
func (r *report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

// update writes what was printed into a section of a page.
func (r *report) update(page, name string) error {
	text, between, err := sectionOf(page, name)
	if err != nil {
		return err
	}
	text = between.ReplaceAllFunc(text, func(found []byte) []byte {
		parts := between.FindSubmatch(found)
		return slices.Concat(parts[1], []byte("\n"), bytes.TrimSpace(r.text.Bytes()), []byte("\n\n"), parts[2])
	})
	return os.WriteFile(page, text, 0o600)
}

// sectionOf returns a page, and what matches the section between the markers of that name.
func sectionOf(page, name string) (text []byte, between *regexp.Regexp, err error) {
	text, err = os.ReadFile(filepath.Clean(page))
	if err != nil {
		return nil, nil, err
	}
	between = regexp.MustCompile(`(?s)(<!-- bench ` + regexp.QuoteMeta(name) + ` -->\n).*?(<!-- end -->)`)
	if !between.Match(text) {
		return nil, nil, fmt.Errorf("update %s: it has no <!-- bench %s --> with an <!-- end --> after it", page, name)
	}
	return text, between, nil
}
