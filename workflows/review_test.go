package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// reviewedRun returns a run whose fraud check asks for a review, and whose money is held.
func reviewedRun(t *testing.T) *run {
	t.Helper()
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(reviewed, nil).Once()
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil).Once()
	return r
}

// rechecks expects the fraud check to be repeated.
func (r *run) rechecks(found fraud.Decision) {
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(found, nil).Once()
}

func (r *run) captures() {
	r.OnActivity(pay.Capture, mock.Anything, mock.Anything).Return(payment.Capture{ID: "capture_1"}, nil).Once()
}

func (r *run) voids() {
	r.OnActivity(pay.Void, mock.Anything, voidOfHeld).Return(nil).Once()
}

// reviews sends a verdict after a while, and returns what the reviewer gets.
func (r *run) reviews(after time.Duration, q review.Request) *answer {
	got := &answer{}
	r.RegisterDelayedCallback(func() { r.UpdateWorkflow(workflows.ReviewUpdate, "", got, q) }, after)
	return got
}

func types(events []alert.Event) []alert.Type {
	var types []alert.Type
	for _, e := range events {
		types = append(types, e.Type)
	}
	return types
}

var (
	adaApproves   = review.Request{Verdict: review.Approve, Reviewer: "ada", Note: "known customer"}
	graceDeclines = review.Request{Verdict: review.Decline, Reviewer: "grace"}
)

// A review holds the money and answers the caller at once.
func TestReviewHoldsMoney(t *testing.T) {
	r := reviewedRun(t)
	events := r.publishes(1)
	r.rechecks(reviewed)
	r.captures()
	r.RegisterDelayedCallback(func() {
		require.True(t, r.answer.complete)
		require.Equal(t, transaction.InReview, r.answer.TransactionStatus.Code)
		require.False(t, r.answer.TransactionStatus.FraudStatus)
		require.Equal(t, 24*time.Hour, r.answer.Review.Deadline.Sub(r.answer.Review.RequestedAt))
		require.Equal(t, transaction.InReview, r.ledger.last().Record.TransactionStatus.Code)
	}, time.Hour)
	r.reviews(2*time.Hour, adaApproves)
	r.execute()
	require.Equal(t, []alert.Type{alert.ReviewRequested}, types(*events))
	require.NotNil(t, (*events)[0].Data.Review)
}

// An approval takes the money.
func TestReviewApproved(t *testing.T) {
	r := reviewedRun(t)
	r.publishes(1)
	r.rechecks(reviewed)
	r.captures()
	reviewer := r.reviews(time.Hour, adaApproves)
	r.execute()
	require.NoError(t, reviewer.err)
	require.Equal(t, "Transaction Successful", reviewer.Message)
	require.Equal(t, []transaction.Status{11, 16, 19, 18}, r.steps())
	record := r.record()
	require.Equal(t, "ada", record.Review.Reviewer)
	require.Equal(t, []ledger.Label{{
		Label: ledger.Legitimate, Source: ledger.ByReviewer, Note: "known customer", By: "ada", Time: *record.Review.DecidedAt,
	}}, record.Labels)
}

// A decline releases the hold and is a fraud.
func TestReviewDeclined(t *testing.T) {
	r := reviewedRun(t)
	r.voids()
	events := r.publishes(2)
	reviewer := r.reviews(time.Hour, graceDeclines)
	r.execute()
	require.NoError(t, r.GetWorkflowError())
	require.NoError(t, reviewer.err)
	require.True(t, reviewer.TransactionStatus.FraudStatus)
	require.Equal(t, "Transaction Fraudulent", reviewer.Message)
	require.Equal(t, []transaction.Status{11, 16, 19, 12, 13, 15}, r.steps())
	require.Equal(t, []alert.Type{alert.ReviewRequested, alert.FraudDetected}, types(*events))
	require.NotEqual(t, (*events)[0].ID, (*events)[1].ID)
	require.Equal(t, ledger.Fraudulent, r.record().Labels[0].Label)
}

// If the check got worse, the reviewer has to confirm the approval.
func TestReviewRecheckWorse(t *testing.T) {
	for name, now := range map[string]fraud.Decision{
		"a worse outcome":            declined,
		"a higher score":             {Outcome: fraud.Review, Score: 71},
		"no fraud check any more":    fraud.Undecided("nobody"),
		"not so when it gets better": approved,
	} {
		t.Run(name, func(t *testing.T) {
			r := reviewedRun(t)
			r.publishes(1)
			r.rechecks(now)
			r.captures()
			confirmed := adaApproves
			confirmed.Confirm = true // which has no meaning before a reviewer knows of a worse check
			first := r.reviews(time.Hour, confirmed)
			if now.Outcome == fraud.Approve {
				r.execute()
				require.NoError(t, first.err)
				require.False(t, r.record().Review.Confirmed, "there was nothing to confirm")
				return
			}
			r.rechecks(now)
			second := r.reviews(2*time.Hour, confirmed)
			r.execute()
			var worse *temporal.ApplicationError
			require.ErrorAs(t, first.err, &worse)
			require.Equal(t, workflows.CheckWorse, worse.Type())
			require.NoError(t, second.err)
			require.Equal(t, transaction.PaymentComplete, second.TransactionStatus.Code)
			require.True(t, r.record().Review.Confirmed)
			require.Equal(t, now.Outcome, r.record().Review.Recheck.Outcome)
		})
	}
}

// How the first check decided is in the record and in no answer. Merchants read the answers, and the record would grow
// with each check.
func TestReviewExplanationInRecord(t *testing.T) {
	explained := func(d fraud.Decision, passed string) fraud.Decision {
		d.Explanation = &fraud.Explanation{Passed: []string{passed}}
		return d
	}
	r := newRun(t)
	var checks []fraud.Check
	check := func(found fraud.Decision) {
		r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(func(_ context.Context, c fraud.Check) (fraud.Decision, error) {
			checks = append(checks, c)
			return found, nil
		}).Once()
	}
	check(explained(reviewed, "at first"))
	check(explained(declined, "again"))
	check(explained(declined, "and again"))
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil).Once()
	r.publishes(1)
	r.captures()
	second := r.reviews(time.Hour, adaApproves)
	confirmed := adaApproves
	confirmed.Confirm = true
	answered := r.reviews(2*time.Hour, confirmed)
	r.execute()
	record := r.record()
	require.Equal(t, []string{"at first"}, record.Explanation.Passed)
	require.Equal(t, record.Explanation, r.ledger.last().Record.Explanation)
	var worse *temporal.ApplicationError
	require.ErrorAs(t, second.err, &worse)
	var now fraud.Decision
	require.NoError(t, worse.Details(&now))
	require.NoError(t, answered.err)
	for name, d := range map[string]*fraud.Decision{
		"the answer": r.answer.Decision, "the reviewer's answer": answered.Decision, "what the reviewer is told": &now,
		"the record's decision": record.Decision, "the record's last check": record.Review.Recheck,
	} {
		require.Nil(t, d.Explanation, name)
	}
	for i, c := range checks {
		require.Equal(t, i+1, c.Number)
		require.Equal(t, record.StartTime, c.StartTime)
		require.WithinDuration(t, record.StartTime.Add(time.Duration(i)*time.Hour), c.AsOf, time.Minute)
	}
	require.Len(t, checks, 3)
}

// Of two reviewers at once, one wins and the other is answered who did.
func TestReviewTwoAtOnce(t *testing.T) {
	r := reviewedRun(t)
	r.publishes(1)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).After(time.Second).Return(reviewed, nil).Once()
	r.captures()
	first := r.reviews(time.Hour, adaApproves)
	second := r.reviews(time.Hour+500*time.Millisecond, graceDeclines)
	r.execute()
	require.NoError(t, first.err)
	var closed *temporal.ApplicationError
	require.ErrorAs(t, second.err, &closed)
	require.Equal(t, workflows.ReviewClosed, closed.Type())
	require.Contains(t, closed.Message(), "approved by ada")
}

// A confirmation covers nothing worse than the answer before it said.
func TestReviewConfirm(t *testing.T) {
	r := reviewedRun(t)
	r.publishes(2)
	worse, worst := fraud.Decision{Outcome: fraud.Review, Score: 80}, fraud.Decision{Outcome: fraud.Decline, Score: 95}
	r.rechecks(worse)
	r.rechecks(worst)
	r.voids()
	confirmed := adaApproves
	confirmed.Confirm = true
	r.reviews(time.Hour, adaApproves)
	second := r.reviews(2*time.Hour, confirmed)
	declines := graceDeclines
	declines.Confirm = true // which has no meaning
	r.reviews(3*time.Hour, declines)
	r.execute()
	require.ErrorContains(t, second.err, "score 95")
	require.False(t, r.record().Review.Confirmed)
}

// A reviewer may repeat the verdict.
func TestReviewRepeated(t *testing.T) {
	r := reviewedRun(t)
	r.publishes(1)
	r.rechecks(reviewed)
	r.OnActivity(pay.Capture, mock.Anything, mock.Anything).After(time.Minute).Return(payment.Capture{ID: "capture_1"}, nil).Once()
	r.reviews(time.Hour, adaApproves)
	again := r.reviews(time.Hour+30*time.Second, adaApproves)
	other := r.reviews(time.Hour+30*time.Second, graceDeclines)
	r.execute()
	require.NoError(t, again.rejected)
	require.Equal(t, transaction.PaymentComplete, again.TransactionStatus.Code)
	require.ErrorContains(t, other.rejected, "approved by ada")
}

// A review is refused where there is nothing to decide.
func TestReviewRefused(t *testing.T) {
	for name, test := range map[string]struct {
		request    review.Request
		kind, says string
	}{
		"before the fraud check": {adaApproves, workflows.ReviewClosed, "not in review: it is TRANSACTION_PENDING"},
		"without a verdict":      {review.Request{Reviewer: "ada"}, workflows.RequestInvalid, "must be approve or decline"},
		"without a reviewer":     {review.Request{Verdict: review.Approve}, workflows.RequestInvalid, "must say who decides"},
		"with a card number":     {review.Request{Verdict: review.Approve, Reviewer: "ada", Note: "card 4242 4242 4242 4242"}, workflows.RequestInvalid, "could be a card number"},
		"with a line break":      {review.Request{Verdict: review.Approve, Reviewer: "ada\r\nBcc: x"}, workflows.RequestInvalid, "must not contain control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t)
			r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).After(time.Minute).Return(declined, nil)
			r.publishes(1)
			got := r.reviews(time.Second, test.request)
			r.execute()
			refused(t, got.rejected, test.kind, test.says)
		})
	}
}

func TestReviewNotDecided(t *testing.T) {
	t.Run("reminds at half its time, and declines at its end without calling it a fraud", func(t *testing.T) {
		r := reviewedRun(t)
		r.voids()
		events := r.publishes(3)
		r.execute()
		require.Equal(t, []alert.Type{alert.ReviewRequested, alert.ReviewReminder, alert.ReviewExpired}, types(*events))
		requested, reminded, expired := (*events)[0].Time, (*events)[1].Time, (*events)[2].Time
		require.InDelta(t, 12, reminded.Sub(requested).Hours(), 0.01)
		require.InDelta(t, 24, expired.Sub(requested).Hours(), 0.01)
		record := r.record()
		require.Equal(t, []transaction.Status{11, 16, 19, 12, 13, 15}, r.steps())
		require.Equal(t, "Transaction Stopped, Not Reviewed", record.Message)
		require.False(t, record.TransactionStatus.FraudStatus)
		require.True(t, record.Review.Expired)
		require.Empty(t, record.Labels, "silence is no label")
	})
	t.Run("is approved where that is configured and the check says no worse", func(t *testing.T) {
		r := approvesOnExpiry(t, reviewed)
		r.rechecks(reviewed)
		r.captures()
		events := r.publishes(3)
		r.execute()
		require.Equal(t, []transaction.Status{11, 16, 19, 18}, r.steps())
		require.Equal(t, alert.ReviewExpired, (*events)[2].Type)
		require.Equal(t, review.Approve, (*events)[2].Data.Review.Verdict)
	})
	t.Run("is declined all the same where the check got worse", func(t *testing.T) {
		r := approvesOnExpiry(t, reviewed)
		r.rechecks(declined)
		r.voids()
		r.publishes(3)
		r.execute()
		require.Equal(t, []transaction.Status{11, 16, 19, 12, 13, 15}, r.steps())
	})
	t.Run("is never approved by silence where no fraud check has seen it", func(t *testing.T) {
		undecided := fraud.Undecided("nobody")
		r := approvesOnExpiry(t, undecided)
		r.rechecks(undecided)
		r.voids()
		r.publishes(3)
		r.execute()
		require.Equal(t, []transaction.Status{11, 16, 19, 12, 13, 15}, r.steps())
	})
}

// approvesOnExpiry returns a run whose review ends as an approval if no person decides.
func approvesOnExpiry(t *testing.T, found fraud.Decision) *run {
	t.Helper()
	r := newRun(t)
	r.orders.ReviewOnExpiry = review.Approve
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(found, nil).Once()
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil).Once()
	return r
}

// A transaction that no fraud check answered for goes to review.
func TestReviewWithoutCheck(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(fraud.Decision{}, temporal.NewTimeoutError(2, nil)).Once()
	r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil).Once()
	r.rechecks(approved)
	r.captures()
	r.publishes(1)
	r.reviews(time.Hour, adaApproves)
	r.execute()
	require.Equal(t, fraud.NotEvaluated, r.answer.Decision.Outcome)
	require.Equal(t, fraud.NoSource, r.answer.Decision.Source)
	require.Equal(t, []transaction.Status{11, 16, 19, 18}, r.steps())
}

// A cancellation during a review releases the hold.
func TestReviewCancelled(t *testing.T) {
	t.Run("while it waits", func(t *testing.T) {
		r := reviewedRun(t)
		r.publishes(1)
		r.voids()
		r.RegisterDelayedCallback(r.CancelWorkflow, time.Hour)
		r.execute()
		require.ErrorAs(t, r.GetWorkflowError(), new(*temporal.CanceledError))
		require.Equal(t, []transaction.Status{11, 16, 19, 17}, r.steps())
	})
	t.Run("while an approval has the check asked again, whose reviewer is told", func(t *testing.T) {
		r := reviewedRun(t)
		r.publishes(1)
		r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).After(10*time.Second).Return(reviewed, nil).Once()
		r.voids()
		reviewer := r.reviews(time.Hour, adaApproves)
		r.RegisterDelayedCallback(r.CancelWorkflow, time.Hour+5*time.Second)
		r.execute()
		require.ErrorContains(t, reviewer.err, "TRANSACTION_PAYMENT_ERROR")
		require.Equal(t, []transaction.Status{11, 16, 19, 17}, r.steps())
	})
}

// A repeated verdict gets the answer of the first time.
func TestReviewRepeatedAnswer(t *testing.T) {
	r := reviewedRun(t)
	r.voids()
	tries := 0
	r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(func(_ context.Context, e alert.Event) error {
		if tries++; e.Type == alert.FraudDetected && tries < tooOften {
			return errors.New("broker away")
		}
		return nil
	})
	first := r.reviews(time.Hour, graceDeclines)
	again := r.reviews(time.Hour+5*time.Second, graceDeclines)
	r.execute()
	require.Contains(t, r.steps(), transaction.AlertError)
	require.Equal(t, transaction.AlertInitiated, first.TransactionStatus.Code)
	require.Equal(t, first.Answer, again.Answer)
}

// A review can be decided while the broker is away.
func TestReviewBrokerAway(t *testing.T) {
	r := reviewedRun(t)
	tries := 0
	r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(func(context.Context, alert.Event) error {
		if tries++; tries < tooOften {
			return errors.New("broker away")
		}
		return nil
	})
	r.rechecks(reviewed)
	r.captures()
	reviewer := r.reviews(time.Second, adaApproves)
	r.execute()
	require.NoError(t, reviewer.err)
	require.Equal(t, transaction.PaymentComplete, reviewer.TransactionStatus.Code)
	require.Equal(t, tooOften, tries, "the alert is published all the same")
}

// secondRun returns a run in review whose amount needs a second person.
func secondRun(t *testing.T) *run {
	t.Helper()
	r := reviewedRun(t)
	amount := aTransaction().Payment.Amount
	r.orders.ReviewSecondFrom = []money.Money{{Minor: amount.Minor - 1, Currency: amount.Currency}}
	r.orders.ReviewOnExpiry = review.Approve // which does not hold for what needs two people
	return r
}

var bobApproves = review.Request{Verdict: review.Approve, Reviewer: "bob", Note: "called"}

// Above an amount two people have to approve, and both are shown.
func TestReviewTwoApprove(t *testing.T) {
	r := secondRun(t)
	events := r.publishes(2)
	r.rechecks(reviewed)
	r.rechecks(reviewed)
	r.OnActivity(pay.Capture, mock.Anything, mock.Anything).After(time.Minute).Return(payment.Capture{ID: "capture_1"}, nil).Once()
	first, again := r.reviews(time.Hour, adaApproves), r.reviews(2*time.Hour, adaApproves)
	r.RegisterDelayedCallback(func() {
		for _, a := range []*answer{first, again} {
			require.NoError(t, a.err)
			require.True(t, a.complete)
			require.Equal(t, transaction.InReview, a.TransactionStatus.Code)
			require.Equal(t, "Transaction In Review, A Second Person Has To Agree", a.Message)
			require.Equal(t, "ada", a.Review.First.Reviewer)
		}
		kept := r.ledger.last().Record
		require.Equal(t, first.Message, kept.Message)
		require.Equal(t, "known customer", kept.Review.First.Note)
		require.Empty(t, kept.Labels)
	}, 3*time.Hour)
	second, late := r.reviews(13*time.Hour, bobApproves), r.reviews(14*time.Hour, adaApproves)
	r.RegisterDelayedCallback(func() { // its money is being taken
		require.Equal(t, "Transaction In Review", r.ledger.last().Record.Message)
		require.Contains(t, shownOf(t, r), "**Transaction In Review**")
		require.Contains(t, shownOf(t, r), "and by bob at ")
	}, 13*time.Hour+30*time.Second)
	r.execute()
	require.NoError(t, r.GetWorkflowError())
	require.NoError(t, second.err)
	require.Equal(t, "Transaction Successful", second.Message)
	require.NoError(t, late.err, "the first of the two repeats it")
	record := r.record()
	require.Regexp(t, "^approved by ada at .* and by bob at ", record.Review.By())
	require.Equal(t, "called", record.Labels[0].Note)
	require.Equal(t, []alert.Type{alert.ReviewRequested, alert.ReviewReminder}, types(*events))
	require.True(t, (*events)[0].Data.Review.NeedsSecond)
	require.Nil(t, (*events)[0].Data.Review.First)
	require.Equal(t, "ada", (*events)[1].Data.Review.First.Reviewer)
}

// Anyone can decline at once what one person has approved, and so does the deadline.
func TestReviewOneDeclines(t *testing.T) {
	for name, c := range map[string]struct {
		then   *review.Request
		alerts int
		by     string
	}{
		"another person": {&graceDeclines, 2, "^declined by grace at .*, after an approval by ada at "},
		"the same one":   {&review.Request{Verdict: review.Decline, Reviewer: "ada"}, 2, "^declined by ada at .*, after an approval by ada at "},
		"the deadline":   {nil, 3, "^declined by its deadline at .*, after an approval by ada at "},
	} {
		t.Run(name, func(t *testing.T) {
			r := secondRun(t)
			r.publishes(c.alerts)
			r.rechecks(reviewed)
			r.voids()
			r.reviews(time.Hour, adaApproves)
			then := &answer{}
			if c.then != nil {
				then = r.reviews(2*time.Hour, *c.then)
			}
			r.execute()
			require.NoError(t, r.GetWorkflowError())
			require.NoError(t, errors.Join(then.rejected, then.err))
			require.Equal(t, transaction.AlertDone, r.record().TransactionStatus.Code)
			require.Regexp(t, c.by, r.record().Review.By())
			require.Equal(t, review.Decline, r.record().Review.OnExpiry)
		})
	}
}

// Each of the two confirms a fraud check that has become worse.
func TestReviewTwoConfirm(t *testing.T) {
	r := secondRun(t)
	r.publishes(1)
	confirmed := []review.Request{adaApproves, bobApproves}
	var answers []*answer
	for i := range confirmed {
		r.rechecks(declined)
		answers = append(answers, r.reviews(time.Duration(2*i+1)*time.Minute, confirmed[i]))
		r.rechecks(declined)
		confirmed[i].Confirm = true
		answers = append(answers, r.reviews(time.Duration(2*i+2)*time.Minute, confirmed[i]))
	}
	r.captures()
	r.execute()
	for i, a := range answers {
		if i%2 == 0 {
			var refused *temporal.ApplicationError
			require.ErrorAs(t, a.err, &refused)
			require.Equal(t, workflows.CheckWorse, refused.Type())
			continue
		}
		require.NoError(t, a.err)
	}
	require.True(t, r.record().Review.First.Confirmed)
	require.True(t, r.record().Review.Confirmed)
}

// One person suffices up to the amount, in other currencies, and where no amount is set.
func TestReviewOneApproves(t *testing.T) {
	for name, from := range map[string][]money.Money{
		"just that amount": {aTransaction().Payment.Amount},
		"another currency": {{Minor: 1, Currency: "EUR"}},
		"no amount":        nil,
	} {
		t.Run(name, func(t *testing.T) {
			r := reviewedRun(t)
			r.orders.ReviewSecondFrom = from
			r.publishes(1)
			r.rechecks(reviewed)
			r.captures()
			r.reviews(time.Hour, adaApproves)
			r.execute()
			require.Equal(t, transaction.PaymentComplete, r.record().TransactionStatus.Code)
			require.Nil(t, r.record().Review.First)
		})
	}
}

// Who posted a transaction cannot approve it, and can decline it.
func TestReviewByPoster(t *testing.T) {
	r := reviewedRun(t)
	r.publishes(2)
	r.voids()
	poster := aTransaction().Receipt.Client
	approves := r.reviews(time.Hour, review.Request{Verdict: review.Approve, Reviewer: poster, Person: poster})
	declines := r.reviews(2*time.Hour, review.Request{Verdict: review.Decline, Reviewer: poster, Person: poster})
	r.execute()
	var refused *temporal.ApplicationError
	require.ErrorAs(t, approves.rejected, &refused)
	require.Equal(t, workflows.ReviewByPoster, refused.Type())
	require.NoError(t, declines.err)
	require.Equal(t, poster, r.record().Review.Reviewer)
}
