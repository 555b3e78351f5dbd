package ops_test

import (
	"context"
	"errors"
	"time"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/temporal"
)

var (
	now   = time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	errNo = errors.New("connection refused")
)

// fakeTemporal is a Temporal on which nothing waits, as a test changes it.
type fakeTemporal struct {
	err        error
	server     temporal.Server
	clock      time.Duration
	retention  time.Duration
	attributes []temporal.SearchAttribute
	queues     map[string]temporal.TaskQueue

	inReview, late, running, failed, failedAlerts, retried []temporal.Waiting
}

func newTemporal() *fakeTemporal {
	polled := temporal.TaskQueue{Workers: 1}
	queues := map[string]temporal.TaskQueue{}
	for _, name := range []string{
		"orders", "fraud_police", "alertman", "alertman_mail", "alertman_sms", "alertman_chat", "alertman_webhook", "alertman_console",
	} {
		queues[name] = polled
	}
	return &fakeTemporal{
		server: temporal.Server{Version: "1.32.1", Namespace: "default"}, clock: 3 * time.Millisecond, retention: 30 * 24 * time.Hour, queues: queues,
		attributes: []temporal.SearchAttribute{{Name: "OrderID", Want: "Keyword", Has: "Keyword"}, {Name: "FraudScore", Want: "Int", Has: "Int"}},
	}
}

func (f *fakeTemporal) Check(context.Context) error                      { return f.err }
func (f *fakeTemporal) Server(context.Context) (temporal.Server, error)  { return f.server, f.err }
func (f *fakeTemporal) Retention(context.Context) (time.Duration, error) { return f.retention, f.err }

func (f *fakeTemporal) Clock(context.Context) (time.Duration, error) { return f.clock, f.err }

func (f *fakeTemporal) SearchAttributes(context.Context) ([]temporal.SearchAttribute, error) {
	return f.attributes, f.err
}

func (f *fakeTemporal) TaskQueue(_ context.Context, name string) (temporal.TaskQueue, error) {
	return f.queues[name], f.err
}

func (f *fakeTemporal) list(all []temporal.Waiting, most int) ([]temporal.Waiting, int64, error) {
	return all[:min(most, len(all))], int64(len(all)), f.err
}

func (f *fakeTemporal) InReview(_ context.Context, most int) ([]temporal.Waiting, int64, error) {
	return f.list(f.inReview, most)
}

func (f *fakeTemporal) AlertLate(_ context.Context, most int) ([]temporal.Waiting, int64, error) {
	return f.list(f.late, most)
}

func (f *fakeTemporal) Running(_ context.Context, _ time.Time, most int) ([]temporal.Waiting, int64, error) {
	return f.list(f.running, most)
}

func (f *fakeTemporal) FailedTransactions(_ context.Context, _ time.Time, most int) ([]temporal.Waiting, int64, error) {
	return f.list(f.failed, most)
}

func (f *fakeTemporal) FailedAlerts(_ context.Context, _ time.Time, most int) ([]temporal.Waiting, int64, error) {
	return f.list(f.failedAlerts, most)
}

func (f *fakeTemporal) RetriedAlerts(_ context.Context, most int) ([]temporal.Waiting, int, int64, error) {
	all, total, err := f.list(f.retried, most)
	return all, len(all), total + 1, err
}

// fakeBroker is a RabbitMQ with one consumer.
type fakeBroker struct {
	err          error
	broker       rabbitmq.Broker
	alerts, dead rabbitmq.Queue
	missing      []string
	rights       []rabbitmq.Right
}

func newBroker() *fakeBroker {
	return &fakeBroker{
		broker: rabbitmq.Broker{Version: "3.10.8"}, alerts: rabbitmq.Queue{Name: "alertman", Consumers: 1}, dead: rabbitmq.Queue{Name: "alertman.dead"},
		rights: []rabbitmq.Right{
			{User: "publisher", What: "write to exchange alerts", Has: true, Want: true},
			{User: "publisher", What: "read queue alertman"},
			{User: "consumer", What: "read queue alertman", Has: true, Want: true},
		},
	}
}

func (f *fakeBroker) Broker(context.Context) (rabbitmq.Broker, error)  { return f.broker, f.err }
func (f *fakeBroker) Missing(context.Context) ([]string, error)        { return f.missing, f.err }
func (f *fakeBroker) Rights(context.Context) ([]rabbitmq.Right, error) { return f.rights, f.err }
func (f *fakeBroker) Queues(context.Context) (a, d rabbitmq.Queue, err error) {
	return f.alerts, f.dead, f.err
}

// fakeLedger holds records by their transactions.
type fakeLedger struct {
	err, ready, writable error
	server               ledgerdb.Server
	user                 string
	lacks                map[string][]string
	records              map[string]ledger.Record
	held                 []ledgerdb.Held
}

func newLedger() *fakeLedger {
	return &fakeLedger{server: ledgerdb.Server{Product: "PostgreSQL", Version: "15.14 (Debian 15.14-0)", Clock: 3 * time.Millisecond}, user: "orders", records: map[string]ledger.Record{}}
}

func (f *fakeLedger) Ready(context.Context) error { return errors.Join(f.err, f.ready) }

func (f *fakeLedger) Writable(context.Context) error                  { return errors.Join(f.err, f.writable) }
func (f *fakeLedger) Server(context.Context) (ledgerdb.Server, error) { return f.server, f.err }
func (f *fakeLedger) Rights(context.Context) (string, map[string][]string, error) {
	return f.user, f.lacks, f.err
}

func (f *fakeLedger) Held(context.Context, identity.Merchants) ([]ledgerdb.Held, error) {
	return f.held, f.err
}

func (f *fakeLedger) Waiting(context.Context, identity.Merchants) (reviews int, next time.Time, err error) {
	for _, r := range f.records {
		if r.Review == nil {
			continue
		}
		if reviews++; next.IsZero() || r.Review.Deadline.Before(next) {
			next = r.Review.Deadline
		}
	}
	return reviews, next, f.err
}

func (f *fakeLedger) Find(_ context.Context, _ identity.Merchants, id string) (ledger.Entry, error) {
	record, known := f.records[id]
	if !known {
		return ledger.Entry{}, errors.Join(f.err, ledger.ErrNotFound)
	}
	return ledger.Entry{Record: record}, f.err
}

// reviewed returns a record in review, of which so much has passed of a day.
func reviewed(passed time.Duration) ledger.Record {
	at := now.Add(-passed)
	r := ledger.Record{Payment: ledger.Payment{Wire: money.Wire{Amount: "123.00", Currency: "INR"}}}
	r.Review = &review.Review{RequestedAt: at, Deadline: at.Add(24 * time.Hour), OnExpiry: review.Decline}
	return r
}

// transaction returns a running workflow of a transaction.
func transaction(id string, since time.Duration, pending ...temporal.Pending) temporal.Waiting {
	return temporal.Waiting{WorkflowID: "transaction-" + id, OrderID: "1234", Since: now.Add(-since), Pending: pending}
}
