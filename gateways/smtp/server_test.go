package smtp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	server "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/gateways/smtp"
)

// certificate is the test servers' certificate, and the only authority that this process trusts.
var certificate tls.Certificate

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "smtp-")
	if err == nil {
		err = trustOnly(filepath.Join(dir, "ca.pem"))
	}
	if err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func trustOnly(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	if err := os.Setenv("SSL_CERT_FILE", file); err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

// mailServer is a real SMTP server that gives the answers set in it.
type mailServer struct {
	security         smtp.Security
	from, rcpt, data error // answers to MAIL FROM, to RCPT TO and to the end of DATA
	hangUp           bool  // drops the connection once a message was accepted
	user, password   string
	utf8             bool                                      // offers SMTPUTF8
	meet             func(text string) (taken bool, err error) // decides about messages, where it is set

	mu       sync.Mutex
	messages []string
	heard    []string // the commands before each message
}

func (m *mailServer) start(t *testing.T) smtp.Server {
	t.Helper()
	others := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, others) }) // once the server is stopped
	s := server.NewServer(server.BackendFunc(func(c *server.Conn) (server.Session, error) { return &session{m, c}, nil }))
	s.Domain, s.ErrorLog = "localhost", log.New(io.Discard, "", 0)
	s.ReadTimeout, s.WriteTimeout = 10*time.Second, 10*time.Second
	s.AllowInsecureAuth, s.EnableSMTPUTF8 = true, m.utf8
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	switch m.security {
	case smtp.StartTLS:
		s.TLSConfig = config
	case smtp.Implicit:
		listener = tls.NewListener(listener, config)
	case smtp.Plain:
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		_ = listener.Close() // the server does not know of it before it serves
		<-served
	})
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	return smtp.Server{Host: "localhost", Port: number, Security: m.security}
}

func (m *mailServer) received() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.messages
}

// errCut ends the connection.
var errCut = errors.New("cut")

type session struct {
	server *mailServer
	conn   *server.Conn
}

func (s *session) Mail(from string, with *server.MailOptions) error {
	s.server.hear("EHLO "+s.conn.Hostname(), "MAIL "+from)
	if with.UTF8 {
		s.server.hear("SMTPUTF8")
	}
	return s.server.from
}

func (s *session) Rcpt(to string, _ *server.RcptOptions) error {
	s.server.hear("RCPT " + to)
	return s.server.rcpt
}

func (s *session) Reset() {}

func (m *mailServer) hear(commands ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = append(m.heard, commands...)
}

func (m *mailServer) commands() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil || s.server.data != nil {
		return s.server.data
	}
	if s.server.meet != nil {
		taken, err := s.server.meet(string(text))
		if errors.Is(err, errCut) {
			_ = s.conn.Conn().Close()
		}
		if !taken {
			return err
		}
	}
	s.server.mu.Lock()
	s.server.messages = append(s.server.messages, string(text))
	s.server.mu.Unlock()
	if s.server.hangUp {
		time.AfterFunc(50*time.Millisecond, func() { _ = s.conn.Conn().Close() })
	}
	return nil
}

func (s *session) Logout() error { return nil }

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.server.user || password != s.server.password {
			return server.ErrAuthFailed
		}
		return nil
	}), nil
}
