package templates

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
)

// mostSteps are the passes through loops and the templates called in one message. A digest of thousands needs some tens of
// thousands.
const mostSteps = 200_000

var (
	errTooManySteps = fmt.Errorf("loops without an end: it was stopped after %d passes", mostSteps)
	errTooLong      = errors.New("writes more than a message may hold")
)

// stepName is of a function that no template is expected to call.
const stepName = "countStep"

// budget counts the steps of one execution: a template that loops in silence would hold a worker for ever.
type budget struct{ steps int }

func (b *budget) step() (bool, error) {
	b.steps++
	if b.steps > mostSteps {
		return false, errTooManySteps
	}
	return false, nil
}

// counted makes every pass through a loop, and every use of a template, a step. What is put in writes nothing, in any
// context of HTML.
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

// recursion names templates that use themselves: nothing in an alert needs that, and it takes much memory to fail.
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

// limited takes so many bytes and no more.
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
