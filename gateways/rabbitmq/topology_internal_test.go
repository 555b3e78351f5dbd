package rabbitmq

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDefinitionsHoldTopology(t *testing.T) {
	file, err := os.ReadFile("definitions.json")
	require.NoError(t, err)
	var defined topology
	require.NoError(t, json.Unmarshal(file, &defined))
	expected, err := json.Marshal(Config{}.withDefaults().topology())
	require.NoError(t, err)
	actual, err := json.Marshal(defined)
	require.NoError(t, err)
	assert.JSONEq(t, string(expected), string(actual))
}
