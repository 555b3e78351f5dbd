package desk

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/internal/safetext"
)

// search is the page that finds transactions.
type search struct {
	Statuses []transaction.Status
	Outcomes []fraud.Outcome
	Tried    []fraud.Shadow
	// Asked is what was searched for, as the form shows it.
	Asked   url.Values
	Columns []choice
	Found   []ledger.Record
	// SearchedTo is how far back this page has looked, if more may be found before that time.
	SearchedTo time.Time
	// Next leads to the next page and First to the first one, if this is neither. CSV leads to all pages as a file.
	Next, First, CSV string
	// Fault says why nothing can be found so.
	Fault *Problem
}

// field is a field of the form. Form is its type, if it is not for text.
type field struct {
	Name, Label, Value, Form string
	Size                     int
}

func newField(name, label string, asked url.Values, size int, form ...string) field {
	return field{name, label, asked.Get(name), strings.Join(form, ""), size}
}

// choice is a column that the table can have.
type choice struct {
	column

	Shown bool
}

// column is a column of the table and of the CSV file.
type column struct {
	Name, Head string
	Number     bool
	usual      bool // shown if no columns are chosen
	Cell       func(ledger.Record) string
}

// columns holds all columns after the time.
var columns = []column{
	{"id", "Transaction", false, false, func(r ledger.Record) string { return r.TransactionID }},
	{"merchant", "Merchant", false, false, func(r ledger.Record) string { return r.Merchant }},
	{"order", "Order", false, true, func(r ledger.Record) string { return r.Order.ID }},
	{"name", "Order's name", false, false, func(r ledger.Record) string { return r.Order.Name }},
	{"customer", "Customer", false, true, func(r ledger.Record) string { return r.CustomerID }},
	{"card", "Card", false, true, func(r ledger.Record) string { return r.Payment.Card }},
	{"method", "Payment method", false, false, func(r ledger.Record) string { return r.PaymentMethod }},
	{"amount", "Amount", true, true, func(r ledger.Record) string { return r.Payment.Amount.String() }},
	{"currency", "Currency", false, true, func(r ledger.Record) string { return r.Payment.Currency }},
	{"status", "Status", false, true, func(r ledger.Record) string { return statusInWords(r.TransactionStatus.Status) }},
	{"outcome", "Fraud check", false, true, func(r ledger.Record) string {
		if r.Decision == nil {
			return ""
		}
		return plainly(r.Decision.Outcome)
	}},
	{"score", "Score", true, false, func(r ledger.Record) string {
		if r.Decision == nil {
			return ""
		}
		return strconv.Itoa(r.Decision.Score)
	}},
	{"reasons", "Reasons", false, false, func(r ledger.Record) string {
		if r.Decision == nil {
			return ""
		}
		var codes []string
		for _, reason := range r.Decision.Reasons {
			codes = append(codes, reason.Code)
		}
		return strings.Join(codes, " ")
	}},
	{"labels", "Labels", false, false, func(r ledger.Record) string {
		var words []string
		for _, l := range r.Labels {
			words = append(words, l.Label+" by "+plainly(l.Source))
		}
		return strings.Join(words, ", ")
	}},
}

// listed is a page of the API's list.
type listed struct {
	Transactions []ledger.Record `json:"transactions"`
	Next         string          `json:"next"`
	SearchedTo   time.Time       `json:"searchedTo"`
}

func (d *desk) showTransactions(v *visit) (any, error) {
	asked := v.URL.Query()
	s := search{Statuses: transaction.Statuses(), Outcomes: fraud.Outcomes, Tried: []fraud.Shadow{fraud.ShadowRules, fraud.ShadowRuleset}, Asked: shownAs(asked)}
	for _, c := range columns {
		s.Columns = append(s.Columns, choice{c, slices.Contains(asked["column"], c.Name) || len(asked["column"]) == 0 && c.usual})
	}
	var page listed
	if err := v.get("/transactions", searched(asked), &page); err != nil {
		if s.Fault = refusal(err, http.StatusUnprocessableEntity, http.StatusNotFound); s.Fault != nil {
			return s, nil
		}
		return nil, err
	}
	s.Found, s.SearchedTo = page.Transactions, page.SearchedTo
	cursor := asked.Get("cursor")
	asked.Del("cursor")
	s.CSV = "/transactions.csv?" + asked.Encode()
	if cursor != "" {
		s.First = "/transactions?" + asked.Encode()
	}
	if page.Next != "" {
		asked.Set("cursor", page.Next)
		s.Next = "/transactions?" + asked.Encode()
	}
	return s, nil
}

// The form has two fields for an entry of the metadata: its name, and its value.
const (
	metadataName  = "metadata"
	metadataValue = "metadataValue"
)

// searched returns what the API is asked, from what the form says.
func searched(asked url.Values) url.Values {
	query := url.Values{}
	for name, values := range asked {
		text := strings.TrimSpace(values[0])
		switch {
		case text == "", name == "column", name == metadataValue:
		case name == metadataName:
			query.Set("metadata."+text, asked.Get(metadataValue))
		case name == "since", name == "until":
			query.Set(name, readTime(text))
		default:
			query.Set(name, text)
		}
	}
	return query
}

// The forms in which browsers send the value of a field for a time. The form says that it is UTC.
var fieldTimes = []string{"2006-01-02T15:04", "2006-01-02T15:04:05"}

// readTime returns a time of the form as the API takes it, and leaves any other text as it is.
func readTime(text string) string {
	for _, form := range fieldTimes {
		if at, err := time.Parse(form, text); err == nil {
			return at.Format(time.RFC3339)
		}
	}
	return text
}

// shownAs returns what was asked as the form shows it. A link of the desk may have asked for an entry of the metadata by one
// parameter, and for times with their zones.
func shownAs(asked url.Values) url.Values {
	shown := url.Values{}
	for name, values := range asked {
		shown[name] = values
		if key, is := strings.CutPrefix(name, metadataName+"."); is {
			shown.Set(metadataName, key)
			shown.Set(metadataValue, values[0])
		}
		if at, err := time.Parse(time.RFC3339, values[0]); err == nil && (name == "since" || name == "until") {
			shown.Set(name, at.UTC().Format(fieldTimes[1]))
		}
	}
	return shown
}

// findTransaction leads to what has an id: a transaction, an alert or its transaction, or the transactions of an order, a customer, a card
// or an address.
func (d *desk) findTransaction(w http.ResponseWriter, r *http.Request) {
	v := d.visit(r)
	id := strings.TrimSpace(r.URL.Query().Get("id"))
	to, err := v.find(id)
	if err != nil {
		d.show(w, v, "fault", d.problem(v, err))
		return
	}
	if to == "" {
		if uuid.Validate(id) != nil {
			id = card.Redact(id)
		}
		d.say(r.Context(), flash{Fault: true, Text: "Nothing that you may see has the id “" + id + "”."})
		to = "/transactions"
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // find returns paths of the desk
}

// find returns the page of what has an id, or "" if nothing has it.
func (v *visit) find(id string) (string, error) {
	isUUID := uuid.Validate(id) == nil
	if isUUID {
		if to, err := v.findIn("/transactions/", id); to != "" || err != nil {
			return to, err
		}
	}
	names := []string{"orderID", "customerID"}
	if _, err := strconv.Atoi(id); err == nil && len(id) == 4 {
		names = append(names, "cardLastFour")
	}
	if _, err := netip.ParseAddr(id); err == nil {
		names = []string{"ip"}
	}
	for _, name := range names {
		var page listed
		if err := v.get("/transactions", url.Values{name: {id}, "limit": {"2"}}, &page); err != nil {
			return "", err
		}
		switch len(page.Transactions) {
		case 0:
		case 1:
			return "/transactions/" + page.Transactions[0].TransactionID, nil
		default:
			return "/transactions?" + url.Values{name: {id}}.Encode(), nil
		}
	}
	if isUUID && v.May(identity.Alerts) {
		return v.findIn("/alerts/", id)
	}
	return "", nil
}

// findIn returns the page of the transaction that what has an id is about, its own page if it is about none, or "" if nothing has it.
func (v *visit) findIn(path, id string) (string, error) {
	var found struct {
		TransactionID string `json:"transactionID"`
	}
	path += url.PathEscape(id)
	err := v.get(path, nil, &found)
	switch {
	case refusal(err, http.StatusNotFound) != nil:
		return "", nil
	case err != nil:
		return "", err
	case found.TransactionID == "":
		return path, nil
	}
	return "/transactions/" + found.TransactionID, nil
}

// These bound a file and a page, in transactions. A search that finds little has many pages, so their number and their time are bounded
// too: the connection is closed after 90 seconds.
const (
	mostInCSV    = 10_000
	csvPage      = 200
	mostCSVPages = 500
	fileWithin   = time.Minute
)

// csvFile begins an answer that browsers save as a file of that name.
func csvFile(w http.ResponseWriter, name string) *csv.Writer {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	return csv.NewWriter(w)
}

// transactionsCSV writes what was searched for as a file, with every column. If a later page cannot be read, the connection is cut, so
// that the browser does not take a part for the whole.
func (d *desk) transactionsCSV(w http.ResponseWriter, r *http.Request) {
	v, begun := d.visit(r), d.Now()
	query := searched(r.URL.Query())
	query.Set("limit", strconv.Itoa(csvPage))
	var page listed
	if err := v.get("/transactions", query, &page); err != nil {
		d.show(w, v, "fault", d.problem(v, err))
		return
	}
	lines := csvFile(w, "transactions.csv")
	head := []string{"time"}
	for _, c := range columns {
		head = append(head, c.Name)
	}
	_ = lines.Write(head) // Error returns it
	var last time.Time
	for written, pages := 0, 1; ; pages++ {
		for _, t := range page.Transactions {
			last = t.StartTime
			line := []string{t.StartTime.UTC().Format(time.RFC3339)}
			for _, c := range columns {
				line = append(line, safetext.Cell(c.Cell(t)))
			}
			_ = lines.Write(line)
			written++
		}
		if !page.SearchedTo.IsZero() {
			last = page.SearchedTo
		}
		if page.Next != "" && (written >= mostInCSV || pages == mostCSVPages || d.Now().Sub(begun) >= fileWithin) {
			_ = lines.Write([]string{fmt.Sprintf("There may be more: this file ends after %d. Search until %s for the rest.", written, last.UTC().Truncate(time.Second).Add(time.Second).Format(time.RFC3339))})
			break
		}
		if lines.Flush(); lines.Error() != nil { // the browser is gone
			return
		}
		if page.Next == "" {
			return
		}
		query.Set("cursor", page.Next)
		query.Set("limit", strconv.Itoa(min(csvPage, mostInCSV-written)))
		page = listed{}
		if err := v.get("/transactions", query, &page); err != nil {
			d.Log.WarnContext(r.Context(), "File of transactions cut off", "error", err)
			panic(http.ErrAbortHandler)
		}
	}
	lines.Flush()
}
