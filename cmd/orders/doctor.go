package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/temporal"
	"dummyorders/ops"
)

type doctorCommand struct {
	reportFlags
	Process     []string `help:"Check the settings of these processes only, as in a container that has no others: api, worker, fraud-police, alertman, and desk, which is not checked otherwise." enum:"api,worker,fraud-police,alertman,desk" default:"api,worker,fraud-police,alertman"`
	Definitions string   `help:"Check RabbitMQ's definitions in this file for published passwords too, as orders check-secrets does." placeholder:"FILE"`
}

// parts holds the processes by their names.
var parts = map[string]part{"api": serveAPI, "worker": workOnOrders, "fraud-police": checkForFraud, "alertman": deliverAlerts, "desk": serveDesk}

// Run checks everything.
func (c doctorCommand) Run(ctx context.Context) error {
	doctor, end, err := c.doctor(ctx)
	if err != nil {
		return err
	}
	defer end()
	return c.run(ctx, "orders doctor", doctor.Look, standard())
}

// doctor reads the settings as the processes do at their start. Faults in them are part of the report.
func (c doctorCommand) doctor(ctx context.Context) (doctor *ops.Doctor, end func(), err error) {
	p, err := newProcess(ctx, "doctor", http.NotFoundHandler())
	if err != nil {
		return nil, nil, err
	}
	d := &ops.Doctor{Processes: c.Process, Version: buildVersion(), Now: time.Now}
	for _, name := range c.Process {
		own := &process{env: p.env, values: &values{}, log: slog.New(slog.DiscardHandler), temporal: p.temporal}
		own.withHealth(parts[name](own)) // reads the settings, and makes no connections
		d.Faults = append(d.Faults, own.values.faults...)
	}
	d.Faults = append(d.Faults, p.values.faults...)
	if c.Definitions != "" {
		var wrong *configError
		if err := (checkSecretsCommand{Definitions: c.Definitions}).Run(ctx); errors.As(err, &wrong) {
			d.Faults = append(d.Faults, wrong.faults...)
		} else if err != nil {
			d.Faults = append(d.Faults, err.Error())
		}
	}
	slices.Sort(d.Faults)
	d.Faults = slices.Compact(d.Faults)
	d.Warnings = c.warnings(ctx, p.env, len(d.Faults) == 0)
	d.Retention = p.env.ledgerRetention(&values{})
	c.connect(p, d)
	return d, p.close, nil
}

// warnings returns what `orders alertman check` and `orders rules check` warn of. What they call wrong is a fault of the settings,
// unless these have none: rules that never apply can be used.
func (c doctorCommand) warnings(ctx context.Context, env environment, noFaults bool) (warnings []string) {
	var checks []func(output) error
	if slices.Contains(c.Process, "alertman") {
		checks = append(checks, func(out output) error { return checkAlertmanCommand{}.check(ctx, out) })
	}
	for _, ruleset := range []string{env.FraudRuleset, env.FraudShadowRuleset} {
		if ruleset != "" && env.FraudDetector == "rules" && slices.Contains(c.Process, "fraud-police") {
			checks = append(checks, checkRulesCommand{Ruleset: ruleset}.check)
		}
	}
	for _, check := range checks {
		var printed bytes.Buffer
		if err := check(output{results: &printed, progress: io.Discard}); err != nil && noFaults {
			warnings = append(warnings, err.Error())
		}
		for text := range strings.Lines(printed.String()) {
			if warning, is := strings.CutPrefix(strings.TrimSpace(text), "warning: "); is {
				warnings = append(warnings, warning)
			}
		}
	}
	return warnings
}

// connect adds what the settings lead to, as far as they can be used.
func (c doctorCommand) connect(p *process, d *ops.Doctor) {
	d.Files, d.Texts = p.env.certificates(), temporal.CertificateTexts()
	uses := func(processes ...string) bool {
		return slices.ContainsFunc(processes, func(name string) bool { return slices.Contains(c.Process, name) })
	}
	add := func(name, where string, check func(context.Context) error) {
		d.Connections = append(d.Connections, ops.Connection{Name: name, Where: where, Check: check})
	}
	if p.temporal != nil {
		operator := temporal.NewOperator(p.temporal)
		d.Temporal = operator
		add("temporal", "TEMPORAL_ADDRESS", operator.Check)
	}
	if store := p.env.ledger(&values{}); store != nil {
		d.Ledger = store
		add("ledger", "LEDGER_URL", func(ctx context.Context) error {
			_, err := store.Server(ctx)
			return err
		})
	}
	if uses("worker", "alertman") {
		c.broker(p, d, add)
	}
	if uses("alertman") {
		add("mail server", "SMTP_HOSTNAME, SMTP_PORT", reaches(net.JoinHostPort(p.env.SMTPHostname, p.env.SMTPPort)))
	}
	for _, g := range p.env.gatewayChecks(&values{}) {
		if g.Name == stripeGateway && uses("worker") {
			add("stripe", "STRIPE_URL", g.Check)
		}
	}
	if p.env.OIDCIssuer != "" && uses("api", "desk") {
		add("issuer", "OIDC_ISSUER", answers(strings.TrimSuffix(p.env.OIDCIssuer, "/")+"/.well-known/openid-configuration"))
	}
}

func (c doctorCommand) broker(p *process, d *ops.Doctor, add func(name, where string, check func(context.Context) error)) {
	v := &values{}
	publisher, consumer := p.env.publisher(v), p.env.consumer(v)
	if v.err() != nil {
		return
	}
	d.Broker = rabbitmq.NewOperator(publisher, consumer)
	add("rabbitmq publisher", "RABBITMQ_PUBLISHER_URL", connects(publisher))
	add("rabbitmq consumer", "RABBITMQ_CONSUMER_URL", connects(consumer))
}

// connects returns a check whether a user may connect to the broker.
func connects(user rabbitmq.Config) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := rabbitmq.NewOperator(user, user).Broker(ctx)
		return err
	}
}

// reaches returns a check whether something listens at an address.
func reaches(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return fmt.Errorf("reach %s: %w", address, err)
		}
		return conn.Close()
	}
}
