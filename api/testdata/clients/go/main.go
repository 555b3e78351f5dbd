// Client posts an amount with the code that oapi-codegen makes from the contract, once as a string and once as a number,
// and prints what each transaction's record says. Usage: client URL CURRENCY AMOUNT.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"

	"client/orders"
)

func main() {
	server, currency, amount := os.Args[1], os.Args[2], os.Args[3]
	api, err := orders.NewClientWithResponses(server)
	must(err)
	var cost orders.OrderSchema_Cost
	var paid orders.PaymentSchema_Amount
	must(cost.FromOrderSchemaCost0(amount))
	must(paid.FromPaymentSchemaAmount0(amount))
	post(api, currency, cost, paid)
	number, err := strconv.ParseFloat(amount, 64)
	must(err)
	must(cost.FromOrderSchemaCost1(number))
	must(paid.FromPaymentSchemaAmount1(number))
	post(api, currency, cost, paid)
}

func post(api *orders.ClientWithResponses, currency string, cost orders.OrderSchema_Cost, paid orders.PaymentSchema_Amount) {
	var id orders.OrderSchema_Id
	must(id.FromOrderSchemaId0("1234"))
	var card orders.PaymentSchema_Card
	must(card.FromPaymentSchemaCard0("4242424242424242"))
	body := orders.TransactionSchema{
		Order:         orders.OrderSchema{Id: id, Cost: cost, Currency: currency},
		PaymentMethod: "card",
		Payment:       orders.PaymentSchema{Card: &card, Type: "credit", Amount: paid, Currency: currency},
	}
	wait := "wait=60"
	answer, err := api.TransactWithResponse(context.Background(), &orders.TransactParams{Prefer: &wait}, body)
	must(err)
	if answer.JSON200 == nil {
		log.Fatalf("%s %s", answer.Status(), answer.Body)
	}
	record, err := api.GetTransactionWithResponse(context.Background(), answer.JSON200.TransactionID.String())
	must(err)
	if record.JSON200 == nil {
		log.Fatalf("%s %s", record.Status(), record.Body)
	}
	fmt.Println(answer.JSON200.TransactionID, plain(record.JSON200.Order.Cost), plain(record.JSON200.Payment.Amount))
}

func plain(amount float64) string {
	return strconv.FormatFloat(amount, 'f', -1, 64)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
