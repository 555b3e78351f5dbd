package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"dummyorders/gateways/temporal"
	"dummyorders/internal/telemetry"
	"dummyorders/ops"
)

// certificates returns the files of certificates that the settings name, by what they are for.
func (e environment) certificates() map[string]string {
	files := map[string]string{}
	files["temporal_client"], files["temporal_ca"] = temporal.CertificateFiles()
	files["ledger_client"], files["ledger_ca"] = inQuery(e.LedgerURL, "sslcert"), inQuery(e.LedgerURL, "sslrootcert")
	for name, address := range map[string]string{"rabbitmq_publisher": e.RabbitMQPublisherURL, "rabbitmq_consumer": e.RabbitMQConsumerURL} {
		files[name+"_client"], files[name+"_ca"] = inQuery(address, "certfile"), inQuery(address, "cacertfile")
	}
	if e.traced(&values{}) {
		named := func(name string) string {
			return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_"+name), os.Getenv("OTEL_EXPORTER_OTLP_"+name)) //nolint:forbidigo // as OpenTelemetry's library does
		}
		files["traces_client"], files["traces_ca"] = named("CLIENT_CERTIFICATE"), named("CERTIFICATE")
	}
	for use, file := range files {
		if file == "" || file == "system" { // PostgreSQL's word for the system's own
			delete(files, use)
		}
	}
	return files
}

// inQuery returns a parameter of a URL, or "".
func inQuery(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}

// showExpiries returns a function that shows when certificates expire that are in files or in texts. A process reads files once, at its
// start, and one that is renewed in place later does not count before a restart. RabbitMQ's it reads at each connection, so that the
// newest count.
func showExpiries(files map[string]string, texts map[string][]byte) func(context.Context) error {
	read := map[string]telemetry.Value{}
	for use, text := range texts {
		if at, err := firstExpiry(text); err == nil { // one that is wrong ends the process
			read[use] = telemetry.At(at, use)
		}
	}
	return func(context.Context) error {
		var faults []error
		for use, file := range files {
			if _, is := read[use]; is && !strings.HasPrefix(use, "rabbitmq") {
				continue
			}
			delete(read, use)
			text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
			var at time.Time
			if err == nil {
				at, err = firstExpiry(text)
			}
			if err != nil {
				faults = append(faults, fmt.Errorf("read the certificates of %s: %w", file, err))
				continue
			}
			read[use] = telemetry.At(at, use)
		}
		telemetry.CertificateExpiry.Set(slices.Collect(maps.Values(read))...)
		return errors.Join(faults...)
	}
}

// firstExpiry returns when the first certificate of a text in PEM expires.
func firstExpiry(text []byte) (time.Time, error) {
	all, err := ops.Certificates(text)
	if err != nil {
		return time.Time{}, err
	}
	return ops.FirstToExpire(all).NotAfter, nil
}
