package desk

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
)

// waitingReview is a transaction in review, as GET /reviews has it.
type waitingReview struct {
	Transaction ledger.Record
	Assignment  *ledger.Assignment
	Queue       string // who gets it first
}

// queuePage is the page of what waits for people.
type queuePage struct {
	Filter queueFilter
	Rows   []queueRow
	More   string // the address of the next page
}

// queueRow is a line of the queue.
type queueRow struct {
	waitingReview

	Left string // the time left until the deadline
	Late bool   // little is left
}

// queueFilter is the order and the part of the queue that a reviewer works on. It stays in the address from one review to the
// next.
type queueFilter struct {
	Sort, Merchant, Currency string
}

func filterOf(query url.Values) queueFilter {
	return queueFilter{Sort: query.Get("sort"), Merchant: query.Get("merchant"), Currency: strings.ToUpper(query.Get("currency"))}
}

func (f queueFilter) values() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"sort": f.Sort, "merchant": f.Merchant, "currency": f.Currency} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// On returns the address of a page with the filter.
func (f queueFilter) On(page string) string {
	if query := f.values().Encode(); query != "" {
		return page + "?" + query
	}
	return page
}

// late is how long before its deadline a review is marked.
const late = time.Hour

func (d *desk) showQueue(v *visit) (any, error) {
	asked := v.URL.Query()
	filter := filterOf(asked)
	query := filter.values()
	for _, name := range []string{"mine", "free", "cursor"} {
		if asked.Get(name) != "" {
			query.Set(name, asked.Get(name))
		}
	}
	var page struct {
		Reviews []waitingReview
		Next    string
	}
	if err := v.get("/reviews", query, &page); err != nil {
		return nil, err
	}
	shown := queuePage{Filter: filter}
	for _, w := range page.Reviews {
		left := w.Transaction.Review.Deadline.Sub(d.Now())
		shown.Rows = append(shown.Rows, queueRow{w, leftInWords(left), left < late})
	}
	if page.Next != "" {
		query.Set("cursor", page.Next)
		shown.More = "/reviews?" + query.Encode()
	}
	return shown, nil
}

// takeNext leads to the next review, which is taken.
func (d *desk) takeNext(v *visit) (to, done string, err error) {
	return d.next(v, filterOf(v.URL.Query()), "")
}

// nextOf says which reviews a person gets one after the other: those that the person has taken already, and else free ones, first
// those in the person's own queues and last those in the queues of others.
var nextOf = []url.Values{
	{"mine": {"true"}},
	{"free": {"true"}, "queue": {string(ledger.QueueMine)}},
	{"free": {"true"}, "queue": {string(ledger.QueueNone)}},
	{"free": {"true"}, "queue": {string(ledger.QueueOthers)}},
}

// next takes the next review that the person can decide. It returns its page, or the queue if there is none.
func (d *desk) next(v *visit, filter queueFilter, done string) (to, says string, err error) {
	for _, which := range nextOf {
		query := filter.values()
		maps.Copy(query, which)
		var page struct{ Reviews []waitingReview }
		if err := v.get("/reviews", query, &page); err != nil {
			return "", "", err
		}
		for _, w := range page.Reviews {
			if r := w.Transaction.Review; r.Decided() || r.AwaitsSecond() && r.First.Reviewer == v.Person.Name {
				continue // it is about to leave the queue, or another person has to agree
			}
			err := v.take(w.Transaction.TransactionID)
			if refusal(err, http.StatusConflict) != nil { // another person was faster
				continue
			}
			return filter.On("/reviews/" + w.Transaction.TransactionID), done, err
		}
	}
	return filter.On("/reviews"), strings.TrimSpace(done + " Nothing is left here that you could take."), nil
}

func (v *visit) take(id string) error {
	return v.send(http.MethodPut, "/transactions/"+id+"/assignment", struct{}{}, nil)
}

// reviewPage is the page of one review.
type reviewPage struct {
	waitingReview

	Posted *struct {
		IP, BillingCountry, ShippingCountry, Client string
		CustomerSince                               time.Time
		Items                                       []struct {
			ID, Name string
			Quantity int64
			Cost     json.Number
		}
	}
	Filter queueFilter
	Left   string
	// Open reports whether the transaction can be decided. Mine reports whether the person has taken it, and First whether the
	// first of two approvals is the person's.
	Open, Mine, First bool
	// Age is how old the customer's account was when the transaction was posted.
	Age string
	// Worse is what the fraud check said when it was asked again, if that is worse than what it said first.
	Worse   *fraud.Decision
	Tried   *ruleset.Trial // by the ruleset that decided; nil if that is not at hand
	Related []relation
	Line    []*related
	Notes   []string // to choose from
}

// relation is what other transactions have in common with the one in review.
type relation struct {
	way

	Count int
	More  bool // there are more than were read
	Held  int  // how many of these are in review too
}

// related is another transaction, on the time line.
type related struct {
	ledger.Record

	Shares []string // what it has in common
	This   bool
}

// mostRelated bounds how many of one card, customer or address are shown.
const mostRelated = 25

func (d *desk) showReview(v *visit) (any, error) {
	id := pathOf(v, "id")
	page := reviewPage{Filter: filterOf(v.URL.Query()), Notes: d.ReviewNotes}
	if err := v.get("/reviews/"+id, nil, &page); err != nil {
		return nil, err
	}
	t := page.Transaction
	if r := t.Review; r != nil {
		page.Open = !r.Decided()
		page.Left = leftInWords(r.Deadline.Sub(d.Now()))
		page.First = r.AwaitsSecond() && r.First.Reviewer == v.Person.Name
		if r.Recheck != nil && t.Decision != nil && r.Recheck.WorseThan(*t.Decision) {
			page.Worse = r.Recheck
		}
	}
	page.Mine = page.Assignment != nil && page.Assignment.Person == v.Person.Name
	if page.Posted != nil && !page.Posted.CustomerSince.IsZero() {
		page.Age = inWords(t.StartTime.Sub(page.Posted.CustomerSince))
	}
	page.Tried = v.tryAgain(t)
	return page, d.relate(v, &page)
}

// way is what transactions can have in common, and how GET /transactions is asked for them.
type way struct {
	By, Words, Parameter, Value string
}

func (p *reviewPage) ways() (all []way) {
	if t := p.Transaction; t.Payment.Card != "" {
		all = append(all, way{"card", "this card", "sameCardAs", t.TransactionID})
	}
	if customer := p.Transaction.CustomerID; customer != "" {
		all = append(all, way{"customer", "this customer", "customerID", customer})
	}
	if p.Posted != nil && p.Posted.IP != "" {
		all = append(all, way{"ip", "this IP address", "ip", p.Posted.IP})
	}
	return all
}

// relate fills in the other transactions of the same card, customer and address, which need the scope read.
func (d *desk) relate(v *visit, page *reviewPage) error {
	if !v.May(identity.Read) {
		return nil
	}
	line := map[string]*related{page.Transaction.TransactionID: {Record: page.Transaction, This: true}}
	for _, w := range page.ways() {
		var found listed
		if err := v.get("/transactions", url.Values{w.Parameter: {w.Value}, "limit": {strconv.Itoa(mostRelated)}}, &found); err != nil {
			return err
		}
		r := relation{way: w, More: found.Next != ""}
		for _, t := range found.Transactions {
			if t.TransactionID == page.Transaction.TransactionID {
				continue
			}
			r.Count++
			if t.Status() == transaction.InReview {
				r.Held++
			}
			if line[t.TransactionID] == nil {
				line[t.TransactionID] = &related{Record: t}
			}
			line[t.TransactionID].Shares = append(line[t.TransactionID].Shares, w.By)
		}
		page.Related = append(page.Related, r)
	}
	page.Line = slices.SortedFunc(maps.Values(line), func(a, b *related) int {
		return cmp.Or(b.StartTime.Compare(a.StartTime), cmp.Compare(b.TransactionID, a.TransactionID))
	})
	return nil
}

// takeThis takes the review of the page.
func (d *desk) takeThis(v *visit) (to, done string, err error) {
	id := pathOf(v, "id")
	return filterOf(v.URL.Query()).On("/reviews/" + id), "", v.take(id)
}

// release leaves the review of the page to others.
func (d *desk) release(v *visit) (to, done string, err error) {
	err = v.send(http.MethodDelete, "/transactions/"+pathOf(v, "id")+"/assignment", nil, nil)
	return filterOf(v.URL.Query()).On("/reviews"), "You have left this review to others.", err
}

// decide hands in the verdict, and leads to the next review.
func (d *desk) decide(v *visit) (to, done string, err error) {
	id := pathOf(v, "id")
	answer, err := v.review(id, v.PostFormValue("decision"), v.PostFormValue("note"), v.PostFormValue("confirm") == "true")
	if p, is := errors.AsType[*Problem](err); is && p.Decision != nil {
		return "", "", &Problem{Status: p.Status, Detail: "Nothing was decided: the fraud check has got worse. What it says now is below."}
	}
	if err != nil {
		return "", "", err
	}
	done = "Your decision is taken, and is being carried out."
	if answer.Review.Decided() || answer.Review.AwaitsSecond() {
		done = fmt.Sprintf("Decided: the transaction was %s.", answer.Review.By())
	}
	if answer.Review.AwaitsSecond() { // the second person takes it
		err = v.send(http.MethodDelete, "/transactions/"+id+"/assignment", nil, nil)
	}
	filter, says := filterOf(v.URL.Query()), done
	if err == nil {
		to, says, err = d.next(v, filter, done)
	}
	if err != nil { // the decision is taken all the same
		return filter.On("/reviews"), done + " " + d.problem(v, err).Error(), nil
	}
	return to, says, nil
}

func (v *visit) review(id, verdict, note string, confirm bool) (answer ledger.Answer, err error) {
	err = v.send(http.MethodPost, "/transactions/"+id+"/review", map[string]any{"decision": verdict, "note": note, "confirm": confirm}, &answer)
	if err == nil && answer.Review == nil { // it is decided, and not settled yet
		answer.Review = &review.Review{}
	}
	return answer, err
}

// togetherPage shows what belongs together and is in review, before it is declined.
type togetherPage struct {
	ID     string
	Way    way
	Filter queueFilter
	Held   []ledger.Record
	More   bool
	Notes  []string
}

// mostTogether bounds how many are declined at once.
const mostTogether = 50

// showTogether shows what is in review of the card, the customer or the address of a transaction.
func (d *desk) showTogether(v *visit) (any, error) {
	page := togetherPage{ID: pathOf(v, "id"), Filter: filterOf(v.URL.Query()), Notes: d.ReviewNotes}
	var of reviewPage
	if err := v.get("/reviews/"+page.ID, nil, &of); err != nil {
		return page, err
	}
	ways := of.ways()
	i := slices.IndexFunc(ways, func(w way) bool { return w.By == param(v, "by") })
	if i < 0 {
		return page, &Problem{Status: http.StatusNotFound, Detail: "This page does not exist."}
	}
	page.Way = ways[i]
	var found listed
	query := url.Values{page.Way.Parameter: {page.Way.Value}, "status": {transaction.InReview.String()}, "limit": {strconv.Itoa(mostTogether)}}
	err := v.get("/transactions", query, &found)
	page.Held, page.More = found.Transactions, found.Next != ""
	return page, err
}

// declineTogether declines the transactions that the page showed and the reviewer left marked, one after the other.
func (d *desk) declineTogether(v *visit) (to, done string, err error) {
	ids := v.PostForm["id"]
	if len(ids) == 0 || len(ids) > mostTogether {
		return "", "", &Problem{Status: http.StatusUnprocessableEntity, Detail: "Nothing was declined, because no transaction is marked."}
	}
	declined, failed := 0, []string(nil)
	for i, id := range ids {
		_, err := v.review(url.PathEscape(id), string(review.Decline), v.PostFormValue("note"), false)
		if err == nil {
			declined++
			continue
		}
		problem := d.problem(v, err)
		failed = append(failed, fmt.Sprintf("%s: %s", id, problem.Detail))
		if problem.Status == http.StatusServiceUnavailable && i+1 < len(ids) { // each of the others would wait as long for it
			failed = append(failed, "the others were not tried")
			break
		}
	}
	done = fmt.Sprintf("Declined: %d of %d.", declined, len(ids))
	if len(failed) > 0 {
		return "", "", &Problem{Status: http.StatusConflict, Detail: done + " Not declined: " + strings.Join(failed, "; ")}
	}
	return d.next(v, filterOf(v.URL.Query()), done)
}
