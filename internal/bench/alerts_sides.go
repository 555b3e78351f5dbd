package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/alert"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/internal/stack"
)

// incident is an alert to be sent. Alerts of one group belong together.
type incident struct{ id, group string }

func incidents(n, groups int) []incident {
	all := make([]incident, n)
	for i := range all {
		all[i] = incident{uuid.NewString(), fmt.Sprintf("%s-%d", uuid.NewString(), i%groups)}
	}
	for i := range all {
		all[i].group = all[i%groups].group
	}
	return all
}

func ids(all []incident) []string {
	list := make([]string, len(all))
	for i, one := range all {
		list[i] = one.id
	}
	return list
}

// side is one of those that are compared. send returns when the side has accepted the alerts: it has confirmed them, or
// answered 200.
type side struct {
	name    string
	process *stack.Process
	ready   string // the URL that says that it is
	send    func(context.Context, []incident) error
}

// restart kills the side, as kill -9 does, and starts it again.
func (s side) restart(ctx context.Context) error {
	s.process.Kill()
	if err := s.process.Start(); err != nil {
		return err
	}
	return s.process.WaitHealthy(ctx, s.ready)
}

// window is how long both sides collect what follows upon the first alert of a group.
const window = 5 * time.Second

// alertmanager is Debian's, with the settings that its own package ships but for group_wait and group_interval.
func alertmanager(ctx context.Context, dir, sink, title string, wait time.Duration) (side, error) {
	port, err := stack.FreePort()
	if err != nil {
		return side{}, err
	}
	dir = filepath.Join(dir, "alertmanager-"+wait.String())
	config := fmt.Sprintf(`
route: {receiver: hook, group_by: [group], group_wait: %s, group_interval: %s, repeat_interval: 3h}
receivers:
  - name: hook
    webhook_configs: [{url: "http://%s/", send_resolved: false}]
`, wait, window, sink)
	if err := errors.Join(os.MkdirAll(dir, 0o750), os.WriteFile(filepath.Join(dir, "alertmanager.yml"), []byte(config), 0o600)); err != nil {
		return side{}, err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	s := side{name: title, ready: url + "/-/ready"}
	s.process, err = stack.StartProcess(stack.Command{
		Name: title, Path: "prometheus-alertmanager", Log: filepath.Join(dir, "log"), Dir: dir,
		Args: []string{"--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=", fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port)},
	})
	if err != nil {
		return side{}, fmt.Errorf("start %s, which make bench-alerts installs: %w", title, err)
	}
	s.send = func(ctx context.Context, all []incident) error { return postAlerts(ctx, url+"/api/v2/alerts", all) }
	return s, s.process.WaitHealthy(ctx, s.ready)
}

// postAlerts posts in one request what comes at once: that is what its API is made for.
func postAlerts(ctx context.Context, url string, all []incident) error {
	type posted struct {
		Labels map[string]string `json:"labels"`
	}
	list := make([]posted, len(all))
	for i, one := range all {
		list[i].Labels = map[string]string{"alertname": "fraud", "id": one.id, "group": one.group}
	}
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("post alerts: %s", response.Status)
	}
	return nil
}

// ours is alertman, between a RabbitMQ and a Temporal server that nothing else uses.
func ours(ctx context.Context, root, dir, sink string) (side, func(), error) {
	temporal, err := stack.StartTemporal(ctx, stack.TemporalOptions{Dir: filepath.Join(dir, "temporal")})
	if err != nil {
		return side{}, nil, err
	}
	stop := func() { _ = temporal.Stop(context.WithoutCancel(ctx)) }
	broker, err := stack.StartRabbitMQ(ctx, stack.RabbitMQOptions{
		Dir: filepath.Join(dir, "rabbitmq"), Definitions: filepath.Join(root, "gateways", "rabbitmq", "definitions.json"),
	})
	if err != nil {
		return side{}, stop, err
	}
	stop = func() {
		_ = errors.Join(broker.Stop(context.WithoutCancel(ctx)), temporal.Stop(context.WithoutCancel(ctx)))
	}
	s, err := startAlertman(ctx, root, dir, sink, temporal.Address(), broker)
	if err != nil {
		return side{}, stop, err
	}
	publisher := rabbitmq.NewPublisher(rabbitmq.Config{URL: broker.URL("orders", "orders")}, slog.New(slog.DiscardHandler))
	publishing, end := context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan struct{})
	go func() { defer close(over); _ = publisher.Run(publishing) }()
	s.send = func(ctx context.Context, all []incident) error { return publish(ctx, publisher, all) }
	servers := stop
	return s, func() {
		_ = s.process.Stop(context.WithoutCancel(ctx))
		end()
		<-over
		servers()
	}, nil
}

func startAlertman(ctx context.Context, root, dir, sink, temporal string, broker *stack.RabbitMQ) (side, error) {
	port, err := stack.FreePort()
	if err != nil {
		return side{}, err
	}
	file := filepath.Join(dir, "alertman.yaml")
	config := fmt.Sprintf(`
version: 1
receivers:
  - name: hook
    channels: [webhook: {url: "http://%s/", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}]
    group: {by: [card, reason], window: %s}
routes: [{name: all, tell: [hook]}]
`, sink, window)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return side{}, err
	}
	health := fmt.Sprintf("127.0.0.1:%d", port)
	s := side{name: "alertman", ready: "http://" + health + "/readyz"}
	s.process, err = stack.StartProcess(stack.Command{
		Name: "alertman", Path: filepath.Join(root, "bin", "orders"), Args: []string{"alertman"}, Log: filepath.Join(dir, "alertman.log"),
		Env: append(os.Environ(), "ALERTMAN_CONFIG="+file, "HEALTH_ADDRESS="+health, "TEMPORAL_ADDRESS="+temporal, "LOG_LEVEL=warn",
			"RABBITMQ_CONSUMER_URL="+broker.URL("alertman", "alertman")),
	})
	if err != nil {
		return side{}, err
	}
	return s, s.process.WaitHealthy(ctx, s.ready)
}

// publish publishes as the worker does, several at a time.
func publish(ctx context.Context, publisher alert.Publisher, all []incident) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for _, one := range all {
		event := alert.Sample(alert.FraudDetected, one.id, time.Now())
		event.Data.CardFingerprint = one.group
		group.Go(func() error { return publisher.Publish(ctx, event) })
	}
	return group.Wait()
}
