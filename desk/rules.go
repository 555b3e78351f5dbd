package desk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
)

// rulesShown is the page Rules.
type rulesShown struct {
	Deciding rulesetShown
	Shadow   *rulesetShown
}

// rulesetShown is one of the rulesets in use, with what its rules did in the last 30 days.
type rulesetShown struct {
	ruleset.Description

	Figures ruleFigures
	// Tried is what the ruleset tries in shadow, as a search of transactions names it.
	Tried fraud.Shadow
}

// InShadow reports whether the ruleset decides nothing.
func (r rulesetShown) InShadow() bool { return r.Tried == fraud.ShadowRuleset }

func showRules(v *visit) (any, error) {
	var used ruleset.InUse
	if err := v.get("/rules", nil, &used); err != nil {
		return nil, err
	}
	page := rulesShown{Deciding: rulesetShown{used.Deciding, v.figuresOfRules(url.Values{}), fraud.ShadowRules}}
	if used.Shadow != nil {
		page.Shadow = &rulesetShown{*used.Shadow, v.figuresOfRules(url.Values{"ruleset": {"shadow"}}), fraud.ShadowRuleset}
	}
	return page, nil
}

// ruleShown is a rule of one of the rulesets in use, with what it did.
type ruleShown struct {
	ruleset.Rule

	Figures  ruleFigures
	Ruleset  fraud.Ruleset
	InShadow bool // the ruleset
	Beside   bool // another ruleset is in use too
	Asked    url.Values
}

func showRule(v *visit) (any, error) {
	var used ruleset.InUse
	if err := v.get("/rules", nil, &used); err != nil {
		return nil, err
	}
	asked := v.URL.Query()
	of, query := used.Deciding, url.Values{"from": asked["from"], "to": asked["to"], "rule": {param(v, "id")}}
	inShadow := asked.Has("shadow") && used.Shadow != nil
	if inShadow {
		of = *used.Shadow
		query.Set("ruleset", "shadow")
	}
	i := slices.IndexFunc(of.Rules, func(r ruleset.Rule) bool { return r.ID == query.Get("rule") })
	if i < 0 {
		return nil, &Problem{Status: http.StatusNotFound, Detail: "The ruleset has no such rule now."}
	}
	return ruleShown{of.Rules[i], v.figuresOfRules(query), of.Ruleset, inShadow, used.Shadow != nil, asked}, nil
}

// IsTried reports whether the rule decides nothing, because it or its ruleset is in shadow.
func (r ruleShown) IsTried() bool { return r.Shadow || r.InShadow }

// Tried is what the rule is tried with, as a search of transactions names it.
func (r ruleShown) Tried() fraud.Shadow {
	if r.InShadow {
		return fraud.ShadowRuleset
	}
	return fraud.ShadowRules
}

// worth says in words what a rule adds to a decision.
func worth(score int, action fraud.Action, shadow bool) string {
	text := string(action)
	if score != 0 || action == "" {
		text = strings.TrimSuffix(fmt.Sprintf("%+d, %s", score, action), ", ")
	}
	if shadow {
		text += ", in shadow"
	}
	return text
}

// try is what the page on which transactions are tried shows.
type try struct {
	ID, Body, Merchant string
	History            bool
	Fault              *Problem // why the transaction was not tried
	Trial              *ruleset.Trial
}

// typed is what the page suggests to try.
const typed = `{
  "order": {"id": 1234, "name": "a book", "cost": 123.00, "currency": "INR"},
  "paymentMethod": "card",
  "payment": {"card": 4111111111111111, "type": "credit", "amount": 123.00, "currency": "INR"},
  "customer": {"id": "c-1001", "email": "jo@example.com"},
  "ip": "8.8.8.8",
  "billing": {"country": "IN"},
  "shipping": {"country": "IN"}
}`

func showTry(v *visit) (any, error) {
	t := try{ID: strings.TrimSpace(v.URL.Query().Get("transaction")), Body: typed, History: true}
	if t.ID == "" {
		return t, nil
	}
	return t.result(v, v.get("/rules/try/"+url.PathEscape(t.ID), nil, &t.Trial))
}

func tryTyped(v *visit) (any, error) {
	t := try{Body: v.PostForm.Get("body"), Merchant: v.PostForm.Get("merchant"), History: v.PostForm.Has("history")}
	query := url.Values{"history": {strconv.FormatBool(t.History)}}
	if t.Merchant != "" {
		query.Set("merchant", t.Merchant)
	}
	return t.result(v, v.send(http.MethodPost, "/rules/try?"+query.Encode(), json.RawMessage(t.Body), &t.Trial))
}

// result returns the page with what the API has answered. A refusal is on the page, beside what was written.
func (t *try) result(v *visit, err error) (any, error) {
	if err != nil {
		t.Trial, t.Fault = nil, v.desk.problem(v, err)
	}
	return *t, nil
}

// bench is what the workbench shows.
type bench struct {
	Files []benchFile
	Began string // the digest of the ruleset that the files began as
	From  string // where rulesets are published: files or database
	Note  string
	Days  string // to backtest
	Found *ruleset.Findings
	Fault string // why the files were not checked
	Added string // the file that was added last
	// Backtest is the id of the last one that was begun in this session and is kept, or empty.
	Backtest string
	Draft    bool // the files have changes of this session
	Moved    bool // another ruleset decides since they were begun
}

// benchFile is a file in the workbench, with what is wrong with it.
type benchFile struct {
	Name, Text string
	Wrong      []benchFault
}

// benchFault is a fault, a warning or a failed case at a line, with the line's text.
type benchFault struct {
	Line    int
	Text    string
	Source  string
	Warning bool
}

// Lines returns the lines that have faults, for the editor.
func (f benchFile) Lines() string {
	var lines []string
	for _, w := range f.Wrong {
		if !w.Warning {
			lines = append(lines, strconv.Itoa(w.Line))
		}
	}
	return strings.Join(lines, ",")
}

// Rows returns the height of the file's field.
func (f benchFile) Rows() int {
	return min(max(strings.Count(f.Text, "\n")+1, 4), 30)
}

// draft is what a person has changed in the workbench. It lasts as long as the session.
type draft struct {
	Files                    ruleset.Files // that differ from the ruleset's; one without text is left out
	Began, Note, Days, Added string
}

// fromWorkbench returns a handler of the workbench's form. It keeps what was changed, so that the browser's Back leads to it, and
// then leads to the page that do returns for the files. If do fails, the workbench says why.
func (d *desk) fromWorkbench(do func(*visit, ruleset.Files) (to string, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := d.visit(r)
		files, err := v.keepDraft()
		if err != nil {
			b := newBench(files, r.PostForm)
			b.Fault = d.problem(v, err).Error()
			d.show(w, v, "workbench", b)
			return
		}
		to, err := do(v, files)
		if err != nil {
			d.say(r.Context(), flash{Fault: true, Text: d.problem(v, err).Error()})
			to = "/rules/workbench"
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// keepDraft keeps what the workbench's form changes, and returns the files. It keeps none that holds a card number: a draft is kept in
// the ledger's database, and the API would refuse the file.
func (v *visit) keepDraft() (ruleset.Files, error) {
	var read struct{ Files ruleset.Files }
	err := v.get("/rules/files", nil, &read)
	files := filesOf(v.PostForm, read.Files)
	if err != nil {
		return files, err
	}
	other := masked(url.Values{"note": v.PostForm["note"], "days": v.PostForm["days"], "add": v.PostForm["add"]})
	kept := draft{ruleset.Files{}, v.PostForm.Get("began"), other.Get("note"), other.Get("days"), strings.TrimSpace(other.Get("add"))}
	for name := range read.Files {
		if _, has := files[name]; !has {
			kept.Files[name] = ""
		}
	}
	for name, text := range files {
		if text == read.Files[name] {
			continue
		}
		if card.Conceal(name) != name || card.Conceal(text) != text {
			return files, &Problem{
				Status: http.StatusUnprocessableEntity, Detail: "Nothing was done, and your changes are on this page only: " + card.Redact(name) + " must not hold a card number, nor a card verification value.",
			}
		}
		kept.Files[name] = text
	}
	v.desk.put(v.Context(), draftValue, kept)
	return files, nil
}

// showWorkbench shows the ruleset that decides with the changes of this session, and what is wrong with these.
func showWorkbench(v *visit) (any, error) {
	var used ruleset.InUse
	if err := v.get("/rules", nil, &used); err != nil {
		return nil, err
	}
	var read struct{ Files ruleset.Files }
	if err := v.get("/rules/files", nil, &read); err != nil {
		return nil, err
	}
	form := url.Values{"began": {used.Deciding.Digest}, "from": {used.From}, "backtest": {v.lastBacktest()}}
	var kept draft
	if v.URL.Query().Has("anew") || !v.desk.value(v.Context(), draftValue, &kept) {
		return newBench(read.Files, form), nil
	}
	maps.Copy(read.Files, kept.Files)
	maps.DeleteFunc(read.Files, func(name, text string) bool {
		_, changed := kept.Files[name]
		return changed && text == ""
	})
	form.Set("note", kept.Note)
	form.Set("days", kept.Days)
	b := newBench(read.Files, form)
	b.Draft, b.Moved = true, kept.Began != used.Deciding.Digest
	if _, has := read.Files[kept.Added]; kept.Added != "" && !has {
		b.Files, b.Added = append(b.Files, benchFile{Name: kept.Added}), kept.Added
	}
	b.check(v, read.Files)
	return b, nil
}

// lastBacktest returns the id of the latest backtest of this session, or "" if no desk shows it any more.
func (v *visit) lastBacktest() string {
	id := v.desk.sessions.GetString(v.Context(), backtestValue)
	if id == "" {
		return ""
	}
	if err := v.get("/rules/backtests/"+url.PathEscape(id), nil, nil); refusal(err, http.StatusNotFound) != nil {
		return ""
	}
	return id
}

// newBench returns the files in their order, the ruleset's own first, with the form's other fields.
func newBench(files ruleset.Files, form url.Values) bench {
	b := bench{Began: form.Get("began"), From: form.Get("from"), Note: form.Get("note"), Days: cmp.Or(form.Get("days"), "7"), Backtest: form.Get("backtest")}
	for _, name := range slices.SortedFunc(maps.Keys(files), func(a, b string) int {
		return cmp.Or(strings.Count(a, "/")-strings.Count(b, "/"), strings.Compare(a, b))
	}) {
		b.Files = append(b.Files, benchFile{Name: name, Text: files[name]})
	}
	return b
}

// filesOf returns the files in the workbench's form, which began as others. A file that was not changed is as it was, also in what browsers
// do not keep of it. One without text is left out, unless it had none before.
func filesOf(form url.Values, before ruleset.Files) ruleset.Files {
	files := ruleset.Files{}
	for field, values := range form {
		name, is := strings.CutPrefix(field, "file:")
		if !is {
			continue
		}
		text := written(values[0])
		if was, had := before[name]; had && text == written(was) {
			files[name] = was
		} else if text != "" {
			files[name] = text
		}
	}
	return files
}

// written returns the text of a file as the workbench writes it: its lines end as on Unix, the last one too.
func written(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return strings.TrimRight(text, "\n") + "\n"
}

func checkFiles(*visit, ruleset.Files) (to string, err error) { return "/rules/workbench", nil }

// check adds what is wrong with the files.
func (b *bench) check(v *visit, files ruleset.Files) {
	if err := v.send(http.MethodPost, "/rules/check", map[string]any{"files": files}, &b.Found); err != nil {
		b.Found, b.Fault = nil, v.desk.problem(v, err).Error()
		return
	}
	for _, f := range b.Found.Faults {
		b.wrong(f.File, benchFault{Line: f.Line, Text: f.Text})
	}
	for _, f := range b.Found.Failed {
		b.wrong(f.File, benchFault{Line: f.Line, Text: "the case “" + f.Case + "” fails: " + strings.Join(f.Wrong, "; ")})
	}
	for _, f := range b.Found.Warnings {
		b.wrong(f.File, benchFault{Line: f.Line, Text: f.Text, Warning: true})
	}
}

// wrong adds a fault to its file. One of a file that is not there stands with the ruleset's own.
func (b *bench) wrong(file string, f benchFault) {
	i := slices.IndexFunc(b.Files, func(of benchFile) bool { return of.Name == file })
	if i < 0 {
		b.Fault = strings.TrimSpace(b.Fault + "\n" + file + ": " + f.Text)
		return
	}
	if lines := strings.Split(b.Files[i].Text, "\n"); f.Line > 0 && f.Line <= len(lines) {
		f.Source = strings.TrimSpace(lines[f.Line-1])
	}
	b.Files[i].Wrong = append(b.Files[i].Wrong, f)
}

// patch downloads the difference between the files of the ruleset that decides and those in the workbench.
func (d *desk) patch(w http.ResponseWriter, r *http.Request) {
	v := d.visit(r)
	var read struct{ Files ruleset.Files }
	if err := v.get("/rules/files", nil, &read); err != nil {
		d.show(w, v, "fault", d.problem(v, err))
		return
	}
	w.Header().Set("Content-Type", "text/x-diff; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="rules.patch"`)
	_, _ = w.Write([]byte(patchOf(read.Files, filesOf(r.PostForm, read.Files)))) // the browser may be gone; the error can be reported nowhere
}

// backtest is a backtest with the parts of its report that the page shows.
type backtest struct {
	ruleset.Backtest

	Report struct {
		Decisions int
		Skipped   struct{ NoDecision, NotEvaluated int }
		Outcomes  []struct {
			Before, After fraud.Outcome
			Decisions     int
			Amounts       map[string]json.Number
		}
		Rules []struct {
			ID, Name   string
			Score      int
			Action     fraud.Action
			Hits, New  int
			Decisive   *int
			Failed     int
			Labelled   int
			Fraudulent int
		}
		Changed struct {
			Decisions, OnlyScore int
			Latest               []struct {
				TransactionID string
				StartTime     time.Time
				Amount        json.Number
				Currency      string
				Label         string
				Before, After struct {
					Outcome fraud.Outcome
					Score   int
					Reasons []string
				}
			}
		}
	} `json:"report"`
}

// Share is how much of its period a backtest has read, in hundredths.
func (b *backtest) Share() int {
	if b.Progress.ReadTo.IsZero() {
		return 0
	}
	return int(100 * b.Until.Sub(b.Progress.ReadTo) / b.Until.Sub(b.Since))
}

func showBacktest(v *visit) (any, error) {
	var b backtest
	return &b, v.get("/rules/backtests/"+pathOf(v, "id"), nil, &b)
}

// startBacktest leads to the page of a backtest of what is in the workbench.
func startBacktest(v *visit, files ruleset.Files) (to string, err error) {
	var begun ruleset.Backtest
	days, _ := strconv.Atoi(v.PostForm.Get("days")) // the API refuses 0
	err = v.send(http.MethodPost, "/rules/backtests", map[string]any{"files": files, "days": days}, &begun)
	if err == nil {
		v.desk.sessions.Put(v.Context(), backtestValue, begun.ID)
	}
	return "/rules/backtests/" + begun.ID, err
}
