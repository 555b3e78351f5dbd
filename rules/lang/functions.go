package lang

import (
	"math"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"dummyorders/domain/velocity"
)

// measure is a function that counts earlier transactions.
type measure struct {
	velocity.Measure

	result *cel.Type
	// shapes holds the names of the arguments: one list for each number of arguments that is allowed.
	shapes       [][]string
	doc, example string
}

const (
	windowArgument = "window"
	delayArgument  = "delay"
	ofArgument     = "of"
)

var measures = []measure{
	{
		velocity.Count, cel.IntType,
		[][]string{{windowArgument}},
		"how many earlier transactions there were within the window", `card.count("10m") >= 3`,
	},
	{
		velocity.Sum, cel.DoubleType,
		[][]string{{windowArgument}},
		"what they came to, of those in the transaction's currency, in whole units", `customer.sum("1d") > 50000.0`,
	},
	{
		velocity.Mean, cel.DoubleType,
		[][]string{{windowArgument}},
		"what they came to on average, of those in the transaction's currency; 0 where there are none",
		`payment.amount > 4.0 * customer.mean("30d")`,
	},
	{
		velocity.Distinct, cel.IntType,
		[][]string{{ofArgument, windowArgument}},
		"how many different cards, customers, addresses, orders or values of metadata they had", `ip.distinct("card", "1h") >= 4`,
	},
	{
		velocity.Frauds, cel.IntType,
		[][]string{{windowArgument}, {windowArgument, delayArgument}},
		"how many of them are labelled fraudulent; a delay leaves out the latest ones, whose frauds are not known yet",
		`metadata("terminal").frauds("30d", "7d") >= 2`,
	},
}

// The functions that concern the transaction as a whole.
const (
	listedFunction   = "listed"
	metadataFunction = "metadata"
)

// wholeTransaction is the subject for the whole transaction: listed("…") and metadata("…") are called on it.
var wholeTransaction = &subject{name: wholeName, celType: cel.OpaqueType(wholeName)}

// Call is a feature as a rule spells it: card.count("60m") and card.count("1h") are two calls of one feature.
type Call struct {
	subject, key, measure string
	arguments             [2]string
}

// functions returns the declarations of the functions that rules can call in addition to CEL's own.
func functions() []cel.EnvOption {
	whole := wholeTransaction.celType
	options := []cel.EnvOption{
		cel.Function(listedFunction, cel.MemberOverload("listed_name", []*cel.Type{whole, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(listed))),
		cel.Function(metadataFunction, cel.MemberOverload("metadata_key", []*cel.Type{whole, cel.StringType},
			subjectNamed[metadataFunction].celType, cel.BinaryBinding(metadata))),
		cel.Macros(ofTheTransaction(listedFunction), ofTheTransaction(metadataFunction)),
	}
	for _, m := range measures {
		var overloads []cel.FunctionOpt
		for _, s := range subjects {
			overloads = append(overloads, m.overloads(s)...)
		}
		options = append(options, cel.Function(string(m.Measure), overloads...))
	}
	return options
}

// counted reports whether features are counted by the subject.
func (s *subject) counted() bool {
	return s.by != "" || s.keyed
}

func (m measure) overloads(s *subject) []cel.FunctionOpt {
	if !s.counted() {
		return nil
	}
	var all []cel.FunctionOpt
	for _, shape := range m.shapes {
		arguments, id := []*cel.Type{s.celType}, s.name+"_"+string(m.Measure)
		for _, name := range shape {
			arguments, id = append(arguments, cel.StringType), id+"_"+name
		}
		all = append(all, cel.MemberOverload(id, arguments, m.result, cel.FunctionBinding(m.read)))
	}
	return all
}

// ofTheTransaction returns a macro that turns a call of the function into a method call on the transaction, so that the
// function gets the transaction.
func ofTheTransaction(name string) cel.Macro {
	return cel.GlobalMacro(name, 1, func(f cel.MacroExprFactory, _ ast.Expr, arguments []ast.Expr) (ast.Expr, *cel.Error) {
		return f.NewMemberCall(name, f.NewIdent(wholeName), arguments...), nil
	})
}

func listed(whole, name ref.Val) ref.Val {
	t, ok := whole.(*subjectValue)
	list, isText := name.(types.String)
	if !ok || !isText {
		return types.MaybeNoSuchOverloadErr(name)
	}
	return types.Bool(t.view.listed[string(list)])
}

func metadata(whole, key ref.Val) ref.Val {
	t, ok := whole.(*subjectValue)
	name, isText := key.(types.String)
	if !ok || !isText {
		return types.MaybeNoSuchOverloadErr(key)
	}
	return &subjectValue{subject: subjectNamed[metadataFunction], view: t.view, key: string(name)}
}

// read returns a feature's value. It fails if the value is missing or not a finite number: an unknown value must not count
// as 0.
func (m measure) read(arguments ...ref.Val) ref.Val {
	t, ok := arguments[0].(*subjectValue)
	if !ok {
		return types.MaybeNoSuchOverloadErr(arguments[0])
	}
	spelled := Call{subject: t.name, key: t.key, measure: string(m.Measure)}
	for i, argument := range arguments[1:] {
		text, isText := argument.(types.String)
		if !isText || i >= len(spelled.arguments) {
			return types.MaybeNoSuchOverloadErr(argument)
		}
		spelled.arguments[i] = string(text)
	}
	name, known := t.view.names[spelled]
	value, has := t.view.values[name]
	switch {
	case !known:
		return types.NewErr("%s of %s was not counted", m.Measure, t.name)
	case !has:
		return types.NewErr("%s was not counted", name)
	case math.IsNaN(value) || math.IsInf(value, 0):
		return types.NewErr("%s is not a number", name)
	case m.result == cel.IntType:
		return wholeNumber(value)
	}
	return types.Double(value)
}

// wholeNumber converts a count to an int. It bounds the count to the range in which a double holds whole numbers exactly;
// no count comes near that.
func wholeNumber(value float64) types.Int {
	const most = 1 << 53
	return types.Int(max(-most, min(most, value)))
}

func measureNamed(name string) (measure, bool) {
	for _, m := range measures {
		if string(m.Measure) == name {
			return m, true
		}
	}
	return measure{}, false
}

// shape returns the names of the arguments of a call with that many arguments.
func (m measure) shape(arguments int) []string {
	for _, shape := range m.shapes {
		if len(shape) == arguments {
			return shape
		}
	}
	return nil
}
