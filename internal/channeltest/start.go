package channeltest

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Start serves a fake on a free port of this machine until the test is over.
func Start(t testing.TB, fake http.Handler) *httptest.Server {
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return server
}

// Client returns an HTTP client that leaves no connection behind once the test is over.
func Client(t testing.TB) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Answering returns an HTTP client that makes no connections: it answers every request itself.
func Answering(status int, header http.Header, body string) *http.Client {
	return &http.Client{Transport: answering(func(r *http.Request) *http.Response {
		recorder := httptest.NewRecorder()
		says := Answer{Status: 200, Header: header, Body: body}
		says.write(recorder)
		response := recorder.Result()
		response.StatusCode, response.Request = status, r
		return response
	})}
}

type answering func(*http.Request) *http.Response

// RoundTrip answers the request.
func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }
