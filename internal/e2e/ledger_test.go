package e2e_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

var runs = flag.Int("runs", 100, "random transactions to compare ledger and histories over")

// TestLedgerAgreesWithHistories sends random transactions, reviews and cancellations while one process after the
// other is killed. Then it has `orders ledger verify` compare each entry with its history.
func TestLedgerAgreesWithHistories(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	w := newWorld(t, map[string]string{"REVIEW_DEADLINE": "20s"}).everything()
	var accepted atomic.Int64
	var all sync.WaitGroup
	for caller := range 20 {
		random := rand.New(rand.NewPCG(seed, uint64(caller)))
		all.Go(func() {
			for accepted.Load() < int64(*runs) && t.Context().Err() == nil {
				if w.somethingHappens(random) {
					accepted.Add(1)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { all.Wait(); close(over) }()
	w.killOneAfterTheOther(over)
	w.everythingEnds(soon + time.Duration(*runs)*time.Second/10)
	w.verify(*runs)
}

// somethingHappens posts a transaction of some kind. Its reviewer may be quick, or its caller may cancel it. It returns
// false if the transaction was not accepted, for example because the API was just killed.
func (w *world) somethingHappens(random *rand.Rand) bool {
	amounts := []string{small, small, small, forReview, tooMuch}
	cards := []string{goodCard, goodCard, goodCard, declinedCard, uncapturableCard, lostCaptureCard}
	text := body(amounts[random.IntN(len(amounts))], cards[random.IntN(len(cards))])
	got, err := w.send(text, "Prefer", "wait=5")
	var answer ledger.Answer
	if err != nil || got.status > 202 || json.Unmarshal(got.body, &answer) != nil {
		time.Sleep(50 * time.Millisecond)
		return false
	}
	if answer.TransactionStatus.Code == transaction.InReview {
		verdicts := []string{"approve", "decline", ""}
		if verdict := verdicts[random.IntN(len(verdicts))]; verdict != "" {
			_, _ = w.reviewBy("ada", answer.TransactionID, verdict, "Prefer", "wait=1")
		}
	}
	if random.IntN(10) == 0 {
		_ = shared.client.CancelWorkflow(w.t.Context(), workflows.TransactionWorkflowID(answer.TransactionID), "")
	}
	return true
}

// killOneAfterTheOther kills processes, as kill -9 does, and starts them again, until over is closed.
func (w *world) killOneAfterTheOther(over <-chan struct{}) {
	pace := time.NewTicker(3 * time.Second)
	defer pace.Stop()
	for i := 0; ; i++ {
		select {
		case <-over:
			return
		case <-pace.C:
		}
		name := []string{worker, fraudPolice, worker, alertman, worker, apiProcess}[i%6]
		w.kill(name)
		w.start(name)
	}
}

// everythingEnds waits until no transaction is running.
func (w *world) everythingEnds(patience time.Duration) {
	w.t.Helper()
	eventuallyWithin(w.t, patience, func() error {
		open, err := running(w.t.Context(), transactions)
		if err == nil && len(open) > 0 {
			err = fmt.Errorf("%d transactions run", len(open))
		}
		return err
	})
}

// verify runs `orders ledger verify` over the world's transactions, and requires at least that many of them.
func (w *world) verify(atLeast int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, w.binary, "ledger", "verify", "--since", w.began.UTC().Format(time.RFC3339Nano))
	command.Env = w.environ(nil)
	out, err := command.CombinedOutput()
	w.t.Logf("%s", out)
	require.NoError(w.t, err, "orders ledger verify")
	var compared, equal int
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	_, err = fmt.Sscanf(lines[len(lines)-1], "%d compared: %d equal", &compared, &equal)
	if err != nil || compared < atLeast || compared != equal {
		w.t.Errorf("%d compared, %d equal, want at least %d: %v", compared, equal, atLeast, err)
	}
}
