package main

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// These are the forms in which a file shows a secret. The first group is the secret.
var secretForms = []*regexp.Regexp{
	regexp.MustCompile(`[a-z]://[^\s:/@"'` + "`" + `]+:([^\s/@"'` + "`" + `]+)@`),              // a URL with a login
	regexp.MustCompile(`\bpassword ([a-z0-9-]+)[,.)'\n]`),                                      // "user operator, password operator"
	regexp.MustCompile(`(?:[A-Z_]*(?:PASSWORD|PASS|PWD|SECRET|TOKEN|_KEY)):-([^}]+)\}`),        // a default of Compose or a shell
	regexp.MustCompile(`(?m)(?:PASSWORD|PASS|PWD|SECRET|TOKEN|_KEY)["']?(?:=|: +)([^\s#,;]+)`), // an assignment
	regexp.MustCompile(`(?:PASSWORD|PASS|PWD|SECRET|TOKEN|_KEY), default=([^"]+)"`),            // a default in a tag of Go
	regexp.MustCompile(`(?i)["']?(?:password|passwd|secret|token)["']?: *["']([^"']+)["']`),    // JSON, YAML, Go
	regexp.MustCompile(`\b(?:shop|mobile|app):([!-+\--9;-~]{3,})`),                             // an entry of API_KEYS
	regexp.MustCompile(`\b((?:sk|rk)_(?:live|test)_\w{8,}|whsec_[\w+/=]{8,}|[0-9a-f]{32,})\b`), // a key by its look
}

// noSecret matches what stands where a secret could: a reference to a variable, an alias of YAML, an expression or a type of
// Go, and words that say what belongs there.
var noSecret = regexp.MustCompile(`[$<>…%*{}[\]]|^&|^[a-z]\.[A-Z]|^string$`)

// secretsIn returns the secrets in a text.
func secretsIn(text string) []string {
	found := map[string]bool{}
	text = regexp.MustCompile(`(?:sha256:|fingerprint )[0-9a-f]+`).ReplaceAllString(text, "")
	for _, form := range secretForms {
		for _, match := range form.FindAllStringSubmatch(text, -1) {
			if secret := strings.Trim(match[1], "\"'`.;"); secret != "" && !noSecret.MatchString(secret) {
				found[secret] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func TestSecretsIn(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"URL: amqp://orders:one@rabbitmq:5672/", "one"},
		{"postgres://orders:${LEDGER_PASSWORD:-two}@postgres:5432/orders", "two"},
		{"LEDGER_PASSWORD: ${LEDGER_PASSWORD:-three}", "three"},
		{"SMTP_PASSWORD=four\n", "four"},
		{"      POSTGRES_PWD: five # a comment", "five"},
		{"ALERT_LINK_KEY=\"six\"", "six"},
		{`Key string ` + "`" + `env:"CARD_FINGERPRINT_KEY, default=seven"` + "`", "seven"},
		{"(user operator, password eight)", "eight"},
		{`"password": "nine"`, "nine"},
		{"such as shop:ten-long,", "ten-long"},
		{"key: 0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"},
		{"STRIPE=sk_test_0123456789", "sk_test_0123456789"},
		{"url = whsec_MfKQ9r8GKYqrTwjUPD8I", "whsec_MfKQ9r8GKYqrTwjUPD8I"},
		{"CARD_FINGERPRINT_KEY=\nLEDGER_PASSWORD: ${LEDGER_PASSWORD:?a secret of your own}\nsk_live_…", ""},
		{"PGPASSWORD=… psql, SMTP_PASSWORD: *password", ""},
	} {
		require.Equal(t, c.want, strings.Join(secretsIn(c.text), " "), c.text)
	}
}

// published lists the files and folders that people copy settings from, and the code whose messages show examples.
var published = []string{
	"README.md", "CONTRIBUTING.md", "Makefile", "Dockerfile", "env", "docker-compose.yml", "docs", "deploy", "temporal-config", "internal/devstack",
	"internal/devmail", "internal/stack", "cmd/orders", "gateways/ledger", "gateways/rabbitmq",
}

func TestPublishedSecrets(t *testing.T) {
	where := map[string]string{}
	root := os.DirFS("../..")
	for _, name := range published {
		require.NoError(t, fs.WalkDir(root, name, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || path.Ext(file) == ".png" || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "testdata/") {
				return err
			}
			text, err := fs.ReadFile(root, file)
			for _, secret := range secretsIn(string(text)) {
				where[secret] += " " + file
			}
			return err
		}))
	}
	for secret, files := range where {
		assert.True(t, isPublished(secret), "%q is not in publishedSecrets, and stands in%s", secret, files)
	}
	for _, secret := range publishedSecrets {
		assert.NotEmpty(t, where[secret], "%q is in publishedSecrets, and no file holds it", secret)
	}
}

func TestPublishedBrokerPasswords(t *testing.T) {
	users, err := readBrokerUsers(brokerDefinitions)
	require.NoError(t, err)
	require.NotEmpty(t, users)
	for _, user := range users {
		require.True(t, slices.ContainsFunc(publishedSecrets, user.has), "the password of %s is not in publishedSecrets", user.Name)
	}
}

const brokerDefinitions = "../../gateways/rabbitmq/definitions.json"

func TestCheckSecrets(t *testing.T) {
	const (
		own       = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR" // the example of RabbitMQ's documentation
		published = "must hold a secret of your own, since this one is published with the source, where payments are real " +
			"(STRIPE_API_KEY is a live key, or TEST_DOUBLES=refuse); TEST_DOUBLES=allow takes it all the same"
		unknown = "must be one that rabbitmqctl hash_password prints, by rabbit_password_hashing_sha256 or rabbit_password_hashing_sha512, where payments are real " +
			"(STRIPE_API_KEY is a live key, or TEST_DOUBLES=refuse); TEST_DOUBLES=allow takes it all the same"
	)
	file := filepath.Join(t.TempDir(), "definitions.json")
	salted := append([]byte("salt"), "operator"...)
	sum256, sum512 := sha256.Sum256(salted), sha512.Sum512(salted)
	operator256 := base64.StdEncoding.EncodeToString(append([]byte("salt"), sum256[:]...))
	operator512 := base64.StdEncoding.EncodeToString(append([]byte("salt"), sum512[:]...))
	for name, c := range map[string]struct{ password, doubles, hash, algorithm, fault string }{
		"own":                             {"own", "refuse", own, "rabbit_password_hashing_sha256", ""},
		"published password":              {"temporal", "refuse", own, "", "POSTGRES_PASSWORD: " + published},
		"published hash":                  {"own", "refuse", operator256, "rabbit_password_hashing_sha256", file + ": password_hash of the user ada: " + published},
		"published hash by the default":   {"own", "refuse", operator256, "", file + ": password_hash of the user ada: " + published},
		"published hash by SHA-512":       {"own", "refuse", operator512, "rabbit_password_hashing_sha512", file + ": password_hash of the user ada: " + published},
		"hash of another length":          {"own", "refuse", operator256, "rabbit_password_hashing_sha512", file + ": password_hash of the user ada: " + unknown},
		"hash by MD5":                     {"own", "refuse", own, "rabbit_password_hashing_md5", file + ": password_hash of the user ada: " + unknown},
		"published where it is allowed":   {"temporal", "allow", operator256, "", ""},
		"published on a development host": {"temporal", "auto", operator256, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, map[string]string{"POSTGRES_PASSWORD": c.password, "TEST_DOUBLES": c.doubles})
			text := fmt.Sprintf(`{"vhosts": [], "users": [{"name": "ada", "password_hash": %q, "hashing_algorithm": %q, "tags": []}]}`, c.hash, c.algorithm)
			require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
			err := checkSecretsCommand{Definitions: file}.Run(t.Context())
			if c.fault == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, "wrong settings:\n  "+c.fault)
		})
	}
	require.Equal(t, exitFailure, execute(t.Context(), []string{"check-secrets", filepath.Join(t.TempDir(), "none.json")}))
}

// withPublished holds, for each variable that holds a secret, a value with a published one, and a process that reads it.
var withPublished = map[string]struct{ process, value string }{
	"CARD_FINGERPRINT_KEY":   {"api", "development-only-never-a-secret-0"},
	"ALERT_LINK_KEY":         {"alertman", "development-only-never-a-secret-0"},
	"API_KEYS":               {"api", "app:0123456789abcdef,shop:a-long-secret-of-its-own"},
	"LEDGER_URL":             {"worker", "postgres://orders:orders@postgres:5432/orders?sslmode=disable"},
	"RABBITMQ_PUBLISHER_URL": {"worker", "amqp://orders:orders@rabbitmq:5672/"},
	"RABBITMQ_CONSUMER_URL":  {"alertman", "amqp://alertman:alertman@rabbitmq:5672/"},
	"SMTP_PASSWORD":          {"alertman", "secret"},
	"SMS_AUTH_TOKEN":         {"alertman", "secret"},
}

// ownSecrets sets what alone keeps a process from starting where payments are real.
var ownSecrets = map[string]string{
	"RABBITMQ_PUBLISHER_URL": "amqp://orders:own@localhost/", "RABBITMQ_CONSUMER_URL": "amqp://alertman:own@localhost/",
	"PAYMENT_GATEWAYS": "card:stripe,*:refuse", "STRIPE_API_KEY": aStripeKey,
	"SMTP_HOSTNAME": "mail.example.com", "SMS_ACCOUNT_SID": "AC00000000000000000000000000000001", "SMS_FROM": "+4930123456", "SMS_AUTH_TOKEN": "own",
}

func TestRefusePublished(t *testing.T) {
	for name, c := range withPublished {
		t.Run(name, func(t *testing.T) {
			for _, outside := range []map[string]string{{"TEST_DOUBLES": "refuse"}, {"STRIPE_API_KEY": aLiveKey}} {
				vars := maps.Clone(ownSecrets)
				maps.Copy(vars, outside)
				vars[name] = c.value
				require.Equal(t, []string{name + ": must hold a secret of your own, since this one is published with the source, where payments are real " +
					"(STRIPE_API_KEY is a live key, or TEST_DOUBLES=refuse); TEST_DOUBLES=allow takes it all the same"}, faultsOf(t, c.process, vars))
			}
			for _, inside := range []map[string]string{{}, {"TEST_DOUBLES": "allow", "STRIPE_API_KEY": aLiveKey}} {
				vars := maps.Clone(ownSecrets)
				maps.Copy(vars, inside)
				vars[name], vars["LOG_LEVEL"] = c.value, "loud" // the one fault, so that the process does not start
				require.Equal(t, []string{`LOG_LEVEL="loud": must be one of debug, info, warn, error`}, faultsOf(t, c.process, vars))
			}
		})
	}
}

func TestRefusePublishedOfEachVariable(t *testing.T) {
	secret := regexp.MustCompile(`(PASSWORD|TOKEN|_KEYS?|SECRET|LEDGER_URL|RABBITMQ_\w+_URL)$`)
	for name := range defaults(t) {
		if secret.MatchString(name) && name != "STRIPE_API_KEY" { // whose form no published secret has
			require.Contains(t, withPublished, name)
		}
	}
}
