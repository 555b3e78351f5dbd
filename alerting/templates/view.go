package templates

import (
	"net/url"
	"slices"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/internal/safetext"
)

// View is a template's data: {{.Headline}}, {{.Data.OrderID}} and so on. Every text in it is one line of at most 500
// characters, without control characters. In chat and SMS a text is made harmless when a template prints it, see print.go;
// an HTML template escapes what it writes.
type View struct {
	ID       string // the alert's; a digest has one of its own
	Type     string // as routes name it, such as fraud.detected; alert.test of a test
	Receiver string // the name of the receiver of the message
	Test     bool   // whether this is a test alert

	Subject  string   // the default subject of a mail
	Title    string   // what happened, in a few words: "order 1234 declined, INR 123.00"
	Headline string   // what happened, in a sentence or two
	Advice   []string // what it means and what to do, a paragraph each
	Review   bool     // whether a person has to decide, see ReviewLinks and ReviewURL
	LookUp   bool     // whether the transaction's record is needed, see TransactionURL

	// Event is what happened, in the fields of the event (docs/asyncapi.yaml): .Event.Time. For a digest it is the first of
	// the group, which was sent before.
	Event alert.Event
	// Data is the event's: .Data.OrderID, .Data.OrderName, .Data.Amount, .Data.Currency, .Data.PaymentMethod, .Data.Card,
	// .Data.Decision (.Outcome, .Score, .RiskLevel, .Reasons of .Code, .Message and, if it has one,
	// .PublicMessage), .Data.Review (empty if no review was requested), .Data.Problem, .Data.Link (to the transaction in the
	// Web UI), .Data.TransactionID, .Data.CustomerID, .Data.Merchant; of an alarm only .Data.Alarm (.Name, .Severity, .Summary,
	// .Description, .Runbook, .Source, .Since, .Until, and .Labels of .Name and .Value), which is empty otherwise.
	Data alert.Data

	// Digest is empty if the message is about one alert. It has .Digest.Group, which is what its alerts have in common,
	// .Digest.Since, .Digest.Until, .Digest.Number, and .Digest.Members with .Merchant, .OrderID, .Amount, .Currency,
	// .Outcome, .Score, .Reason, .Time, .TransactionID and .EventID.
	Digest *alert.Digest
	Count  int      // of the alerts in the digest
	Sums   []string // their amounts added up, one sum for each currency
	List   int      // how many of them a message of this channel has room for

	Ask        *Ask     // empty if no acknowledgement is needed
	Unanswered []string // the earlier receivers that did not acknowledge
	HeldBack   string   // that the receiver's throttle holds back later alerts, and until when; empty if it does not

	AlertURL       string // the alert in the API: what was done about it
	TransactionURL string // the transaction in the API; for a digest, that of its first alert
	ReviewURL      string // where the API takes a review's decision; for a digest it has <transaction> in place of the id

	ReviewLinks []ReviewLink // pages to decide on; none if no decision is needed, or ALERT_LINK_KEY is not set
	DeskURL     string       // the review on the desk, for those who sign in; for a digest all reviews; empty without DESK_URL
	ReviewsLeft int          // how many reviews of a digest have no link here, because the message has no room for more

	own map[string]string // texts made by this package, and how chat and SMS print them; see print.go
}

// Ask is the request to acknowledge an alert.
type Ask struct {
	Until   time.Time // when the alert goes to the next receiver
	Next    string    // the next receiver; empty if there is none
	URL     string    // a link to acknowledge with; empty if ALERT_LINK_KEY is not set
	PostURL string    // where the API takes an acknowledgement
}

// ReviewLink is a signed link to the page on which a review is decided.
type ReviewLink struct {
	OrderID string
	URL     string
}

// The greatest lengths of a value and of an id, in characters.
const (
	longestValue = 500
	longestID    = 200
)

// limits is how much of a notice goes into a message.
type limits struct {
	value int // characters of one value
	list  int // members of a digest
	links int // to reviews of a digest
}

// view returns a template's data for a delivery on a channel.
func (w *Writer) view(t alert.DeliveryRequest, channel string, r limits) View {
	text := cleaner(channel, r.value)
	notice, receiver := cleaned(t.Notice, text), text(t.Receiver)
	v := w.words(notice, receiver)
	v.ID, v.Type, v.Receiver, v.Test = notice.ID, typeName(t.Notice.Event.Type, text), receiver, t.Notice.Event.Type == alert.Test
	notice.Event.Data.Merchant = identity.MerchantOf(notice.Event.Data.Merchant)
	v.Event, v.Digest, v.Unanswered, v.List = notice.Event, notice.Digest, notice.Unanswered, r.list
	if notice.Digest != nil {
		v.Count, v.Sums = len(notice.Digest.Members), sums(*t.Notice.Digest)
	}
	w.link(&v, t, channel)
	if v.Review {
		w.linkReviews(&v, t, channel, r.links)
		v.DeskURL = cleanURL(w.deskURL(t.Notice), channel)
	}
	v.Data = v.Event.Data
	if mark := marked[channel]; mark != nil {
		v.own = ownTexts(v, w.words(markedNotice(notice, mark), mark(receiver)))
	}
	return v
}

// words returns a View with the words about a notice.
func (w *Writer) words(n alert.Notice, receiver string) View {
	said := describe(n, receiver)
	v := View{
		Subject: said.title, Title: said.title, Headline: said.headline, Advice: said.advice, Review: said.decide, LookUp: said.lookUp,
		HeldBack: heldBack(n.Holding, receiver),
	}
	if w.Subject != "" && n.Event.Data.Alarm == nil { // it says that a transaction is a fraud
		v.Subject = w.Subject + ": " + said.title
	}
	if n.Digest != nil {
		v.Subject += ": " + n.Digest.Group
	}
	return v
}

// markedNotice returns a notice with its values marked, to word it. Values that are compared or added up stay unmarked:
// marks would hide them.
func markedNotice(n alert.Notice, mark func(string) string) alert.Notice {
	marked := cleaned(n, mark)
	if n.Digest != nil {
		for i, m := range n.Digest.Members {
			marked.Digest.Members[i].Amount, marked.Digest.Members[i].Currency = m.Amount, m.Currency
		}
	}
	return marked
}

// typeName returns the name with which routes and templates compare a type.
func typeName(of alert.Type, text func(string) string) string {
	name := of.RoutingKey()
	if isKnown(of) {
		return name
	}
	return text(name)
}

func isKnown(of alert.Type) bool { return of.Known() || of == alert.Test }

// link sets the addresses, unshortened: a shortened one would not work.
func (w *Writer) link(v *View, t alert.DeliveryRequest, channel string) {
	of := func(address string) string { return cleanURL(address, channel) }
	web := func(link string) string { // a longer one would leave no room for the rest
		if link = of(webOnly(link)); len(link) > longestLink {
			return ""
		}
		return link
	}
	event := t.Notice.Event
	v.Event.Data.Link = web(event.Data.Link)
	v.AlertURL = of(w.Links.Base() + "/alerts/" + pathOf(t.Notice.ID))
	v.TransactionURL = of(w.Links.Base() + "/transactions/" + pathOf(event.Data.TransactionID))
	v.ReviewURL = v.TransactionURL + "/review"
	if t.Notice.Digest != nil {
		v.ReviewURL = of(w.Links.Base()+"/transactions/") + placeholder(channel) + "/review"
	}
	if v.Test {
		v.Event.Data.Link = ""
	}
	if a := event.Data.Alarm; a != nil {
		v.Event.Data.Alarm.Source = web(a.Source)
		if webOnly(a.Runbook) != "" { // else it is a text, such as the path of a file
			v.Event.Data.Alarm.Runbook = web(a.Runbook)
		}
	}
	if ask := t.Notice.Ask; ask != nil {
		v.Ask = &Ask{
			Until: ask.Until, Next: cleaner(channel, longestID)(ask.Next), PostURL: v.AlertURL + "/acknowledge",
			URL: of(w.Links.Acknowledge(t.Notice.ID, acknowledger(t), event.Expiry())),
		}
	}
}

// linkReviews sets the links to the reviews that need a decision.
func (w *Writer) linkReviews(v *View, t alert.DeliveryRequest, channel string, most int) {
	add := func(orderID, transactionID string, until time.Time) {
		switch link := w.Links.Review(transactionID, acknowledger(t), until); {
		case link == "":
		case len(v.ReviewLinks) == most || len(link) > longestLink:
			v.ReviewsLeft++
		default:
			v.ReviewLinks = append(v.ReviewLinks, ReviewLink{orderID, cleanURL(link, channel)})
		}
	}
	if event := t.Notice.Event; t.Notice.Digest == nil {
		most = 1
		add(v.Event.Data.OrderID, event.Data.TransactionID, event.Data.Review.Deadline)
		return
	}
	linked := map[string]bool{} // by the transaction: a request and its reminder have one page
	for i, m := range t.Notice.Digest.Members {
		if m.AsksForReview() && !linked[m.TransactionID] {
			linked[m.TransactionID] = true
			add(v.Digest.Members[i].OrderID, m.TransactionID, m.Expiry)
		}
	}
}

// deskURL returns where a review is on the desk, or all reviews of a digest are.
func (w *Writer) deskURL(n alert.Notice) string {
	switch {
	case w.Desk == "":
		return ""
	case n.Digest != nil:
		return w.Desk + "/reviews"
	default:
		return w.Desk + "/reviews/" + pathOf(n.Event.Data.TransactionID)
	}
}

// placeholder returns what replaces an id in an address.
func placeholder(channel string) string {
	if channel == alert.Chat {
		return "&lt;transaction&gt;"
	}
	return "<transaction>"
}

// acknowledger returns who is known to have received a message: the address for mail and SMS, which belongs to a person,
// and else the receiver.
func acknowledger(t alert.DeliveryRequest) string {
	by := t.Receiver
	if channel, address := t.Target.Split(); channel == alert.Mail || channel == alert.SMS {
		by = address
	}
	by = safetext.Cut(safetext.Line(by), alert.MaxBy, "…")
	if len(url.QueryEscape(by)) > longestLink/2 {
		by = safetext.Cut(by, alert.MaxBy/4, "…")
	}
	return by
}

func sums(d alert.Digest) []string {
	var all []string
	for _, sum := range d.Sums() {
		all = append(all, sum.String())
	}
	return all
}

// pathOf returns an id for use in an address. This service's ids have about forty characters; a longer one is cut, and an
// address with it finds nothing.
func pathOf(id string) string {
	return safetext.Cut(url.PathEscape(id), longestID, "")
}

// webOnly returns the link if it is an http or https URL, and else "".
func webOnly(link string) string {
	u, err := url.Parse(link)
	if err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) {
		return ""
	}
	return link
}
