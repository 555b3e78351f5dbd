package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"dummyorders/internal/stack"
)

// startServers starts those that belong on this machine, and gets them first where they are missing.
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
		d.out.say("  Temporal: using the one at %s; temporal-config/setup.sh tells it what the service needs", d.settings.TemporalAddress)
	}
	if d.plan.rabbitmq != 0 {
		group.Go(func() error { return d.startRabbitMQ(ctx, rabbitmq) })
	} else {
		d.out.say("  RabbitMQ: using the one that RABBITMQ_PUBLISHER_URL names; gateways/rabbitmq/definitions.json is what it needs")
	}
	if d.plan.mail != "" {
		group.Go(d.startMail)
	} else {
		d.out.say("  Mail: using the server at %s", d.settings.SMTPHostname)
	}
	return group.Wait()
}

// ensure gives the paths of the servers' programs.
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
	return temporal, rabbitmq, nil
}

func (d *devStack) startTemporal(ctx context.Context, program string) error {
	start := time.Now()
	server, err := stack.StartTemporal(ctx, stack.TemporalOptions{
		Dir: filepath.Join(d.dir, "temporal"), Program: program, Config: filepath.Join(d.root, "temporal-config"),
		Port: d.plan.temporal, UIPort: d.plan.ui, Namespace: d.settings.TemporalNamespace, Log: d.log("temporal.log"),
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

// setUpTemporal brings a database of an earlier version of the project to what this one needs.
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

// log is the path of a log.
func (d *devStack) log(name string) string {
	return filepath.Join(d.dir, "log", name)
}
