package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"dummyorders/rules"
)

type rulesCommand struct {
	Init       initRulesCommand       `cmd:"" help:"Write the built-in ruleset to a folder, where you can change it."`
	Check      checkRulesCommand      `cmd:"" help:"Check a ruleset, and list everything that is wrong with it."`
	Test       testRulesCommand       `cmd:"" help:"Run a ruleset's cases; exits with 1 if one fails."`
	Try        tryRulesCommand        `cmd:"" help:"Decide about one transaction, the body of a POST /transact on the standard input, and explain the decision. Nothing is stored."`
	Backtest   backtestCommand        `cmd:"" help:"Decide about the ledger's transactions again with another ruleset, and compare."`
	Explain    explainRulesCommand    `cmd:"" help:"Explain the decision about a transaction, from the ledger."`
	Diff       diffRulesCommand       `cmd:"" help:"Compare two rulesets; exits with 1 if they differ."`
	Vocabulary vocabularyRulesCommand `cmd:"" help:"Print the values that rules can use, with examples."`
}

// builtIn is the word that names the built-in ruleset in place of a ruleset's folder.
const builtIn = "default"

// loadRuleset reads a ruleset from a folder, or returns the built-in one. Its error lists all faults, one on each line.
// A folder called default must be named ./default.
func loadRuleset(name string) (*rules.Set, error) {
	if name == builtIn || name == "" {
		return rules.Default(), nil
	}
	set, err := rules.Load(name)
	if faults, is := errors.AsType[rules.Faults](err); is {
		for i := range faults {
			faults[i].File = placed(name, faults[i].File)
		}
		return nil, fmt.Errorf("the ruleset %s cannot be used:\n%w", name, faults)
	}
	return set, err
}

// placed returns the path of a ruleset's file as the user can open it.
func placed(ruleset, file string) string {
	if ruleset == builtIn {
		return file
	}
	return filepath.Join(ruleset, filepath.FromSlash(file))
}

type initRulesCommand struct {
	Folder string `arg:"" help:"The folder to write. If it exists, it must be empty."`
}

// Run writes the built-in ruleset to a folder.
func (c initRulesCommand) Run() error {
	return c.init(standard())
}

func (c initRulesCommand) init(out output) error {
	entries, err := os.ReadDir(c.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write the built-in ruleset to %s: it must be an empty folder, or not exist yet: %w", c.Folder, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("write the built-in ruleset to %s: the folder must be empty, but has %s: nothing was written", c.Folder, entries[0].Name())
	}
	if err := os.CopyFS(c.Folder, rules.Files()); err != nil {
		return fmt.Errorf("write the built-in ruleset to %s: %w", c.Folder, err)
	}
	folder := c.Folder
	if folder == builtIn { // the bare word would name the built-in ruleset
		folder = "." + string(filepath.Separator) + folder
	}
	fmt.Fprintf(out.results, "The built-in ruleset is in %s. Change it, then run: orders rules check %s\n", folder, folder)
	return nil
}
