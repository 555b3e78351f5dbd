package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"dummyorders/rules"
)

type vocabularyRulesCommand struct{}

// Run prints what rules can ask.
func (vocabularyRulesCommand) Run() error {
	return printVocabulary(standard().results)
}

func printVocabulary(to io.Writer) error {
	for _, part := range rules.Vocabulary() {
		fmt.Fprintf(to, "%s: %s\n", part.Name, part.Doc)
		w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
		for _, word := range part.Words {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", word.Name, word.Type, word.Example, word.Doc)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(to)
	}
	return nil
}
