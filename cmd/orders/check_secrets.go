package main

import (
	"context"
	"crypto"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/sethvargo/go-envconfig"
)

// checkSecretsCommand checks the secrets of the servers, which the processes do not see.
type checkSecretsCommand struct {
	Definitions string `arg:"" help:"The file of definitions that RabbitMQ loads."`
}

// Run refuses published secrets in POSTGRES_PASSWORD and in RabbitMQ's definitions where payments are real.
func (c checkSecretsCommand) Run(ctx context.Context) error {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	var servers struct {
		PostgresPassword string `env:"POSTGRES_PASSWORD"`
	}
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &servers, Lookuper: lookup()}); err != nil {
		return fmt.Errorf("read POSTGRES_PASSWORD: %w", err)
	}
	users, err := readBrokerUsers(c.Definitions)
	if err != nil {
		return err
	}
	v := &values{}
	env.refusePublished(v, "POSTGRES_PASSWORD", servers.PostgresPassword)
	for _, user := range users {
		name := fmt.Sprintf("%s: password_hash of the user %s", c.Definitions, user.Name)
		if algorithm, known := user.algorithm(); !known || len(user.Hash) != saltBytes+algorithm.Size() {
			env.refuseDouble(v, name, "must be one that rabbitmqctl hash_password prints, by rabbit_password_hashing_sha256 or rabbit_password_hashing_sha512")
			continue
		}
		if at := slices.IndexFunc(publishedSecrets, user.has); at >= 0 {
			env.refusePublished(v, name, publishedSecrets[at])
		}
	}
	return v.err()
}

// brokerUser is a user in RabbitMQ's definitions.
type brokerUser struct {
	Name      string
	Hash      []byte `json:"password_hash"`
	Algorithm string `json:"hashing_algorithm"`
}

func readBrokerUsers(file string) ([]brokerUser, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read RabbitMQ's definitions: %w", err)
	}
	var definitions struct{ Users []brokerUser }
	if err := json.Unmarshal(text, &definitions); err != nil {
		return nil, fmt.Errorf("read RabbitMQ's definitions in %s: %w", file, err)
	}
	return definitions.Users, nil
}

// saltBytes come before the hash: see https://www.rabbitmq.com/docs/passwords#computing-password-hash.
const saltBytes = 4

// algorithm returns how the user's password is hashed. RabbitMQ takes SHA-256 if the definitions do not say.
func (u brokerUser) algorithm() (algorithm crypto.Hash, known bool) {
	algorithm, known = map[string]crypto.Hash{
		"":                               crypto.SHA256,
		"rabbit_password_hashing_sha256": crypto.SHA256,
		"rabbit_password_hashing_sha512": crypto.SHA512,
	}[u.Algorithm]
	return algorithm, known
}

// has reports whether a secret is the user's password. The user must have a hash of a known algorithm.
func (u brokerUser) has(secret string) bool {
	algorithm, _ := u.algorithm()
	hash := algorithm.New()
	hash.Write(u.Hash[:saltBytes])
	hash.Write([]byte(secret))
	return slices.Equal(hash.Sum(nil), u.Hash[saltBytes:])
}
