package backtest

import (
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
)

// Labels says how well the decisions agree with what turned out to be true, by the latest label of each transaction.
type Labels struct {
	Labelled   int `json:"labelled"`
	Fraudulent int `json:"fraudulent"`
	Legitimate int `json:"legitimate"`
	// Presumed have no label, and count as legitimate: they began before Backtest.GoodBefore.
	Presumed int `json:"presumed,omitempty"`
	// Before and After are absent where there is no label: nothing is known then.
	Before *Quality `json:"before,omitempty"`
	After  *Quality `json:"after,omitempty"`
}

// Quality is how well decisions find fraud.
type Quality struct {
	Decline         Detection `json:"decline"`
	ReviewOrDecline Detection `json:"reviewOrDecline"`
}

// Detection is how well some outcomes find fraud. Transactions without a label do not count.
type Detection struct {
	Flagged int `json:"flagged"` // had one of the outcomes
	Caught  int `json:"caught"`  // of these, were fraudulent
	// Precision is Caught of Flagged, and Recall is Caught of all that were fraudulent; absent where there are none. Precision is
	// absent, too, where no transaction at all is known to be legitimate, or fraudulent: labels of disputes alone would make it 1.
	Precision *float64 `json:"precision"`
	Recall    *float64 `json:"recall"`
}

// add counts a transaction. What has no label says nothing.
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

// conclude computes the shares.
func (l *Labels) conclude() {
	for _, q := range []*Quality{l.Before, l.After} {
		if q == nil {
			continue
		}
		for _, d := range []*Detection{&q.Decline, &q.ReviewOrDecline} {
			d.Precision, d.Recall = l.precision(d.Caught, d.Flagged), share(d.Caught, l.Fraudulent)
		}
	}
}

// precision is nil where it cannot be known.
func (l *Labels) precision(caught, flagged int) *float64 {
	if l.Fraudulent == 0 || l.Legitimate+l.Presumed == 0 {
		return nil
	}
	return share(caught, flagged)
}

// share is nil where there is nothing to have a share of.
func share(part, of int) *float64 {
	if of == 0 {
		return nil
	}
	s := float64(part) / float64(of)
	return &s
}
