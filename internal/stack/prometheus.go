package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// PrometheusOptions configures a Prometheus with its Alertmanager. With a Dir and a Config it is suitable for tests: free ports.
type PrometheusOptions struct {
	Dir              string // the folder for data and configuration, created if missing
	Config           string // deploy/observe
	Consoles         string // the folder of pages that it serves under /consoles/; may be empty
	Port             int    // if 0, a free one is chosen
	AlertmanagerPort int    // if 0, a free one is chosen
	Targets          []Target
	API              string // the API's address, such as http://127.0.0.1:9001, to which alarms go; if empty, they go nowhere
}

// Target is what Prometheus asks for metrics.
type Target struct {
	Job     string
	Address string // host:port
	Path    string // empty means /metrics
}

// Prometheus is a Prometheus on the loopback interface, with the rules of deploy/observe and an Alertmanager.
type Prometheus struct {
	*Process
	alertmanager *Process
	options      PrometheusOptions
}

// StartPrometheus starts both, and waits until they are ready, or until ctx ends.
func StartPrometheus(ctx context.Context, o PrometheusOptions) (*Prometheus, error) {
	p := &Prometheus{options: o}
	if err := p.configure(); err != nil {
		return nil, fmt.Errorf("configure Prometheus: %w", err)
	}
	var err error
	p.alertmanager, err = StartProcess(Command{
		Name: "Alertmanager", Path: "prometheus-alertmanager", Log: filepath.Join(o.Dir, "alertmanager.log"),
		Args: []string{
			"--config.file=" + filepath.Join(o.Dir, "alertmanager.yml"), "--storage.path=" + filepath.Join(o.Dir, "alertmanager"),
			"--web.listen-address=" + loopback(p.options.AlertmanagerPort), "--cluster.listen-address=",
		},
	})
	if err != nil {
		return nil, err
	}
	p.Process, err = StartProcess(Command{
		Name: "Prometheus", Path: "prometheus", Log: filepath.Join(o.Dir, "prometheus.log"),
		Args: []string{
			"--config.file=" + filepath.Join(o.Dir, "prometheus-laptop.yml"), "--storage.tsdb.path=" + filepath.Join(o.Dir, "data"),
			"--web.listen-address=" + loopback(p.options.Port), "--enable-feature=exemplar-storage",
			"--web.console.templates=" + o.Consoles,
		},
	})
	if err != nil {
		p.alertmanager.Kill()
		return nil, err
	}
	err = errors.Join(p.Process.WaitHealthy(ctx, p.URL()+"/-/ready"), p.alertmanager.WaitHealthy(ctx, p.AlertmanagerURL()+"/-/ready"))
	if err != nil {
		p.Kill()
		p.alertmanager.Kill()
		return nil, err
	}
	return p, nil
}

// Stop stops both.
func (p *Prometheus) Stop(ctx context.Context) error {
	return errors.Join(p.Process.Stop(ctx), p.alertmanager.Stop(ctx))
}

// URL returns Prometheus' address.
func (p *Prometheus) URL() string {
	return "http://" + loopback(p.options.Port)
}

// AlertmanagerURL returns Alertmanager's address.
func (p *Prometheus) AlertmanagerURL() string {
	return "http://" + loopback(p.options.AlertmanagerPort)
}

// configure copies the configuration, and writes the targets beside it.
func (p *Prometheus) configure() error {
	o := &p.options
	if err := errors.Join(freeUnlessSet(&o.Port, &o.AlertmanagerPort), os.MkdirAll(o.Dir, 0o750)); err != nil {
		return err
	}
	for _, name := range []string{"prometheus-laptop.yml", "alerts.yml", "alertmanager.yml"} {
		text, err := os.ReadFile(filepath.Join(o.Config, name))
		if err != nil {
			return err
		}
		if o.API != "" {
			text = bytes.ReplaceAll(text, []byte("http://api:9001"), []byte(o.API))
		}
		if err := os.WriteFile(filepath.Join(o.Dir, name), text, 0o600); err != nil { //nolint:gosec // the folder is the caller's
			return err
		}
	}
	var targets []targetGroup
	for _, t := range o.Targets {
		labels := map[string]string{"job": t.Job}
		if t.Path != "" {
			labels["__metrics_path__"] = t.Path
		}
		targets = append(targets, targetGroup{Targets: []string{t.Address}, Labels: labels})
	}
	alertmanager := []targetGroup{{Targets: []string{loopback(o.AlertmanagerPort)}}}
	return errors.Join(writeTargets(o.Dir, "targets.json", targets), writeTargets(o.Dir, "alertmanagers.json", alertmanager))
}

// targetGroup is an entry of a file for Prometheus' file_sd_configs.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels,omitempty"`
}

func writeTargets(dir, name string, groups []targetGroup) error {
	text, err := json.MarshalIndent(groups, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), text, 0o600)
}
