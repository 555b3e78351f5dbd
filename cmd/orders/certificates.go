package main

import (
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

// showExpiries returns a function that shows when certificates expire. A process reads them once, at its start, and one that is renewed
// in place later does not count before a restart. RabbitMQ's it reads at each connection, so that the newest count.
func showExpiries(files map[string]string) func(context.Context) error {
	read := map[string]telemetry.Value{}
	return func(context.Context) error {
		var faults []error
		for use, file := range files {
			if _, is := read[use]; is && !strings.HasPrefix(use, "rabbitmq") {
				continue
			}
			delete(read, use)
			at, err := firstExpiry(file)
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

// firstExpiry returns when the first certificate of a PEM file expires.
func firstExpiry(file string) (time.Time, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return time.Time{}, err
	}
	all, err := ops.Certificates(text)
	if err != nil {
		return time.Time{}, err
	}
	return ops.FirstToExpire(all).NotAfter, nil
}
