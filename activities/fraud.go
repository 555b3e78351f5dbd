package activities

import (
	"context"
	"fmt"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/internal/telemetry"
)

// Fraud holds the activities of fraud_police workers.
type Fraud struct {
	Detector fraud.Detector
}

// CheckFraud decides about a transaction. A detector gives the same answer when asked again, so a retry is harmless.
func (a *Fraud) CheckFraud(ctx context.Context, c fraud.Check) (fraud.Decision, error) {
	begun := time.Now()
	decision, err := a.Detector.Detect(ctx, c)
	if err != nil {
		return fraud.Decision{}, fmt.Errorf("check transaction %s for fraud: %w", c.ID, err)
	}
	telemetry.DecisionDuration.Record(ctx, time.Since(begun))
	count(ctx, decision)
	return decision, nil
}

// count counts a decision, with the rules behind it.
func count(ctx context.Context, d fraud.Decision) {
	telemetry.Decisions.Inc(ctx, string(d.Outcome), d.Ruleset.ID)
	if d.Explanation == nil {
		return
	}
	countRules(ctx, d.Explanation.Rules, false)
	for _, trial := range d.Explanation.Trials {
		if trial.Ruleset.Digest != d.Ruleset.Digest { // else its rules are among those above
			countRules(ctx, trial.Rules, true)
		}
		if trial.Outcome != d.Outcome {
			telemetry.ShadowDisagreements.Inc(ctx, trial.Ruleset.ID)
		}
	}
}

func countRules(ctx context.Context, results []fraud.RuleResult, inShadow bool) {
	for _, rule := range results {
		mode := "live"
		if inShadow || rule.Shadow {
			mode = "shadow"
		}
		switch rule.Outcome {
		case fraud.RuleHit:
			telemetry.RuleHits.Inc(ctx, rule.ID, mode)
		case fraud.RuleFailed:
			telemetry.RuleFailures.Inc(ctx, rule.ID)
		}
	}
}
