//go:build profile

package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof" // serves profiles under /debug/pprof
	"os"
)

// init serves the process's profiles on the socket that make profile names, in a program that only make profile builds.
func init() {
	listener, err := net.Listen("unix", os.Getenv("PROFILE_SOCKET"))
	if err != nil {
		panic(fmt.Sprintf("PROFILE_SOCKET: %v", err))
	}
	go func() { panic(http.Serve(listener, nil)) }()
}
