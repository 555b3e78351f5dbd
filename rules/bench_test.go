package rules_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/rules"
)

// BenchmarkEvaluate measures decisions by rules such as analysts write. All rules together use ten features.
func BenchmarkEvaluate(b *testing.B) {
	for _, number := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("rules=%d", number), func(b *testing.B) {
			text := "rules:\n"
			for i := range number {
				when := fmt.Sprintf(`'card.count("%dm") >= 3 && payment.currency == "INR" && payment.amount > %d'`, 10*(i%10+1), 100*i)
				text += written(fmt.Sprintf("rule_%d", i), when, "score: 90")
			}
			set := plain.with(folder{"rules/a.yaml": text}).read(b)
			check, values := rules.Unremarkable(), withZeros(set, nil)
			for name := range values {
				values[name] = 5
			}
			b.ReportAllocs()
			for b.Loop() {
				set.Evaluate(check, values)
			}
		})
	}
}

// BenchmarkRead measures reading a thousand rules, as a hot reload does.
func BenchmarkRead(b *testing.B) {
	text := "rules:\n"
	for i := range 1000 {
		text += written(fmt.Sprintf("rule_%d", i), fmt.Sprintf(`'card.count("10m") >= %d && payment.currency == "INR"'`, i), "score: 90")
	}
	files := plain.with(folder{"rules/a.yaml": text}).files()
	for b.Loop() {
		_, err := rules.Read(files, "thousand")
		require.NoError(b, err)
	}
}
