package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/alert"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/internal/stack"
)

// alertsPlan is the comparison with Alertmanager: an alert goes in, and a webhook is called.
type alertsPlan struct {
	rounds, single, many int
	sink                 *sink
	sides                []side // alertman last: the ratios are its own
}

// silence is how long no message comes before the rest counts as lost. It is longer than any wait of either side.
const silence = 45 * time.Second

// benchAlerts compares alertman with Alertmanager or, if old is given, with that of another commit, which is in the folder.
func benchAlerts(ctx context.Context, rounds int, old string) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "orders-bench-alerts-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p := alertsPlan{rounds: rounds, single: 20, many: 1000}
	if p.sink, err = startSink(); err != nil {
		return err
	}
	defer func() { _ = p.sink.server.Close() }()
	fmt.Println("starting servers and processes")
	shapes, programs := alertmanagers, []program{{"alertman", filepath.Join(root, "bin", "orders"), ""}}
	if old != "" {
		shapes, programs = nil, append([]program{{"alertman before", filepath.Join(old, "orders"), filepath.Join(old, "temporal-config")}}, programs...)
	}
	for _, shape := range shapes {
		s, err := alertmanager(ctx, dir, p.sink.address, shape)
		if err != nil {
			return err
		}
		defer func() { _ = s.process.Stop(context.WithoutCancel(ctx)) }()
		p.sides = append(p.sides, s)
	}
	for i, program := range programs {
		own, stop, err := ours(ctx, root, filepath.Join(dir, fmt.Sprintf("alertman-%d", i)), p.sink.address, program)
		if stop != nil {
			defer stop()
		}
		if err != nil {
			return err
		}
		p.sides = append(p.sides, own)
	}
	return p.run(ctx)
}

func (p alertsPlan) run(ctx context.Context) error {
	for _, s := range p.sides {
		if s.wait > 0 {
			continue
		}
		if _, err := p.storm(ctx, s, 50, 50); err != nil { // warm up
			return err
		}
	}
	fmt.Printf("\n%-44s %-28s %9s %9s %9s %9s %6s %6s %9s %9s\n", "", "", "first", "median", "last", "messages", "sent", "again", "CPU ms", "server's")
	for _, scenario := range []struct {
		title   string
		measure func(context.Context, side) (outcome, error)
	}{
		{"one alert of a new group, and then the next", p.oneByOne},
		{fmt.Sprintf("%d alerts of one group", p.many), func(ctx context.Context, s side) (outcome, error) { return p.storm(ctx, s, p.many, 1) }},
		{fmt.Sprintf("%d alerts of %[1]d groups", p.many), func(ctx context.Context, s side) (outcome, error) { return p.storm(ctx, s, p.many, p.many) }},
		{"the same, killed when it has accepted them", p.killed},
	} {
		if err := p.compare(ctx, scenario.title, scenario.measure); err != nil {
			return err
		}
	}
	return p.sink.failed
}

// outcome is one side's result in a round. Spans run from when an alert was handed over to when it was delivered.
type outcome struct {
	first, median, last        time.Duration
	messages, delivered, again int
	of                         int
	own, server                float64 // processor time for each alert, in milliseconds, until the groups have ended
}

// oneByOne measures the median of alerts that come one at a time. With its default settings Alertmanager waits 30 s for
// each alert, so there are fewer of those.
func (p alertsPlan) oneByOne(ctx context.Context, s side) (outcome, error) {
	n := p.single
	if s.wait > 0 {
		n = 2
	}
	var spans []time.Duration
	o := outcome{of: n}
	for range n {
		one, err := p.storm(ctx, s, 1, 1)
		if err != nil {
			return o, err
		}
		spans = append(spans, one.first)
		o.messages, o.delivered, o.again = o.messages+one.messages, o.delivered+one.delivered, o.again+one.again
	}
	slices.Sort(spans)
	o.first, o.median, o.last = spans[0], spans[len(spans)/2], spans[len(spans)-1]
	return o, nil
}

func (p alertsPlan) storm(ctx context.Context, s side, n, groups int) (outcome, error) {
	return p.measure(ctx, s, incidents(n, groups), func() error { return nil })
}

// killed kills the side as soon as it has accepted a fifth as many alerts as in the other rounds.
func (p alertsPlan) killed(ctx context.Context, s side) (outcome, error) {
	n := p.many / 5
	return p.measure(ctx, s, incidents(n, n), func() error { return s.restart(ctx) })
}

func (p alertsPlan) measure(ctx context.Context, s side, all []incident, then func() error) (outcome, error) {
	before, start := p.sink.tally(nil), time.Now()
	if err := s.send(ctx, all); err != nil {
		return outcome{}, fmt.Errorf("send alerts to %s: %w", s.name, err)
	}
	if err := then(); err != nil {
		return outcome{}, err
	}
	after := p.sink.await(ids(all), silence)
	o := outcome{of: len(all), delivered: after.delivered, messages: after.messages - before.messages, again: after.again - before.again}
	if after.delivered > 0 {
		o.first, o.last = after.first.Sub(start), after.last.Sub(start)
	}
	var spans []time.Duration
	for _, at := range after.times {
		if !at.IsZero() {
			spans = append(spans, at.Sub(start))
		}
	}
	slices.Sort(spans)
	if len(spans) > 0 {
		o.median = spans[len(spans)/2]
	}
	return o, nil
}

// compare measures all sides in turn, round after round, and shows medians. Ratios are those of alertman, taken for
// each round.
func (p alertsPlan) compare(ctx context.Context, title string, measure func(context.Context, side) (outcome, error)) error {
	rounds := make([][]outcome, p.rounds)
	for i := range rounds {
		for _, s := range p.sides {
			o, err := p.costed(ctx, s, measure)
			if err != nil {
				return err
			}
			rounds[i] = append(rounds[i], o)
		}
	}
	figure := func(of func(outcome) float64, side int) float64 {
		return middle(rounds, func(r []outcome) float64 { return of(r[side]) })
	}
	for i, s := range p.sides {
		span := func(of func(outcome) time.Duration) string {
			seconds := figure(func(o outcome) float64 { return of(o).Seconds() }, i)
			if seconds == 0 {
				return "never"
			}
			return fmt.Sprintf("%.1fms", 1000*seconds)
		}
		delivered, again, of := 0, 0, 0
		for _, r := range rounds {
			delivered, again, of = delivered+r[i].delivered, again+r[i].again, of+r[i].of
		}
		fmt.Printf("%-44s %-28s %9s %9s %9s %9.0f %6s %6d %9.1f %9.1f\n", title, s.name,
			span(func(o outcome) time.Duration { return o.first }), span(func(o outcome) time.Duration { return o.median }),
			span(func(o outcome) time.Duration { return o.last }), figure(func(o outcome) float64 { return float64(o.messages) }, i),
			fmt.Sprintf("%d/%d", delivered, of), again,
			figure(func(o outcome) float64 { return o.own }, i), figure(func(o outcome) float64 { return o.server }, i))
		title = ""
	}
	p.ratios(rounds)
	return nil
}

// costed measures a side, waits until its groups have ended, and adds what all of that took. A process that was killed has no
// figure.
func (p alertsPlan) costed(ctx context.Context, s side, measure func(context.Context, side) (outcome, error)) (outcome, error) {
	own, server, err := s.cpu()
	if err != nil {
		return outcome{}, err
	}
	o, err := measure(ctx, s)
	if err != nil {
		return o, err
	}
	time.Sleep(window + window/2)
	ownAfter, serverAfter, err := s.cpu()
	o.own, o.server = max(0, ownAfter-own)*1000/float64(o.of), (serverAfter-server)*1000/float64(o.of)
	return o, err
}

func (p alertsPlan) ratios(rounds [][]outcome) {
	last := len(p.sides) - 1
	for i, s := range p.sides[:last] {
		ratio := func(of func(outcome) time.Duration) string {
			if figure := middle(rounds, func(r []outcome) float64 { return of(r[i]).Seconds() }); figure == 0 {
				return "-"
			}
			return fmt.Sprintf("%.3g", middle(rounds, func(r []outcome) float64 { return of(r[last]).Seconds() / of(r[i]).Seconds() }))
		}
		fmt.Printf("%-44s %-28s %9s %9s %9s\n", "", "  ratio to "+strings.TrimPrefix(s.name, "Alertmanager, "),
			ratio(func(o outcome) time.Duration { return o.first }), ratio(func(o outcome) time.Duration { return o.median }),
			ratio(func(o outcome) time.Duration { return o.last }))
		if s.server != nil {
			cost := func(of func(outcome) float64) float64 {
				return middle(rounds, func(r []outcome) float64 { return of(r[last]) / of(r[i]) })
			}
			fmt.Printf("%115s %9.2f %9.2f\n", "", cost(func(o outcome) float64 { return o.own }), cost(func(o outcome) float64 { return o.server }))
		}
	}
}

func middle(rounds [][]outcome, figure func([]outcome) float64) float64 {
	values := make([]float64, len(rounds))
	for i, round := range rounds {
		values[i] = figure(round)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// incident is an alert to send. Alerts of one group belong together.
type incident struct{ id, group string }

func incidents(n, groups int) []incident {
	all := make([]incident, n)
	for i := range all {
		all[i] = incident{uuid.NewString(), fmt.Sprintf("%s-%d", uuid.NewString(), i%groups)}
	}
	for i := range all {
		all[i].group = all[i%groups].group
	}
	return all
}

func ids(all []incident) []string {
	list := make([]string, len(all))
	for i, one := range all {
		list[i] = one.id
	}
	return list
}

// side is one of the sides of the comparison. send returns once the side has accepted the alerts: it has confirmed
// them, or answered 200.
type side struct {
	name    string
	process *stack.Process
	ready   string        // the URL of its readiness
	wait    time.Duration // before the first message about a group
	send    func(context.Context, []incident) error
	server  *stack.Process // Temporal's; nil if the side has none
}

// cpu returns the processor time that the side's own process and its Temporal server have used so far, in seconds.
func (s side) cpu() (own, server float64, err error) {
	processes := []process{{kind: "own", Process: s.process}}
	if s.server != nil {
		processes = append(processes, process{kind: "server", Process: s.server})
	}
	used, err := cpuTime(processes)
	return used["own"], used["server"], err
}

// restart kills the side, as kill -9 does, and starts it again.
func (s side) restart(ctx context.Context) error {
	s.process.Kill()
	if err := s.process.Start(); err != nil {
		return err
	}
	return s.process.WaitHealthy(ctx, s.ready)
}

// window is how long both sides collect what follows the first alert of a group.
const window = 5 * time.Second

// alertmanagers are the Alertmanagers to compare with, the one that ships first.
var alertmanagers = []side{{name: "Alertmanager, as it ships", wait: 30 * time.Second}, {name: "Alertmanager, group_wait 0s"}}

// alertmanager starts Debian's Alertmanager, with its package's settings except for group_wait and group_interval.
func alertmanager(ctx context.Context, dir, sink string, s side) (side, error) {
	port, err := stack.FreePort()
	if err != nil {
		return side{}, err
	}
	dir = filepath.Join(dir, "alertmanager-"+s.wait.String())
	config := fmt.Sprintf(`
route: {receiver: hook, group_by: [group], group_wait: %s, group_interval: %s, repeat_interval: 3h}
receivers:
  - name: hook
    webhook_configs: [{url: "http://%s/", send_resolved: false}]
`, s.wait, window, sink)
	if err := errors.Join(os.MkdirAll(dir, 0o750), os.WriteFile(filepath.Join(dir, "alertmanager.yml"), []byte(config), 0o600)); err != nil {
		return side{}, err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	s.ready = url + "/-/ready"
	s.process, err = stack.StartProcess(stack.Command{
		Name: s.name, Path: "prometheus-alertmanager", Log: filepath.Join(dir, "log"), Dir: dir,
		Args: []string{"--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=", fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port)},
	})
	if err != nil {
		return side{}, fmt.Errorf("start %s, which make bench-alerts installs: %w", s.name, err)
	}
	s.send = func(ctx context.Context, all []incident) error { return postAlerts(ctx, url+"/api/v2/alerts", all) }
	return s, s.process.WaitHealthy(ctx, s.ready)
}

// postAlerts posts all alerts in one request, as Alertmanager's API is designed for.
func postAlerts(ctx context.Context, url string, all []incident) error {
	type posted struct {
		Labels map[string]string `json:"labels"`
	}
	list := make([]posted, len(all))
	for i, one := range all {
		list[i].Labels = map[string]string{"alertname": "fraud", "id": one.id, "group": one.group}
	}
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("post alerts: %s", response.Status)
	}
	return nil
}

// program is a bin/orders, what its alertman is called, and the folder with the settings of its Temporal server; if empty, the project's.
type program struct{ name, path, config string }

// ours starts alertman, with a RabbitMQ and a Temporal server of its own.
func ours(ctx context.Context, root, dir, sink string, program program) (side, func(), error) {
	temporal, err := stack.StartTemporal(ctx, stack.TemporalOptions{Dir: filepath.Join(dir, "temporal"), Config: program.config})
	if err != nil {
		return side{}, nil, err
	}
	stop := func() { _ = temporal.Stop(context.WithoutCancel(ctx)) }
	broker, err := stack.StartRabbitMQ(ctx, stack.RabbitMQOptions{
		Dir: filepath.Join(dir, "rabbitmq"), Definitions: filepath.Join(root, "gateways", "rabbitmq", "definitions.json"),
	})
	if err != nil {
		return side{}, stop, err
	}
	stop = func() {
		_ = errors.Join(broker.Stop(context.WithoutCancel(ctx)), temporal.Stop(context.WithoutCancel(ctx)))
	}
	s, err := startAlertman(ctx, dir, sink, temporal.Address(), program, broker)
	if err != nil {
		return side{}, stop, err
	}
	publisher := rabbitmq.NewPublisher(rabbitmq.Config{URL: broker.URL("orders", "orders")}, slog.New(slog.DiscardHandler))
	publishing, end := context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan struct{})
	go func() { defer close(over); _ = publisher.Run(publishing) }()
	s.send = func(ctx context.Context, all []incident) error { return publish(ctx, publisher, all) }
	s.server = temporal.Process
	servers := stop
	return s, func() {
		_ = s.process.Stop(context.WithoutCancel(ctx))
		end()
		<-over
		servers()
	}, nil
}

func startAlertman(ctx context.Context, dir, sink, temporal string, program program, broker *stack.RabbitMQ) (side, error) {
	port, err := stack.FreePort()
	if err != nil {
		return side{}, err
	}
	file := filepath.Join(dir, "alertman.yaml")
	config := fmt.Sprintf(`
version: 1
receivers:
  - name: hook
    channels: [webhook: {url: "http://%s/", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}]
    group: {by: [card, reason], window: %s}
routes: [{name: all, tell: [hook]}]
`, sink, window)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return side{}, err
	}
	health := fmt.Sprintf("127.0.0.1:%d", port)
	s := side{name: program.name, ready: "http://" + health + "/readyz"}
	env := append(os.Environ(), "ALERTMAN_CONFIG="+file, "HEALTH_ADDRESS="+health, "TEMPORAL_ADDRESS="+temporal, "LOG_LEVEL=warn",
		"RABBITMQ_CONSUMER_URL="+broker.URL("alertman", "alertman"), "LEDGER_URL=sqlite:"+filepath.Join(dir, "ledger.db"))
	migrate := exec.CommandContext(ctx, program.path, "ledger", "migrate")
	migrate.Env = env
	if out, err := migrate.CombinedOutput(); err != nil {
		return side{}, fmt.Errorf("make the ledger of %s: %w: %s", program.name, err, out)
	}
	s.process, err = stack.StartProcess(stack.Command{
		Name: program.name, Path: program.path, Args: []string{"alertman"}, Log: filepath.Join(dir, "alertman.log"), Env: env,
	})
	if err != nil {
		return side{}, err
	}
	return s, s.process.WaitHealthy(ctx, s.ready)
}

// publish publishes as the worker does, several alerts at a time.
func publish(ctx context.Context, publisher alert.Publisher, all []incident) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for _, one := range all {
		event := alert.Sample(alert.FraudDetected, one.id, time.Now())
		event.Data.CardFingerprint = one.group
		group.Go(func() error { return publisher.Publish(ctx, event) })
	}
	return group.Wait()
}

// sink is the webhook of both sides. It accepts everything at once, and records when each alert was first delivered.
type sink struct {
	address   string
	server    *http.Server
	mu        sync.Mutex
	delivered map[string]time.Time
	repeated  int // alerts that were delivered again
	messages  int
	failed    error
}

// bodies is what both sides send: the ids of our alert and of a digest's members, and the labels of Alertmanager's
// alerts.
type bodies struct {
	Data struct {
		AlertID string `json:"alertID"`
		Digest  *struct {
			Members []struct {
				EventID string `json:"eventID"`
			} `json:"members"`
		} `json:"digest"`
	} `json:"data"`
	Alerts []struct {
		Labels struct {
			ID string `json:"id"`
		} `json:"labels"`
	} `json:"alerts"`
}

func (b bodies) ids() []string {
	var ids []string
	switch {
	case b.Data.Digest != nil:
		for _, m := range b.Data.Digest.Members {
			ids = append(ids, m.EventID)
		}
	case b.Data.AlertID != "":
		ids = append(ids, b.Data.AlertID)
	}
	for _, a := range b.Alerts {
		ids = append(ids, a.Labels.ID)
	}
	return ids
}

func startSink() (*sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{address: listener.Addr().String(), delivered: map[string]time.Time{}}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

var errNoAlert = errors.New("it is about no alert")

// ServeHTTP accepts one message.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, err := io.ReadAll(r.Body)
	var b bodies
	if err == nil {
		err = json.Unmarshal(body, &b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages++
	ids := b.ids()
	if err == nil && len(ids) == 0 {
		err = errNoAlert
	}
	if err != nil {
		s.failed = fmt.Errorf("read a message: %w: %.200s", err, body)
	}
	for _, id := range ids {
		if _, before := s.delivered[id]; before {
			s.repeated++
			continue
		}
		s.delivered[id] = now
	}
	w.WriteHeader(http.StatusOK)
}

// tally counts what has become of some alerts so far.
type tally struct {
	delivered       int
	first, last     time.Time
	times           []time.Time // in the order of the ids; zero if an alert was not delivered
	messages, again int
}

func (s *sink) tally(ids []string) tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := tally{messages: s.messages, again: s.repeated}
	for _, id := range ids {
		at, delivered := s.delivered[id]
		t.times = append(t.times, at)
		if !delivered {
			continue
		}
		t.delivered++
		if t.first.IsZero() || at.Before(t.first) {
			t.first = at
		}
		if at.After(t.last) {
			t.last = at
		}
	}
	return t
}

// await waits until all alerts are delivered, or until no message has come for as long as patience.
func (s *sink) await(ids []string, patience time.Duration) tally {
	deadline, before := time.Now().Add(patience), -1
	for {
		t := s.tally(ids)
		if t.delivered == len(ids) || time.Now().After(deadline) {
			return t
		}
		if t.delivered > before {
			before, deadline = t.delivered, time.Now().Add(patience)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
