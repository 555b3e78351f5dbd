package templates

import (
	"bytes"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	texttemplate "text/template"
	"text/template/parse"

	"dummyorders/domain/alert"
	"dummyorders/internal/yamlfile"
)

// executable is a template of text or of HTML.
type executable interface {
	Execute(to io.Writer, data any) error
}

func newPart(channel, name, text string) (*part, error) {
	p := &part{name: name, channel: channel, budget: &budget{}}
	known := functions(channel, p.budget.step, func(value any) string { return p.printer.printed(value) })
	var err error
	if name == "html" {
		p.template, err = newHTML(name, text, known)
	} else {
		p.template, p.words, err = newText(name, text, known, marked[channel] != nil)
	}
	if err != nil {
		return nil, explain(name, err)
	}
	return p, nil
}

// newText parses a text template. If marking is true, values are marked where they are printed, and words are the plain
// words in the template's own actions.
func newText(name, text string, known map[string]any, marking bool) (made executable, words []string, err error) {
	t, err := texttemplate.New(name).Funcs(known).Parse(text)
	if err != nil {
		return nil, nil, err
	}
	trees := map[string]*parse.Tree{}
	for _, inner := range t.Templates() {
		trees[inner.Name()] = inner.Tree
		if !marking || inner.Tree == nil {
			continue
		}
		found, err := printing(inner.Root)
		if err != nil {
			return nil, nil, err
		}
		words = append(words, found...)
	}
	return t, words, bound(name, trees)
}

func newHTML(name, text string, known map[string]any) (executable, error) {
	t, err := htmltemplate.New(name).Funcs(known).Parse(text)
	if err != nil {
		return nil, err
	}
	trees := map[string]*parse.Tree{}
	for _, inner := range t.Templates() {
		trees[inner.Name()] = inner.Tree
	}
	return t, bound(name, trees)
}

// bound ensures that every execution ends.
func bound(name string, trees map[string]*parse.Tree) error {
	if trees[name] == nil {
		return errors.New("is empty")
	}
	if err := recursion(trees); err != nil {
		return err
	}
	for _, tree := range trees {
		if tree == nil {
			continue
		}
		if err := counted(tree.Root); err != nil {
			return err
		}
	}
	return nil
}

var (
	// place matches an error's place in a template, which precedes what is wrong.
	place = regexp.MustCompile(`^(?:html/)?template: ?(\w*):([0-9]+)(?::[0-9]+)?: `)
	// executing matches what follows the place in an execution's error.
	executing     = regexp.MustCompile(`^executing ".*?" at <(.*?)>: `)
	noFunction    = regexp.MustCompile(`^function "(\w+)" not defined`)
	noField       = regexp.MustCompile(`can't evaluate field (\w+) in type ([\w.*]+)`)
	emptyPointer  = regexp.MustCompile(`nil pointer evaluating \*?[\w.]+\.(\w+)`)
	errorCalling  = regexp.MustCompile(`^error calling (\w+): `)
	namelessPlace = regexp.MustCompile(`^(?:html/)?template: ?\w*: ?`)
)

// explain returns an error that says in plain words what is wrong with a part: "html:3: …".
func explain(part string, err error) error {
	text, at := err.Error(), part
	if found := place.FindStringSubmatch(text); found != nil {
		at, text = part+":"+found[2], text[len(found[0]):]
	}
	text = namelessPlace.ReplaceAllString(text, "")
	expression := ""
	if found := executing.FindStringSubmatch(text); found != nil {
		expression, text = found[1], text[len(found[0]):]
	}
	for _, bound := range []error{errTooLong, errTooManySteps} {
		if errors.Is(err, bound) {
			return fmt.Errorf("%s: %w", at, bound)
		}
	}
	return fmt.Errorf("%s: %s", at, inWords(text, expression))
}

func inWords(text, expression string) string {
	if found := noFunction.FindStringSubmatch(text); found != nil {
		return fmt.Sprintf("the function %s does not exist: %s", found[1], yamlfile.OneOf(found[1], functionNames()))
	}
	if found := noField.FindStringSubmatch(text); found != nil {
		known := fieldsOf[strings.TrimLeft(found[2], "*")]
		if len(known) == 0 {
			return fmt.Sprintf("%s: it has no %s", expression, found[1])
		}
		return fmt.Sprintf("%s: it has no %s: %s", expression, found[1], yamlfile.OneOf(found[1], known))
	}
	if found := emptyPointer.FindStringSubmatch(text); found != nil {
		whole := strings.TrimSuffix(expression, "."+found[1])
		return fmt.Sprintf("%s: %s is not there for every alert: ask with {{with %s}} first", expression, whole, whole)
	}
	if found := errorCalling.FindString(text); found != "" {
		return fmt.Sprintf("%s: %s", expression, text[len(found):])
	}
	if expression != "" {
		return expression + ": " + text
	}
	return text
}

// functionNames returns the names of the functions that an error may suggest.
func functionNames() []string {
	own := functions(alert.Mail, nil, nil)
	delete(own, stepName)
	delete(own, printName)
	delete(own, "call")
	return slices.Sorted(maps.Keys(own))
}

// fieldsOf holds the fields that a template can use, by the name of their type.
var fieldsOf = exportedFields(reflect.TypeFor[View](), map[string][]string{})

func exportedFields(t reflect.Type, types map[string][]string) map[string][]string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if _, done := types[t.String()]; done || t == timeType || t.Kind() != reflect.Struct {
		return types
	}
	types[t.String()] = nil
	for f := range t.Fields() {
		if f.IsExported() {
			types[t.String()] = append(types[t.String()], f.Name)
			exportedFields(f.Type, types)
		}
	}
	return types
}

// mostSteps bounds the passes through loops and the calls of templates in one execution. A digest of thousands of alerts
// needs some tens of thousands.
const mostSteps = 200_000

var (
	errTooManySteps = fmt.Errorf("loops without an end: it was stopped after %d passes", mostSteps)
	errTooLong      = errors.New("writes more than a message may hold")
)

// stepName is the name of a function that operators' templates are not expected to call.
const stepName = "countStep"

// budget counts the steps of one execution. Without it, a template that loops and writes nothing would occupy a worker
// forever.
type budget struct{ steps int }

func (b *budget) step() (bool, error) {
	b.steps++
	if b.steps > mostSteps {
		return false, errTooManySteps
	}
	return false, nil
}

// counted makes every pass through a loop, and every use of a template, a step. The code it inserts writes nothing, in any
// HTML context.
func counted(root *parse.ListNode) error {
	trees, err := parse.Parse("step", "{{if "+stepName+"}}{{end}}", "{{", "}}", map[string]any{stepName: true})
	if err != nil {
		return err
	}
	step := trees["step"].Root.Nodes[0]
	walk(root, func(n parse.Node) {
		if loop, ok := n.(*parse.RangeNode); ok {
			loop.List.Nodes = slices.Insert(loop.List.Nodes, 0, step.Copy())
		}
	})
	root.Nodes = slices.Insert(root.Nodes, 0, step.Copy())
	return nil
}

// walk visits loops, actions, and the calls of templates.
func walk(n parse.Node, visit func(parse.Node)) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, inner := range n.Nodes {
			walk(inner, visit)
		}
	case *parse.IfNode:
		walkBranch(n.BranchNode, visit)
	case *parse.WithNode:
		walkBranch(n.BranchNode, visit)
	case *parse.RangeNode:
		visit(n)
		walkBranch(n.BranchNode, visit)
	case *parse.TemplateNode, *parse.ActionNode:
		visit(n)
	}
}

func walkBranch(n parse.BranchNode, visit func(parse.Node)) {
	walk(n.List, visit)
	walk(n.ElseList, visit)
}

// recursion rejects templates that use themselves: no alert needs that, and it takes much memory before it fails.
func recursion(trees map[string]*parse.Tree) error {
	done := map[string]bool{}
	var follow func(name string, above []string) error
	follow = func(name string, above []string) (err error) {
		if slices.Contains(above, name) {
			return fmt.Errorf("the template %q uses itself: %s", name, strings.Join(append(above, name), " uses "))
		}
		if done[name] || trees[name] == nil {
			return nil
		}
		walk(trees[name].Root, func(n parse.Node) {
			if used, ok := n.(*parse.TemplateNode); ok && err == nil {
				err = follow(used.Name, append(slices.Clone(above), name))
			}
		})
		done[name] = true
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		if err := follow(name, nil); err != nil {
			return err
		}
	}
	return nil
}

// limited is a writer that fails after most bytes.
type limited struct {
	text bytes.Buffer
	most int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.text.Len()+len(p) > l.most {
		return 0, errTooLong
	}
	return l.text.Write(p)
}
