package templates

import (
	"time"

	"dummyorders/domain/alert"
)

// sample is an alert to try templates on, with its description in words.
type sample struct {
	alert.DeliveryRequest
	of string
}

// SampleDigest returns a digest of count sample alerts of a type.
func SampleDigest(of alert.Type, id string, at time.Time, count int) alert.Notice {
	first := alert.Sample(of, id, at)
	n := alert.Notice{ID: id, Event: first, Digest: &alert.Digest{
		Number: 1, Group: of.RoutingKey() + ", card " + first.Data.Card, Since: at, Until: at.Add(5 * time.Minute),
	}}
	for i := range count {
		m := first.Member()
		m.Time = at.Add(time.Duration(i) * time.Second)
		n.Digest.Members = append(n.Digest.Members, m)
	}
	return n
}

// SampleAsk returns an alert that needs an acknowledgement, after an earlier receiver did not give one.
func SampleAsk(of alert.Type, id string, at time.Time) alert.Notice {
	return alert.Notice{
		ID: id, Event: alert.Sample(of, id, at), Unanswered: []string{"fraud-team"},
		Ask: &alert.Ask{Until: at.Add(15 * time.Minute), Next: "on-call"},
	}
}

// sampleHeld returns the last alert before a throttle holds back later ones.
func sampleHeld(of alert.Type, id string, at time.Time) alert.Notice {
	return alert.Notice{ID: id, Event: alert.Sample(of, id, at), Holding: &alert.Holding{Until: at.Add(time.Hour), Waiting: 2}}
}

var sampleLinks = alert.NewLinks("https://orders.example.com", []byte("for samples alone, opens nothing"))

// sampleAddresses holds an address in each channel's form.
var sampleAddresses = map[string]string{
	alert.Mail: "jo@example.com", alert.SMS: "+4915112345678", alert.Chat: "fraud-team/chat", alert.Webhook: "fraud-team/webhook", alert.Console: "-",
}

const sampleID = "00000000-0000-5000-8000-000000000000"

// digestSize is more than a chat lists.
const digestSize = 25

func samples(channel string) []sample {
	at := time.Date(2026, 11, 2, 9, 30, 15, 0, time.UTC)
	target := alert.NewTarget(channel, sampleAddresses[channel])
	delivery := func(of string, n alert.Notice) sample {
		return sample{alert.DeliveryRequest{Notice: n, Receiver: "fraud-team", Target: target}, of}
	}
	var all []sample
	for _, of := range append([]alert.Type{alert.Test}, alert.Types...) {
		name := "a sample of " + of.RoutingKey()
		all = append(all, delivery(name, alert.Notice{ID: sampleID, Event: alert.Sample(of, sampleID, at)}))
	}
	return append(all,
		delivery("a digest", SampleDigest(alert.FraudDetected, sampleID, at, digestSize)),
		delivery("the last alert that a throttle lets pass", sampleHeld(alert.FraudDetected, sampleID, at)),
		delivery("an alert that has to be acknowledged", SampleAsk(alert.FraudDetected, sampleID, at)))
}
