// Package workbench describes, tries, checks and backtests rulesets for people who work on them. Nothing here changes a decision.
package workbench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing/fstest" //nolint:depguard // the standard library's file system in memory
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/rules"
)

// Source is a ruleset in use.
type Source struct {
	// Current returns the ruleset, or nil as long as it is not known.
	Current func() fraud.Evaluator
	// Files returns the files of the ruleset. The latest change of them says since when it is in use.
	Files func() (fs.FS, error)
}

// Workbench implements api.Rules.
type Workbench struct {
	From     string // files or database
	Deciding Source
	Shadow   *Source // nil if there is none
	Velocity fraud.VelocityReader
	Ledger   ledger.Reader
	Lists    ruleset.Lists
	// Backtests keeps backtests for other processes. If it is nil, only this process knows its own.
	Backtests ruleset.Backtests
	Log       *slog.Logger

	backtests backtests
}

// ErrUnknown says that the ruleset that decides cannot be read now.
var ErrUnknown = errors.New("the ruleset that decides has not been read yet")

// InUse describes the rulesets in use.
func (w *Workbench) InUse(context.Context) (ruleset.InUse, error) {
	deciding, err := w.Deciding.describe()
	if err != nil || w.Shadow == nil {
		return ruleset.InUse{From: w.From, Deciding: deciding}, err
	}
	shadow, err := w.Shadow.describe()
	return ruleset.InUse{From: w.From, Deciding: deciding, Shadow: &shadow}, err
}

// Files returns the files of the ruleset that decides, or fails with ruleset.ErrOtherFiles.
func (w *Workbench) Files(context.Context) (ruleset.Files, error) {
	set, err := w.Deciding.set()
	if err != nil {
		return nil, err
	}
	files, _, err := w.Deciding.texts(set)
	return files, err
}

func (s Source) set() (*rules.Set, error) {
	if set, is := s.Current().(*rules.Set); is {
		return set, nil
	}
	return nil, ErrUnknown
}

// texts returns the files of a ruleset in use, and when one was changed last. It fails with ruleset.ErrOtherFiles if they are there no more.
func (s Source) texts(of *rules.Set) (ruleset.Files, time.Time, error) {
	files, err := s.Files()
	if err != nil {
		return nil, time.Time{}, err
	}
	texts, changed, err := rules.ReadFiles(files)
	if err == nil && !of.IsOf(texts) {
		return nil, time.Time{}, ruleset.ErrOtherFiles
	}
	return texts, changed, err
}

func (s Source) describe() (ruleset.Description, error) {
	set, err := s.set()
	if err != nil {
		return ruleset.Description{}, err
	}
	files, since, err := s.texts(set) // a ruleset that is too large to be edited is described without the rules' texts
	d := ruleset.Description{
		Ruleset: set.Ruleset(), Since: since.UTC(), OtherFiles: errors.Is(err, ruleset.ErrOtherFiles), Thresholds: set.Thresholds(), Rules: []ruleset.Rule{}, Lists: described(set),
	}
	all := set.Rules()
	for i, r := range all {
		end := 0
		if i+1 < len(all) && all[i+1].File == r.File {
			end = all[i+1].Line
		}
		d.Rules = append(d.Rules, ruleset.Rule{
			ID: r.ID, Name: r.Name, When: strings.TrimSpace(r.When), Score: r.Score, Action: r.Action, Shadow: r.Mode == rules.Shadow, Reason: r.Reason,
			Message: r.Message, PublicMessage: r.PublicMessage, Features: r.Features, Lists: r.Lists, File: r.File, Line: r.Line, Text: cut(files[r.File], r.Line, end),
		})
	}
	return d, nil
}

// cut returns the lines of a text from one on until before another, or to the end if that is 0, without the indentation that all have
// and without the comments that stand before what follows.
func cut(text string, from, until int) string {
	lines := strings.Split(text, "\n")
	if until == 0 {
		until = len(lines) + 1
	}
	if from < 1 || from >= until || until > len(lines)+1 {
		return ""
	}
	lines = lines[from-1 : until-1]
	for len(lines) > 0 {
		if last := strings.TrimSpace(lines[len(lines)-1]); last != "" && !strings.HasPrefix(last, "#") {
			break
		}
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		return ""
	}
	indent := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], " "))]
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, indent)
	}
	return strings.Join(lines, "\n")
}

// Try decides about a transaction as of a time, by the values that were recorded when it was decided and, if past is true, what was
// counted before. Other values are 0. Lists in the database have the entries that they had for that decision, or without one at that time.
func (w *Workbench) Try(ctx context.Context, t transaction.Transaction, at time.Time, decided *fraud.Explanation, past bool) (ruleset.Trial, error) {
	set, err := w.Deciding.set()
	if err != nil {
		return ruleset.Trial{}, err
	}
	if decided == nil {
		decided = &fraud.Explanation{}
	}
	known, then := decided.Features, set.AsDecided(decided.Lists, cmp.Or(decided.DecidedAt, at))
	lacking := slices.DeleteFunc(set.Features(), func(f velocity.Feature) bool { _, has := known[f.String()]; return has })
	use := velocity.Of(t, at, velocity.Dimensions(lacking))
	counted := velocity.Past{}
	if past && len(lacking) > 0 {
		if counted, err = w.Velocity.Look(ctx, t.ID, velocity.Lookups(lacking, use, at)); err != nil {
			return ruleset.Trial{}, fmt.Errorf("read the history of the card and the customer: %w", err)
		}
	}
	for dimension, uses := range counted {
		counted[dimension] = slices.DeleteFunc(uses, func(u velocity.Use) bool { return u.At.After(at) })
	}
	values := velocity.Values(lacking, use, at, counted)
	for _, f := range set.Features() {
		if value, has := known[f.String()]; has {
			values[f.String()] = value
		}
	}
	asked := fraud.Check{Transaction: t, StartTime: at, AsOf: at, Number: 1}
	d := then.Evaluate(asked, values)
	explanation := d.Explanation
	explanation.Features, explanation.AsOf, explanation.DecidedAt = values, at.UTC(), at.UTC()
	d.Explanation = nil
	names := map[string]string{}
	for _, r := range set.Rules() {
		names[r.ID] = r.Name
	}
	return ruleset.Trial{Decision: d, Explanation: explanation, Thresholds: set.Thresholds(), RuleNames: names, Saw: then.Saw(asked, explanation)}, nil
}

// Check checks a ruleset's files and, if they have no faults, runs their cases.
func (w *Workbench) Check(files ruleset.Files) ruleset.Findings {
	_, found := check(files)
	return found
}

// check returns the ruleset too, or nil if the files have faults.
func check(files ruleset.Files) (*rules.Set, ruleset.Findings) {
	found := ruleset.Findings{Faults: []ruleset.Fault{}, Warnings: []ruleset.Fault{}, Failed: []ruleset.FailedCase{}}
	set, err := rules.Read(filesOf(files, time.Time{}), "that was sent")
	if err != nil {
		faults, is := errors.AsType[rules.Faults](err)
		if !is {
			faults = rules.Faults{{Text: err.Error()}}
		}
		found.Faults = converted(faults)
		return nil, found
	}
	used := set.Ruleset()
	found.Ruleset, found.Faults, found.Warnings = &used, converted(set.Unreachable()), converted(set.Warnings())
	report := rules.RunCases(set)
	found.Cases = report.Cases
	for _, f := range report.Failures {
		found.Failed = append(found.Failed, ruleset.FailedCase{Case: f.Case.Name, Rule: f.Case.Rule, File: f.Case.File, Line: f.Case.Line, Wrong: f.Wrong})
	}
	return set, found
}

// filesOf returns texts as a file system whose files were changed last at a time.
func filesOf(files ruleset.Files, changed time.Time) fs.FS {
	all := fstest.MapFS{}
	for name, text := range files {
		all[name] = &fstest.MapFile{Data: []byte(text), ModTime: changed}
	}
	return all
}

func converted(faults []rules.Fault) []ruleset.Fault {
	all := make([]ruleset.Fault, len(faults))
	for i, f := range faults {
		all[i] = ruleset.Fault(f)
	}
	return all
}
