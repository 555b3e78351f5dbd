package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"dummyorders/internal/localhost"
	"dummyorders/internal/stack"
)

// plan says what to start on this machine, and where. A server that the settings put on another machine has port 0.
type plan struct {
	api          string // the API's URL
	temporal, ui int
	rabbitmq     int
	management   int
	mail         string // host:port

	prometheus, alertmanager         int // 0 unless they are wanted
	temporalMetrics, rabbitmqMetrics int
}

// newPlan parses the addresses in the settings, and returns everything that is wrong with them.
func newPlan(s settings) (plan, error) {
	p := plan{}
	apiHost, apiPort, apiErr := hostPort("HTTP_ADDRESS", s.HTTPAddress)
	p.api = "http://" + net.JoinHostPort(apiHost, strconv.Itoa(apiPort))

	temporalHost, temporalPort, temporalErr := hostPort("TEMPORAL_ADDRESS", s.TemporalAddress)
	var uiErr, brokerErr, mailErr error
	if localhost.Is(temporalHost) {
		p.temporal = temporalPort
		p.ui, uiErr = uiPort(s.WebUIURL)
	}
	if p.rabbitmq, brokerErr = brokerPort(s); p.rabbitmq != 0 {
		p.management = s.ManagementPort
	}
	if localhost.Is(s.SMTPHostname) {
		p.mail = net.JoinHostPort("127.0.0.1", s.SMTPPort)
		_, _, mailErr = hostPort("SMTP_PORT", p.mail)
	}
	return p, errors.Join(apiErr, temporalErr, uiErr, brokerErr, mailErr, p.observe(s))
}

// observe plans Prometheus and what it asks, if the settings want that.
func (p *plan) observe(s settings) (err error) {
	if !s.Observe {
		return nil
	}
	p.prometheus, p.alertmanager = s.PrometheusPort, s.AlertmanagerPort
	if p.temporal != 0 {
		p.temporalMetrics, err = stack.FreePort()
	}
	if p.rabbitmq != 0 && err == nil {
		p.rabbitmqMetrics, err = stack.FreePort()
	}
	return err
}

// brokerPort returns the port to which both broker URLs point on this machine, or 0 if they point elsewhere.
func brokerPort(s settings) (int, error) {
	publisher, err := urlPort("RABBITMQ_PUBLISHER_URL", s.PublisherURL)
	if err != nil {
		return 0, err
	}
	consumer, err := urlPort("RABBITMQ_CONSUMER_URL", s.ConsumerURL)
	if err != nil {
		return 0, err
	}
	if publisher != consumer {
		return 0, errors.New("RABBITMQ_PUBLISHER_URL and RABBITMQ_CONSUMER_URL: must name the same host and port, as there is one broker")
	}
	return publisher, nil
}

// urlPort returns the port of an AMQP URL on this machine, or 0 for another machine. URLs hold passwords, so errors do
// not show them.
func urlPort(name, value string) (int, error) {
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" {
		return 0, fmt.Errorf("%s: must be a URL such as amqp://user:password@localhost:5672/", name)
	}
	if !localhost.Is(u.Hostname()) {
		return 0, nil
	}
	if u.Port() == "" {
		return 5672, nil
	}
	return strconv.Atoi(u.Port())
}

func uiPort(value string) (int, error) {
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		return 0, fmt.Errorf("WEB_UI_URL=%q: must be a URL with a port, such as http://localhost:8233", value)
	}
	if !localhost.Is(u.Hostname()) {
		return 0, nil
	}
	return strconv.Atoi(u.Port())
}

// hostPort parses an address. An empty host, all interfaces and 127.0.0.1 become localhost.
func hostPort(name, value string) (string, int, error) {
	host, port, err := net.SplitHostPort(value)
	number, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || number < 1 || number > 65535 {
		return "", 0, fmt.Errorf("%s=%q: must be an address with a port, such as localhost:7233", name, value)
	}
	if host == "" || host == "127.0.0.1" || net.ParseIP(host).IsUnspecified() {
		host = "localhost"
	}
	return host, number, nil
}

// checkPorts returns an error for every port that is taken, with what can be done about it.
func (p plan) checkPorts(s settings) error {
	var faults []error
	check := func(what, address, variable string) {
		_, port, _ := net.SplitHostPort(address)
		if port == "0" {
			return
		}
		if err := stack.CheckPort(address); errors.Is(err, stack.ErrPortTaken) {
			faults = append(faults, fmt.Errorf("port %s (%s) is %w: stop it, or put another port into %s", port, what, err, variable))
		} else if err != nil {
			faults = append(faults, fmt.Errorf("port %s (%s): %w; it comes from %s", port, what, err, variable))
		}
	}
	loopback := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	check("the API", s.HTTPAddress, "HTTP_ADDRESS")
	if s.wantsDesk() {
		check("the desk", s.DeskAddress, "DESK_ADDRESS")
	}
	check("Temporal", loopback(p.temporal), "TEMPORAL_ADDRESS")
	check("Temporal's Web UI", loopback(p.ui), "WEB_UI_URL")
	check("RabbitMQ", loopback(p.rabbitmq), "RABBITMQ_PUBLISHER_URL and RABBITMQ_CONSUMER_URL")
	check("RabbitMQ's management", loopback(p.management), "RABBITMQ_MANAGEMENT_PORT")
	check("Prometheus", loopback(p.prometheus), "PROMETHEUS_PORT")
	check("Alertmanager", loopback(p.alertmanager), "ALERTMANAGER_PORT")
	if p.mail != "" {
		check("mail", p.mail, "SMTP_PORT")
	}
	return errors.Join(faults...)
}
