package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/stack"
	"dummyorders/rules"
)

// features lists the conditions of the benchmark's rules that count.
var features = []string{
	`card.count("10m") >= 100`, `card.count("1h") >= 100`, `card.sum("1d") > 1e9`, `card.frauds("30d") > 100`,
	`customer.count("1d") >= 100`, `customer.mean("30d") > 1e9`, `customer.distinct("card", "1d") > 100`,
	`ip.count("1h") >= 1000`, `ip.distinct("card", "1h") > 1000`, `order.count("1d") > 100`,
}

// plain lists the conditions of rules that count nothing, used in turn.
var plain = []string{
	`payment.amount > %d0000 && payment.currency == "INR"`, `card.brand == "brand%d" || !card.luhnValid && card.length > 40`,
	`customer.emailDomain == "mail%d.example"`, `billing.country != shipping.country && payment.amount > %d0000`,
	`metadata("terminal").value.startsWith("t%d-")`,
}

// ruleset returns n rules. If counting is true, the first of them count.
func ruleset(n int, counting bool) (*rules.Set, error) {
	var text strings.Builder
	text.WriteString("rules:\n")
	for i := range n {
		when := fmt.Sprintf(plain[i%len(plain)], i)
		if counting && i < len(features) {
			when = features[i]
		}
		fmt.Fprintf(&text, "  - {id: rule_%d, name: rule %[1]d, when: '%s', score: 90, reason: RULE_%[1]d, message: rule %[1]d}\n", i, when)
	}
	return rules.Read(fstest.MapFS{
		"ruleset.yaml":     {Data: []byte("id: bench\nversion: 1\nthresholds: {review: 40, decline: 80}\n")},
		"rules/bench.yaml": {Data: []byte(text.String())},
	}, "bench")
}

// decider decides about transactions, one after the other.
type decider struct {
	title  string
	detect func(context.Context, fraud.Check) (fraud.Decision, error)
	key    func() int // returns the card, customer, address and order of the next transaction
}

func (d *decider) name() string { return d.title }

func (d *decider) call(ctx context.Context) error {
	key, now := d.key(), time.Now()
	_, err := d.detect(ctx, fraud.Check{Number: 1, StartTime: now, AsOf: now, Transaction: transaction.Transaction{
		ID: uuid.NewString(), Order: transaction.Order{ID: value(key), Cost: money.Money{Minor: 12300, Currency: "INR"}}, IP: value(key),
		PaymentMethod: "card", Customer: &transaction.Customer{ID: value(key), Email: "buyer@example.com"},
		Payment:  transaction.Payment{Type: "card", Amount: money.Money{Minor: 12300, Currency: "INR"}, Card: card.Details{Fingerprint: value(key), Brand: "visa", Length: 16, LuhnValid: true}},
		Metadata: map[string]string{"terminal": "t-1"}, BillingCountry: "IN", ShippingCountry: "IN",
	}})
	return err
}

// pure returns a decider with n rules that need no history.
func pure(n int) (*decider, error) {
	set, err := ruleset(n, false)
	return &decider{
		title: fmt.Sprintf("%d rules, no history", n),
		key:   anyKey,
		detect: func(_ context.Context, c fraud.Check) (fraud.Decision, error) {
			return set.Evaluate(c, nil), nil
		},
	}, err
}

// anyKey returns one of the keys in the history, each with the same probability.
func anyKey() int {
	return 1 + rand.IntN(keys)
}

// busiest returns the key with the most rows in the history.
func busiest() int { return 0 }

// counting returns deciders with 100 rules and ten counted values, over a database history with that many rows.
func counting(ctx context.Context, server *stack.Postgres, engine, url string, rows int) ([]target, func() error, error) {
	fmt.Printf("filling %s with %d rows\n", engine, rows)
	store, err := ledgerdb.Open(url)
	if err != nil {
		return nil, nil, err
	}
	set, err := ruleset(100, true)
	if err == nil {
		err = prepare(ctx, server, engine, rows)
	}
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err == nil {
		err = fill(ctx, url, rows)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("fill %s with %d rows: %w", engine, rows, err), store.Close())
	}
	detector := &fraud.Rules{Live: func() fraud.Evaluator { return set }, Velocity: store, Now: time.Now}
	title := fmt.Sprintf("100 rules, 10 counted, %s, %d rows", engine, rows)
	return []target{
		&decider{title: title, detect: detector.Detect, key: anyKey},
		&decider{title: "  the same, where all of it is busy", detect: detector.Detect, key: busiest},
	}, store.Close, nil
}

// benchRules measures decisions and whole transactions, in turn.
func (p plan) benchRules(ctx context.Context, rows int) error {
	s, err := startServers(ctx, "", "rules")
	defer s.stop()
	if err != nil {
		return err
	}
	server, err := stack.StartPostgres(ctx, stack.PostgresOptions{Dir: filepath.Join(s.dir, "postgres")})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, server.Stop)
	same, _, err := s.floors()
	if err != nil {
		return err
	}
	service, err := s.start(ctx, serviceOptions{title: "POST /transact", namespace: "rules"})
	if err != nil {
		return err
	}
	sides, done, err := deciders(ctx, s.dir, server, rows)
	defer done()
	if err != nil {
		return err
	}
	p.printDecisions(ctx, append(sides, same, service))
	return nil
}

// deciders returns all deciders to compare: by the number of rules, by the database, and by the size of its history.
// done closes what was opened, and must be called after an error as well.
func deciders(ctx context.Context, dir string, server *stack.Postgres, rows int) (sides []target, done func(), err error) {
	var closers []func() error
	done = func() {
		for _, c := range closers {
			_ = c()
		}
	}
	for _, n := range []int{1, 10, 100, 1000} {
		side, err := pure(n)
		if err != nil {
			return nil, done, err
		}
		sides = append(sides, side)
	}
	for _, size := range []int{1000, rows} {
		for _, place := range []struct{ engine, url string }{
			{"SQLite", "sqlite:" + filepath.Join(dir, fmt.Sprint(size), "ledger.db")},
			{"PostgreSQL", server.URL("postgres", database(size))},
		} {
			more, closer, err := counting(ctx, server, place.engine, place.url, size)
			if err != nil {
				return nil, done, err
			}
			sides, closers = append(sides, more...), append(closers, closer)
		}
	}
	return sides, done, nil
}

// printDecisions prints the medians of the rounds, and each side's share of the whole transaction, which is the last
// side.
func (p plan) printDecisions(ctx context.Context, sides []target) {
	rows := make([]row, len(sides))
	for i, side := range sides {
		rows[i] = row{"1 caller", side.name(), map[string][]float64{}}
	}
	for range p.rounds {
		whole := 0.0
		for i, side := range slices.Backward(sides) {
			r := closedLoop(ctx, side, 1, p.duration)
			if r.lastError != nil {
				fmt.Fprintln(os.Stderr, side.name()+":", r.lastError)
			}
			p50 := r.quantile(50).Seconds() * 1000
			whole = cmp.Or(whole, p50)
			rows[i].add(map[string]float64{"p50 ms": p50, "p99 ms": r.quantile(99).Seconds() * 1000, "failed": float64(r.failed), "of POST, p50": p50 / whole})
		}
	}
	p.Rows = rows
	p.printRows(rows, "p50 ms", "p99 ms", "failed", "of POST, p50")
}
