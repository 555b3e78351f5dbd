package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"

	"dummyorders/alerting/routing"
	"dummyorders/alerting/templates"
	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/gateways/chat"
	"dummyorders/gateways/console"
	"dummyorders/gateways/sms"
	"dummyorders/gateways/smtp"
	"dummyorders/gateways/webhook"
	"dummyorders/internal/localhost"
	"dummyorders/internal/mailaddress"
)

// alerting holds alertman's routes and channels.
type alerting struct {
	routes   func() *routing.Config
	watch    *routing.Source // nil where the routes never change
	channels map[string]alert.Channel
	writer   alert.Writer
}

func (e environment) alerting(v *values, log *slog.Logger) alerting {
	a := alerting{channels: map[string]alert.Channel{}}
	e.routes(v, &a, log)
	links := e.links(v)
	subject := v.text("TRANSACTION_FRAUD_EMAIL_ALERT_SUBJECT", e.MailSubject)
	mail, texts, desk := e.mail(v), e.sms(v, a.routes), e.deskInMessages(v)
	if v.err() != nil {
		return a
	}
	client := &http.Client{Transport: http.DefaultTransport}
	a.channels[alert.Mail] = mail
	if texts != nil {
		a.channels[alert.SMS] = texts
	}
	a.channels[alert.Chat] = chat.New(func(name string) (chat.Endpoint, bool) { return a.routes().Chat(name) }, client)
	a.channels[alert.Webhook] = webhook.New(func(name string) (webhook.Endpoint, bool) { return a.routes().Webhook(name) }, client)
	a.channels[alert.Console] = console.New(os.Stdout)
	a.writer = &templates.Writer{Links: links, Subject: subject, Desk: desk, Log: log, Choose: func(receiver string, target alert.Target) *templates.Set {
		return a.routes().Wording(receiver, target)
	}}
	return a
}

// deskInMessages returns where messages link to the desk, or "" if they do not.
func (e environment) deskInMessages(v *values) string {
	if e.DeskURL == "" {
		return ""
	}
	return strings.TrimSuffix(e.deskURL(v).String(), "/")
}

// routes sets the routes of ALERTMAN_CONFIG, or those to the one receiver of the mail variables if it is not set.
func (e environment) routes(v *values, a *alerting, log *slog.Logger) {
	if e.AlertmanConfig == "" {
		routes := routing.ToMail(v.addresses("TRANSACTION_FRAUD_EMAIL_ALERT_TO", e.MailTo))
		a.routes = func() *routing.Config { return routes }
		return
	}
	source, err := routing.NewSource(e.AlertmanConfig, e.lacking(), log)
	if err != nil {
		v.faults = append(v.faults, "ALERTMAN_CONFIG: "+err.Error())
		return
	}
	a.routes, a.watch = source.Current, source
}

// shownRoutes returns the routes of alertman, as far as this process is given its settings, and what keeps them in step with
// their file. They are nil if the file cannot be used: the process starts without them.
func (e environment) shownRoutes(v *values, log *slog.Logger) (func() api.Routes, func(context.Context) error) {
	still := func(context.Context) error { return nil }
	if e.AlertmanConfig == "" {
		routes := routing.ToMail(v.addresses("TRANSACTION_FRAUD_EMAIL_ALERT_TO", e.MailTo))
		return func() api.Routes { return routes }, still
	}
	source, err := routing.NewSourceToShow(e.AlertmanConfig, log)
	if err != nil {
		log.Warn("The routes of alerts cannot be shown by this process: it cannot use the file of ALERTMAN_CONFIG", "error", err)
		return nil, still
	}
	return func() api.Routes { return source.Current() }, source.Run
}

// links returns the links for alerts. They are signed if a key is set.
func (e environment) links(v *values) alert.Links {
	if e.AlertLinkKey != "" && len(e.AlertLinkKey) < minKeyBytes {
		v.wrongSecret("ALERT_LINK_KEY", "a secret of at least 32 characters, such as `openssl rand -hex 32` prints, or empty")
	}
	e.refusePublished(v, "ALERT_LINK_KEY", e.AlertLinkKey)
	return alert.NewLinks(v.webURL("API_URL", e.APIURL), []byte(e.AlertLinkKey))
}

// devMailPort is the port of the development mail server: make run starts it on this machine, Compose as the service
// mail.
const devMailPort = 1025

func (e environment) mail(v *values) alert.Channel {
	if _, err := mailaddress.Domain(e.SMTPHostname); err != nil {
		v.wrong("SMTP_HOSTNAME", e.SMTPHostname, "the name of a mail server, such as mail.example.com, or its address")
	}
	server := smtp.Server{
		Host:     v.text("SMTP_HOSTNAME", e.SMTPHostname),
		Port:     v.number("SMTP_PORT", e.SMTPPort, 1, 65535),
		Security: e.mailSecurity(v),
		Greeting: v.greeting("SMTP_HELO", e.SMTPHELO),
		Username: e.SMTPUsername,
		Password: e.SMTPPassword,
	}
	if server.Port == devMailPort && (server.Host == "mail" || localhost.Is(server.Host)) {
		e.refuseDouble(v, fmt.Sprintf("SMTP_HOSTNAME=%s and SMTP_PORT=%d", server.Host, server.Port),
			"must be a mail server that delivers; the development one keeps mail in files")
	}
	e.refusePublished(v, "SMTP_PASSWORD", e.SMTPPassword)
	from := v.address("TRANSACTION_FRAUD_EMAIL_ALERT_FROM", e.MailFrom)
	if v.err() != nil {
		return nil
	}
	channel, err := smtp.New(server, from)
	if err != nil {
		v.faults = append(v.faults, err.Error())
	}
	return channel
}

// sms returns nil if there is no account and no receiver gets SMS.
func (e environment) sms(v *values, routes func() *routing.Config) alert.Channel {
	if e.SMSAccountSID == "" && e.SMSAuthToken == "" && e.SMSFrom == "" {
		if routes != nil && len(routes().Needs(e.lacking())) > 0 {
			v.faults = append(v.faults, "SMS_ACCOUNT_SID, SMS_AUTH_TOKEN and SMS_FROM: must be set, as a receiver in ALERTMAN_CONFIG has SMS")
		}
		return nil
	}
	e.refusePublished(v, "SMS_AUTH_TOKEN", e.SMSAuthToken)
	channel, err := sms.New(sms.Account{URL: e.SMSURL, SID: e.SMSAccountSID, Token: e.SMSAuthToken, From: e.SMSFrom},
		&http.Client{Transport: http.DefaultTransport})
	if err != nil {
		v.faults = append(v.faults, "SMS_URL, SMS_ACCOUNT_SID, SMS_AUTH_TOKEN, SMS_FROM: "+err.Error())
		return nil
	}
	return channel
}

// lacking returns the channels that cannot be used, with what is missing for each. Mail is always set up because each
// of its variables has a default, and the other channels have no variables.
func (e environment) lacking() map[string]string {
	var missing []string
	for _, needed := range []struct{ name, value string }{
		{"SMS_ACCOUNT_SID", e.SMSAccountSID}, {"SMS_AUTH_TOKEN", e.SMSAuthToken}, {"SMS_FROM", e.SMSFrom},
	} {
		if needed.value == "" {
			missing = append(missing, needed.name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return map[string]string{alert.SMS: strings.Join(missing, ", ")}
}

// run keeps the routes in step with their file until ctx ends.
func (a alerting) run(ctx context.Context) error {
	if a.watch == nil {
		return nil
	}
	return a.watch.Run(ctx)
}

// mailSecurity also accepts the seed's True and False. True meant implicit TLS there, and False now really means no
// TLS.
func (e environment) mailSecurity(v *values) smtp.Security {
	value := strings.ToLower(e.SMTPUseTLS)
	switch value {
	case "true":
		return smtp.Implicit
	case "false":
		return smtp.Plain
	}
	known := []string{string(smtp.Plain), string(smtp.StartTLS), string(smtp.Implicit)}
	if !slices.Contains(known, value) {
		v.wrong("SMTP_USE_TLS", e.SMTPUseTLS, "none, starttls or implicit")
	}
	return smtp.Security(value)
}
