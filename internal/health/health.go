// Package health answers whether a process lives, and whether it can do its work.
package health

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// patience is how long a check may take before it counts as failed.
const patience = 2 * time.Second

// Check says what keeps the process from its work; nil is nothing.
type Check func(ctx context.Context) error

// Live always answers 200: that it answers is the answer. It asks nobody, because a restart would not mend what is
// wrong elsewhere.
func Live(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, "application/json", map[string]any{"status": "live"})
}

// Ready answers 200 when every check passes, and else 503 with what is wrong, as problem+json.
func Ready(checks map[string]Check) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		faults := run(r.Context(), checks)
		if len(faults) == 0 {
			write(w, http.StatusOK, "application/json", map[string]any{"status": "ready"})
			return
		}
		w.Header().Set("Retry-After", "5")
		write(w, http.StatusServiceUnavailable, "application/problem+json", map[string]any{
			"title": "Service Unavailable", "status": http.StatusServiceUnavailable, "detail": strings.Join(faults, "; "),
		})
	}
}

// Handler serves /livez and /readyz, for processes that serve nothing else.
func Handler(checks map[string]Check) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", Live)
	mux.HandleFunc("GET /readyz", Ready(checks))
	return mux
}

func run(ctx context.Context, checks map[string]Check) []string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var faults []string
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, check := range checks {
		all.Go(func() {
			if err := check(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				faults = append(faults, name+": "+err.Error())
			}
		})
	}
	all.Wait()
	slices.Sort(faults)
	return faults
}

func write(w http.ResponseWriter, status int, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the asker may be gone; there is nobody else to tell
}
