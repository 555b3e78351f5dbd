package sqlledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/usage"
)

// Look reads while others write.
func (l *Ledger) Look(ctx context.Context, transactionID string, lookups []usage.Lookup) (usage.Past, error) {
	var past usage.Past
	err := l.twice(ctx, func() (err error) {
		past, err = l.look(ctx, l.reader, transactionID, lookups)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for what came before transaction %s: %w", transactionID, l.explain(ended(ctx, err)))
	}
	return past, nil
}

// asker is a pool, or a database transaction.
type asker interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// look asks all lookups in one statement.
func (l *Ledger) look(ctx context.Context, db asker, transactionID string, lookups []usage.Lookup) (usage.Past, error) {
	if len(lookups) == 0 {
		return usage.Past{}, nil
	}
	q := l.lookQuery(transactionID, lookups)
	rows, err := db.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	found := make([]uses, len(lookups))
	for rows.Next() {
		if err := scanUse(rows, found); err != nil {
			return nil, err
		}
	}
	past := usage.Past{}
	for i, lookup := range lookups {
		past.Join(lookup.By, found[i].newestFirst())
	}
	return past, rows.Err()
}

// uses are those that a lookup found.
type uses struct {
	all []usage.Use
	at  map[string]int // the places of those with labels, by their transactions
}

// scanUse takes a row: a use, and one of its labels if it has any.
func scanUse(rows *sql.Rows, found []uses) error {
	var (
		use         usage.Use
		number      int
		at, labelAt instant
		currency    string
		facts       []byte
		label       sql.NullString
	)
	if err := rows.Scan(&number, &use.TransactionID, &at, &use.Amount.Minor, &currency, &facts, &label, &labelAt); err != nil {
		return err
	}
	use.At, use.Amount.Currency = at.Time, money.Currency(currency)
	if facts != nil {
		if err := json.Unmarshal(facts, &use.Values); err != nil {
			return fmt.Errorf("read what transaction %s has in common with others: %w", use.TransactionID, err)
		}
	}
	if label.Valid {
		use.Labels = []usage.Label{{Fraudulent: label.String == ledger.Fraudulent, At: labelAt.Time}}
	}
	found[number].add(use)
	return nil
}

func (u *uses) add(use usage.Use) {
	if place, known := u.at[use.TransactionID]; known {
		u.all[place].Labels = append(u.all[place].Labels, use.Labels...)
		return
	}
	if len(use.Labels) > 0 {
		if u.at == nil {
			u.at = map[string]int{}
		}
		u.at[use.TransactionID] = len(u.all)
	}
	u.all = append(u.all, use)
}

// newestFirst does not trust a join with the order.
func (u *uses) newestFirst() []usage.Use {
	slices.SortFunc(u.all, func(a, b usage.Use) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.TransactionID, a.TransactionID))
	})
	return u.all
}
