package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joho/godotenv"
	"go.yaml.in/yaml/v4"

	"dummyorders/internal/stack"
)

// composed says how Compose runs Temporal's server and PostgreSQL.
type composed struct {
	title    string
	env      map[string]string // of Temporal's server
	dynamic  map[string]any    // Temporal's dynamic config
	postgres []string          // PostgreSQL's settings, such as shared_buffers=256MB
}

// unset has the servers' own defaults, and what every server needs.
var unset = composed{title: "defaults", env: map[string]string{"DB": "postgres12", "LOG_LEVEL": "warn", "PROMETHEUS_ENDPOINT": "any"}}

// readComposed returns what docker-compose.yml and temporal-config say.
func readComposed(root string) (composed, error) {
	var file struct {
		Services struct {
			Temporal struct{ Environment map[string]string }
		}
	}
	c := composed{title: "as shipped"}
	var err error
	if c.env, err = godotenv.Read(filepath.Join(root, "temporal-config", "server.env")); err != nil {
		return c, fmt.Errorf("read the server's environment: %w", err)
	}
	if err := readYAML(filepath.Join(root, "docker-compose.yml"), &file); err != nil {
		return c, err
	}
	maps.Copy(c.env, file.Services.Temporal.Environment)
	return c, readYAML(filepath.Join(root, "temporal-config", "dynamicconfig", "docker.yaml"), &c.dynamic)
}

func readYAML(path string, into any) error {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return err
	}
	if err := yaml.Load(text, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// with returns the same with settings changed, of each server: DB=postgres12 is in the environment of Temporal's,
// history.shardIOConcurrency=16 in its dynamic config, and jit=off is PostgreSQL's.
func (c composed) with(settings string) (composed, error) {
	c.title, c.env, c.dynamic, c.postgres = settings, maps.Clone(c.env), maps.Clone(c.dynamic), slices.Clone(c.postgres)
	for setting := range strings.FieldsSeq(settings) {
		name, value, found := strings.Cut(setting, "=")
		switch {
		case !found:
			return c, fmt.Errorf("-try %q: %s must be NAME=VALUE", settings, setting)
		case strings.Contains(name, "."):
			var typed any
			if err := yaml.Load([]byte(value), &typed); err != nil {
				return c, fmt.Errorf("-try %q: %s: %w", settings, setting, err)
			}
			c.dynamic[name] = []any{map[string]any{"value": typed}}
		case strings.ToUpper(name) == name:
			c.env[name] = value
		default:
			c.postgres = append(c.postgres, setting)
		}
	}
	return c, nil
}

// benchCompose measures the servers as Compose runs them beside those with the servers' defaults: with the floor and with transactions,
// whose ledger is in the same PostgreSQL. With settings to try it measures only the floor, for each of them as well.
func (p plan) benchCompose(ctx context.Context) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	shipped, err := readComposed(root)
	if err != nil {
		return err
	}
	all := []composed{unset}
	for _, settings := range p.tries {
		one, err := shipped.with(settings)
		if err != nil {
			return err
		}
		all = append(all, one)
	}
	all = append(all, shipped)
	started, systems := make([]*servers, len(all)), make([]system, len(all))
	for i, one := range all {
		started[i] = &servers{root: root}
		defer started[i].stop()
		if err := started[i].startComposed(ctx, one); err != nil {
			return err
		}
		if systems[i], _, err = started[i].floors(); err != nil {
			return err
		}
		systems[i].title = "floor, " + one.title
	}
	if err := p.compare(ctx, p.loads(1, 10, 50), systems); err != nil || len(p.tries) > 0 {
		return err
	}
	for i, s := range started {
		if err := s.startBroker(ctx); err != nil {
			return err
		}
		if err := s.postgres.SetUpLedger(ctx); err != nil {
			return err
		}
		options := serviceOptions{title: "POST /transact, " + all[i].title, namespace: "default", ledger: s.postgres.URL("orders", "orders")}
		if systems[i], err = s.start(ctx, options); err != nil {
			return err
		}
	}
	return p.compare(ctx, p.loads(1, 10, 50), systems)
}

// imageDefaults are PostgreSQL's own, as the public image has them and stack.StartPostgres does not.
var imageDefaults = []string{
	"shared_buffers=128MB", "max_connections=100", "max_worker_processes=8", "autovacuum_max_workers=3", "max_wal_size=1GB", "min_wal_size=80MB",
}

// startComposed starts PostgreSQL and Temporal's server, and sets both up.
func (s *servers) startComposed(ctx context.Context, c composed) (err error) {
	if s.dir, err = os.MkdirTemp("", "orders-bench-"); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "starting PostgreSQL and Temporal:", c.title)
	s.postgres, err = stack.StartPostgres(ctx, stack.PostgresOptions{
		Dir: filepath.Join(s.dir, "postgres"), Settings: slices.Concat(imageDefaults, c.postgres),
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, s.postgres.Stop)
	compiled := filepath.Join(s.root, ".run", "temporal-server")
	port := fmt.Sprint(s.postgres.Port())
	if err := s.setUpTemporal(ctx, "schema.sh", compiled, "SQL_HOST=127.0.0.1", "SQL_PORT="+port, "SQL_USER=postgres", "SQL_PASSWORD=postgres"); err != nil {
		return err
	}
	set, err := s.environment(c, port)
	if err != nil {
		return err
	}
	env := stack.ServerEnviron()
	for name, value := range set {
		env = append(env, name+"="+value)
	}
	server, err := stack.StartProcess(stack.Command{
		Name: "Temporal", Path: filepath.Join(compiled, "server"), Args: []string{"start"}, Env: env, Dir: s.dir, Log: filepath.Join(s.dir, "temporal.log"),
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, server.Stop)
	if err := server.WaitHealthy(ctx, "http://127.0.0.1:"+set["FRONTEND_HTTP_PORT"]+"/api/v1/cluster-info"); err != nil {
		return err
	}
	s.address = "127.0.0.1:" + set["FRONTEND_GRPC_PORT"]
	s.counted = []process{{kinds[0], s.address, server}, {postgresKind, "", s.postgres.Process}}
	return s.setUpTemporal(ctx, "setup.sh", filepath.Join(s.root, "bin"), "TEMPORAL_ADDRESS="+s.address)
}

// setUpTemporal runs a script of temporal-config, with programs from a folder and variables.
func (s *servers) setUpTemporal(ctx context.Context, name, programs string, env ...string) error {
	script := exec.CommandContext(ctx, "/bin/sh", filepath.Join(s.root, "temporal-config", name))
	script.Env = append(append(os.Environ(), "PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH")), env...)
	if said, err := script.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, said)
	}
	return nil
}

// environment returns the variables of Temporal's server, with ports of its own.
func (s *servers) environment(c composed, postgresPort string) (map[string]string, error) {
	set := maps.Clone(c.env)
	for _, name := range []string{
		"FRONTEND_GRPC_PORT", "FRONTEND_HTTP_PORT", "FRONTEND_MEMBERSHIP_PORT", "MATCHING_GRPC_PORT", "MATCHING_MEMBERSHIP_PORT",
		"HISTORY_GRPC_PORT", "HISTORY_MEMBERSHIP_PORT", "WORKER_GRPC_PORT", "WORKER_MEMBERSHIP_PORT", "PROMETHEUS_ENDPOINT",
	} {
		port, err := stack.FreePort()
		if err != nil {
			return nil, err
		}
		set[name] = fmt.Sprint(port)
	}
	if set["PROMETHEUS_ENDPOINT"] = "127.0.0.1:" + set["PROMETHEUS_ENDPOINT"]; c.env["PROMETHEUS_ENDPOINT"] == "" {
		delete(set, "PROMETHEUS_ENDPOINT")
	}
	dynamic := filepath.Join(s.dir, "dynamic.yaml")
	text, err := json.Marshal(c.dynamic)
	if err := errors.Join(err, os.WriteFile(dynamic, text, 0o600)); err != nil {
		return nil, fmt.Errorf("write dynamic config: %w", err)
	}
	maps.Copy(set, map[string]string{
		"BIND_ON_IP": "127.0.0.1", "POSTGRES_SEEDS": "127.0.0.1", "DB_PORT": postgresPort, "POSTGRES_USER": "postgres", "POSTGRES_PWD": "postgres",
		"DYNAMIC_CONFIG_FILE_PATH": dynamic,
	})
	return set, nil
}
