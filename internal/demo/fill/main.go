// Fill is make demo: it fills the ledger of a running stack with made-up transactions.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/signal"
	"time"

	"github.com/joho/godotenv"

	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/demo"
	"dummyorders/internal/localhost"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	seed := flag.Uint64("seed", 1, "which month is made up")
	flag.Parse()
	if err := godotenv.Load(); err != nil && !errors.Is(err, fs.ErrNotExist) { // as make run does, what is set already wins
		return fmt.Errorf("read .env: %w", err)
	}
	api, err := apiURL()
	if err != nil {
		return err
	}
	store, err := ledgerdb.Open(cmp.Or(os.Getenv("LEDGER_URL"), "sqlite:.run/orders-ledger.db"))
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := store.Ready(ctx); err != nil {
		return fmt.Errorf("start the stack first, by make run: %w", err)
	}
	end := time.Now().Add(-10 * time.Minute)
	month := demo.Month(*seed, end)
	fmt.Printf("Made up %d transactions of the %d days before %s, by seed %d. None of them happened.\n", len(month), demo.Days, end.Format(time.DateTime), *seed)
	err = demo.Fill(ctx, store, month, func(n int) { fmt.Printf("\r%d of %d are in the ledger", n, len(month)) })
	fmt.Println()
	if err != nil {
		return err
	}
	ids, err := demo.Post(ctx, api, os.Getenv("API_KEY"), time.Now())
	if err != nil {
		return err
	}
	fmt.Printf("Posted %d more to %s: some wait for a review, and some were stopped. Each made-up transaction has the metadata %s=true. Reports have them within two minutes.\n", len(ids), api.Redacted(), demo.MadeUp)
	return nil
}

// apiURL returns the API's address on this machine: where HTTP_ADDRESS has it listen, or API_URL.
func apiURL() (*url.URL, error) {
	text := cmp.Or(os.Getenv("API_URL"), "http://127.0.0.1:9001")
	if address := os.Getenv("HTTP_ADDRESS"); address != "" {
		var err error
		if text, err = localhost.URL(address); err != nil {
			return nil, fmt.Errorf("read HTTP_ADDRESS: %w", err)
		}
	}
	api, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read API_URL: %w", err)
	}
	if !localhost.Is(api.Hostname()) {
		return nil, fmt.Errorf("the API is at %s, and must be on this machine: made-up transactions belong into no ledger that others use", api.Redacted())
	}
	return api, nil
}
