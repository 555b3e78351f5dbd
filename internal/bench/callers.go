package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// These are the loads of the comparison: small ones, so that two cores are not busy with what is allowed.
const (
	callerRate  = 2  // what each caller may send, a second
	othersRate  = 7  // what the others send together, a second
	tooMuch     = 10 // how many times its rate the greedy caller sends
	slowSockets = 2000

	socketAddresses = 8               // that the sockets come from
	opening         = 5 * time.Second // how long it takes to open them
)

// besides is the others' transactions beside one more caller.
type besides struct {
	system

	rate    float64 // of the caller; 0 if there is none
	sockets int
	all     *hdrhistogram.Histogram // the others' latencies of every round
}

// benchCallers measures how much one caller that sends too much slows the others down.
func benchCallers(ctx context.Context, rounds int, duration time.Duration) error {
	s, err := startServers(ctx, "")
	defer s.stop()
	if err != nil {
		return err
	}
	service, err := s.start(ctx, serviceOptions{namespace: "default", settings: settingsOf(callerRate)})
	if err != nil {
		return err
	}
	address := service.processes[len(service.processes)-1].address // the api's
	others := newOrders("http://" + address)
	others.keys = keysOf("one", "two", "three", "four")
	of := func(title string) system {
		return system{target: others, title: title, processes: service.processes}
	}
	sides := []besides{
		{of("alone"), 0, 0, newRecorder().result.latency},
		{of("beside one more"), callerRate, 0, newRecorder().result.latency},
		{of("beside a greedy"), callerRate * tooMuch, slowSockets, newRecorder().result.latency},
	}
	if warm := constantRate(ctx, others, othersRate, 5*time.Second); warm.failed > 0 {
		return fmt.Errorf("warm up: %d calls failed, the last with: %w", warm.failed, warm.lastError)
	}
	rows := make([]row, len(sides))
	for i, side := range sides {
		rows[i] = row{fmt.Sprintf("%d/s of others", othersRate), side.title, map[string][]float64{}}
	}
	for range rounds {
		for i, side := range sides {
			figures, err := side.measure(ctx, address, duration)
			if err != nil {
				return err
			}
			rows[i].add(figures)
		}
	}
	out := &report{}
	out.printRows(rows, "rate/s", "p50 ms", "p95 ms", "p99 ms", "failed")
	out.printRows(rows, "CPU ms", "server ms", "worker ms", "fraud_police ms", "api ms")
	out.printRatios(rows, "p50 ms", "p99 ms", "CPU ms")
	for i, row := range rows {
		all := result{latency: sides[i].all}
		fmt.Printf("%s, p99 of each round: %.0f ms; of all %d transactions together: %.1f ms\n",
			row.System, row.Figures["p99 ms"], all.latency.TotalCount(), all.quantile(99).Seconds()*1000)
	}
	return nil
}

// measure measures the others while the caller sends. The caller is a process that runs when a processor would be idle: its own
// work, which a caller does on another machine, then does not delay the service's.
func (b besides) measure(ctx context.Context, address string, duration time.Duration) (map[string]float64, error) {
	others := load{run: func(ctx context.Context, t target) result {
		r := constantRate(ctx, t, othersRate, duration)
		b.all.Merge(r.latency)
		return r
	}}
	if b.rate == 0 {
		return b.under(ctx, others)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	beside, end := context.WithCancel(ctx)
	defer end()
	caller := exec.CommandContext(beside, "chrt",
		"--idle", "0", self, "-api", "http://"+address,
		"-beside", fmt.Sprintf("%g,%d", b.rate, b.sockets))
	caller.Stdout, caller.Stderr = os.Stdout, os.Stderr
	caller.Cancel = func() error { return caller.Process.Signal(os.Interrupt) }
	if err := caller.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", b.title, err)
	}
	select { // until all sockets are open
	case <-time.After(opening + time.Second):
	case <-ctx.Done():
	}
	figures, err := b.under(ctx, others)
	end()
	if ended := caller.Wait(); ended != nil && !errors.Is(ended, context.Canceled) {
		err = errors.Join(err, fmt.Errorf("%s: %w", b.title, ended))
	}
	return figures, err
}

// besideCaller sends as the caller that the others are measured beside, until ctx ends.
func besideCaller(ctx context.Context, api, load string) error {
	var rate float64
	var sockets int
	if _, err := fmt.Sscanf(load, "%g,%d", &rate, &sockets); err != nil {
		return fmt.Errorf("-beside %q: want transactions a second and slow sockets, as 20,2000: %w", load, err)
	}
	caller := newOrders(api)
	caller.keys = keysOf("greedy")
	var all sync.WaitGroup
	var opened atomic.Int64
	for i := range sockets {
		all.Go(func() {
			select { // so that the service does not cut all of them off in one moment
			case <-time.After(time.Duration(i) * opening / time.Duration(sockets)):
			case <-ctx.Done():
			}
			hold(ctx, i, strings.TrimPrefix(api, "http://"), caller.keys[0], &opened)
		})
	}
	sent := constantRate(ctx, caller, rate, time.Hour)
	all.Wait()
	fmt.Printf("beside at %g/s: %d answered, %d refused or cut off, %d sockets opened\n", rate, sent.latency.TotalCount(), sent.failed, opened.Load())
	return nil
}

// hold keeps a connection open for as long as the service lets it, again and again: with a request that does not end, or with
// an answer that is not read. The connections come from several addresses, so that none has more than one may have.
func hold(ctx context.Context, number int, address, key string, opened *atomic.Int64) {
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(number%socketAddresses))} //nolint:gosec // less than 8
	whole := number%2 == 0
	request := "GET /transactions?limit=200 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + key + "\r\n"
	if whole {
		request += "\r\n"
	}
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, 30*time.Second)
		if connection, err := (&net.Dialer{LocalAddr: from}).DialContext(attempt, "tcp", address); err == nil {
			opened.Add(1)
			stop := context.AfterFunc(attempt, func() { _ = connection.Close() })
			if _, err = io.WriteString(connection, request); err == nil && !whole {
				_, _ = io.Copy(io.Discard, connection)
			} else if err == nil {
				<-attempt.Done()
			}
			stop()
			_ = connection.Close()
		}
		cancel()
	}
}

func keysOf(names ...string) (keys []string) {
	for _, name := range names {
		keys = append(keys, "the-key-of-the-client-"+name)
	}
	return keys
}

// settingsOf returns the API's settings with the keys of all callers, and the rate that each may send at.
func settingsOf(rate int) []string {
	var clients []string
	for _, name := range []string{"one", "two", "three", "four", "greedy"} {
		clients = append(clients, name+":"+keysOf(name)[0])
	}
	return []string{
		"API_KEYS=" + strings.Join(clients, ","),
		fmt.Sprintf("HTTP_RATE_PER_CALLER=%d", rate), fmt.Sprintf("HTTP_BURST_PER_CALLER=%d", 2*rate),
	}
}
