package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/ledger"
)

// leaves are the values of a JSON document by their path, such as steps[2].time. What is null or empty has none.
type leaves map[string]string

// differences names every value that two records do not share.
func differences(inLedger, inHistory ledger.Record) ([]string, error) {
	a, b, err := bothLeaves(inLedger, inHistory)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(a)
	maps.Copy(all, b)
	var found []string
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if !same(a[path], b[path]) {
			found = append(found, difference(path, a, b))
		}
	}
	return found, nil
}

// changing is what may stand otherwise in a later record of the same transaction. All else is added to, and stays.
var changing = []string{"message", "transactionStatus.", "review.recheck."}

// ahead names what the ledger says and a running workflow does not. That the workflow knows more is as it should be.
func ahead(inLedger, inHistory ledger.Record) ([]string, error) {
	a, b, err := bothLeaves(inLedger, inHistory)
	if err != nil {
		return nil, err
	}
	atSameStep := len(inLedger.Steps) == len(inHistory.Steps)
	var found []string
	for _, path := range slices.Sorted(maps.Keys(a)) {
		mayChange := slices.ContainsFunc(changing, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
		if same(a[path], b[path]) || mayChange && (!atSameStep || path != "transactionStatus.code") {
			continue
		}
		found = append(found, difference(path, a, b))
	}
	return found, nil
}

func difference(path string, inLedger, inHistory leaves) string {
	return fmt.Sprintf("%s: ledger says %s, history says %s", path, orNothing(inLedger[path]), orNothing(inHistory[path]))
}

// longest is how much of a value is shown, in bytes. Notes and names may be long.
const longest = 120

func orNothing(value string) string {
	switch {
	case value == "":
		return "nothing"
	case len(value) > longest:
		return strings.ToValidUTF8(value[:longest], "") + "…"
	}
	return value
}

// same takes one instant for itself, however it is written.
func same(a, b string) bool {
	if a == b {
		return true
	}
	one, errA := time.Parse(`"`+time.RFC3339Nano+`"`, a)
	other, errB := time.Parse(`"`+time.RFC3339Nano+`"`, b)
	return errA == nil && errB == nil && one.Equal(other)
}

func bothLeaves(inLedger, inHistory ledger.Record) (a, b leaves, err error) {
	inLedger.Labels = known(inLedger.Labels, inHistory.Labels)
	if a, err = leavesOf(inLedger); err != nil {
		return nil, nil, fmt.Errorf("take apart the ledger's record: %w", err)
	}
	if b, err = leavesOf(inHistory); err != nil {
		return nil, nil, fmt.Errorf("take apart the history's record: %w", err)
	}
	return a, b, nil
}

// known are the labels of history that the ledger has, too. Others were posted to the ledger alone; and whoever posted one
// before history gave the same has given it its time and its note.
func known(inLedger, inHistory []ledger.Label) []ledger.Label {
	var all []ledger.Label
	for _, label := range inHistory {
		if slices.ContainsFunc(inLedger, label.Same) {
			all = append(all, label)
		}
	}
	return all
}

// leavesOf goes by the JSON of a record, so that no field can be forgotten here.
func leavesOf(r ledger.Record) (leaves, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	reader := json.NewDecoder(bytes.NewReader(text))
	reader.UseNumber() // amounts are compared to the last digit
	var document any
	if err := reader.Decode(&document); err != nil {
		return nil, err
	}
	all := leaves{}
	all.add("", document)
	return all, nil
}

func (l leaves) add(path string, value any) {
	switch value := value.(type) {
	case nil:
	case map[string]any:
		for key, member := range value {
			l.add(strings.TrimPrefix(path+"."+key, "."), member)
		}
	case []any:
		for i, element := range value {
			l.add(fmt.Sprintf("%s[%d]", path, i), element)
		}
	case string:
		if value != "" {
			l[path] = fmt.Sprintf("%q", value)
		}
	default:
		l[path] = fmt.Sprint(value)
	}
}
