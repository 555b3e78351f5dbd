package stack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// Free ports are chosen from this range. Linux takes ports for outgoing connections from 32768 on, so a port up there
// could be taken while its server is stopped for a moment.
const (
	lowestPort  = 20000
	highestPort = 31999
)

var handedOut = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// FreePort returns a TCP port on the loopback interface that is free and was not returned before.
func FreePort() (int, error) {
	handedOut.Lock()
	defer handedOut.Unlock()
	for range 1000 {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		if !handedOut.ports[port] && CheckPort(loopback(port)) == nil {
			handedOut.ports[port] = true
			return port, nil
		}
	}
	return 0, fmt.Errorf("find a free port from %d to %d: none in 1000 tries", lowestPort, highestPort)
}

// ErrPortTaken is the error of CheckPort if another program listens on the port.
var ErrPortTaken = errors.New("taken by another program")

// CheckPort returns nil if it is possible to listen on an address such as "127.0.0.1:5672". A port that was closed a
// moment ago counts as free.
func CheckPort(address string) error {
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return ErrPortTaken
	}
	if err != nil {
		return err
	}
	return listener.Close()
}

// freeUnlessSet sets the ports that are still 0 to free ones.
func freeUnlessSet(ports ...*int) error {
	for _, port := range ports {
		if *port != 0 {
			continue
		}
		free, err := FreePort()
		if err != nil {
			return err
		}
		*port = free
	}
	return nil
}

// checkPorts returns an error for the first port that is taken. use says what the ports are for.
func checkPorts(use string, ports ...int) error {
	for _, port := range ports {
		if err := CheckPort(loopback(port)); port != 0 && err != nil {
			return fmt.Errorf("port %d (%s): %w", port, use, err)
		}
	}
	return nil
}

func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
