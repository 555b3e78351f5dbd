package temporal

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.temporal.io/sdk/client"
)

// What goes to a near server is not compressed, unless the setting says so.
func TestCompression(t *testing.T) {
	for address, near := range map[string]bool{
		"": true, "localhost:7233": true, "127.0.0.1:7233": true, "[::1]:7233": true, "temporal:7233": true, "10.1.2.3:7233": true,
		"192.168.0.1:7233": true, "[fd00::1]:7233": true,
		"192.0.2.1:7233": false, "[2001:db8::1]:7233": false, "orders.abcde.tmprl.cloud:7233": false, "temporal.example.com:7233": false,
	} {
		assert.Equal(t, near, isNone(AutoCompression.of(address)), address)
		assert.True(t, isNone(NoCompression.of(address)), address)
		assert.False(t, isNone(Gzip.of(address)), address)
	}
}

func isNone(c client.GrpcCompression) bool {
	_, none := c.(*client.GrpcCompressionNone)
	return none
}
