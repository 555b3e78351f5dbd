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

// In chat and SMS a stranger's text could be a link, a mention, a picture or markup. What is done about it is done where a
// template prints: newText has every action end in printName, so that no template, and none of its functions, gets around
// it. In mail links stay, in the open: an address is shown as it is, and people copy from there.

// printName is of a function that no template is expected to call.
const printName = "printValue"

// noWidth is a space that people do not see. Those that look for mentions and links do: behind it there is none.
const noWidth = "\u200b"

// Between these two, which are characters of no text, stands a value on its way into a chat, until coded puts it into code.
const (
	valueBegins = '\ufdd0'
	valueEnds   = '\ufdd1'
)

// Slack asks for &, < and > to be escaped, and for no others (its guide "Formatting text for app surfaces"). A backtick would
// end the code in which values stand. Services of Slack's form take a plain @all for a mention, and Markdown's [text](address)
// for a link, with a text that hides where it leads.
var chatEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'", "@", "@"+noWidth, "]", "]"+noWidth)

// address finds what is taken for an address where it stands, so that its first part can be cut off: a scheme, and the dots
// of a host. Mattermost and telephones link www.example.com, Rocket.Chat and telephones example.com and 192.0.2.1 as well.
// The dot of an amount stands between two numbers, and is none of these.
var address = regexp.MustCompile(`(:)(//)|(\.)(\pL)|(\d\.\d+\.)(\d)`)

// unlinked is text without live links.
func unlinked(text, mark string) string {
	return address.ReplaceAllString(text, "${1}${3}${5}"+mark+"${2}${4}${6}")
}

// harmless are words, short numbers, amounts and UUIDs, which are nothing but themselves wherever they stand: no chat takes an
// underscore within a word for markup.
var harmless = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*|[0-9]{1,6}|([A-Z]{3} )?[0-9]{1,12}\.[0-9]{1,4}|` +
	`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\s*)$`)

// marked are the channels in which a value is made harmless, and how. In an SMS a character of no width would take half the
// room: a link there is cut by a plain space.
var marked = map[string]func(string) string{
	alert.Chat: func(value string) string {
		if harmless.MatchString(value) {
			return value
		}
		return string(valueBegins) + chatEscaper.Replace(unlinked(value, noWidth)) + string(valueEnds)
	},
	alert.SMS: func(value string) string { return unlinked(value, " ") },
}

// timeText is a time as a function has written it: no stranger's text is in it.
type timeText string

// printer prints the values of one execution after the other.
type printer struct {
	mark func(string) string
	own  map[string]string // texts that were made here, and how they are printed
}

// printed is what a template writes of a value.
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
	lines := strings.Split(fmt.Sprint(value), "\n") // a template may have put several texts into one
	for i, line := range lines {
		if own, is := p.own[line]; is {
			lines[i] = own
		} else {
			lines[i] = p.mark(line)
		}
	}
	return strings.Join(lines, "\n")
}

// printing has every action of a template print by the printer, and returns the words that stand in its actions, such as
// those between which plural chooses.
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

// plainWords have nothing in them that a chat or a telephone could take for more.
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

// coded puts every value of a chat's message into code, where nothing is markup, a link or a mention. One that the template
// has put there itself stays as it is. A mark of code that has no partner would begin or end the code of a value: a quotation
// mark stands for it.
func coded(text string) string {
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

// cutValue is a value up to its end, and what follows it. One that was cut off ends with its line.
func cutValue(text string) (value, rest string) {
	line, _, _ := strings.Cut(text, "\n")
	if end := strings.IndexRune(line, valueEnds); end >= 0 {
		return line[:end], text[end+utf8.RuneLen(valueEnds):]
	}
	return line, text[len(line):]
}

// writeValue keeps apart what would not be code where it touches a word or other code.
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

// printerFor prints what a template writes of a view.
func printerFor(v View, channel string, words []string) printer {
	own := maps.Clone(v.own)
	for _, word := range words {
		own[word] = word
	}
	return printer{mark: marked[channel], own: own}
}

// ownTexts are the words about a notice, and the addresses in a message, each with how it is printed: the values in words are
// marked, and an address stays whole.
func ownTexts(v View, words View) map[string]string {
	own := map[string]string{
		v.Subject: words.Subject, v.Title: words.Title, v.Headline: words.Headline, v.HeldBack: words.HeldBack,
		v.AlertURL: v.AlertURL, v.TransactionURL: v.TransactionURL, v.ReviewURL: v.ReviewURL, v.Event.Data.Link: v.Event.Data.Link,
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

// longestLink is longer than any link that was made here: a chat has no room for more.
const longestLink = 1000

// cleaner makes a stranger's text fit for a value in a message: one line, no control characters and none that turn the
// direction of writing, at most so many characters.
func cleaner(channel string, most int) func(string) string {
	cut := cutMark(channel)
	return func(text string) string { return safetext.Cut(safetext.Line(text), most, cut) }
}

// cutMark says that a text was cut. An SMS with the one character for it would need twice the room (GSM 03.38 lacks it).
func cutMark(channel string) string {
	if channel == alert.SMS {
		return "..."
	}
	return "…"
}

// chatLinkEscaper is for addresses, which also end at a bar.
var chatLinkEscaper = strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C", " ", "%20", "`", "%60")

func cleanURL(address, channel string) string {
	address = safetext.Line(address)
	if channel == alert.Chat {
		return chatLinkEscaper.Replace(address)
	}
	return address
}

// cleaned is a copy of a value in which every text is clean. What is no data of an alert, such as maps, is left out: a new
// field cannot bring text past this.
func cleaned[T any](v T, text func(string) string) T {
	var out T
	cleanInto(reflect.ValueOf(&out).Elem(), reflect.ValueOf(&v).Elem(), text)
	return out
}

var timeType = reflect.TypeFor[time.Time]()

func cleanInto(to, from reflect.Value, text func(string) string) {
	switch kind := from.Kind(); {
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
	case from.Type() == timeType || kind == reflect.Bool || from.CanInt() || from.CanFloat():
		to.Set(from)
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
