package routing

import (
	"regexp"
	"slices"

	"dummyorders/domain/alert"
	"dummyorders/gateways/chat"
	"dummyorders/gateways/webhook"
	"dummyorders/internal/mailaddress"
	"dummyorders/internal/yamlfile"
)

// mostTargets bounds what one receiver is told by. Each target is an activity of the alert's workflow that may be tried for
// days, and Temporal lets no workflow have more than 2,000 of these at once: an alert may go to several receivers, and along
// their escalations, before that. Who has more people has a mailing list.
const mostTargets = 100

// channels are in the order in which people are told of them.
var channels = []string{alert.Mail, alert.SMS, alert.Chat, alert.Webhook, alert.Console}

func (r *reader) readChannels(to *receiver, v *yamlfile.Value) {
	items := v.List()
	if v != nil && (len(items) == 0 || len(items) > mostTargets) {
		v.Fault("must have from 1 to %d channels", mostTargets)
		return
	}
	for _, item := range items {
		r.readChannel(to, item)
	}
	if len(to.targets) > mostTargets {
		v.Fault("must have at most %d addresses and endpoints in all: a mailing list is one address", mostTargets)
	}
}

// enough are as many of one channel's addresses as it takes to see that they are too many.
func enough(addresses []*yamlfile.Value) []*yamlfile.Value {
	return addresses[:min(len(addresses), mostTargets+1)]
}

func (r *reader) readChannel(to *receiver, v *yamlfile.Value) {
	if v.Is(alert.Console) {
		to.add(v, alert.NewTarget(alert.Console, "-"))
		return
	}
	keys := v.Keys()
	if len(keys) != 1 {
		v.Fault("must be one channel: mail: …, sms: …, chat: {url: …}, webhook: {url: …, secret: …}, or the word console")
		return
	}
	member := v.Optional(keys[0].Name)
	r.config.uses = append(r.config.uses, use{keys[0].Name, keys[0].Warning("")})
	switch keys[0].Name {
	case alert.Mail:
		readAddresses(to, member)
	case alert.SMS:
		readNumbers(to, member)
	case alert.Chat:
		r.readChat(to, member)
	case alert.Webhook:
		r.readWebhook(to, member)
	case alert.Console:
		keys[0].Fault("must be the word console alone")
	default:
		keys[0].Fault("%q is no channel: %s", keys[0].Name, yamlfile.OneOf(keys[0].Name, channels))
	}
}

// add gives a receiver a target, which it must not have yet.
func (to *receiver) add(v *yamlfile.Value, target alert.Target) {
	if slices.Contains(to.targets, target) {
		v.Fault("%q stands twice in one receiver: leave one out", string(target))
		return
	}
	to.targets = append(to.targets, target)
}

func readAddresses(to *receiver, v *yamlfile.Value) {
	for _, item := range enough(v.OneOrMore()) {
		text := item.Words()
		if text == "" {
			continue
		}
		parsed, err := mailaddress.Parse(text)
		if err == nil { // one that has to be quoted is taken apart here, and would be refused as a whole later
			_, err = mailaddress.Parse(parsed.Address)
		}
		if err != nil {
			item.Fault("%q must be a mail address, such as jo@example.com", text)
			continue
		}
		to.add(item, alert.NewTarget(alert.Mail, parsed.Address))
	}
}

// number is what E.164 lets a number be. The shortest that are in use have seven digits.
var number = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

func readNumbers(to *receiver, v *yamlfile.Value) {
	for _, item := range enough(v.OneOrMore()) {
		text := item.Words()
		switch {
		case text == "":
		case !number.MatchString(text):
			item.Fault("must be a telephone number of E.164: +, the country and the number, such as \"+4915112345678\"")
		default:
			to.add(item, alert.NewTarget(alert.SMS, text))
		}
	}
}

func (r *reader) readChat(to *receiver, v *yamlfile.Value) {
	if !mapping(v, "must be a mapping: {url: …} or {url_file: …}") {
		return
	}
	endpoint := r.endpoint(to, v, alert.Chat)
	r.config.chats[endpoint] = chat.Endpoint{URL: r.readURL(v)}
	v.RefuseUnknown()
}

func (r *reader) readWebhook(to *receiver, v *yamlfile.Value) {
	if !mapping(v, "must be a mapping: {url: …, secret: …}") {
		return
	}
	endpoint := r.endpoint(to, v, alert.Webhook)
	r.config.webhooks[endpoint] = webhook.Endpoint{URL: r.readURL(v), Secrets: r.readSecrets(v)}
	v.RefuseUnknown()
}

// mapping says in its own words what is no mapping: a URL stands there most of the time.
func mapping(v *yamlfile.Value, must string) bool {
	if v != nil && !v.IsMapping() {
		v.Fault("%s", must)
	}
	return v.IsMapping()
}

// endpoint makes a target of a name, which stands for a secret address, and is the channel's where nobody gives one.
func (r *reader) endpoint(to *receiver, v *yamlfile.Value, channel string) string {
	called := channel
	at := v
	if given := v.Optional("name"); given != nil {
		at, called = given, given.Words()
		if called != "" && !nameLook.MatchString(called) {
			given.Fault("%q must be of %s", called, nameLike)
		}
	}
	endpoint := to.name + "/" + called
	_, isChat := r.config.chats[endpoint]
	_, isWebhook := r.config.webhooks[endpoint]
	if isChat || isWebhook {
		at.Fault("the receiver has an endpoint %q already: give this one another name", called)
		return endpoint
	}
	to.targets = append(to.targets, alert.NewTarget(channel, endpoint))
	return endpoint
}
