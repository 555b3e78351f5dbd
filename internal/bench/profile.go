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

// takeProfiles takes CPU profiles of the processes under load, and writes them to a folder, where their program is too.
func takeProfiles(ctx context.Context, folder string, duration time.Duration) error {
	s, err := startServers(ctx, "")
	defer s.stop()
	if err != nil {
		return err
	}
	program, err := filepath.Abs(filepath.Join(folder, "orders"))
	if err != nil {
		return err
	}
	service, err := s.start(ctx, serviceOptions{
		namespace: "default", binary: program, settings: append(settingsOf(1000), "PROFILE_SOCKETS="+s.dir),
	})
	if err != nil {
		return err
	}
	callers := newOrders("http://" + service.processes[len(service.processes)-1].address)
	callers.keys = keysOf("one", "two", "three", "four")
	if result := closedLoop(ctx, callers, 10, 5*time.Second); result.latency.TotalCount() == 0 { // warm up
		return fmt.Errorf("all calls failed, the last with: %w", result.lastError)
	}
	taking, ctx := errgroup.WithContext(ctx)
	for _, name := range []string{"worker", "fraud-police", "api"} {
		taking.Go(func() error {
			return takeProfile(ctx, filepath.Join(s.dir, name), filepath.Join(folder, name+".pprof"), duration)
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
