package main

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"dummyorders"
	"dummyorders/internal/yamlfile"
)

// settingsTopic is the topic of the file env.
const settingsTopic = "settings"

// pages returns the file of each topic.
func pages() map[string]string {
	files := map[string]string{settingsTopic: "env"}
	all, err := fs.Glob(dummyorders.Pages, "docs/*.md")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	for _, file := range all {
		files[strings.TrimSuffix(path.Base(file), ".md")] = file
	}
	return files
}

// topics returns the topics in order.
func topics() []string {
	return slices.Sorted(maps.Keys(pages()))
}

type helpCommand struct {
	Topic string `arg:"" optional:"" help:"The topic. Without one, all topics are listed." predictor:"topic"`
}

// Validate refuses what is not a topic.
func (c helpCommand) Validate() error {
	if c.Topic != "" && pages()[c.Topic] == "" {
		return fmt.Errorf("%q is not a topic: %s; orders COMMAND --help is about a command", c.Topic, yamlfile.OneOf(c.Topic, topics()))
	}
	return nil
}

// Run prints a page as it is: a pager is the caller's choice.
func (c helpCommand) Run() error {
	if c.Topic == "" {
		return listTopics(stdout)
	}
	text, err := fs.ReadFile(dummyorders.Pages, pages()[c.Topic])
	if err != nil {
		return err
	}
	_, err = stdout.Write(text)
	return err
}

func listTopics(to io.Writer) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TOPIC\tABOUT")
	for _, topic := range topics() {
		text, err := fs.ReadFile(dummyorders.Pages, pages()[topic])
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\n", topic, about(string(text)))
	}
	return table.Flush()
}

// about returns the first sentence of a page.
func about(text string) string {
	if _, below, _ := strings.Cut(text, "\n"); strings.HasPrefix(below, "\n") { // the first line is a title
		text = below[1:]
	}
	paragraph, _, _ := strings.Cut(text, "\n\n")
	paragraph = strings.NewReplacer("# ", "", "\n", " ").Replace(paragraph)
	sentence, _, _ := strings.Cut(paragraph, ". ")
	return strings.TrimRight(sentence, ".:")
}
