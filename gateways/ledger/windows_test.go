package ledger_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/alert"
)

// aWindow returns a window of five minutes that begins so long after start.
func aWindow(first string, after time.Duration) alert.Window {
	return alert.Window{Group: "g", First: first, Since: start.Add(after), Until: start.Add(after + 5*time.Minute)}
}

func TestWindows(t *testing.T) {
	first := aWindow("a", 0)
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			for _, c := range []struct {
				what       string
				asks, open alert.Window
			}{
				{"opens", first, first},
				{"is of another group", alert.Window{Group: "other", First: "x", Since: first.Since, Until: first.Until}, alert.Window{Group: "other", First: "x", Since: first.Since, Until: first.Until}},
				{"asks again, after a crash", aWindow("a", time.Minute), first},
				{"follows", aWindow("b", 4*time.Minute), first},
				{"comes while the group still runs, because another followed", aWindow("c", 13*time.Minute), first},
				{"comes after a window without an alert", aWindow("d", 23*time.Minute), aWindow("d", 23*time.Minute)},
				{"comes at the end of a window that none followed", aWindow("e", 28*time.Minute), aWindow("e", 28*time.Minute)},
				{"has a shorter window", alert.Window{Group: "g", First: "f", Since: start.Add(29 * time.Minute), Until: start.Add(29*time.Minute + time.Second)}, aWindow("e", 28*time.Minute)},
				{"follows all the same", aWindow("h", 32*time.Minute), aWindow("e", 28*time.Minute)},
				{"has a shorter window, while the group may still run", alert.Window{Group: "g", First: "i", Since: start.Add(34 * time.Minute), Until: start.Add(34*time.Minute + time.Second)}, aWindow("e", 28*time.Minute)},
				{"comes while the group may still run, all the same", aWindow("j", 36*time.Minute), aWindow("e", 28*time.Minute)},
			} {
				open, err := l.OpenWindow(t.Context(), c.asks)
				require.NoError(t, err)
				require.Equal(t, c.open, open, "one that %s", c.what)
			}
		})
	}
}

// Of many alerts of a group at once, one opens the window.
func TestWindowAtOnce(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			var opened atomic.Int64
			var asking errgroup.Group
			for n := range 30 {
				asking.Go(func() error {
					asks := aWindow(fmt.Sprint(n), time.Duration(n)*time.Millisecond)
					open, err := l.OpenWindow(t.Context(), asks)
					if open.First == asks.First {
						opened.Add(1)
					}
					return err
				})
			}
			require.NoError(t, asking.Wait())
			require.EqualValues(t, 1, opened.Load())
		})
	}
}

func TestPruneWindows(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			for n := range 3 {
				w := aWindow("a", time.Duration(n)*time.Minute)
				w.Group = fmt.Sprint(n)
				_, err := l.OpenWindow(t.Context(), w)
				require.NoError(t, err)
			}
			for _, deletes := range []int{1, 1, 0} { // the third has not ended
				deleted, err := l.PruneWindows(t.Context(), start.Add(6*time.Minute+time.Second), 1)
				require.NoError(t, err)
				require.Equal(t, deletes, deleted)
			}
		})
	}
}

// On PostgreSQL, alertman's user keeps windows, and the API's does not see them.
func TestWindowRights(t *testing.T) {
	name := server.Database(t)
	for _, user := range []string{"orders_reader", "orders_alertman"} {
		role(t, server.URL("postgres", name), user)
	}
	require.NoError(t, connect(t, server.URL("postgres", name)).Migrate(t.Context()))
	alertman := connect(t, server.URL("orders_alertman", name))
	for range 2 {
		_, err := alertman.OpenWindow(t.Context(), aWindow("a", 0))
		require.NoError(t, err)
	}
	_, err := alertman.PruneWindows(t.Context(), start, 1)
	require.ErrorContains(t, err, "permission denied")
	_, err = connect(t, server.URL("orders_reader", name)).OpenWindow(t.Context(), aWindow("a", 0))
	require.ErrorContains(t, err, "permission denied")
}
