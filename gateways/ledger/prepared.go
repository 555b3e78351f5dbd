package ledger

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"dummyorders/internal/telemetry"
)

// mostPrepared bounds how many statements a connection keeps prepared.
const mostPrepared = 100

// preparing makes connections that keep their statements prepared, as PostgreSQL's driver does. SQLite's would parse and plan
// each of them again, also BEGIN and COMMIT.
type preparing struct{ driver.Connector }

// Connect opens a connection.
func (p preparing) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, is := made.(sqliteConn)
	if !is {
		return nil, fmt.Errorf("%T is not a connection of SQLite", made)
	}
	return &prepared{conn, map[string]sqliteStmt{}}, nil
}

// sqliteConn and sqliteStmt are what the driver's connections and statements can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// prepared is a connection that keeps its statements. One that is in use is not among those in idle.
type prepared struct {
	sqliteConn
	idle map[string]sqliteStmt // by their text
}

// Close closes the statements too.
func (c *prepared) Close() error {
	c.forget()
	return c.sqliteConn.Close()
}

func (c *prepared) forget() {
	for _, s := range c.idle {
		_ = s.Close() // it repeats the error of the last run
	}
	clear(c.idle)
}

// BeginTx begins a transaction that excludes all other writers from its beginning, unless it only reads.
func (c *prepared) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	begin := "BEGIN IMMEDIATE"
	if options.ReadOnly {
		begin = "BEGIN"
	}
	if _, err := c.ExecContext(ctx, begin, nil); err != nil {
		_ = c.Rollback() // it may have begun just when ctx ended
		return nil, err
	}
	return c, nil
}

// Commit ends the transaction. It waits for no other writer, and so needs no context.
func (c *prepared) Commit() error {
	_, err := c.ExecContext(context.Background(), "COMMIT", nil)
	if err != nil {
		_ = c.Rollback() // the connection must not stay in the transaction
	}
	return err
}

// Rollback ends the transaction without its changes.
func (c *prepared) Rollback() error {
	_, err := c.ExecContext(context.Background(), "ROLLBACK", nil)
	return err
}

// startStatement begins the span of a statement, if what runs it has one. A statement holds no values.
func startStatement(ctx context.Context, text string) trace.Span {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return noop.Span{}
	}
	_, span := telemetry.StartSpan(ctx, strings.Fields(text)[0], trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(semconv.DBSystemNameSQLite, semconv.DBQueryText(text)))
	return span
}

// ExecContext runs a statement that returns no rows.
func (c *prepared) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (result driver.Result, err error) {
	span := startStatement(ctx, text)
	defer func() { telemetry.EndSpan(span, err) }()
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	defer c.keep(text, s)
	return s.ExecContext(ctx, args)
}

// QueryContext runs a statement that returns rows.
func (c *prepared) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	span := startStatement(ctx, text)
	s, err := c.take(ctx, text)
	if err != nil {
		telemetry.EndSpan(span, err)
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		telemetry.EndSpan(span, err)
		c.keep(text, s)
		return nil, err
	}
	return &preparedRows{rows, func() { c.keep(text, s); span.End() }}, nil
}

func (c *prepared) take(ctx context.Context, text string) (sqliteStmt, error) {
	if s, is := c.idle[text]; is {
		delete(c.idle, text)
		return s, nil
	}
	made, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s, is := made.(sqliteStmt)
	if !is {
		return nil, fmt.Errorf("%T is not a statement of SQLite", made)
	}
	return s, nil
}

func (c *prepared) keep(text string, s sqliteStmt) {
	if len(c.idle) >= mostPrepared {
		c.forget()
	}
	if other := c.idle[text]; other != nil {
		_ = other.Close()
	}
	c.idle[text] = s
}

// preparedRows are the rows of a statement that is kept.
type preparedRows struct {
	driver.Rows
	keep func()
}

// Close lets the statement be used again.
func (r *preparedRows) Close() error {
	defer r.keep()
	return r.Rows.Close()
}
