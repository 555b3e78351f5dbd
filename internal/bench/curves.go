package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/transaction"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/workflows"
)

// curves are what -curve may name: how the service's figures change with one size.
var curves = map[string]struct {
	measure func(plan, context.Context) error
	sizes   []int
}{
	"callers":   {plan.curveCallers, []int{1, 2, 5, 10, 20, 50, 100}},
	"workers":   {plan.curveWorkers, []int{1, 2, 4, 8}},
	"police":    {plan.curvePolice, []int{1, 2, 4, 8}},
	"histories": {plan.curveHistories, []int{1_000, 10_000, 100_000}},
	"reviews":   {plan.curveReviews, []int{0, 1_000, 10_000, 100_000}},
	"rows":      {plan.curveRows, []int{1_000, 10_000, 100_000, 1_000_000}},
}

func (p plan) benchCurve(ctx context.Context, name string) error {
	curve, known := curves[name]
	if !known {
		return fmt.Errorf("-curve %q: want callers, workers, police, histories, reviews or rows", name)
	}
	if len(p.sizes) == 0 {
		p.sizes = curve.sizes
	}
	return curve.measure(p, ctx)
}

func (p plan) curveCallers(ctx context.Context) error {
	p.callers = p.sizes
	return p.withService(ctx, serviceOptions{}, func(_ *servers, same, service system) error {
		return p.compare(ctx, p.loads(), []system{same, service})
	})
}

// withService calls do with the floor and the service, on servers of their own.
func (p plan) withService(ctx context.Context, o serviceOptions, do func(s *servers, same, service system) error) error {
	s, err := startServers(ctx, "", "new")
	defer s.stop()
	if err != nil {
		return err
	}
	same, _, err := s.floors()
	if err != nil {
		return err
	}
	o.title, o.namespace = "POST /transact", "new"
	service, err := s.start(ctx, o)
	if err != nil {
		return err
	}
	return do(s, same, service)
}

// ofSizes starts a service for each size, in a namespace of its own.
func (p plan) ofSizes(ctx context.Context, title string, options func(s *servers, namespace string, size int) (serviceOptions, error)) error {
	var names []string
	for _, size := range p.sizes {
		names = append(names, fmt.Sprintf("size-%d", size))
	}
	s, err := startServers(ctx, "", names...)
	defer s.stop()
	if err != nil {
		return err
	}
	var systems []system
	for i, size := range p.sizes {
		o, err := options(s, names[i], size)
		if err != nil {
			return err
		}
		o.title, o.namespace = fmt.Sprintf("%s: %d", title, size), names[i]
		started, err := s.start(ctx, o)
		if err != nil {
			return err
		}
		systems = append(systems, started)
	}
	return p.compare(ctx, p.loads(10, 50), systems)
}

func (p plan) curveWorkers(ctx context.Context) error { return p.curveCopies(ctx, "worker") }
func (p plan) curvePolice(ctx context.Context) error  { return p.curveCopies(ctx, "fraud_police") }

// curveCopies measures with more and more processes of a kind, and one of each other.
func (p plan) curveCopies(ctx context.Context, kind string) error {
	return p.ofSizes(ctx, kind, func(_ *servers, _ string, size int) (serviceOptions, error) {
		return serviceOptions{copies: map[string]int{kind: size}}, nil
	})
}

// mostDays is for how many days curveRows fills the ledger: the worker deletes what is older than LEDGER_RETENTION.
const mostDays = 365

// curveRows measures with more and more transactions in the ledger, which is a SQLite file.
func (p plan) curveRows(ctx context.Context) error {
	return p.ofSizes(ctx, "rows", func(s *servers, namespace string, size int) (o serviceOptions, err error) {
		dir := filepath.Join(s.dir, namespace)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return o, err
		}
		o.ledger = "sqlite:" + filepath.Join(dir, "ledger.db")
		store, err := ledgerdb.Open(o.ledger)
		if err != nil {
			return o, err
		}
		fmt.Fprintf(os.Stderr, "filling a ledger with %d rows\n", size)
		err = store.Migrate(ctx)
		if err == nil {
			ofDay := max(min(size, perDay), size/mostDays)
			_, err = fillLedger(ctx, store, o.ledger, size/ofDay, ofDay)
		}
		return o, errors.Join(err, store.Close())
	})
}

// curveHistories measures while the server keeps more and more histories of ended workflows.
func (p plan) curveHistories(ctx context.Context) error {
	return p.withService(ctx, serviceOptions{}, func(_ *servers, same, service system) error {
		var rows []row
		kept := 0
		for _, size := range p.sizes {
			fmt.Fprintf(os.Stderr, "running %d more workflows\n", size-kept)
			if err := runMany(ctx, same.temporal, size-kept); err != nil {
				return err
			}
			kept = size
			loads := p.loads(10)
			for i := range loads {
				loads[i].name = fmt.Sprintf("%d histories, %s", size, loads[i].name)
			}
			more, err := p.measure(ctx, loads, []system{same, service})
			if err != nil {
				return err
			}
			rows = append(rows, more...)
		}
		p.printRows(rows, "rate/s", "p50 ms", "p99 ms", "CPU ms", kinds[0]+" ms", "failed")
		return nil
	})
}

// runMany runs workflows without activities, 50 at a time.
func runMany(ctx context.Context, c client.Client, n int) error {
	return together(ctx, n, func(ctx context.Context) error {
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: uuid.NewString(), TaskQueue: floorQueue}, FloorWorkflow, []string{})
		if err != nil {
			return err
		}
		return run.Get(ctx, nil)
	})
}

// together does something n times, 50 at a time, until it fails once.
func together(ctx context.Context, n int, do func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(50)
	for i := 0; i < n && ctx.Err() == nil; i++ {
		group.Go(func() error { return do(ctx) })
	}
	return group.Wait()
}

// openReviews is how the rows of curveReviews are called.
const openReviews = "%d open reviews"

// If a row of curveReviews needs over mostOpened more reviews, they are copied in the files of the stopped servers, except for the last
// openedAfterwards, which are opened to fill the caches of the servers that were started again.
const (
	mostOpened       = 50_000
	openedAfterwards = 10_000
)

// curveReviews measures memory with more and more open reviews, and how long a new worker takes to be of use with them.
func (p plan) curveReviews(ctx context.Context) error {
	limit := serviceOptions{settings: []string{"FRAUD_DETECTOR=limit", "HTTP_RATE_PER_CALLER=100000"}}
	return p.withService(ctx, limit, func(s *servers, _, service system) error {
		small := service.target.(*orders) //nolint:forcetypeassert // the service's target is one
		held := newOrders(strings.TrimSuffix(small.url, "/transact"))
		held.cost, held.want = "150000.00", transaction.InReview
		open, before := 0, map[string]float64{}
		for i, size := range p.sizes {
			more := size - open
			if more > mostOpened {
				fmt.Fprintf(os.Stderr, "copying reviews\n")
				copied, one, err := s.copyReviews(ctx, service, more-openedAfterwards)
				if err != nil {
					return err
				}
				more -= copied
				held.add(sample{id: one}) // the first about which there will be a decision
			}
			fmt.Fprintf(os.Stderr, "opening %d more reviews\n", more)
			if err := together(ctx, more, func(ctx context.Context) error { return callWithin(ctx, held) }); err != nil {
				return fmt.Errorf("open a review: %w", err)
			}
			figures, err := memory(service.processes)
			if err != nil {
				return err
			}
			for _, kind := range kinds[:2] {
				used := figures[kind+" MB"]
				if i > 0 {
					figures[kind+" KB a review"] = max(0, used-before[kind]) * 1024 / float64(size-open)
				}
				before[kind] = used
			}
			open = size
			if err := restart(ctx, service, small, held, figures); err != nil {
				return err
			}
			one := row{fmt.Sprintf(openReviews, size), service.name(), map[string][]float64{}}
			one.add(figures)
			fmt.Fprintf(os.Stderr, "%s: %v\n", one.Load, figures)
			p.Rows = append(p.Rows, one)
		}
		p.printRows(p.Rows, "worker MB", "server MB", "worker KB a review", "server KB a review", "worker ready s", "next paid s", "next decided s")
		return nil
	})
}

// memory returns the resident memory of each kind of process.
func memory(processes []process) (map[string]float64, error) {
	used := map[string]float64{}
	for _, p := range processes {
		stat, err := statOf(p)
		if err != nil {
			return nil, err
		}
		used[p.kind+" MB"] += float64(stat.ResidentMemory()) / (1 << 20)
	}
	return used, nil
}

// printMemory prints the resident memory of each kind of process.
func (r *report) printMemory(processes []process) error {
	used, err := memory(processes)
	if err != nil {
		return err
	}
	header, cells := []string{"after all loads"}, []string{"resident memory"}
	for _, kind := range kinds {
		header, cells = append(header, kind+" MB"), append(cells, number(used[kind+" MB"]))
	}
	printTable(r, header, [][]string{cells})
	return nil
}

// restart kills the worker, and measures from its new start until it is ready, has paid for a transaction, and has taken a
// decision about an open review.
func restart(ctx context.Context, service system, small, held *orders, figures map[string]float64) error {
	worker := service.processes[1]
	worker.Kill()
	begun := time.Now()
	if err := worker.Start(); err != nil {
		return err
	}
	if err := worker.WaitHealthy(ctx, "http://"+worker.address+"/readyz"); err != nil {
		return err
	}
	figures["worker ready s"] = time.Since(begun).Seconds()
	if err := callWithin(ctx, small); err != nil {
		return fmt.Errorf("pay after the restart: %w", err)
	}
	figures["next paid s"] = time.Since(begun).Seconds()
	if open := held.take(); len(open) > 0 {
		if err := decide(ctx, held, open[0]); err != nil {
			return err
		}
		figures["next decided s"] = time.Since(begun).Seconds()
	}
	return nil
}

// decide declines a transaction that is in review.
func decide(ctx context.Context, o *orders, open sample) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	url := strings.TrimSuffix(o.url, "transact") + "transactions/" + strings.TrimPrefix(open.id, workflows.TransactionWorkflowID("")) + "/review"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"decision": "decline", "reviewer": "ada"}`))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := o.http.Do(request)
	if err != nil {
		return fmt.Errorf("decide a review: %w", err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("decide a review: %s", answer.Status)
	}
	return nil
}
