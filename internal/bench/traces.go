package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"dummyorders/internal/stack"
)

// tracing lists the services that are measured, by what they record, and the namespaces that they have. The last is compared with
// the others.
var tracing = []struct {
	title, namespace string
	settings         []string
}{
	{"all traced", "all", []string{"OTEL_TRACES_SAMPLER_ARG=1.0"}},
	{"a tenth traced", "tenth", []string{"OTEL_TRACES_SAMPLER_ARG=0.1"}},
	{"traces off", "off", []string{"OTEL_TRACES_EXPORTER=none"}},
	{"traces and metrics off", "bare", []string{"OTEL_TRACES_EXPORTER=none", "OTEL_METRICS_EXPORTER=none"}},
}

// benchTraces measures what traces and metrics cost: the service that exports all traces, a tenth and none, to a process of its own
// whose CPU is not counted, and the service that measures nothing either.
func (p plan) benchTraces(ctx context.Context) error {
	var namespaces []string
	for _, one := range tracing {
		namespaces = append(namespaces, one.namespace)
	}
	s, err := startServers(ctx, "", namespaces...)
	defer s.stop()
	if err != nil {
		return err
	}
	address, err := s.startSink(ctx)
	if err != nil {
		return err
	}
	var systems []system
	for _, one := range tracing {
		settings := []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_ENDPOINT=http://" + address, "OTEL_TRACES_SAMPLER=parentbased_traceidratio"}
		service, err := s.start(ctx, serviceOptions{title: one.title, namespace: one.namespace, settings: append(settings, one.settings...)})
		if err != nil {
			return err
		}
		systems = append(systems, service)
	}
	return p.compare(ctx, p.loads(1, 10), systems)
}

// startSink starts a process that takes traces, and returns its address.
func (s *servers) startSink(ctx context.Context) (address string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	port, err := stack.FreePort()
	if err != nil {
		return "", err
	}
	address = fmt.Sprintf("127.0.0.1:%d", port)
	sink, err := stack.StartProcess(stack.Command{
		Name: "sink", Path: self, Args: []string{"-sink", address}, Log: filepath.Join(s.dir, "sink.log"), StopSignal: syscall.SIGINT,
	})
	if err != nil {
		return "", err
	}
	s.stops = append(s.stops, sink.Stop)
	return address, sink.WaitHealthy(ctx, "http://"+address)
}

// takeTraces answers every request that a process exports spans with, and forgets it.
func takeTraces(ctx context.Context, address string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for traces: %w", err)
	}
	forget := func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(forget)}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("take traces: %w", err)
	}
	return nil
}
