// Package lang is the language that the conditions of rules are written in: CEL, with the transaction's parts, velocity and
// the lists as its words. It compiles a condition, says in an analyst's words what is wrong with it or probably not meant,
// and evaluates it for one transaction. It also lists the words themselves, and reads what cases and lists give for them.
// Conditions have no clock, no network and no randomness: their result depends only on the transaction and on what was
// counted and looked up for it.
package lang

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

const (
	// maxWhen is the most characters that a rule's condition may have.
	maxWhen = 4000
	// maxCost is the most that evaluating one rule may cost, in CEL's units of about a tenth of a microsecond.
	maxCost = 10_000
	// MaxSetCost is the most that all rules of a set may cost together: about twenty milliseconds. A plain rule costs about
	// ten units, and a pattern matched against metadata about a hundred.
	MaxSetCost = 200_000
	// maxDepth bounds the nesting of a condition.
	maxDepth = 60
)

// environment returns the CEL environment that all rules are compiled in. It has no clock, no network and no randomness.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		subjectTypes,
		cel.Variable(timeName, cel.TimestampType),
		cel.Variable(merchantName, cel.StringType),
		cel.Variable(wholeName, wholeTransaction.celType),
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

// stringsVersion pins the version of CEL's strings extension, so that an update does not change its functions.
const stringsVersion = 5

func subjectTypes(e *cel.Env) (*cel.Env, error) {
	return cel.CustomTypeProvider(types.Provider(provider{e.CELTypeProvider()}))(e)
}
