package backtest

import (
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/report"
)

// Labels says how well the decisions agree with the latest label of each transaction.
type Labels struct {
	Labelled   int `json:"labelled"`
	Fraudulent int `json:"fraudulent"`
	Legitimate int `json:"legitimate"`
	// Presumed counts the transactions without a label that count as legitimate: they started before Backtest.GoodBefore.
	Presumed int `json:"presumed,omitempty"`
	// Before and After are absent if no transaction has a label or is presumed legitimate: nothing is known then.
	Before *Quality `json:"before,omitempty"`
	After  *Quality `json:"after,omitempty"`
}

// Quality says how well decisions find fraud.
type Quality struct {
	Decline         Detection `json:"decline"`
	ReviewOrDecline Detection `json:"reviewOrDecline"`
}

// Detection says how well some outcomes find fraud. Transactions without a label count only if they are presumed
// legitimate.
type Detection struct {
	Flagged int `json:"flagged"` // transactions that had one of the outcomes
	Caught  int `json:"caught"`  // how many of these were fraudulent
	// Precision is Caught divided by Flagged, and Recall is Caught divided by all that were fraudulent; each is null if it
	// would divide by 0. Precision is also null if no transaction is known to be legitimate, or none to be fraudulent: labels
	// that come only from disputes would make it 1.
	Precision *float64 `json:"precision"`
	Recall    *float64 `json:"recall"`
}

// add counts a transaction. It ignores one that has no label and is not presumed legitimate.
func (l *Labels) add(label string, presumed bool, before, after fraud.Outcome) {
	switch {
	case presumed:
		l.Presumed++
	case label == ledger.Fraudulent:
		l.Labelled, l.Fraudulent = l.Labelled+1, l.Fraudulent+1
	case label == ledger.Legitimate:
		l.Labelled, l.Legitimate = l.Labelled+1, l.Legitimate+1
	default:
		return
	}
	if l.Before == nil {
		l.Before, l.After = &Quality{}, &Quality{}
	}
	l.Before.add(label, before)
	l.After.add(label, after)
}

func (q *Quality) add(label string, o fraud.Outcome) {
	q.Decline.add(label, o == fraud.Decline)
	q.ReviewOrDecline.add(label, o == fraud.Decline || o == fraud.Review)
}

func (d *Detection) add(label string, flagged bool) {
	if !flagged {
		return
	}
	d.Flagged++
	if label == ledger.Fraudulent {
		d.Caught++
	}
}

// conclude computes precision and recall.
func (l *Labels) conclude() {
	for _, q := range []*Quality{l.Before, l.After} {
		if q == nil {
			continue
		}
		for _, d := range []*Detection{&q.Decline, &q.ReviewOrDecline} {
			d.Precision, d.Recall = l.precision(d.Caught, d.Flagged), report.Share(d.Caught, l.Fraudulent)
		}
	}
}

// precision returns the share of flagged transactions that are fraudulent, or nil if it cannot be known.
func (l *Labels) precision(caught, flagged int) *float64 {
	return report.Precision(caught, flagged, l.Fraudulent, l.Legitimate+l.Presumed)
}
