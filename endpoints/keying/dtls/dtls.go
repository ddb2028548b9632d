// Package dtls is DTLS-SRTP (RFC 5764) in virtual time: the handshake that gives
// a connection its SRTP keys and protection profile. It is DTLS 1.2 (RFC 6347)
// with the one cipher suite that every WebRTC endpoint has,
// TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (RFC 8827 §6.5).
//
// # What is real
//
// Records, handshake messages, certificates, the key exchange, signatures,
// Finished messages and their encryption are what a browser sends, and
// interoperate. Both ends compute their keys from what came over the wire. What
// a packet capture shows is DTLS, and [Conn.KeyLog] opens it.
//
// # What is a model
//
// Random numbers, and with them all keys, come from the run's seed: they are as
// good as the seed is secret, which is not at all. Handshakes take no time to
// compute. Flipped bits that no checksum has caught harm what isn't protected, as
// in reality, and mostly end in a timeout at both ends. The client offers the cipher suites that browsers offer, for the size
// of the message, but can do only the one. There are no sessions to resume, no
// renegotiation (RFC 8827 §6.5 forbids it), no application data but the keys of groups (RFC 8870 §5), no second
// association over an old one (RFC 6347 §4.2.8), no path MTU discovery, and no
// DTLS 1.3: stacks that have it need one and a half round trips, not two, until
// the server has keys, and one until the client has them.
//
// # Calls
//
// A [Conn] is a [keying.Negotiator]. After any of HandlePacket, HandleTimeout,
// SetPeerFingerprint and Close the host drains PollPayload and then reads
// NextTimeout again. The client begins at the first PollPayload or
// HandleTimeout: who must wait for ICE asks for nothing before. The server
// begins when a ClientHello comes.
package dtls

import (
	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Conn is one end of a handshake and what comes of it.
type Conn struct {
	config Config
	state  State
	err    error
	stats  Stats

	send     sender
	messages assembler
	early    earlyRecords // of epoch 1, before it can be read
	recent   recentRecords
	window   replayWindow // of epoch 1
	out      [][]byte     // datagrams to send, the oldest first

	shake       handshake
	timer       timer
	connectedAt simtime.Time
	peer        *peerCertificate // nil until it came
	fatal       *Alert           // that this end sent

	keys  delivery // of a server with EKT
	given []EKTKey // to a client
}

var _ keying.Negotiator = (*Conn)(nil)

// New returns an end that hasn't sent anything. It panics without an identity or
// a random stream, and at a profile or group that isn't known.
func New(c Config) *Conn {
	c.setDefaults()
	conn := &Conn{config: c, connectedAt: simtime.Never, shake: newHandshake(&c)}
	conn.timer = timer{value: c.InitialTimeout, deadline: simtime.Never}
	conn.keys.timer.deadline = simtime.Never
	if c.Role == Server {
		conn.state = Waiting // with empty buffers and no timer (RFC 6347 §4.2.4)
	}
	return conn
}

// HandlePacket takes a packet whose first octet is 20 to 63 (RFC 7983 §7). It
// keeps nothing of it.
func (c *Conn) HandlePacket(now simtime.Time, p *packet.Packet) {
	c.stats.BytesReceived += units.Bytes(len(p.Payload))
	before, again := c.state, false
	for b := p.Payload; len(b) > 0; {
		r, rest, ok := parseRecord(b)
		if !ok {
			c.stats.BadRecords++
			break
		}
		b = rest
		again = again || before == Failed && r.typ == handshakeRecord
		c.handleRecord(now, r, p.Src)
	}
	// Alerts aren't sent again by themselves, but for what brings them about
	// (RFC 6347 §4.2.7).
	if again && c.fatal != nil {
		c.sendAlert(*c.fatal)
	}
}

// HandleTimeout begins the client's handshake, or sends the last flight again if
// its time is over. It may be called early.
func (c *Conn) HandleTimeout(now simtime.Time) {
	c.start(now)
	if c.state == Waiting && now >= c.timer.deadline {
		c.expired(now)
	}
	c.deliver(now)
	if c.state == Finished && now >= c.keys.timer.deadline {
		c.keyExpired(now)
	}
}

// PollPayload returns the payload of the next packet to send; nil when there is
// none. It is the caller's. It does what HandleTimeout does first, so that after
// the last one the next timeout lies in the future.
func (c *Conn) PollPayload(now simtime.Time) []byte {
	c.HandleTimeout(now)
	if len(c.out) == 0 {
		return nil
	}
	b := c.out[0]
	c.out = c.out[1:]
	return b
}

// NextTimeout returns when the last flight is to be sent again; simtime.Never
// when nothing is waited for, and 0, the past, for a client that hasn't begun.
func (c *Conn) NextTimeout() simtime.Time {
	if c.state == Preparing {
		return 0
	}
	return min(c.timer.deadline, c.keys.timer.deadline)
}

// Keys returns the SRTP keys (RFC 5764 §4.2). There are none before the handshake
// is complete and the other end's certificate is the one that was signalled, nor
// after the connection was closed.
func (c *Conn) Keys(keyLen, saltLen int) (keying.Keys, bool) {
	if !c.secure() {
		return keying.Keys{}, false
	}
	return c.shake.exportKeys(c.config.Role, keyLen, saltLen), true
}

// Profile returns the protection profile, as soon as there are keys for it.
func (c *Conn) Profile() (keying.Profile, bool) {
	if !c.secure() {
		return 0, false
	}
	return c.shake.profile, true
}

// secure reports whether the other end is who it should be.
func (c *Conn) secure() bool { return c.state == Finished && c.peer.verified }

// SetPeerFingerprint tells what signalling says of the other end's certificate,
// if that came after the connection began. Another certificate fails the
// connection (RFC 8122 §6.2).
func (c *Conn) SetPeerFingerprint(f Fingerprint) {
	c.config.PeerFingerprint = f
	if c.peer != nil && c.state != Failed && c.state != Closed {
		c.verifyPeer()
	}
}

// Close ends the connection and tells the other end so (RFC 5246 §7.2.1).
func (c *Conn) Close(simtime.Time) {
	if c.state == Failed || c.state == Closed {
		return
	}
	if c.state != Preparing {
		c.sendAlert(closeNotify)
	}
	c.to(Closed)
	c.timer.deadline, c.keys.timer.deadline = simtime.Never, simtime.Never
}

// Closed reports whether either end has ended the connection (RFC 5246 §7.2.1).
func (c *Conn) Closed() bool { return c.state == Closed }

// State returns where the handshake is.
func (c *Conn) State() State { return c.state }

// Err returns why the connection failed: an *[AlertError] or [ErrTimeout]; nil
// if it didn't.
func (c *Conn) Err() error { return c.err }

// ConnectedAt returns when the handshake was complete: the client's with the
// other end's Finished, 2 round trips after it began, the server's half a round
// trip before. The server may send media at that time (RFC 5764 §4.1), and its
// first packet reaches the client behind its Finished.
func (c *Conn) ConnectedAt() (simtime.Time, bool) {
	return c.connectedAt, c.connectedAt != simtime.Never
}

// Stats returns the totals so far.
func (c *Conn) Stats() Stats { return c.stats }

// KeyLog returns the line of an SSLKEYLOGFILE that lets a reader of a capture
// decrypt it, without a line end; "" before there is a master secret.
func (c *Conn) KeyLog() string { return c.shake.keyLog() }
