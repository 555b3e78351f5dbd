package stripe_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/payment"
	"dummyorders/gateways/stripe"
	"dummyorders/internal/stack"
)

// stripe-mock is Stripe's own stand-in for its API. It checks every request against the API's description, and answers
// with fixtures. It keeps no state, so these tests show only that Stripe accepts the gateway's requests, and that the
// gateway reads Stripe's answers.

func TestMockAuthorize(t *testing.T) {
	held, err := stripe.New("sk_test_123", startMock(t, "requires_capture")).Authorize(t.Context(), hold("pm_card_visa"))
	require.NoError(t, err)
	require.Equal(t, "stripe", held.Gateway)
	require.True(t, strings.HasPrefix(held.ID, "pi_"), held.ID)
}

func TestMockCharge(t *testing.T) {
	charge, err := stripe.New("sk_test_123", startMock(t, "succeeded")).Charge(t.Context(), hold("pm_card_visa"))
	require.NoError(t, err)
	require.Equal(t, "ch_1", charge.Capture.ID)
}

func TestMockCaptureAndRefund(t *testing.T) {
	gateway := stripe.New("sk_test_123", startMock(t, "succeeded"))
	capture, err := gateway.Capture(t.Context(), payment.CaptureRequest{IdempotencyKey: "c", AuthorizationID: "pi_1"})
	require.NoError(t, err)
	require.Equal(t, "ch_1", capture.ID)
	refund, err := gateway.Refund(t.Context(), payment.RefundRequest{IdempotencyKey: "r", AuthorizationID: "pi_1"})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(refund.ID, "re_"), refund.ID)
}

func TestMockVoid(t *testing.T) {
	gateway := stripe.New("sk_test_123", startMock(t, "canceled"))
	require.NoError(t, gateway.Void(t.Context(), payment.VoidRequest{IdempotencyKey: "v", AuthorizationID: "pi_1"}))
}

func TestMockWrongKey(t *testing.T) {
	_, err := stripe.New("whatever", startMock(t, "requires_capture")).Authorize(t.Context(), hold("pm_card_visa"))
	require.Equal(t, &payment.TemporaryError{Gateway: "stripe", Code: "http_401"}, err)
}

// This shows that the tests above can fail.
func TestMockWrongParameter(t *testing.T) {
	form := url.Values{"amount": {"12300"}, "currency": {"inr"}, "capture_methods": {"manual"}}
	request, err := http.NewRequest(http.MethodPost, startMock(t, "requires_capture")+"/v1/payment_intents", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	request.SetBasicAuth("sk_test_123", "")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, answer.StatusCode)
	require.Contains(t, string(body), "additional properties are not allowed")
}

// startMock starts a stripe-mock whose PaymentIntents all have the one status.
func startMock(t *testing.T, status string) (baseURL string) {
	t.Helper()
	port, err := stack.FreePort()
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	program := tool(t, "tool", "-n", "stripe-mock")
	process, err := stack.StartProcess(stack.Command{
		Name: "stripe-mock",
		Path: program,
		Args: []string{"-http-addr", address, "-fixtures", fixtures(t, status)},
		Log:  filepath.Join(t.TempDir(), "stripe-mock.log"),
	})
	require.NoError(t, err)
	t.Cleanup(process.Kill)
	_, err = backoff.Retry(t.Context(), func() (struct{}, error) {
		select {
		case <-process.Done():
			return struct{}{}, backoff.Permanent(process.Exit())
		default:
		}
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, connection.Close()
	}, backoff.WithBackOff(backoff.NewConstantBackOff(50*time.Millisecond)), backoff.WithMaxElapsedTime(2*time.Minute))
	require.NoError(t, err)
	return "http://" + address
}

// fixtures are stripe-mock's own, with a PaymentIntent that was confirmed.
func fixtures(t *testing.T, status string) (path string) {
	t.Helper()
	folder := tool(t, "list", "-m", "-f", "{{.Dir}}", "github.com/stripe/stripe-mock")
	text, err := os.ReadFile(filepath.Join(folder, "embedded", "openapi", "fixtures3.json"))
	require.NoError(t, err)
	var all struct {
		Resources map[string]map[string]any `json:"resources"`
	}
	require.NoError(t, json.Unmarshal(text, &all))
	intent := all.Resources["payment_intent"]
	require.Contains(t, intent, "status")
	intent["status"], intent["latest_charge"] = status, "ch_1"
	text, err = json.Marshal(all)
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "fixtures.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// tool asks go about the tools of internal/tools. The first time it fetches and builds them, which may take minutes.
func tool(t *testing.T, command string, args ...string) string {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", append([]string{command, "-modfile=internal/tools/go.mod"}, args...)...)
	var errs bytes.Buffer
	cmd.Dir, cmd.Stderr = root, &errs
	printed, err := cmd.Output()
	require.NoError(t, err, errs.String())
	return strings.TrimSpace(string(printed))
}
