package alert_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
)

// What is sent again days later lasts anew, once and again, unless it asks for a review: that ends at its deadline.
func TestLasting(t *testing.T) {
	old, deadline := now.Add(-96*time.Hour), now.Add(-72*time.Hour)
	for _, of := range alert.Types {
		event, own := alert.Sample(of, "e-1", old), of == alert.ReviewRequested || of == alert.ReviewReminder
		want := now.Add(72 * time.Hour)
		if own {
			event.Data.ExpiresAt, want = &deadline, deadline
		}
		digest := alert.Digest{Members: []alert.Member{event.Member()}}
		assert.Equal(t, want, event.Lasting(old).Lasting(now).Expiry(), of)
		assert.Equal(t, want, digest.Lasting(old).Lasting(now).Members[0].Expiry, of)
		assert.Equal(t, event.Expiry(), digest.Members[0].Expiry, "%s: the earlier digest is changed", of)
		digest.Members[0].Type = ""
		assert.Equal(t, want, digest.Lasting(old).Lasting(now).Members[0].Expiry, "%s in a digest of an earlier version", of)
	}
}

// Members of earlier versions have no type: a request ends at its deadline, and what came after it does not.
func TestAsksForReview(t *testing.T) {
	deadline := now.Add(24 * time.Hour)
	for _, outcome := range []fraud.Outcome{fraud.Review, fraud.NotEvaluated} {
		for _, of := range alert.Types {
			event, asks := alert.Sample(of, "e-1", now), of == alert.ReviewRequested || of == alert.ReviewReminder
			event.Data.Decision.Outcome = outcome
			if asks {
				event.Data.ExpiresAt = &deadline
			}
			member := event.Member()
			assert.Equal(t, asks, member.AsksForReview(), of)
			member.Type = ""
			assert.Equal(t, asks, member.AsksForReview(), "%s of an earlier version", of)
		}
	}
}

// The deadline of a review counts also if it is as long after the event as other alerts last.
func TestLastingUntilDeadline(t *testing.T) {
	event := alert.Sample(alert.ReviewRequested, "e-1", now)
	deadline := now.Add(72 * time.Hour)
	event.Data.ExpiresAt = &deadline
	digest := alert.Digest{Members: []alert.Member{event.Member()}}
	assert.Equal(t, deadline, digest.Lasting(now.Add(time.Hour)).Members[0].Expiry)
}
