package pion

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	piondtls "github.com/pion/dtls/v3"
	pionice "github.com/pion/ice/v4"

	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/hosted"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

func init() { topologies.RegisterKeying("pion", keyer{}) }

// keyer makes pion's DTLS and ICE for sessions of ours.
type keyer struct{}

// socket is what a step has for a network: one socket at the session's address, of which it gets what is its.
type socket struct {
	*hosted.Host
	remote packet.Addr
	out    [][]byte
}

func newSocket(c *topologies.KeyingConfig) socket {
	return socket{Host: hosted.NewHost(c.Clock, c.Local.IP, func() uint16 { return c.Local.Port }), remote: c.Remote}
}

// take gives a packet to the step.
func (s *socket) take(p *packet.Packet) { s.Deliver(p.Src, p.Dst, p.Payload) }

// poll returns what the step sends; nil if there is nothing. A session has one address to send to.
func (s *socket) poll() []byte {
	for len(s.out) == 0 {
		sent := s.Sent()
		if len(sent) == 0 {
			return nil
		}
		for _, d := range sent {
			if d.Dst == s.remote {
				s.out = append(s.out, d.Payload)
			}
		}
	}
	b := s.out[0]
	s.out = s.out[1:]
	return b
}

// Stirred reports whether goroutines have left something since it was asked last.
func (s *socket) Stirred() bool {
	stirred := s.Host.Stirred()
	s.Calm()
	return stirred
}

// association is one end of pion's DTLS.
type association struct {
	socket
	config topologies.KeyingConfig
	conn   net.PacketConn
	log    lockedBuffer

	mu     sync.Mutex // guards what its goroutines leave
	dtls   *piondtls.Conn
	state  *piondtls.State // when the handshake is over
	err    error
	closed bool
}

// lockedBuffer is what goroutines may write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// DTLS returns one end of a handshake.
func (keyer) DTLS(c topologies.KeyingConfig) (topologies.HostedStep, error) {
	a := &association{socket: newSocket(&c), config: c}
	var err error
	a.conn, err = a.ListenUDP("udp4", net.UDPAddrFromAddrPort(addrPort(c.Local)))
	return a, err
}

func addrPort(a packet.Addr) netip.AddrPort { return netip.AddrPortFrom(a.IP.Netip(), a.Port) }

// Start begins the handshake, or waits for the other end's.
func (a *association) Start() { go a.live() }

// live shakes hands, and then waits for the other end to close the connection.
func (a *association) live() {
	conn, err := a.open()
	if err == nil {
		a.leave(func() { a.dtls = conn })
		err = conn.Handshake()
	}
	if err != nil {
		a.leave(func() { a.err = err })
		return
	}
	state, ok := conn.ConnectionState()
	a.leave(func() {
		if a.state = &state; !ok {
			a.err = errors.New("pion's DTLS has no state")
		}
	})
	for b := make([]byte, 1<<14); err == nil; {
		_, err = conn.Read(b)
	}
	a.leave(func() { a.closed = true })
}

// leave leaves something for the run.
func (a *association) leave(f func()) {
	a.mu.Lock()
	f()
	a.mu.Unlock()
	a.Wake()
}

// open makes the end of pion's that ours would be.
func (a *association) open() (*piondtls.Conn, error) {
	d := &a.config.DTLS
	profile, ok := profiles[d.Profiles[0]]
	if !ok {
		return nil, fmt.Errorf("pion has no profile %v", d.Profiles[0])
	}
	options := []piondtls.Option{
		piondtls.WithCertificates(tls.Certificate{Certificate: [][]byte{d.Identity.Certificate()}, PrivateKey: d.Identity.Signer(true)}),
		piondtls.WithInsecureSkipVerify(true), // fingerprints take the place of chains (RFC 8122)
		piondtls.WithVerifyPeerCertificate(a.verify),
		piondtls.WithSRTPProtectionProfiles(profile),
		piondtls.WithExtendedMasterSecret(piondtls.RequireExtendedMasterSecret),
		piondtls.WithKeyLogWriter(&a.log), piondtls.WithLoggerFactory(quiet()),
	}
	if d.InitialTimeout > 0 {
		options = append(options, piondtls.WithFlightInterval(d.InitialTimeout))
	}
	peer := net.UDPAddrFromAddrPort(addrPort(a.config.Remote))
	if d.Role == dtls.Client {
		var all []piondtls.ClientOption
		for _, o := range options {
			all = append(all, o)
		}
		return piondtls.ClientWithOptions(a.conn, peer, all...)
	}
	all := []piondtls.ServerOption{piondtls.WithClientAuth(piondtls.RequireAnyClientCert), piondtls.WithInsecureSkipVerifyHello(true)}
	for _, o := range options {
		all = append(all, o)
	}
	return piondtls.ServerWithOptions(a.conn, peer, all...)
}

// verify holds the other end's certificate against its fingerprint.
func (a *association) verify(raw [][]byte, _ [][]*x509.Certificate) error {
	if len(raw) == 0 || dtls.Fingerprint(sha256.Sum256(raw[0])) != a.config.DTLS.PeerFingerprint {
		return errors.New("the other end's certificate isn't the one that was signalled")
	}
	return nil
}

// HandlePacket takes a packet of DTLS.
func (a *association) HandlePacket(_ simtime.Time, p *packet.Packet) { a.take(p) }

// HandleTimeout does nothing: pion has its own timers.
func (*association) HandleTimeout(simtime.Time) {}

// PollPayload returns what pion sends.
func (a *association) PollPayload(simtime.Time) []byte { return a.poll() }

// NextTimeout returns simtime.Never.
func (*association) NextTimeout() simtime.Time { return simtime.Never }

// Drawn says that pion draws its random values from the system.
func (*association) Drawn() bool { return true }

// Profile returns what has been agreed on.
func (a *association) Profile() (keying.Profile, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.config.DTLS.Profiles[0], a.state != nil
}

// Keys returns the keys of SRTP (RFC 5764 §4.2).
func (a *association) Keys(keyLen, saltLen int) (keying.Keys, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == nil || a.err != nil {
		return keying.Keys{}, false
	}
	const label = "EXTRACTOR-dtls_srtp"
	b, err := a.state.ExportKeyingMaterial(label, nil, 2*(keyLen+saltLen))
	if err != nil {
		a.err = err
		return keying.Keys{}, false
	}
	cut := func(n int) []byte {
		part := b[:n]
		b = b[n:]
		return part
	}
	client, server := keying.Material{Key: cut(keyLen)}, keying.Material{Key: cut(keyLen)}
	client.Salt, server.Salt = cut(saltLen), cut(saltLen)
	if a.config.DTLS.Role == dtls.Client {
		return keying.Keys{Local: client, Remote: server}, true
	}
	return keying.Keys{Local: server, Remote: client}, true
}

// Err returns why there are no keys.
func (a *association) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// Closed reports whether the other end has closed the connection.
func (a *association) Closed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}

// KeyLog returns the line of an SSLKEYLOGFILE, without a line end.
func (a *association) KeyLog() string {
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	return strings.TrimSpace(a.log.b.String())
}

// Close ends the goroutines.
func (a *association) Close() {
	a.mu.Lock()
	conn := a.dtls
	a.mu.Unlock()
	if conn != nil {
		go func() { _ = conn.Close() }() // it may wait for its own handshake
	}
	_ = a.conn.Close()
}

// agent is pion's ICE before a keying step, with one candidate at each end: its host's address.
type agent struct {
	keying.Around
	socket
	config topologies.KeyingConfig
	ice    *pionice.Agent
	cancel context.CancelFunc

	mu        sync.Mutex // guards what its goroutines leave
	connected bool
	lost      bool
	err       error
	began     bool // the step has; of the run's goroutine
}

// ICE returns a step with pion's connectivity checks before it.
func (keyer) ICE(before keying.Step, c topologies.KeyingConfig) (topologies.HostedStep, error) {
	a := &agent{Around: keying.Around{Step: before}, socket: newSocket(&c), config: c}
	var err error
	a.ice, err = pionice.NewAgentWithOptions(
		pionice.WithNet(a.Host), pionice.WithNetworkTypes([]pionice.NetworkType{pionice.NetworkTypeUDP4}),
		pionice.WithCandidateTypes([]pionice.CandidateType{pionice.CandidateTypeHost}), pionice.WithPortRange(c.Local.Port, c.Local.Port),
		pionice.WithMulticastDNSMode(pionice.MulticastDNSModeDisabled), pionice.WithDisableActiveTCP(),
		pionice.WithLocalCredentials(c.Own.Fragment, c.Own.Password), pionice.WithLoggerFactory(quiet()),
	)
	if err != nil {
		return nil, err
	}
	var ctx context.Context
	ctx, a.cancel = context.WithCancel(context.Background())
	err = errors.Join(
		a.ice.OnCandidate(func(pionice.Candidate) {}),
		a.ice.OnConnectionStateChange(func(s pionice.ConnectionState) {
			if s == pionice.ConnectionStateFailed {
				a.leave(func() {
					if a.lost = true; !a.connected && a.err == nil {
						a.err = errors.New("pion's ICE has found no way to the other end")
					}
				})
			}
		}),
		a.ice.GatherCandidates(),
	)
	if err != nil {
		return nil, errors.Join(err, a.ice.Close())
	}
	go func() {
		connect := a.ice.Accept
		if c.Controlling {
			connect = a.ice.Dial
		}
		_, err := connect(ctx, c.Peer.Fragment, c.Peer.Password)
		a.leave(func() { a.connected, a.err = err == nil, errors.Join(a.err, err) })
	}()
	return a, nil
}

// leave leaves something for the run.
func (a *agent) leave(f func()) {
	a.mu.Lock()
	f()
	a.mu.Unlock()
	a.Wake()
}

// Start tells the agent of the other end's candidate.
func (a *agent) Start() {
	c, err := pionice.UnmarshalCandidate(fmt.Sprintf("1 1 udp 2130706431 %v %d typ host", a.config.Remote.IP, a.config.Remote.Port))
	if err == nil {
		err = a.ice.AddRemoteCandidate(c)
	}
	if err != nil {
		a.leave(func() { a.err = err })
	}
	a.config.Clock.Settle()
}

// has reports whether there is a pair. When there is the step begins.
func (a *agent) has() bool {
	a.mu.Lock()
	connected := a.connected
	a.mu.Unlock()
	if connected && !a.began {
		a.began = true
		if s, ok := a.Step.(topologies.HostedStep); ok {
			s.Start()
			a.config.Clock.Settle()
		}
	}
	return connected
}

// HandleCheck takes a packet of STUN.
func (a *agent) HandleCheck(_ simtime.Time, p *packet.Packet) { a.take(p) }

// HandleTimeout hands the time on.
func (a *agent) HandleTimeout(now simtime.Time) {
	if a.has() {
		a.Step.HandleTimeout(now)
	}
}

// PollPayload returns a check, or what the step has to send.
func (a *agent) PollPayload(now simtime.Time) []byte {
	if b := a.poll(); b != nil {
		return b
	}
	if a.has() {
		return a.Step.PollPayload(now)
	}
	return nil
}

// NextTimeout returns when the step has something to do.
func (a *agent) NextTimeout() simtime.Time {
	if a.has() {
		return a.Step.NextTimeout()
	}
	return simtime.Never
}

// Drawn says that pion draws transaction ids from the system.
func (*agent) Drawn() bool { return true }

// Err returns why there are no keys.
func (a *agent) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	return a.Around.Err()
}

// Closed reports whether the other end has closed the connection, or hasn't consented to it for so long that
// nothing may be sent any more (RFC 7675 §5.1).
func (a *agent) Closed() bool {
	a.mu.Lock()
	lost := a.lost && a.connected
	a.mu.Unlock()
	return lost || a.Around.Closed()
}

// Close ends the goroutines.
func (a *agent) Close() {
	a.cancel()
	_ = a.ice.Close()
}
