// Package keying is the seam between key management and SRTP. A keying step is
// passive like the rest of an endpoint and may exchange packets, as DTLS-SRTP
// does in package dtls.
package keying

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Material is the master key and salt of one direction (RFC 3711 §3.2.1).
type Material struct{ Key, Salt []byte }

// Keys are what both directions of a connection need.
type Keys struct{ Local, Remote Material }

// Step negotiates the keys of one connection. Media waits until Keys has them.
type Step interface {
	// HandlePacket takes a packet that is neither RTP nor RTCP. It doesn't
	// take ownership.
	HandlePacket(now simtime.Time, p *packet.Packet)
	HandleTimeout(now simtime.Time)
	// PollPayload returns the payload of a packet to send; nil when there is
	// none. It is polled after every other call but Keys, and at the beginning.
	PollPayload(now simtime.Time) []byte
	NextTimeout() simtime.Time
	// Keys returns the keys once they are known. keyLen and saltLen are in
	// bytes, as the protection profile wants them.
	Keys(keyLen, saltLen int) (Keys, bool)
}

// Foreign is a step that is somebody else's, and draws what it sends from chance.
type Foreign interface {
	Step
	Drawn() bool
}

// Send puts all that a step has to send into a queue, as packets from src to dst.
func Send(now simtime.Time, s Step, pool *packet.Pool, out *packet.FIFO, src, dst packet.Addr) {
	f, ok := s.(Foreign)
	drawn := ok && f.Drawn()
	for b := s.PollPayload(now); b != nil; b = s.PollPayload(now) {
		p := pool.New()
		copy(p.SetPayload(len(b)), b)
		p.Src, p.Dst, p.Drawn = src, dst, drawn
		out.Push(p)
	}
}

// Failer is a step that may fail for good.
type Failer interface {
	Step
	// Err returns why there won't be any keys; nil as long as there may be.
	Err() error
}

// Closer is a step that either end may close.
type Closer interface {
	Step
	// Closed reports whether one has: nobody takes anything any more.
	Closed() bool
}

// Muter is a step that may have lost the other end's consent to getting anything.
type Muter interface {
	Closer
	// Muted reports whether it has: nothing may be sent any more, not even a farewell (RFC 7675 §5.1).
	Muted() bool
}

// KeyLogger is a step that readers of a capture can be let into.
type KeyLogger interface {
	Step
	// KeyLog returns the line of an SSLKEYLOGFILE, without a line end; empty before there are secrets.
	KeyLog() string
}

// Checker is a step that is told of connectivity checks, which are STUN messages (RFC 8445 §7).
type Checker interface {
	Step
	// HandleCheck takes a packet of STUN. It doesn't take ownership.
	HandleCheck(now simtime.Time, p *packet.Packet)
}

// Preshared knows its keys from the start: each direction of each connection
// draws its own from the run's seed. It stands for a handshake that is over where
// its packets and its time don't matter.
type Preshared struct {
	random        *rng.Source
	local, remote string
}

// NewPreshared returns the step of one end. local and remote name the two ends
// of the connection; the other end has them swapped.
func NewPreshared(random *rng.Source, local, remote string) *Preshared {
	return &Preshared{random: random, local: local, remote: remote}
}

// HandlePacket ignores the packet.
func (*Preshared) HandlePacket(simtime.Time, *packet.Packet) {}

// HandleTimeout does nothing.
func (*Preshared) HandleTimeout(simtime.Time) {}

// PollPayload returns nil.
func (*Preshared) PollPayload(simtime.Time) []byte { return nil }

// NextTimeout returns simtime.Never.
func (*Preshared) NextTimeout() simtime.Time { return simtime.Never }

// Keys returns the keys.
func (k *Preshared) Keys(keyLen, saltLen int) (Keys, bool) {
	direction := func(from, to string) Material {
		r := k.random.Stream("keys/" + from + "/" + to)
		m := Material{Key: make([]byte, keyLen), Salt: make([]byte, saltLen)}
		_, _ = r.Read(m.Key)
		_, _ = r.Read(m.Salt)
		return m
	}
	return Keys{Local: direction(k.local, k.remote), Remote: direction(k.remote, k.local)}, true
}
