// Bench measures POST /transact on the running stack beside the bare floor: a workflow on the same Temporal server
// that only calls as many no-op activities on as many task queues. Both are measured in turn, in one run, so that
// their ratio holds when the machine's speed drifts.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"dummyorders/gateways/temporal"
)

type plan struct {
	api      string
	callers  []int
	rates    []float64
	rounds   int
	duration time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := plan{}
	callers := flag.String("callers", "1,10,50", "callers of the closed loops")
	rates := flag.String("rates", "10,20", "constant arrival rates, transactions a second")
	flag.StringVar(&p.api, "api", "http://localhost:9001", "the API's address")
	flag.IntVar(&p.rounds, "rounds", 3, "rounds of each measurement; the median round is printed")
	flag.DurationVar(&p.duration, "duration", 8*time.Second, "how long a round of one side takes")
	flag.Parse()
	for text := range strings.SplitSeq(*callers, ",") {
		n, err := strconv.Atoi(text)
		fail(err)
		p.callers = append(p.callers, n)
	}
	for text := range strings.SplitSeq(*rates, ",") {
		rate, err := strconv.ParseFloat(text, 64)
		fail(err)
		p.rates = append(p.rates, rate)
	}
	fail(p.run(ctx))
}

func (p plan) run(ctx context.Context) error {
	c, err := temporal.New(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer c.Close()
	floor, err := startFloor(c)
	if err != nil {
		return fmt.Errorf("start the floor's workers: is the stack running (make run)? %w", err)
	}
	defer floor.stop()
	orders := newOrders(p.api, c)
	fmt.Println("warming up")
	for _, side := range []target{floor, orders} {
		if result := closedLoop(ctx, side, 4, 3*time.Second); result.failed > 0 {
			return fmt.Errorf("warm up %s: %d calls failed, the last with: %w", side.name(), result.failed, result.lastError)
		}
	}
	printHeader()
	for _, n := range p.callers {
		p.compare(fmt.Sprintf("%d callers", n), floor, orders, func(t target) result { return closedLoop(ctx, t, n, p.duration) })
	}
	for _, rate := range p.rates {
		p.compare(fmt.Sprintf("%g/s arriving", rate), floor, orders, func(t target) result { return constantRate(ctx, t, rate, p.duration) })
	}
	fmt.Println()
	return printCosts(ctx, c, floor, orders)
}

// compare takes rounds of both sides in turn, and prints the round whose ratio of rates is the median.
func (p plan) compare(load string, floor, orders target, measure func(target) result) {
	rounds := make([]pair, 0, p.rounds)
	for range p.rounds {
		rounds = append(rounds, pair{floor: measure(floor), orders: measure(orders)})
	}
	printPair(load, median(rounds))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
