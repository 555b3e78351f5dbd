package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"dummyorders/domain/transaction"
	"dummyorders/internal/stack"
	"dummyorders/workflows"
)

// The second version of the workflow alerts the team once more after a review has been decided. It is built from the
// first version's source with these lines inserted, through go build's overlay.
const (
	reviewSource = "workflows/review.go"
	decidedLine  = "	verdict, expired := p.record.Review.Verdict, p.record.Review.Expired\n"

	patchedStep = `	if workflow.GetVersion(ctx, "tell of verdicts", workflow.DefaultVersion, 1) >= 1 {
		p.sendAlert(ctx, p.event(ctx, alert.ReviewReminder))
	}
`
	unpatchedStep = `	if err := workflow.Sleep(ctx, time.Millisecond); err != nil {
		return err
	}
	p.sendAlert(ctx, p.event(ctx, alert.ReviewReminder))
`
)

// TestDeploySecondVersion shows how to change a workflow while others run: the new step is
// behind workflow.GetVersion, so that each workflow keeps the version with which it reached that place.
func TestDeploySecondVersion(t *testing.T) {
	w := newWorld(t, nil).everything()
	waiting := []string{w.held(), w.held(), w.held()}
	w.deploy(secondVersion(t, patchedStep))
	verdicts := []string{"approve", "decline", "approve"}
	ends := []string{"[11 16 19 18]", "[11 16 19 12 13 15]", "[11 16 19 18]"}
	for i, id := range append(waiting, w.held()) {
		got, err := w.reviewBy("ada", id, verdicts[i%3], "Prefer", "wait=60")
		require.NoError(t, err)
		assert.Equal(t, 200, got.status, "%s %s", verdicts[i%3], got.body)
		r := w.ends(id)
		assert.Equal(t, ends[i%3], codes(r), verdicts[i%3])
	}
}

// TestDeployWithoutVersion shows that the test above would notice a mistake: histories of decided
// reviews do not replay after a change without a version.
func TestDeployWithoutVersion(t *testing.T) {
	w := newWorld(t, map[string]string{"RABBITMQ_CONFIRM_TIMEOUT": "200ms"})
	broker := startProxy(t, brokerAddress())
	w.env["RABBITMQ_PUBLISHER_URL"] = through(broker, shared.rabbitmq.URL("orders", "orders"))
	w.everything()
	id := w.held()
	w.isMailed(id, 1)
	broker.Stop() // the verdict's alert cannot be published: the workflow stays open after the changed place
	got, err := w.reviewBy("ada", id, "decline", "Prefer", "wait=60")
	require.NoError(t, err)
	require.Equal(t, 200, got.status, "%s", got.body)
	w.deploy(secondVersion(t, unpatchedStep))
	require.NoError(t, broker.Start())
	eventually(t, func() error { return w.taskFailed(id) })
	w.deploy(shared.binary) // and the first version, deployed again, completes it
	w.reaches(id, transaction.AlertDone)
}

// deploy drains the worker, and starts another version of it.
func (w *world) deploy(binary string) {
	w.t.Helper()
	require.NoError(w.t, w.processes[worker].Stop(w.t.Context()))
	w.binary = binary
	w.start(worker)
}

// taskFailed returns nil once a workflow task has failed because of nondeterminism.
func (w *world) taskFailed(id string) error {
	pages := shared.client.GetWorkflowHistory(w.t.Context(), workflows.TransactionWorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for pages.HasNext() {
		event, err := pages.Next()
		if err != nil {
			return err
		}
		failed := event.GetWorkflowTaskFailedEventAttributes()
		if failed.GetCause() == enums.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR {
			return nil
		}
	}
	return os.ErrNotExist
}

// secondVersion builds orders with a step inserted after a review's verdict.
func secondVersion(t *testing.T, step string) string {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	original := filepath.Join(root, reviewSource)
	source, err := os.ReadFile(original)
	require.NoError(t, err)
	changed := strings.Replace(string(source), decidedLine, step+decidedLine, 1)
	require.NotEqual(t, string(source), changed, "%s has no line %q", reviewSource, decidedLine)
	dir := t.TempDir()
	replacement, overlay, binary := filepath.Join(dir, "review.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "orders")
	require.NoError(t, os.WriteFile(replacement, []byte(changed), 0o600))
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: replacement}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, text, 0o600))
	build := exec.CommandContext(t.Context(), "go", "build", "-race", "-overlay", overlay, "-o", binary, "./cmd/orders")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the second version: %v: %s", err, out)
	}
	return binary
}
