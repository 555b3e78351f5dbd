package main

import (
	"bytes"
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

func TestAnswersAreKeptNowhereAndLargeHeadersAreRefused(t *testing.T) {
	port, err := stack.FreePort()
	require.NoError(t, err)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, slog.New(slog.DiscardHandler), address, http.NotFoundHandler(), time.Second)
	}()
	defer func() {
		stop()
		require.NoError(t, <-ended)
	}()
	get := func(header string) (*http.Response, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", bytes.NewReader(nil))
		require.NoError(t, err)
		request.Header.Set("X-Large", header)
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
		return answer, err
	}
	require.Eventually(t, func() bool { _, err := get(""); return err == nil }, 10*time.Second, 10*time.Millisecond)
	answer, err := get("small")
	require.NoError(t, err)
	require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
	require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
	answer, err = get(strings.Repeat("x", 64<<10))
	if err == nil { // the server may hang up first
		require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, answer.StatusCode)
	}
}
