package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One caller sends ten times its rate and holds 500 slow connections. Another caller is never refused.
func TestGreedyCaller(t *testing.T) {
	w := newWorld(t, map[string]string{
		"API_KEYS":                      "shop:the-key-of-the-shop,greedy:the-key-of-the-greedy",
		"HTTP_RATE_PER_CALLER":          "30",
		"HTTP_BURST_PER_CALLER":         "60",
		"HTTP_MAX_IN_FLIGHT":            "40",
		"HTTP_MAX_IN_FLIGHT_PER_CALLER": "20",
	}).everything()
	address := strings.TrimPrefix(w.api, "http://")
	for i := range 500 { // some send half a request, others do not read their answers
		connection, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer func() { _ = connection.Close() }()
		request := "GET /transactions?limit=200 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer the-key-of-the-greedy\r\n"
		if i%2 == 0 {
			request += "\r\n"
		}
		_, err = fmt.Fprint(connection, request)
		require.NoError(t, err)
	}
	var greedy sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 20 {
		greedy.Go(func() {
			for range 30 {
				got, err := w.send(body(small, goodCard), "Authorization", "Bearer the-key-of-the-greedy", "Prefer", "wait=1")
				if err != nil {
					t.Errorf("the greedy caller: %v", err)
					return
				}
				if got.status == http.StatusTooManyRequests {
					assert.NotEmpty(t, got.header.Get("Retry-After"))
				}
				mu.Lock()
				statuses[got.status]++
				mu.Unlock()
			}
		})
	}
	for range 20 {
		got := w.post(body(small, goodCard), "Authorization", "Bearer the-key-of-the-shop", "Prefer", "wait=60")
		assert.Equal(t, http.StatusOK, got.status, "%s", got.body)
		assert.NotEmpty(t, got.header.Get("RateLimit"))
	}
	greedy.Wait()
	assert.NotZero(t, statuses[http.StatusTooManyRequests], "the greedy caller is answered %v", statuses)
}
