package main

import (
	"strings"
	"text/template"
)

// next is what somebody wants to know who has just started everything for the first time. The curl is the seed's.
var next = template.Must(template.New("next").Parse(`
Everything runs. Ctrl-C stops it; what it has taken in is there again the next time.

  API         {{.API}}   (docs: {{.API}}/docs)
{{- with .UI}}
  Web UI      {{.}}   every transaction is a workflow
{{- end}}
{{- with .Management}}
  RabbitMQ    {{.}}   user operator, password operator
{{- end}}
{{- if .Mail}}
  Mail        kept as files in {{.Mail}}, by a mail server of the dev stack's own on {{.MailAddress}}
{{- else}}
  Mail        goes to {{.MailAddress}}
{{- end}}
  Logs        {{.Logs}}

Post a transaction. A card that is used again and again is for review, then a fraud, which sends mail:

curl {{.API}}/transact  -X POST -H 'Content-type: application/json' -d '{"order": {"id": 1234, "name": "avengers 4 spoilers book", "cost": 123.00, "currency": "INR"}, "paymentMethod": "amazonpay", "payment": {"card": 1234567887654321, "type": "wallet", "amount": 123.00, "currency": "INR"} }'
`))

// whatNext is next, filled in.
func (d *devStack) whatNext() string {
	facts := struct{ API, UI, Management, Mail, MailAddress, Logs string }{
		API: d.plan.api, Logs: runFolder + "/log/", MailAddress: d.settings.SMTPHostname + ":" + d.settings.SMTPPort,
	}
	if d.plan.ui != 0 || d.plan.temporal == 0 {
		facts.UI = d.settings.WebUIURL
	}
	if d.rabbitmq != nil {
		facts.Management = strings.Replace(d.rabbitmq.ManagementAddress(), "127.0.0.1", "localhost", 1)
	}
	if d.mail != nil {
		facts.Mail = runFolder + "/mail/"
	}
	var text strings.Builder
	_ = next.Execute(&text, facts) // a strings.Builder takes everything
	return text.String()
}
