//go:build profile

package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof" // serves profiles under /debug/pprof
	"os"
	"path/filepath"
)

// init serves the process's profiles on a socket with the command's name, in a program that only make profile builds.
func init() {
	listener, err := net.Listen("unix", filepath.Join(os.Getenv("PROFILE_SOCKETS"), os.Args[1]))
	if err != nil {
		panic(fmt.Sprintf("PROFILE_SOCKETS: %v", err))
	}
	go func() { panic(http.Serve(listener, nil)) }()
}
