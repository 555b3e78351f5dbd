// Package localhost says which addresses are on this machine.
package localhost

import (
	"fmt"
	"net"
)

// Is reports whether a host is this machine itself.
func Is(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// URL returns the http:// URL by which this machine reaches a process that listens at an address such as :9001 or localhost:9001.
func URL(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("address %q: must be such as :9001 or localhost:9001", address)
	}
	if host == "" || net.ParseIP(host).IsUnspecified() { // it listens at all addresses
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}
