// Package e2e runs the service as it is deployed, every process a process, on a real Temporal server, a real RabbitMQ
// and a real mail server, and looks at it from outside. Its tests kill what can die at its worst moment.
//
// The servers are started once and shared; the service's processes are each test's own. Where a moment has to be
// held (sent and not confirmed, accepted and not recorded), a TCP proxy holds the bytes: the processes know nothing
// of being tested.
package e2e
