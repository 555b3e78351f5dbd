package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/internal/stack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves a folder until the test ends.
func serve(t *testing.T, dir string) (address string) {
	t.Helper()
	port, err := stack.FreePort()
	require.NoError(t, err)
	address = fmt.Sprintf("127.0.0.1:%d", port)
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- serveCommand{folder: folder{Dir: dir}, Listen: address}.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-stopped)
	})
	require.Eventually(t, func() bool {
		return healthcheckCommand{Address: address}.Run(ctx) == nil
	}, 30*time.Second, 10*time.Millisecond)
	return address
}

// Messages are kept and the newest are shown.
func TestMessages(t *testing.T) {
	dir := t.TempDir()
	address := serve(t, dir)
	for _, subject := range []string{"one", "two", "three"} {
		text := "Subject: " + subject + "\r\n\r\nhello\r\n"
		require.NoError(t, smtp.SendMail(address, nil, "from@example.com", []string{"to@example.com"}, []byte(text)))
	}
	var shown strings.Builder
	require.NoError(t, showCommand{folder: folder{Dir: dir}, Last: 2}.print(&shown))
	assert.NotContains(t, shown.String(), "Subject: one")
	assert.Less(t, strings.Index(shown.String(), "Subject: two"), strings.Index(shown.String(), "Subject: three"))

	shown.Reset()
	require.NoError(t, showCommand{folder: folder{Dir: dir}}.print(&shown))
	assert.Contains(t, shown.String(), "Subject: one")
}

// The health check fails where no server takes mail.
func TestHealthcheckFails(t *testing.T) {
	port, err := stack.FreePort()
	require.NoError(t, err)
	require.Error(t, healthcheckCommand{Address: fmt.Sprintf("127.0.0.1:%d", port)}.Run(t.Context()))

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(connection, "554 no mail here\r\n")
			_ = connection.Close()
		}
	}()
	require.ErrorContains(t, healthcheckCommand{Address: listener.Addr().String()}.Run(t.Context()), "no mail here")
}
