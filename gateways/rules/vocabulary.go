package rules

import (
	"strings"

	"cel.dev/cel-go/cel"
)

// Words is a part of the vocabulary: what can be asked of one thing.
type Words struct {
	// Name is how a rule writes the thing: card, or metadata("key"). Doc says what it is.
	Name, Doc string
	Words     []Word
}

// Word is something that rules can ask.
type Word struct {
	// Name is how a rule writes it, whole: card.brand, card.count(window).
	Name string
	// Type is what it is in CEL: string, int, double, bool, timestamp, duration.
	Type string
	Doc  string
	// Example is a condition that uses it, and is true or false as it stands.
	Example string
}

// Vocabulary is all that rules can ask beside CEL's own operators and functions. The environment that rules are compiled
// in is made from the same tables, and a test compiles every example.
func Vocabulary() []Words {
	all := []Words{{Name: timeName, Doc: "when the transaction was accepted", Words: []Word{{
		Name: timeName, Type: typeName(cel.TimestampType), Doc: "the moment; its parts are asked with a time zone, and in UTC without one",
		Example: `at.getHours("Asia/Kolkata") < 5`,
	}}}}
	for _, s := range subjects {
		all = append(all, s.words())
	}
	return append(all, countedWords(), listWords())
}

// written is how a rule names the subject.
func (s *subject) written() string {
	if s.keyed {
		return s.name + `("key")`
	}
	return s.name
}

func (s *subject) words() Words {
	w := Words{Name: s.written(), Doc: s.doc}
	for _, f := range s.fields {
		w.Words = append(w.Words, Word{Name: s.written() + "." + f.name, Type: typeName(f.celType), Doc: f.doc, Example: f.example})
	}
	return w
}

// countedWords are the features, of all subjects that have some.
func countedWords() Words {
	var of []string
	for _, s := range subjects {
		if s.counted() {
			of = append(of, s.written())
		}
	}
	w := Words{
		Name: "counted history",
		Doc: "what came before with the same value, asked of " + strings.Join(of, ", ") +
			`; a window is from "1m" to "30d", and the transaction itself is never counted`,
	}
	for _, m := range measures {
		for _, shape := range m.shapes {
			w.Words = append(w.Words, Word{
				Name: "." + string(m.Measure) + "(" + strings.Join(shape, ", ") + ")", Type: typeName(m.result), Doc: m.doc, Example: m.example,
			})
		}
	}
	return w
}

func listWords() Words {
	var of []string
	for _, l := range listable {
		of = append(of, l.of)
	}
	return Words{Name: "lists", Doc: "lists of " + strings.Join(append(of, "metadata.<key>"), ", "), Words: []Word{{
		Name: listedFunction + `("name")`, Type: typeName(cel.BoolType),
		Doc: "whether the value that the list is of is on it", Example: `listed("blocked_cards")`,
	}}}
}
