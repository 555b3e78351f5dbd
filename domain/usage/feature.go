package usage

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Measure is what a feature makes of the uses that it looks at.
type Measure string

// The measures.
const (
	Count    Measure = "count"    // how many transactions
	Sum      Measure = "sum"      // of their amounts, of those in the transaction's currency
	Mean     Measure = "mean"     // the same, on average; 0 where there are none
	Distinct Measure = "distinct" // how many different values of another dimension
	Frauds   Measure = "frauds"   // how many are labelled fraudulent
)

// The windows that a feature may look back over, and how long frauds may be left out for at most.
const (
	MinWindow = time.Minute
	MaxWindow = 30 * 24 * time.Hour
	MaxDelay  = 30 * 24 * time.Hour
	// Horizon is how far back any feature can look. What is older is needed by none.
	Horizon = MaxWindow + MaxDelay
)

// MostUses is how many uses of one value a feature looks at: the latest. It bounds what a decision costs, however busy
// a card or an address is; a count does not go above it.
const MostUses = 1000

// Feature is a number that a rule sees: what is counted of the transactions that came before, with the same card, say.
// The transaction itself is never among them.
type Feature struct {
	Measure Measure
	By      Dimension
	Of      Dimension     // what is counted by Distinct; empty otherwise
	Window  time.Duration // from MinWindow to MaxWindow
	// Delay leaves out the latest transactions, of which nobody can know yet. Only Frauds may have one.
	Delay time.Duration
}

// String is the feature as rules write it, always the same way: card.count("10m"). It is its name wherever its value is
// recorded.
func (f Feature) String() string {
	var arguments []string
	if f.Of != "" {
		arguments = append(arguments, quoted(string(f.Of)))
	}
	arguments = append(arguments, quoted(FormatSpan(f.Window)))
	if f.Delay > 0 {
		arguments = append(arguments, quoted(FormatSpan(f.Delay)))
	}
	by := string(f.By)
	if key, ok := f.By.MetadataKey(); ok {
		by = "metadata(" + quoted(key) + ")"
	}
	return fmt.Sprintf("%s.%s(%s)", by, f.Measure, strings.Join(arguments, ", "))
}

// Value is the feature's for a transaction, of the uses of the value that it has in the feature's dimension: those that
// were known at a moment, the newest first. Uses of other values do not belong among them. Of those that it covers it
// looks at MostUses, the newest.
func (f Feature) Value(earlier []Use, of Use, moment time.Time) float64 {
	var seen tally
	for _, use := range earlier {
		if use.TransactionID != of.TransactionID && seen.count < MostUses && f.covers(use.At, moment) {
			seen.add(f, use, of, moment)
		}
	}
	return seen.value(f, of)
}

// covers says whether a use is within the window. Without a delay it has no end: of transactions that waited for their
// checks together, one may be checked before another that was accepted earlier, which then sees it too.
func (f Feature) covers(at, moment time.Time) bool {
	until := moment.Add(-f.Delay)
	return at.After(until.Add(-f.Window)) && (f.Delay == 0 || !at.After(until))
}

// tally is what a feature sees on its way through the uses.
type tally struct {
	count, sameCurrency, frauds int
	minor                       int64
	values                      map[string]bool
}

func (s *tally) add(f Feature, use, of Use, moment time.Time) {
	s.count++
	if use.Amount.Currency == of.Amount.Currency {
		s.sameCurrency++
		s.minor += min(use.Amount.Minor, math.MaxInt64-s.minor) // amounts are positive
	}
	if f.Measure == Frauds && use.fraudulentAt(moment) {
		s.frauds++
	}
	if f.Measure == Distinct {
		s.distinguish(use.Values[f.Of])
	}
}

func (s *tally) distinguish(value string) {
	if value == "" {
		return
	}
	if s.values == nil {
		s.values = map[string]bool{}
	}
	s.values[value] = true
}

func (s *tally) value(f Feature, of Use) float64 {
	switch f.Measure {
	case Count:
		return float64(s.count)
	case Distinct:
		return float64(len(s.values))
	case Frauds:
		return float64(s.frauds)
	case Sum:
		return of.Amount.Currency.Major(s.minor)
	case Mean:
		if s.sameCurrency == 0 {
			return 0
		}
		return of.Amount.Currency.Major(s.minor) / float64(s.sameCurrency)
	}
	return 0
}

func quoted(text string) string {
	return fmt.Sprintf("%q", text)
}

// units are those that a span is written in, the largest first.
var units = []struct {
	letter string
	length time.Duration
}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}}

var span = regexp.MustCompile(`^([1-9][0-9]{0,5})([dhm])$`)

// ParseSpan reads a length of time as rules write it: whole minutes, hours or days, such as "10m", "24h" or "30d".
func ParseSpan(text string) (time.Duration, error) {
	parts := span.FindStringSubmatch(text)
	if parts == nil {
		return 0, fmt.Errorf("%q must be whole minutes, hours or days, such as \"10m\", \"24h\" or \"30d\"", text)
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0, fmt.Errorf("read %q: %w", text, err)
	}
	for _, unit := range units {
		if unit.letter != parts[2] {
			continue
		}
		if time.Duration(number) > math.MaxInt64/unit.length {
			return 0, fmt.Errorf("%q is longer than can be reckoned with: at most %d%s", text, math.MaxInt64/unit.length, unit.letter)
		}
		return time.Duration(number) * unit.length, nil
	}
	return 0, fmt.Errorf("%q has no unit", text)
}

// FormatSpan writes a length of whole minutes in the largest unit that it is a whole number of: 24h is "1d".
func FormatSpan(d time.Duration) string {
	for _, unit := range units {
		if d%unit.length == 0 {
			return fmt.Sprintf("%d%s", d/unit.length, unit.letter)
		}
	}
	return d.String()
}
