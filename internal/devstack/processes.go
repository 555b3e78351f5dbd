package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"dummyorders/internal/stack"
)

// processes are the commands of orders, in the order in which a transaction meets them.
var processes = []string{"api", "worker", "fraud-police", "alertman"}

// drainWithin is more than any of our processes takes to finish what it has in hand.
const drainWithin = 45 * time.Second

// foreignTemporal are the variables for a Temporal of another kind: our dev server knows no TLS and no keys.
var foreignTemporal = regexp.MustCompile(`^TEMPORAL_(PROFILE|API_KEY|TLS.*|CLIENT_AUTHORITY)$`)

// environment is what our processes run with: this process's own, what the file adds to it, and what the dev stack
// knows better.
func (d *devStack) environment(file map[string]string) []string {
	s := d.settings
	env := map[string]string{"TEMPORAL_CONFIG_FILE": filepath.Join(d.root, "temporal-config", "temporal.toml")}
	set := func(name, value string) {
		if value != "" { // Temporal takes an empty variable for one that is set
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
		"LOG_FORMAT":             s.LogFormat,
		"HEALTH_ADDRESS":         "",
	})
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// defaultLedger is the ledger that nobody has chosen. A process that somebody starts beside the stack, in the project's
// folder, finds the same.
const defaultLedger = "sqlite:.run/orders-ledger.db"

func (d *devStack) ledgerURL() string {
	if d.settings.LedgerURL != defaultLedger {
		return d.settings.LedgerURL
	}
	return "sqlite:" + filepath.Join(d.dir, "orders-ledger.db")
}

// startProcesses starts the four and waits until each is ready.
func (d *devStack) startProcesses(ctx context.Context) error {
	if _, err := os.Stat(d.orders); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s: make build makes it", d.orders)
	}
	d.out.say("Starting the processes")
	group, ctx := errgroup.WithContext(ctx)
	for number, name := range processes {
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

// health is where a process says that it is ready, and the environment in which it does. The workers serve nothing
// else, and get a free port for it.
func (d *devStack) health(name string) (ready string, env []string, err error) {
	if name == "api" {
		return d.plan.api + "/readyz", d.env, nil
	}
	port, err := stack.FreePort()
	address := fmt.Sprintf("127.0.0.1:%d", port)
	return "http://" + address + "/readyz", append(slices.Clone(d.env), "HEALTH_ADDRESS="+address), err
}
