package stack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	askEvery    = 100 * time.Millisecond
	answerIn    = 5 * time.Second
	startWithin = 2 * time.Minute // enough for a slow and busy machine
)

// WaitHealthy waits until the URL answers 200. It fails if the process ends, or after two minutes.
func (p *Process) WaitHealthy(ctx context.Context, url string) error {
	return p.await(ctx, func(ctx context.Context) error { return expect(ctx, url, http.StatusOK) })
}

// await repeats ask until it returns nil.
func (p *Process) await(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWithin, fmt.Errorf("not ready after %s", startWithin))
	defer cancel()
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		select {
		case <-p.Done():
			last = nil
			return struct{}{}, backoff.Permanent(p.Exit())
		default:
			last = ask(ctx)
			return struct{}{}, last
		}
	}, backoff.WithBackOff(backoff.NewConstantBackOff(askEvery)), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return nil
	case last == nil:
		return err
	default:
		return fmt.Errorf("wait for %s: %w (%w)%s", p.command.Name, err, last, lastLines(p.command.Log))
	}
}

// expect requests the URL once. If the status differs, it returns an error with the beginning of the answer.
func expect(ctx context.Context, url string, status int) error {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Close = true // an open connection would delay the next stop
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == status {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 300)) // if reading fails, the status is enough
	return fmt.Errorf("%s answers %s: %s", url, answer.Status, strings.TrimSpace(string(body)))
}
