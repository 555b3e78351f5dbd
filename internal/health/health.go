// Package health reports whether a process is alive, and whether it can do its work.
package health

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// patience is how long a check may take before it counts as failed.
const patience = 2 * time.Second

// Check returns what keeps the process from doing its work, or nil.
type Check func(ctx context.Context) error

// Live always answers 200: an answer at all shows that the process is alive. It checks nothing else, because a restart
// would not repair faults elsewhere.
func Live(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, "application/json", map[string]any{"status": "live"})
}

// Ready answers 200 if every check passes. Otherwise it answers 503 with the names of the failed checks, as
// problem+json. The reasons go only to the log, because a stranger may be asking.
//
// running ends when the process is asked to stop. From then on Ready answers 503, so that balancers send no more requests,
// and asks no check.
func Ready(running context.Context, log *slog.Logger, checks map[string]Check) http.HandlerFunc {
	known := &readiness{log: log, began: time.Now(), parts: map[string]partState{}}
	return func(w http.ResponseWriter, r *http.Request) {
		if running.Err() != nil {
			unavailable(w, "draining: the process was asked to stop, and ends what it has begun")
			return
		}
		errs := Run(context.WithoutCancel(r.Context()), checks) // an asker that hangs up has failed no part
		failed := slices.Sorted(maps.Keys(errs))
		known.note(r.Context(), checks, errs)
		if len(failed) == 0 {
			write(w, http.StatusOK, "application/json", map[string]any{"status": "ready"})
			return
		}
		unavailable(w, "not ready: "+strings.Join(failed, ", ")+"; the log says why")
	}
}

func unavailable(w http.ResponseWriter, detail string) {
	w.Header().Set("Retry-After", "5")
	write(w, http.StatusServiceUnavailable, "application/problem+json", map[string]any{
		"title": "Service Unavailable", "status": http.StatusServiceUnavailable, "detail": detail,
	})
}

// readiness logs what is not ready, once for each reason, and what is ready again.
type readiness struct {
	log   *slog.Logger
	began time.Time

	mu    sync.Mutex
	parts map[string]partState
}

// partState is what is known of a part from its checks so far.
type partState struct {
	passed bool   // once
	reason string // why it is not ready; empty if it is
	failed int    // checks since it was ready
}

func (n *readiness) note(ctx context.Context, checks map[string]Check, errs map[string]error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name := range checks {
		was, err := n.parts[name], errs[name]
		if err == nil {
			if was.reason != "" {
				n.log.InfoContext(ctx, "Ready", "what", name, "failedChecks", was.failed)
			}
			n.parts[name] = partState{passed: true}
			continue
		}
		if was.reason != err.Error() {
			n.log.Log(ctx, n.level(was.passed), "Not ready", "what", name, "error", err)
		}
		n.parts[name] = partState{passed: was.passed, reason: err.Error(), failed: was.failed + 1}
	}
}

// level returns an error's level only for a part that was ready before: another may still be started.
func (n *readiness) level(passed bool) slog.Level {
	if passed {
		return slog.LevelError
	}
	return firstLevel(n.began)
}

// Handler serves /livez and /readyz, and /metrics beside them, for those who run the processes. running is as for Ready.
func Handler(running context.Context, log *slog.Logger, checks map[string]Check, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", Live)
	mux.HandleFunc("GET /readyz", Ready(running, log, checks))
	mux.Handle("GET /metrics", metrics)
	return mux
}

// Run runs the checks and returns the errors of those that fail, by their names.
func Run(ctx context.Context, checks map[string]Check) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	failed := map[string]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, check := range checks {
		all.Go(func() {
			if err := check(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed[name] = err
			}
		})
	}
	all.Wait()
	return failed
}

func write(w http.ResponseWriter, status int, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone, and then the error cannot be reported
}
