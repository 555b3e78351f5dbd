package api

import (
	"cmp"
	"context"
	"slices"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
)

// Detail says how much of a decision merchants are shown, whatever they ask for. Callers with the scope rules are analysts:
// of transactions that they look at they are shown all of it.
type Detail string

// FullDetail shows a decision with the public messages of its reasons, CodesDetail without any message, and NoDetail shows
// no decision.
const (
	FullDetail  Detail = "full"
	CodesDetail Detail = "codes"
	NoDetail    Detail = "none"
)

// Details lists all of them.
var Details = []string{string(FullDetail), string(CodesDetail), string(NoDetail)}

// answer returns an answer as a merchant reads it.
func (d Detail) answer(a ledger.Answer) ledger.Answer {
	a.Decision = d.decision(a.Decision)
	if a.Review != nil {
		public := *a.Review
		public.Recheck = d.decision(public.Recheck)
		a.Review = &public
	}
	return a
}

// decision returns a decision as a merchant reads it, or nil. It leaves the given one as it is.
func (d Detail) decision(of *fraud.Decision) *fraud.Decision {
	if of == nil || d == NoDetail {
		return nil
	}
	public := *of
	public.Explanation, public.Reasons = nil, slices.Clone(of.Reasons)
	for i, reason := range of.Reasons {
		public.Reasons[i] = fraud.Reason{Code: reason.Code}
		if d != CodesDetail {
			public.Reasons[i].Message = cmp.Or(reason.PublicMessage, reason.Message)
		}
	}
	return &public
}

// isAnalyst reports whether the caller may see the messages for analysts and the explanations of all these merchants.
func isAnalyst(ctx context.Context, of identity.Merchants) bool {
	rules := subjectOf(ctx).For(identity.Rules)
	return !rules.None() && rules.Covers(of)
}

// shown returns a record as the caller reads it.
func (s *server) shown(ctx context.Context, r ledger.Record) ledger.Record {
	if !isAnalyst(ctx, identity.OnlyMerchants(identity.MerchantOf(r.Merchant))) {
		r.Answer, r.Explanation = s.Detail.answer(r.Answer), nil
	}
	if !merchantsOf(ctx).All() { // failures name servers, which are the operator's
		r.Retries = slices.Clone(r.Retries)
		for i := range r.Retries {
			r.Retries[i].Failure = ""
		}
	}
	return r
}

// shownAlert returns an alert as the caller reads it. It changes the log, which is the request's own.
func (s *server) shownAlert(ctx context.Context, log alert.Log) *alertAnswer {
	a := answerAlert(log)
	if log.Digest != nil && s.Detail == NoDetail {
		for i, m := range log.Digest.Members {
			if of := identity.MerchantOf(m.Merchant); of != identity.NoMerchant && !isAnalyst(ctx, identity.OnlyMerchants(of)) {
				m.Outcome, m.Score, m.Reason = "", 0, ""
				log.Digest.Members[i] = m
			}
		}
	}
	if merchantsOf(ctx).All() {
		return a
	}
	for _, chain := range log.Chains { // the alerts of all merchants may wait in a throttle, and answers name servers, which are the operator's
		if chain.Holding != nil {
			chain.Holding.Waiting = 0
		}
		if chain.Collected != nil && chain.Collected.Holding != nil {
			chain.Collected.Holding.Waiting = 0
		}
		if chain.Group != nil {
			chain.Group.Waiting = 0
		}
		for _, step := range chain.Steps {
			for _, delivery := range step.Deliveries {
				for i := range delivery.Attempts {
					delivery.Attempts[i].Answer = ""
				}
			}
		}
	}
	return a
}
