package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"dummyorders/alerting/routing"
	"dummyorders/alerting/templates"
	"dummyorders/domain/alert"
	"dummyorders/internal/yamlfile"
)

type previewAlertmanCommand struct {
	Config   string `help:"The file with the receivers and their templates. By default that of ALERTMAN_CONFIG; without either, the receiver is mail, of TRANSACTION_FRAUD_EMAIL_ALERT_TO." placeholder:"FILE"`
	Receiver string `help:"Only this receiver's messages." placeholder:"NAME"`
	Channel  string `help:"Only this channel's messages: mail, sms, chat, console or webhook. By default those of all channels of the receiver." placeholder:"NAME"`
	Type     string `help:"Only alerts of this type, such as fraud.detected or alert.test." placeholder:"TYPE"`
	Digest   bool   `help:"Digests of such alerts."`
	Ask      bool   `help:"Show them as a step of an escalation: with a request to acknowledge, and the earlier receivers who did not."`
	HTML     string `name:"html" help:"Also write the HTML of the mails to this file, for a browser." placeholder:"FILE"`
	jsonFlag
}

// shownMessage is a message as JSON shows it.
type shownMessage struct {
	Type     string `json:"type"`
	Receiver string `json:"receiver"`
	Channel  string `json:"channel"`
	Address  string `json:"address"`
	Subject  string `json:"subject,omitempty"`
	Text     string `json:"text"` // of a webhook, the summary in its JSON
	HTML     string `json:"html,omitempty"`
}

// Validate refuses arguments that cannot mean anything.
func (c previewAlertmanCommand) Validate() error {
	if c.Channel != "" && !slices.Contains(previewed, c.Channel) {
		return fmt.Errorf("--channel: %q is not a channel: %s", c.Channel, yamlfile.OneOf(c.Channel, previewed))
	}
	if names := alert.RoutingKeys(append(slices.Clone(alert.Types), alert.Test)); c.Type != "" && !slices.Contains(names, c.Type) {
		return fmt.Errorf("--type: %q is not a type: %s", c.Type, yamlfile.OneOf(c.Type, names))
	}
	if c.Digest && c.Ask {
		return fmt.Errorf("--digest and --ask: a digest is never acknowledged: leave out one of them")
	}
	if c.Type == alert.Test.RoutingKey() && (c.Digest || c.Ask) {
		return fmt.Errorf("--type %s: a test comes in no digest and needs no acknowledgement: leave out --digest and --ask", c.Type)
	}
	return nil
}

// previewed lists the channels in the order in which they are shown.
var previewed = []string{alert.Mail, alert.SMS, alert.Chat, alert.Console, alert.Webhook}

// types returns the types to show. It leaves out tests where they cannot occur: a test is never in a digest and asks
// for no acknowledgement.
func (c previewAlertmanCommand) types() []alert.Type {
	shown := slices.Clone(alert.Types)
	if !c.Digest && !c.Ask {
		shown = append(shown, alert.Test)
	}
	return slices.DeleteFunc(shown, func(of alert.Type) bool { return c.Type != "" && c.Type != of.RoutingKey() })
}

// Run shows messages about made-up alerts. It sends nothing.
func (c previewAlertmanCommand) Run(ctx context.Context) error {
	return c.show(ctx, standard())
}

func (c previewAlertmanCommand) show(ctx context.Context, out output) error {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	v := &values{}
	w := &templates.Writer{Links: env.links(v), Subject: v.text("TRANSACTION_FRAUD_EMAIL_ALERT_SUBJECT", env.MailSubject), Desk: env.deskInMessages(v)}
	if err := v.err(); err != nil {
		return err
	}
	c.Config = cmp.Or(c.Config, env.AlertmanConfig)
	routes, err := readRoutes(ctx, c.Config, out)
	if err != nil {
		return err
	}
	if c.Config == "" && c.Channel != "" && c.Channel != alert.Mail {
		routes = nil // no receiver uses this channel, so show its default words
	}
	c.Config = cmp.Or(c.Config, "TRANSACTION_FRAUD_EMAIL_ALERT_TO")
	return c.preview(w, routes, time.Now(), out)
}

// preview shows the wording of routes, or the default wording if routes is nil.
func (c previewAlertmanCommand) preview(w *templates.Writer, routes *routing.Config, at time.Time, out output) error {
	deliveries, err := c.whom(routes)
	if err != nil {
		return err
	}
	if routes != nil {
		w.Choose = routes.Wording
	}
	var pages strings.Builder
	messages := []shownMessage{}
	for _, delivery := range deliveries {
		for _, of := range c.types() {
			delivery.Notice = c.notice(of, at)
			message, err := w.Write(delivery)
			if err != nil {
				return err
			}
			channel, address := delivery.Target.Split()
			messages = append(messages, shownMessage{
				delivery.Notice.Event.Type.RoutingKey(), delivery.Receiver, channel, address, message.Subject, message.Text, message.HTML,
			})
			pages.WriteString(message.HTML)
		}
	}
	if c.JSON {
		return errors.Join(printJSON(out.results, messages), c.save(pages.String(), out))
	}
	for _, message := range messages {
		message.print(out.results)
	}
	return c.save(pages.String(), out)
}

// whom returns a target for each channel of each receiver that was asked for.
func (c previewAlertmanCommand) whom(routes *routing.Config) ([]alert.DeliveryRequest, error) {
	if routes == nil {
		return c.anybody(), nil
	}
	names := routes.Receivers()
	if c.Receiver != "" {
		if _, known := routes.Receiver(c.Receiver); !known {
			return nil, fmt.Errorf("--receiver: %q is not a receiver of %s: %s", c.Receiver, c.Config, yamlfile.OneOf(c.Receiver, names))
		}
		names = []string{c.Receiver}
	}
	var deliveries []alert.DeliveryRequest
	for _, name := range names {
		receiver, _ := routes.Receiver(name)
		deliveries = append(deliveries, c.targets(receiver)...)
	}
	if len(deliveries) == 0 {
		return nil, fmt.Errorf("--channel: no receiver uses %s: the receivers are %s", c.Channel, strings.Join(names, ", "))
	}
	return deliveries, nil
}

// targets returns the first target of each channel: messages to the others of the same channel read the same.
func (c previewAlertmanCommand) targets(to alert.Assignment) []alert.DeliveryRequest {
	var deliveries []alert.DeliveryRequest
	shown := map[string]bool{}
	for _, target := range to.Steps[0].Targets {
		channel, _ := target.Split()
		if shown[channel] || c.Channel != "" && c.Channel != channel {
			continue
		}
		shown[channel] = true
		deliveries = append(deliveries, alert.DeliveryRequest{Receiver: to.Receiver, Target: target})
	}
	return deliveries
}

// anybody returns the targets of a made-up receiver that uses every channel.
func (c previewAlertmanCommand) anybody() []alert.DeliveryRequest {
	name := c.Receiver
	if name == "" {
		name = "fraud-team"
	}
	addresses := map[string]string{
		alert.Mail: "jo@example.com", alert.SMS: "+4915112345678", alert.Chat: name + "/chat", alert.Console: "-",
		alert.Webhook: name + "/webhook",
	}
	var deliveries []alert.DeliveryRequest
	for _, channel := range previewed {
		if c.Channel == "" || c.Channel == channel {
			deliveries = append(deliveries, alert.DeliveryRequest{Receiver: name, Target: alert.NewTarget(channel, addresses[channel])})
		}
	}
	return deliveries
}

// previewDigest is the number of alerts in a previewed digest: more than a chat message lists.
const previewDigest = 25

func (c previewAlertmanCommand) notice(of alert.Type, at time.Time) alert.Notice {
	id := uuid.Nil.String()
	switch {
	case c.Digest:
		return templates.SampleDigest(of, id, at, previewDigest)
	case c.Ask:
		return templates.SampleAsk(of, id, at)
	default:
		return alert.Notice{ID: id, Event: alert.Sample(of, id, at)}
	}
}

func (m shownMessage) print(to io.Writer) {
	fmt.Fprintf(to, "=== %s, for %s by %s (%s)\n", m.Type, m.Receiver, m.Channel, m.Address)
	if m.Subject != "" {
		fmt.Fprintf(to, "Subject: %s\n\n", m.Subject)
	}
	if m.Channel == alert.Webhook {
		fmt.Fprintf(to, "JSON, and as its summary: ")
	}
	fmt.Fprintf(to, "%s\n\n", strings.TrimSuffix(m.Text, "\n"))
}

func (c previewAlertmanCommand) save(pages string, out output) error {
	if c.HTML == "" {
		return nil
	}
	if pages == "" {
		return fmt.Errorf("--html %s: only mail has HTML, and there is no mail among these messages", c.HTML)
	}
	if err := os.WriteFile(c.HTML, []byte(pages), 0o600); err != nil {
		return fmt.Errorf("write the HTML: %w", err)
	}
	fmt.Fprintf(out.progress, "The HTML of the mails is in %s.\n", c.HTML)
	return nil
}
