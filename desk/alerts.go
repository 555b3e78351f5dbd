package desk

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummyorders/domain/alert"
)

// shownAlert is an alert as the API shows it.
type shownAlert struct {
	alert.Log

	State string `json:"state"`
	now   time.Time
}

// What says what the alert is about.
func (a shownAlert) What() string { return alertInWords(a.Type) }

// Waits reports whether somebody is still asked to acknowledge the alert.
func (a shownAlert) Waits() bool { return a.Asks(a.now) }

// Receivers names those who got the alert, or are to get it.
func (a shownAlert) Receivers() string {
	var names []string
	for _, c := range a.Chains {
		for _, step := range c.Steps {
			names = append(names, step.Receiver)
		}
		if len(c.Steps) == 0 {
			names = append(names, c.Receiver)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// Answers gives the last answer of each target.
func (a shownAlert) Answers() (all []string) {
	for _, c := range a.Chains {
		for _, step := range c.Steps {
			for _, d := range step.Deliveries {
				text := string(d.Target) + ": " + string(d.State)
				if n := len(d.Attempts); n > 0 {
					text += ", " + d.Attempts[n-1].Answer
				}
				all = append(all, text)
			}
		}
	}
	return all
}

// Look returns the class that shows how well the alert stands.
func (a shownAlert) Look() string {
	switch {
	case a.State == "not_delivered" || a.State == "expired" || a.State == "failed":
		return "bad"
	case a.State == "delivering" || a.Waits() || a.Silent():
		return "warn"
	default:
		return "good"
	}
}

// Over reports whether the alert can be sent again: its delivery has ended, it is known how, and it was for some receiver.
func (a shownAlert) Over() bool {
	return !a.Running && !a.Incomplete && slices.ContainsFunc(a.Chains, func(c alert.ChainLog) bool { return c.Receiver != "" })
}

// Missed reports whether there are targets that the alert did not reach, or a mute kept it from some.
func (a shownAlert) Missed() bool {
	for _, c := range a.Chains {
		if c.Muted != "" && c.Receiver != "" {
			return true
		}
		for _, step := range c.Steps {
			if slices.ContainsFunc(step.Deliveries, func(d alert.Delivery) bool { return d.State != alert.Delivered }) {
				return true
			}
		}
	}
	return false
}

// Next returns the number under which it is sent again the next time.
func (a shownAlert) Next() int { return len(a.Resent) + 1 }

// Standing gives the state in words, and whether somebody still has to acknowledge the alert.
func (a shownAlert) Standing() string {
	switch {
	case a.Waits():
		return plainly(a.State) + ", not acknowledged yet"
	case a.Silent():
		return plainly(a.State) + ", not acknowledged in time"
	}
	return plainly(a.State)
}

type alertList struct {
	Alerts []shownAlert `json:"alerts"`
	Next   string       `json:"next"`
}

// alertsPage is what the list of alerts shows.
type alertsPage struct {
	Urgent *alertList // not acknowledged; nil if the list is chosen or goes on
	List   alertList
	Query  url.Values
	Types  []typeChoice
	// Mutes is how many mutes are on; NoMutes says why that is not known.
	Mutes   int
	NoMutes string
}

// States names what the list can be chosen by.
func (alertsPage) States() map[string]string {
	return map[string]string{"unacknowledged": "not acknowledged", "undelivered": "not delivered", "open": "open", "failed": "failed, and over", "delivered": "delivered", "muted": "muted"}
}

// Since returns the date that the list begins with.
func (p alertsPage) Since() string {
	date, _, _ := strings.Cut(p.Query.Get("since"), "T")
	return date
}

type typeChoice struct {
	Type alert.Type
	Name string
}

// typeChoices returns the types to choose from, and further ones.
func typeChoices(more ...alert.Type) (all []typeChoice) {
	for _, of := range append(slices.Clone(alert.Types), more...) {
		all = append(all, typeChoice{of, alertWords[of]})
	}
	return all
}

// Incomplete reports whether no alertman has said more about an alert of the page.
func (p alertsPage) Incomplete() bool {
	all := p.List.Alerts
	if p.Urgent != nil {
		all = slices.Concat(all, p.Urgent.Alerts)
	}
	return slices.ContainsFunc(all, func(a shownAlert) bool { return a.Incomplete })
}

// NextPage returns where the list goes on.
func (p alertsPage) NextPage() string {
	next := url.Values{"cursor": {p.List.Next}}
	for name, values := range p.Query {
		if name != "cursor" {
			next[name] = values
		}
	}
	return "/alerts?" + next.Encode()
}

func (d *desk) showAlerts(v *visit) (any, error) {
	p := alertsPage{Query: v.URL.Query(), Types: typeChoices(alert.Test)}
	if date, err := time.Parse(time.DateOnly, p.Query.Get("since")); err == nil {
		p.Query.Set("since", date.Format(time.RFC3339))
	}
	if len(p.Query) == 0 {
		p.Urgent = &alertList{}
		if err := v.get("/alerts", url.Values{"state": {"unacknowledged"}}, p.Urgent); err != nil {
			return nil, err
		}
		d.date(p.Urgent.Alerts)
	}
	mutes, err := d.mutes(v)
	p.NoMutes = why(err)
	for _, m := range mutes {
		if m.On {
			p.Mutes++
		}
	}
	err = v.get("/alerts", p.Query, &p.List)
	d.date(p.List.Alerts)
	return p, err
}

// date tells alerts the time.
func (d *desk) date(alerts []shownAlert) {
	for i := range alerts {
		alerts[i].now = d.Now()
	}
}

func (d *desk) showAlert(v *visit) (any, error) {
	a := shownAlert{now: d.Now()}
	return &a, v.get("/alerts/"+pathOf(v, "id"), nil, &a)
}

func (d *desk) acknowledgeAlert(v *visit) (to, done string, err error) {
	id := pathOf(v, "id")
	body := map[string]string{}
	if note := strings.TrimSpace(v.PostFormValue("note")); note != "" {
		body["note"] = note
	}
	var kept alert.Acknowledgement
	if err := v.send(http.MethodPost, "/alerts/"+id+"/acknowledge", body, &kept); err != nil {
		return "", "", err
	}
	if kept.By != v.Person.Name {
		return "/alerts/" + id, kept.By + " had acknowledged this alert before.", nil
	}
	return "/alerts/" + id, "You have acknowledged this alert: its escalation has stopped.", nil
}

// resendAlert sends an alert again, and leads to the new delivery. The form says the number, so that it counts once however often it is
// sent.
func (d *desk) resendAlert(v *visit) (to, done string, err error) {
	number, err := strconv.Atoi(v.PostFormValue("number"))
	if err != nil {
		return "", "", &Problem{Status: http.StatusUnprocessableEntity, Detail: "The form has no number: load the alert's page again."}
	}
	var sent alert.Resending
	if err := v.send(http.MethodPost, "/alerts/"+pathOf(v, "id")+"/resend", map[string]any{"to": v.PostFormValue("to"), "number": number}, &sent); err != nil {
		return "", "", err
	}
	done = "The alert is sent again. This is the new delivery."
	if sent.By != v.Person.Name {
		done = sent.By + " had sent the alert again before, and it was not sent once more. This is that delivery."
	}
	return "/alerts/" + url.PathEscape(sent.ID), done, nil
}

// deadLetter is a dead letter as the API shows it.
type deadLetter struct {
	alert.DeadLetter

	Body string `json:"body"`
	Why  string `json:"why"` // it stays in the queue
}

// deadLetters is what the pages about dead letters show.
type deadLetters struct {
	Letters []deadLetter `json:"letters"`
	Total   int          `json:"total"`
	// Purge asks for a confirmation about these ids.
	Purge []string
}

func (d *desk) showDeadLetters(v *visit) (any, error) {
	p := deadLetters{Purge: v.URL.Query()["purge"]}
	return &p, v.get("/dead-letters", nil, &p)
}

// Chosen reports whether a letter is among those to purge.
func (p deadLetters) Chosen(id string) bool { return slices.Contains(p.Purge, id) }

func (d *desk) showDeadLetter(v *visit) (any, error) {
	var l deadLetter
	return &l, v.get("/dead-letters/"+pathOf(v, "id"), nil, &l)
}

// changeDeadLetters replays or purges the letters of a form. A purge is asked about first.
func (d *desk) changeDeadLetters(v *visit) (to, done string, err error) {
	ids, what := v.PostForm["id"], v.PostFormValue("do")
	switch {
	case len(ids) == 0:
		return "", "", &Problem{Status: http.StatusUnprocessableEntity, Detail: "Choose at least one dead letter."}
	case what == "ask":
		return "/dead-letters?" + url.Values{"purge": ids}.Encode(), "", nil
	}
	path, past := "/dead-letters/replay", "replayed"
	if what == "purge" {
		path, past = "/dead-letters/purge", "purged"
	}
	var result struct {
		Done, Left []deadLetter
		Missing    []string
	}
	if err := v.send(http.MethodPost, path, map[string]any{"ids": ids}, &result); err != nil {
		return "", "", err
	}
	done = strconv.Itoa(len(result.Done)) + " " + past + "."
	for _, l := range result.Left {
		done += " " + l.ID + " stays: " + l.Why + "."
	}
	if len(result.Missing) > 0 {
		done += " No longer there: " + strings.Join(result.Missing, ", ") + "."
	}
	return "/dead-letters", done, nil
}
