// Bench measures POST /transact on the running stack and compares it with the bare floor: a workflow on the same
// Temporal server that only calls as many no-op activities on as many task queues. It measures both in turn, in one
// run, so that their ratio stays valid when the machine's speed changes.
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

	"go.temporal.io/sdk/client"

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
	flag.IntVar(&p.rounds, "rounds", 3, "rounds of each measurement; medians are printed")
	flag.DurationVar(&p.duration, "duration", 8*time.Second, "how long a round of one side takes")
	ofRules := flag.Bool("rules", false, "measure decisions by rules beside whole transactions, instead")
	ofAlerts := flag.Bool("alerts", false, "measure alertman beside Alertmanager, instead; it needs no running stack")
	ofCallers := flag.Bool("greedy", false, "measure how much a caller that sends too much slows the others down, instead; it needs no running stack")
	beside := flag.String("beside", "", "send as the caller that -greedy measures the others beside: its rate and slow sockets, as 20,2000")
	rows := flag.Int("rows", 1_000_000, "rows of the larger history that decisions by rules count in")
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
	if *ofAlerts {
		fail(benchAlerts(ctx, p.rounds))
		return
	}
	if *ofCallers {
		fail(benchCallers(ctx, p.rounds, p.duration))
		return
	}
	if *beside != "" {
		fail(besideCaller(ctx, p.api, *beside))
		return
	}
	c, err := temporal.New(slog.New(slog.DiscardHandler), temporal.AutoCompression)
	fail(err)
	defer c.Close()
	if *ofRules {
		fail(p.benchRules(ctx, c, *rows))
		return
	}
	fail(p.run(ctx, c))
}

func (p plan) run(ctx context.Context, c client.Client) error {
	workers, err := startFloor(c)
	if err != nil {
		return fmt.Errorf("start the floor's workers: is the stack running (make run)? %w", err)
	}
	defer workers.stop()
	sides := []target{&floor{temporal: c}, &updateFloor{temporal: c}, newOrders(p.api)}
	fmt.Println("warming up")
	for _, side := range sides {
		if result := closedLoop(ctx, side, 4, 3*time.Second); result.failed > 0 {
			return fmt.Errorf("warm up %s: %d calls failed, the last with: %w", side.name(), result.failed, result.lastError)
		}
	}
	printHeader()
	for _, n := range p.callers {
		p.compare(fmt.Sprintf("%d callers", n), sides, func(t target) result { return closedLoop(ctx, t, n, p.duration) })
	}
	for _, rate := range p.rates {
		p.compare(fmt.Sprintf("%g/s arriving", rate), sides, func(t target) result { return constantRate(ctx, t, rate, p.duration) })
	}
	fmt.Println()
	return printCosts(ctx, c, sides)
}

// compare measures all sides in turn, round after round.
func (p plan) compare(load string, sides []target, measure func(target) result) {
	rounds := make([][]result, p.rounds)
	for i := range rounds {
		for _, side := range sides {
			rounds[i] = append(rounds[i], measure(side))
		}
	}
	printRounds(load, sides, rounds)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
