package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/google/uuid"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
)

// Find returns the entry of a transaction of one of these merchants, or ledger.ErrNotFound.
func (l *Ledger) Find(ctx context.Context, of identity.Merchants, transactionID string) (ledger.Entry, error) {
	found, err := l.read(ctx, of, l.findQuery(of, transactionID))
	if err != nil {
		return ledger.Entry{}, fmt.Errorf("find transaction %s in the ledger: %w", transactionID, err)
	}
	if len(found) == 0 {
		return ledger.Entry{}, fmt.Errorf("find transaction %s: %w", transactionID, ledger.ErrNotFound)
	}
	return found[0].entry, nil
}

// List returns a page of entries, the newest start first. Of those that started in the same microsecond, the greatest id
// comes first.
func (l *Ledger) List(ctx context.Context, q ledger.Query) (ledger.Page, error) {
	if q.Limit < 1 {
		return ledger.Page{}, fmt.Errorf("list transactions of the ledger: the limit is %d, and must be at least 1", q.Limit)
	}
	found, err := l.read(ctx, q.Merchants, l.listQuery(q))
	if err != nil {
		return ledger.Page{}, fmt.Errorf("list transactions of the ledger: %w", err)
	}
	page := ledger.Page{Entries: slices.Grow([]ledger.Entry(nil), min(q.Limit, len(found)))}
	for _, row := range found[:min(q.Limit, len(found))] {
		if hasAll(row.entry.Record.Metadata, q.Metadata) {
			page.Entries = append(page.Entries, row.entry)
			page.Size += row.size
		}
	}
	if len(found) > q.Limit {
		last := found[q.Limit-1]
		page.Next = ledger.Cursor{StartTime: last.started.Time, TransactionID: last.id}
	}
	return page, nil
}

// Reach returns the place down to which a search looks at this many entries, or zero if it may look at all. Where these may be of
// merchants that the query does not name, it is before all entries of that moment: it names no transaction of another.
func (l *Ledger) Reach(ctx context.Context, q ledger.Query, entries int) (place ledger.Cursor, err error) {
	if !l.searches(q) {
		return place, nil
	}
	part := indexed(q)
	err = l.retry(ctx, func() error {
		return l.engine.read(ctx, l.reader, part.Merchants, l.reachQuery(part, entries), func(r row) error {
			var at instant
			err := r.Scan(&at, &place.TransactionID)
			place.StartTime = at.Time
			if part.Merchants.All() && !q.Merchants.All() {
				place.TransactionID = uuid.Nil.String()
			}
			return err
		})
	})
	if err != nil {
		return ledger.Cursor{}, fmt.Errorf("find how far back to search the ledger: %w", l.explain("read", err))
	}
	return place, nil
}

// hasAll reports whether metadata holds all that is wanted. SQL finds the words of each, and may find them elsewhere in the record:
// such a page is shorter than its limit.
func hasAll(metadata, wanted map[string]string) bool {
	for key, value := range wanted {
		if found, has := metadata[key]; !has || found != value {
			return false
		}
	}
	return true
}

// storedEntry is an entry as the tables hold it.
type storedEntry struct {
	id      string
	started instant
	entry   ledger.Entry
	size    int // about how many bytes of JSON it takes, without what was posted
	labels  []ledger.Label
	notes   []earlierNote
}

// earlierNote is a note that a label had before.
type earlierNote struct {
	of     ledger.Label
	number int64 // from 1 for the label's oldest
	ledger.Note
}

// read returns the entries that a selection finds, the newest first.
func (l *Ledger) read(ctx context.Context, of identity.Merchants, q query) (found []*storedEntry, err error) {
	err = l.retry(ctx, func() (err error) {
		found, err = l.readOnce(ctx, of, q)
		return err
	})
	return found, l.explain("read", err)
}

func (l *Ledger) readOnce(ctx context.Context, of identity.Merchants, q query) ([]*storedEntry, error) {
	byID := map[string]*storedEntry{}
	if err := l.engine.read(ctx, l.reader, of, q, func(r row) error { return scan(r, byID) }); err != nil {
		return nil, err
	}
	all := slices.SortedFunc(maps.Values(byID), func(a, b *storedEntry) int {
		return cmp.Or(b.started.Compare(a.started.Time), cmp.Compare(b.id, a.id))
	})
	for _, h := range all {
		h.keepNotes()
		h.entry.Record.Labels = merged(h.entry.Record.Labels, h.labels)
	}
	return all, nil
}

// keepNotes gives each label its earlier notes, the oldest first.
func (h *storedEntry) keepNotes() {
	slices.SortFunc(h.notes, func(a, b earlierNote) int { return cmp.Compare(a.number, b.number) })
	for _, note := range h.notes {
		of := &h.labels[slices.IndexFunc(h.labels, note.of.Same)]
		of.Earlier = append(of.Earlier, note.Note)
	}
}

// scan reads a row: an entry, one of its labels if it has any, and one of the label's earlier notes if there are any.
func scan(r row, byID map[string]*storedEntry) error {
	var (
		h              storedEntry
		markAt         int64
		record, posted []byte
		label, source  sql.NullString
		note, by       sql.NullString
		at, notedAt    instant
		number         sql.NullInt64
		earlier        struct {
			note, by sql.NullString
			at       instant
		}
	)
	if err := r.Scan(&h.id, &h.started, &markAt, &h.entry.Mark.Number, &record, &posted, &label, &source, &note, &by, &at, &notedAt,
		&number, &earlier.note, &earlier.by, &earlier.at); err != nil {
		return err
	}
	if byID[h.id] == nil {
		if err := h.fill(record, posted, markAt); err != nil {
			return fmt.Errorf("read transaction %s: %w", h.id, err)
		}
		byID[h.id] = &h
	}
	if !label.Valid {
		return nil
	}
	known := byID[h.id]
	known.size += len(note.String) + len(earlier.note.String) + labelSize
	read := ledger.Label{Label: label.String, Source: source.String, Note: note.String, By: by.String, Time: at.Time, NotedAt: notedAt.pointer()}
	if !slices.ContainsFunc(known.labels, read.Same) {
		known.labels = append(known.labels, read)
	}
	if number.Valid {
		note := ledger.Note{Note: earlier.note.String, By: earlier.by.String, Time: earlier.at.Time}
		known.notes = append(known.notes, earlierNote{of: read, number: number.Int64, Note: note})
	}
	return nil
}

// asStored reads JSON as encoding/json does, in half the time: most of a page's time is this. DefaultOptionsV1 lacks its Number.
var asStored = jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(),
	jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(func(from *jsontext.Decoder, n *json.Number) error {
		value, err := from.ReadValue()
		if err != nil {
			return err
		}
		return json.Unmarshal(value, n)
	})))

// labelSize is about how many bytes of JSON a label takes beside its note.
const labelSize = 150

// fill reads the entry, or, where what was posted is left out, a brief one: without its explanation too.
func (h *storedEntry) fill(record, posted []byte, markAt int64) error {
	h.entry.Mark.At = time.Unix(0, markAt).UTC()
	brief := briefRecord{Record: &h.entry.Record}
	var into any = &h.entry.Record
	if posted == nil {
		into = &brief
	}
	if err := jsonv2.Unmarshal(record, into, asStored); err != nil {
		return fmt.Errorf("its record: %w", err)
	}
	h.size = len(record) - int(brief.Explanation)
	h.entry.Record.Merchant = identity.MerchantOf(h.entry.Record.Merchant) // older records name none
	if posted == nil {
		return nil
	}
	if err := jsonv2.Unmarshal(posted, &h.entry.Transaction, asStored); err != nil {
		return fmt.Errorf("what was posted: %w", err)
	}
	return nil
}

// briefRecord reads a record without its explanation.
type briefRecord struct {
	*ledger.Record

	Explanation skipped `json:"explanation"`
}

// skipped is the length of a value in JSON that is not read.
type skipped int

// UnmarshalJSON reads only how long the value is.
func (s *skipped) UnmarshalJSON(value []byte) error {
	*s = skipped(len(value))
	return nil
}

// merged returns the table's labels, in the order of their times. A column holds no nanoseconds, so a label that the record
// has too is returned as the record has it, except for a note that was changed.
func merged(ofRecord, ofTable []ledger.Label) []ledger.Label {
	for i, label := range ofTable {
		at := slices.IndexFunc(ofRecord, func(l ledger.Label) bool {
			return l.Same(label) && l.Time.Truncate(time.Microsecond).Equal(label.Time)
		})
		if at < 0 {
			continue
		}
		ofTable[i].Time = ofRecord[at].Time
		if nullable(ofRecord[at].Note) == nullable(label.Note) {
			ofTable[i].Note = ofRecord[at].Note
		}
	}
	ledger.SortLabels(ofTable)
	return ofTable
}

// instant is a time from a column: microseconds since 1970 in a database without a type for times. Null gives the zero
// time.
type instant struct {
	time.Time
}

// Scan reads the value that either database gives.
func (i *instant) Scan(value any) error {
	switch value := value.(type) {
	case nil:
		i.Time = time.Time{}
	case int64:
		i.Time = time.UnixMicro(value).UTC()
	case time.Time:
		i.Time = value.UTC()
	default:
		return fmt.Errorf("a time is a %T", value)
	}
	return nil
}

// row is a row of a query's result.
type row interface {
	Scan(into ...any) error
}

// pointer returns the time, or nil for the zero time.
func (i *instant) pointer() *time.Time {
	if i.IsZero() {
		return nil
	}
	return &i.Time
}

// querier is what a pool and a database transaction have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// query is a statement with the values of its placeholders.
type query struct {
	text string
	args []any
}

// statement is a query of a round. Its rows are passed to each, one by one, if that is not nil.
type statement struct {
	query
	each  func(row) error
	doing string // for errors, such as: keep the decision
}

// round returns the statements that come next.
type round func() ([]statement, error)

// take passes on the rows of either database.
func (s statement) take(rows interface {
	row
	Next() bool
	Err() error
},
) error {
	for rows.Next() { // also to the end of rows that are not wanted: the error comes after them
		if s.each == nil {
			continue
		}
		if err := s.each(rows); err != nil {
			return s.explain(err)
		}
	}
	return s.explain(rows.Err())
}

func (s statement) explain(err error) error {
	if err != nil && s.doing != "" {
		return fmt.Errorf("%s: %w", s.doing, err)
	}
	return err
}

// selection reads entries with their labels and these labels' earlier notes, a row for each label or note. The inner query chooses the entries and limits their
// number, so labels do not count towards the limit. The rows do not keep the inner order.
const selection = `SELECT t.id, t.started_at, t.mark_at, t.mark_number, t.record, %s, l.label, l.source, l.note, l.given_by, l.at, l.noted_at,
		n.number, n.note, n.given_by, n.at
	FROM (%s) t LEFT JOIN labels l ON l.transaction_id = t.id
	LEFT JOIN label_notes n ON n.transaction_id = l.transaction_id AND n.source = l.source AND n.label = l.label`

func (l *Ledger) findQuery(of identity.Merchants, transactionID string) query {
	var c conditions
	c.add("id = ?", nullable(transactionID))
	c.of(of)
	return query{l.engine.bind(fmt.Sprintf(selection, "t.posted", "SELECT * FROM transactions "+c.where())), c.args}
}

// listQuery asks for one entry more than the page holds, to find out whether there is a next page.
func (l *Ledger) listQuery(q ledger.Query) query {
	chosen := l.newestFirst("*", q, q.Limit+1)
	limit, args := "LIMIT ?", append(chosen.args, q.Limit+1)
	if l.onePlan(q) { // for a placeholder PostgreSQL expects any number of rows, and so plans each page anew: that takes longer than to read it
		limit, args = fmt.Sprintf("LIMIT %d", q.Limit+1), chosen.args
	}
	posted := "t.posted"
	if q.Brief {
		posted = "NULL"
	}
	return query{l.engine.bind(fmt.Sprintf(selection, posted, chosen.text+limit)), args}
}

// reachQuery asks for the place of the last of so many entries. SQLite reads it in the index.
func (l *Ledger) reachQuery(q ledger.Query, entries int) query {
	chosen := l.newestFirst("started_at, id", q, entries)
	return query{l.engine.bind(chosen.text + "LIMIT 1 OFFSET ?"), append(chosen.args, entries-1)}
}

// onePlan reports whether PostgreSQL may keep one plan for all values, as an index leads to the page. Only by the values it knows which
// of two filters leaves fewer entries, and how many merchants there are.
func (l *Ledger) onePlan(q ledger.Query) bool {
	return !l.engine.namesIndex && !l.searches(q) && len(q.Merchants.Names()) < 2
}

// searches reports whether a query has filters beside those that its index leads to: it looks at entries that it does not find.
func (l *Ledger) searches(q ledger.Query) bool {
	q.DownTo = ledger.Cursor{}
	part := indexed(q)
	return len(l.listConditions(q, q.Merchants).texts) > len(l.listConditions(part, part.Merchants).texts)
}

// newestFirst returns a statement, without LIMIT at its end, for columns of the newest entries. It finds at least the first so many.
// An index has the entries of one merchant in order. Those of several are merged: SQLite reads no more of each than the page takes.
// PostgreSQL would read all of each, and reads the first of each instead.
func (l *Ledger) newestFirst(columns string, q ledger.Query, first int) query {
	const order = "ORDER BY started_at DESC, id DESC "
	parts := []identity.Merchants{q.Merchants}
	switch {
	case !merges(q):
	case l.engine.namesIndex:
		parts = nil
		for _, name := range q.Merchants.Names() {
			parts = append(parts, identity.OnlyMerchants(name))
		}
	default:
		c := l.listConditions(q, identity.AllMerchants())
		c.add("merchant = m.name")
		text := fmt.Sprintf("SELECT t.* FROM unnest(?::text[]) AS m (name) CROSS JOIN LATERAL (SELECT %s FROM transactions %s%sLIMIT %d) t %[3]s", columns, c.where(), order, first)
		return query{text, append([]any{q.Merchants.Names()}, c.args...)}
	}
	var texts []string
	var args []any
	for _, of := range parts {
		c := l.listConditions(q, of)
		texts, args = append(texts, "SELECT "+columns+" FROM transactions "+l.listIndex(q, of)+c.where()), append(args, c.args...)
	}
	return query{strings.Join(texts, "UNION ALL ") + order, args}
}

// mostMerged bounds the statement. The entries of more merchants are searched for among those of all.
const mostMerged = 50

// merges reports whether the entries of several merchants are read in an index for each. Queries by order, customer, card or
// address, and for what gateways give back, use their index for all merchants.
func merges(q ledger.Query) bool {
	names := len(q.Merchants.Names())
	return names > 1 && names <= mostMerged && !q.Releasing && q.OrderID == "" && q.CustomerID == "" && q.CardLastFour == "" && q.IP == ""
}

// indexed returns the part of a query that an index leads to. The other filters are looked for in each entry that this part leaves.
// Of two filters the outcome chooses fewer, unless it is approve.
func indexed(q ledger.Query) ledger.Query {
	part := ledger.Query{Merchants: q.Merchants, Since: q.Since, Until: q.Until, After: q.After}
	if len(q.Merchants.Names()) > mostMerged {
		part.Merchants = identity.AllMerchants()
	}
	switch {
	case q.Releasing:
		part.Releasing = true
	case q.OrderID != "":
		part.OrderID = q.OrderID
	case q.CustomerID != "":
		part.CustomerID = q.CustomerID
	case q.CardLastFour != "":
		part.CardLastFour, part.CardFingerprint = q.CardLastFour, q.CardFingerprint // few cards share their last digits
	case q.IP != "":
		part.IP = q.IP
	case q.Status != 0 && (q.Outcome == "" || q.Outcome == fraud.Approve):
		part.Status = q.Status
	default:
		part.Outcome = q.Outcome
	}
	return part
}

// listIndex names the index to go by for SQLite. Without statistics it takes any that fits, and for a merchant with few
// transactions would read those of all.
func (l *Ledger) listIndex(q ledger.Query, of identity.Merchants) string {
	name := "start"
	switch part := indexed(q); {
	case !l.engine.namesIndex:
		return ""
	case part.Releasing:
		return "INDEXED BY transactions_releasing "
	case part.OrderID != "":
		return "INDEXED BY transactions_by_order "
	case part.CustomerID != "":
		return "INDEXED BY transactions_by_customer "
	case part.CardLastFour != "":
		return "INDEXED BY transactions_by_card "
	case part.IP != "":
		return "INDEXED BY transactions_by_ip "
	case part.Status != 0:
		name = "status"
	case part.Outcome != "":
		name = "outcome"
	}
	if len(of.Names()) == 1 {
		name = strings.TrimSuffix("merchant_"+name, "_start")
	}
	return "INDEXED BY transactions_by_" + name + " "
}

func (l *Ledger) listConditions(q ledger.Query, of identity.Merchants) conditions {
	var c conditions
	c.of(of)
	if q.Status != 0 {
		c.add("status = ?", int(q.Status))
	}
	if q.Outcome != "" {
		c.add("outcome = ?", nullable(string(q.Outcome)))
	}
	if q.Releasing {
		c.add("releasing")
		c.add("ended_at IS NULL") // code from before the column leaves it as it was
	}
	for _, equal := range []struct{ column, value string }{
		{"order_id", q.OrderID},
		{"customer_id", q.CustomerID},
		{"card_last_four", q.CardLastFour},
		{"ip", q.IP},
		{"payment_method", q.PaymentMethod},
		{"currency", string(q.Currency)},
	} {
		if equal.value != "" {
			c.add(equal.column+" = ?", nullable(equal.value))
		}
	}
	// PostgreSQL does not know that a fingerprint goes with its last four digits. It would expect to find few, and so read and sort all
	// with these digits for one page. Of a CASE it expects to find half.
	if q.CardFingerprint != "" {
		c.add("CASE WHEN card_fingerprint = ? THEN true ELSE false END", nullable(q.CardFingerprint))
	}
	if q.AmountFrom != 0 {
		c.add("amount >= ?", q.AmountFrom)
	}
	if q.AmountTo != 0 {
		c.add("amount <= ?", q.AmountTo)
	}
	if q.Rule != "" {
		c.add(l.engine.find, `{"id":`+inJSON(q.Rule)+`,"outcome":"`+string(fraud.RuleHit)+`"`)
	}
	if q.Disagrees != "" {
		c.add(l.engine.tried[q.Disagrees] + " <> outcome")
	}
	for _, key := range slices.Sorted(maps.Keys(q.Metadata)) {
		c.add(l.engine.find, inJSON(key)+":"+inJSON(q.Metadata[key]))
	}
	// Add one bound only on each side, the nearer one: given two, SQLite goes by the first, and every page would start reading where
	// the first page began.
	switch {
	case q.DownTo.TransactionID != "": // it is not before since
		c.add("(started_at, id) >= (?, ?)", l.engine.sqlTime(q.DownTo.StartTime), nullable(q.DownTo.TransactionID))
	case !q.Since.IsZero():
		c.add("started_at >= ?", l.engine.sqlTime(q.Since))
	}
	switch until := q.Until.Truncate(time.Microsecond); {
	case q.After.TransactionID != "" && (q.Until.IsZero() || until.After(q.After.StartTime)):
		c.add("(started_at, id) < (?, ?)", l.engine.sqlTime(q.After.StartTime), nullable(q.After.TransactionID))
	case !q.Until.IsZero():
		c.add("started_at < ?", l.engine.sqlTime(q.Until))
	}
	return c
}

// inJSON returns a text as it stands in a record.
func inJSON(text string) string {
	written, err := json.Marshal(text)
	if err != nil {
		panic(err) // every string can be written
	}
	return string(written)
}

// conditions must all hold.
type conditions struct {
	texts []string
	args  []any
}

func (c *conditions) add(text string, args ...any) {
	c.texts = append(c.texts, text)
	c.args = append(c.args, args...)
}

// of adds that a transaction belongs to one of these merchants.
func (c *conditions) of(merchants identity.Merchants) {
	switch names := merchants.Names(); {
	case merchants.All():
	case merchants.None():
		c.add("false")
	default:
		args := make([]any, len(names))
		for i, name := range names {
			args[i] = nullable(name)
		}
		c.add("merchant IN (?"+strings.Repeat(", ?", len(names)-1)+")", args...)
	}
}

func (c *conditions) where() string {
	if len(c.texts) == 0 {
		return ""
	}
	return "WHERE " + strings.Join(c.texts, " AND ") + " "
}
