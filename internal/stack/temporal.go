package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/joho/godotenv"
	"go.yaml.in/yaml/v4"
)

// TemporalOptions configures Temporal's dev server. The zero value with a Dir is suitable for tests: free ports and no
// Web UI.
type TemporalOptions struct {
	Dir     string // the folder for the database, created if missing
	Program string // the temporal CLI; if empty, StartTemporal finds one
	Config  string // the folder temporal-config; if empty, the project's
	Port    int    // if 0, a free one is chosen
	UIPort  int    // 0 means no Web UI
	// MetricsPort is where it serves metrics for Prometheus; 0 means wherever it likes.
	MetricsPort int
	Namespace   string // created if missing; empty means "default"
	Log         string // if empty, temporal.log in Dir

	Namespaces []string // more of them, created if missing
}

// Temporal is a Temporal server on the loopback interface, with all its services in one process and its data in a
// SQLite file. Several servers can run side by side.
type Temporal struct {
	*Process
	options  TemporalOptions
	httpPort int
}

// StartTemporal starts a server and waits until it is ready, or until ctx ends.
func StartTemporal(ctx context.Context, o TemporalOptions) (*Temporal, error) {
	t := &Temporal{options: o}
	if err := t.complete(ctx); err != nil {
		return nil, fmt.Errorf("start Temporal: %w", err)
	}
	args, err := t.args()
	if err != nil {
		return nil, fmt.Errorf("start Temporal: %w", err)
	}
	env, err := t.env()
	if err != nil {
		return nil, fmt.Errorf("start Temporal: %w", err)
	}
	t.Process, err = StartProcess(Command{
		Name: "Temporal", Path: t.options.Program, Args: args, Env: env, Log: t.options.Log,
	})
	if err != nil {
		return nil, err
	}
	if err := t.serving(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// Start restarts a stopped or killed server, with the same data on the same ports.
func (t *Temporal) Start(ctx context.Context) error {
	if err := t.Process.Start(); err != nil {
		return err
	}
	return t.serving(ctx)
}

// Address returns the address for clients.
func (t *Temporal) Address() string {
	return loopback(t.options.Port)
}

// UIAddress returns the Web UI's URL, or "" if there is no Web UI.
func (t *Temporal) UIAddress() string {
	if t.options.UIPort == 0 {
		return ""
	}
	return "http://" + loopback(t.options.UIPort)
}

// complete sets the options that are empty.
func (t *Temporal) complete(ctx context.Context) error {
	o := &t.options
	if o.Program == "" || o.Config == "" {
		root, err := Root()
		if err != nil {
			return err
		}
		if o.Config == "" {
			o.Config = filepath.Join(root, "temporal-config")
		}
		if o.Program == "" {
			if o.Program, err = FindTemporal(ctx, root); err != nil {
				return err
			}
		}
	}
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	if o.Log == "" {
		o.Log = filepath.Join(o.Dir, "temporal.log")
	}
	if err := checkPorts("Temporal", o.Port, o.UIPort); err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(o.Dir, 0o750), freeUnlessSet(&o.Port, &t.httpPort))
}

// args returns the dev server's flags. The server itself chooses free ports for its inner services and metrics.
//
// What the killed server has committed is kept; a power cut can take the last of it (synchronous=normal). 64 MB of cache
// save the server 6 % of its CPU a workflow; so did 10,000 pages between checkpoints, and a power cut would take more.
// Left alone, since they made no difference: mmap_size, locking_mode=exclusive.
func (t *Temporal) args() ([]string, error) {
	o := t.options
	args := []string{
		"server", "start-dev",
		"--ip", "127.0.0.1", "--port", strconv.Itoa(o.Port), "--http-port", strconv.Itoa(t.httpPort),
		"--namespace", o.Namespace,
		"--db-filename", filepath.Join(o.Dir, "temporal.db"),
		"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal",
		"--sqlite-pragma", "cache_size=-65536", "--sqlite-pragma", "temp_store=memory",
		"--log-format", "json",
	}
	if o.UIPort == 0 {
		args = append(args, "--headless")
	} else {
		args = append(args, "--ui-port", strconv.Itoa(o.UIPort))
	}
	if o.MetricsPort != 0 {
		args = append(args, "--metrics-port", strconv.Itoa(o.MetricsPort))
	}
	for _, namespace := range o.Namespaces {
		args = append(args, "--namespace", namespace)
	}
	config, err := devServerFlags(o.Config)
	return append(args, config...), err
}

// serving waits until the server's parts answer: the frontend, when asked for the namespace, and the history service,
// which is the one to report that a workflow does not exist.
func (t *Temporal) serving(ctx context.Context) error {
	namespace := "http://" + loopback(t.httpPort) + "/api/v1/namespaces/" + t.options.Namespace
	err := t.await(ctx, func(ctx context.Context) error {
		if err := expect(ctx, namespace, http.StatusOK); err != nil {
			return err
		}
		return expect(ctx, namespace+"/workflows/is-history-there", http.StatusNotFound)
	})
	if err != nil {
		t.Kill()
		return fmt.Errorf("start Temporal: %w", err)
	}
	return nil
}

// devServerFlags returns the flags for the settings that the folder temporal-config holds for the dev server.
func devServerFlags(dir string) ([]string, error) {
	settings, err := dynamicConfig(filepath.Join(dir, "dynamicconfig", "dev.yaml"))
	if err != nil {
		return nil, err
	}
	attributes, err := searchAttributes(filepath.Join(dir, "search-attributes"))
	if err != nil {
		return nil, err
	}
	var flags []string
	for _, setting := range settings {
		flags = append(flags, "--dynamic-config-value", setting)
	}
	for _, attribute := range attributes {
		flags = append(flags, "--search-attribute", attribute)
	}
	return flags, nil
}

// dynamicConfig reads a file in the Temporal server's own format and returns its settings as key=JSON.
func dynamicConfig(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read dynamic config: %w", err)
	}
	var file map[string][]struct {
		Value       any            `yaml:"value"`
		Constraints map[string]any `yaml:"constraints"`
	}
	if err := yaml.Load(text, &file, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("read dynamic config %s: %w", path, err)
	}
	settings := make([]string, 0, len(file))
	for _, key := range slices.Sorted(maps.Keys(file)) {
		if len(file[key]) != 1 || len(file[key][0].Constraints) > 0 {
			return nil, fmt.Errorf("read dynamic config %s: %s: must be one value without constraints: the dev server takes no others", path, key)
		}
		value, err := json.Marshal(file[key][0].Value)
		if err != nil {
			return nil, fmt.Errorf("read dynamic config %s: %s: %w", path, key, err)
		}
		settings = append(settings, key+"="+string(value))
	}
	return settings, nil
}

// searchAttributes reads a file of Name=Type lines. It ignores empty lines and comments, which begin with #.
func searchAttributes(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read search attributes: %w", err)
	}
	var attributes []string
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name, kind, _ := strings.Cut(line, "="); name == "" || kind == "" {
			return nil, fmt.Errorf("read search attributes: %s, line %d: must be Name=Type, such as OrderID=Keyword", path, i+1)
		}
		attributes = append(attributes, line)
	}
	return attributes, nil
}

// ServerEnviron returns our own variables for a Temporal server. OTEL_* is left out: it is for our processes, and the server does not
// start with an exporter that only these know, such as console.
func ServerEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "OTEL_") })
}

// env returns the server's environment: our own variables, and those of temporal-config/server.env that ours does not
// set.
func (t *Temporal) env() ([]string, error) {
	path := filepath.Join(t.options.Config, "server.env")
	settings, err := godotenv.Read(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	env := ServerEnviron()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if _, set := os.LookupEnv(name); !set {
			env = append(env, name+"="+settings[name])
		}
	}
	return env, nil
}
