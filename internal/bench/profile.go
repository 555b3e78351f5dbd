package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// socketOf returns the socket on which a process serves its profiles, if it was built with the tag profile.
func socketOf(dir, name string) string { return filepath.Join(dir, name+".profile") }

// takeProfiles takes CPU profiles of the processes under load, and writes them to a folder, where their program is too.
func takeProfiles(ctx context.Context, folder string, duration time.Duration) error {
	dir, err := os.MkdirTemp("", "orders-profile-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	address, stop, err := startOrders(ctx, dir, filepath.Join(folder, "orders"), 1000)
	defer stop()
	if err != nil {
		return err
	}
	callers := newOrders("http://" + address)
	callers.keys = keysOf("one", "two", "three", "four")
	if result := closedLoop(ctx, callers, 10, 5*time.Second); result.latency.TotalCount() == 0 { // warm up
		return fmt.Errorf("all calls failed, the last with: %w", result.lastError)
	}
	taking, ctx := errgroup.WithContext(ctx)
	for _, name := range []string{"worker", "fraud-police", "api"} {
		taking.Go(func() error {
			return takeProfile(ctx, socketOf(dir, name), filepath.Join(folder, name+".pprof"), duration)
		})
	}
	result := closedLoop(ctx, callers, 10, duration)
	fmt.Printf("%d transactions, %d failed\n", result.latency.TotalCount(), result.failed)
	return taking.Wait()
}

func takeProfile(ctx context.Context, socket, path string, duration time.Duration) error {
	process := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	url := fmt.Sprintf("http://process/debug/pprof/profile?seconds=%.0f", duration.Seconds())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := process.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	profile, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("take profile %s: %w", path, err)
	}
	return os.WriteFile(path, profile, 0o600)
}
