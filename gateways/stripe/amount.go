package stripe

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"dummyorders/domain/money"
)

// How Stripe counts, https://docs.stripe.com/currencies#minor-units. Most currencies it counts in hundredths; the others
// are named here.
var (
	// whole are counted in whole units, by Stripe and by ISO 4217.
	whole = strings.Fields("BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF")
	// wholeAsHundredths have no smaller unit, and are counted in hundredths all the same.
	wholeAsHundredths = strings.Fields("ISK UGX")
	// thousandths are counted in thousandths, of which Stripe takes only whole tens.
	thousandths = strings.Fields("BHD JOD KWD OMR TND")
	// otherwise are those that ISO 4217 counts in hundredths, and Stripe does not.
	otherwise = strings.Fields("MGA")
)

// stripeAmount is the amount as Stripe counts it. It refuses every amount that Stripe cannot take as it is, or for
// which Stripe documents no way to count: a wrong one would be off by a factor of ten or a hundred.
func stripeAmount(m money.Money) (int64, error) {
	code := string(m.Currency)
	digits, err := m.Currency.Digits()
	switch {
	case err != nil || m.Minor <= 0:
		return 0, fmt.Errorf("%s is no amount to pay", m)
	case slices.Contains(whole, code):
		return m.Minor, nil
	case slices.Contains(wholeAsHundredths, code) && m.Minor <= math.MaxInt64/100:
		return m.Minor * 100, nil
	case slices.Contains(thousandths, code) && m.Minor%10 == 0:
		return m.Minor, nil
	case slices.Contains(thousandths, code):
		return 0, fmt.Errorf("of %s, Stripe takes only amounts with a last digit of 0, unlike %s", code, m)
	case digits == 2 && !slices.Contains(otherwise, code):
		return m.Minor, nil
	default:
		return 0, fmt.Errorf("no payment of %s can be made through Stripe", m)
	}
}

func stripeCurrency(c money.Currency) string {
	return strings.ToLower(string(c))
}
