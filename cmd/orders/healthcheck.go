package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"dummyorders/internal/localhost"
)

// healthcheckCommand checks a process's health in containers that have no curl.
type healthcheckCommand struct {
	Address string `arg:"" optional:"" help:"The address at which the process serves /readyz. By default HEALTH_ADDRESS, or HTTP_ADDRESS if that is empty."`
	jsonFlag
}

// readiness is a process's health as JSON shows it.
type readiness struct {
	Address string `json:"address"`
	Ready   bool   `json:"ready"`
	Why     string `json:"why,omitempty"` // it is not ready, or that is not known
}

// Run fails if the process is not ready.
func (h healthcheckCommand) Run(ctx context.Context) error {
	if h.Address == "" {
		env, err := readEnvironment(ctx, lookup())
		if err != nil {
			return err
		}
		h.Address = env.HTTPAddress
		if env.HealthAddress != "" {
			h.Address = env.HealthAddress
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	err := askReady(ctx, h.Address)
	if !h.JSON {
		return err
	}
	shown := readiness{Address: h.Address, Ready: err == nil}
	if err != nil {
		shown.Why = err.Error()
	}
	return errors.Join(printJSON(stdout, shown), err)
}

func askReady(ctx context.Context, address string) error {
	url, err := localhost.URL(address)
	if err != nil {
		return err
	}
	url += "/readyz"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return fmt.Errorf("not ready: %s: %s", answer.Status, bytes.TrimSpace(body))
	}
	return nil
}
