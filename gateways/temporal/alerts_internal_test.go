package temporal

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"dummyorders/domain/alert"
)

// The attempt under way is the last one, also after one that was made within a workflow task.
func TestTriesUnderWay(t *testing.T) {
	first := alert.Attempt{Number: 1, Answer: "connection refused"}
	for name, made := range map[string][]alert.Attempt{"first": nil, "second": {first}} {
		t.Run(name, func(t *testing.T) {
			now := alert.Attempt{Number: len(made) + 1, Answer: "unknown: alertman ended during it", Unknown: true}
			beat, err := converter.GetDefaultDataConverter().ToPayloads(append(made, now))
			require.NoError(t, err)
			d := alert.Delivery{Attempts: made}
			readTries(&d, &workflow.PendingActivityInfo{State: enums.PENDING_ACTIVITY_STATE_STARTED, Attempt: 1, HeartbeatDetails: beat})
			require.Equal(t, append(made, alert.Attempt{Number: now.Number, Answer: "under way"}), d.Attempts)
		})
	}
}
