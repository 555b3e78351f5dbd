package rabbitmq

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A write to a peer that reads nothing fails in time and ends the connection.
func TestBoundedWrites(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	conn := boundedWrites{ours, time.Millisecond}
	_, err := conn.Write([]byte("hello"))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	_, err = ours.Read(make([]byte, 1))
	require.ErrorContains(t, err, "closed")
}
