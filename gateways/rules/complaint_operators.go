package rules

import (
	"fmt"
	"slices"
	"strings"
)

// operators are CEL's names for what rules write.
var operators = map[string]string{
	"_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "_%_": "%", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">=",
	"_==_": "==", "_!=_": "!=", "_&&_": "&&", "_||_": "||", "!_": "!", "-_": "-", "@in": "in", "_[_]": "[]", "_?_:_": "?:",
}

func noOperator(operator string, types []string) string {
	given := strings.Join(types, " and ")
	switch {
	case operator == "in":
		return fmt.Sprintf("in looks for a value in a list of its type, and here are %s: write [\"a\", \"b\"]", given)
	case operator == "!" || operator == "&&" || operator == "||":
		return fmt.Sprintf("%s takes what is true or false, and here is %s: compare it with something", operator, given)
	case slices.Contains(types, "double") && slices.Contains(types, "int"):
		return fmt.Sprintf("%s takes two numbers of one type, and here are %s: write 2.0 instead of 2, or double(…)", operator, given)
	case slices.Contains(types, "duration") && slices.Contains(types, "string"):
		return fmt.Sprintf(`%s takes two values of one type, and here are %s: write duration("72h")`, operator, given)
	case slices.Contains(types, "timestamp") && slices.Contains(types, "string"):
		return fmt.Sprintf(`%s takes two values of one type, and here are %s: write timestamp("2026-03-04T12:00:00Z")`, operator, given)
	case len(types) == 1:
		return fmt.Sprintf("%s cannot be applied to %s", operator, given)
	}
	return fmt.Sprintf("%s cannot be applied to %s: both must be of one type that it knows", operator, given)
}
