package rules

import (
	"bufio"
	"bytes"
	"errors"
	"regexp"
	"strings"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/internal/yamlfile"
	"dummyorders/rules/lang"
)

// list is a list together with its entries.
type list struct {
	ruleset.List
	value   lang.Listable
	entries map[string]bool
	nets    networks

	line, column int // its place in the ruleset's file
}

// newList returns a list without entries, or an error if lists cannot be of l.Of.
func newList(l ruleset.List) (*list, error) {
	value, err := lang.ParseListable(l.Of)
	if err != nil {
		return nil, err
	}
	return &list{List: l, value: value, entries: map[string]bool{}}, nil
}

// fill adds the entries of a list's file, one per line. It skips blank lines and comments.
func (l *list) fill(content []byte) []Fault {
	var faults []Fault
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	for n := 1; lines.Scan(); n++ {
		entry := strings.TrimSpace(comment.ReplaceAllString(lines.Text(), ""))
		if entry == "" {
			continue
		}
		if err := l.add(entry); err != nil {
			faults = append(faults, Fault{File: l.File, Line: n, Column: 1, Text: err.Error()})
		}
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, Fault{File: l.File, Text: "cannot be read: " + err.Error()})
	}
	l.Entries = len(l.entries) + len(l.nets.all)
	return yamlfile.Bounded(faults)
}

// comment matches a comment, which begins a line or follows space: c#4 may be the id of a customer.
var comment = regexp.MustCompile(`(^|\s)#.*`)

// several matches lines that look like more than one entry, or like a line of another kind of file, such as CSV.
var several = regexp.MustCompile(`,|^".*"$|^'.*'$`)

func (l *list) add(entry string) error {
	if several.MatchString(entry) {
		return errors.New("must be one entry a line, without commas and quotes")
	}
	if l.value.Addresses() {
		return l.nets.add(entry)
	}
	spelled, err := l.value.Spell(entry)
	if err != nil {
		return err
	}
	l.entries[spelled] = true
	return nil
}

// has reports whether a value is in the list's file. An empty value is not.
func (l *list) has(value string) bool {
	if l.value.Addresses() {
		return l.nets.has(value)
	}
	return l.entries[value]
}

// id returns the id that the list has among the rules of an explanation.
func (l *list) id() string { return listPrefix + l.Name }

// listPrefix distinguishes the ids of lists from those of rules, which have no colon.
const listPrefix = "list:"

// reason names the list, but not the value that is on it. The list's name is not public.
func (l *list) reason() fraud.Reason {
	if l.Effect == fraud.ActBlock {
		return fraud.Reason{Code: "BLOCK_LIST", Message: "the transaction is on the block list " + l.Name, PublicMessage: "the transaction is on a block list"}
	}
	return fraud.Reason{Code: "ALLOW_LIST", Message: "the transaction is on the allow list " + l.Name, PublicMessage: "the transaction is on an allow list"}
}

// written returns the entries in the spelling in which they are compared.
func (l *list) written() map[string]bool {
	if !l.value.Addresses() {
		return l.entries
	}
	all := make(map[string]bool, len(l.nets.all))
	for network := range l.nets.all {
		all[network.String()] = true
	}
	return all
}
