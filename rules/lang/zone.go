package lang

import (
	"math"
	"regexp"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	operator "cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"

	"dummyorders/internal/timezone"
)

// offset matches the other way to write a time zone, such as +05:30.
var offset = regexp.MustCompile(`^[+-]?([01][0-9]|2[0-3]):[0-5][0-9]$`)

// visitZone refuses texts that are not a time zone: the condition would fail for every transaction.
func (a *analysis) visitZone(e ast.Expr) {
	c := e.AsCall()
	if _, is := accessorNamed(c.FunctionName()); !is || len(c.Args()) != 1 {
		return
	}
	zone, ok := a.literal(e, 0, "a time zone")
	if !ok || offset.MatchString(zone) {
		return
	}
	if _, err := timezone.Load(zone); err != nil || strings.Contains(zone, ":") {
		a.fault(c.Args()[0].ID(), "%q is not a time zone that is known: write one such as \"Asia/Kolkata\" or \"+05:30\"", zone)
	}
}

// loadZones loads the time zones that a condition names when the condition is planned. CEL would read a zone's file at each
// evaluation, and from the machine's own data, but a decision must not read files.
func loadZones(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	asked, is := i.(interpreter.InterpretableCall)
	if !is || len(asked.Args()) != 2 {
		return i, nil
	}
	if _, is := accessorNamed(asked.Function()); !is {
		return i, nil
	}
	constant, is := asked.Args()[1].(interpreter.InterpretableConst)
	if !is {
		return i, nil
	}
	zone, is := constant.Value().(types.String)
	if !is || strings.Contains(string(zone), ":") {
		return i, nil
	}
	in, err := timezone.Load(string(zone))
	if err != nil {
		return nil, err
	}
	read := func(arguments ...ref.Val) ref.Val {
		at, is := arguments[0].(types.Timestamp)
		if !is {
			return types.MaybeNoSuchOverloadErr(arguments[0])
		}
		return types.Timestamp{Time: at.In(in)}.Receive(asked.Function(), asked.OverloadID(), nil)
	}
	return interpreter.NewCall(asked.ID(), asked.Function(), asked.OverloadID(), asked.Args()[:1], read), nil
}

// The earliest and the latest moment in CEL.
var (
	firstMoment = time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC)
	lastMoment  = time.Date(9999, time.December, 31, 23, 59, 59, 999_999_999, time.UTC)
)

// boundTimes makes a planned condition limit moments and lengths of time to their bounds where CEL would fail. Data that the
// merchant did not post must never make a rule fail, and an account without a date begins in the year 1, which is longer
// ago than the longest duration, 292 years.
func boundTimes(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	asked, is := i.(interpreter.InterpretableCall)
	if !is || len(asked.Args()) != 2 || asked.Function() != operator.Add && asked.Function() != operator.Subtract {
		return i, nil
	}
	held := func(arguments ...ref.Val) ref.Val {
		if result, is := held(arguments[0], asked.Function(), arguments[1]); is {
			return result
		}
		if asked.Function() == operator.Add {
			if l, is := arguments[0].(traits.Adder); is {
				return l.Add(arguments[1])
			}
		} else if l, is := arguments[0].(traits.Subtractor); is {
			return l.Subtract(arguments[1])
		}
		return types.MaybeNoSuchOverloadErr(arguments[0])
	}
	return interpreter.NewCall(asked.ID(), asked.Function(), asked.OverloadID(), asked.Args(), held), nil
}

// held adds or subtracts times within their bounds. It returns false if the operands are not such times.
func held(left ref.Val, function string, right ref.Val) (ref.Val, bool) {
	length, isLength := right.(types.Duration)
	if function == operator.Subtract && isLength {
		length.Duration = -max(length.Duration, -math.MaxInt64)
	}
	switch l := left.(type) {
	case types.Timestamp:
		if r, is := right.(types.Timestamp); is {
			return types.Duration{Duration: l.Sub(r.Time)}, true
		}
		return moved(l.Time, length.Duration), isLength
	case types.Duration:
		if r, is := right.(types.Timestamp); is {
			return moved(r.Time, l.Duration), true
		}
		return types.Duration{Duration: sum(l.Duration, length.Duration)}, isLength
	}
	return nil, false
}

func moved(at time.Time, by time.Duration) ref.Val {
	switch to := at.Add(by); {
	case to.Before(firstMoment):
		return types.Timestamp{Time: firstMoment}
	case to.After(lastMoment):
		return types.Timestamp{Time: lastMoment}
	default:
		return types.Timestamp{Time: to}
	}
}

// sum adds two lengths of time. A sum beyond the longest duration becomes the longest.
func sum(a, b time.Duration) time.Duration {
	switch {
	case a > 0 && b > math.MaxInt64-a:
		return math.MaxInt64
	case a < 0 && b < math.MinInt64-a:
		return math.MinInt64
	}
	return a + b
}
