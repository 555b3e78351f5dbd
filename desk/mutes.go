package desk

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
)

// shownMute is a mute as the API shows it.
type shownMute struct {
	alert.Mute

	On bool // it has not ended
}

// What says which alerts it mutes.
func (m shownMute) What() string {
	text := cmp.Or(alertWords[m.Type], "All types, urgent ones too")
	if m.CustomerID != "" {
		text += ", customer " + m.CustomerID
	}
	return text
}

// mutesPage is what the page about mutes shows.
type mutesPage struct {
	Mutes []shownMute
	Types []typeChoice
	ID    string // of the mute that the form makes, so that it is made once however often it is sent
	// Merchant, Type and Customer are what the form begins with.
	Merchant, Customer string
	Type               alert.Type
	All                bool // whether the person may mute alerts of all merchants
	Most               int
}

func (d *desk) showMutes(v *visit) (any, error) {
	asked := v.URL.Query()
	p := mutesPage{
		ID: uuid.NewString(), Types: typeChoices(),
		Merchant: asked.Get("merchant"), Customer: asked.Get("customerID"), Type: alert.Type(asked.Get("type")),
		All: v.Person.For(identity.Alerts).All(), Most: alert.MostMute,
	}
	var err error
	p.Mutes, err = d.mutes(v)
	return p, err
}

// mutes returns those that are on, and those that ended within the last day.
func (d *desk) mutes(v *visit) ([]shownMute, error) {
	var found struct{ Mutes []shownMute }
	err := v.get("/mutes", nil, &found)
	for i := range found.Mutes {
		found.Mutes[i].On = d.Now().Before(found.Mutes[i].Until)
	}
	return found.Mutes, err
}

func (*desk) muteAlerts(v *visit) (to, done string, err error) {
	hours, err := strconv.Atoi(v.PostFormValue("hours"))
	if err != nil {
		return "", "", &Problem{Status: http.StatusUnprocessableEntity, Detail: "Say for how many hours."}
	}
	body := map[string]any{"hours": hours, "reason": v.PostFormValue("reason")}
	for _, name := range []string{"id", "type", "merchant", "customerID"} {
		if value := v.PostFormValue(name); value != "" {
			body[name] = value
		}
	}
	var made alert.Mute
	if err := v.send(http.MethodPost, "/mutes", body, &made); err != nil {
		if refusal(err, http.StatusConflict) != nil {
			v.PostForm.Del("id") // it may be that of a mute that was made before the form was changed
		}
		return "", "", err
	}
	return "/alerts/mutes", "Muted until " + made.Until.Format(time.RFC3339) + ". It holds within five seconds.", nil
}

func (*desk) endMute(v *visit) (to, done string, err error) {
	if err := v.send(http.MethodDelete, "/mutes/"+pathOf(v, "id"), nil, nil); err != nil {
		return "", "", err
	}
	return "/alerts/mutes", "The mute has ended: alerts are sent again within five seconds. What was muted stays so: send it again from its page.", nil
}

// MuteLink leads to the form that mutes alerts like this one.
func (a shownAlert) MuteLink() string {
	of := url.Values{"type": {string(a.Type)}}
	if len(a.Merchants) == 1 && a.Merchants[0] != identity.NoMerchant {
		of.Set("merchant", a.Merchants[0])
	}
	return "/alerts/mutes?" + of.Encode()
}
