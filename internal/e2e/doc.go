// Package e2e runs the service as it is deployed, with a process of its own for each part, on a real Temporal server, a
// real RabbitMQ and a real mail server, and tests it from outside. Its tests kill each part that can fail at the worst
// moment for it.
//
// The servers are started once and shared; each test has its own processes of the service. To hold a moment (sent but
// not confirmed, accepted but not recorded), a TCP proxy holds back the bytes, so the processes need no test code.
package e2e
