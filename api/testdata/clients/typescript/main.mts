// Posts an amount by what openapi-typescript makes of the contract, once as a text and once as a number, and prints what
// each transaction's record says: node main.mjs URL CURRENCY AMOUNT.
import createClient from "openapi-fetch";
import type { paths } from "./orders.js";

declare const process: { argv: string[] };

const [server, currency, amount] = process.argv.slice(2) as [string, string, string];
const api = createClient<paths>({ baseUrl: server });

for (const value of [amount, Number(amount)]) {
  const { data: answer, error } = await api.POST("/transact", {
    params: { header: { Prefer: "wait=60" } },
    body: {
      order: { id: "1234", cost: value, currency },
      paymentMethod: "card",
      payment: { card: "4242424242424242", type: "credit", amount: value, currency },
    },
  });
  if (error) throw new Error(JSON.stringify(error));
  const { data: record, error: unread } = await api.GET("/transactions/{id}", { params: { path: { id: answer.transactionID } } });
  if (unread) throw new Error(JSON.stringify(unread));
  console.log(answer.transactionID, String(record.order.cost), String(record.payment.amount));
}
