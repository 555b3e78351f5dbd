package velocity

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"dummyorders/domain/money"
)

// Measure says how a feature's value is computed from the uses that it looks at.
type Measure string

// The measures.
const (
	Count    Measure = "count"    // how many transactions
	Sum      Measure = "sum"      // of their amounts, in the transaction's currency only
	Mean     Measure = "mean"     // the average of these amounts; 0 if there are none
	Distinct Measure = "distinct" // how many different values of another dimension
	Frauds   Measure = "frauds"   // how many are labelled fraudulent
)

// The bounds of a feature's window, and of its delay.
const (
	MinWindow = time.Minute
	MaxWindow = 30 * 24 * time.Hour
	MaxDelay  = 30 * 24 * time.Hour
	// Horizon is how far back any feature can look. No feature needs older uses.
	Horizon = MaxWindow + MaxDelay
)

// MostUses is how many uses of one value a feature looks at: the latest. It bounds the cost of a decision, however busy a
// card or an address is; a count never exceeds it.
const MostUses = 1000

// Feature is a number that a rule sees: it is counted from the transactions that came before, with the same card, for
// example. The transaction itself never counts.
type Feature struct {
	Measure Measure
	By      Dimension
	Of      Dimension     // the dimension that Distinct counts values of; empty for other measures
	Window  time.Duration // from MinWindow to MaxWindow
	// Across counts the transactions of all merchants, instead of only those of the transaction's own: see AcrossMerchants.
	Across bool
	// Delay leaves out the latest transactions, because their labels cannot be known yet. Only Frauds may have one.
	Delay time.Duration
}

// acrossMerchants stands after the name of a feature that counts across merchants. Rules do not write it: their ruleset says
// what goes across.
const acrossMerchants = " across merchants"

// AcrossMerchants returns the feature as it counts where its dimension goes across merchants. Sums and means do not: amounts
// are a merchant's own.
func (f Feature) AcrossMerchants() Feature {
	f.Across = f.By.Shared() && f.Measure != Sum && f.Measure != Mean
	return f
}

// CutAcross returns a feature's name without the words that say that it counts across merchants, and whether it had them.
func CutAcross(name string) (string, bool) {
	return strings.CutSuffix(name, acrossMerchants)
}

func (f Feature) pool() Pool { return Pool{f.By, f.Across} }

// String returns the feature as rules write it, always in the same form: card.count("10m"). One that counts across merchants
// says so: card.count("10m") across merchants. It is the feature's name wherever its value is recorded.
func (f Feature) String() string {
	var arguments []string
	if f.Of != "" {
		arguments = append(arguments, strconv.Quote(string(f.Of)))
	}
	arguments = append(arguments, strconv.Quote(FormatSpan(f.Window)))
	if f.Delay > 0 {
		arguments = append(arguments, strconv.Quote(FormatSpan(f.Delay)))
	}
	by := string(f.By)
	if key, ok := f.By.MetadataKey(); ok {
		by = "metadata(" + strconv.Quote(key) + ")"
	}
	name := fmt.Sprintf("%s.%s(%s)", by, f.Measure, strings.Join(arguments, ", "))
	if f.Across {
		name += acrossMerchants
	}
	return name
}

// Value returns the feature's value for a transaction. earlier holds the uses of the feature's pool that were known at
// moment, the newest first, and no others. Of the uses that the feature covers, Value
// looks at the newest MostUses.
func (f Feature) Value(earlier []Use, of Use, moment time.Time) float64 {
	total := tally{most: len(earlier)}
	until := moment.Add(-f.Delay)
	after := until.Add(-f.Window)
	for i := range earlier {
		use := &earlier[i]
		// Without a delay the window has no end: if transactions waited for their checks together, one may be checked before
		// another that was accepted earlier, which then sees it too.
		if !use.At.After(after) || f.Delay > 0 && use.At.After(until) || use.TransactionID == of.TransactionID {
			continue
		}
		if total.add(f, use, &of, moment); total.count == MostUses {
			break
		}
	}
	return total.value(f, of)
}

// tally adds up the uses that a feature looks at.
type tally struct {
	most                        int // how many uses there are at most
	count, sameCurrency, frauds int
	minor                       int64
	values                      map[distinct]bool
	last                        distinct // the latest of values
}

// distinct tells values apart. The merchant is empty for values that mean the same for all merchants.
type distinct struct{ merchant, value string }

func (s *tally) add(f Feature, use, of *Use, moment time.Time) {
	s.count++
	if use.Amount.Currency == of.Amount.Currency {
		s.sameCurrency++
		s.minor = money.Add(s.minor, use.Amount.Minor)
	}
	if f.Measure == Frauds && use.fraudulentAt(moment) {
		s.frauds++
	}
	if f.Measure == Distinct {
		s.distinguish(f.Of, use)
	}
}

func (s *tally) distinguish(of Dimension, use *Use) {
	d := distinct{use.Merchant, use.Values[of]}
	if of.Shared() {
		d.merchant = ""
	}
	if d.value == "" || d == s.last {
		return
	}
	if s.values == nil {
		s.values = make(map[distinct]bool, s.most) // to grow step by step takes three times as long
	}
	s.values[d], s.last = true, d
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

// Names returns how rules write the features.
func Names(features []Feature) []string {
	all := make([]string, len(features))
	for i, f := range features {
		all[i] = f.String()
	}
	return all
}

// units lists the units of a span, the largest first.
var units = []struct {
	letter string
	length time.Duration
}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}}

var span = regexp.MustCompile(`^([1-9][0-9]{0,5})([dhm])$`)

// ParseSpan parses a length of time as rules write it: whole minutes, hours or days, such as "10m", "24h" or "30d".
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

// FormatSpan formats a length of whole minutes as a whole number of the largest unit that fits: 24h is "1d".
func FormatSpan(d time.Duration) string {
	for _, unit := range units {
		if d%unit.length == 0 {
			return fmt.Sprintf("%d%s", d/unit.length, unit.letter)
		}
	}
	return d.String()
}
