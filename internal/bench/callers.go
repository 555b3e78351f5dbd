package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"dummyorders/internal/stack"
)

// These are the loads of the comparison: small ones, so that two cores are not busy with what is allowed.
const (
	callerRate  = 2  // what each caller may send, a second
	othersRate  = 5  // what the others send together, a second
	tooMuch     = 10 // how many times its rate the greedy caller sends
	slowSockets = 2000
)

// besides is the others' transactions beside one more caller.
type besides struct {
	*orders

	title   string
	greedy  *orders // nil if there is no such caller
	rate    float64
	sockets int
}

func (b besides) name() string { return b.title }

// benchCallers measures how much one caller that sends too much slows the others down.
func benchCallers(ctx context.Context, rounds int, duration time.Duration) error {
	dir, err := os.MkdirTemp("", "orders-bench-callers-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fmt.Println("starting Temporal, RabbitMQ, and the processes")
	address, stop, err := startOrders(ctx, dir)
	defer stop()
	if err != nil {
		return err
	}
	others, greedy := newOrders("http://"+address), newOrders("http://"+address)
	others.keys, greedy.keys = keysOf("one", "two", "three", "four"), keysOf("greedy")
	sides := []besides{
		{others, "alone", nil, 0, 0},
		{others, "beside one more", greedy, callerRate, 0},
		{others, "beside a greedy", greedy, callerRate * tooMuch, slowSockets},
	}
	if result := closedLoop(ctx, others, 2, 5*time.Second); result.latency.TotalCount() == 0 { // warm up
		return fmt.Errorf("all calls failed, the last with: %w", result.lastError)
	}
	measured := make([][]result, rounds)
	for i := range measured {
		for _, side := range sides {
			if measured[i] = append(measured[i], side.measure(ctx, address, duration)); ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	printHeader()
	printRounds(fmt.Sprintf("%d/s of others", othersRate), []target{sides[0], sides[1], sides[2]}, measured)
	for i, side := range sides {
		all, each := hdrhistogram.New(1, patience.Microseconds(), 3), make([]string, rounds)
		for n, round := range measured {
			all.Merge(round[i].latency)
			each[n] = cell(3, round[i].quantile(99).Seconds())
		}
		fmt.Printf("p99 %-18s of all rounds %s, of each %s\n", side.title, cell(3, result{latency: all}.quantile(99).Seconds()), strings.Join(each, " "))
	}
	return nil
}

// measure measures the others while the caller sends.
func (b besides) measure(ctx context.Context, address string, duration time.Duration) result {
	beside, end := context.WithCancel(ctx)
	var all sync.WaitGroup
	var sent result
	if b.greedy != nil {
		all.Go(func() { sent = constantRate(beside, b.greedy, b.rate, time.Hour) })
	}
	for i := range b.sockets {
		all.Go(func() { hold(beside, address, b.greedy.keys[0], i%2 == 0) })
	}
	select { // until all sockets are open
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
	}
	measured := constantRate(ctx, b.orders, othersRate, duration)
	end()
	all.Wait()
	if b.greedy != nil {
		fmt.Printf("%s: %d answered, %d refused or cut off\n", b.title, sent.latency.TotalCount(), sent.failed)
	}
	return measured
}

// hold keeps a connection open for as long as the service lets it, again and again: with a request that does not end, or with
// an answer that is not read.
func hold(ctx context.Context, address, key string, whole bool) {
	request := "GET /transactions?limit=200 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + key + "\r\n"
	if whole {
		request += "\r\n"
	}
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, 30*time.Second)
		if connection, err := new(net.Dialer).DialContext(attempt, "tcp", address); err == nil {
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

// startOrders starts the servers and the processes, and returns the api's address. stop ends what has been started.
func startOrders(ctx context.Context, dir string) (address string, stop func(), err error) {
	var stops []func(context.Context) error
	stop = func() {
		for i := range stops {
			_ = stops[len(stops)-1-i](context.WithoutCancel(ctx))
		}
	}
	root, err := stack.Root()
	if err != nil {
		return "", stop, err
	}
	temporal, err := stack.StartTemporal(ctx, stack.TemporalOptions{Dir: filepath.Join(dir, "temporal")})
	if err != nil {
		return "", stop, err
	}
	stops = append(stops, temporal.Stop)
	broker, err := stack.StartRabbitMQ(ctx, stack.RabbitMQOptions{
		Dir: filepath.Join(dir, "rabbitmq"), Definitions: filepath.Join(root, "gateways", "rabbitmq", "definitions.json"),
	})
	if err != nil {
		return "", stop, err
	}
	stops = append(stops, broker.Stop)
	var clients []string
	for _, name := range []string{"one", "two", "three", "four", "greedy"} {
		clients = append(clients, name+":"+keysOf(name)[0])
	}
	for _, name := range []string{"worker", "fraud-police", "api"} {
		port, portErr := stack.FreePort()
		if portErr != nil {
			return "", stop, portErr
		}
		address = fmt.Sprintf("127.0.0.1:%d", port)
		process, startErr := stack.StartProcess(stack.Command{
			Name: name, Path: filepath.Join(root, "bin", "orders"), Args: []string{name}, Log: filepath.Join(dir, name+".log"),
			Env: append(os.Environ(), "TEMPORAL_ADDRESS="+temporal.Address(), "LOG_LEVEL=warn", "HEALTH_ADDRESS="+address, "HTTP_ADDRESS="+address,
				"LEDGER_URL=sqlite:"+filepath.Join(dir, "ledger.db"), "RABBITMQ_PUBLISHER_URL="+broker.URL("orders", "orders"),
				"CARD_FINGERPRINT_KEY=of-this-benchmark-and-nothing-else", "API_KEYS="+strings.Join(clients, ","),
				fmt.Sprintf("HTTP_RATE_PER_CALLER=%d", callerRate), fmt.Sprintf("HTTP_BURST_PER_CALLER=%d", 2*callerRate),
				fmt.Sprintf("HTTP_MAX_CONNECTIONS_PER_ADDRESS=%d", slowSockets+1000)),
		})
		if startErr != nil {
			return "", stop, startErr
		}
		stops = append(stops, process.Stop)
		if err := process.WaitHealthy(ctx, "http://"+address+"/readyz"); err != nil {
			return "", stop, errors.Join(err, process.Exit())
		}
	}
	return address, stop, nil
}
