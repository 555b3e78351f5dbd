package templates

import (
	"fmt"
	"slices"
	"strings"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
)

// mostSums are named in a title; there may be a sum for each currency.
const mostSums = 3

// sayDigest is about several alerts. Those that a throttle kept back may be of several types: what is said here is true of
// any.
func sayDigest(n alert.Notice) words {
	members := n.Digest.Members
	title := fmt.Sprintf("%d more %s", len(members), plural(len(members), "alert", "alerts"))
	w := words{
		title: title + total(*n.Digest),
		Headline: fmt.Sprintf("%s%s. The first of them all, about order %s, was told before.",
			title, total(*n.Digest), n.Event.Data.OrderID),
		Advice: []string{"Each is about a transaction of its own and has to be looked at. They came to: " + outcomes(members) + "."},
	}
	if has(members, fraud.Review, fraud.NotEvaluated) {
		w.Decide = true
		w.Advice = append(w.Advice, "Those of outcome review or not_evaluated may wait for your decision, each until its own deadline.")
	}
	if n.Event.Type == alert.CompensationFailed || has(members, fraud.Approve) {
		w.Advice = append(w.Advice, "Those of outcome approve may hold money that could not be given back, or that was taken as nobody "+
			"reviewed them in time: see their records.")
	}
	return w
}

// total is the sums of a digest, as they follow upon its count.
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

// heldBack says that a throttle holds back what follows.
func heldBack(h *alert.Holding, receiver string) string {
	if h == nil {
		return ""
	}
	text := fmt.Sprintf("The throttle of %s is used up: what follows comes as one digest by %s.", receiver, h.Until.UTC().Format(timeLayout))
	if h.Waiting > 0 {
		text += fmt.Sprintf(" %d %s for it already.", h.Waiting, plural(h.Waiting, "alert waits", "alerts wait"))
	}
	return text
}

// outcomes counts what the alerts' decisions were: "10 decline, 2 review".
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

// longestListing is more than there are outcomes.
const longestListing = 10

func has(members []alert.Member, outcomes ...fraud.Outcome) bool {
	return slices.ContainsFunc(members, func(m alert.Member) bool { return slices.Contains(outcomes, fraud.Outcome(m.Outcome)) })
}

func plural(count int, one, many string) string {
	if count == 1 {
		return one
	}
	return many
}
