package templates

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"text/template/parse"
	"time"
	"unicode"
	"unicode/utf8"

	"dummyorders/domain/alert"
	"dummyorders/internal/safetext"
)

// In chat and SMS a stranger's text could be a link, a mention, a picture or markup. It is made harmless when a template
// prints it: newText makes every action end in a call of printName, which no template, and none of its functions, can
// avoid. In mail, links stay as they are: an address is shown in full, and people copy from there.

// printName is the name of a function that operators' templates are not expected to call.
const printName = "printValue"

// noWidth is a space that people do not see. Programs that look for mentions and links see it, and find none after it.
const noWidth = "\u200b"

// These two characters, which occur in no text, enclose a value in a chat message until asCode formats it as code.
const (
	valueBegins = '\ufdd0'
	valueEnds   = '\ufdd1'
)

// Slack requires &, < and > to be escaped, and no others (its guide "Formatting text for app surfaces"). A backtick would
// end the code in which values are written. Services that use Slack's format treat a plain @all as a mention, and Markdown's
// [text](address) as a link, whose text hides its target.
var chatEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'", "@", "@"+noWidth, "]", "]"+noWidth)

// address matches the places at which an address can be broken so that it is not recognized: after a scheme, and at the dots
// of a host. Mattermost and telephones link www.example.com; Rocket.Chat and telephones also link example.com and 192.0.2.1.
// The dot of an amount is between two numbers, and does not match.
var address = regexp.MustCompile(`(:)(//)|(\.)(\pL)|(\d\.\d+\.)(\d)`)

// unlinked returns text with a mark inserted in every address, so that it is not turned into a link.
func unlinked(text, mark string) string {
	return address.ReplaceAllString(text, "${1}${3}${5}"+mark+"${2}${4}${6}")
}

// harmless matches words, short numbers, amounts and UUIDs, which are never links, mentions or markup: no chat treats an
// underscore within a word as markup.
var harmless = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*|[0-9]{1,6}|([A-Z]{3} )?[0-9]{1,12}\.[0-9]{1,4}|` +
	`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\s*)$`)

// marked holds the channels in which values are made harmless, and how. In an SMS a zero-width character would halve the
// room, so a plain space breaks links there.
var marked = map[string]func(string) string{
	alert.Chat: func(value string) string {
		if harmless.MatchString(value) {
			return value
		}
		return string(valueBegins) + chatEscaper.Replace(unlinked(value, noWidth)) + string(valueEnds)
	},
	alert.SMS: func(value string) string { return unlinked(value, " ") },
}

// timeText is a time written by one of the functions: it contains no stranger's text.
type timeText string

// printer prints the values of one execution.
type printer struct {
	mark func(string) string
	own  map[string]string // texts made by this package, and how they are printed
}

// printed returns what a template writes for a value.
func (p *printer) printed(value any) string {
	if kind := reflect.ValueOf(value); kind.Kind() != reflect.String {
		switch value := value.(type) {
		case nil:
			return ""
		case time.Time, time.Duration:
			return fmt.Sprint(value)
		}
		if kind.CanInt() || kind.CanUint() || kind.CanFloat() || kind.Kind() == reflect.Bool {
			return fmt.Sprint(value)
		}
	}
	if own, is := value.(timeText); is {
		return string(own)
	}
	lines := strings.Split(fmt.Sprint(value), "\n") // a template may have joined several texts
	for i, line := range lines {
		if own, is := p.own[line]; is {
			lines[i] = own
		} else {
			lines[i] = p.mark(line)
		}
	}
	return strings.Join(lines, "\n")
}

// printing makes every action of a template print through the printer, and returns the plain words in its actions, such as
// those that plural chooses from.
func printing(root *parse.ListNode) (words []string, err error) {
	trees, err := parse.Parse("print", "{{1 | "+printName+"}}", "{{", "}}", map[string]any{printName: true})
	if err != nil {
		return nil, err
	}
	var last *parse.CommandNode
	walk(trees["print"].Root, func(n parse.Node) {
		if action, is := n.(*parse.ActionNode); is {
			last = action.Pipe.Cmds[1]
		}
	})
	walk(root, func(n parse.Node) {
		if action, is := n.(*parse.ActionNode); is {
			words = append(words, wordsIn(action.Pipe)...)
			if copied, is := last.Copy().(*parse.CommandNode); is && len(action.Pipe.Decl) == 0 {
				action.Pipe.Cmds = append(action.Pipe.Cmds, copied)
			}
		}
	})
	return words, nil
}

// plainWords matches text that a chat or a telephone cannot mistake for a link, a mention or markup.
var plainWords = regexp.MustCompile(`^[\pL\pN ,;!?()'%+-]*$`)

func wordsIn(pipe *parse.PipeNode) []string {
	var words []string
	for _, command := range pipe.Cmds {
		for _, argument := range command.Args {
			switch argument := argument.(type) {
			case *parse.StringNode:
				if plainWords.MatchString(argument.Text) {
					words = append(words, argument.Text)
				}
			case *parse.PipeNode:
				words = append(words, wordsIn(argument)...)
			}
		}
	}
	return words
}

// asCode formats every value of a chat message as code, in which nothing is markup, a link or a mention. A value that the
// template has put into code itself is unchanged. An unpaired mark of code would begin or end the code of a value, so a
// quotation mark replaces it.
func asCode(text string) string {
	var out strings.Builder
	code, block := false, false
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		rest := text[size:]
		switch {
		case strings.HasPrefix(text, fence):
			rest = text[len(fence):]
			if paired := block || !code && strings.Contains(rest, fence); paired {
				block = !block
				out.WriteString(fence)
			} else {
				out.WriteString("'''")
			}
		case r == '`' && !block:
			line, _, _ := strings.Cut(rest, "\n")
			if paired := code || strings.ContainsRune(line, '`'); paired {
				code = !code
				out.WriteByte('`')
			} else {
				out.WriteByte('\'')
			}
		case r == valueBegins:
			var value string
			value, rest = cutValue(rest)
			writeValue(&out, value, rest, code || block)
		case r == valueEnds:
		default:
			code = code && r != '\n'
			out.WriteString(text[:size])
		}
		text = rest
	}
	return out.String()
}

const fence = "```"

// cutValue returns a value up to its end, and the rest of the text. A value whose end was cut off ends with its line.
func cutValue(text string) (value, rest string) {
	line, _, _ := strings.Cut(text, "\n")
	if end := strings.IndexRune(line, valueEnds); end >= 0 {
		return line[:end], text[end+utf8.RuneLen(valueEnds):]
	}
	return line, text[len(line):]
}

// writeValue writes a value as code. It inserts noWidth before and after a value that touches a word or other code, because
// it would not be code there.
func writeValue(out *strings.Builder, value, rest string, isCode bool) {
	if isCode {
		out.WriteString(value)
		return
	}
	if last, _ := utf8.DecodeLastRuneInString(out.String()); touches(last) {
		out.WriteString(noWidth)
	}
	out.WriteString("`" + value + "`")
	if next, _ := utf8.DecodeRuneInString(rest); touches(next) {
		out.WriteString(noWidth)
	}
}

func touches(r rune) bool {
	return r != utf8.RuneError && (r == '`' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r))
}

// printerFor returns the printer for what a template writes from a view.
func printerFor(v View, channel string, words []string) printer {
	own := maps.Clone(v.own)
	for _, word := range words {
		own[word] = word
	}
	return printer{mark: marked[channel], own: own}
}

// ownTexts returns the words about a notice and the addresses in a message, and how each is printed: the values within words
// are marked, and an address is unchanged.
func ownTexts(v View, words View) map[string]string {
	own := map[string]string{
		v.Subject: words.Subject, v.Title: words.Title, v.Headline: words.Headline, v.HeldBack: words.HeldBack,
		v.AlertURL: v.AlertURL, v.TransactionURL: v.TransactionURL, v.ReviewURL: v.ReviewURL, v.DeskURL: v.DeskURL, v.Event.Data.Link: v.Event.Data.Link,
	}
	if a := v.Event.Data.Alarm; a != nil {
		for _, link := range []string{a.Source, a.Runbook} {
			if webOnly(link) != "" {
				own[link] = link
			}
		}
	}
	for i, advice := range v.Advice {
		own[advice] = words.Advice[i]
	}
	for _, review := range v.ReviewLinks {
		own[review.URL] = review.URL
	}
	if v.Ask != nil {
		own[v.Ask.URL], own[v.Ask.PostURL] = v.Ask.URL, v.Ask.PostURL
	}
	return own
}

// longestLink is longer than any link that this service makes. A chat has no room for longer ones.
const longestLink = 1000

// cleaner returns a function that makes a stranger's text safe as a value in a message: on one line, without control
// characters or characters that change the writing direction, and of up to most characters.
func cleaner(channel string, most int) func(string) string {
	cut := cutMark(channel)
	return func(text string) string { return safetext.Cut(safetext.Line(text), most, cut) }
}

// cutMark returns the mark at the end of a text that was cut. An SMS with the character "…" would need twice the room: GSM
// 03.38 lacks it.
func cutMark(channel string) string {
	if channel == alert.SMS {
		return "..."
	}
	return "…"
}

// chatLinkEscaper escapes addresses, which would also end at a bar.
var chatLinkEscaper = strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C", " ", "%20", "`", "%60")

func cleanURL(address, channel string) string {
	address = safetext.Line(address)
	if channel == alert.Chat {
		return chatLinkEscaper.Replace(address)
	}
	return address
}

// cleaned returns a copy of a value in which every text is cleaned but a known type, which is compared. It leaves out kinds that an
// alert's data does not have, such as maps, so that no text in a new field can bypass the cleaning.
func cleaned[T any](v T, text func(string) string) T {
	var out T
	cleanInto(reflect.ValueOf(&out).Elem(), reflect.ValueOf(&v).Elem(), text)
	return out
}

var timeType, alertType = reflect.TypeFor[time.Time](), reflect.TypeFor[alert.Type]()

func cleanInto(to, from reflect.Value, text func(string) string) {
	switch kind := from.Kind(); {
	case from.Type() == timeType || from.Type() == alertType && isKnown(alert.Type(from.String())) || kind == reflect.Bool || from.CanInt() || from.CanFloat():
		to.Set(from)
	case kind == reflect.String:
		to.SetString(text(from.String()))
	case kind == reflect.Pointer && !from.IsNil():
		to.Set(reflect.New(from.Type().Elem()))
		cleanInto(to.Elem(), from.Elem(), text)
	case kind == reflect.Slice && !from.IsNil():
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			cleanInto(to.Index(i), from.Index(i), text)
		}
	case kind == reflect.Struct:
		cleanFields(to, from, text)
	}
}

func cleanFields(to, from reflect.Value, text func(string) string) {
	for i := range from.NumField() {
		if from.Type().Field(i).IsExported() {
			cleanInto(to.Field(i), from.Field(i), text)
		}
	}
}
