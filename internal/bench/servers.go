package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"dummyorders/internal/stack"
)

// servers is what all systems share that are measured: Temporal and RabbitMQ.
type servers struct {
	dir, root string
	address   string    // Temporal's
	counted   []process // whose CPU is that of a transaction: Temporal's, and its PostgreSQL's if it has one
	temporal  *stack.Temporal
	postgres  *stack.Postgres
	broker    *stack.RabbitMQ
	stops     []func(context.Context) error
}

// startServers starts the servers, Temporal's with the settings in a folder temporal-config; if empty, the project's. stop must be
// called after an error as well.
func startServers(ctx context.Context, config string, namespaces ...string) (s *servers, err error) {
	s = &servers{}
	if s.root, err = stack.Root(); err != nil {
		return s, err
	}
	if s.dir, err = os.MkdirTemp("", "orders-bench-"); err != nil {
		return s, err
	}
	fmt.Fprintln(os.Stderr, "starting Temporal and RabbitMQ")
	temporal, err := stack.StartTemporal(ctx, stack.TemporalOptions{Dir: filepath.Join(s.dir, "temporal"), Config: config, Namespaces: namespaces})
	if err != nil {
		return s, err
	}
	s.temporal, s.stops = temporal, append(s.stops, temporal.Stop)
	s.address, s.counted = temporal.Address(), []process{{kinds[0], temporal.Address(), temporal.Process}}
	return s, s.startBroker(ctx)
}

func (s *servers) startBroker(ctx context.Context) (err error) {
	s.broker, err = stack.StartRabbitMQ(ctx, stack.RabbitMQOptions{
		Dir: filepath.Join(s.dir, "rabbitmq"), Definitions: filepath.Join(s.root, "gateways", "rabbitmq", "definitions.json"),
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, s.broker.Stop)
	return nil
}

// stop ends all that was started, the last first, and deletes its data.
func (s *servers) stop() {
	for i := range s.stops {
		_ = s.stops[len(s.stops)-1-i](context.Background())
	}
	_ = os.RemoveAll(s.dir)
}

// client returns a client of a namespace, with the settings that the service has on one machine.
func (s *servers) client(namespace string) (client.Client, error) {
	c, err := client.NewLazyClient(client.Options{
		HostPort: s.address, Namespace: namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		ConnectionOptions: client.ConnectionOptions{GrpcCompression: &client.GrpcCompressionNone{}},
	})
	if err != nil {
		return nil, fmt.Errorf("make a client of namespace %s: %w", namespace, err)
	}
	s.stops = append(s.stops, func(context.Context) error { c.Close(); return nil })
	return c, nil
}

// process is a process whose CPU time is measured.
type process struct {
	kind, address string
	*stack.Process
}

// kinds are the kinds of processes, in the order in which they are started and shown.
var kinds = []string{"server", "worker", "fraud_police", "api"}

// postgresKind is the kind of Temporal's database, where that is a process.
const postgresKind = "PostgreSQL"

// cpuTime returns the CPU time that the processes of each kind have used so far, in seconds.
func cpuTime(processes []process) (map[string]float64, error) {
	used := map[string]float64{}
	for _, p := range processes {
		stat, err := statOf(p)
		if err != nil {
			return nil, err
		}
		used[p.kind] += stat.CPUTime()
		if p.kind == postgresKind {
			used[p.kind] += childrenTime(stat)
		}
	}
	return used, nil
}

func statOf(p process) (procfs.ProcStat, error) {
	stat, err := statOfPid(p.Pid())
	if err != nil {
		return stat, fmt.Errorf("read the times of %s: %w", p.kind, err)
	}
	return stat, nil
}

func statOfPid(pid int) (procfs.ProcStat, error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return procfs.ProcStat{}, err
	}
	return proc.Stat()
}

// childrenTime returns the CPU time that the children of a process have used, also of those that have ended, in seconds: each session
// of PostgreSQL is one.
func childrenTime(of procfs.ProcStat) float64 {
	const ticks = 100 // a second, on Linux
	used := float64(of.CUTime+of.CSTime) / ticks
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", of.PID)) // empty but on Linux
	for child := range strings.FieldsSeq(string(children)) {
		pid, _ := strconv.Atoi(child)
		if stat, err := statOfPid(pid); err == nil { // or it has ended just now
			used += stat.CPUTime()
		}
	}
	return used
}

// serviceOptions says how to start the service. The namespace is also the folder of its ledger and logs.
type serviceOptions struct {
	title, namespace string
	binary           string         // with the Dockerfile beside it; if empty, the project's
	copies           map[string]int // of each kind; 1 of a kind that is not in it
	ledger           string         // the ledger's URL; if empty, a new SQLite file
	settings         []string
}

// imageSettings returns the variables that the Dockerfile in a folder sets for the processes. make run sets the same.
func imageSettings(dir string) (settings []string, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	for line := range strings.Lines(string(text)) {
		if setting, is := strings.CutPrefix(line, "ENV "); is {
			settings = append(settings, strings.TrimSpace(setting))
		}
	}
	return settings, err
}

// start starts the service's processes, and returns it once all are ready.
func (s *servers) start(ctx context.Context, o serviceOptions) (system, error) {
	dir := filepath.Join(s.dir, o.namespace)
	of := filepath.Dir(o.binary)
	if o.binary == "" {
		o.binary, of = filepath.Join(s.root, "bin", "orders"), s.root
	}
	settings, err := imageSettings(of)
	if err != nil {
		return system{}, err
	}
	if o.ledger == "" {
		o.ledger = "sqlite:" + filepath.Join(dir, "ledger.db")
	}
	c, err := s.client(o.namespace)
	if err != nil {
		return system{}, err
	}
	found := system{title: o.title, temporal: c, processes: slices.Clone(s.counted)}
	for _, kind := range kinds[1:] {
		for n := range max(o.copies[kind], 1) {
			port, err := stack.FreePort()
			if err != nil {
				return found, err
			}
			address := "127.0.0.1:" + strconv.Itoa(port)
			command := map[string]string{"worker": "worker", "fraud_police": "fraud-police", "api": "api"}[kind]
			addressed := map[bool]string{true: "HTTP_ADDRESS=", false: "HEALTH_ADDRESS="}[kind == "api"]
			started, err := stack.StartProcess(stack.Command{
				Name: kind, Path: o.binary, Args: []string{command}, Log: filepath.Join(dir, fmt.Sprint(kind, n, ".log")),
				Env: append(append(os.Environ(), "TEMPORAL_ADDRESS="+s.address, "TEMPORAL_NAMESPACE="+o.namespace,
					"LOG_LEVEL=warn", "HEALTH_ADDRESS=", addressed+address, "LEDGER_URL="+o.ledger,
					"RABBITMQ_PUBLISHER_URL="+s.broker.URL("orders", "orders"),
					"CARD_FINGERPRINT_KEY=of-this-benchmark-and-nothing-else"), slices.Concat(settings, o.settings)...),
			})
			if err != nil {
				return found, err
			}
			s.stops = append(s.stops, started.Stop)
			found.processes = append(found.processes, process{kind, address, started})
			if err := started.WaitHealthy(ctx, "http://"+address+"/readyz"); err != nil {
				return found, errors.Join(err, started.Exit())
			}
			if kind == "api" {
				o := newOrders("http://" + address)
				found.target, found.samples = o, &o.samples
			}
		}
	}
	return found, nil
}
