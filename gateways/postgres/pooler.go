package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// connector makes connections that work through a pooler as well. One that gives a client another server for each database
// transaction, as PgBouncer does by transaction, keeps no prepared statements for it: there, each statement goes whole.
type connector struct {
	direct, pooled driver.Connector
	pooler         atomic.Bool // whether there was one last time
}

func newConnector(config *pgx.ConnConfig, options []stdlib.OptionOpenDB) *connector {
	c := &connector{direct: stdlib.GetConnector(*config, options...)}
	c.pooled = c.direct
	if config.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement { // pgx's default
		whole := config.Copy()
		whole.DefaultQueryExecMode = pgx.QueryExecModeExec
		c.pooled = stdlib.GetConnector(*whole, options...)
	}
	return c
}

// Connect connects as what answers needs it.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.pooler.Load() {
		return c.pooled.Connect(ctx)
	}
	made, err := c.direct.Connect(ctx)
	if err != nil {
		return nil, err
	}
	pooler, err := throughPooler(ctx, made)
	if err == nil && !pooler {
		return made, nil
	}
	_ = made.Close() // it is in the way, or broken
	if err != nil {
		return nil, fmt.Errorf("ask whether there is a pooler: %w", err)
	}
	c.pooler.Store(true)
	return c.pooled.Connect(ctx)
}

// Driver is pgx's.
func (c *connector) Driver() driver.Driver { return c.direct.Driver() }

// throughPooler reports whether the process that answers is another than the one that greeted: poolers greet with a number of
// their own.
func throughPooler(ctx context.Context, made driver.Conn) (bool, error) {
	pgxConn, is := made.(*stdlib.Conn)
	if !is {
		return false, fmt.Errorf("%T is no connection of pgx", made)
	}
	connection := pgxConn.Conn()
	var pid uint32
	err := connection.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid != connection.PgConn().PID(), err
}
