package rules

import (
	"strings"
	"time"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

// Unremarkable returns the transaction that a case starts from: the case's given replaces parts of it. A customer of two
// years buys a book for 500 rupees with a good card, at 17:30 in India. Nothing was counted before it.
func Unremarkable() fraud.Check {
	at := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)
	price := money.Money{Minor: 500_00, Currency: "INR"}
	return fraud.Check{
		Transaction: transaction.Transaction{
			ID:       "01990000-0000-7000-8000-000000000001",
			Merchant: identity.DefaultMerchant,
			Order: transaction.Order{
				ID: "1001", Name: "a book", Cost: price, Items: items(1),
			},
			PaymentMethod: "card",
			Payment:       transaction.Payment{Type: "credit", Amount: price, Card: goodCard},
			Customer: &transaction.Customer{
				ID: "c-1001", Email: "jo@example.com", CreatedAt: time.Date(2024, time.March, 4, 12, 0, 0, 0, time.UTC),
			},
			IP:              "8.8.8.8",
			BillingCountry:  "IN",
			ShippingCountry: "IN",
		},
		StartTime: at, AsOf: at, Number: 1,
	}
}

var goodCard = card.Details{
	FirstSix: "411111", LastFour: "1111", Length: 16, Brand: "visa", LuhnValid: true, Fingerprint: strings.Repeat("0123456789abcdef", 4),
}

// items returns that many empty lines of an order: rules see only how many there are.
func items(number int) []transaction.Item {
	return make([]transaction.Item, number)
}
