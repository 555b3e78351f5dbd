package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Without DESK_URL browsers reach the desk where it listens, if that is this machine.
func TestDeskURL(t *testing.T) {
	for name, c := range map[string]struct {
		address, set, want string
		wrong              bool
	}{
		"by default":        {"127.0.0.1:9002", "", "http://127.0.0.1:9002", false},
		"another port":      {"localhost:9302", "", "http://localhost:9302", false},
		"all addresses":     {":9302", "", "http://127.0.0.1:9302", false},
		"IPv6":              {"[::1]:9302", "", "http://[::1]:9302", false},
		"set":               {":9302", "https://desk.example.com/", "https://desk.example.com/", false},
		"another machine's": {"192.0.2.1:9302", "", "", true},
		"set, without TLS":  {":9302", "http://desk.example.com", "", true},
		"set, with a path":  {":9302", "https://example.com/desk", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			v := &values{}
			got := environment{DeskAddress: c.address, DeskURL: c.set}.deskURL(v)
			assert.Equal(t, c.want, got.String())
			assert.Equal(t, c.wrong, v.err() != nil, v.faults)
		})
	}
}
