package stack

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// nodeName is the same for every node, whatever its ports: its data is bound to it. Each has a port mapper of its
// own, which keeps them apart.
const nodeName = "orders@localhost"

// configure writes the node's files, and makes its environment. Nothing of a RabbitMQ of the machine's own (in
// /etc/rabbitmq, /var/lib/rabbitmq) has a part in it.
func (r *RabbitMQ) configure() error {
	var distPort int
	if err := freeUnlessSet(&r.epmdPort, &distPort); err != nil {
		return err
	}
	dir := r.options.Dir
	plugins := "[].\n"
	if r.options.ManagementPort != 0 {
		plugins = "[rabbitmq_management].\n"
	}
	for name, text := range map[string]string{"enabled_plugins": plugins, "rabbitmq.conf": r.conf()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	r.env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + dir,
		"LANG=C.UTF-8",
		"RUNNING_UNDER_SYSTEMD=true", // the start script then becomes the node, so that signals reach it
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

// conf is rabbitmq.conf.
func (r *RabbitMQ) conf() string {
	conf := []string{
		"log.console = true",
		"log.console.use_colors = off",
		"log.file = false",
		"consumer_timeout = 86400000", // gateways/rabbitmq/rabbitmq.conf says why
	}
	if r.options.Definitions != "" {
		conf = append(conf, "load_definitions = "+r.options.Definitions)
	}
	if r.options.ManagementPort != 0 {
		conf = append(conf, "management.tcp.ip = 127.0.0.1", fmt.Sprintf("management.tcp.port = %d", r.options.ManagementPort))
	}
	return strings.Join(conf, "\n") + "\n"
}

// checkDefinitions is needed because RabbitMQ 3.10 starts without a word, and without users, when it cannot read them.
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

// writeCookie makes the secret by which rabbitmqctl may command the node. Erlang refuses one that others could read.
func writeCookie(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return os.WriteFile(path, []byte(rand.Text()), 0o400)
}

// portMapper runs in the foreground as a child of ours. Otherwise the node would start one that outlives it.
func (r *RabbitMQ) portMapper() Command {
	path, err := exec.LookPath("epmd")
	if err != nil {
		path = "/usr/lib/erlang/bin/epmd" // Debian's place for it, where PATH is bare
	}
	return Command{Name: "epmd", Path: path, Env: r.env, Log: filepath.Join(r.options.Dir, "epmd.log")}
}
