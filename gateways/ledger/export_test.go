package ledger

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/pressly/goose/v3"

	"dummyorders/domain/audit"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
)

// Statements returns the ledger's statements, so that tests can see their plans.
func (l *Ledger) Statements(id string, q ledger.Query, endedBefore time.Time) map[string]Statement {
	find, list, reach := l.findQuery(identity.AllMerchants(), id), l.listQuery(q), l.reachQuery(indexed(q), 100)
	return map[string]Statement{
		"Find":  {find.text, find.args},
		"List":  {list.text, list.args},
		"Reach": {reach.text, reach.args},
		"Prune": {l.statements.prune, []any{l.engine.sqlTime(endedBefore), 100}},
	}
}

// AuditStatements returns the statements that read the audit trail: a page, and how far it may look.
func (l *Ledger) AuditStatements(q audit.Query) []Statement {
	page, reach := l.auditQuery(q, max(1, q.Last)), l.auditReachQuery(q, 100)
	if q.Object != "" {
		return []Statement{{page.text, page.args}}
	}
	return []Statement{{page.text, page.args}, {reach.text, reach.args}}
}

// AppendAll keeps entries in this order.
func (l *Ledger) AppendAll(ctx context.Context, entries []audit.Entry) error {
	for some := range slices.Chunk(entries, 500) {
		all := make([]*auditing, len(some))
		for i, e := range some {
			all[i] = &auditing{entry: e}
		}
		if err := l.appendAll(ctx, all); err != nil {
			return err
		}
	}
	return nil
}

// ReviewStatements returns the statements about reviews: the one that chooses a page of the queue, and those that add up.
func (l *Ledger) ReviewStatements(q ledger.ReviewQuery) (queue, waiting, reviewed Statement) {
	of := func(q query) Statement { return Statement{q.text, q.args} }
	return of(l.queueQuery(q)), of(l.waitingQuery(q.Merchants)), of(l.reviewedQuery(q.Merchants, q.Now, q.Limit))
}

// Statement is a statement with the values of its placeholders.
type Statement struct {
	Text string
	Args []any
}

// Plan returns the database's plan for a statement, line by line.
func (l *Ledger) Plan(ctx context.Context, explain string, s Statement) ([]string, error) {
	return plan(ctx, l.writer, explain, s)
}

// PlanFor returns PostgreSQL's plan for a statement that sees the rows of these merchants.
func (l *Ledger) PlanFor(ctx context.Context, of identity.Merchants, s Statement) (lines []string, err error) {
	err = l.engine.read(ctx, l.reader, of, query{"EXPLAIN " + s.Text, s.Args}, func(r row) error {
		lines = append(lines, "")
		return r.Scan(&lines[len(lines)-1])
	})
	return lines, err
}

// Count returns how many rows of a table the reader sees without saying whose.
func (l *Ledger) Count(ctx context.Context, table string) (rows int, err error) {
	err = l.reader.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&rows)
	return rows, err
}

func plan(ctx context.Context, db querier, explain string, s Statement) ([]string, error) {
	rows, err := db.QueryContext(ctx, explain+" "+s.Text, s.Args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var lines []string
	for rows.Next() {
		line := make([]any, len(columns)) // the plan's text is in the last column
		for i := range line {
			line[i] = new(sql.NullString)
		}
		if err := rows.Scan(line...); err != nil {
			return nil, err
		}
		lines = append(lines, line[len(line)-1].(*sql.NullString).String)
	}
	return lines, rows.Err()
}

// Exec runs a statement on the writer's pool.
func (l *Ledger) Exec(ctx context.Context, statement string) error {
	_, err := l.writer.ExecContext(ctx, statement)
	return err
}

// MostPrepared exports mostPrepared.
const MostPrepared = mostPrepared

// Writer returns the pool that saves.
func (l *Ledger) Writer() *sql.DB { return l.writer }

// Compatible exports compatible.
var Compatible = compatible

// These open the two engines directly.
var (
	OpenSQLite   = openSQLite
	OpenPostgres = openPostgres
)

// Columns returns the names of a table's columns.
func (l *Ledger) Columns(ctx context.Context, table string) ([]string, error) {
	rows, err := l.reader.QueryContext(ctx, "SELECT * FROM "+table+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	return columns, errors.Join(err, rows.Err())
}

// Alone makes each save commit by itself.
func (l *Ledger) Alone() {
	l.groupCommit = nil
}

// NewGroupCommit returns a group commit whose saveAll gets only the number of entries that it has to save.
func NewGroupCommit(saveAll func(ctx context.Context, entries int) error) *groupCommit[saving] {
	return newGroupCommit(func(ctx context.Context, all []saving) error { return saveAll(ctx, len(all)) })
}

func (t *groupCommit[T]) Save(ctx context.Context) error {
	var none T
	return t.save(ctx, none)
}

// Waiting returns how many savers have not had their turn.
func (t *groupCommit[T]) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

// VelocityStatements returns the statements that count, so that tests can see their plans.
func (l *Ledger) VelocityStatements(u velocity.Use, lookups []velocity.Lookup, before time.Time) (map[string]Statement, error) {
	look, errLook := l.lookQuery(u.TransactionID, lookups)
	known := slices.Repeat([]*stretch{{after: u.At.Add(-velocity.MaxWindow), until: u.At.Add(-time.Hour), uses: []velocity.Use{u}}}, len(lookups))
	again, errAgain := l.lookAgainQuery(u.TransactionID, lookups, known)
	count, errCount := l.countQuery(u)
	return map[string]Statement{
		"Look":            {l.engine.bind(look.text), look.args},
		"Look again":      {l.engine.bind(again.text), again.args},
		"count":           {count.text, count.args},
		"decisions":       {l.velocityStatements.decisions, []any{u.TransactionID}},
		"prune uses":      {l.velocityStatements.pruneUses, []any{l.engine.sqlTime(before), 100}},
		"prune decisions": {l.velocityStatements.pruneDecisions, []any{l.engine.sqlTime(before), 100}},
		"prune changes":   {l.velocityStatements.pruneChanges, []any{l.engine.sqlTime(before), 100}},
	}, errors.Join(errLook, errAgain, errCount)
}

// TimePast does what Decide does with a use that is not counted, but decides nothing. It returns how long it took to read the past and to
// compute from it, between the round that waits for other checks and the one that counts the use.
func (l *Ledger) TimePast(
	ctx context.Context, u velocity.Use, lookups []velocity.Lookup, compute func(velocity.Past), then ...Statement,
) (took time.Duration, answers []int, err error) {
	var begun time.Time
	past := l.remember(u, lookups)
	err = l.engine.inRounds(ctx, l.velocity, func() ([]statement, error) {
		return append(l.lock(u, lookups), l.decisions(u.TransactionID, map[int]fraud.Decision{})), nil
	}, func() ([]statement, error) {
		begun = time.Now()
		return past.look()
	}, past.lookAgain, func() ([]statement, error) {
		compute(past.past(true))
		took = time.Since(begun)
		all, err := l.count(u, nil)
		for _, s := range then {
			all = append(all, statement{query: query{s.Text, s.Args}, each: func(r row) error {
				answers = append(answers, 0)
				return r.Scan(&answers[len(answers)-1])
			}})
		}
		return all, err
	})
	return took, answers, err
}

// VelocityPlan returns the database's plan for a statement, made while it counts the use.
func (l *Ledger) VelocityPlan(ctx context.Context, explain string, u velocity.Use, s Statement) (lines []string, err error) {
	columns := map[string]int{"EXPLAIN QUERY PLAN": 4} // the plan's text is in the last column
	err = l.engine.inRounds(ctx, l.velocity, func() ([]statement, error) {
		return append(l.lock(u, nil), statement{query: query{explain + " " + s.Text, s.Args}, each: func(r row) error {
			line := make([]any, max(1, columns[explain]))
			for i := range line {
				line[i] = new(sql.NullString)
			}
			err := r.Scan(line...)
			lines = append(lines, line[len(line)-1].(*sql.NullString).String)
			return err
		}}), nil
	})
	return lines, err
}

// Pragma returns a setting of the connection that saves, and of the one that counts.
func Pragma(ctx context.Context, path, name string) (saving, counting string, err error) {
	all, err := sqlitePools(path)
	if err != nil {
		return "", "", err
	}
	ask := func(db *sql.DB, value *string) error {
		return db.QueryRowContext(ctx, "PRAGMA "+name).Scan(value)
	}
	err = errors.Join(ask(all.writer, &saving), ask(all.velocity, &counting), all.writer.Close(), all.velocity.Close(), all.reader.Close())
	return saving, counting, err
}

// MigrateTo makes the tables as an earlier version of the code did.
func (l *Ledger) MigrateTo(ctx context.Context, version int64) error {
	return l.engine.withLock(ctx, func(options ...goose.ProviderOption) error {
		provider, err := l.migrationProvider(options)
		if err != nil {
			return err
		}
		_, err = provider.UpTo(ctx, version)
		return err
	})
}

// Busy sets how many uses make a value busy.
func (l *Ledger) Busy(from int) { l.busy.from = from }

// Fresh exports fresh.
const Fresh = fresh

// BusyValues returns how many lookups have uses in memory.
func (l *Ledger) BusyValues() int { return l.busy.stretches.Len() }

// ReadFacts exports readFacts.
var ReadFacts = readFacts

// CountStatements returns the statements that count days, so that tests can see their plans.
func (l *Ledger) CountStatements(at time.Time) map[string]Statement {
	since := l.engine.sqlTime(at)
	return map[string]Statement{
		"changed":  {l.engine.bind(l.changedQuery()), []any{since, since}},
		"part":     {l.engine.bind(l.partQuery()), []any{since, l.engine.sqlTime(at.Add(countedPart))}},
		"labelled": {l.engine.bind(labelledQuery), []any{since, l.engine.sqlTime(at.Add(24 * time.Hour)), ledger.ByReviewer}},
	}
}

// LookForDays marks the days to count.
func (l *Ledger) LookForDays(ctx context.Context, now time.Time) (bool, error) {
	return l.lookForDays(ctx, now)
}

// DaysDue returns the days to count that do not rest.
func (l *Ledger) DaysDue(ctx context.Context, now time.Time) ([]string, error) {
	return l.daysDue(ctx, now)
}

// ClaimDay has other workers leave a day alone.
func (l *Ledger) ClaimDay(ctx context.Context, day string, now time.Time) (bool, error) {
	return l.claimDay(ctx, day, now)
}

// Rest has a day rest, as if its count had taken long.
func (l *Ledger) Rest(ctx context.Context, day string, until time.Time) error {
	_, err := l.writer.ExecContext(ctx, l.engine.bind("UPDATE days_counted SET rests_until = ? WHERE day = ?"), l.engine.sqlTime(until), day)
	return err
}

// DeskStatements returns the statements of the desk's pages that no other function here returns.
func (l *Ledger) DeskStatements(of identity.Merchants, id string, at time.Time) map[string]Statement {
	all := map[string]Statement{}
	for name, q := range map[string]query{
		"held": l.heldQuery(of), "waiting": l.waitingQuery(of), "answers": l.answersQuery(of, at), "assigned": l.assignedQuery(of, id, at),
		"days":        l.daysQuery(of, "day, merchant, currency, figures", "2026-01-01", "2026-01-31"),
		"rules' days": l.daysQuery(of, "day, currency, rules", "2026-01-01", "2026-01-31"),
	} {
		all[name] = Statement{q.text, q.args}
	}
	return all
}

// MinutesStatement returns the statement that counts the minutes of the last hour.
func (l *Ledger) MinutesStatement(of identity.Merchants, since time.Time) Statement {
	q := l.minutesQuery(of, since)
	return Statement{q.text, q.args}
}

// EntriesChangedSince returns the statement for what has changed in lists.
func (l *Ledger) EntriesChangedSince(change int64) Statement {
	return Statement{Text: l.engine.bind("SELECT " + entryColumns + " FROM list_entries " + changedSince), Args: []any{change, change}}
}

// ReadStored reads the JSON of a record or of what was posted.
func ReadStored(text []byte, into any) error { return jsonv2.Unmarshal(text, into, asStored) }
