package routing

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummyorders/alerting/templates"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/gateways/chat"
	"dummyorders/gateways/webhook"
	"dummyorders/internal/mailaddress"
	"dummyorders/internal/reload"
	"dummyorders/internal/spelling"
	"dummyorders/internal/textfile"
	"dummyorders/internal/timezone"
	"dummyorders/internal/yamlfile"
)

// mostNamed bounds the number of receivers, routes, mutes and windows, each.
const mostNamed = 1000

// Load reads a file. If its content is wrong, the error is yamlfile.Faults, with every fault.
func Load(file string) (*Config, error) {
	read, err := load(file, true)
	return read.config, err
}

// reading is the result of reading a file.
type reading struct {
	config *Config
	// files are all files that were looked for, even if there are faults.
	files []string
}

func load(file string, secrets bool) (reading, error) {
	content, err := reload.Content(reload.Disk{}, file, maxFile)
	if err != nil {
		return reading{files: []string{file}}, fmt.Errorf("read the routes of alerts: %w", err)
	}
	return read(file, content, reload.Disk{}, secrets)
}

// read parses the content of a file. It looks for the files that it names in disk, and leaves out those that hold secrets
// unless these are needed.
func read(file string, content []byte, disk fs.FS, secrets bool) (reading, error) {
	r := &reader{
		config: newConfig(), disk: disk, folder: filepath.Dir(file), digest: reload.NewDigest(), secrets: secrets,
		windows: map[string]*window{}, used: map[string]bool{},
	}
	r.config.file = file
	r.addFile(file, content)
	d := yamlfile.Parse(file, content)
	if d.Root.Mapping() {
		r.readAll(d.Root)
	}
	if len(d.Faults) > 0 {
		return reading{files: r.files}, yamlfile.Faults(redacted(yamlfile.Bounded(yamlfile.InOrder(d.Faults))))
	}
	r.config.digest = r.digest.Sum()
	r.config.warnings = redacted(yamlfile.InOrder(r.config.warnings))
	return reading{r.config, r.files}, nil
}

// reader builds a configuration.
type reader struct {
	config *Config
	disk   fs.FS
	folder string
	files  []string
	digest reload.Digest
	// secrets is false if files that hold secrets are not read.
	secrets bool

	windows     map[string]*window
	used        map[string]bool // windows
	escalations []escalation
}

func (r *reader) readAll(root *yamlfile.Value) {
	root.Required("version").Choice("1")
	r.readWindows(root.Optional("windows"))
	r.readReceivers(root.Required("receivers"))
	r.readMutes(root.Optional("mutes"))
	r.readRoutes(root.Required("routes"))
	root.RefuseUnknown()
	r.checkChains()
	r.warn(root)
}

// nameLook restricts names, because they appear in workflow ids, histories and logs.
var nameLook = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

const nameLike = "small letters, digits, - and _, a letter first, and have at most 64 characters"

// name returns the value's member "name". It must be a valid name, and not among taken.
func name(v *yamlfile.Value, taken []string) string {
	member := v.Required("name")
	text := member.Words()
	switch {
	case text == "":
	case !nameLook.MatchString(text):
		member.Fault("%q must be of %s", text, nameLike)
	case slices.Contains(taken, text):
		member.Fault("the name %q is taken: it must stand once", text)
	}
	return text
}

// boundedItems returns the items of a list, up to mostNamed of them; more are a fault.
func boundedItems(v *yamlfile.Value) []*yamlfile.Value {
	items := v.List()
	if len(items) > mostNamed {
		v.Fault("must have at most %d entries, and has %d", mostNamed, len(items))
		return items[:mostNamed]
	}
	return items
}

// maxFile is a file's greatest size in bytes.
const maxFile = 1 << 20

// fileKind describes what a named file holds.
type fileKind struct {
	most   int // bytes
	secret bool
}

var (
	textFile   = fileKind{most: maxFile}
	secretFile = fileKind{most: 64 << 10, secret: true}
)

// addFile adds a file to the digest.
func (r *reader) addFile(file string, content []byte) {
	r.files = append(r.files, file)
	r.digest.Add([]byte(filepath.Base(file)), content)
}

// readNamedFile returns the content of the file that a value names. A file that cannot be read, or is blank, is a fault. If the
// file holds a secret, the fault leaves out its name: an operator may have written the secret itself there, and the
// fault's line and column identify the value.
func (r *reader) readNamedFile(v *yamlfile.Value, it fileKind) (string, bool) {
	name := v.Words()
	if name == "" || it.secret && !r.secrets {
		return "", false
	}
	file := filepath.FromSlash(name)
	if !filepath.IsAbs(file) {
		file = filepath.Join(r.folder, file)
	}
	called := "the file " + file
	if it.secret {
		called = "the file named here"
	}
	content, err := reload.Content(r.disk, file, it.most)
	r.addFile(file, content)
	if err != nil {
		v.Fault("%s cannot be read: %v", called, cause(err))
		return "", false
	}
	text, err := textfile.Text(content)
	switch {
	case err != nil:
		v.Fault("%s %v: it must be text in UTF-8", called, err)
		return "", false
	case strings.TrimSpace(text) == "":
		v.Fault("%s is empty", called)
		return "", false
	}
	return text, true
}

// cause returns an error without the file's name.
func cause(err error) error {
	if of, is := errors.AsType[*fs.PathError](err); is {
		return of.Err
	}
	return errors.New("something is wrong with it")
}

// Bounds of a receiver's settings.
const (
	leastSpan  = time.Second
	mostWindow = 24 * time.Hour
	mostPer    = 24 * time.Hour
	mostWithin = 72 * time.Hour
	mostInPer  = 10_000
)

// none is the word for no grouping or no throttle. Templates do not have it: without them the default words are used.
const none = "none"

func (r *reader) readReceivers(v *yamlfile.Value) {
	items := boundedItems(v)
	if v != nil && len(items) == 0 {
		v.Fault("must have a receiver at least")
	}
	for _, item := range items {
		if item.Mapping() {
			r.readReceiver(item)
		}
	}
}

func (r *reader) readReceiver(v *yamlfile.Value) {
	to := &receiver{name: name(v, r.config.names)}
	r.readChannels(to, v.Required("channels"))
	to.group = readGroup(v.Optional("group"))
	to.throttle = readThrottle(v.Optional("throttle"))
	r.readAcknowledge(to, v.Optional("acknowledge"))
	r.readTemplates(to, v.Optional("templates"))
	v.RefuseUnknown()
	if to.name == "" || slices.Contains(r.config.names, to.name) {
		return
	}
	r.config.names = append(r.config.names, to.name)
	r.config.receivers[to.name] = to
}

func readGroup(v *yamlfile.Value) *groupRule {
	g := &groupRule{by: defaultBy, window: defaultWindow}
	if v == nil {
		return g
	}
	if v.Is(none) {
		return nil
	}
	if !v.Mapping() {
		return g
	}
	if by := v.Optional("by"); by != nil {
		g.by = []string{}
		for _, trait := range words(by, known(traits)...) {
			if trait != byType && trait != byMerchant {
				g.by = append(g.by, trait)
			}
		}
	}
	if span := v.Optional("window"); span != nil {
		g.window = span.Duration(leastSpan, mostWindow)
	}
	v.RefuseUnknown()
	return g
}

func readThrottle(v *yamlfile.Value) *alert.Throttle {
	if v == nil || v.Is(none) || !v.Mapping() {
		return nil
	}
	bound := &alert.Throttle{Most: v.Required("most").Whole(1, mostInPer), Per: v.Required("per").Duration(leastSpan, mostPer)}
	v.RefuseUnknown()
	return bound
}

// escalation names a receiver that escalates, and where the file says so.
type escalation struct {
	from *receiver
	at   *yamlfile.Value
}

func (r *reader) readAcknowledge(to *receiver, v *yamlfile.Value) {
	if v == nil || !v.Mapping() {
		return
	}
	to.within = v.Required("within").Duration(leastSpan, mostWithin)
	if next := v.Optional("then"); next != nil {
		to.then = next.Words()
		r.escalations = append(r.escalations, escalation{from: to, at: next})
	}
	v.RefuseUnknown()
}

// words returns one or more words, each at most once. If known words are given, each must be one of them.
func words(v *yamlfile.Value, known ...string) []string {
	var all []string
	for _, item := range v.OneOrMore() {
		var word string
		if len(known) > 0 {
			word = item.Choice(known...)
		} else {
			word = item.Words()
		}
		switch {
		case word == "":
		case slices.Contains(all, word):
			item.Fault("%q stands twice: leave one out", word)
		default:
			all = append(all, word)
		}
	}
	return all
}

// mostTargets bounds the targets of one receiver. Each target is an activity of the alert's workflow, which may be retried
// for days, and Temporal allows a workflow at most 2,000 of these at once. The bound leaves room for an alert that goes to
// several receivers, and along their escalations. For more people, use a mailing list.
const mostTargets = 100

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

// boundedAddresses returns at most one more address than a receiver may have, which is enough to see that there are too many.
func boundedAddresses(addresses []*yamlfile.Value) []*yamlfile.Value {
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
	r.config.uses = append(r.config.uses, channelUse{keys[0].Name, keys[0].Warning("")})
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
		keys[0].Fault("%q is not a channel: %s", keys[0].Name, yamlfile.OneOf(keys[0].Name, alert.Channels))
	}
}

// add adds a target to a receiver. One that the receiver already has is a fault.
func (to *receiver) add(v *yamlfile.Value, target alert.Target) {
	if slices.Contains(to.targets, target) {
		v.Fault("%q stands twice in one receiver: leave one out", string(target))
		return
	}
	to.targets = append(to.targets, target)
}

func readAddresses(to *receiver, v *yamlfile.Value) {
	for _, item := range boundedAddresses(v.OneOrMore()) {
		text := item.Words()
		if text == "" {
			continue
		}
		parsed, err := mailaddress.Parse(text)
		if err == nil { // Parse unquotes a quoted address, which would be rejected later
			_, err = mailaddress.Parse(parsed.Address)
		}
		if err != nil {
			item.Fault("%q must be a mail address, such as jo@example.com", text)
			continue
		}
		to.add(item, alert.NewTarget(alert.Mail, parsed.Address))
	}
}

// number matches E.164 numbers. The shortest in use have seven digits.
var number = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

func readNumbers(to *receiver, v *yamlfile.Value) {
	for _, item := range boundedAddresses(v.OneOrMore()) {
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
	if !isMapping(v, "must be a mapping: {url: …} or {url_file: …}") {
		return
	}
	endpoint := r.endpoint(to, v, alert.Chat)
	r.config.chats[endpoint] = chat.Endpoint{URL: r.readURL(v)}
	v.RefuseUnknown()
}

func (r *reader) readWebhook(to *receiver, v *yamlfile.Value) {
	if !isMapping(v, "must be a mapping: {url: …, secret: …}") {
		return
	}
	endpoint := r.endpoint(to, v, alert.Webhook)
	r.config.webhooks[endpoint] = webhook.Endpoint{URL: r.readURL(v), Secrets: r.readSecrets(v)}
	v.RefuseUnknown()
}

// isMapping reports whether v is a mapping. If not, it adds the fault must, which does not repeat the value: most often the
// value is a URL.
func isMapping(v *yamlfile.Value, must string) bool {
	if v != nil && !v.IsMapping() {
		v.Fault("%s", must)
	}
	return v.IsMapping()
}

// endpoint adds a target, and returns its name. The name stands for a secret address; by default it is the channel's.
func (r *reader) endpoint(to *receiver, v *yamlfile.Value, channel string) string {
	called := channel
	at := v
	if stated := v.Optional("name"); stated != nil {
		at, called = stated, stated.Words()
		if called != "" && !nameLook.MatchString(called) {
			stated.Fault("%q must be of %s", called, nameLike)
		}
	}
	endpoint := to.name + "/" + called
	taken := func(channel string) bool { return slices.Contains(to.targets, alert.NewTarget(channel, endpoint)) }
	if taken(alert.Chat) || taken(alert.Webhook) {
		at.Fault("the receiver has an endpoint %q already: give this one another name", called)
		return endpoint
	}
	to.targets = append(to.targets, alert.NewTarget(channel, endpoint))
	return endpoint
}

// inline returns a text from a mapping, or from a file that the mapping names, and its place. at is nil if neither is
// given, or if it cannot be used.
func (r *reader) inline(v *yamlfile.Value, key string, it fileKind) (text string, at *yamlfile.Value) {
	here, elsewhere := v.Optional(key), v.Optional(key+"_file")
	switch {
	case here != nil && elsewhere != nil:
		elsewhere.Fault("stands beside %s: leave one out", key)
		return "", nil
	case elsewhere != nil:
		content, ok := r.readNamedFile(elsewhere, it)
		if !ok {
			return "", nil
		}
		return content, elsewhere
	case here != nil && here.Words() != "":
		return here.Text(), here
	}
	return "", nil
}

func (r *reader) readURL(v *yamlfile.Value) string {
	text, at := r.inline(v, "url", secretFile)
	if at == nil {
		if v.Optional("url") == nil && v.Optional("url_file") == nil {
			v.Fault("\"url\" is missing: it must be given, or url_file")
		}
		return ""
	}
	text = strings.TrimSpace(text)
	if !isEndpoint(text) {
		at.Fault("must be a URL of https; of http only to this machine or a private host (the URL itself is not shown)")
	}
	return text
}

// isEndpoint reports whether secrets may be sent to a URL.
func isEndpoint(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isPrivate(u.Hostname())
}

// isPrivate reports whether a host is this machine or a private one. An address must be a loopback or private address; a
// name must be one that cannot be registered in the public domain name system.
func isPrivate(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback() || address.IsPrivate()
	}
	if !strings.Contains(host, ".") {
		return true
	}
	for _, domain := range []string{".localhost", ".local", ".internal"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// readSecrets returns the secrets that a webhook is signed with. There are several while one replaces another.
func (r *reader) readSecrets(v *yamlfile.Value) []string {
	var stated, here, elsewhere []*yamlfile.Value
	for _, way := range []string{"secret", "secret_file", "secrets", "secret_files"} {
		found := v.Optional(way)
		if found == nil {
			continue
		}
		stated = append(stated, found)
		items := found.OneOrMore()
		if strings.HasPrefix(way, "secret_file") {
			elsewhere = append(elsewhere, items...)
		} else {
			here = append(here, items...)
		}
	}
	switch len(stated) {
	case 0:
		v.Fault("\"secret\" is missing: it must be given, or secret_file, secrets or secret_files")
	case 1:
	default:
		stated[1].Fault("stands beside another secret: give several as secrets: […] or secret_files: […]")
	}
	var secrets []string
	for _, item := range here {
		if text := item.Words(); text != "" {
			secrets = append(secrets, checkedSecret(item, text))
		}
	}
	for _, item := range elsewhere {
		if text, ok := r.readNamedFile(item, secretFile); ok {
			secrets = append(secrets, checkedSecret(item, strings.TrimSpace(text)))
		}
	}
	return secrets
}

// checkedSecret checks a secret, and returns it. A fault does not show it.
func checkedSecret(v *yamlfile.Value, secret string) string {
	if err := webhook.CheckSecret(secret); err != nil {
		v.Fault("the secret %v", err)
	}
	return secret
}

// part is one of the texts of a channel's template.
type part struct {
	key string
	in  func(*templates.Texts) *string
}

var (
	subjectPart = part{"subject", func(t *templates.Texts) *string { return &t.Subject }}
	textPart    = part{"text", func(t *templates.Texts) *string { return &t.Text }}
	htmlPart    = part{"html", func(t *templates.Texts) *string { return &t.HTML }}
)

// worded holds the channels that have templates, and their parts. A webhook has none, because programs read it.
var worded = map[string][]part{
	alert.Mail:    {subjectPart, textPart, htmlPart},
	alert.SMS:     {textPart},
	alert.Chat:    {textPart},
	alert.Console: {textPart},
}

func (r *reader) readTemplates(to *receiver, v *yamlfile.Value) {
	if v == nil || !v.Mapping() {
		return
	}
	to.wordings = map[string]*templates.Set{}
	for _, key := range v.Keys() {
		parts, is := worded[key.Name]
		if !is {
			key.Fault("%q is not a channel that has templates: %s", key.Name, yamlfile.OneOf(key.Name, known(worded)))
			continue
		}
		if !slices.ContainsFunc(to.targets, func(t alert.Target) bool { return strings.HasPrefix(string(t), key.Name+" ") }) {
			key.Fault("the receiver does not use %s: leave the template out, or add the channel", key.Name)
		}
		if member := v.Optional(key.Name); member.Mapping() {
			to.wordings[key.Name] = r.readTexts(key.Name, member, parts)
		}
	}
}

// readTexts parses each part by itself, so that a fault is reported at its own place.
func (r *reader) readTexts(channel string, v *yamlfile.Value, parts []part) *templates.Set {
	var all templates.Texts
	whole := true
	for _, p := range parts {
		text, at := r.inline(v, p.key, textFile)
		if at == nil {
			continue
		}
		var alone templates.Texts
		*p.in(&all), *p.in(&alone) = text, text
		if _, err := templates.Parse(channel, alone); err != nil {
			at.Fault("%v", err)
			whole = false
		}
	}
	v.RefuseUnknown()
	if all == (templates.Texts{}) && len(v.Keys()) == 0 {
		v.Fault("must give a text")
	}
	if !whole {
		return nil
	}
	set, err := templates.Parse(channel, all)
	if err != nil {
		v.Fault("%v", err)
	}
	return set
}

func (r *reader) readMutes(v *yamlfile.Value) {
	var names []string
	for _, item := range boundedItems(v) {
		if !item.Mapping() {
			continue
		}
		m := mute{name: name(item, names)}
		names = append(names, m.name)
		if when := item.Optional("when"); when != nil {
			m.when = r.readCondition(when)
		}
		r.readSpan(&m, item)
		item.RefuseUnknown()
		r.config.mutes = append(r.config.mutes, m)
	}
}

// readSpan reads when a mute holds. A mute must end, because one without an end would be forgotten.
func (r *reader) readSpan(m *mute, v *yamlfile.Value) {
	var said []string
	from, until, inWindow := v.Optional("from"), v.Optional("until"), v.Optional("during")
	if until == nil && inWindow == nil {
		v.Fault("must have until or during: a mute has an end; to mute for ever, write a route with tell: []")
	}
	var begin, end time.Time
	if from != nil {
		begin = from.Moment()
		m.when = append(m.when, since(begin))
	}
	if inWindow != nil {
		if w, is := r.window(inWindow); is {
			m.when = append(m.when, during(w))
			said = append(said, "during "+w.name)
		}
	}
	if until != nil {
		end = until.Moment()
		m.when = append(m.when, before(end))
		said = append(said, "until "+end.Format(time.RFC3339))
	}
	if from != nil && until != nil && !begin.IsZero() && !end.IsZero() && !begin.Before(end) {
		until.Fault("must be after from")
	}
	m.span = strings.Join(said, " ")
}

func (r *reader) readRoutes(v *yamlfile.Value) {
	items := boundedItems(v)
	if v != nil && len(items) == 0 {
		v.Fault("must have a route at least: the last, without when and continue, takes every event")
		return
	}
	ended := ""
	var names []string
	for i, item := range items {
		if !item.Mapping() {
			continue
		}
		read := r.readRoute(item, names)
		names = append(names, read.name)
		isEnd := item.Optional("when") == nil && !read.carryOn
		switch {
		case ended != "":
			item.Fault("is never asked: the route %q before it takes every event, and must be the last", ended)
			return
		case isEnd && i < len(items)-1:
			ended = read.name
		case !isEnd && i == len(items)-1:
			item.Fault("must take every event, since it is the last route: without when, and without continue")
		}
	}
}

func (r *reader) readRoute(v *yamlfile.Value, taken []string) route {
	read := route{name: name(v, taken)}
	if when := v.Optional("when"); when != nil {
		read.when = r.readCondition(when)
	}
	names, none := r.readRouteReceivers(v.Required("tell"))
	read.receivers = names
	if carryOn := v.Optional("continue"); carryOn != nil {
		read.carryOn = carryOn.Truth()
		if read.carryOn && none {
			carryOn.Fault("must not stand beside tell: []: such a route would have no effect")
		}
	}
	v.RefuseUnknown()
	r.config.routes = append(r.config.routes, read)
	return read
}

// readRouteReceivers returns receivers. none is true for an empty list, but not for a list of unknown receivers.
func (r *reader) readRouteReceivers(v *yamlfile.Value) (names []string, none bool) {
	if v == nil {
		return nil, false
	}
	if v.IsEmpty() {
		v.Fault("must be a list of receivers, or [] for none")
		return nil, false
	}
	items := v.List()
	for _, item := range items {
		name := item.Words()
		switch {
		case name == "":
		case slices.Contains(names, name):
			item.Fault("%q stands twice: leave one out", name)
		case r.isReceiver(item, name):
			names = append(names, name)
		}
	}
	return names, len(items) == 0
}

func (r *reader) isReceiver(v *yamlfile.Value, name string) bool {
	if !slices.Contains(r.config.names, name) {
		v.Fault("no receiver is called %q: %s", name, yamlfile.OneOf(name, safeNames(r.config.names)))
		return false
	}
	return true
}

// outcomes are the outcomes that a decision can have.
var outcomes = []string{string(fraud.Approve), string(fraud.Review), string(fraud.Decline), string(fraud.NotEvaluated)}

func (r *reader) readCondition(v *yamlfile.Value) condition {
	if v.IsEmpty() || v.IsMapping() && len(v.Keys()) == 0 {
		v.Fault("must say when: leave it out where it is always")
		return nil
	}
	if !v.Mapping() {
		return nil
	}
	var c condition
	for _, value := range []struct {
		key   string
		known []string
		of    func(alert.Event) string
	}{
		{"type", alert.RoutingKeys(alert.Types), func(e alert.Event) string { return e.Type.RoutingKey() }},
		{"outcome", outcomes, func(e alert.Event) string { return string(e.Data.Decision.Outcome) }},
		{"payment_method", nil, func(e alert.Event) string { return spelling.PaymentMethod(e.Data.PaymentMethod) }},
		{"merchant", nil, func(e alert.Event) string { return identity.MerchantOf(e.Data.Merchant) }},
		{"customer", nil, func(e alert.Event) string { return e.Data.CustomerID }},
	} {
		if member := v.Optional(value.key); member != nil {
			allowed := words(member, value.known...)
			if value.key == "payment_method" {
				for i, method := range allowed {
					allowed[i] = spelling.PaymentMethod(method)
				}
			}
			c = append(c, among(value.key, allowed, value.of))
		}
	}
	c = append(c, readLabels(v.Optional("labels"))...)
	c = append(c, readScore(v.Optional("score"))...)
	c = append(c, readAmount(v.Optional("amount"))...)
	if inside := v.Optional("during"); inside != nil {
		if w, is := r.window(inside); is {
			c = append(c, during(w))
		}
	}
	if out := v.Optional("outside"); out != nil {
		if w, is := r.window(out); is {
			c = append(c, outside(w))
		}
	}
	v.RefuseUnknown()
	return c
}

// readLabels reads the values of an alarm's labels that a condition allows.
func readLabels(v *yamlfile.Value) (c condition) {
	if v == nil || !v.Mapping() {
		return nil
	}
	if len(v.Keys()) == 0 {
		v.Fault("must name a label at least, such as severity: page")
	}
	for _, key := range v.Keys() {
		c = append(c, among("label "+key.Name, words(v.Optional(key.Name)), func(e alert.Event) string { return e.Data.Alarm.Label(key.Name) }))
	}
	return c
}

// bounded reports whether a span has at least one of its bounds. If not, it adds a fault.
func bounded(v *yamlfile.Value) bool {
	if v.Optional("at_least") == nil && v.Optional("below") == nil {
		v.Fault("must have at_least or below, or both")
		return false
	}
	return true
}

func readScore(v *yamlfile.Value) condition {
	if v == nil || !v.Mapping() {
		return nil
	}
	least, below := 0, fraud.MaxScore+1
	if bound := v.Optional("at_least"); bound != nil {
		least = bound.Whole(0, fraud.MaxScore)
	}
	if bound := v.Optional("below"); bound != nil {
		below = bound.Whole(1, fraud.MaxScore+1)
	}
	v.RefuseUnknown()
	if bounded(v) && least >= below {
		v.Fault("no score is at least %d and below %d", least, below)
	}
	return condition{scored(least, below)}
}

func readAmount(v *yamlfile.Value) condition {
	if v == nil || !v.Mapping() {
		return nil
	}
	code := v.Required("currency")
	text := code.Words()
	currency, err := money.ParseCurrency(text)
	if err != nil && text != "" {
		code.Fault("%q %v", text, err)
	}
	least, below := readBound(v.Optional("at_least"), currency), readBound(v.Optional("below"), currency)
	v.RefuseUnknown()
	if bounded(v) && least != nil && below != nil && least.Minor >= below.Minor {
		v.Fault("no amount is at least %s and below %s", least, below)
	}
	return condition{worth(currency, least, below)}
}

func readBound(v *yamlfile.Value, currency money.Currency) *money.Money {
	if v == nil {
		return nil
	}
	text := v.Words()
	if _, err := currency.Digits(); text == "" || err != nil {
		return nil
	}
	amount, err := money.Parse(text, currency)
	if err != nil {
		v.Fault("%q %v", text, err)
		return nil
	}
	return &amount
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (r *reader) readWindows(v *yamlfile.Value) {
	if v.IsEmpty() || !v.Mapping() {
		return
	}
	for _, key := range v.Keys() {
		if !nameLook.MatchString(key.Name) {
			key.Fault("%q is not a name for a window: it must be of %s", key.Name, nameLike)
		}
		member := v.Optional(key.Name)
		w := &window{name: key.Name, zone: time.UTC}
		r.windows[key.Name] = w // even if it has faults: naming it is not another fault
		if member.Mapping() {
			w.read(member)
		}
	}
	if len(r.windows) > mostNamed {
		v.Fault("must have at most %d entries, and has %d", mostNamed, len(r.windows))
	}
}

func (w *window) read(v *yamlfile.Value) {
	w.zone = readZone(v.Required("zone"))
	days := weekdays
	if stated := v.Optional("days"); stated != nil {
		days = words(stated, weekdays...)
	}
	w.days = map[time.Weekday]bool{}
	for _, day := range days {
		w.days[time.Weekday(slices.Index(weekdays, day))] = true
	}
	w.to = minutesOfADay
	from, to := v.Optional("from"), v.Optional("to")
	v.RefuseUnknown()
	switch {
	case from == nil && to == nil:
		return
	case from == nil || to == nil:
		v.Fault("must have both from and to, or neither for whole days")
		return
	}
	var isFrom, isTo bool
	w.from, isFrom = readClock(from, "23:59")
	w.to, isTo = readClock(to, "24:00")
	if isFrom && isTo && w.from == w.to {
		to.Fault("must be another time than from; for whole days leave both out")
	}
}

func readZone(v *yamlfile.Value) *time.Location {
	name := v.Words()
	if name == "" {
		return time.UTC
	}
	zone, err := timezone.Load(name)
	if err != nil {
		v.Fault("%q is not a time zone that is known: write one such as Europe/Berlin or UTC", name)
		return time.UTC
	}
	return zone
}

var clockLook = regexp.MustCompile(`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)

// readClock returns a time of the day, in minutes since midnight. last is the latest allowed: a window may end at 24:00,
// but not begin then.
func readClock(v *yamlfile.Value, last string) (minute int, ok bool) {
	text := v.Words()
	if !clockLook.MatchString(text) || text > last {
		if text != "" {
			v.Fault("%q must be a time of the day from 00:00 to %s, such as \"08:00\"", text, last)
		}
		return 0, false
	}
	hours, _ := strconv.Atoi(text[:2])
	minutes, _ := strconv.Atoi(text[3:])
	return hours*60 + minutes, true
}

// window returns the window that a value names.
func (r *reader) window(v *yamlfile.Value) (window, bool) {
	name := v.Words()
	if name == "" {
		return window{}, false
	}
	w, is := r.windows[name]
	if !is {
		v.Fault("no window is called %q: %s", name, yamlfile.OneOf(name, safeNames(known(r.windows))))
		return window{}, false
	}
	r.used[name] = true
	return *w, true
}

// known returns the keys of a table, sorted.
func known[T any](words map[string]T) []string {
	return slices.Sorted(maps.Keys(words))
}
