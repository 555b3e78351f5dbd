package rules

import (
	"io/fs"
	"slices"
	"strings"

	"dummyorders/domain/fraud"
	"dummyorders/internal/yamlfile"
)

func (r *reader) readLists(v *yamlfile.Value) error {
	if v.IsEmpty() || !v.Mapping() {
		return nil
	}
	for _, key := range v.Keys() {
		name := key.Name
		if !ruleID.MatchString(name) {
			key.Fault("%q is no name for a list: it must be of small letters, digits and _, a letter first", name)
		}
		r.names = append(r.names, name)
		if err := r.readList(name, v.Optional(name)); err != nil {
			return err
		}
	}
	slices.SortFunc(r.set.lists, func(a, b *list) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (r *reader) readList(name string, v *yamlfile.Value) error {
	if !v.Mapping() {
		return nil
	}
	file, of := v.Required("file"), v.Required("of")
	l := List{Name: name, File: file.Words(), Of: of.Words()}
	if effect := v.Optional("effect"); effect != nil {
		l.Effect = fraud.Action(effect.Choice(string(fraud.ActBlock), string(fraud.ActAllow)))
	}
	v.RefuseUnknown()
	made, err := newList(l)
	if err != nil {
		if l.Of != "" {
			of.Fault("%v", err)
		}
		return nil
	}
	made.line, made.column = v.Line(), v.Column()
	r.set.lists = append(r.set.lists, made)
	if l.File == "" {
		return nil
	}
	if !fs.ValidPath(l.File) || l.File == "." {
		file.Fault("%q must be the path of a file within the ruleset's folder, such as lists/%s.txt", l.File, name)
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
