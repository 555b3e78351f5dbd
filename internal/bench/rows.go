package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	ledgerdb "dummyorders/gateways/ledger"
)

// perDay is the number of transactions of a day.
const perDay = 2000

// rareMerchant has one transaction in a thousand.
const rareMerchant = "rare"

// unfinishedDays is for how many of the last days there are transactions that have not ended.
const unfinishedDays = 20

// idOf returns the id of a day's n-th transaction. The day's digits stand where a UUID of version 7 has its time.
func idOf(day time.Time, n int) string {
	return fmt.Sprintf("%s-0000-7000-8000-%012d", day.Format("20060102"), n)
}

// journey is how a transaction goes: the check's outcome, the statuses in turn, and how many of a thousand go so.
type journey struct {
	thousandths int
	of          fraud.Outcome
	steps       []transaction.Status
	verdict     review.Verdict // if it was reviewed
	open        bool           // whether there are steps to come
}

// Short names of the statuses.
const (
	initiated = transaction.PaymentInitiated
	paid      = transaction.PaymentComplete
	refused   = transaction.PaymentError
	inReview  = transaction.InReview
	stopped   = transaction.Fraudulent
	alerting  = transaction.AlertInitiated
	alerted   = transaction.AlertDone
)

var journeys = []journey{
	{870, fraud.Approve, []transaction.Status{initiated, paid}, "", false},
	{40, fraud.Approve, []transaction.Status{initiated, refused}, "", false},
	{35, fraud.Decline, []transaction.Status{stopped, alerting, alerted}, "", false},
	{20, fraud.Review, []transaction.Status{initiated, inReview, paid}, review.Approve, false},
	{15, fraud.Review, []transaction.Status{initiated, inReview, stopped, alerting, alerted}, review.Decline, false},
	{4, fraud.NotEvaluated, []transaction.Status{initiated, inReview, paid}, review.Approve, false},
	{8, fraud.Review, []transaction.Status{initiated, inReview}, "", true},
	{1, fraud.NotEvaluated, []transaction.Status{initiated, inReview}, "", true},
	{2, fraud.Approve, nil, "", true},
	{2, fraud.Approve, []transaction.Status{initiated}, "", true},
	{1, fraud.Decline, []transaction.Status{stopped}, "", true},
	{1, fraud.Decline, []transaction.Status{stopped, alerting}, "", true},
	{1, fraud.Decline, []transaction.Status{stopped, alerting, transaction.AlertError}, "", true},
}

// journeyOf returns how a day's n-th transaction goes.
func journeyOf(n int) journey {
	place := n * 617 % 1000 // 617 has no common factor with 1000: neighbours go in different ways
	for _, o := range journeys {
		if place -= o.thousandths; place < 0 {
			return o
		}
	}
	panic("the thousandths of all journeys are less than 1000")
}

func merchantOf(n int) string {
	switch {
	case n%1000 == 7:
		return rareMerchant
	case n%10 < 5:
		return "" // the default
	case n%10 < 8:
		return "acme"
	default:
		return "shop-" + strconv.Itoa(n%40)
	}
}

// entryOf returns the n-th transaction of a day, as the built-in rules and the simulated gateway leave it.
func entryOf(n int, at time.Time) ledger.Entry {
	day, o, text := at.Format(time.DateOnly), journeyOf(n), strconv.Itoa(n)
	cost := money.Money{Minor: 12300 + int64(n), Currency: "INR"}
	t := transaction.Transaction{
		ID: idOf(at, n), Merchant: merchantOf(n), PaymentMethod: "icici-debit",
		Order: transaction.Order{ID: "order-" + day + "-" + strconv.Itoa(n/2), Name: "books", Cost: cost, Items: []transaction.Item{
			{ID: "1", Name: "a book", Cost: cost, Quantity: 1, Discount: money.Money{Currency: "INR"}},
		}},
		Payment: transaction.Payment{Type: "card", Amount: cost, Card: card.Details{
			FirstSix: "411111", LastFour: fmt.Sprintf("%04d", n%500), Length: 16, Brand: "visa", LuhnValid: true, Fingerprint: fmt.Sprintf("%064x", n%500),
		}},
		Customer: &transaction.Customer{ID: "customer-" + strconv.Itoa(n%700), Email: "customer-" + text + "@example.com"},
		IP:       "192.0.2." + strconv.Itoa(n%250), BillingCountry: "IN", ShippingCountry: "IN",
		Metadata: map[string]string{"channel": "web", "terminal": "t-" + strconv.Itoa(n%30)},
		Receipt:  transaction.Receipt{Client: "shop", BodyDigest: fmt.Sprintf("%064x", n), Call: idOf(at, n)},
	}
	r := ledger.Open(t, at)
	r.Decide(decisionOf(o.of, at))
	for _, to := range o.steps {
		at = at.Add(40 * time.Millisecond)
		switch {
		case to == inReview:
			r.Review = &review.Review{RequestedAt: at, Deadline: at.Add(24 * time.Hour), OnExpiry: review.Decline}
		case r.Status() == inReview:
			r.Review.Decide(review.Request{Verdict: o.verdict, Reviewer: "ada", Note: "asked the customer"}, at)
		case to == initiated:
			r.Payment.AuthorizationID, r.Payment.Gateway = "auth-"+text, "simulated-icici-debit"
		}
		if to == paid {
			r.Payment.CaptureID = "capture-" + text
		}
		r.Move(to, at)
	}
	label(r, o, n, at)
	if !o.open {
		r.Close(at)
	}
	return ledger.Entry{Record: *r, Transaction: t, Mark: ledger.Mark{At: at, Number: len(r.Steps)}}
}

// label gives the labels of reviewers to what they have stopped, and of disputes to one payment in fifty.
func label(r *ledger.Record, o journey, n int, at time.Time) {
	switch {
	case o.verdict == review.Decline:
		r.Labels = []ledger.Label{{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Note: "asked the customer", By: "ada", Time: at}}
	case o.of == fraud.Approve && n%50 == 0:
		r.Labels = []ledger.Label{
			{Label: ledger.Fraudulent, Source: ledger.ByDispute, Note: "chargeback", Time: at},
			{Label: ledger.Legitimate, Source: ledger.ByDispute, Note: "won", Time: at.Add(time.Minute)},
		}
	}
}

func decisionOf(of fraud.Outcome, at time.Time) fraud.Decision {
	if of == fraud.NotEvaluated {
		return fraud.Undecided("fraud_police did not answer in time")
	}
	score := map[fraud.Outcome]int{fraud.Approve: 5, fraud.Review: 55, fraud.Decline: 90}[of]
	digest := fraud.Ruleset{ID: "default", Version: 4, Digest: "sha256:" + strings.Repeat("0123456789abcdef", 4)}
	e := &fraud.Explanation{AsOf: at, DecidedAt: at, TookMicros: 800, Rules: []fraud.RuleResult{}, Features: map[string]float64{}}
	for _, kind := range []string{"card", "customer", "ip"} {
		for _, span := range []string{"10m", "1h", "1d", "30d"} {
			e.Features[kind+`.count("`+span+`")`] = 1
		}
	}
	for n := range 24 {
		e.Passed = append(e.Passed, fmt.Sprintf("rule_of_the_set_%d", n))
	}
	d := fraud.Decision{
		Outcome: of, Score: score, RiskLevel: fraud.RiskOf(score, 40, 80), Reasons: []fraud.Reason{}, Ruleset: digest,
		Source: fraud.AutomatedRule, Explanation: e,
	}
	if of != fraud.Approve {
		e.Rules = append(e.Rules, fraud.RuleResult{ID: "card_velocity", Outcome: fraud.RuleHit, Score: score})
		d.Reasons = append(d.Reasons, fraud.Reason{
			Code: "CARD_VELOCITY", Message: "the card was used 12 times in ten minutes", PublicMessage: "the card was used often",
		})
	}
	return d
}

// fillLedger adds transactions of the days until today to an empty ledger, so many of each day, and none to another one. The first day's
// are saved one by one, and copied to the days after it. It returns the first day.
func fillLedger(ctx context.Context, store *ledgerdb.Ledger, url string, days, ofDay int) (first time.Time, err error) {
	driver, source, d := "pgx", url, postgresDialect
	if path, isFile := ledgerdb.SQLiteFile(url); isFile {
		driver, source, d = "sqlite", path, sqliteDialect
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return first, err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // which has the temporary tables
	var oldest sql.NullString
	if err := db.QueryRowContext(ctx, "SELECT min(id) FROM transactions").Scan(&oldest); err != nil {
		return first, err
	}
	if oldest.Valid {
		return time.Parse("20060102", oldest.String[:8])
	}
	first = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-days)
	if err := saveDay(ctx, store, first, ofDay); err != nil {
		return first, err
	}
	for _, statement := range d.begin {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return first, err
		}
	}
	for n := 1; n < days; n++ {
		if err := d.copyDay(ctx, db, first, n, n >= days-unfinishedDays); err != nil {
			return first, fmt.Errorf("copy the first day to day %d: %w", n, err)
		}
	}
	_, err = db.ExecContext(ctx, d.end)
	return first, err
}

func saveDay(ctx context.Context, store *ledgerdb.Ledger, day time.Time, rows int) error {
	var savers errgroup.Group
	savers.SetLimit(32)
	for n := range rows {
		at := day.Add(time.Duration(n) * 23 * time.Hour / time.Duration(rows))
		savers.Go(func() error { return store.Save(ctx, entryOf(n, at)) })
	}
	return savers.Wait()
}

// dialect is what the two engines write differently.
type dialect struct {
	json  string   // the type of a column with JSON
	later string   // a time some days later
	begin []string // also has no worker count the days for the reports
	end   string
}

var (
	patterns = []string{
		"CREATE TEMP TABLE t AS SELECT * FROM transactions", "CREATE TEMP TABLE l AS SELECT * FROM labels",
	}
	sqliteDialect = dialect{
		json: "text", later: "%s + %d * 86400000000", begin: append([]string{
			"PRAGMA synchronous = OFF", "PRAGMA cache_size = -2000000", // in KiB; the indexes do not fit in the usual 2 MiB
			"UPDATE days_looked SET at = unixepoch() * 1000000",
		}, patterns...),
		end: "PRAGMA wal_checkpoint(TRUNCATE)",
	}
	postgresDialect = dialect{json: "json", later: "%s + make_interval(days => %d)", begin: append([]string{"UPDATE days_looked SET at = now()"}, patterns...), end: "VACUUM ANALYZE"}
)

// copyDay copies the first day to a later one: with that day in all ids and times, in the columns and in the JSON.
func (d dialect) copyDay(ctx context.Context, db *sql.DB, first time.Time, n int, unfinished bool) error {
	day := first.AddDate(0, 0, n)
	text := func(column string) string {
		return fmt.Sprintf("replace(replace(CAST(%s AS text), '%s', '%s'), '%s-0', '%s-0')", column, first.Format(time.DateOnly),
			day.Format(time.DateOnly), first.Format("20060102"), day.Format("20060102"))
	}
	later := func(column string) string { return fmt.Sprintf(d.later, column, n) }
	chosen := ""
	if !unfinished {
		chosen = " WHERE t.ended_at IS NOT NULL"
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO transactions (id, client, body_digest, order_id, payment_method, status, outcome, score,
			amount, currency, card_fingerprint, customer_id, started_at, ended_at, mark_at, mark_number, record, posted, merchant, card_last_four, ip)
		SELECT %s, client, body_digest, %s, payment_method, status, outcome, score, amount, currency, card_fingerprint, customer_id,
			%s, %s, mark_at + %d * 86400000000000, mark_number, CAST(%s AS %s), CAST(%s AS %[7]s), merchant, card_last_four, ip FROM t`+chosen,
		text("id"), text("order_id"), later("started_at"), later("ended_at"), n, text("record"), d.json, text("posted")))
	if err == nil {
		_, err = tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO labels (transaction_id, source, label, note, at, given_by, noted_at)
			SELECT %s, source, label, note, %s, given_by, CASE source WHEN 'dispute' THEN %[2]s END FROM l`, text("transaction_id"), later("at")))
	}
	if err == nil { // every label of disputes had another note before
		_, err = tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO label_notes (transaction_id, source, label, number, note, at)
			SELECT %s, source, label, 1, 'asked', %s FROM l WHERE source = 'dispute'`, text("transaction_id"), later("at")))
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
