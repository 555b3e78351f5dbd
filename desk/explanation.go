package desk

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/velocity"
)

// seenValue is a value that the rules saw, with its name as rules write it and in words.
type seenValue struct {
	Name, Words, Value string
}

// explained is the explanation of a decision, in words.
type explained struct {
	*fraud.Explanation

	Hits []hit
	// Known reports whether the ruleset that decided is at hand, so that it is known which values the rules used. Others has those
	// that no rule that hit used, or else all.
	Known  bool
	Others []seenValue
}

// hit is a rule or a list that hit, or a rule that failed.
type hit struct {
	fraud.RuleResult

	Name string // in words, as far as that is known
	To   string // its page; empty if the ruleset may not have it any more
	Saw  []seenValue
}

// explain writes an explanation in words. The trial is of the ruleset that decided; it is nil if that is not at hand.
func explain(e *fraud.Explanation, of *ruleset.Trial) explained {
	shown, others := explained{Explanation: e, Known: of != nil}, maps.Clone(e.Features)
	for _, r := range e.Rules {
		h := hit{RuleResult: r, Name: r.ID}
		if list, is := strings.CutPrefix(r.ID, "list:"); is {
			h.Name, h.To = "On the list "+plainly(list), "/rules/lists/"+url.PathEscape(list)
		} else if of != nil {
			h.Name, h.To = cmp.Or(of.RuleNames[r.ID], r.ID), "/rules/rule/"+url.PathEscape(r.ID)
			for _, s := range of.Saw[r.ID] {
				delete(others, s.Name)
				if counted, is := e.Features[s.Name]; is {
					s.Value = number(counted)
				} else if s.Name == "customer.age" {
					s.Value = spanInWords(s.Value)
				}
				h.Saw = append(h.Saw, seenValue{s.Name, valueInWords(s.Name), s.Value})
			}
		}
		shown.Hits = append(shown.Hits, h)
	}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		shown.Others = append(shown.Others, seenValue{name, valueInWords(name), number(others[name])})
	}
	return shown
}

// number writes a number with at most four decimals.
func number(of float64) string {
	return strconv.FormatFloat(math.Round(of*1e4)/1e4, 'f', -1, 64)
}

// tryAgain returns what the ruleset that decides now says about a transaction, or nil if another one decided about it.
func (v *visit) tryAgain(r ledger.Record) *ruleset.Trial {
	if r.Explanation == nil || r.Decision == nil {
		return nil
	}
	var tried ruleset.Trial
	err := v.get("/rules/try/"+url.PathEscape(r.TransactionID), nil, &tried)
	if err != nil || tried.Decision.Ruleset.Digest != r.Decision.Ruleset.Digest { // what was recorded is shown all the same
		return nil
	}
	return &tried
}

// fieldForm changes the name of a field, of a list or of a key of metadata into words.
var fieldForm = strings.NewReplacer(`listed("`, "on the list ", `metadata("`, "", `")`, "", ".value", "", ".", " ", "_", " ",
	"ip.", "IP ", "luhnValid", "Luhn digit right", "coBrand", "second brand", "firstSix", "first six", "lastFour", "last four", "wrongLength", "of a wrong length",
	"emailDomain", "mail domain", "emailMalformed", "mail address malformed", "createdAtMalformed", "date malformed", "createdAt", "since")

// featureForm is a feature as velocity.Feature writes it: card.distinct("customer", "30d").
var featureForm = regexp.MustCompile(`^(\w+)(?:\("([^"]*)"\))?\.(count|sum|mean|distinct|frauds)\((.*)\)$`)

// valueInWords says what a value is: what a feature counts, or "Payment amount" for payment.amount.
func valueInWords(name string) string {
	short, across := velocity.CutAcross(name)
	parts := featureForm.FindStringSubmatch(short)
	if parts == nil {
		name = fieldForm.Replace(name)
		first, size := utf8.DecodeRuneInString(name)
		return string(unicode.ToUpper(first)) + name[size:]
	}
	by := map[string]string{"card": "with this card", "customer": "of this customer", "ip": "from this IP address", "order": "for this order"}[parts[1]]
	if parts[1] == "metadata" {
		by = "with the same " + parts[2]
	}
	var arguments []string
	for argument := range strings.SplitSeq(parts[4], ",") {
		arguments = append(arguments, strings.Trim(argument, ` "`))
	}
	of := ""
	if parts[3] == string(velocity.Distinct) && len(arguments) > 1 {
		of, arguments = arguments[0], arguments[1:]
	}
	words := map[velocity.Measure]string{
		velocity.Count:    "Earlier transactions " + by,
		velocity.Sum:      "Sum of the amounts " + by + ", in this currency",
		velocity.Mean:     "Average amount " + by + ", in this currency",
		velocity.Distinct: fmt.Sprintf("Different values of %s among the transactions %s", of, by),
		velocity.Frauds:   "Frauds among the transactions " + by,
	}[velocity.Measure(parts[3])] + " in " + spanInWords(arguments[0])
	if len(arguments) > 1 {
		words += ", up to " + spanInWords(arguments[1]) + " before"
	}
	if across {
		words += ", of all merchants"
	}
	return words
}

// spanInWords writes a span of a rule or of the routing file. Any other text stays as it is.
func spanInWords(text string) string {
	span, err := velocity.ParseSpan(text)
	if err != nil {
		span, err = time.ParseDuration(text)
	}
	if err != nil {
		return text
	}
	return inWords(span)
}
