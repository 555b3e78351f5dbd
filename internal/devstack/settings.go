package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/joho/godotenv"
	"github.com/sethvargo/go-envconfig"
)

// settings are the variables that say where the servers are. They and their defaults are those of cmd/orders, but for
// the last, which only the dev stack has, and for API_URL, which is here by default where the API is.
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
	LogFormat          string `env:"LOG_FORMAT"`
	ManagementPort     int    `env:"RABBITMQ_MANAGEMENT_PORT, default=15672"`
}

// readSettings reads the process's environment, and where that says nothing the file.
func readSettings(ctx context.Context, file map[string]string) (settings, error) {
	var s settings
	lookup := envconfig.LookuperFunc(func(key string) (string, bool) {
		if value, _ := os.LookupEnv(key); value != "" {
			return value, true
		}
		return file[key], file[key] != ""
	})
	err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &s, Lookuper: lookup})
	return s, err
}

// makeKeys gives the settings the keys that nobody has chosen.
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

// readFile reads .env, or env where there is none.
func readFile(root string) (map[string]string, error) {
	values, err := godotenv.Read(filepath.Join(root, ".env"))
	if err == nil {
		return values, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read .env: %w", err)
	}
	values, err = godotenv.Read(filepath.Join(root, "env"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read env: %w", err)
	}
	delete(values, "LOG_FORMAT") // a default for machines; nobody has chosen it for this terminal
	delete(values, "API_URL")    // the API may be on another port
	return values, nil
}

// runFolder holds everything that a dev stack keeps: databases, mail, logs. Removing it while none runs starts anew.
const runFolder = ".run"

// lock makes sure that one dev stack at a time uses a folder. The kernel opens the lock when its holder ends.
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

// The keys in the folder. With another fingerprint key, yesterday's cards would be strangers; with another link key, the
// links in yesterday's mail would be none.
const (
	fingerprintKey = "card-fingerprint-key"
	linkKey        = "alert-link-key"
)

// keptKey is a key in the folder, made on the first run.
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
