package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

// An alarm that Debian's Alertmanager has becomes one mail, however often it sends the alarm, and another one once it is over.
// Its configuration is the one that we ship, but for how long it waits, with a key that may do nothing else.
func TestAlarmsOfAlertmanager(t *testing.T) {
	w := newWorld(t, map[string]string{"API_KEYS": "alertmanager:a-key-of-alertmanager", "API_KEYS_SCOPES": "alarms"})
	w.alertsTo(`
version: 1
receivers:
  - {name: on-call, channels: [mail: alarms@example.com]}
  - {name: rest, channels: [mail: others@example.com]}
routes:
  - {name: pages, when: {type: [alarm.firing, alarm.resolved], labels: {severity: page}}, tell: [on-call]}
  - {name: rest, tell: [rest]}
`)
	w.everything()
	address := w.alertmanager()
	labels := map[string]string{"alertname": "WorkerDown", "severity": "page", "job": "worker-" + strings.ToLower(t.Name())}
	began := time.Now().UTC()
	tell := func(ends time.Time) {
		w.postAlarm(address, map[string]any{
			"labels": labels, "startsAt": began, "endsAt": ends, "generatorURL": "http://prometheus.example.com/graph",
			"annotations": map[string]string{"summary": "No worker answers.", "runbook_url": "https://example.com/runbooks/workerdown"},
		})
	}
	tell(began.Add(time.Hour))
	eventually(t, func() error { return w.alarmMails(1) })
	log := w.logOf("alertman")
	eventually(t, func() error {
		if strings.Count(log(), "duplicate=true") < 2 {
			return fmt.Errorf("Alertmanager has not repeated the alarm yet")
		}
		return w.alarmMails(1)
	})
	tell(time.Now().UTC())
	eventually(t, func() error { return w.alarmMails(2) })

	first := string(alarmMails(t)[0].Text)
	for _, text := range []string{"An alarm fires: No worker answers.", "WorkerDown (page)", "https://example.com/runbooks/workerdown"} {
		assert.Contains(t, first, text)
	}
	assert.Contains(t, string(alarmMails(t)[1].Text), "An alarm is over: No worker answers.")
}

// alarmMails returns the mail that the on-call got, in the order in which it came.
func alarmMails(t *testing.T) (found []stack.Message) {
	t.Helper()
	all, err := shared.mail.Messages()
	require.NoError(t, err)
	for _, m := range all {
		if m.To[0] == "alarms@example.com" {
			found = append(found, m)
		}
	}
	return found
}

// alarmMails returns nil if there are that many.
func (w *world) alarmMails(count int) error {
	w.t.Helper()
	if found := len(alarmMails(w.t)); found != count {
		return fmt.Errorf("%d mails about alarms, not %d", found, count)
	}
	return nil
}

// logOf returns a function that reads the log of a process.
func (w *world) logOf(name string) func() string {
	return func() string {
		var all strings.Builder
		for _, file := range *w.logs {
			if strings.HasPrefix(filepath.Base(file), name+"-") {
				text, err := os.ReadFile(file)
				require.NoError(w.t, err)
				all.Write(text)
			}
		}
		return all.String()
	}
}

// alertmanager starts Debian's Alertmanager with the configuration in deploy/observe, and returns its address.
func (w *world) alertmanager() string {
	w.t.Helper()
	root, err := stack.Root()
	require.NoError(w.t, err)
	text, err := os.ReadFile(filepath.Join(root, "deploy", "observe", "alertmanager.yml"))
	require.NoError(w.t, err)
	dir, address := w.t.TempDir(), freeAddress(w.t)
	config := strings.NewReplacer(
		"http://api:9001", w.api, "# http_config", "http_config", "group_wait: 10s", "group_wait: 1s\n  group_interval: 1s\n  repeat_interval: 1s",
	).Replace(string(text))
	require.Contains(w.t, config, w.api)
	require.NoError(w.t, os.WriteFile(filepath.Join(dir, "alertmanager.yml"), []byte(config), 0o600))
	require.NoError(w.t, os.WriteFile(filepath.Join(dir, "alertman-key"), []byte("a-key-of-alertmanager\n"), 0o600))
	p, err := stack.StartProcess(stack.Command{
		Name: "Alertmanager", Path: "prometheus-alertmanager", Dir: dir, Log: filepath.Join(shared.dir, "logs", w.t.Name()+"-alertmanager.log"),
		Args: []string{"--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=", "--web.listen-address=" + address},
	})
	require.NoError(w.t, err)
	w.t.Cleanup(p.Kill)
	require.NoError(w.t, p.WaitHealthy(w.t.Context(), "http://"+address+"/-/ready"))
	return address
}

// postAlarm tells Alertmanager of an alarm, as Prometheus does.
func (w *world) postAlarm(address string, alarm map[string]any) {
	w.t.Helper()
	body, err := json.Marshal([]any{alarm})
	require.NoError(w.t, err)
	got, err := call(w.t.Context(), http.MethodPost, "http://"+address+"/api/v2/alerts", string(body))
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusOK, got.status, string(got.body))
}
