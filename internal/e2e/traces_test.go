package e2e_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/proto"

	"dummyorders/workflows"
)

// The caller's trace and span.
const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan  = "00f067aa0ba902b7"
)

// TestOneTrace posts a fraud, and finds all that follows in the caller's trace: each span below the one that caused it.
func TestOneTrace(t *testing.T) {
	c := startCollector(t)
	w := newWorld(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_BSP_SCHEDULE_DELAY": "200"}).everything()
	id := w.post(body(tooMuch, canaryApproved), "Prefer", "wait=60", "Tracestate", "shop="+canaryApproved,
		"Traceparent", "00-"+callersTrace+"-"+callersSpan+"-01").answer(t).TransactionID
	w.isMailed(id, 1)
	chain := []string{
		"", "POST /transact of orders-api", "UpdateWithStartWorkflow:answer of orders-api", "RunWorkflow:ProcessTransaction of orders-worker",
		"RunActivity:PublishAlert of orders-worker", "publish alerts of orders-worker", "process alertman of alertman",
		"StartWorkflow:DeliverAlert of alertman", "RunWorkflow:DeliverAlert of alertman", "RunActivity:Tell of alertman",
	}
	var spans []span
	eventually(t, func() error {
		spans = c.all()
		for i, name := range chain[1:] {
			if !slices.ContainsFunc(spans, func(s span) bool { return s.name == name && parentOf(spans, s) == chain[i] }) {
				return fmt.Errorf("no span %q below %q in %v", name, chain[i], namesOf(spans))
			}
		}
		for check, below := range map[string]string{"RunActivity:CheckFraud of fraud-police": chain[3], "RunActivity:TellNow of alertman": chain[8]} {
			if !slices.ContainsFunc(spans, func(s span) bool { return s.name == check && parentOf(spans, s) == below }) {
				return fmt.Errorf("no span %q below %q in %v", check, below, namesOf(spans))
			}
		}
		if !slices.ContainsFunc(spans, func(s span) bool { return strings.HasPrefix(parentOf(spans, s), "RunActivity:Save") }) {
			return errors.New("no span of the ledger's database below that of its activity")
		}
		return nil
	})
	for _, s := range spans {
		assert.Equal(t, callersTrace, hex.EncodeToString(s.GetTraceId()), s.name)
		assert.Empty(t, s.GetTraceState(), s.name)
	}
	assert.Contains(t, c.text(), id)
	for _, workflow := range []string{workflows.TransactionWorkflowID(id), alertWorkflowNumber(id, 1)} {
		assert.Equal(t, []string{"traceparent"}, headersIn(t, workflow))
	}
}

// TestNoTrace has traces off: the alert can still be traced to the caller, by one header and no more.
func TestNoTrace(t *testing.T) {
	w := newWorld(t, nil).everything()
	id := w.post(body(tooMuch, goodCard), "Prefer", "wait=60", "Traceparent", "00-"+callersTrace+"-"+callersSpan+"-01").answer(t).TransactionID
	w.isMailed(id, 1)
	for _, workflow := range []string{workflows.TransactionWorkflowID(id), alertWorkflowNumber(id, 1)} {
		assert.Equal(t, []string{"traceparent"}, headersIn(t, workflow))
	}
}

// TestMixedTraces has only some processes record spans. Nothing fails, and those that do go on in the caller's trace, below the
// last span before them.
func TestMixedTraces(t *testing.T) {
	for name, c := range map[string]struct {
		traced []string
		below  map[string]string // each of these spans has to be below the other; "" is the caller's
	}{
		"the worker does not": {[]string{apiProcess, fraudPolice, alertman}, map[string]string{
			"UpdateWithStartWorkflow:answer of orders-api": "POST /transact of orders-api",
			"RunActivity:CheckFraud of fraud-police":       "UpdateWithStartWorkflow:answer of orders-api",
			"process alertman of alertman":                 "UpdateWithStartWorkflow:answer of orders-api",
			"RunActivity:Tell of alertman":                 "RunWorkflow:DeliverAlert of alertman",
		}},
		"only the worker does": {[]string{worker}, map[string]string{
			"RunWorkflow:ProcessTransaction of orders-worker": "",
			"RunActivity:PublishAlert of orders-worker":       "RunWorkflow:ProcessTransaction of orders-worker",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			collector, w := startCollector(t), newWorld(t, nil)
			for _, process := range []string{worker, fraudPolice, alertman, apiProcess} {
				if slices.Contains(c.traced, process) {
					w.startWith(process, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_BSP_SCHEDULE_DELAY": "200"})
				} else {
					w.startWith(process, nil)
				}
			}
			w.start()
			id := w.post(body(tooMuch, goodCard), "Prefer", "wait=60", "Traceparent", "00-"+callersTrace+"-"+callersSpan+"-01").answer(t).TransactionID
			w.isMailed(id, 1)
			var spans []span
			eventually(t, func() error {
				spans = collector.all()
				for child, parent := range c.below {
					if !slices.ContainsFunc(spans, func(s span) bool { return s.name == child && parentOf(spans, s) == parent }) {
						return fmt.Errorf("no span %q below %q in %v", child, parent, namesOf(spans))
					}
				}
				return nil
			})
			for _, s := range spans {
				assert.Equal(t, callersTrace, hex.EncodeToString(s.GetTraceId()), s.name)
			}
		})
	}
}

// headersIn returns the names of all headers in a history.
func headersIn(t *testing.T, workflowID string) []string {
	t.Helper()
	names := map[string]bool{}
	pages := shared.client.GetWorkflowHistory(t.Context(), workflowID, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for pages.HasNext() {
		event, err := pages.Next()
		require.NoError(t, err)
		for _, header := range []*common.Header{
			event.GetWorkflowExecutionStartedEventAttributes().GetHeader(), event.GetActivityTaskScheduledEventAttributes().GetHeader(),
			event.GetWorkflowExecutionSignaledEventAttributes().GetHeader(),
			event.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput().GetHeader(),
		} {
			for name := range header.GetFields() {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// collector takes spans by OTLP over HTTP.
type collector struct {
	*httptest.Server

	mu  sync.Mutex
	got []*collectorpb.ExportTraceServiceRequest
}

// span is a span with its service in its name.
type span struct {
	*tracepb.Span

	name string
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		got := &collectorpb.ExportTraceServiceRequest{}
		if !assert.NoError(t, errors.Join(err, proto.Unmarshal(body, got))) {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got = append(c.got, got)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) all() []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []span
	for _, request := range c.got {
		for _, resource := range request.GetResourceSpans() {
			service := ""
			for _, a := range resource.GetResource().GetAttributes() {
				if a.GetKey() == "service.name" {
					service = a.GetValue().GetStringValue()
				}
			}
			for _, scope := range resource.GetScopeSpans() {
				for _, s := range scope.GetSpans() {
					all = append(all, span{s, s.GetName() + " of " + service})
				}
			}
		}
	}
	return all
}

// text returns all that was received, as text.
func (c *collector) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.got)
}

// parentOf returns the name of a span's parent; it is empty for the caller's span.
func parentOf(all []span, s span) string {
	for _, other := range all {
		if string(other.GetSpanId()) == string(s.GetParentSpanId()) {
			return other.name
		}
	}
	if hex.EncodeToString(s.GetParentSpanId()) == callersSpan {
		return ""
	}
	return "none"
}

func namesOf(all []span) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.name)
	}
	return names
}
