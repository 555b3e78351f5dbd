package ops_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/gateways/rabbitmq"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/goldentest"
	"dummyorders/ops"
)

// patient is what a doctor looks at. All is well with a new one.
type patient struct {
	*service
	doctor ops.Doctor
}

func newPatient() *patient {
	return &patient{newService(), ops.Doctor{
		Processes: []string{"api", "worker"}, Retention: 400 * 24 * time.Hour, Version: "v1", Now: func() time.Time { return now },
	}}
}

func (p *patient) look(t *testing.T) ops.Report {
	t.Helper()
	d := p.doctor
	d.Temporal, d.Broker, d.Ledger = p.temporal, p.broker, p.ledger
	d.Connections = append(d.Connections, ops.Connection{Name: "mail server", Where: "SMTP_HOSTNAME", Check: func(context.Context) error { return p.api }})
	return d.Look(t.Context())
}

// certificate returns a certificate for a test that expires after a while.
func certificate(t *testing.T, expires time.Duration) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	made := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "orders.example.com"}, NotAfter: now.Add(expires)}
	der, err := x509.CreateCertificate(rand.Reader, made, made, &key.PublicKey, key)
	require.NoError(t, err)
	read, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return read
}

// file writes a certificate to a file and returns its name.
func file(t *testing.T, c *x509.Certificate) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "cert.pem")
	require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600))
	return name
}

func TestHealthyPatient(t *testing.T) {
	p := newPatient()
	p.doctor.Files = map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": file(t, certificate(t, 90*24*time.Hour)), "unset": ""}
	p.temporal.server.Peers = []*x509.Certificate{certificate(t, 365*24*time.Hour)}
	r := p.look(t)
	assert.Equal(t, ops.OK, r.State, r.Parts)
	for _, name := range []string{
		"settings", "mail server", "rabbitmq publisher", "rabbitmq consumer", "permissions ledger", "clocks ledger", "clocks temporal",
		"versions temporal", "versions rabbitmq", "versions ledger", "retention", "search attributes", "exchanges and queues", "ledger's tables",
		"temporal's server", "TEMPORAL_TLS_CLIENT_CERT_PATH",
	} {
		l := part(t, r, name)
		assert.Equal(t, ops.OK, l.State, l)
		assert.NotEmpty(t, l.Detail, l)
	}
	document, err := json.MarshalIndent(r, "", "  ")
	require.NoError(t, err)
	goldentest.Same(t, "testdata/doctor.json", string(document)+"\n")
}

// Each thing that may be set up wrongly has a line that says so and what to do, and decides the exit code.
func TestFindings(t *testing.T) {
	for name, c := range map[string]struct {
		breaks     func(*testing.T, *patient)
		line       string
		state      ops.State
		detail, do string
	}{
		"fault": {func(_ *testing.T, p *patient) {
			p.doctor.Faults = []string{`LOG_LEVEL="loud": must be one of debug`, "LEDGER_URL: no"}
		}, "LOG_LEVEL", ops.Wrong, "must be one of", "env"},
		"all faults": {func(_ *testing.T, p *patient) {
			p.doctor.Faults = []string{`LOG_LEVEL="loud": must be`, "LEDGER_URL: no"}
		}, "LEDGER_URL", ops.Wrong, "no", "env"},
		"warning":            {func(_ *testing.T, p *patient) { p.doctor.Warnings = []string{"no route takes payment alerts"} }, "warning", ops.Degraded, "no route", "meant"},
		"connection":         {func(_ *testing.T, p *patient) { p.api = errNo }, "mail server", ops.Down, "refused", "SMTP_HOSTNAME"},
		"publisher may read": {func(_ *testing.T, p *patient) { p.broker.rights[1].Has = true }, "rabbitmq publisher", ops.Wrong, "must not be allowed to read queue alertman", "set_permissions"},
		"consumer may not":   {func(_ *testing.T, p *patient) { p.broker.rights[2].Has = false }, "rabbitmq consumer", ops.Wrong, "must be allowed to read queue alertman", "set_permissions"},
		"ledger's user suffices for one": {func(_ *testing.T, p *patient) {
			p.ledger.lacks = map[string][]string{"worker": {"INSERT on transactions"}}
		}, "permissions ledger", ops.OK, "is that of api; not of worker, which lacks INSERT on transactions", ""},
		"ledger's user suffices for none": {func(_ *testing.T, p *patient) {
			p.ledger.lacks = map[string][]string{"worker": {"INSERT on transactions"}, "api": {"SELECT on transactions"}}
		}, "permissions ledger", ops.Wrong, "SELECT on transactions", "setup.sh"},
		"ledger's clock":    {func(_ *testing.T, p *patient) { p.ledger.server.Clock = -time.Minute }, "clocks ledger", ops.Degraded, "-1m0s off", "chrony"},
		"temporal ahead":    {func(_ *testing.T, p *patient) { p.temporal.clock = time.Minute }, "clocks temporal", ops.Degraded, "Temporal is 1m0s off", "chrony"},
		"temporal behind":   {func(_ *testing.T, p *patient) { p.temporal.clock = -3 * time.Second }, "clocks temporal", ops.Degraded, "Temporal is -3s off", "chrony"},
		"no clock":          {func(_ *testing.T, p *patient) { p.temporal.err = errNo }, "clocks temporal", ops.Unknown, "refused", ""},
		"old temporal":      {func(_ *testing.T, p *patient) { p.temporal.server.Version = "1.27.4" }, "versions temporal", ops.Wrong, "older than 1.28", "1.28 or later"},
		"old rabbitmq":      {func(_ *testing.T, p *patient) { p.broker.broker.Version = "3.9.22" }, "versions rabbitmq", ops.Wrong, "older than 3.10", "3.10 or later"},
		"old postgres":      {func(_ *testing.T, p *patient) { p.ledger.server.Version = "11.22" }, "versions ledger", ops.Wrong, "older than 12", "12 or later"},
		"short retention":   {func(_ *testing.T, p *patient) { p.temporal.retention = 24 * time.Hour }, "retention", ops.Wrong, "24h only", "setup.sh"},
		"ledger keeps less": {func(_ *testing.T, p *patient) { p.doctor.Retention = 10 * 24 * time.Hour }, "retention", ops.Wrong, "the ledger transactions for 10d", "LEDGER_RETENTION"},
		"no attribute":      {func(_ *testing.T, p *patient) { p.temporal.attributes[0].Has = "" }, "search attributes", ops.Wrong, "OrderID is missing", "setup.sh"},
		"wrong attribute":   {func(_ *testing.T, p *patient) { p.temporal.attributes[1].Has = "Text" }, "search attributes", ops.Wrong, "FraudScore is Text and must be Int", "removed first"},
		"topology":          {func(_ *testing.T, p *patient) { p.broker.missing = []string{"queue alertman.dead"} }, "exchanges and queues", ops.Wrong, "missing: queue alertman.dead", "definitions.json"},
		"tables":            {func(_ *testing.T, p *patient) { p.ledger.ready = errors.New("no tables yet") }, "ledger's tables", ops.Wrong, "no tables yet", "start a worker"},
		"no namespace":      {func(_ *testing.T, p *patient) { p.temporal.err = temporal.ErrNoNamespace }, "retention", ops.Wrong, "no such namespace", "TEMPORAL_NAMESPACE"},
		"temporal away":     {func(_ *testing.T, p *patient) { p.temporal.err = errNo }, "retention", ops.Unknown, "refused", ""},
		"certificate at its end": {func(t *testing.T, p *patient) {
			p.broker.broker.Peers = []*x509.Certificate{certificate(t, 300*24*time.Hour), certificate(t, 20*24*time.Hour)}
		}, "rabbitmq's server", ops.Degraded, "orders.example.com expires in 20d, on 2026-11-22", "renew"},
		"expired file": {func(t *testing.T, p *patient) {
			p.doctor.Files = map[string]string{"LEDGER_URL sslcert": file(t, certificate(t, -time.Hour))}
		}, "LEDGER_URL sslcert", ops.Wrong, "expired on 2026-11-02", "renew"},
		"no file": {func(_ *testing.T, p *patient) { p.doctor.Files = map[string]string{"LEDGER_URL sslcert": "/nowhere"} }, "LEDGER_URL sslcert", ops.Wrong, "no such file", "setting"},
		"no certificate": {func(_ *testing.T, p *patient) {
			p.doctor.Texts = map[string][]byte{"TEMPORAL_TLS_CLIENT_CERT_DATA": []byte("x")}
		}, "TEMPORAL_TLS_CLIENT_CERT_DATA", ops.Wrong, "no certificate", "setting"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient()
			c.breaks(t, p)
			r := p.look(t)
			l := part(t, r, c.line)
			assert.Equal(t, c.state, l.State, l)
			assert.Contains(t, l.Detail, c.detail)
			assert.Contains(t, l.Do, c.do)
			assert.GreaterOrEqual(t, r.State.ExitCode(), c.state.ExitCode())
		})
	}
}

// What cannot be asked because its settings are wrong is left out; the settings' lines say so.
func TestWithoutConnections(t *testing.T) {
	d := ops.Doctor{Faults: []string{"LEDGER_URL: no"}, Now: func() time.Time { return now }}
	r := d.Look(t.Context())
	assert.Equal(t, ops.Wrong, r.State)
	assert.Len(t, r.Parts, 1)
}

// Each fault of a file has a line of its own, so that none is cut off.
func TestFaultsOfFile(t *testing.T) {
	fault := "FRAUD_RULESET: a.yaml:1:1: " + strings.Repeat("x", 200)
	d := ops.Doctor{Faults: []string{fault + strings.Repeat("\na.yaml:2:1: no", 20)}, Now: func() time.Time { return now }}
	parts := d.Look(t.Context()).Parts
	assert.Len(t, parts, 21)
	for i, l := range parts {
		assert.Equal(t, "FRAUD_RULESET", l.Name)
		assert.Equal(t, map[bool]string{true: fault, false: "a.yaml:2:1: no"}[i == 0], l.Detail)
	}
}

var (
	_ ops.Temporal = (*temporal.Operator)(nil)
	_ ops.Broker   = (*rabbitmq.Operator)(nil)
)
