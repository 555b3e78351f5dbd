package templates

import (
	"fmt"
	"slices"
	"strings"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/review"
)

// timeLayout is how times are written for people, in UTC.
const timeLayout = "2006-01-02 15:04:05 MST"

// words holds the sentences of a message.
type words struct {
	title    string   // what happened, in a few words
	headline string   // what happened
	advice   []string // what it means, and what to do, a paragraph each
	decide   bool     // whether to show how a review is decided
	lookUp   bool     // whether to show how the transaction's record is read
}

// describe returns the words for a notice whose values are already cleaned.
func describe(n alert.Notice, receiver string) words {
	w := describeEvent(n.Event, receiver)
	if n.Digest != nil {
		w = describeDigest(n)
	}
	if len(n.Unanswered) > 0 {
		w.title = "not acknowledged: " + w.title
	}
	return w
}

func describeEvent(e alert.Event, receiver string) words {
	if e.Data.Alarm != nil {
		return describeAlarm(*e.Data.Alarm)
	}
	amount, order := e.Data.Currency+" "+e.Data.Amount.String(), "order "+e.Data.OrderID
	if merchant := identity.MerchantOf(e.Data.Merchant); merchant != identity.DefaultMerchant {
		order += " of " + merchant
	}
	switch e.Type {
	case alert.Test:
		return describeTest(receiver)
	case alert.CompensationFailed:
		return cannotGiveBack(order, amount)
	case alert.ReviewExpired:
		return expired(order, amount, e.Data.Review.Verdict)
	case alert.FraudDetected:
		return stopped(order, amount, e.Data.Review)
	case alert.ReviewRequested, alert.ReviewReminder, alert.AlarmFiring, alert.AlarmResolved:
	}
	return askedFor(order, amount, e)
}

// describeTest returns the words of a test alert, by which people check that alerts reach them.
func describeTest(receiver string) words {
	return words{
		title:    "test alert",
		headline: "This is a test alert. You need not do anything.",
		advice:   []string{"Alerts for the receiver " + receiver + " arrive here."},
	}
}

func describeAlarm(a alert.Alarm) words {
	if a.Until != nil {
		return words{title: "alarm " + a.Name + " is over", headline: "An alarm is over: " + a.Summary}
	}
	w := words{title: "alarm " + a.Name + " fires", headline: "An alarm fires: " + a.Summary}
	if a.Severity != "" {
		w.title += ", " + a.Severity
	}
	return w
}

func stopped(order, amount string, by *review.Review) words {
	w := words{
		title:    fmt.Sprintf("%s declined, %s", order, amount),
		headline: "A transaction was declined as fraudulent.",
		advice:   []string{"No money was taken. Look at the transaction, and contact the customer if it was a mistake."},
	}
	if by != nil {
		w.headline = "A reviewer declined a transaction as fraudulent."
		w.advice = []string{"No money was taken, and the hold is released. If the verdict was a mistake, " +
			"ask the customer to order again."}
	}
	return w
}

func askedFor(order, amount string, e alert.Event) words {
	until := e.Data.Review.Deadline.UTC()
	w := words{
		title:    fmt.Sprintf("review %s by %s, %s", order, until.Format("2 Jan 15:04 MST"), amount),
		headline: "A transaction waits for your decision. Its money is held, and not taken.",
		decide:   true,
	}
	unchecked := e.Data.Decision.Outcome == fraud.NotEvaluated
	if unchecked {
		w.headline = "A transaction could not be checked for fraud, and waits for your decision. " +
			"Its money is held, and not taken."
	}
	if e.Type == alert.ReviewReminder {
		w.title = "reminder: " + w.title
		w.headline = "A transaction still waits for a decision, and half the time is over. Its money is held, and not taken."
	}
	w.advice = append(w.advice, "Decide by "+until.Format(timeLayout)+". "+unlessDecided(e.Data.Review))
	switch r := e.Data.Review; {
	case r.AwaitsSecond():
		w.advice = append(w.advice, "It was "+r.By()+".")
	case r.NeedsSecond:
		w.advice = append(w.advice, "An approval needs a second person, because of the amount.")
	}
	if unchecked {
		w.advice = append(w.advice, "Also see that fraud_police is running.")
	}
	return w
}

// unlessDecided returns what happens to the transaction if no decision is made.
func unlessDecided(r *review.Review) string {
	if r.OnExpiry == review.Approve {
		return "Without a decision it is approved then and the money is taken, " +
			"unless the fraud check, asked again, finds it worse or does not answer."
	}
	return "Without a decision it is declined then: the hold is released, and the order is not paid for."
}

func expired(order, amount string, verdict review.Verdict) words {
	if verdict == review.Approve {
		return words{
			title:    fmt.Sprintf("%s approved without review, %s", order, amount),
			headline: "A transaction was not reviewed in time, so it was approved.",
			advice: []string{"The service is set to approve then (REVIEW_ON_EXPIRY), and takes the money. " +
				"Look at the transaction, and stop the order and refund it if it is a fraud."},
		}
	}
	return words{
		title:    fmt.Sprintf("%s declined without review, %s", order, amount),
		headline: "A transaction was not reviewed in time, so it was declined.",
		advice: []string{"No money was taken, and the hold is released. " +
			"This does not mean that it was a fraud: if the transaction was good, ask the customer to order again."},
	}
}

func cannotGiveBack(order, amount string) words {
	return words{
		title:    fmt.Sprintf("give back %s of %s", amount, order),
		headline: "Money could not be given back. A person has to do it.",
		advice: []string{
			"The transaction did not go through, but its money is still held or was taken, " +
				"and the service cannot give it back by itself.",
			"Release or refund it at the payment gateway, by hand. The id of the authorization is in the transaction's record, " +
				"as payment.authorizationID:",
		},
		lookUp: true,
	}
}

// mostSums is how many sums a title names; there may be a sum for each currency.
const mostSums = 3

// describeDigest returns the words of a digest. Alerts that a throttle held back may be of several types, so its words must be
// true of any type.
func describeDigest(n alert.Notice) words {
	members, before := n.Digest.Members, "about order "+n.Event.Data.OrderID
	if a := n.Event.Data.Alarm; a != nil {
		before = "about the alarm " + a.Name
	}
	title := fmt.Sprintf("%d more %s", len(members), plural(len(members), "alert", "alerts"))
	w := words{
		title:    title + total(*n.Digest),
		headline: fmt.Sprintf("%s%s. The first alert, %s, was sent before.", title, total(*n.Digest), before),
		advice:   []string{"Each must be looked at. Their outcomes: " + outcomes(members) + "."},
	}
	say := func(is func(alert.Member) bool, advice string) bool {
		about := orders(members, is)
		if about != "" {
			w.advice = append(w.advice, advice+": "+about+".")
		}
		return about != ""
	}
	w.decide = say(alert.Member.AsksForReview, "These may wait for your decision, each until its own deadline")
	say(isNotGivenBack, "The money of these could not be given back, so that a person has to do it (see their records)")
	say(func(m alert.Member) bool { return m.Type == alert.ReviewExpired },
		"These were not reviewed in time, so they were declined, or approved and their money taken (see their records)")
	return w
}

// orders names the orders of some alerts, each once: "orders 1234, 1235 and 3 more".
func orders(members []alert.Member, are func(alert.Member) bool) string {
	var ids []string
	for _, m := range members {
		if are(m) && !slices.Contains(ids, m.OrderID) {
			ids = append(ids, m.OrderID)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	text := plural(len(ids), "order ", "orders ") + strings.Join(ids[:min(len(ids), longestListing)], ", ")
	if more := len(ids) - longestListing; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// isNotGivenBack reports whether an alert is about money that could not be given back. One without a type is of an earlier version.
func isNotGivenBack(m alert.Member) bool {
	return m.Type == alert.CompensationFailed || m.Type == "" && m.Outcome == string(fraud.Approve)
}

// total returns the sums of a digest, worded to follow its count.
func total(d alert.Digest) string {
	all := sums(d)
	if len(all) == 0 {
		return ""
	}
	text := ", " + strings.Join(all[:min(len(all), mostSums)], " and ") + " in all"
	if more := len(all) - mostSums; more > 0 {
		text += fmt.Sprintf(" and %d more %s", more, plural(more, "currency", "currencies"))
	}
	return text
}

// heldBack returns a sentence that a throttle holds back later alerts, or "" if it does not.
func heldBack(h *alert.Holding, receiver string) string {
	if h == nil {
		return ""
	}
	text := fmt.Sprintf("The throttle of %s is used up: later alerts come as one digest by %s.", receiver, h.Until.UTC().Format(timeLayout))
	if h.Waiting > 0 {
		text += fmt.Sprintf(" %d %s for it already.", h.Waiting, plural(h.Waiting, "alert waits", "alerts wait"))
	}
	return text
}

// outcomes counts the outcomes of the alerts' decisions: "10 decline, 2 review".
func outcomes(members []alert.Member) string {
	counts := map[string]int{}
	for _, m := range members {
		counts[m.Outcome]++
	}
	var all []string
	for outcome, count := range counts {
		all = append(all, fmt.Sprintf("%d %s", count, outcome))
	}
	slices.Sort(all)
	return strings.Join(all[:min(len(all), longestListing)], ", ")
}

// longestListing bounds how many outcomes, of which there are fewer, or orders are listed.
const longestListing = 10

func plural(count int, one, many string) string {
	if count == 1 {
		return one
	}
	return many
}
