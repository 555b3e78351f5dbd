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
	Init       initRulesCommand       `cmd:"" help:"Write the built-in ruleset to a folder, to be changed there."`
	Check      checkRulesCommand      `cmd:"" help:"Read a ruleset and say everything that is wrong with it."`
	Test       testRulesCommand       `cmd:"" help:"Run a ruleset's cases; exit 1 where one fails."`
	Try        tryRulesCommand        `cmd:"" help:"Decide about one transaction, the body of a POST /transact on the standard input, and explain. Nothing is counted or kept."`
	Backtest   backtestCommand        `cmd:"" help:"Decide again, by a ruleset, what the ledger's transactions were decided by another, and compare."`
	Explain    explainRulesCommand    `cmd:"" help:"Say how the decision about a transaction was found, from the ledger."`
	Diff       diffRulesCommand       `cmd:"" help:"Say what differs between two rulesets; exit 1 where something does."`
	Vocabulary vocabularyRulesCommand `cmd:"" help:"Print what rules can ask about a transaction, with examples."`
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
	Folder string `arg:"" help:"The folder to make. One that is there must be empty."`
}

// Run writes the built-in ruleset to a folder.
func (c initRulesCommand) Run() error {
	return c.init(standard())
}

func (c initRulesCommand) init(out output) error {
	entries, err := os.ReadDir(c.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write the built-in ruleset to %s: it must be a folder that is empty, or none yet: %w", c.Folder, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("write the built-in ruleset to %s: it must be empty, and holds %s: nothing was written", c.Folder, entries[0].Name())
	}
	if err := os.CopyFS(c.Folder, rules.Files()); err != nil {
		return fmt.Errorf("write the built-in ruleset to %s: %w", c.Folder, err)
	}
	folder := c.Folder
	if folder == builtIn { // the bare word would name the built-in ruleset
		folder = "." + string(filepath.Separator) + folder
	}
	fmt.Fprintf(out.results, "%s holds the built-in ruleset now. Change it, and see: orders rules check %s\n", folder, folder)
	return nil
}
