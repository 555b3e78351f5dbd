package main

import (
	"cmp"
	"context"
	"math"
	"strconv"

	"dummyorders/domain/card"
	"dummyorders/internal/telemetry"
)

// services holds the names by which traces know the parts.
var services = map[string]string{"api": "orders-api", "worker": "orders-worker"}

// trace has the spans of a part exported, if the settings say so.
func (p *process) trace(ctx context.Context, name string) {
	before := len(p.values.faults)
	if on := p.env.traced(p.values); !on || len(p.values.faults) > before {
		return
	}
	traces, flush, err := telemetry.NewTraces(ctx, telemetry.Traces{
		Service: cmp.Or(services[name], name), Version: buildVersion(), Conceal: card.Conceal, Log: p.log,
	})
	if err != nil {
		p.values.faults = append(p.values.faults, err.Error())
		return
	}
	p.traces, p.flush = traces, flush
}

// traced reports whether spans are exported. It checks what OpenTelemetry's libraries would pass over or not find.
func (e environment) traced(v *values) bool {
	const right = "a URL such as http://localhost:4318"
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": e.OTLPEndpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": e.OTLPTracesEndpoint,
	} {
		if value != "" && !isWebURL(value) {
			v.wrongSecret(name, right)
		}
	}
	exporter := "none"
	if e.OTLPEndpoint != "" || e.OTLPTracesEndpoint != "" {
		exporter = "otlp"
	}
	exporter = v.oneOf("OTEL_TRACES_EXPORTER", cmp.Or(e.TracesExporter, exporter), []string{"otlp", "console", "none"})
	protocols := []string{"http/protobuf", "grpc"}
	v.oneOf("OTEL_EXPORTER_OTLP_PROTOCOL", e.OTLPProtocol, protocols)
	v.oneOf("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", cmp.Or(e.OTLPTracesProtocol, protocols[0]), protocols)
	v.oneOf("OTEL_TRACES_SAMPLER", e.TracesSampler, []string{
		"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
	})
	if share, err := strconv.ParseFloat(cmp.Or(e.TracesSamplerArg, "1"), 64); err != nil || math.IsNaN(share) || share < 0 || share > 1 {
		v.wrong("OTEL_TRACES_SAMPLER_ARG", e.TracesSamplerArg, "a number from 0 to 1, such as 0.1")
	}
	return !v.flag("OTEL_SDK_DISABLED", e.OTelDisabled) && exporter != "none"
}
