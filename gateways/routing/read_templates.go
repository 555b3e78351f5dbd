package routing

import (
	"slices"
	"strings"

	"dummyorders/domain/alert"
	"dummyorders/gateways/templates"
	"dummyorders/internal/yamlfile"
)

// part is a text of a channel's template.
type part struct {
	key string
	in  func(*templates.Texts) *string
}

var (
	subjectPart = part{"subject", func(t *templates.Texts) *string { return &t.Subject }}
	textPart    = part{"text", func(t *templates.Texts) *string { return &t.Text }}
	htmlPart    = part{"html", func(t *templates.Texts) *string { return &t.HTML }}
)

// worded are the channels that have templates, and their parts. A webhook has none: programs read it.
var worded = map[string][]part{
	alert.Mail:    {subjectPart, textPart, htmlPart},
	alert.SMS:     {textPart},
	alert.Chat:    {textPart},
	alert.Console: {textPart},
}

func (r *reader) readTemplates(to *receiver, v *yamlfile.Value) {
	if v == nil || !v.Mapping() {
		return
	}
	to.wordings = map[string]*templates.Set{}
	for _, key := range v.Keys() {
		parts, is := worded[key.Name]
		if !is {
			key.Fault("%q is no channel that has templates: %s", key.Name, yamlfile.OneOf(key.Name, known(worded)))
			continue
		}
		if !slices.ContainsFunc(to.targets, func(t alert.Target) bool { return strings.HasPrefix(string(t), key.Name+" ") }) {
			key.Fault("the receiver is not told by %s: leave the template out, or add the channel", key.Name)
		}
		if member := v.Optional(key.Name); member.Mapping() {
			to.wordings[key.Name] = r.readTexts(key.Name, member, parts)
		}
	}
}

// readTexts tries each part by itself, so that a fault is told at its own place.
func (r *reader) readTexts(channel string, v *yamlfile.Value, parts []part) *templates.Set {
	var all templates.Texts
	whole := true
	for _, p := range parts {
		text, at := r.inline(v, p.key, holdsText)
		if at == nil {
			continue
		}
		var alone templates.Texts
		*p.in(&all), *p.in(&alone) = text, text
		if _, err := templates.Parse(channel, alone); err != nil {
			at.Fault("%v", err)
			whole = false
		}
	}
	v.RefuseUnknown()
	if all == (templates.Texts{}) && len(v.Keys()) == 0 {
		v.Fault("must give a text")
	}
	if !whole {
		return nil
	}
	set, err := templates.Parse(channel, all)
	if err != nil {
		v.Fault("%v", err)
	}
	return set
}
