package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummyorders/api"
	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/rules"
	"dummyorders/rules/lang"
	"dummyorders/rules/workbench"
)

type tryRulesCommand struct {
	Ruleset  string         `arg:"" help:"The ruleset's folder, or default for the built-in one."`
	Features []featureValue `name:"seen" help:"A value for the rules to see, such as 'card.count(\"10m\")=4'. Can be repeated; other values are 0." placeholder:"FEATURE=NUMBER" sep:"none"`
	History  bool           `help:"Take the values from the ledger's database (LEDGER_URL), and the entries of lists, as they were at the moment of --at. Values of --seen replace them."`
	Merchant string         `help:"Whose transaction it is: counts are a merchant's own." default:"default" placeholder:"NAME"`
	At       moment         `help:"The moment of the transaction: a time, such as 2026-11-02T23:30:00+05:30, a date, which is its midnight in UTC, or how long ago, such as 24h. By default now." placeholder:"WHEN"`
	jsonFlag
}

// tried is a decision as JSON shows it.
type tried struct {
	fraud.Decision
	rulesUsed
}

// Run reads the body of a POST /transact from the standard input and decides on it. It counts and stores nothing.
func (c tryRulesCommand) Run(ctx context.Context) error {
	set, err := loadRuleset(c.Ruleset)
	if err != nil {
		return err
	}
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	v := &values{}
	maskOrderIDs := v.flag("ORDER_ID_MAY_LOOK_LIKE_A_CARD", env.CardLikeOrderIDs)
	if err := v.err(); err != nil {
		return err
	}
	t, err := readBody(os.Stdin, env.CardFingerprintKey, maskOrderIDs)
	if err != nil {
		return err
	}
	if c.At.IsZero() {
		c.At.Time = time.Now()
	}
	if !c.History {
		return c.try(ctx, set, *t, noPastUses{}, standard())
	}
	if env.CardFingerprintKey == "" {
		fmt.Fprintln(os.Stderr, "CARD_FINGERPRINT_KEY is not set: no card is recognized, and all values counted by card are 0")
	}
	return withLedger(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		set, err := workbench.WithEntries(ctx, set, store)
		if err != nil {
			return err
		}
		return c.try(ctx, set, *t, store, standard())
	})
}

// standInKey is the key of fingerprints that are not compared with any others.
const standInKey = "of a card that is tried and not kept"

func readBody(from io.Reader, key string, maskOrderIDs bool) (*transaction.Transaction, error) {
	body, err := io.ReadAll(io.LimitReader(from, api.MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the transaction: %w", err)
	}
	if len(body) > api.MaxBody {
		return nil, errors.New("the transaction is larger than 64 KiB: POST /transact refuses it")
	}
	if key == "" {
		key = standInKey
	}
	t, err := api.ReadTransaction(body, card.NewDescriber([]byte(key)), maskOrderIDs)
	if problem, is := errors.AsType[*api.Problem](err); is {
		return nil, errors.New(wrongBody(problem))
	}
	return t, err
}

// wrongBody returns what is wrong with a body, one fault on each line.
func wrongBody(p *api.Problem) string {
	if len(p.Errors) == 0 {
		return "the transaction on the standard input: " + p.Detail
	}
	text := "the transaction on the standard input is not as POST /transact takes it:"
	for _, fault := range p.Errors {
		text += "\n  " + fault.Pointer + " " + fault.Detail
	}
	return text
}

func (c tryRulesCommand) try(ctx context.Context, set *rules.Set, t transaction.Transaction, store fraud.VelocityReader, out output) error {
	t.ID, t.Merchant, set = "tried", c.Merchant, set.AsOf(c.At.Time)
	features := set.Features()
	use := velocity.Of(t, c.At.Time, velocity.Dimensions(features))
	past, err := store.Look(ctx, t.ID, velocity.Lookups(features, use, c.At.Time))
	if err != nil {
		return fmt.Errorf("read the history of the card and the customer: %w", err)
	}
	for dimension, uses := range past {
		past[dimension] = slices.DeleteFunc(uses, func(u velocity.Use) bool { return u.At.After(c.At.Time) })
	}
	values := velocity.Values(features, use, c.At.Time, past)
	for _, s := range c.Features {
		name := set.Counts(s.feature).String()
		if _, asked := values[name]; !asked {
			fmt.Fprintf(out.progress, "No rule asks for %s.\n", name)
			continue
		}
		values[name] = s.value
	}
	d := set.Evaluate(fraud.Check{Transaction: t, StartTime: c.At.Time, AsOf: c.At.Time, Number: 1}, values)
	d.Explanation.Features, d.Explanation.AsOf, d.Explanation.DecidedAt = values, c.At.UTC(), c.At.UTC()
	if c.JSON {
		return printJSON(out.results, tried{d, usedOf(set)})
	}
	return printDecision(out.results, d, set)
}

// noPastUses is a shop without earlier transactions.
type noPastUses struct{}

func (noPastUses) Look(context.Context, string, []velocity.Lookup) (velocity.Past, error) {
	return velocity.Past{}, nil
}

// featureValue is a flag that gives a feature a value.
type featureValue struct {
	feature velocity.Feature
	value   float64
}

// UnmarshalText parses a feature and its value.
func (s *featureValue) UnmarshalText(text []byte) error {
	at := strings.LastIndex(string(text), "=")
	if at < 0 {
		return fmt.Errorf("%q must be a feature, = and a number, such as card.count(\"10m\")=4", text)
	}
	feature, err := lang.ParseFeature(strings.TrimSpace(string(text[:at])))
	if err != nil {
		return err
	}
	s.feature = feature
	s.value, err = strconv.ParseFloat(strings.TrimSpace(string(text[at+1:])), 64)
	if err != nil || !(s.value >= 0 && s.value <= math.MaxFloat64) {
		return fmt.Errorf("%q must end with a number from 0 on, such as card.count(\"10m\")=4", text)
	}
	return nil
}
