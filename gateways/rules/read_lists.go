package rules

import (
	"io/fs"
	"slices"
	"strings"

	"dummyorders/domain/fraud"
)

func (r *reader) readLists(v *value) error {
	if v.isEmpty() || !v.mapping() {
		return nil
	}
	for _, key := range v.keys {
		name := key.Value
		if !ruleID.MatchString(name) {
			v.doc.fault(key.Line, key.Column, "%q is no name for a list: it must be of small letters, digits and _, a letter first", name)
		}
		r.names = append(r.names, name)
		if err := r.readList(name, v.members[name]); err != nil {
			return err
		}
	}
	slices.SortFunc(r.set.lists, func(a, b *list) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (r *reader) readList(name string, v *value) error {
	if !v.mapping() {
		return nil
	}
	file, of := v.required("file"), v.required("of")
	l := List{Name: name, File: file.words(), Of: of.words()}
	if effect := v.optional("effect"); effect != nil {
		l.Effect = fraud.Action(effect.choice(string(fraud.ActBlock), string(fraud.ActAllow)))
	}
	v.refuseUnknown()
	made, err := newList(l)
	if err != nil {
		if l.Of != "" {
			of.fault("%v", err)
		}
		return nil
	}
	made.line, made.column = v.node.Line, v.node.Column
	r.set.lists = append(r.set.lists, made)
	if l.File == "" {
		return nil
	}
	if !fs.ValidPath(l.File) || l.File == "." {
		file.fault("%q must be the path of a file within the ruleset's folder, such as lists/%s.txt", l.File, name)
		return nil
	}
	r.listFiles = append(r.listFiles, l.File)
	content, err := r.content(l.File)
	if err != nil || content == nil {
		return err
	}
	r.digest.add(l.File, content)
	r.faults = append(r.faults, made.fill(content)...)
	return nil
}
