package ops

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummyorders/gateways/temporal"
)

// Doctor checks whether the service is set up rightly: its settings, and what these lead to.
type Doctor struct {
	Temporal Temporal // nil if its settings are wrong, as with Broker and Ledger
	Broker   Broker
	Ledger   Ledger

	Faults      []string // of the settings
	Warnings    []string // about the settings
	Processes   []string // whose settings were read
	Connections []Connection
	// Retention is how long the ledger keeps transactions.
	Retention time.Duration
	// Files and Texts are certificates, as the names of files and as PEM, by what they are for.
	Files map[string]string
	Texts map[string][]byte

	Version string
	Now     func() time.Time
}

// Connection is something that the settings lead to, and whether it answers.
type Connection struct {
	Name  string
	Where string // without a password
	Check func(ctx context.Context) error
}

// More groups of lines.
const (
	settings     = "settings"
	connections  = "connections"
	permissions  = "permissions"
	clocks       = "clocks"
	versions     = "versions"
	setUp        = "set-up"
	certificates = "certificates"
)

// Look checks everything at the same time.
func (d *Doctor) Look(ctx context.Context) Report {
	looks := []look{{settings, "settings", d.settings}}
	for _, c := range d.Connections {
		looks = append(looks, line(connections, c.Name, c.line))
	}
	if d.Temporal != nil {
		looks = append(looks,
			line(clocks, "temporal", d.temporalClock), line(versions, "temporal", d.temporalVersion),
			line(setUp, "retention", d.retention), look{setUp, "search attributes", d.searchAttributes},
			look{certificates, "temporal", d.temporalCertificates})
	}
	if d.Broker != nil {
		looks = append(looks,
			look{permissions, "rabbitmq", d.brokerRights}, line(versions, "rabbitmq", d.brokerVersion),
			line(setUp, "exchanges and queues", d.topology), look{certificates, "rabbitmq", d.brokerCertificates})
	}
	if d.Ledger != nil {
		looks = append(looks,
			line(permissions, "ledger", d.ledgerRights), line(clocks, "ledger", d.ledgerClock), line(versions, "ledger", d.ledgerVersion),
			line(setUp, "ledger's tables", d.migrations), look{certificates, "ledger", d.ledgerCertificates})
	}
	looks = append(looks, look{certificates, "files", d.certificateFiles})
	slices.SortStableFunc(looks, func(a, b look) int { return cmp.Compare(place(a.group), place(b.group)) })
	return report(ctx, d.Version, d.Now(), looks)
}

// place returns where a group stands in the report.
func place(group string) int {
	return slices.Index([]string{settings, connections, permissions, clocks, versions, setUp, certificates}, group)
}

func (d *Doctor) settings(context.Context) (f found) {
	for _, fault := range d.Faults {
		name, _, _ := strings.Cut(fault, "=")
		name, _, _ = strings.Cut(name, ":")
		for text := range strings.SplitSeq(fault, "\n") { // a file's faults have a line each
			f.lines = append(f.lines, Line{Group: settings, Name: name, State: Wrong, Detail: text, Do: "correct the setting; env describes it"})
		}
	}
	for _, warning := range d.Warnings {
		for text := range strings.SplitSeq(warning, "\n") {
			f.lines = append(f.lines, Line{Group: settings, Name: "warning", State: Degraded, Detail: text, Do: "see whether it is meant so"})
		}
	}
	if len(f.lines) == 0 {
		f.lines = []Line{{Group: settings, Name: "settings", State: OK, Detail: "of " + strings.Join(d.Processes, ", ")}}
	}
	return f
}

func (c Connection) line(ctx context.Context) Line {
	if err := c.Check(ctx); err != nil {
		return failed(Down, err, "start it, or correct the setting that leads to it ("+c.Where+")")
	}
	return Line{State: OK, Detail: c.Where}
}

func (d *Doctor) brokerRights(ctx context.Context) (f found) {
	rights, err := d.Broker.Rights(ctx)
	if err != nil {
		return found{lines: []Line{named(permissions, "rabbitmq", failed(Unknown, err, ""))}}
	}
	byUser := map[string]*Line{}
	for _, r := range rights {
		l := byUser[r.User]
		if l == nil {
			l = &Line{Group: permissions, Name: "rabbitmq " + r.User, State: OK, Detail: "what it needs and nothing else"}
			byUser[r.User] = l
		}
		if r.Has == r.Want {
			continue
		}
		wrong := "must be allowed to " + r.What
		if r.Has {
			wrong = "must not be allowed to " + r.What
		}
		if l.State == OK {
			l.Detail, l.State, l.Do = wrong, Wrong, "set the permissions as gateways/rabbitmq/definitions.json has them: `rabbitmqctl set_permissions`"
		} else {
			l.Detail += "; " + wrong
		}
	}
	for _, user := range []string{"publisher", "consumer"} {
		if l := byUser[user]; l != nil {
			f.lines = append(f.lines, *l)
		}
	}
	return f
}

func named(group, name string, l Line) Line {
	l.Group, l.Name = group, name
	return l
}

// ledgerRights are wrong if the user suffices for none of the processes that run with these settings: each process may have a
// user of its own.
func (d *Doctor) ledgerRights(ctx context.Context) Line {
	user, lacks, err := d.Ledger.Rights(ctx)
	switch {
	case err != nil:
		return failed(Unknown, err, "")
	case user == "":
		return Line{State: OK, Detail: "SQLite has no users: the file's owner may do everything"}
	}
	var suffices, not []string
	for _, process := range d.Processes {
		if missing := lacks[process]; len(missing) > 0 {
			not = append(not, fmt.Sprintf("not of %s, which lacks %s", process, strings.Join(missing, ", ")))
		} else {
			suffices = append(suffices, process)
		}
	}
	detail := fmt.Sprintf("user %s is that of %s", user, strings.Join(append(suffices, not...), "; "))
	if len(suffices) == 0 {
		return Line{State: Wrong, Detail: detail, Do: "run gateways/ledger/setup.sh, or have LEDGER_URL name the process's own user"}
	}
	return Line{State: OK, Detail: detail}
}

// skew is the difference of two clocks from which links, deadlines and tokens become wrong.
const skew = 2 * time.Second

const setClocks = "have all machines take the time from the same servers (chrony, systemd-timesyncd)"

func (d *Doctor) ledgerClock(ctx context.Context) Line {
	server, err := d.Ledger.Server(ctx)
	return clock(server.Product, server.Clock, err)
}

func (d *Doctor) temporalClock(ctx context.Context) Line {
	off, err := d.Temporal.Clock(ctx)
	return clock("Temporal", off, err)
}

func clock(server string, off time.Duration, err error) Line {
	l := Line{State: OK, Detail: fmt.Sprintf("%s is %s off this machine's clock", server, off.Round(time.Millisecond))}
	switch {
	case err != nil:
		return failed(Unknown, err, "")
	case off.Abs() > skew:
		l.State, l.Do = Degraded, setClocks
	case off == 0:
		l.Detail = server + " uses this machine's clock"
	}
	return l
}

// The oldest versions of the servers that the service works with.
var oldest = map[string][]int{"temporal": {1, 28}, "rabbitmq": {3, 10}, "PostgreSQL": {12}}

// versionLine compares a server's version with the oldest that will do.
func versionLine(product, version string) Line {
	want := oldest[product]
	l := Line{State: OK, Detail: version}
	if slices.Compare(numbers(version), want) < 0 {
		text := strings.Trim(strings.ReplaceAll(fmt.Sprint(want), " ", "."), "[]")
		l.State, l.Detail, l.Do = Wrong, fmt.Sprintf("%q is older than %s", version, text), "install "+text+" or later"
	}
	return l
}

// numbers returns the numbers at the beginning of a version.
func numbers(version string) (all []int) {
	for part := range strings.SplitSeq(version, ".") {
		end := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(part)
		}
		n, err := strconv.Atoi(part[:end])
		if err != nil {
			return all
		}
		all = append(all, n)
	}
	return all
}

func (d *Doctor) temporalVersion(ctx context.Context) Line {
	server, err := d.Temporal.Server(ctx)
	if err != nil {
		return failed(Unknown, err, "")
	}
	return versionLine("temporal", server.Version)
}

func (d *Doctor) brokerVersion(ctx context.Context) Line {
	broker, err := d.Broker.Broker(ctx)
	if err != nil {
		return failed(Unknown, err, "")
	}
	return versionLine("rabbitmq", broker.Version)
}

func (d *Doctor) ledgerVersion(ctx context.Context) Line {
	server, err := d.Ledger.Server(ctx)
	if err != nil {
		return failed(Unknown, err, "")
	}
	l := versionLine(server.Product, server.Version)
	l.Detail = server.Product + " " + l.Detail
	return l
}

const runSetUp = "run temporal-config/setup.sh"

// leastRetention is how long Temporal has to keep ended workflows at least: a failed one is to be seen by a person.
const leastRetention = 3 * 24 * time.Hour

func (d *Doctor) retention(ctx context.Context) Line {
	kept, err := d.Temporal.Retention(ctx)
	switch {
	case errors.Is(err, temporal.ErrNoNamespace):
		return failed(Wrong, err, runSetUp+", or correct TEMPORAL_NAMESPACE")
	case err != nil:
		return failed(Unknown, err, "")
	case kept < leastRetention:
		return Line{State: Wrong, Detail: fmt.Sprintf("Temporal keeps ended workflows for %s only", age(kept)), Do: runSetUp}
	case d.Retention > 0 && kept > d.Retention:
		return Line{
			State: Wrong, Detail: fmt.Sprintf("Temporal keeps ended workflows for %s, and the ledger transactions for %s", age(kept), age(d.Retention)),
			Do: "set LEDGER_RETENTION to as long as Temporal keeps workflows, or longer",
		}
	}
	return Line{State: OK, Detail: fmt.Sprintf("Temporal keeps ended workflows for %s, the ledger transactions for %s", age(kept), age(d.Retention))}
}

func (d *Doctor) searchAttributes(ctx context.Context) (f found) {
	const name = "search attributes"
	all, err := d.Temporal.SearchAttributes(ctx)
	if err != nil {
		return found{lines: []Line{named(setUp, name, failed(Unknown, err, ""))}}
	}
	var wrong, names []string
	for _, a := range all {
		names = append(names, a.Name)
		switch a.Has {
		case a.Want:
		case "":
			wrong = append(wrong, a.Name+" is missing")
		default:
			wrong = append(wrong, fmt.Sprintf("%s is %s and must be %s", a.Name, a.Has, a.Want))
		}
	}
	l := Line{Group: setUp, Name: name, State: OK, Detail: strings.Join(names, ", ")}
	if len(wrong) > 0 {
		l.State, l.Detail, l.Do = Wrong, strings.Join(wrong, ", "), runSetUp+"; one of a wrong type has to be removed first"
	}
	return found{lines: []Line{l}}
}

func (d *Doctor) topology(ctx context.Context) Line {
	missing, err := d.Broker.Missing(ctx)
	switch {
	case err != nil:
		return failed(Unknown, err, "")
	case len(missing) > 0:
		return Line{
			State: Wrong, Detail: "missing: " + strings.Join(missing, ", "),
			Do: "have the broker load gateways/rabbitmq/definitions.json, or set RABBITMQ_DECLARE_TOPOLOGY=true",
		}
	}
	return Line{State: OK, Detail: "all exist; `rabbitmqctl list_queues name arguments` shows how the queues are made"}
}

func (d *Doctor) migrations(ctx context.Context) Line {
	if err := d.Ledger.Ready(ctx); err != nil {
		return failed(Wrong, err, "start a worker of this version: it makes and changes the tables")
	}
	if err := d.Ledger.Writable(ctx); err != nil {
		return failed(Wrong, err, "have LEDGER_URL lead to the server that takes writes")
	}
	return Line{State: OK, Detail: "of this version"}
}

func (d *Doctor) temporalCertificates(ctx context.Context) found {
	server, err := d.Temporal.Server(ctx)
	return d.peers("temporal", server.Peers, err)
}

func (d *Doctor) brokerCertificates(ctx context.Context) found {
	broker, err := d.Broker.Broker(ctx)
	return d.peers("rabbitmq", broker.Peers, err)
}

func (d *Doctor) ledgerCertificates(ctx context.Context) found {
	server, err := d.Ledger.Server(ctx)
	return d.peers("ledger", server.Peers, err)
}

// peers finds nothing for a connection without TLS, or one that has a line of its own because it failed.
func (d *Doctor) peers(name string, chain []*x509.Certificate, err error) found {
	if err != nil || len(chain) == 0 {
		return found{}
	}
	return found{lines: []Line{named(certificates, name+"'s server", d.expiry(chain))}}
}

func (d *Doctor) certificateFiles(context.Context) (f found) {
	texts := maps.Clone(d.Texts)
	if texts == nil {
		texts = map[string][]byte{}
	}
	for use, file := range d.Files {
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file) //nolint:gosec // a setting names the file
		if err != nil {
			f.lines = append(f.lines, named(certificates, use, failed(Wrong, err, "correct the setting")))
			continue
		}
		texts[use] = text
	}
	for use, text := range texts {
		if len(text) > 0 {
			f.lines = append(f.lines, named(certificates, use, d.pem(text)))
		}
	}
	slices.SortFunc(f.lines, func(a, b Line) int { return cmp.Compare(a.Name, b.Name) })
	return f
}

func (d *Doctor) pem(text []byte) Line {
	chain, err := Certificates(text)
	if err != nil {
		return failed(Wrong, err, "correct the setting or the certificate")
	}
	return d.expiry(chain)
}

// Certificates returns the certificates in a text of PEM blocks; none is an error.
func Certificates(text []byte) (all []*x509.Certificate, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, certificate)
	}
	if len(all) == 0 {
		return nil, errors.New("no certificate in PEM")
	}
	return all, nil
}

// FirstToExpire returns the one of several certificates that expires first.
func FirstToExpire(all []*x509.Certificate) *x509.Certificate {
	return slices.MinFunc(all, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
}

// renewWithin is how long before its end a certificate should be renewed.
const renewWithin = 21 * 24 * time.Hour

// expiry says when the first of the certificates expires.
func (d *Doctor) expiry(chain []*x509.Certificate) Line {
	first := FirstToExpire(chain)
	left := first.NotAfter.Sub(d.Now())
	name := cmp.Or(first.Subject.CommonName, strings.Join(first.DNSNames, ", "), "without a name")
	l := Line{State: OK, Detail: fmt.Sprintf("%s expires in %s, on %s", name, age(left), first.NotAfter.UTC().Format(time.DateOnly))}
	switch {
	case left <= 0:
		l.State, l.Detail, l.Do = Wrong, name+" expired on "+first.NotAfter.UTC().Format(time.DateOnly), "renew it"
	case left < renewWithin:
		l.State, l.Do = Degraded, "renew it before it expires"
	}
	l.Figures = map[string]float64{"expiresInSeconds": left.Truncate(time.Second).Seconds()}
	return l
}
