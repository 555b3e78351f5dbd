package money

import (
	"fmt"
	"math"
	"strings"
)

// Currency is an ISO 4217 alphabetic code in capitals.
type Currency string

// digitsOf holds the decimal digits of each currency, from the ISO 4217 list of active codes (published by SIX). The
// package's test compares it with a maintained library's copy of that list.
var digitsOf = table(map[int]string{
	0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
	2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF " +
		"CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL " +
		"HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU " +
		"MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR " +
		"SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED " +
		"VES WST XAD XCD XCG YER ZAR ZMW ZWG",
	3: "BHD IQD JOD KWD LYD OMR TND",
	4: "CLF UYW",
})

// ParseCurrency accepts a known code in capitals.
func ParseCurrency(code string) (Currency, error) {
	currency := Currency(code)
	_, err := currency.Digits()
	return currency, err
}

// Digits returns how many decimal digits the currency has.
func (c Currency) Digits() (int, error) {
	digits, known := digitsOf[c]
	if !known {
		return 0, fmt.Errorf("must be an ISO 4217 currency code in capitals, such as INR or USD")
	}
	return digits, nil
}

func table(byDigits map[int]string) map[Currency]int {
	all := make(map[Currency]int, 180)
	for digits, codes := range byDigits {
		for code := range strings.FieldsSeq(codes) {
			all[Currency(code)] = digits
		}
	}
	return all
}

// Major returns an amount in whole units of the currency, for rules and charts to compare. The result is no longer exact.
func (c Currency) Major(minor int64) float64 {
	return float64(minor) / math.Pow10(digitsOf[c])
}
