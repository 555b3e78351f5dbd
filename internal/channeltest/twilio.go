package channeltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// FakeTwilio stands in for the Messages resource of Twilio's API
// (https://www.twilio.com/docs/messaging/api/message-resource), for one account.
type FakeTwilio struct {
	*Fake
	SID, Token string
}

// NewFakeTwilio returns an account that has sent nothing yet.
func NewFakeTwilio(sid, token string) *FakeTwilio {
	return &FakeTwilio{Fake: newFake(twilio{sid, token}), SID: sid, Token: token}
}

func newFake(f form) *Fake {
	return &Fake{form: f, keys: map[string]bool{}}
}

type twilio struct{ sid, token string }

// maxSMS is Twilio's limit for a Body, in characters.
const maxSMS = 1600

var (
	e164     = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)
	sender   = regexp.MustCompile(`^(\+[1-9][0-9]{1,14}|[0-9]{3,8}|[0-9 +_&-]*[A-Za-z][0-9A-Za-z +_&-]{0,10})$`)
	service  = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
	errLogin = errors.New("the login is not the account's")
)

func (p twilio) read(r *http.Request, body []byte) (Accepted, error) {
	user, password, _ := r.BasicAuth()
	switch {
	case r.Method != http.MethodPost:
		return Accepted{}, errors.New("the method must be POST")
	case r.URL.Path != "/2010-04-01/Accounts/"+p.sid+"/Messages.json" || r.URL.RawQuery != "":
		return Accepted{}, errors.New("there is no such resource")
	case user != p.sid || password != p.token:
		return Accepted{}, errLogin
	case r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		return Accepted{}, errors.New("the content type must be application/x-www-form-urlencoded")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Accepted{}, fmt.Errorf("read the form: %w", err)
	}
	if err := checkSMS(form); err != nil {
		return Accepted{}, err
	}
	text := form.Get("Body")
	return Accepted{To: form.Get("To"), Text: text, AlertID: alertID(text)}, nil
}

func checkSMS(form url.Values) error {
	for field, values := range form {
		if !slices.Contains([]string{"To", "From", "MessagingServiceSid", "Body"}, field) || len(values) != 1 {
			return fmt.Errorf("the field %s is unknown, or there twice", field)
		}
	}
	text := form.Get("Body")
	switch {
	case !e164.MatchString(form.Get("To")):
		return fmt.Errorf("the field To, %q, is not a number of the form E.164", form.Get("To"))
	case form.Has("From") == form.Has("MessagingServiceSid"):
		return errors.New("there must be one of From and MessagingServiceSid")
	case form.Has("From") && !sender.MatchString(form.Get("From")):
		return fmt.Errorf("the field From, %q, is neither a number, a short code nor an alphanumeric sender", form.Get("From"))
	case form.Has("MessagingServiceSid") && !service.MatchString(form.Get("MessagingServiceSid")):
		return fmt.Errorf("the field MessagingServiceSid, %q, is no SID", form.Get("MessagingServiceSid"))
	case strings.TrimSpace(text) == "" || !utf8.ValidString(text):
		return errors.New("the field Body must be there, and UTF-8")
	case len(utf16.Encode([]rune(text))) > maxSMS:
		return fmt.Errorf("the field Body must not be longer than %d characters", maxSMS)
	}
	return nil
}

func (twilio) busy(Accepted, []Accepted) (Answer, bool) { return Answer{}, false }

func (twilio) id(n int) string { return fmt.Sprintf("SM%032x", n) }

func (twilio) yes(message Accepted) Answer {
	return says(http.StatusCreated, "application/json", twilioMessage(message, "queued"))
}

func (twilio) no(fault error) Answer {
	if errors.Is(fault, errLogin) {
		return twilioError(http.StatusUnauthorized, 20003, "Authenticate")
	}
	return twilioError(http.StatusBadRequest, 20001, fault.Error())
}

// twilioMessage returns a message as Twilio shows it, with a status such as queued, accepted or failed.
func twilioMessage(message Accepted, status string) string {
	return encode(map[string]any{
		"sid": message.ID, "status": status, "to": message.To, "body": message.Text, "direction": "outbound-api",
		"num_segments": "1", "num_media": "0", "api_version": "2010-04-01", "price": nil,
		"error_code": nil, "error_message": nil,
	})
}

// twilioError returns an error as Twilio answers it.
func twilioError(status, code int, message string) Answer {
	return says(status, "application/json", encode(map[string]any{
		"code": code, "message": message, "status": status,
		"more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code),
	}))
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // cannot fail for maps of strings and numbers
	}
	return string(text)
}
