package stack_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"dummyorders/internal/stack"
)

// temporal runs the CLI against a server and returns its output.
func temporal(t *testing.T, server *stack.Temporal, args ...string) string {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	cli, err := stack.FindTemporal(t.Context(), root)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), cli, append(args, "--address", server.Address())...)
	printed, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", printed)
	return string(printed)
}

func startTemporal(t *testing.T, o stack.TemporalOptions) *stack.Temporal {
	t.Helper()
	server, err := stack.StartTemporal(patience(t), o)
	require.NoError(t, err)
	t.Cleanup(server.Kill)
	return server
}

// Temporal keeps its data whether it is stopped or killed.
func TestTemporalKeepsData(t *testing.T) {
	t.Parallel()
	ctx, dir := patience(t), t.TempDir()
	server := startTemporal(t, stack.TemporalOptions{Dir: dir})
	address := server.Address()
	temporal(t, server, "workflow", "start", "--type", "Keeps", "--task-queue", "none", "--workflow-id", "one")

	require.NoError(t, server.Stop(ctx))
	require.NoError(t, stack.CheckPort(address), "it still listens")
	require.NoError(t, server.Start(ctx))
	require.Equal(t, address, server.Address())
	temporal(t, server, "workflow", "start", "--type", "Keeps", "--task-queue", "none", "--workflow-id", "two")

	server.Kill()
	require.NoError(t, server.Start(ctx))
	temporal(t, server, "workflow", "describe", "--workflow-id", "one")
	temporal(t, server, "workflow", "describe", "--workflow-id", "two")

	require.NoError(t, server.Stop(ctx))
	noProcessMentions(t, dir)
}

// The server hands an activity on the workflow's own queue to the worker at once, which saves a state transition.
func TestTemporalEagerActivity(t *testing.T) {
	t.Parallel()
	ctx := patience(t)
	server := startTemporal(t, stack.TemporalOptions{Dir: t.TempDir()})
	c, err := client.DialContext(ctx, client.Options{HostPort: server.Address()})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	noOp := func(context.Context) error { return nil }
	callsOnce := func(ctx workflow.Context, disableEager bool) error {
		options := workflow.ActivityOptions{StartToCloseTimeout: time.Minute, DisableEagerExecution: disableEager}
		return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), "NoOp").Get(ctx, nil)
	}
	w := worker.New(c, "eager", worker.Options{})
	w.RegisterWorkflowWithOptions(callsOnce, workflow.RegisterOptions{Name: "CallsOnce"})
	w.RegisterActivityWithOptions(noOp, activity.RegisterOptions{Name: "NoOp"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)

	transitions := map[bool]int64{}
	for _, disableEager := range []bool{false, true} {
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: "eager"}, "CallsOnce", disableEager)
		require.NoError(t, err)
		require.NoError(t, run.Get(ctx, nil))
		described, err := c.DescribeWorkflowExecution(ctx, run.GetID(), run.GetRunID())
		require.NoError(t, err)
		transitions[disableEager] = described.GetWorkflowExecutionInfo().GetStateTransitionCount()
	}
	assert.Equal(t, transitions[true]-1, transitions[false], "state transitions")
}

// The server starts although a variable for our processes names an exporter that it does not know.
func TestTemporalUnknownExporter(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "console")
	startTemporal(t, stack.TemporalOptions{Dir: t.TempDir()})
}

// Temporal servers run side by side and know our search attributes.
func TestTemporalSideBySide(t *testing.T) {
	t.Parallel()
	ctx := patience(t)
	ui, err := stack.FreePort()
	require.NoError(t, err)
	one := startTemporal(t, stack.TemporalOptions{Dir: t.TempDir(), Namespace: "shop", Namespaces: []string{"another"}})
	two := startTemporal(t, stack.TemporalOptions{Dir: t.TempDir(), UIPort: ui})
	require.NotEqual(t, one.Address(), two.Address())
	require.Empty(t, one.UIAddress())
	require.NoError(t, two.WaitHealthy(ctx, two.UIAddress()))
	for _, namespace := range []string{"shop", "another"} {
		temporal(t, one, "workflow", "start", "--namespace", namespace, "--type", "Filtered", "--task-queue", "none",
			"--search-attribute", `FraudOutcome="decline"`, "--search-attribute", "FraudScore=90")
	}
	require.NoError(t, one.Stop(ctx))
	require.NoError(t, two.Stop(ctx))
}

// A Temporal that cannot start shows its last lines.
func TestTemporalCannotStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "temporal.db"), []byte("this is no database"), 0o600))
	_, err := stack.StartTemporal(patience(t), stack.TemporalOptions{Dir: dir})
	require.ErrorContains(t, err, "start Temporal: Temporal ended: exit status 1; the last lines of ")
	require.ErrorContains(t, err, "file is not a database")
	noProcessMentions(t, dir)
}

// What the dev server cannot take of its config is an error.
func TestTemporalWrongConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ dynamic, attributes, complaint string }{
		"no YAML":      {"a: [", "", "dev.yaml"},
		"constraints":  {"a:\n- value: 1\n  constraints: {namespace: x}\n", "", "a: must be one value without constraints"},
		"unknown word": {"a:\n- valeu: 1\n", "", "valeu"},
		"no type":      {"a:\n- value: 1\n", "OrderID=Keyword\nFraudScore\n", "search-attributes, line 2: must be Name=Type"},
	} {
		t.Run(name, func(t *testing.T) {
			config := t.TempDir()
			write(t, filepath.Join(config, "dynamicconfig", "dev.yaml"), c.dynamic)
			write(t, filepath.Join(config, "search-attributes"), c.attributes)
			_, err := stack.StartTemporal(t.Context(), stack.TemporalOptions{Dir: t.TempDir(), Config: config, Program: "/bin/false"})
			require.ErrorContains(t, err, c.complaint)
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}
