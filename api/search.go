package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"dummyorders/domain/address"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/internal/spelling"
)

// metadataPrefix begins the name of a parameter that names an entry of the metadata.
const metadataPrefix = "metadata."

// search adds to a query what people search by.
func (p *parameters) search(q *ledger.Query) {
	q.CustomerID = p.id("customerID", "a customer's id", false)
	q.CardLastFour = p.lastFour()
	q.IP = p.ip()
	q.Releasing = p.flag("releasing")
	q.PaymentMethod = p.paymentMethod()
	q.Rule = p.text("rule", maxRuleID)
	q.Disagrees = p.disagrees()
	p.amounts(q)
	p.metadata(q)
}

// maxRuleID bounds a rule's id.
const maxRuleID = 64

// text returns a parameter that may hold any text up to a length.
func (p *parameters) text(name string, limit int) string {
	text := p.values.Get(name)
	if utf8.RuneCountInString(text) > limit || !utf8.ValidString(text) || !printable(text) {
		p.wrong(name, fmt.Sprintf("must have at most %d characters, and no control characters", limit))
	}
	return text
}

func (p *parameters) paymentMethod() string {
	text := p.text("paymentMethod", transaction.MaxWord)
	method := spelling.PaymentMethod(text)
	if text != "" && method == "" {
		p.wrong("paymentMethod", "must have visible characters")
	}
	return method
}

func (p *parameters) disagrees() fraud.Shadow {
	of := fraud.Shadow(p.values.Get("disagrees"))
	if of != "" && of != fraud.ShadowRules && of != fraud.ShadowRuleset {
		p.wrong("disagrees", "must be rules or ruleset")
	}
	return of
}

func (p *parameters) lastFour() string {
	digits := p.values.Get("cardLastFour")
	if digits != "" && (len(digits) != 4 || strings.Trim(digits, "0123456789") != "") {
		p.wrong("cardLastFour", "must be four digits")
	}
	return digits
}

func (p *parameters) ip() string {
	text := p.values.Get("ip")
	if text == "" {
		return ""
	}
	ip, _, err := address.Parse(text)
	if err != nil {
		p.wrong("ip", "must be an IP address, such as 192.0.2.1")
	}
	return ip.String()
}

func (p *parameters) amounts(q *ledger.Query) {
	code := p.values.Get("currency")
	if code != "" {
		currency, err := money.ParseCurrency(code)
		if err != nil {
			p.wrong("currency", "must be a currency by its three letters, such as INR")
		}
		q.Currency = currency
	}
	for name, into := range map[string]*int64{"amountFrom": &q.AmountFrom, "amountTo": &q.AmountTo} {
		text := p.values.Get(name)
		if text == "" {
			continue
		}
		if code == "" {
			p.wrong(name, "needs the parameter currency")
			continue
		}
		amount, err := money.Parse(text, q.Currency)
		if err != nil {
			p.wrong(name, "must be an amount of the currency, such as 123.00")
		}
		if *into = amount.Minor; name == "amountTo" && amount.Minor == 0 {
			p.wrong(name, "must be more than zero")
		}
	}
	if q.AmountTo != 0 && q.AmountTo < q.AmountFrom {
		p.wrong("amountTo", "must not be less than amountFrom")
	}
}

func (p *parameters) metadata(q *ledger.Query) {
	for name := range p.values {
		key, is := strings.CutPrefix(name, metadataPrefix)
		if !is {
			continue
		}
		if key = spelling.ID(key); key == "" || utf8.RuneCountInString(key) > transaction.MaxMetadataKey || !printable(key) || !utf8.ValidString(key) {
			p.wrong(name, "must name an entry of the metadata: at most 40 characters")
			continue
		}
		if q.Metadata == nil {
			q.Metadata = map[string]string{}
		}
		q.Metadata[key] = spelling.ID(p.text(name, transaction.MaxMetadataValue))
	}
}

// sameCard has the query find the transactions with the card of the one that sameCardAs names, which the caller must be able to
// see.
func (s *server) sameCard(ctx context.Context, as string, q *ledger.Query) error {
	if as == "" {
		return nil
	}
	id, err := parseID(as)
	if err != nil {
		return err
	}
	known, err := s.Ledger.Find(ctx, merchantsOf(ctx), id)
	switch card := known.Transaction.Payment.Card; {
	case errors.Is(err, ledger.ErrNotFound):
		return problem(http.StatusNotFound, "sameCardAs names no transaction of the ledger")
	case err != nil:
		return s.unlisted(ctx, err)
	case card.Fingerprint == "" || q.CardLastFour != "" && q.CardLastFour != card.LastFour:
		q.Merchants = identity.Merchants{} // no transaction has this card
	default:
		q.CardFingerprint, q.CardLastFour = card.Fingerprint, card.LastFour
	}
	return nil
}
