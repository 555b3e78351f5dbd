// Package sms delivers alerts as short messages through Twilio's API, which other providers also offer.
package sms

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"dummyorders/domain/alert"
	"dummyorders/gateways/posting"
)

// defaultURL is Twilio's own.
const defaultURL = "https://api.twilio.com"

// maxText is Twilio's limit for a message's Body, in characters (its Messages resource). A longer one would be rejected
// for good.
const maxText = 1600

// Account is the provider's account that sends messages.
type Account struct {
	URL        string // of the API without its version; empty for Twilio's own
	SID, Token string
	From       string // a number such as +15017122661, a short code, a name such as ACME Shop, or a messaging service's SID (MG…)
}

// Format shows no token, whatever the verb.
func (a Account) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "sms.Account %s", a.SID)
}

var (
	sids      = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
	senders   = regexp.MustCompile(`^(\+[1-9][0-9]{1,14}|[0-9]{3,8})$`)
	named     = regexp.MustCompile(`^[0-9A-Za-z+_&-]([0-9A-Za-z+_& -]{0,9}[0-9A-Za-z+_&-])?$`) // Twilio's AlphaSender resource
	letters   = regexp.MustCompile(`[A-Za-z]`)
	servicing = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
)

func (a Account) check() error {
	api, err := url.Parse(a.URL)
	switch {
	case err != nil, api.Host == "", api.Scheme != "https" && api.Scheme != "http":
		return errors.New("SMS account: its URL must be an https:// or http:// URL such as " + defaultURL)
	case !sids.MatchString(a.SID):
		return fmt.Errorf("SMS account: SID %q: must be letters and digits, such as AC and 32 digits", a.SID)
	case a.Token == "":
		return errors.New("SMS account: must have a token")
	case !isSender(a.From):
		return fmt.Errorf("SMS account: from %q: must be a number such as +15017122661, a short code of 3 to 8 digits, a name of "+
			"at most 11 letters, digits, spaces, +, -, _ and &, a letter among them, or a messaging service's SID (MG and 32 "+
			"hexadecimal digits)", a.From)
	}
	return nil
}

func isSender(from string) bool {
	return senders.MatchString(from) || servicing.MatchString(from) || named.MatchString(from) && letters.MatchString(from)
}

// Channel delivers to phone numbers, in the form of E.164: +4915112345678.
type Channel struct {
	account Account
	client  *posting.Client
}

// New checks the account, and returns a Channel. It does not connect yet.
func New(account Account, client *http.Client) (*Channel, error) {
	account.URL = strings.TrimRight(cmp.Or(account.URL, defaultURL), "/")
	if err := account.check(); err != nil {
		return nil, err
	}
	return &Channel{account: account, client: posting.NewClient(client)}, nil
}

// Deliver sends the message's text to the provider. The API has no key by which it could recognize a message that is sent
// twice, so a try whose answer was lost may lead to a second message.
func (c *Channel) Deliver(ctx context.Context, to string, message alert.Message) (string, error) {
	answer, err := c.client.Post(ctx, c.request(to, message.Text))
	if err != nil {
		return "", fmt.Errorf("send SMS: %w", err)
	}
	return interpret(answer)
}

func (c *Channel) request(to, text string) posting.Request {
	form := url.Values{"To": {to}, "Body": {posting.Cut(text, maxText)}}
	if servicing.MatchString(c.account.From) {
		form.Set("MessagingServiceSid", c.account.From)
	} else {
		form.Set("From", c.account.From)
	}
	login := base64.StdEncoding.EncodeToString([]byte(c.account.SID + ":" + c.account.Token))
	return posting.Request{
		Name:        "SMS provider",
		URL:         c.account.URL + "/2010-04-01/Accounts/" + c.account.SID + "/Messages.json",
		ContentType: "application/x-www-form-urlencoded",
		Header:      http.Header{"Authorization": {"Basic " + login}, "Accept": {"application/json"}},
		Body:        []byte(form.Encode()),
		Secrets:     []string{c.account.Token, login},
	}
}
