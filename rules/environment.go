package rules

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

const (
	// maxWhen is how many characters a rule's condition may have.
	maxWhen = 4000
	// maxCost is how much evaluating one rule may cost at most, in CEL's units: about a tenth of a microsecond each.
	maxCost = 10_000
	// maxSetCost is how much all rules of a set may cost together: about twenty milliseconds. A plain rule costs some ten
	// units, a pattern looked for in metadata some hundred.
	maxSetCost = 200_000
	// maxDepth is how deep a condition may be nested.
	maxDepth = 60
)

// environment is what every rule is compiled in. It has no clock, no network and nothing random.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		subjectTypes,
		cel.Variable(timeName, cel.TimestampType),
		cel.Variable(seenName, everything.celType),
		cel.CrossTypeNumericComparisons(true),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals(),
			cel.ValidateHomogeneousAggregateLiterals()),
		cel.ParserExpressionSizeLimit(maxWhen),
		cel.ParserRecursionLimit(maxDepth),
		cel.ParserErrorRecoveryLimit(4),
		ext.Strings(ext.StringsVersion(stringsVersion)),
	}
	for _, s := range subjects {
		if !s.keyed {
			options = append(options, cel.Variable(s.name, s.celType))
		}
	}
	return cel.NewEnv(append(options, functions()...)...)
})

// stringsVersion pins the strings extension to its functions of today.
const stringsVersion = 5

func subjectTypes(e *cel.Env) (*cel.Env, error) {
	return cel.CustomTypeProvider(types.Provider(provider{e.CELTypeProvider()}))(e)
}
