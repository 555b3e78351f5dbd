package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/sethvargo/go-envconfig"

	"dummyorders/api"
	"dummyorders/domain/audit"
	"dummyorders/domain/fraud"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/health"
	"dummyorders/rules"
	"dummyorders/rules/workbench"
)

// fraudCheck holds a detector and what it depends on. It has no connections yet.
type fraudCheck struct {
	detector fraud.Detector
	velocity *ledgerdb.Ledger              // nil if the detector counts nothing
	watches  []func(context.Context) error // each watches a ruleset until ctx ends
}

// detectors lists the values that FRAUD_DETECTOR may have.
var detectors = []string{"rules", "limit", "dummy"}

func (e environment) fraudCheck(v *values, log *slog.Logger) fraudCheck {
	detector := v.oneOf("FRAUD_DETECTOR", e.FraudDetector, detectors)
	if detector != "limit" {
		e.refuseLimits(v, detector)
	}
	switch detector {
	case "limit":
		return fraudCheck{detector: e.limit(v)}
	case "dummy":
		e.refuseDouble(v, "FRAUD_DETECTOR=dummy", "must be rules or limit, as dummy declines one transaction in ten at random")
		return fraudCheck{detector: fraud.Dummy{}}
	default:
		return e.rules(v, log)
	}
}

func (e environment) limit(v *values) fraud.Detector {
	limit, err := fraud.NewLimit(v.amounts("FRAUD_LIMIT_REVIEW", e.FraudLimitReview),
		v.amounts("FRAUD_LIMIT_DECLINE", e.FraudLimitDecline))
	if err != nil {
		v.wrong("FRAUD_LIMIT_REVIEW", e.FraudLimitReview, "at most FRAUD_LIMIT_DECLINE in each currency: "+err.Error())
	}
	return limit
}

// refuseLimits records limits that the detector ignores as faults. Default values are allowed, since every copy of the
// file env contains them.
func (e environment) refuseLimits(v *values, detector string) {
	defaults, err := readEnvironment(context.Background(), envconfig.MapLookuper(nil))
	if err != nil {
		v.faults = append(v.faults, err.Error())
	}
	for _, limit := range []struct{ name, value, unset string }{
		{"FRAUD_LIMIT_REVIEW", e.FraudLimitReview, defaults.FraudLimitReview},
		{"FRAUD_LIMIT_DECLINE", e.FraudLimitDecline, defaults.FraudLimitDecline},
	} {
		if limit.value != "" && limit.value != limit.unset {
			v.wrong(limit.name, limit.value, fmt.Sprintf("left out where FRAUD_DETECTOR is %s, which takes no notice of it: a limit for rules is a rule in the "+
				"folder of FRAUD_RULESET, such as: payment.currency == \"USD\" && payment.amount > 1200", detector))
		}
	}
}

// rules returns a detector that decides by rulesets over the ledger's counts.
func (e environment) rules(v *values, log *slog.Logger) fraudCheck {
	check := fraudCheck{velocity: e.ledger(v)}
	detector := &fraud.Rules{Velocity: check.velocity, Now: time.Now, Uncounted: warnOfAddresses(log)}
	trail := e.audit(v, check.velocity)
	lists := &workbench.Lists{Store: check.velocity, Log: log}
	check.watches = append(check.watches, lists.Run)
	detector.Live = lists.Of(check.deciding(v, e, check.velocity, log)).Current
	check.audited(trail, "use ruleset", detector.Live, log)
	if e.FraudShadowRuleset != "" {
		detector.Shadow = lists.Of(check.ruleset(v, "FRAUD_SHADOW_RULESET", e.FraudShadowRuleset, log)).Current
		check.audited(trail, "use shadow ruleset", detector.Shadow, log)
	}
	check.detector = detector
	return check
}

// addressWarnings is the shortest time between two warnings that addresses are not counted.
const addressWarnings = time.Hour

// warnOfAddresses warns that the posted addresses do not identify buyers, at once and then hourly while they do not. The
// usual cause is a proxy in front of the merchant's shop: the shop then posts the proxy's address for every transaction.
func warnOfAddresses(log *slog.Logger) func(fraud.Check) {
	var next atomic.Int64
	return func(c fraud.Check) {
		now, due := time.Now(), next.Load()
		if now.Unix() < due || !next.CompareAndSwap(due, now.Add(addressWarnings).Unix()) {
			return
		}
		log.Warn("A posted ip is not an address of the internet, so rules do not count by it: the merchant must post the buyer's address, not a proxy's. This is logged once an hour",
			"transaction", c.ID, "ip", c.IP)
	}
}

// deciding returns the ruleset that decides: from files, or the one that was published last.
func (c *fraudCheck) deciding(v *values, e environment, store *ledgerdb.Ledger, log *slog.Logger) workbench.Source {
	files := c.ruleset(v, "FRAUD_RULESET", e.FraudRuleset, log)
	if v.oneOf("RULES_FROM", e.RulesFrom, []string{rulesFromFiles, rulesFromDatabase}) == rulesFromFiles {
		return files
	}
	published := &workbench.Published{Store: store, Before: files, Log: log}
	c.watches = append(c.watches, published.Run)
	return workbench.Source{Current: published.Current, Files: published.Files}
}

// The values that RULES_FROM may have.
const (
	rulesFromFiles    = "files"
	rulesFromDatabase = "database"
)

// ruleset returns the built-in ruleset or the one in a folder. It records everything that is wrong with the rules as
// faults of the setting.
func (c *fraudCheck) ruleset(v *values, name, ruleset string, log *slog.Logger) workbench.Source {
	if ruleset == builtIn {
		set := rules.Default()
		return workbench.Source{
			Current: func() fraud.Evaluator { return set },
			Files:   func() (fs.FS, error) { return rules.Files(), nil },
		}
	}
	source, err := rules.NewSource(ruleset, log)
	if err != nil {
		v.faults = append(v.faults, name+": "+err.Error())
		return workbench.Source{}
	}
	c.watches = append(c.watches, source.Run)
	return workbench.Source{Current: source.Current, Files: func() (fs.FS, error) { return os.DirFS(ruleset), nil }}
}

// workbench returns what the API shows and tries of the rules, and what has to run beside it, or nil if another detector decides.
func (e environment) workbench(v *values, store *ledgerdb.Ledger, keeps bool, log *slog.Logger) (api.Rules, []func(context.Context) error) {
	if e.FraudDetector != "rules" {
		return nil, nil
	}
	var check fraudCheck
	lists := &workbench.Lists{Store: store, Log: log}
	bench := &workbench.Workbench{From: e.RulesFrom, Velocity: store, Ledger: store, Lists: store, Log: log, Deciding: lists.Of(check.deciding(v, e, store, log))}
	if keeps {
		bench.Backtests = store
	}
	if e.FraudShadowRuleset != "" {
		shadow := lists.Of(check.ruleset(v, "FRAUD_SHADOW_RULESET", e.FraudShadowRuleset, log))
		bench.Shadow = &shadow
	}
	return bench, append(check.watches, lists.Run, bench.Run)
}

// audited has the audit trail say which ruleset is in use.
func (c *fraudCheck) audited(trail audit.Trail, action string, current func() fraud.Evaluator, log *slog.Logger) {
	c.watches = append(c.watches, func(ctx context.Context) error {
		return keepInUse(ctx, trail, action, func() (object, digest string) {
			used := current()
			if used == nil {
				return "", ""
			}
			set := used.Ruleset()
			return fmt.Sprintf("ruleset %s, version %d", set.ID, set.Version), set.Digest
		}, log)
	})
}

// checks returns the health checks of what a decision needs.
func (c fraudCheck) checks() map[string]health.Check {
	if c.velocity == nil {
		return nil
	}
	return map[string]health.Check{"ledger": c.velocity.Writable}
}

// close closes the connections.
func (c fraudCheck) close() error {
	if c.velocity == nil {
		return nil
	}
	return c.velocity.Close()
}
