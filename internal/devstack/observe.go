package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"dummyorders/internal/stack"
)

// startPrometheus starts Prometheus and Alertmanager, if the settings want them, over everything that runs.
func (d *devStack) startPrometheus(ctx context.Context) error {
	if d.plan.prometheus == 0 {
		return nil
	}
	targets := d.targets
	if d.rabbitmq != nil {
		address := fmt.Sprintf("127.0.0.1:%d", d.plan.rabbitmqMetrics)
		targets = append(targets, stack.Target{Job: "rabbitmq", Address: address, Path: "/metrics/per-object"})
	}
	if d.temporal != nil {
		targets = append(targets, stack.Target{Job: "temporal", Address: fmt.Sprintf("127.0.0.1:%d", d.plan.temporalMetrics)})
	}
	start := time.Now()
	observe, consoles := filepath.Join(d.root, "deploy", "observe"), filepath.Join(d.dir, "prometheus", "consoles")
	if err := writeConsoles(filepath.Join(observe, "dashboards"), consoles); err != nil {
		return err
	}
	server, err := stack.StartPrometheus(ctx, stack.PrometheusOptions{
		Dir: filepath.Join(d.dir, "prometheus"), Config: observe, Consoles: consoles,
		Port: d.plan.prometheus, AlertmanagerPort: d.plan.alertmanager, Targets: targets,
		API: d.plan.api,
	})
	if err != nil {
		return err
	}
	d.observer = server
	d.watch(server.Process)
	d.up("Prometheus", server.URL(), start)
	return nil
}
