package stack

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// RabbitMQOptions configures a RabbitMQ node. The zero value with a Dir is suitable for tests: a free port, the user
// guest with the password guest, and no management plugin.
type RabbitMQOptions struct {
	Dir            string // the folder for data and configuration, created if missing
	Program        string // rabbitmq-server itself, not Debian's wrapper; if empty, StartRabbitMQ finds one
	Definitions    string // a file of users, exchanges and queues that is loaded at each start; empty means none
	Port           int    // if 0, a free one is chosen
	ManagementPort int    // 0 means no management
	MetricsPort    int    // 0 means no metrics for Prometheus
	Log            string // if empty, rabbitmq.log in Dir
}

// RabbitMQ is a private node on the loopback interface, run by any user, with its own Erlang port mapper (epmd).
// Several nodes can run side by side.
type RabbitMQ struct {
	*Process
	epmd     *Process
	epmdPort int
	options  RabbitMQOptions
	env      []string
}

// StartRabbitMQ starts a node and waits until it accepts connections, or until ctx ends.
func StartRabbitMQ(ctx context.Context, o RabbitMQOptions) (*RabbitMQ, error) {
	r := &RabbitMQ{options: o}
	if err := r.complete(); err != nil {
		return nil, fmt.Errorf("start RabbitMQ: %w", err)
	}
	if err := r.configure(); err != nil {
		return nil, fmt.Errorf("configure RabbitMQ: %w", err)
	}
	if err := r.boot(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Start restarts a stopped or killed node, with the same data on the same ports.
func (r *RabbitMQ) Start(ctx context.Context) error {
	return r.launch(ctx, r.epmd.Start, r.Process.Start)
}

// boot starts the node for the first time.
func (r *RabbitMQ) boot(ctx context.Context) error {
	mapper := func() (err error) {
		r.epmd, err = StartProcess(r.portMapper())
		return err
	}
	node := func() (err error) {
		r.Process, err = StartProcess(Command{
			Name: "RabbitMQ", Path: r.options.Program, Env: r.env, Dir: r.options.Dir, Log: r.options.Log, StopWithin: time.Minute,
		})
		return err
	}
	return r.launch(ctx, mapper, node)
}

// launch starts the node once its port mapper listens. Otherwise the node would start a port mapper that is never
// stopped.
func (r *RabbitMQ) launch(ctx context.Context, mapper, node func() error) error {
	if err := mapper(); err != nil {
		return err
	}
	err := r.epmd.await(ctx, func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", loopback(r.epmdPort))
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err == nil {
		err = node()
	}
	if err != nil {
		r.epmd.Kill()
		return err
	}
	return r.serving(ctx)
}

// Stop stops the node as its service unit would, and then its port mapper.
func (r *RabbitMQ) Stop(ctx context.Context) error {
	return errors.Join(r.Process.Stop(ctx), r.epmd.Stop(ctx))
}

// Kill ends the node as kill -9 does.
func (r *RabbitMQ) Kill() {
	r.Process.Kill()
	r.epmd.Kill()
}

// Port returns the port for AMQP.
func (r *RabbitMQ) Port() int {
	return r.options.Port
}

// URL returns the URL with which a user connects to the default virtual host.
func (r *RabbitMQ) URL(user, password string) string {
	return fmt.Sprintf("amqp://%s:%s@%s/", user, password, loopback(r.options.Port))
}

// ManagementAddress returns the management's URL, or "" if there is no management.
func (r *RabbitMQ) ManagementAddress() string {
	if r.options.ManagementPort == 0 {
		return ""
	}
	return "http://" + loopback(r.options.ManagementPort)
}

// Ctl runs rabbitmqctl and returns its output.
func (r *RabbitMQ) Ctl(ctx context.Context, args ...string) (string, error) {
	var complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(r.options.Program), "rabbitmqctl"), args...)
	cmd.Env, cmd.Dir, cmd.Stderr = r.env, r.options.Dir, &complaint
	printed, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("rabbitmqctl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return string(printed), nil
}

func (r *RabbitMQ) complete() error {
	o := &r.options
	var err error
	if o.Program == "" {
		if o.Program, err = findRabbitMQ(); err != nil {
			return err
		}
	}
	for _, path := range []*string{&o.Dir, &o.Definitions} { // the node runs in another folder, so paths must be absolute
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if o.Log == "" {
		o.Log = filepath.Join(o.Dir, "rabbitmq.log")
	}
	if err := checkPorts("RabbitMQ", o.Port, o.ManagementPort, o.MetricsPort); err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(o.Dir, 0o750), freeUnlessSet(&o.Port))
}

// serving waits until the node answers on an AMQP connection, which it does after it has booted and loaded its
// definitions. rabbitmqctl would use a second of the machine's time for each check.
func (r *RabbitMQ) serving(ctx context.Context) error {
	if err := r.await(ctx, r.greets); err != nil {
		r.Kill()
		return fmt.Errorf("start RabbitMQ: %w", err)
	}
	return nil
}

// greets sends the header of AMQP 0-9-1 and checks for the beginning of the method frame that answers it (§2.2.4).
func (r *RabbitMQ) greets(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", loopback(r.options.Port))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	answer := make([]byte, 3)
	_, writeErr := conn.Write([]byte("AMQP\x00\x00\x09\x01"))
	if err := errors.Join(conn.SetDeadline(deadline), writeErr); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, answer); err != nil {
		return fmt.Errorf("AMQP handshake: %w", err)
	}
	if !bytes.Equal(answer, []byte{1, 0, 0}) { // a method, on channel 0
		return fmt.Errorf("AMQP handshake: port %d answers with something else", r.options.Port)
	}
	return nil
}

// nodeName is the same for every node, whatever its ports, because a node's data is bound to its name. Each node has
// its own port mapper, which keeps them apart.
const nodeName = "orders@localhost"

// configure writes the node's files and builds its environment. It excludes the configuration of a RabbitMQ installed
// on the machine (in /etc/rabbitmq, /var/lib/rabbitmq).
func (r *RabbitMQ) configure() error {
	var distPort int
	if err := freeUnlessSet(&r.epmdPort, &distPort); err != nil {
		return err
	}
	dir := r.options.Dir
	var plugins []string
	if r.options.ManagementPort != 0 {
		plugins = append(plugins, "rabbitmq_management")
	}
	if r.options.MetricsPort != 0 {
		plugins = append(plugins, "rabbitmq_prometheus")
	}
	enabled := "[" + strings.Join(plugins, ",") + "].\n"
	for name, text := range map[string]string{"enabled_plugins": enabled, "rabbitmq.conf": r.conf()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	r.env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + dir,
		"LANG=C.UTF-8",
		"RUNNING_UNDER_SYSTEMD=true", // makes the start script exec the node, so that signals reach it
		"RABBITMQ_CONF_ENV_FILE=/dev/null",
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(dir, "rabbitmq.conf"),
		"RABBITMQ_CONFIG_FILES=" + filepath.Join(dir, "conf.d"),
		"RABBITMQ_ADVANCED_CONFIG_FILE=" + filepath.Join(dir, "advanced.config"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(dir, "enabled_plugins"),
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(dir, "db"),
		"RABBITMQ_LOG_BASE=" + filepath.Join(dir, "log"),
		"RABBITMQ_PID_FILE=" + filepath.Join(dir, "pid"),
		"RABBITMQ_NODENAME=" + nodeName,
		"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		fmt.Sprintf("RABBITMQ_NODE_PORT=%d", r.options.Port),
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", distPort),
		fmt.Sprintf("ERL_EPMD_PORT=%d", r.epmdPort),
		"ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
	}
	if err := checkDefinitions(r.options.Definitions); err != nil {
		return err
	}
	return writeCookie(filepath.Join(dir, ".erlang.cookie"))
}

// conf returns the content of rabbitmq.conf.
func (r *RabbitMQ) conf() string {
	conf := []string{
		"log.console = true",
		"log.console.use_colors = off",
		"log.file = false",
		"consumer_timeout = 86400000", // the reason is in gateways/rabbitmq/rabbitmq.conf
	}
	if r.options.Definitions != "" {
		conf = append(conf, "load_definitions = "+r.options.Definitions)
	}
	if r.options.ManagementPort != 0 {
		conf = append(conf, "management.tcp.ip = 127.0.0.1", fmt.Sprintf("management.tcp.port = %d", r.options.ManagementPort))
	}
	if r.options.MetricsPort != 0 {
		conf = append(conf, "prometheus.tcp.ip = 127.0.0.1", fmt.Sprintf("prometheus.tcp.port = %d", r.options.MetricsPort))
	}
	return strings.Join(conf, "\n") + "\n"
}

// checkDefinitions checks that the definitions can be read. If they cannot, RabbitMQ 3.10 starts without any message
// and without users.
func checkDefinitions(path string) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err == nil && !json.Valid(text) {
		err = fmt.Errorf("read %s: not JSON", path)
	}
	return err
}

// writeCookie creates the secret with which rabbitmqctl controls the node. Erlang refuses a file that other users can
// read.
func writeCookie(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return os.WriteFile(path, []byte(rand.Text()), 0o400)
}

// portMapper returns the command for the port mapper, which runs in the foreground as our child. Otherwise the node
// would start one that outlives it.
func (r *RabbitMQ) portMapper() Command {
	path, err := exec.LookPath("epmd")
	if err != nil {
		path = "/usr/lib/erlang/bin/epmd" // Debian's path, if it is not on PATH
	}
	return Command{Name: "epmd", Path: path, Env: r.env, Log: filepath.Join(r.options.Dir, "epmd.log")}
}
