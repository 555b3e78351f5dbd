package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

// What is measured as shipped is what the project's files say.
func TestComposed(t *testing.T) {
	root, err := stack.Root()
	require.NoError(t, err)
	shipped, err := readComposed(root)
	require.NoError(t, err)
	assert.Equal(t, "400", shipped.env["GOGC"], "server.env")
	assert.Equal(t, "postgres12_pgx", shipped.env["DB"], "docker-compose.yml")
	assert.Contains(t, shipped.dynamic, "history.shardIOConcurrency", "docker.yaml")
}

func TestComposedWith(t *testing.T) {
	base := composed{"base", map[string]string{"DB": "one"}, map[string]any{"history.rps": 1}, []string{"jit=off"}}
	for settings, want := range map[string]composed{
		"DB=two":               {"DB=two", map[string]string{"DB": "two"}, base.dynamic, base.postgres},
		"jit=on  work_mem=1MB": {"jit=on  work_mem=1MB", base.env, base.dynamic, []string{"jit=off", "jit=on", "work_mem=1MB"}},
		"history.rps=2":        {"history.rps=2", base.env, map[string]any{"history.rps": []any{map[string]any{"value": 2}}}, base.postgres},
		"a.b=true":             {"a.b=true", base.env, map[string]any{"history.rps": 1, "a.b": []any{map[string]any{"value": true}}}, base.postgres},
	} {
		got, err := base.with(settings)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := base.with("DB")
	require.EqualError(t, err, `-try "DB": DB must be NAME=VALUE`)
	assert.Equal(t, "one", base.env["DB"], "the base stays as it is")
}
