package desk

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummyorders/domain/velocity"
)

// seenValue is a value that the rules saw, with its name as rules write it and in words.
type seenValue struct {
	Name, Words, Value string
}

func valuesOf(features map[string]float64) (all []seenValue) {
	for _, name := range slices.Sorted(maps.Keys(features)) {
		all = append(all, seenValue{name, featureInWords(name), strconv.FormatFloat(features[name], 'f', -1, 64)})
	}
	return all
}

// featureForm is a feature as velocity.Feature writes it: card.distinct("customer", "30d").
var featureForm = regexp.MustCompile(`^(\w+)(?:\("([^"]*)"\))?\.(count|sum|mean|distinct|frauds)\((.*)\)$`)

// featureInWords says what a feature counts. It returns the name of one that it does not know.
func featureInWords(name string) string {
	short, across := velocity.CutAcross(name)
	parts := featureForm.FindStringSubmatch(short)
	if parts == nil {
		return name
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
