package stack

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joho/godotenv"
	"go.yaml.in/yaml/v4"
)

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
