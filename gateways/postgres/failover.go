package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// serverGone are the SQLSTATE codes, from PostgreSQL's appendix A, by which a server says that it is not, or no longer, the
// one that works for us, and that it did nothing of what it was asked to: it is a reader now (25006), it shuts down, has
// crashed or is starting (57P01 to 57P03), or the connection failed (class 08).
var serverGone = []string{"25006", "57P01", "57P02", "57P03", "08000", "08001", "08003", "08004", "08006"}

// failover has connections leave their pool once one of them has met a server that is gone: the others lead to the same one. A
// connection that is made anew goes to whichever server the URL leads to by then, as target_session_attrs says.
type failover struct {
	changes atomic.Int64 // how often a server was gone
}

// madeAt is where a connection keeps the changes that had been when it was made.
const madeAt = "made at"

// watch changes a configuration so that its connections tell, and returns what a pool of them needs.
func (f *failover) watch(config *pgx.ConnConfig) []stdlib.OptionOpenDB {
	closeWhenFatal := config.OnPgError
	config.OnPgError = func(c *pgconn.PgConn, e *pgconn.PgError) bool {
		if slices.Contains(serverGone, e.Code) {
			f.renew()
			return false // closes the connection
		}
		return closeWhenFatal == nil || closeWhenFatal(c, e)
	}
	return []stdlib.OptionOpenDB{
		stdlib.OptionAfterConnect(func(_ context.Context, c *pgx.Conn) error {
			c.PgConn().CustomData()[madeAt] = f.changes.Load()
			return nil
		}),
		stdlib.OptionResetSession(func(_ context.Context, c *pgx.Conn) error {
			if c.PgConn().CustomData()[madeAt] != f.changes.Load() {
				return driver.ErrBadConn
			}
			return nil
		}),
	}
}

// renew has each connection that is idle, or comes back to its pool, closed before it is used again.
func (f *failover) renew() { f.changes.Add(1) }

// again reports whether work that failed may succeed on a new connection: its server is gone, or the connection is.
func again(err error) bool {
	if refused, is := errors.AsType[*pgconn.PgError](err); is {
		return slices.Contains(serverGone, refused.Code)
	}
	broken, isNet := errors.AsType[*net.OpError](err)
	return isNet && !broken.Timeout() && broken.Op != "dial" || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed)
}
