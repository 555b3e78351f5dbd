package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/joho/godotenv"
	"github.com/sethvargo/go-envconfig"

	"dummyorders/internal/localhost"
)

// settings holds the variables that say where the servers are, and how callers are known. Names and defaults are
// those of cmd/orders; only the dev stack has the last four. Where no default stands here, the dev stack makes the keys, and takes its own
// addresses for API_URL and DESK_URL, and on a terminal pretty for LOG_FORMAT. The processes have the other defaults.
type settings struct {
	HTTPAddress        string `env:"HTTP_ADDRESS, default=127.0.0.1:9001"`
	TemporalAddress    string `env:"TEMPORAL_ADDRESS, default=localhost:7233"`
	TemporalNamespace  string `env:"TEMPORAL_NAMESPACE, default=default"`
	WebUIURL           string `env:"WEB_UI_URL, default=http://localhost:8233"`
	PublisherURL       string `env:"RABBITMQ_PUBLISHER_URL, default=amqp://orders:orders@localhost:5672/"`
	ConsumerURL        string `env:"RABBITMQ_CONSUMER_URL, default=amqp://alertman:alertman@localhost:5672/"`
	SMTPHostname       string `env:"SMTP_HOSTNAME, default=localhost"`
	SMTPPort           string `env:"SMTP_PORT, default=1025"`
	CardFingerprintKey string `env:"CARD_FINGERPRINT_KEY"`
	APIURL             string `env:"API_URL"`
	AlertLinkKey       string `env:"ALERT_LINK_KEY"`
	LedgerURL          string `env:"LEDGER_URL, default=sqlite:.run/orders-ledger.db"`
	PaymentGateways    string `env:"PAYMENT_GATEWAYS, default=*:simulated"`
	LogFormat          string `env:"LOG_FORMAT"`
	OIDCIssuer         string `env:"OIDC_ISSUER"`
	DeskAddress        string `env:"DESK_ADDRESS, default=127.0.0.1:9002"`
	DeskURL            string `env:"DESK_URL"`
	APIKeys            string `env:"API_KEYS"`
	StoredKeys         string `env:"API_KEYS_IN_LEDGER"`
	APIOpen            string `env:"API_OPEN"`
	TestDoubles        string `env:"TEST_DOUBLES"`
	StripeAPIKey       string `env:"STRIPE_API_KEY"`
	ManagementPort     int    `env:"RABBITMQ_MANAGEMENT_PORT, default=15672"`
	Observe            bool   `env:"OBSERVE"`
	PrometheusPort     int    `env:"PROMETHEUS_PORT, default=9090"`
	AlertmanagerPort   int    `env:"ALERTMANAGER_PORT, default=9093"`
}

// readSettings reads the process's environment, and the file for variables that are not set there.
func readSettings(ctx context.Context, file map[string]string) (settings, error) {
	var s settings
	lookup := envconfig.LookuperFunc(func(key string) (string, bool) {
		if value, _ := os.LookupEnv(key); value != "" {
			return value, true
		}
		return file[key], file[key] != ""
	})
	err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &s, Lookuper: lookup})
	if s.DeskURL == "" {
		s.DeskURL, _ = localhost.URL(s.DeskAddress) // the desk refuses a wrong address, and that of another machine
	}
	return s, err
}

// makeKeys sets the keys that the user has not chosen.
func (s *settings) makeKeys(dir string) (err error) {
	if s.CardFingerprintKey == "" {
		if s.CardFingerprintKey, err = keptKey(dir, fingerprintKey); err != nil {
			return err
		}
	}
	if s.AlertLinkKey == "" {
		s.AlertLinkKey, err = keptKey(dir, linkKey)
	}
	return err
}

// readFile reads .env, or env if there is no .env. Where .env, which begins as a copy of env, says of LOG_FORMAT and API_URL what env
// says, the user has not chosen it.
func readFile(root string) (map[string]string, error) {
	var files []map[string]string
	for _, name := range []string{".env", "env"} {
		values, err := godotenv.Read(filepath.Join(root, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		files = append(files, values)
	}
	values, defaults := files[0], files[1]
	if len(values) == 0 {
		values = maps.Clone(defaults)
	}
	for _, name := range []string{
		"LOG_FORMAT", // that of env is for machines, and this may be a terminal
		"API_URL",    // the API may be on another port
	} {
		if values[name] == defaults[name] {
			delete(values, name)
		}
	}
	return values, nil
}

// runFolder holds everything that a dev stack stores: databases, mail, logs. Remove it while no dev stack runs to start
// afresh.
const runFolder = ".run"

// lock makes sure that only one dev stack at a time uses a folder. The kernel releases the lock when its holder ends.
func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make a folder for the dev stack's data: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("another dev stack uses %s: stop it first", dir)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// These are the files of the keys in the folder. With another fingerprint key, the cards of earlier runs would not be
// recognized; with another link key, the links in earlier mail would not work.
const (
	fingerprintKey = "card-fingerprint-key"
	linkKey        = "alert-link-key"
)

// keptKey returns a key that is stored in the folder. The first run makes it.
func keptKey(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	kept, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(kept)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the %s: %w", name, err)
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	key := hex.EncodeToString(secret)
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the %s: %w", name, err)
	}
	return key, nil
}
