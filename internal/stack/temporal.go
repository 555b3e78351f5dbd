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

// TemporalOptions say how to run Temporal's dev server. Its zero value, but for Dir, is for tests: free ports and no
// Web UI.
type TemporalOptions struct {
	Dir       string // where its database is, made if it is not there
	Program   string // the temporal CLI; empty finds one
	Config    string // the folder temporal-config; empty is the project's
	Port      int    // 0 picks a free one
	UIPort    int    // 0 is no Web UI
	Namespace string // made if it is not there; empty is "default"
	Log       string // empty is temporal.log in Dir
}

// Temporal is a Temporal server with all its services in one process, its data in a SQLite file, on the loopback
// interface. Several run side by side.
type Temporal struct {
	*Process
	options  TemporalOptions
	httpPort int
}

// StartTemporal starts a server and waits until it serves, or ctx ends.
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

// Start starts the server again after it was stopped or killed, with the same data on the same ports.
func (t *Temporal) Start(ctx context.Context) error {
	if err := t.Process.Start(); err != nil {
		return err
	}
	return t.serving(ctx)
}

// Address is where clients connect.
func (t *Temporal) Address() string {
	return loopback(t.options.Port)
}

// UIAddress is the Web UI's URL, or empty when there is none.
func (t *Temporal) UIAddress() string {
	if t.options.UIPort == 0 {
		return ""
	}
	return "http://" + loopback(t.options.UIPort)
}

// complete fills in what the options leave open.
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

// args are the dev server's flags. The ports of its inner services and of its metrics are free ones that it picks
// itself.
func (t *Temporal) args() ([]string, error) {
	o := t.options
	args := []string{
		"server", "start-dev",
		"--ip", "127.0.0.1", "--port", strconv.Itoa(o.Port), "--http-port", strconv.Itoa(t.httpPort),
		"--namespace", o.Namespace,
		"--db-filename", filepath.Join(o.Dir, "temporal.db"),
		"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal",
		"--log-format", "json",
	}
	if o.UIPort == 0 {
		args = append(args, "--headless")
	} else {
		args = append(args, "--ui-port", strconv.Itoa(o.UIPort))
	}
	config, err := devServerFlags(o.Config)
	return append(args, config...), err
}

// serving waits until the server's parts answer: the frontend for the namespace, and the history service, which is
// what says that there is no such workflow.
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

// devServerFlags are the flags that give the dev server what the folder temporal-config holds for it.
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

// dynamicConfig reads a file in the Temporal server's own format, and gives its settings as key=JSON.
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

// searchAttributes reads a file of Name=Type lines; empty lines and those that begin with # are for people.
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

// env is the server's environment: ours, and what temporal-config/server.env says where ours does not.
func (t *Temporal) env() ([]string, error) {
	path := filepath.Join(t.options.Config, "server.env")
	settings, err := godotenv.Read(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	env := os.Environ()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if _, set := os.LookupEnv(name); !set {
			env = append(env, name+"="+settings[name])
		}
	}
	return env, nil
}
