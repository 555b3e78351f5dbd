package activities

import (
	"context"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/internal/safetext"
)

// LongestPause is the longest between two attempts of a delivery, unless the other side asks for a longer one.
const LongestPause = 5 * time.Minute

// attempts are those of one delivery. They go from try to try, and from worker to worker, in the activity's heartbeat
// details. Of many, the first and the last are kept: they have to fit into a failure, and into every beat.
type attempts []alert.Attempt

const (
	firstAttempts = 3
	lastAttempts  = 17
)

// maxAnswer is how many characters of an answer are kept.
const maxAnswer = 300

// attemptsBefore are those of earlier tries. One of which nothing was kept is noted as unknown, with the time at which
// that was found: its process ended before the first beat.
func attemptsBefore(ctx context.Context) attempts {
	var kept attempts
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &kept); err != nil {
			activity.GetLogger(ctx).Warn("What became of earlier attempts cannot be read", "error", err)
		}
	}
	next, known := attempt(ctx), 0
	if len(kept) > 0 {
		known = kept[len(kept)-1].Number
	}
	for number := known + 1; number < next.Number; number++ {
		kept = kept.with(unknown(alert.Attempt{Number: number, At: next.At}))
	}
	return kept
}

// attempt is the one that begins now.
func attempt(ctx context.Context) alert.Attempt {
	return alert.Attempt{Number: int(activity.GetInfo(ctx).Attempt), At: time.Now().UTC()}
}

// unknown is what is to be said of an attempt when nothing follows.
func unknown(a alert.Attempt) alert.Attempt {
	a.Unknown, a.Answer = true, "nobody knows: alertman ended during it"
	return a
}

// with adds an attempt, and changes no other list.
func (a attempts) with(next alert.Attempt) attempts {
	a = append(slices.Clone(a), next)
	if len(a) > firstAttempts+lastAttempts {
		a = slices.Delete(a, firstAttempts, firstAttempts+1)
	}
	return a
}

// keep hands the attempts to the next try, even when ctx ended, as it has where a worker stops.
func (a attempts) keep(ctx context.Context) {
	activity.RecordHeartbeat(context.WithoutCancel(ctx), a)
}

// failure says whether and when to try again. Where it may be the last, the attempts are in its details: the server gives
// up without another word where the next try would come too late. Elsewhere they are left out, since the server cuts what
// it keeps of a failure that is tried again.
func (a attempts) failure(ctx context.Context, err error) error {
	kind, options := DeliveryFailed, temporal.ApplicationErrorOptions{NextRetryDelay: alert.Later(err)}
	told := alert.Told{State: alert.Pending, At: time.Now().UTC(), Attempts: a}
	if alert.IsRefused(err) {
		kind, told.State, options.NonRetryable = DeliveryRefused, alert.Refused, true
	}
	if options.NonRetryable || timeLeft(ctx) <= max(LongestPause, options.NextRetryDelay) {
		options.Details = []any{told}
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), kind, options)
}

// timeLeft is how long the activity is tried yet, over all its attempts.
func timeLeft(ctx context.Context) time.Duration {
	info := activity.GetInfo(ctx)
	return time.Until(info.ScheduledTime.Add(info.ScheduleToCloseTimeout))
}

// brief is an answer as it is kept, whatever the other side put into it.
func brief(answer string) string {
	return safetext.Cut(safetext.Line(answer), maxAnswer, "…")
}
