package templates

import (
	"errors"
	htmltemplate "html/template"
	"io"
	texttemplate "text/template"
	"text/template/parse"
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
		return nil, complain(name, err)
	}
	return p, nil
}

// newText has a channel's values marked where they are printed, if it is one of marked; words are then the template's own.
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

// bound makes sure that no execution goes on for ever.
func bound(name string, trees map[string]*parse.Tree) error {
	if trees[name] == nil {
		return errors.New("writes nothing")
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
