package rules

import (
	"regexp"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"dummyorders/internal/timezone"
)

// zoned are the functions of a time that may be given a time zone.
var zoned = map[string]bool{
	"getDate": true, "getDayOfMonth": true, "getDayOfWeek": true, "getDayOfYear": true, "getFullYear": true,
	"getHours": true, "getMilliseconds": true, "getMinutes": true, "getMonth": true, "getSeconds": true,
}

// offset is the other way to write a time zone.
var offset = regexp.MustCompile(`^[+-]?([01][0-9]|2[0-3]):[0-5][0-9]$`)

// visitZone refuses what is no time zone: a condition would fail for every transaction.
func (a *asked) visitZone(e ast.Expr) {
	c := e.AsCall()
	if !zoned[c.FunctionName()] || len(c.Args()) != 1 {
		return
	}
	zone, ok := a.literal(e, 0, "a time zone")
	if !ok || offset.MatchString(zone) {
		return
	}
	if _, err := timezone.Load(zone); err != nil || strings.Contains(zone, ":") {
		a.fault(c.Args()[0].ID(), "%q is no time zone that is known: write one such as \"Asia/Kolkata\" or \"+05:30\"", zone)
	}
}

// keepZones makes a planned condition keep the time zones that it names. CEL reads a zone's file again each time that it
// is asked, and from the machine's own data, and a decision must read none.
func keepZones(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	asked, is := i.(interpreter.InterpretableCall)
	if !is || !zoned[asked.Function()] || len(asked.Args()) != 2 {
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
