package routing_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"dummyorders/alerting/routing"
	"dummyorders/alerting/templates"
	"dummyorders/domain/alert"
	"dummyorders/internal/yamlfile"
)

// A fault says where it is and what would be right.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"no YAML":              {"version: 1", "version: [", `3:3: is not YAML here: did not find expected node content`},
		"a version":            {"version: 1", "version: 2", `1:10: "2" is not known here: it must be "1"`},
		"an unknown key":       {"routes:", "rutes:", "1:1: \"routes\" is missing: it must be given\n20:1: the key \"rutes\" is not known here: did you mean \"mutes\"?"},
		"an unknown channel":   {"- console", "- pager: me", `14:9: "pager" is not a channel: it must be one of mail, sms, chat, webhook, console`},
		"two channels in one":  {"- console", "- {mail: a@b.example, sms: \"+4915112345678\"}", `14:9: must be one channel: mail: …, sms: …, chat: {url: …}, webhook: {url: …, secret: …}, or the word console`},
		"no channel":           {"      - sms: \"+4915112345678\"\n      - console\n", "", `12:14: must have from 1 to 100 channels`},
		"a number":             {`"+4915112345678"`, `"015112345678"`, `13:14: must be a telephone number of E.164: +, the country and the number, such as "+4915112345678"`},
		"an address":           {"[jo@example.com,", "[jo@,", `5:16: "jo@" must be a mail address, such as jo@example.com`},
		"an address in quotes": {"[jo@example.com,", `['"jo doe"@example.com',`, `5:16: "\"jo doe\"@example.com" must be a mail address, such as jo@example.com`},
		"too many addresses":   {"[jo@example.com,", "[" + addresses(3000) + " jo@example.com,", `5:7: must have at most 100 addresses and endpoints in all: a mailing list is one address`},
		"too many in all":      {"[jo@example.com,", "[" + addresses(97) + " jo@example.com,", `5:7: must have at most 100 addresses and endpoints in all: a mailing list is one address`},
		"one of two spellings": {
			"[jo@example.com,", "[jo@bücher.example, JO@x.example, jo@XN--BCHER-KVA.Example,",
			`5:49: "mail jo@xn--bcher-kva.example" stands twice in one receiver: leave one out`,
		},
		"an address twice":     {"[jo@example.com,", "[al@example.com,", `5:32: "mail al@example.com" stands twice in one receiver: leave one out`},
		"a chat is a URL":      {"{url_file: secrets/slack}", slackURL, `6:15: must be a mapping: {url: …} or {url_file: …}`},
		"no URL":               {"{url_file: secrets/slack}", "{name: team}", `6:15: "url" is missing: it must be given, or url_file`},
		"an empty URL":         {"{url_file: secrets/slack}", "{url: \"\"}", `6:21: must not be empty`},
		"an empty secret":      {"secret_file: secrets/hook", "secret: ''", `7:63: must not be empty`},
		"two URLs":             {"{url_file: secrets/slack}", "{url_file: secrets/slack, url: https://a.example}", `6:26: stands beside url: leave one out`},
		"a URL in the open":    {"https://case.example.com/hook", "http://case.example.com/hook", `7:24: must be a URL of https; of http only to this machine or a private host (the URL itself is not shown)`},
		"no URL at all":        {"https://case.example.com/hook", "case.example.com", `7:24: must be a URL of https; of http only to this machine or a private host (the URL itself is not shown)`},
		"a file":               {"secrets/slack", "secrets/slak", `6:26: the file named here cannot be read: file does not exist`},
		"an empty file":        {"secrets/slack", "empty", `6:26: the file named here is empty`},
		"a template's file":    {`{subject: "Fraud {{.ID}}"}`, "{subject_file: words.d/mail}", `10:38: the file words.d/mail cannot be read: file does not exist`},
		"an empty words' file": {`{subject: "Fraud {{.ID}}"}`, "{text_file: empty}", `10:35: the file empty is empty`},
		"no templates":         {`{mail: {subject: "Fraud {{.ID}}"}}`, "none", `10:16: must be a mapping of keys and values`},
		"a short secret":       {"secrets/hook", "short", `7:68: the secret must be of 24 to 64 bytes in base64, not 5`},
		"no secret":            {", secret_file: secrets/hook", "", `7:18: "secret" is missing: it must be given, or secret_file, secrets or secret_files`},
		"a secret twice":       {"secret_file: secrets/hook", "secret_file: secrets/hook, secrets: [" + hookSecret + "]", `7:91: stands beside another secret: give several as secrets: […] or secret_files: […]`},
		"an endpoint's name":   {"name: case-tool", "name: Case Tool", `7:88: "Case Tool" must be of small letters, digits, - and _, a letter first, and have at most 64 characters`},
		"an endpoint twice":    {"name: case-tool", "name: chat", `7:88: the receiver has an endpoint "chat" already: give this one another name`},
		"a throttle":           {"most: 20, per: 1h", "most: 0, per: 25h", "8:22: must be a whole number from 1 to 10000\n8:30: must be a duration from 1s to 24h, such as 90s, 15m or 2h"},
		"a grouping":           {"group: none", "group: {by: [card, resaon], window: 100ms}", "15:24: \"resaon\" is not known here: did you mean \"reason\"?\n15:41: must be a duration from 1s to 24h, such as 90s, 15m or 2h"},
		"a grouping's word":    {"group: none", "group: nothing", `15:12: must be a mapping of keys and values`},
		"a span to answer in":  {"within: 15m", "within: 73h", `9:27: must be a duration from 1s to 72h, such as 90s, 15m or 2h`},
		"an unknown next":      {"then: on-call", "then: oncall", `9:38: no receiver is called "oncall": did you mean "on-call"?`},
		"a circle of one":      {"then: on-call", "then: fraud-team", `9:38: goes round in a circle: fraud-team → fraud-team; an escalation must end`},
		"a circle":             {"group: none", "acknowledge: {within: 1m, then: fraud-team}", `9:38: goes round in a circle: fraud-team → on-call → fraud-team; an escalation must end`},
		"a template":           {"{{.ID}}", "{{.ID", `10:33: `},
		"a template's channel": {"templates: {mail:", "templates: {webhook:", `10:17: "webhook" is not a channel that has templates: it must be one of chat, console, mail, sms`},
		"a template for none":  {"templates: {mail: {subject:", "templates: {sms: {text:", `10:17: the receiver does not use sms: leave the template out, or add the channel`},
		"an empty template":    {`{subject: "Fraud {{.ID}}"}`, "{}", `10:23: must give a text`},
		"a receiver twice":     {"name: on-call", "name: fraud-team", "9:38: no receiver is called \"on-call\": it must be \"fraud-team\"\n11:11: the name \"fraud-team\" is taken: it must stand once\n23:12: no receiver is called \"on-call\": it must be \"fraud-team\"\n26:12: no receiver is called \"on-call\": it must be \"fraud-team\""},
		"an endpoint's receiver twice": {
			"name: on-call\n    channels:\n", "name: fraud-team\n    channels:\n      - chat: {url_file: secrets/slack}\n",
			"9:38: no receiver is called \"on-call\": it must be \"fraud-team\"\n11:11: the name \"fraud-team\" is taken: it must stand once\n24:12: no receiver is called \"on-call\": it must be \"fraud-team\"\n27:12: no receiver is called \"on-call\": it must be \"fraud-team\"",
		},
		"a zone":               {"Europe/Berlin", "Berlin", `17:18: "Berlin" is not a time zone that is known: write one such as Europe/Berlin or UTC`},
		"this machine's zone":  {"Europe/Berlin", "Local", `17:18: "Local" is not a time zone that is known: write one such as Europe/Berlin or UTC`},
		"a day":                {"[mon,", "[monday,", `17:40: "monday" is not known here: it must be one of sun, mon, tue, wed, thu, fri, sat`},
		"a time of the day":    {`"18:00"`, `"6pm"`, `17:85: "6pm" must be a time of the day from 00:00 to 24:00, such as "08:00"`},
		"a day's end to begin": {`from: "08:00", to: "18:00"`, `from: "24:00", to: "00:00"`, `17:72: "24:00" must be a time of the day from 00:00 to 23:59, such as "08:00"`},
		"a time after the end": {`"18:00"`, `"24:01"`, `17:85: "24:01" must be a time of the day from 00:00 to 24:00, such as "08:00"`},
		"no span":              {`"18:00"`, `"08:00"`, `17:85: must be another time than from; for whole days leave both out`},
		"half a span":          {`, to: "18:00"`, "", `17:11: must have both from and to, or neither for whole days`},
		"a mute without end":   {", until: 2026-11-24T02:00:00Z", "", `19:5: must have until or during: a mute has an end; to mute for ever, write a route with tell: []`},
		"a mute's end":         {"until: 2026-11-24T02", "until: 2026-11-22T02", `19:88: must be after from`},
		"a time":               {"until: 2026-11-24T02:00:00Z", "until: tomorrow", `19:88: "tomorrow" must be a time of RFC 3339, such as 2026-03-04T12:00:00Z`},
		"a time in a list":     {"until: 2026-11-24T02:00:00Z", "until: [2026-11-24T02:00:00Z]", `19:88: must be text`},
		"a blank time":         {"until: 2026-11-24T02:00:00Z", "until: ''", `19:88: "" must be a time of RFC 3339, such as 2026-03-04T12:00:00Z`},
		"no version":           {"version: 1", "version: ", `1:9: must be text`},
		"a blank name":         {"name: noise", "name: ' '", `28:11: must not be empty`},
		"a blank URL":          {"{url_file: secrets/slack}", "{url: ' '}", `6:21: must not be empty`},
		"a currency in a list": {"currency: EUR", "currency: [EUR]", `25:31: must be text`},
		"a blank currency":     {"currency: EUR", "currency: ' '", `25:31: must not be empty`},
		"a type":               {"[payment.compensation_failed]", "[payment.compensation_faild]", `22:19: "payment.compensation_faild" is not known here: did you mean "payment.compensation_failed"?`},
		"an empty condition":   {"{type: [payment.compensation_failed]}", "{}", `22:11: must say when: leave it out where it is always`},
		"an empty list":        {"{type: [payment.compensation_failed]}", "{customer: []}", `22:22: must name at least one: leave the key out if there is none`},
		"labels":               {"{type: [payment.compensation_failed]}", "{labels: page}", `22:20: must be a mapping of keys and values`},
		"no label":             {"{type: [payment.compensation_failed]}", "{labels: {}}", `22:20: must name a label at least, such as severity: page`},
		"a currency":           {"currency: EUR", "currency: Euro", `25:31: "Euro" must be an ISO 4217 currency code in capitals, such as INR or USD`},
		"an amount":            {"at_least: 500", "at_least: 500.001", `25:46: "500.001" must have at most 2 decimal digits, as EUR has`},
		"no amount":            {", at_least: 500", "", `25:20: must have at_least or below, or both`},
		"an amount of nothing": {"at_least: 500", "at_least: 500, below: 500.00", `25:20: no amount is at least EUR 500.00 and below EUR 500.00`},
		"a window":             {"during: office", "during: ofice", `25:60: no window is called "ofice": did you mean "office"?`},
		"a score":              {"{below: 10}", "{below: 102}", `29:27: must be a whole number from 1 to 101`},
		"no score":             {"{below: 10}", "{at_least: 10, below: 10}", `29:19: no score is at least 10 and below 10`},
		"continue for none":    {"tell: []", "tell: []\n    continue: true", `31:15: must not stand beside tell: []: such a route would have no effect`},
		"an unknown receiver":  {"tell: [fraud-team]", "tell: [fraud-tem]", `32:12: no receiver is called "fraud-tem": did you mean "fraud-team"?`},
		"tell without a list":  {"tell: [fraud-team]", "tell:", `32:10: must be a list of receivers, or [] for none`},
		"a receiver told twice": {
			"tell: [fraud-team]", "tell: [fraud-team, fraud-team]", `32:24: "fraud-team" stands twice: leave one out`,
		},
		"no route for the rest": {"  - name: rest\n    tell: [fraud-team]\n", "", `28:5: must take every event, since it is the last route: without when, and without continue`},
		"a last that goes on":   {"tell: [fraud-team]", "tell: [fraud-team]\n    continue: true", `31:5: must take every event, since it is the last route: without when, and without continue`},
		"a route after the end": {"    when: {score: {below: 10}}\n", "", `30:5: is never asked: the route "noise" before it takes every event, and must be the last`},
		"a route's name twice":  {"name: noise", "name: large", `28:11: the name "large" is taken: it must stand once`},
		"a URL for a name":      {"tell: [fraud-team]", "tell: [" + slackURL + "]", `32:12: no receiver is called "…": it must be one of fraud-team, on-call`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, good, c.from)
			_, err := routing.Read(strings.Replace(good, c.from, c.to, 1), secrets)
			var faults yamlfile.Faults
			require.ErrorAs(t, err, &faults)
			want := "alertman.yaml:" + strings.ReplaceAll(c.want, "\n", "\nalertman.yaml:")
			if strings.HasSuffix(c.want, " ") { // what follows is the templates' to say
				require.Contains(t, faults.Error(), want)
				return
			}
			require.Equal(t, want, faults.Error())
		})
	}
}

// addresses returns that many addresses, each with a comma.
func addresses(n int) string {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "a%d@example.com,", i)
	}
	return list.String()
}

func TestReceiverMayHaveHundredTargets(t *testing.T) {
	to, known := read(t, strings.Replace(good, "[jo@example.com,", "["+addresses(96)+" jo@example.com,", 1)).Receiver("fraud-team")
	require.True(t, known)
	require.Len(t, to.Steps[0].Targets, 100)
}

// All faults are reported at once.
func TestFaultsAtOnce(t *testing.T) {
	broken := strings.NewReplacer("most: 20", "most: none", "Europe/Berlin", "Berlin", "tell: [fraud-team]", "tell: [nobody]").Replace(good)
	_, err := routing.Read(broken, secrets)
	require.Len(t, strings.Split(err.Error(), "\n"), 3)
}

func TestWarnOfUnusedReceiver(t *testing.T) {
	require.Empty(t, read(t, good).Warnings(), "who is told by an escalation is told")
	fault := strings.NewReplacer(", then: on-call", "", "tell: [on-call]", "tell: []", "    continue: true\n", "", ", during: office", "").Replace(good)
	warnings := read(t, fault).Warnings()
	require.Equal(t, "alertman.yaml:11:5: no route and no escalation names the receiver on-call\n"+
		"alertman.yaml:17:3: the window office is not used", yamlfile.Faults(warnings).Error())
}

// A file is read whatever editor wrote it.
func TestReadEncodings(t *testing.T) {
	inUTF16 := func(text string) string {
		written := "\xff\xfe"
		for _, unit := range utf16.Encode([]rune(text)) {
			written += string([]byte{byte(unit), byte(unit >> 8)})
		}
		return written
	}
	for name, written := range map[string]func(string) string{
		"a mark, CRLF": func(text string) string { return "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n") },
		"UTF-16":       inUTF16,
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"words": written("{{.ID}}:\nüber\n")}
			for name, text := range secrets {
				files[name] = written(text)
			}
			text := strings.Replace(good, `{mail: {subject: "Fraud {{.ID}}"}}`, "{mail: {subject_file: words, text_file: words}}", 1)
			text = strings.Replace(text, "secret_file: secrets/hook", "secret_files: [secrets/hook]", 1)
			c, err := routing.Read(written(text), files)
			require.NoError(t, err)
			endpoint, _ := c.Chat("fraud-team/chat")
			require.Equal(t, slackURL, endpoint.URL)
			hook, _ := c.Webhook("fraud-team/case-tool")
			require.Equal(t, []string{hookSecret}, hook.Secrets)
			to := alert.NewTarget(alert.Mail, "jo@example.com")
			w := &templates.Writer{Choose: c.Wording}
			message, err := w.Write(alert.DeliveryRequest{Receiver: "fraud-team", Target: to, Notice: alert.Notice{ID: "a-1", Event: event(nil)}})
			require.NoError(t, err)
			require.Equal(t, "a-1: über", message.Subject)
			require.Equal(t, "a-1:\nüber\n", message.Text)
		})
	}
	_, err := routing.Read(good, map[string]string{"secrets/slack": slackURL + "\xfc", "secrets/hook": hookSecret})
	require.EqualError(t, err, "alertman.yaml:6:26: the file named here is not UTF-8: it must be text in UTF-8")
}

func TestConfigHidesSecrets(t *testing.T) {
	c := read(t, strings.Replace(good, "{url_file: secrets/slack}", "{url: "+slackURL+"}", 1))
	endpoint, known := c.Chat("fraud-team/chat")
	require.True(t, known)
	require.Equal(t, slackURL, endpoint.URL)
	hook, known := c.Webhook("fraud-team/case-tool")
	require.True(t, known)
	require.Equal(t, []string{hookSecret}, hook.Secrets)
	shown := c.Summary() + fmt.Sprintf("%v %+v %#v %s %d %v %+v", c, c, c, c, c, *c, struct{ C *routing.Config }{c})
	for _, a := range c.Route(event(nil), noon) {
		shown += fmt.Sprintf("%+v", a)
	}
	for _, secret := range []string{"verysecret", hookSecret[6:]} {
		require.NotContains(t, shown, secret)
	}
}

func TestFaultHidesMisplacedSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alertman.yaml")
	for _, secret := range []string{
		slackURL, "https://chat.example.com:8443/hooks/verysecret", "http://mattermost:8065/hooks/verysecret", "https://hooks/verysecret",
		"mattermost:8065/hooks/verysecret", "hooks.slack.com/verysecret", "ftp:" + slackURL, hookSecret + "x", hookSecret[6:],
	} {
		for _, wrong := range []*strings.Replacer{
			strings.NewReplacer("- console", "- "+secret), strings.NewReplacer("- console", "- *"+secret), strings.NewReplacer("- console", "- {"+secret+": 1}"),
			strings.NewReplacer("- console", "- chat: "+secret), strings.NewReplacer("name: case-tool", "name: "+secret),
			strings.NewReplacer("{url_file: secrets/slack}", "{url_file: "+secret+"}"), strings.NewReplacer("{url_file: secrets/slack}", "{url_file: /"+secret+"}"),
			strings.NewReplacer("secret_file: secrets/hook", "secret_file: "+secret), strings.NewReplacer("secret_file: secrets/hook", "secret_files: ["+secret+"]"),
			strings.NewReplacer("secret_file: secrets/hook", "secret: x"+secret), strings.NewReplacer("secret_file: secrets/hook", secret+": 1"),
			strings.NewReplacer("name: on-call", "name: "+secret), strings.NewReplacer("tell: [fraud-team]", "tell: ["+secret+", "+secret+"]"),
			strings.NewReplacer("on-call", secret, "group: none", "acknowledge: {within: 1m, then: fraud-team}"),
			strings.NewReplacer("  office:", "  "+secret+":"), strings.NewReplacer("Europe/Berlin", secret),
		} {
			require.NoError(t, os.WriteFile(file, []byte(wrong.Replace(good)), 0o600))
			_, err := routing.Load(file)
			require.Error(t, err)
			for _, hidden := range []string{"verysecret", hookSecret[6:]} {
				require.NotContains(t, err.Error(), hidden)
			}
		}
	}
}

// A fault shows names that are not secrets.
func TestFaultShowsHarmlessNames(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "alertman.d")
	file := filepath.Join(folder, "alertman.yaml")
	words, huge := filepath.Join(folder, "conf.d", "words"), filepath.Join(folder, "huge.txt")
	require.NoError(t, os.MkdirAll(words, 0o700))
	require.NoError(t, os.WriteFile(huge, []byte(strings.Repeat("x", 1<<20+1)), 0o600))
	require.NoError(t, os.WriteFile(file, []byte(strings.NewReplacer(
		"secrets/slack", "conf.d/words", `{subject: "Fraud {{.ID}}"}`, "{subject_file: conf.d/words, text_file: huge.txt, html_file: conf.d/none}",
		"secrets/hook", "huge.txt", "Europe/Berlin", "America/Argentina/ComodRivadaviaa",
	).Replace(good)), 0o600))
	_, err := routing.Load(file)
	require.EqualError(t, err, strings.Join([]string{
		file + ":6:26: the file named here cannot be read: it is not a regular file",
		file + ":7:68: the file named here cannot be read: it is larger than 65536 bytes",
		file + ":10:38: the file " + words + " cannot be read: it is not a regular file",
		file + ":10:63: the file " + huge + " cannot be read: it is larger than 1048576 bytes",
		file + ":10:84: the file " + filepath.Join(folder, "conf.d", "none") + " cannot be read: no such file or directory",
		file + `:17:18: "America/Argentina/ComodRivadaviaa" is not a time zone that is known: write one such as Europe/Berlin or UTC`,
	}, "\n"))
}

func TestHTTPOnlyForPrivateHosts(t *testing.T) {
	for url, fine := range map[string]bool{
		"http://localhost:8065/hooks/x": true, "http://127.0.0.1/x": true, "http://[::1]:80/x": true, "http://10.1.2.3/x": true, "http://192.168.0.1/": true,
		"http://mattermost:8065/hooks/x": true, "http://hooks.internal/x": true, "https://example.com": true,
		"http://example.com/x": false, "http://8.8.8.8/x": false, "http://127.0.0.1.example.com/": false, "ftp://localhost/x": false, "https:///x": false, "localhost": false,
	} {
		_, err := routing.Read(strings.Replace(good, "https://case.example.com/hook", `"`+url+`"`, 1), secrets)
		require.Equal(t, fine, err == nil, "%s: %v", url, err)
	}
}

// Files are found beside the file that names them.
func TestLoadFilesBesideConfig(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "alertman.yaml")
	require.NoError(t, os.WriteFile(file, []byte(good), 0o600))
	_, err := routing.Load(file)
	require.ErrorContains(t, err, file+":6:26: the file named here cannot be read: no such file or directory")
	require.NoError(t, os.Mkdir(filepath.Join(folder, "secrets"), 0o700))
	for name, content := range secrets {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	c, err := routing.Load(file)
	require.NoError(t, err)
	require.Regexp(t, `^2 receivers, 4 routes, 1 mute, sha256:[0-9a-f]{12}$`, c.Summary())

	for name, content := range map[string]string{"large.yaml": good + "#" + strings.Repeat("x", 1<<20), "empty.yaml": ""} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
		_, err = routing.Load(filepath.Join(folder, name))
		require.ErrorContains(t, err, name)
	}
	for _, name := range []string{folder, filepath.Join(folder, "none.yaml")} {
		_, err = routing.Load(name)
		require.ErrorContains(t, err, name)
	}
}

// Texts of templates may be in files.
func TestTemplateTextFiles(t *testing.T) {
	inFile := strings.Replace(good, `{subject: "Fraud {{.ID}}"}`, "{text_file: mail.txt}", 1)
	_, err := routing.Read(inFile, secrets)
	require.ErrorContains(t, err, "10:35: the file mail.txt cannot be read: file does not exist")
	files := map[string]string{"mail.txt": "{{.ID}}\n"}
	maps.Copy(files, secrets)
	c, err := routing.Read(inFile, files)
	require.NoError(t, err)
	require.NotNil(t, c.Wording("fraud-team", "mail jo@example.com"))
	require.Nil(t, c.Wording("fraud-team", "sms +4915112345678"))
	require.Nil(t, c.Wording("on-call", "mail jo@example.com"))
	require.Nil(t, c.Wording("nobody", "mail jo@example.com"))
}
