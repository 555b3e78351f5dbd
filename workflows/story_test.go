package workflows_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"dummyorders/workflows"
)

func TestASummaryIsShortAndWholeWhateverTheOrderIsCalled(t *testing.T) {
	named := aTransaction()
	require.Equal(t, "order 1234: INR 123.00 by amazonpay", workflows.TransactionSummary(named))
	named.Order.ID, named.PaymentMethod = strings.Repeat("𝄞", 64), strings.Repeat("𝄞", 64)
	summary := workflows.TransactionSummary(named)
	require.LessOrEqual(t, len(summary), 210)
	require.True(t, utf8.ValidString(summary))
}
