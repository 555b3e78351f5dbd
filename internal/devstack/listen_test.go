package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"testing"

	"github.com/prometheus/procfs"
	"github.com/stretchr/testify/require"
)

// listening returns the addresses on which this process and its descendants listen for TCP.
func listening(t *testing.T) []net.TCPAddr {
	t.Helper()
	proc, err := procfs.NewDefaultFS()
	require.NoError(t, err)
	processes, err := proc.AllProcs()
	require.NoError(t, err)
	parents := map[int]int{}
	for _, p := range processes {
		if stat, err := p.Stat(); err == nil { // otherwise it has ended
			parents[p.PID] = stat.PPID
		}
	}
	ours := map[string]bool{} // the files of our processes, such as socket:[4711]
	for _, p := range processes {
		pid := p.PID
		for pid != 0 && pid != os.Getpid() {
			pid = parents[pid]
		}
		if pid == 0 {
			continue
		}
		targets, _ := p.FileDescriptorTargets()
		for _, target := range targets {
			ours[target] = true
		}
	}
	tcp, err := proc.NetTCP() //nolint:staticcheck // what would replace it is a library for netlink
	require.NoError(t, err)
	tcp6, err := proc.NetTCP6() //nolint:staticcheck // as above
	require.NoError(t, err)
	var addresses []net.TCPAddr
	for _, line := range slices.Concat(tcp, tcp6) {
		const listen = 10 // TCP_LISTEN, include/net/tcp_states.h
		if line.St == listen && ours[fmt.Sprintf("socket:[%d]", line.Inode)] {
			addresses = append(addresses, net.TCPAddr{IP: line.LocalAddr, Port: int(line.LocalPort)})
		}
	}
	return addresses
}

// requireLoopback checks that nothing of a stack that runs listens where another machine could reach it.
func requireLoopback(t *testing.T, s *standInStack) {
	t.Helper()
	ports := map[int]bool{}
	for _, address := range listening(t) {
		require.True(t, address.IP.IsLoopback(), "something listens on %s", &address)
		ports[address.Port] = true
	}
	for _, port := range []int{s.plan.temporal, s.plan.ui, s.plan.rabbitmq, s.plan.management} {
		require.Contains(t, ports, port)
	}
	require.GreaterOrEqual(t, len(ports), 4+1+len(s.commands()), "the servers, mail, and our processes")
}

func TestListening(t *testing.T) {
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	require.True(t, slices.ContainsFunc(listening(t), func(address net.TCPAddr) bool {
		return address.IP.IsUnspecified() && address.Port == listener.Addr().(*net.TCPAddr).Port
	}))
}
