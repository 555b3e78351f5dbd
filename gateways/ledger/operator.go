package ledger

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// Server is what the ledger's database says about itself.
type Server struct {
	Product string // PostgreSQL or SQLite
	Version string
	Place   string // without a password
	// Clock is the database's time minus this machine's; zero for SQLite, which has no clock of its own.
	Clock time.Duration
	Peers []*x509.Certificate // its certificate and those that signed it; none without TLS
}

// Server asks the database about itself.
func (l *Ledger) Server(ctx context.Context) (Server, error) {
	s := Server{Product: "SQLite", Place: l.engine.place}
	query := `SELECT sqlite_version(), NULL`
	if l.engine.dialect == goose.DialectPostgres {
		s.Product, query = "PostgreSQL", `SELECT current_setting('server_version'), clock_timestamp()`
	}
	var now sql.NullTime
	connection, err := l.reader.Conn(ctx)
	if err != nil {
		return s, fmt.Errorf("connect to the ledger: %w", l.explain("look", err))
	}
	defer func() { _ = connection.Close() }()
	asked := time.Now()
	if err := connection.QueryRowContext(ctx, query).Scan(&s.Version, &now); err != nil {
		return s, fmt.Errorf("ask the ledger for its version: %w", l.explain("look", err))
	}
	if now.Valid {
		s.Clock = now.Time.Sub(asked.Add(time.Since(asked) / 2)) // it was read about half way
	}
	s.Peers = peers(connection)
	return s, nil
}

// peers returns the certificates of the server at the other end, if the connection is one of PostgreSQL with TLS.
func peers(connection *sql.Conn) (found []*x509.Certificate) {
	_ = connection.Raw(func(made any) error {
		if pgxConn, is := made.(*stdlib.Conn); is {
			if secure, is := pgxConn.Conn().PgConn().Conn().(*tls.Conn); is {
				found = secure.ConnectionState().PeerCertificates
			}
		}
		return nil
	})
	return found
}

// needs lists which privileges on which tables the processes need, as setup.sh grants them. The worker owns the tables.
var needs = []struct{ processes, table, privilege string }{
	{"worker", "transactions", "INSERT"},
	{"worker", "transactions", "DELETE"},
	{"worker", "uses", "DELETE"},
	{"api desk", "transactions", "SELECT"},
	{"api desk", "labels", "INSERT"},
	{"api desk", "label_notes", "INSERT"},
	{"api desk", "assignments", "INSERT"},
	{"api desk", "mutes", "INSERT"},
	{"desk", "sessions", "INSERT"},
	{"desk", "keys", "INSERT"},
	{"desk", "rulesets", "INSERT"},
	{"desk", "list_entries", "INSERT"},
	{"desk", "backtests", "INSERT"},
	{"desk", "audit", "SELECT"},
	{"desk fraud-police", "uses", "SELECT"},
	{"fraud-police", "uses", "INSERT"},
	{"fraud-police", "decisions", "INSERT"},
	{"fraud-police", "rulesets", "SELECT"},
	{"fraud-police", "late_uses", "SELECT"},
	{"fraud-police", "uses_deleted", "SELECT"},
	{"fraud-police", "label_changes", "SELECT"},
	{"api desk fraud-police", "list_entries", "SELECT"},
	{"alertman", "mutes", "SELECT"},
	{"alertman", "alert_windows", "INSERT"},
	{"api desk fraud-police alertman", "audit", "INSERT"},
	{"api desk fraud-police alertman", "audit_last", "UPDATE"},
}

// Rights returns the database's user, and for each process what the user lacks for it, such as "INSERT on transactions".
// SQLite has no users: who may open the file may do everything. The tables have to exist.
func (l *Ledger) Rights(ctx context.Context) (user string, lacks map[string][]string, err error) {
	lacks = map[string][]string{}
	if l.engine.dialect != goose.DialectPostgres {
		return "", lacks, nil
	}
	if err := l.reader.QueryRowContext(ctx, `SELECT current_user`).Scan(&user); err != nil {
		return "", nil, fmt.Errorf("ask the ledger for its user: %w", l.explain("look", err))
	}
	for _, need := range needs {
		var has bool
		if err := l.reader.QueryRowContext(ctx, `SELECT has_table_privilege($1, $2)`, need.table, need.privilege).Scan(&has); err != nil {
			return user, nil, fmt.Errorf("ask the ledger what %s may do: %w", user, l.explain("look", err))
		}
		for process := range strings.FieldsSeq(need.processes) {
			if !has {
				lacks[process] = append(lacks[process], need.privilege+" on "+need.table)
			}
		}
	}
	return user, lacks, nil
}
