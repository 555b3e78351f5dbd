package backtest

import (
	"fmt"
	"math"

	"dummyorders/domain/fraud"
)

// chart is a drawing of bars, lines behind them and texts. It has its own units.
type chart struct {
	Title         string // for readers who cannot see the chart
	Width, Height float64
	Bars          []bar
	Lines         []float64 // heights of horizontal lines
	Texts         []text
}

// bar is a rectangle. Class is the CSS class that gives its colour, and Says is the text that explains it.
type bar struct {
	X, Y, W, H  float64
	Class, Says string
}

type text struct {
	X, Y         float64
	Anchor, Text string
}

// The size of a chart, and the margins left free for the texts beside and below the plot.
const (
	chartWidth  = 1080
	chartHeight = 260
	chartLeft   = 56
	chartRight  = 24
	chartBottom = 26
	chartTop    = 14
	plotHeight  = chartHeight - chartTop - chartBottom
	mostGroups  = 45 // the most pairs of bars that can be distinguished
)

func newChart(title string) *chart {
	return &chart{Title: title, Width: chartWidth, Height: chartHeight}
}

// group is a place on the horizontal axis with two stacks of bars: before and after.
type group struct {
	label         string
	before, after []part
}

// part is a piece of a stack.
type part struct {
	class string
	count int
}

// height converts a count into a share of the plot's height.
type height func(count int) float64

func linear(most int) height {
	return func(count int) float64 { return float64(count) / float64(max(most, 1)) }
}

// logarithmic returns a scale on which small counts are visible beside very large ones.
func logarithmic(most int) height {
	return func(count int) float64 { return math.Log10(float64(1+count)) / math.Log10(float64(1+max(most, 1))) }
}

// stacks draws the groups side by side.
func (c *chart) stacks(groups []group, of height) {
	step := (chartWidth - chartLeft - chartRight) / float64(max(len(groups), 1))
	width := math.Min(step*0.4, 40)
	every := int(math.Ceil(80 / step)) // so that labels do not overlap
	for i, g := range groups {
		middle := chartLeft + step*(float64(i)+0.5)
		c.stack(g.before, middle-width-1, width, g.label+" before, ", "before ", of)
		c.stack(g.after, middle+1, width, g.label+" after, ", "", of)
		if i%every == 0 {
			c.Texts = append(c.Texts, text{middle, chartHeight - 6, "middle", g.label})
		}
	}
}

func (c *chart) stack(parts []part, x, width float64, says, class string, of height) {
	y := float64(chartTop + plotHeight)
	for _, p := range parts {
		if p.count == 0 {
			continue
		}
		h := math.Max(of(p.count)*plotHeight, 1)
		y -= h
		c.Bars = append(c.Bars, bar{x, y, width, h, class + p.class, says + p.class + ": " + grouped(p.count)})
	}
}

// scale draws a labelled horizontal line at each of the counts.
func (c *chart) scale(counts []int, of height) {
	for _, count := range counts {
		y := chartTop + plotHeight*(1-of(count))
		c.Lines = append(c.Lines, y)
		c.Texts = append(c.Texts, text{chartLeft - 8, y + 4, "end", grouped(count)})
	}
}

// evenly returns evenly spaced round numbers from 0 to up to most. There are no more than six.
func evenly(most int) []int {
	step := 1
	for i := 0; most/step > 5; i++ {
		step = []int{1, 2, 5}[i%3] * int(math.Pow10(i/3))
	}
	return upTo(most, func(i int) int { return i * step })
}

func powers(most int) []int {
	return upTo(most, func(i int) int {
		if i == 0 {
			return 0
		}
		return int(math.Pow10(i - 1))
	})
}

func upTo(most int, number func(i int) int) []int {
	all := []int{}
	for i := 0; number(i) <= most; i++ {
		all = append(all, number(i))
	}
	return all
}

// dayChart returns a chart that stacks the outcomes of each day. If there are many days, it puts several into one stack.
func dayChart(days []Day, title string, outcomes ...fraud.Outcome) *chart {
	c, groups, most := newChart(title), []group{}, 0
	together := (len(days) + mostGroups - 1) / mostGroups
	for i := 0; i < len(days); i += together {
		some := days[i:min(i+together, len(days))]
		g := group{label: some[0].Date}
		before, after := 0, 0
		for _, o := range outcomes {
			b, a := part{class: string(o)}, part{class: string(o)}
			for _, d := range some {
				b.count += d.Before[o]
				a.count += d.After[o]
			}
			g.before, g.after = append(g.before, b), append(g.after, a)
			before, after = before+b.count, after+a.count
		}
		groups, most = append(groups, g), max(most, before, after)
	}
	c.scale(evenly(most), linear(most))
	c.stacks(groups, linear(most))
	return c
}

// scoreChart returns a chart with a pair of bars for each band of scores.
func scoreChart(s Scores) *chart {
	c, groups, most := newChart("Decisions by score, before and after"), []group{}, 0
	for i := range scoreBands {
		last := (i+1)*10 - 1
		if i == scoreBands-1 {
			last = fraud.MaxScore
		}
		groups = append(groups, group{
			label: fmt.Sprintf("%d–%d", i*10, last), before: []part{{"score", s.Before[i]}}, after: []part{{"score", s.After[i]}},
		})
		most = max(most, s.Before[i], s.After[i])
	}
	c.scale(powers(most), logarithmic(most))
	c.stacks(groups, logarithmic(most))
	return c
}

// hitsChart returns a chart of one bar: a rule's hits that are fraudulent, legitimate and unlabelled. most is the number of
// hits that fills the width, which is that of the rule with the most.
func hitsChart(r Rule, most int) *chart {
	c := &chart{Width: hitsWidth, Height: hitsHeight, Title: fmt.Sprintf("%s: %s, %s labelled, %s of them fraudulent",
		r.ID, plural(r.Hits, "hit"), grouped(r.Labelled), grouped(r.Fraudulent))}
	x := 0.0
	for _, p := range []part{{"fraudulent", r.Fraudulent}, {"legitimate", r.Labelled - r.Fraudulent}, {"unlabelled", r.Hits - r.Labelled}} {
		if p.count == 0 {
			continue
		}
		width := math.Max(float64(p.count)/float64(max(most, 1))*hitsWidth, 1)
		c.Bars = append(c.Bars, bar{x, 0, width, hitsHeight, p.class, p.class + ": " + grouped(p.count)})
		x += width
	}
	return c
}

const (
	hitsWidth  = 170
	hitsHeight = 14
)
