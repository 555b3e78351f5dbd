package temporal_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/timestamppb"

	"dummyorders/gateways/temporal"
)

// elsewhere is a Temporal server on a machine whose clock is so much ahead. It knows what an operator asks about the server.
type elsewhere struct {
	workflowservice.UnimplementedWorkflowServiceServer

	ahead   time.Duration
	mu      sync.Mutex
	pollers []*taskqueue.PollerInfo
}

func (*elsewhere) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{ServerVersion: "1.31.2"}, nil
}

func (e *elsewhere) PollActivityTaskQueue(ctx context.Context, r *workflowservice.PollActivityTaskQueueRequest) (*workflowservice.PollActivityTaskQueueResponse, error) {
	e.mu.Lock()
	e.pollers = append(e.pollers, &taskqueue.PollerInfo{Identity: r.GetIdentity(), LastAccessTime: timestamppb.New(time.Now().Add(e.ahead))})
	e.mu.Unlock()
	<-ctx.Done()
	return &workflowservice.PollActivityTaskQueueResponse{}, nil
}

func (e *elsewhere) DescribeTaskQueue(context.Context, *workflowservice.DescribeTaskQueueRequest) (*workflowservice.DescribeTaskQueueResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return &workflowservice.DescribeTaskQueueResponse{Pollers: e.pollers}, nil
}

// operator serves it by TLS, and returns who asks it, with the server's certificate.
func (e *elsewhere) operator(t *testing.T) (*temporal.Operator, *x509.Certificate) {
	t.Helper()
	made := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(made.Close)
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: made.TLS.Certificates, MinVersion: tls.VersionTLS12})))
	workflowservice.RegisterWorkflowServiceServer(server, e)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		require.NoError(t, <-ended)
	})
	trusted := x509.NewCertPool()
	trusted.AddCert(made.Certificate())
	c, err := client.NewLazyClient(client.Options{
		HostPort: listener.Addr().String(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		ConnectionOptions: client.ConnectionOptions{TLS: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}},
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return temporal.NewOperator(c), made.Certificate()
}

// With TLS, the operator learns the server's certificate.
func TestServerCertificate(t *testing.T) {
	operator, certificate := (&elsewhere{}).operator(t)
	server, err := operator.Server(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "1.31.2", server.Version)
	require.Len(t, server.Peers, 1)
	assert.Equal(t, certificate.Raw, server.Peers[0].Raw)
}

// The operator learns how far the server's clock is ahead of this machine's, or behind it.
func TestServerClock(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"ahead": time.Minute, "behind": -time.Minute} {
		t.Run(name, func(t *testing.T) {
			operator, _ := (&elsewhere{ahead: ahead}).operator(t)
			begun := time.Now()
			off, err := operator.Clock(t.Context())
			require.NoError(t, err)
			assert.GreaterOrEqual(t, off, ahead)
			assert.LessOrEqual(t, off, ahead+time.Since(begun))
		})
	}
}
