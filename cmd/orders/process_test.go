package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

// Answers are not to be cached, and large headers are refused.
func TestServeAPI(t *testing.T) {
	port, err := stack.FreePort()
	require.NoError(t, err)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, slog.New(slog.DiscardHandler), address, fewConnections, http.NotFoundHandler(), time.Second)
	}()
	defer func() {
		stop()
		require.NoError(t, <-ended)
	}()
	get := func(header string) (status int, answered http.Header) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", http.NoBody)
		require.NoError(t, err)
		request.Header.Set("X-Large", header)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, nil
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return answer.StatusCode, answer.Header
	}
	require.Eventually(t, func() bool { status, _ := get(""); return status != 0 }, 10*time.Second, 10*time.Millisecond)
	status, headers := get("small")
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "nosniff", headers.Get("X-Content-Type-Options"))
	require.Equal(t, "no-store", headers.Get("Cache-Control"))
	status, _ = get(strings.Repeat("x", 64<<10))
	require.Contains(t, []int{0, http.StatusRequestHeaderFieldsTooLarge}, status, "0: the server has hung up first")
}
