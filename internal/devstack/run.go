package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"

	"dummyorders/internal/devissuer"
	"dummyorders/internal/stack"
)

type runCommand struct{}

// Run runs everything until Ctrl-C, or until something fails; then it returns that error. Either way, nothing is
// running any more when it returns.
func (runCommand) Run(ctx context.Context) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, runFolder)
	held, err := lock(dir)
	if err != nil {
		return err
	}
	defer func() { _ = held.Close() }()

	d, err := newDevStack(ctx, root, dir, newTerminal(os.Stdout))
	if err != nil {
		return err
	}
	err = d.run(ctx)
	if ctx.Err() != nil {
		err = nil // it may come from Ctrl-C
	}
	patience, done := secondSignal(ctx)
	defer done()
	return errors.Join(err, d.stop(patience))
}

// secondSignal returns a context that ends with the next signal. It ignores signals for half a second: a process group
// gets a Ctrl-C directly and once more from make.
func secondSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer cancel()
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return
		}
		signalled, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		<-signalled.Done()
	}()
	return ctx, cancel
}

// devStack holds everything that runs.
type devStack struct {
	root, dir string
	orders    string // path of the binary
	settings  settings
	plan      plan
	env       []string // environment of our processes
	out       *terminal

	temporal  *stack.Temporal
	rabbitmq  *stack.RabbitMQ
	mail      *stack.Mail
	observer  *stack.Prometheus
	targets   []stack.Target // our processes, for Prometheus
	issuer    *devissuer.Issuer
	processes map[string]*stack.Process
	ended     chan *stack.Process // processes that ended without being asked to
}

func newDevStack(ctx context.Context, root, dir string, out *terminal) (*devStack, error) {
	file, err := readFile(root)
	if err != nil {
		return nil, err
	}
	s, err := readSettings(ctx, file)
	if err != nil {
		return nil, err
	}
	if err := s.makeKeys(dir); err != nil {
		return nil, err
	}
	if s.LogFormat == "" && out.coloured {
		s.LogFormat = "pretty"
	}
	d := &devStack{
		root: root, dir: dir, orders: filepath.Join(root, "bin", "orders"), settings: s, out: out,
		processes: map[string]*stack.Process{}, ended: make(chan *stack.Process, 16),
	}
	if d.plan, err = newPlan(s); err != nil {
		return nil, err
	}
	d.settings.APIURL = cmp.Or(s.APIURL, d.plan.api)
	d.env = d.environment(file)
	return d, nil
}

// run starts everything, prints what to do next, and waits until ctx or one of the processes ends.
func (d *devStack) run(ctx context.Context) error {
	if err := d.plan.checkPorts(d.settings); err != nil {
		return err
	}
	if err := d.startServers(ctx); err != nil {
		return err
	}
	if err := d.setUpTemporal(ctx); err != nil {
		return err
	}
	if err := d.startProcesses(ctx); err != nil {
		return err
	}
	if err := d.startPrometheus(ctx); err != nil {
		return err
	}
	d.out.say("%s", d.whatNext())
	select {
	case p := <-d.ended:
		d.out.say("\n%s has ended, so everything is stopped\n", p.Name())
		return p.Exit()
	case <-ctx.Done():
		return nil
	}
}

// watch reports the process on d.ended when it ends, for whatever reason.
func (d *devStack) watch(p *stack.Process) {
	done := p.Done()
	go func() {
		<-done
		d.ended <- p
	}()
}

// commands lists the commands of orders, in the order in which a transaction reaches them, and then the desk, if it runs.
func (d *devStack) commands() []string {
	all := []string{"api", "worker", "fraud-police", "alertman"}
	if d.settings.wantsDesk() {
		all = append(all, "desk")
	}
	return all
}

// drainWithin is longer than any of our processes takes to finish its current work.
const drainWithin = 45 * time.Second

// foreignTemporal matches the variables for another kind of Temporal: our dev server uses neither TLS nor keys.
var foreignTemporal = regexp.MustCompile(`^TEMPORAL_(PROFILE|API_KEY|TLS.*|CLIENT_AUTHORITY)$`)

// environment returns the environment of our processes: this process's own, what the file adds to it, and what the dev
// stack itself sets.
func (d *devStack) environment(file map[string]string) []string {
	s := d.settings
	env := map[string]string{
		"TEMPORAL_CONFIG_FILE": filepath.Join(d.root, "temporal-config", "temporal.toml"),
		"GOGC":                 "400", // as in the Dockerfile, which says what for
	}
	set := func(name, value string) {
		if value != "" { // Temporal treats an empty variable as set
			env[name] = value
		}
	}
	for name, value := range file {
		set(name, value)
	}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		set(name, value)
	}
	if d.plan.temporal != 0 {
		maps.DeleteFunc(env, func(name, _ string) bool { return foreignTemporal.MatchString(name) })
	}
	maps.Copy(env, map[string]string{
		"HTTP_ADDRESS":           s.HTTPAddress,
		"TEMPORAL_ADDRESS":       s.TemporalAddress,
		"TEMPORAL_NAMESPACE":     s.TemporalNamespace,
		"WEB_UI_URL":             s.WebUIURL,
		"RABBITMQ_PUBLISHER_URL": s.PublisherURL,
		"RABBITMQ_CONSUMER_URL":  s.ConsumerURL,
		"SMTP_HOSTNAME":          s.SMTPHostname,
		"SMTP_PORT":              s.SMTPPort,
		"CARD_FINGERPRINT_KEY":   s.CardFingerprintKey,
		"API_URL":                s.APIURL,
		"ALERT_LINK_KEY":         s.AlertLinkKey,
		"LEDGER_URL":             d.ledgerURL(),
		"PAYMENT_GATEWAYS":       s.PaymentGateways, // the desk and the api show them only if it is set
		"LOG_FORMAT":             s.LogFormat,
		"HEALTH_ADDRESS":         "",
		"API_PUBLISHED_ON":       "",
	})
	if s.wantsDesk() {
		env["DESK_URL"] = s.DeskURL
	}
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// defaultLedger is the ledger's default URL. A process that someone starts in the project's folder beside the stack
// uses the same ledger.
const defaultLedger = "sqlite:.run/orders-ledger.db"

func (d *devStack) ledgerURL() string {
	if d.settings.LedgerURL != defaultLedger {
		return d.settings.LedgerURL
	}
	return "sqlite:" + filepath.Join(d.dir, "orders-ledger.db")
}

// startProcesses starts our processes and waits until each is ready.
func (d *devStack) startProcesses(ctx context.Context) error {
	if _, err := os.Stat(d.orders); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s does not exist: run make build", d.orders)
	}
	d.out.say("Starting the processes")
	group, ctx := errgroup.WithContext(ctx)
	for number, name := range d.commands() {
		ready, env, err := d.health(name)
		if err != nil {
			return err
		}
		start := time.Now()
		p, err := stack.StartProcess(stack.Command{
			Name: "orders " + name, Path: d.orders, Args: []string{name}, Env: env,
			Log: d.log(name + ".log"), Lines: d.out.lines(number, name), StopWithin: drainWithin,
		})
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		d.processes[name] = p
		group.Go(func() error {
			if err := p.WaitHealthy(ctx, ready); err != nil {
				return err
			}
			d.watch(p)
			d.out.say("  %-12s is ready, after %.1fs", name, time.Since(start).Seconds())
			return nil
		})
	}
	return group.Wait()
}

// health returns the URL of a process's readiness, and the environment that makes the process serve it and its metrics, on a
// free port. The API is ready when its own address is.
func (d *devStack) health(name string) (ready string, env []string, err error) {
	port, err := stack.FreePort()
	address := fmt.Sprintf("127.0.0.1:%d", port)
	d.targets = append(d.targets, stack.Target{Job: name, Address: address})
	ready = "http://" + address
	if name == "api" {
		ready = d.plan.api
	}
	return ready + "/readyz", append(slices.Clone(d.env), "HEALTH_ADDRESS="+address), err
}

// startServers starts the servers that belong on this machine, and installs them first if they are missing.
func (d *devStack) startServers(ctx context.Context) error {
	temporal, rabbitmq, err := d.ensure(ctx)
	if err != nil {
		return err
	}
	d.out.say("Starting the servers")
	group, ctx := errgroup.WithContext(ctx)
	if d.plan.temporal != 0 {
		group.Go(func() error { return d.startTemporal(ctx, temporal) })
	} else {
		d.out.say("  Temporal: using the one at %s; temporal-config/setup.sh creates what the service needs there", d.settings.TemporalAddress)
	}
	if d.plan.rabbitmq != 0 {
		group.Go(func() error { return d.startRabbitMQ(ctx, rabbitmq) })
	} else {
		d.out.say("  RabbitMQ: using the one that RABBITMQ_PUBLISHER_URL names; it needs what gateways/rabbitmq/definitions.json has")
	}
	if d.plan.mail != "" {
		group.Go(d.startMail)
	} else {
		d.out.say("  Mail: using the server at %s", d.settings.SMTPHostname)
	}
	if d.settings.wantsSignIn() {
		group.Go(d.startSignIn)
	}
	return group.Wait()
}

// ensure returns the paths of the servers' programs.
func (d *devStack) ensure(ctx context.Context) (temporal, rabbitmq string, err error) {
	i := installer(d.root)
	i.Log = d.log("")
	if d.plan.temporal != 0 {
		if temporal, err = i.EnsureTemporal(ctx); err != nil {
			return "", "", err
		}
	}
	if d.plan.rabbitmq != 0 {
		if rabbitmq, err = i.EnsureRabbitMQ(ctx); err != nil {
			return "", "", err
		}
	}
	if d.plan.prometheus != 0 {
		if err = errors.Join(i.Ensure(ctx, "prometheus"), i.Ensure(ctx, "alertmanager")); err != nil {
			return "", "", err
		}
	}
	return temporal, rabbitmq, nil
}

func (d *devStack) startTemporal(ctx context.Context, program string) error {
	start := time.Now()
	server, err := stack.StartTemporal(ctx, stack.TemporalOptions{
		Dir: filepath.Join(d.dir, "temporal"), Program: program, Config: filepath.Join(d.root, "temporal-config"),
		Port: d.plan.temporal, UIPort: d.plan.ui, MetricsPort: d.plan.temporalMetrics, Namespace: d.settings.TemporalNamespace, Log: d.log("temporal.log"),
	})
	if err != nil {
		return err
	}
	d.temporal = server
	d.watch(server.Process)
	d.up("Temporal", server.Address(), start)
	return nil
}

func (d *devStack) startRabbitMQ(ctx context.Context, program string) error {
	start := time.Now()
	server, err := stack.StartRabbitMQ(ctx, stack.RabbitMQOptions{
		Dir: filepath.Join(d.dir, "rabbitmq"), Program: program, Port: d.plan.rabbitmq, ManagementPort: d.plan.management,
		MetricsPort: d.plan.rabbitmqMetrics,
		Definitions: filepath.Join(d.root, "gateways", "rabbitmq", "definitions.json"), Log: d.log("rabbitmq.log"),
	})
	if err != nil {
		return err
	}
	d.rabbitmq = server
	d.watch(server.Process)
	d.up("RabbitMQ", fmt.Sprintf("127.0.0.1:%d", server.Port()), start)
	return nil
}

func (d *devStack) startMail() error {
	start := time.Now()
	server, err := stack.StartMail(stack.MailOptions{Dir: filepath.Join(d.dir, "mail"), Address: d.plan.mail})
	if err != nil {
		return err
	}
	d.mail = server
	d.up("Mail", server.Address(), start)
	return nil
}

// setUpTemporal upgrades a database of an earlier version of the project to what this version needs.
func (d *devStack) setUpTemporal(ctx context.Context) error {
	if d.temporal == nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", filepath.Join(d.root, "temporal-config", "setup.sh"))
	cmd.Env = append(slices.Clone(d.env),
		"PATH="+filepath.Join(d.root, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	if printed, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("set up Temporal: %w: %s", err, printed)
	}
	return nil
}

func (d *devStack) up(what, address string, start time.Time) {
	d.out.say("  %-8s on %s, after %.1fs", what, address, time.Since(start).Seconds())
}

// log returns the path of a log.
func (d *devStack) log(name string) string {
	return filepath.Join(d.dir, "log", name)
}

// next is the text for someone who has just started everything for the first time. The curl command is the seed's.
var next = template.Must(template.New("next").Parse(`
Everything runs. Ctrl-C stops it; what it has taken in is there again the next time.

  API         {{.API}}   (docs: {{.API}}/docs)
{{- with .Desk}}
  Desk        {{.}}   for reviewers, analysts and operators; open the address of Sign-in first
{{- end}}
{{- with .UI}}
  Web UI      {{.}}   every transaction is a workflow
{{- end}}
{{- with .Management}}
  RabbitMQ    {{.}}   user operator, password operator
{{- end}}
{{- if .Mail}}
  Mail        kept as files in {{.Mail}}, by a mail server of the dev stack's own on {{.MailAddress}}
{{- else}}
  Mail        goes to {{.MailAddress}}
{{- end}}
{{- with .SignIn}}
  Sign-in     {{.}}   as any person, in this run
{{- end}}
{{- with .Alarms}}
  Alarms      {{.}}   Alertmanager has them at {{$.Alertmanager}}
  On call     {{$.OnCall}}
{{- end}}
  Logs        {{.Logs}}

Post a transaction. A card that is used again and again is reviewed, then a fraud, which sends mail:

curl {{.API}}/transact  -X POST -H 'Content-type: application/json' -d '{"order": {"id": 1234, "name": "avengers 4 spoilers book", "cost": 123.00, "currency": "INR"}, "paymentMethod": "amazonpay", "payment": {"card": 1234567887654321, "type": "wallet", "amount": 123.00, "currency": "INR"} }'
{{- with .Issuer}}

Call as a person: open the address of Sign-in with a browser first.

TOKEN=$(OIDC_ISSUER={{.}} bin/orders sign-in)
curl {{$.API}}/transactions -H "Authorization: Bearer $TOKEN"
{{- end}}
`))

// whatNext returns next with its values filled in.
func (d *devStack) whatNext() string {
	facts := struct{ API, UI, Management, Mail, MailAddress, SignIn, Issuer, Desk, Logs, Alarms, Alertmanager, OnCall string }{
		API: d.plan.api, Logs: runFolder + "/log/", MailAddress: d.settings.SMTPHostname + ":" + d.settings.SMTPPort,
	}
	if d.plan.ui != 0 || d.plan.temporal == 0 {
		facts.UI = d.settings.WebUIURL
	}
	if d.rabbitmq != nil {
		facts.Management = strings.Replace(d.rabbitmq.ManagementAddress(), "127.0.0.1", "localhost", 1)
	}
	if d.mail != nil {
		facts.Mail = runFolder + "/mail/"
	}
	if d.observer != nil {
		facts.Alarms, facts.Alertmanager, facts.OnCall = d.observer.URL()+"/classic/alerts", d.observer.AlertmanagerURL(), d.observer.URL()+"/consoles/on-call.html"
	}
	if d.issuer != nil {
		facts.SignIn, facts.Issuer = d.issuer.Link(), d.issuer.URL()
	}
	if d.settings.wantsDesk() {
		facts.Desk = d.settings.DeskURL
	}
	var text strings.Builder
	_ = next.Execute(&text, facts) // writing to a strings.Builder never fails
	return text.String()
}

// remindEvery is how often the dev stack says what it is still waiting for.
const remindEvery = 5 * time.Second

type stopFunc func(context.Context) error

// stop stops Prometheus first, so that it keeps no outage, then our processes, so that they can finish their current work, and
// then the servers. When ctx ends, it kills what is still running.
func (d *devStack) stop(ctx context.Context) error {
	observers, ours, servers := map[string]stopFunc{}, map[string]stopFunc{}, map[string]stopFunc{}
	if d.observer != nil {
		observers["Prometheus"] = d.observer.Stop
	}
	for name, process := range d.processes {
		ours[name] = process.Stop
	}
	if d.temporal != nil {
		servers["Temporal"] = d.temporal.Stop
	}
	if d.rabbitmq != nil {
		servers["RabbitMQ"] = d.rabbitmq.Stop
	}
	if d.mail != nil {
		servers["mail"] = d.mail.Stop
	}
	if d.issuer != nil {
		servers["sign-in"] = d.issuer.Stop
	}
	return errors.Join(d.stopAll(ctx, observers), d.stopAll(ctx, ours), d.stopAll(ctx, servers))
}

// stopAll stops the processes at the same time, and returns when all have ended.
func (d *devStack) stopAll(ctx context.Context, running map[string]stopFunc) error {
	if len(running) == 0 {
		return nil
	}
	names := func() string { return strings.Join(slices.Sorted(maps.Keys(running)), ", ") }
	d.out.say("Stopping %s (Ctrl-C once more kills)", names())
	type end struct {
		name string
		err  error
	}
	ends := make(chan end, len(running))
	for name, stop := range running {
		go func() { ends <- end{name, stop(ctx)} }()
	}
	reminder := time.NewTicker(remindEvery)
	defer reminder.Stop()
	var faults []error
	for len(running) > 0 {
		select {
		case e := <-ends:
			delete(running, e.name)
			faults = append(faults, e.err)
		case <-reminder.C:
			d.out.say("  waiting for %s", names())
		}
	}
	return errors.Join(faults...)
}
