package ops

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/duration"
	"dummyorders/workflows"
)

// Temporal is what Status and Doctor ask Temporal: a temporal.Operator.
type Temporal interface {
	Check(ctx context.Context) error
	Server(ctx context.Context) (temporal.Server, error)
	Retention(ctx context.Context) (time.Duration, error)
	SearchAttributes(ctx context.Context) ([]temporal.SearchAttribute, error)
	TaskQueue(ctx context.Context, name string) (temporal.TaskQueue, error)
	Clock(ctx context.Context) (time.Duration, error)
	InReview(ctx context.Context, most int) ([]temporal.Waiting, int64, error)
	AlertLate(ctx context.Context, most int) ([]temporal.Waiting, int64, error)
	Running(ctx context.Context, before time.Time, most int) ([]temporal.Waiting, int64, error)
	FailedTransactions(ctx context.Context, since time.Time, most int) ([]temporal.Waiting, int64, error)
	FailedAlerts(ctx context.Context, since time.Time, most int) ([]temporal.Waiting, int64, error)
	RetriedAlerts(ctx context.Context, most int) (retried []temporal.Waiting, looked int, total int64, err error)
}

// Broker is what Status and Doctor ask RabbitMQ: a rabbitmq.Operator.
type Broker interface {
	Broker(ctx context.Context) (rabbitmq.Broker, error)
	Queues(ctx context.Context) (alerts, dead rabbitmq.Queue, err error)
	Missing(ctx context.Context) ([]string, error)
	Rights(ctx context.Context) ([]rabbitmq.Right, error)
}

// Ledger is what Status and Doctor ask the ledger.
type Ledger interface {
	Ready(ctx context.Context) error
	Writable(ctx context.Context) error
	Server(ctx context.Context) (ledgerdb.Server, error)
	Rights(ctx context.Context) (user string, lacks map[string][]string, err error)
	Find(ctx context.Context, of identity.Merchants, transactionID string) (ledger.Entry, error)
	Held(ctx context.Context, of identity.Merchants) ([]ledgerdb.Held, error)
	Waiting(ctx context.Context, of identity.Merchants) (reviews int, next time.Time, err error)
}

// Gateway is a payment gateway, and whether it answers.
type Gateway struct {
	Name  string
	Note  string // what to know about it
	Check func(ctx context.Context) error
}

// Status looks at what runs, and at what is stuck.
type Status struct {
	Temporal Temporal
	Broker   Broker
	Ledger   Ledger
	API      func(ctx context.Context) error // whether the api is ready
	Desk     func(ctx context.Context) error // whether the desk is ready; nil if there is none
	Gateways []Gateway
	Version  string
	Since    time.Time // what failed earlier is left out; zero leaves out nothing
	Most     int       // how many of a kind are looked at
	Now      func() time.Time
}

// Groups of lines.
const (
	processes = "processes"
	servers   = "servers"
	queues    = "queues"
	gateways  = "gateways"
	work      = "work"
)

// Look looks at everything at the same time, for a few seconds at most.
func (s *Status) Look(ctx context.Context) Report {
	looks := s.processes()
	if s.Desk != nil {
		looks = append(looks, line(processes, "desk", s.desk))
	}
	looks = append(looks,
		line(servers, "temporal", s.temporal),
		line(servers, "rabbitmq", s.rabbitmq),
		line(servers, "ledger", s.ledger),
		look{queues, "alertman", s.queues},
	)
	for _, g := range s.Gateways {
		looks = append(looks, line(gateways, g.Name, g.line))
	}
	looks = append(looks,
		look{work, "reviews", s.reviews},
		line(work, "holds", s.held),
		look{work, "transactions", s.running},
		look{work, "failed transactions", s.failedTransactions},
		look{work, "alerts to RabbitMQ", s.lateAlerts},
		look{work, "failed alerts", s.failedAlerts},
		look{work, "retried deliveries", s.retriedAlerts},
	)
	return report(ctx, s.Version, s.Now(), looks)
}

func (s *Status) processes() []look {
	return []look{
		line(processes, "api", s.api),
		line(processes, "worker", s.worker(workflows.OrdersTaskQueue, "orders worker")),
		line(processes, "fraud-police", s.worker(workflows.FraudPoliceTaskQueue, "orders fraud-police")),
		line(processes, "alertman", s.worker(workflows.AlertmanTaskQueue, "orders alertman")),
		line(processes, "channels", s.channels),
	}
}

// Processes looks at what one process can see without the credentials of all: at the processes, the servers and the gateways. API and
// Broker are nil where this process lacks the settings, and Gateways is empty where it does not know them.
func (s *Status) Processes(ctx context.Context) []Line {
	rabbit := s.rabbitmq
	if s.Broker == nil {
		rabbit = lacking("RABBITMQ_CONSUMER_URL")
	}
	looks := append(s.processes(), line(servers, "temporal", s.temporal), line(servers, "rabbitmq", rabbit), line(servers, "ledger", s.readable))
	if s.API == nil {
		looks[0] = line(processes, "api", lacking("HTTP_ADDRESS"))
	}
	for _, g := range s.Gateways {
		looks = append(looks, line(gateways, g.Name, g.line))
	}
	return report(ctx, s.Version, s.Now(), looks).Parts
}

// lacking returns a look at what this process has no setting for.
func lacking(variable string) func(context.Context) Line {
	return func(context.Context) Line {
		return Line{State: Unknown, Detail: "not looked at: " + variable + " is not set for this process"}
	}
}

// readable looks at the ledger as one sees it who may only read it.
func (s *Status) readable(ctx context.Context) Line {
	if err := s.Ledger.Ready(ctx); err != nil {
		return failed(Down, err, "start the ledger's database")
	}
	return Line{State: OK, Detail: "answers"}
}

func (s *Status) api(ctx context.Context) Line {
	if err := s.API(ctx); err != nil {
		return failed(Down, err, "start `orders api`, or say by --api where it is; its log says why it is not ready")
	}
	return Line{State: OK, Detail: "ready"}
}

func (s *Status) desk(ctx context.Context) Line {
	if err := s.Desk(ctx); err != nil {
		return failed(Down, err, "start `orders desk`, or say by --desk where it is, or none; its log says why it is not ready")
	}
	return Line{State: OK, Detail: "ready"}
}

func (s *Status) temporal(ctx context.Context) Line {
	server, err := s.Temporal.Server(ctx)
	if err == nil {
		err = s.Temporal.Check(ctx)
	}
	if err != nil {
		return failed(Down, err, "start Temporal; everything goes on where it was. TEMPORAL_ADDRESS says where it is")
	}
	return Line{State: OK, Detail: fmt.Sprintf("version %s, namespace %s", server.Version, server.Namespace)}
}

func (s *Status) rabbitmq(ctx context.Context) Line {
	broker, err := s.Broker.Broker(ctx)
	if err != nil {
		return failed(Down, err, "start RabbitMQ; alerts wait, and none has to be replayed. RABBITMQ_CONSUMER_URL says where it is")
	}
	return Line{State: OK, Detail: "version " + broker.Version}
}

func (s *Status) ledger(ctx context.Context) Line {
	if err := s.Ledger.Ready(ctx); err != nil {
		return failed(Down, err, "start the ledger's database (LEDGER_URL says where it is), or if it has no tables of this version, a worker, which makes them")
	}
	if err := s.Ledger.Writable(ctx); err != nil {
		return failed(Down, err, "have LEDGER_URL lead to the server that takes writes")
	}
	server, err := s.Ledger.Server(ctx)
	if err != nil {
		return failed(Unknown, err, "")
	}
	return Line{State: OK, Detail: fmt.Sprintf("%s %s, migrated, takes writes", server.Product, server.Version)}
}

func (g Gateway) line(ctx context.Context) Line {
	if err := g.Check(ctx); err != nil {
		return failed(Down, err, "nothing: it is asked again at least every half minute, and after PAYMENT_DEADLINE payments end as 17")
	}
	return Line{State: OK, Detail: g.Note}
}

// slow is the age from which a task counts as waiting too long although there are workers.
const slow = 30 * time.Second

// worker returns a look at a process by its task queue.
func (s *Status) worker(queue, command string) func(context.Context) Line {
	return func(ctx context.Context) Line {
		q, err := s.Temporal.TaskQueue(ctx, queue)
		if err != nil {
			return failed(Unknown, err, "")
		}
		l := Line{
			State:   stateOf(q),
			Detail:  fmt.Sprintf("%s on task queue %s, %s", many(int64(q.Workers), "worker"), queue, backlog(q)),
			Figures: map[string]float64{"workers": float64(q.Workers), "backlog": float64(q.Backlog), "oldestSeconds": q.Oldest.Seconds()},
		}
		switch l.State {
		case Down:
			l.Do = "start `" + command + "`; what waits goes on at once"
		case Degraded:
			l.Do = "start another `" + command + "`, or see what holds it up: `temporal task-queue describe --task-queue " + queue + "`"
		case OK, Unknown, Wrong:
		}
		return l
	}
}

func stateOf(q temporal.TaskQueue) State {
	switch {
	case q.Workers == 0:
		return Down
	case q.Oldest > slow:
		return Degraded
	default:
		return OK
	}
}

func backlog(q temporal.TaskQueue) string {
	if q.Backlog == 0 {
		return "no task waits"
	}
	return fmt.Sprintf("%s waiting, the oldest for %s", many(q.Backlog, "task"), age(q.Oldest))
}

// channels looks at the task queues of alertman's channels.
func (s *Status) channels(ctx context.Context) Line {
	found := make([]temporal.TaskQueue, len(alert.Channels))
	group, ctx := errgroup.WithContext(ctx)
	for i, channel := range alert.Channels {
		group.Go(func() (err error) {
			found[i], err = s.Temporal.TaskQueue(ctx, workflows.DeliveryTaskQueue(channel))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return failed(Unknown, err, "")
	}
	l, each := Line{State: OK, Figures: map[string]float64{}}, make([]string, len(found))
	for i, channel := range alert.Channels {
		q := found[i]
		l.State = worse(l.State, stateOf(q))
		l.Figures[channel+"Workers"], l.Figures[channel+"Backlog"] = float64(q.Workers), float64(q.Backlog)
		each[i] = fmt.Sprintf("%s %d", channel, q.Workers)
		if q.Backlog > 0 {
			each[i] += " (" + backlog(q) + ")"
		}
	}
	l.Detail = "workers: " + strings.Join(each, ", ")
	if l.State != OK {
		l.Do = "start another `orders alertman`, or set ALERTMAN_DELIVERIES higher"
	}
	return l
}

// queues looks at alertman's queue and the dead queue.
func (s *Status) queues(ctx context.Context) found {
	alerts, dead, err := s.Broker.Queues(ctx)
	if err != nil {
		l := failed(Unknown, err, "")
		l.Group, l.Name = queues, "alertman"
		return found{lines: []Line{l}}
	}
	f := found{lines: []Line{queueLine(alerts), queueLine(dead)}}
	if alerts.Consumers == 0 {
		f.lines[0].State, f.lines[0].Do = Down, "start `orders alertman`; alerts wait in the queue"
	}
	if dead.Messages > 0 {
		f.lines[1].State, f.lines[1].Do = Degraded, "`orders alertman dead list` says why each is there; `dead replay` sends them to alertman again"
	}
	return f
}

func queueLine(q rabbitmq.Queue) Line {
	return Line{
		Group: queues, Name: q.Name, State: OK,
		Detail:  fmt.Sprintf("%s, %s", many(int64(q.Messages), "message"), many(int64(q.Consumers), "consumer")),
		Figures: map[string]float64{"messages": float64(q.Messages), "consumers": float64(q.Consumers)},
	}
}

// transactionID returns the id of a transaction by that of its workflow.
func transactionID(w temporal.Waiting) string {
	return strings.TrimPrefix(w.WorkflowID, workflows.TransactionWorkflowID(""))
}

// eventID returns the id of an alert's event by that of its workflow.
func eventID(w temporal.Waiting) string {
	return strings.TrimPrefix(w.WorkflowID, workflows.AlertWorkflowID(""))
}

// story is the command that shows a workflow's steps in words; describe shows what it waits for.
func story(w temporal.Waiting) string    { return "temporal workflow metadata -w " + w.WorkflowID }
func describe(w temporal.Waiting) string { return "temporal workflow describe -w " + w.WorkflowID }

// unknown is what is found about work that Temporal cannot be asked about.
func unknown(name string, err error) found {
	l := failed(Unknown, err, "")
	l.Group, l.Name = work, name
	return found{lines: []Line{l}}
}

// worked returns what is found about one kind of work.
func worked(name, detail string, total int64, stuck []Stuck) found {
	state := OK
	if len(stuck) > 0 {
		state = Degraded
	}
	return found{lines: []Line{{Group: work, Name: name, State: state, Detail: detail, Figures: map[string]float64{"total": float64(total)}}}, stuck: stuck}
}

// reviews are stuck once half of their time has passed, when people are reminded.
func (s *Status) reviews(ctx context.Context) found {
	const name = "reviews"
	all, total, err := s.Temporal.InReview(ctx, s.Most)
	if err != nil {
		return unknown(name, err)
	}
	var stuck []Stuck
	for _, w := range all {
		if one, late := s.review(ctx, w); late {
			stuck = append(stuck, one)
		}
	}
	detail := many(total, "transaction") + " in review"
	_, next, err := s.Ledger.Waiting(ctx, identity.AllMerchants()) // not all were looked at
	switch left := next.Sub(s.Now()); {
	case err != nil:
		detail += ", the next deadline is not known: " + err.Error()
	case next.IsZero():
	case left < 0:
		detail += ", a deadline passed " + age(-left) + " ago"
	default:
		detail += ", the next deadline in " + age(left)
	}
	return worked(name, detail, total, stuck)
}

// review describes a transaction in review, and reports whether half of its time has passed, or whether taking its money lasts.
func (s *Status) review(ctx context.Context, w temporal.Waiting) (one Stuck, late bool) {
	one = Stuck{
		Kind: "review", ID: transactionID(w), Since: w.Since, Look: story(w), Detail: "order " + w.OrderID,
		Do: "decide it: by the link in its alert, or by POST /transactions/<id>/review",
	}
	entry, err := s.Ledger.Find(ctx, identity.AllMerchants(), one.ID)
	r, pay := entry.Record.Review, entry.Record.Payment
	switch {
	case err != nil:
		one.Detail += "; its deadline is not known: " + err.Error()
		return one, true
	case r == nil:
		return one, true
	}
	one.Detail += fmt.Sprintf(", %s %s; ", pay.Currency, pay.Amount)
	if r.Decided() {
		one.Since, one.Look, one.Do = *r.DecidedAt, describe(w), remedy(temporal.Pending{Activity: "Capture"})
		one.Detail += "decided, its money is being taken"
		return one, s.Now().Sub(one.Since) > long
	}
	one.Since, one.Deadline = r.RequestedAt, r.Deadline
	left := r.Deadline.Sub(s.Now())
	if left < 0 {
		one.Detail += "its deadline passed " + age(-left) + " ago, and it has not gone on"
		one.Look, one.Do = describe(w), "start `orders worker`, or what else it waits for"
		return one, true
	}
	one.Detail += fmt.Sprintf("in %s it is decided without a person: %s", age(left), r.OnExpiry)
	return one, left < r.Deadline.Sub(r.RequestedAt)/2
}

// held says what money is held. Where that is for too long, the line of the reviews or of the transactions says so.
func (s *Status) held(ctx context.Context) Line {
	all, err := s.Ledger.Held(ctx, identity.AllMerchants())
	if err != nil {
		return failed(Unknown, err, "")
	}
	l := Line{State: OK, Detail: "none", Figures: map[string]float64{"reviews": 0, "releases": 0}}
	each := make([]string, len(all))
	for i, h := range all {
		l.Figures[h.Reason+"s"] += float64(h.Count)
		each[i] = fmt.Sprintf("%s for %s, the oldest since %s", h.Money, many(h.Count, h.Reason), age(s.Now().Sub(h.Oldest)))
	}
	if len(each) > 0 {
		l.Detail = strings.Join(each, "; ")
	}
	return l
}

// long is how long a transaction may run that waits for no person. Most take less than a second.
const long = time.Minute

func (s *Status) running(ctx context.Context) found {
	all, total, err := s.Temporal.Running(ctx, s.Now().Add(-long), s.Most)
	if err != nil {
		return unknown("transactions", err)
	}
	stuck := make([]Stuck, len(all))
	for i, w := range all {
		stuck[i] = s.waits("transaction", w)
	}
	detail := "none runs for longer than " + duration.Short(long)
	if total > 0 {
		detail = many(total, "transaction") + " for longer than " + duration.Short(long)
	}
	f := worked("transactions", detail, total, stuck)
	f.lines = append(f.lines, s.lag(all, total))
	return f
}

// lag says how far the ledger is behind, by the entries that wait to be saved. running are the transactions that were looked at, of
// total that run for long.
func (s *Status) lag(running []temporal.Waiting, total int64) Line {
	var behind time.Duration
	for _, w := range running {
		for _, p := range w.Pending {
			if p.Activity == "Save" {
				behind = max(behind, s.Now().Sub(p.Since))
			}
		}
	}
	l := Line{Group: work, Name: "ledger's lag", State: OK, Figures: map[string]float64{"seconds": behind.Truncate(time.Second).Seconds()}}
	switch looked := int64(len(running)); {
	case behind > 0:
		l.State, l.Detail, l.Do = Degraded, "an entry waits since "+age(behind), remedy(temporal.Pending{Activity: "Save"})
	case looked < total:
		l.Detail = fmt.Sprintf("no entry waits of the %d transactions that were looked at, of %d", looked, total)
	default:
		l.Detail = "no entry waits for longer than " + duration.Short(long)
	}
	return l
}

// waits describes a transaction by what it waits for.
func (s *Status) waits(kind string, w temporal.Waiting) Stuck {
	one := Stuck{
		Kind: kind, ID: transactionID(w), Since: w.Since, Look: describe(w),
		Detail: "order " + w.OrderID + ", waits for a worker", Do: "start `orders worker`",
	}
	for _, p := range w.Pending {
		one.Detail = fmt.Sprintf("order %s, waits for %s since %s, attempt %d", w.OrderID, p.Activity, age(s.Now().Sub(p.Since)), p.Attempt)
		if p.Failure != "" {
			one.Detail += ": " + p.Failure
		}
		one.Do = remedy(p)
	}
	return one
}

// remedy says what to do about an activity that takes long.
func remedy(p temporal.Pending) string {
	switch p.Activity {
	case "CheckFraud":
		if p.Failure == "" {
			return "start `orders fraud-police`; after FRAUD_CHECK_DEADLINE the transaction goes to review"
		}
		return "see the log of fraud_police, and whether the database that its rules count in answers"
	case "Save":
		return "start the ledger's database, or see what it is busy with; the workflow ends once its last entry is saved"
	case "PublishAlert":
		return "start RabbitMQ; the alert goes out by itself"
	case "Tell":
		return "repair the mail server, or what else the channel needs; then `temporal activity reset` retries at once"
	default: // a call to a payment gateway
		return "nothing: the gateway is asked again at least every half minute; see whether it is down"
	}
}

func (s *Status) lateAlerts(ctx context.Context) found {
	all, total, err := s.Temporal.AlertLate(ctx, s.Most)
	if err != nil {
		return unknown("alerts to RabbitMQ", err)
	}
	stuck := make([]Stuck, len(all))
	for i, w := range all {
		stuck[i] = s.waits("alert to RabbitMQ", w)
	}
	return worked("alerts to RabbitMQ", many(total, "alert")+" waiting to be taken by RabbitMQ", total, stuck)
}

func (s *Status) failedTransactions(ctx context.Context) found {
	const name = "failed transactions"
	all, total, err := s.Temporal.FailedTransactions(ctx, s.Since, s.Most)
	if err != nil {
		return unknown(name, err)
	}
	var stuck []Stuck
	held := 0
	for _, w := range all {
		one := Stuck{
			Kind: "failed transaction", ID: transactionID(w), Since: w.Since, Look: story(w), Detail: "order " + w.OrderID + ": " + w.Failure,
			Do: "correct the code or the settings that the failure names; the payment is not affected",
		}
		entry, err := s.Ledger.Find(ctx, identity.AllMerchants(), one.ID)
		pay := entry.Record.Payment
		switch {
		case err != nil:
			one.Detail += "; whether money is held is not known: " + err.Error()
		case pay.StillHeld != "":
			held++
			one.Kind, one.Detail = "money held", fmt.Sprintf("order %s, %s %s: %s", w.OrderID, pay.Currency, pay.Amount, pay.StillHeld)
			one.Do = "give the money back at the gateway by hand, by the record's payment.authorizationID; the transaction stays as it is"
		}
		stuck = append(stuck, one)
	}
	detail := many(total, "transaction") + " failed"
	if held > 0 {
		detail += fmt.Sprintf(", %d with money that could not be given back", held)
	}
	return worked(name, detail+s.window(), total, stuck)
}

// window says since when failures are counted.
func (s *Status) window() string {
	if s.Since.IsZero() {
		return ""
	}
	return " since " + s.Since.UTC().Format(time.RFC3339)
}

func (s *Status) failedAlerts(ctx context.Context) found {
	all, total, err := s.Temporal.FailedAlerts(ctx, s.Since, s.Most)
	if err != nil {
		return unknown("failed alerts", err)
	}
	stuck := make([]Stuck, len(all))
	for i, w := range all {
		stuck[i] = Stuck{
			Kind: "failed alert", ID: eventID(w), Since: w.Since, Look: describe(w), Detail: aboutOrder(w) + w.Failure,
			Do: "remove the cause, then send it again: on its page of the desk, or by POST /alerts/<id>/resend",
		}
	}
	return worked("failed alerts", many(total, "alert")+" not delivered or not acknowledged"+s.window(), total, stuck)
}

func (s *Status) retriedAlerts(ctx context.Context) found {
	retried, looked, total, err := s.Temporal.RetriedAlerts(ctx, s.Most)
	if err != nil {
		return unknown("retried deliveries", err)
	}
	var stuck []Stuck
	for _, w := range retried {
		for _, p := range w.Pending {
			if p.Attempt > 1 {
				stuck = append(stuck, Stuck{
					Kind: "retried delivery", ID: eventID(w), Since: p.Since, Look: describe(w),
					Detail: fmt.Sprintf("%s%s, attempt %d: %s", aboutOrder(w), p.Activity, p.Attempt, p.Failure), Do: remedy(p),
				})
			}
		}
	}
	detail := fmt.Sprintf("%d of %s under way", len(retried), many(total, "alert"))
	if int64(looked) < total {
		detail += fmt.Sprintf(" (the %d oldest were looked at)", looked)
	}
	return worked("retried deliveries", detail, int64(len(stuck)), stuck)
}

// aboutOrder begins a detail with the order, if the workflow is about one.
func aboutOrder(w temporal.Waiting) string {
	if w.OrderID == "" {
		return ""
	}
	return "order " + w.OrderID + ", "
}
