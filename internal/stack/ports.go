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

// Where free ports are looked for. The kernel takes ports for outgoing connections from 32768 on (Linux), and would
// give one of those away while the server it belongs to is stopped for a moment.
const (
	lowestPort  = 20000
	highestPort = 31999
)

var handedOut = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// FreePort is a TCP port on the loopback interface that nothing listens on, and that was not handed out before.
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

// ErrPortTaken is what CheckPort finds when somebody listens there already.
var ErrPortTaken = errors.New("taken by another program")

// CheckPort says whether an address such as "127.0.0.1:5672" can be listened on. A port that was closed a moment ago
// can.
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

// freeUnlessSet fills in the ports that are still 0.
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

// checkPorts tells of the first of the ports, by what it is for, that is taken.
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
