package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/gateways/temporal"
	"dummyorders/internal/telemetrytest"
)

// certificate returns a certificate in PEM that is valid until a time.
func certificate(t *testing.T, until time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// The metric shows, for each file that the settings name and each text in them, when its first certificate expires. A file that cannot
// be read hides no other.
func TestCertificateExpiry(t *testing.T) {
	dir := t.TempDir()
	soon, later := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)
	bundle, client := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "client.pem")
	require.NoError(t, os.WriteFile(bundle, append(certificate(t, later), certificate(t, soon)...), 0o600))
	require.NoError(t, os.WriteFile(client, certificate(t, later), 0o600))
	t.Setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", client)
	t.Setenv("TEMPORAL_TLS_SERVER_CA_CERT_DATA", string(certificate(t, soon)))
	t.Setenv("TEMPORAL_CONFIG_FILE", "")
	t.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", client)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", bundle)
	t.Setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", client)
	e := environment{
		LedgerURL:            "postgres://orders@db/orders?sslmode=verify-full&sslrootcert=" + bundle,
		RabbitMQPublisherURL: "amqps://orders:x@mq/?cacertfile=" + filepath.Join(dir, "missing.pem"),
		RabbitMQConsumerURL:  "amqp://alertman:x@mq/?cacertfile=" + bundle,
	}
	assert.NotContains(t, e.certificates(), "traces_ca", "there are no traces")
	e.OTLPEndpoint = "https://collector:4318"
	show := showExpiries(e.certificates(), temporal.CertificateTexts())
	require.ErrorContains(t, show(t.Context()), "missing.pem")
	const metric = "orders_certificate_expiry_timestamp_seconds"
	assert.Equal(t, 6, telemetrytest.Series(t, metric))
	assert.InDelta(t, float64(soon.Unix()), telemetrytest.Value(t, metric, "use", "ledger_ca"), 0)
	assert.InDelta(t, float64(later.Unix()), telemetrytest.Value(t, metric, "use", "temporal_client"), 0)
	assert.InDelta(t, float64(soon.Unix()), telemetrytest.Value(t, metric, "use", "temporal_ca"), 0)
	assert.InDelta(t, float64(soon.Unix()), telemetrytest.Value(t, metric, "use", "traces_ca"), 0)
	assert.InDelta(t, float64(later.Unix()), telemetrytest.Value(t, metric, "use", "traces_client"), 0)
	assert.InDelta(t, float64(soon.Unix()), telemetrytest.Value(t, metric, "use", "rabbitmq_consumer_ca"), 0)

	require.NoError(t, os.WriteFile(bundle, certificate(t, later), 0o600))
	require.ErrorContains(t, show(t.Context()), "missing.pem")
	assert.InDelta(t, float64(soon.Unix()), telemetrytest.Value(t, metric, "use", "ledger_ca"), 0, "the process has the old one until a restart")
	assert.InDelta(t, float64(later.Unix()), telemetrytest.Value(t, metric, "use", "rabbitmq_consumer_ca"), 0, "it is read at each connection")
}
