package topologies

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// relay is a transport translator for point to multipoint (RFC 7667 §3.5.1): a
// [Stack] that copies RTP and RTCP of one endpoint unchanged to all others. It
// has no keys, and no part in the session. Another relay is to it one more peer.
//
// Copies keep DSCP and the ECN bits, the latter as RFC 6679 §8.1 wants.
type relay struct {
	name  string
	pool  *packet.Pool
	flows []relayFlow
	out   packet.FIFO
	// refused counts packets that weren't copied: no media, or from somebody
	// who isn't known.
	refused uint64

	suppressed uint64 // packets with an SSRC that is bound to another peer

	blocks  []block
	blocked uint64 // copies that weren't made

	// A video-switching MCU (RFC 7667 §3.8) copies to each peer the videos of the lastN latest
	// speakers only, if that isn't 0, and knows by signalling what an SSRC is.
	lastN    int
	streams  []relayedStream
	speakers speakers
}

// relayedStream is a stream that comes to the relay.
type relayedStream struct {
	of   *endpoints.Section
	from string
}

// bindings know from whom each SSRC of an RTP session was heard first.
type bindings struct {
	after time.Duration // an SSRC may come from elsewhere when nothing has come of it for so long
	of    map[uint32]*binding
}

// binding is who that was, by the place among the peers, and when last.
type binding struct {
	from int
	last simtime.Time
}

func newBindings(after time.Duration) *bindings {
	return &bindings{after: after, of: map[uint32]*binding{}}
}

// maxBindings bounds what peers can make a relay remember.
const maxBindings = 4096

// unbound is after which time an SSRC may come to a relay from elsewhere: five of RTCP's
// minimum intervals (RFC 3550 §6.2.1).
const unbound = 25 * time.Second

// block is a stream that isn't copied to a peer for a while.
type block struct {
	of          *endpoints.Section
	to          string
	from, until simtime.Time
}

// relayFlow is what comes to one port of the relay: the RTP of a session, its
// RTCP, or both.
type relayFlow struct {
	local packet.Addr
	peers []packet.Addr // as the relay sees them
	names []string      // of them
	// trunks is how many of the peers, the first ones, are other relays.
	trunks int
	bound  *bindings // nil if it doesn't matter where an SSRC comes from
	whole  bool      // two peers have it, between whom handshakes and checks go as well
}

func (f *relayFlow) add(name string, peer packet.Addr) {
	f.names, f.peers = append(f.names, name), append(f.peers, peer)
}

// learn takes note of a stream that will come.
func (r *relay) learn(of *endpoints.Section, from string) {
	r.streams = append(r.streams, relayedStream{of, from})
	if of.Kind() == endpoints.Video && !slices.Contains(r.speakers.order, from) {
		r.speakers.order = append(r.speakers.order, from)
	}
}

// Name implements [Stack].
func (r *relay) Name() string { return r.name }

// HandlePacket makes the copies. The source address is checked, so that nobody
// else can inject packets.
func (r *relay) HandlePacket(now simtime.Time, p *packet.Packet) {
	defer r.pool.Release(p)
	f := r.flow(p.Dst)
	media := isMedia(p.Payload)
	if f == nil || !media && !f.whole {
		r.refused++
		return
	}
	from := slices.Index(f.peers, p.Src)
	if from < 0 {
		r.refused++
		return
	}
	ssrc, ok := uint32(0), false
	if media {
		ssrc, ok = sourceOf(p.Payload)
	}
	if ok && f.bound != nil && !f.bound.admit(now, ssrc, from) {
		r.suppressed++
		return
	}
	media = ok && !packet.IsRTCP(p.Payload)
	var video *relayedStream // that goes to who sees its sender only
	if media && r.lastN > 0 {
		video = r.listen(now, ssrc)
	}
	for i, peer := range f.peers {
		if i == from {
			continue
		}
		if media && (r.holdsBack(now, ssrc, f.names[i]) || i >= f.trunks && !r.shows(video, f.names[i])) {
			r.blocked++
			continue
		}
		c := r.pool.Copy(p)
		c.Src, c.Dst = f.local, peer
		if c.Passed = f.whole; !f.whole {
			c.Copied, c.Flow = false, 0 // observers measure a stream up to here: it is sent and arrives once
		}
		r.out.Push(c)
	}
}

// sourceOf returns the SSRC that has sent a packet, which SRTP leaves in the clear.
func sourceOf(b []byte) (ssrc uint32, ok bool) {
	at := 8
	if packet.IsRTCP(b) {
		at = 4
	}
	if len(b) < at+4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[at:]), true
}

// admit reports whether an SSRC comes from who it was heard from first.
func (l *bindings) admit(now simtime.Time, ssrc uint32, from int) bool {
	b := l.of[ssrc]
	switch {
	case b == nil:
		if len(l.of) == maxBindings {
			maps.DeleteFunc(l.of, func(_ uint32, old *binding) bool { return now.Sub(old.last) >= l.after })
		}
		if len(l.of) == maxBindings {
			return false
		}
		b = &binding{}
		l.of[ssrc] = b
	case l.holds(b, now, from):
		return false
	}
	b.from, b.last = from, now
	return true
}

// elsewhere reports whether an SSRC is heard from somebody else, and from whom.
func (l *bindings) elsewhere(now simtime.Time, ssrc uint32, but int) (from int, other bool) {
	b := l.of[ssrc]
	if b == nil || !l.holds(b, now, but) {
		return 0, false
	}
	return b.from, true
}

// holds reports whether an SSRC isn't to come from anybody but who it is bound to, who is somebody else.
func (l *bindings) holds(b *binding, now simtime.Time, but int) bool {
	return b.from != but && now.Sub(b.last) < l.after
}

// release forgets who was heard from somebody.
func (l *bindings) release(from int) {
	maps.DeleteFunc(l.of, func(_ uint32, b *binding) bool { return b.from == from })
}

// forget lets an SSRC come from anywhere that was heard from somebody.
func (l *bindings) forget(ssrc uint32, from int) {
	if b := l.of[ssrc]; b != nil && b.from == from {
		delete(l.of, ssrc)
	}
}

// holdsBack reports whether media aren't to be copied to a peer now.
func (r *relay) holdsBack(now simtime.Time, ssrc uint32, to string) bool {
	for i := range r.blocks {
		b := &r.blocks[i]
		if now >= b.from && now < b.until && b.to == to && b.of.SSRC() == ssrc {
			return true
		}
	}
	return false
}

// listen takes note of who speaks, of those who can be seen, and returns the stream if it is a video.
func (r *relay) listen(now simtime.Time, ssrc uint32) (video *relayedStream) {
	st := r.stream(ssrc)
	switch {
	case st == nil:
		return nil
	case st.of.Kind() == endpoints.Video:
		return st
	case slices.Contains(r.speakers.order, st.from):
		r.speakers.heard(now, st.from)
	}
	return nil
}

// shows reports whether a peer gets a video; nil stands for all else, which everybody gets.
func (r *relay) shows(video *relayedStream, to string) bool {
	return video == nil || slices.Contains(shown(r.speakers.order, r.lastN, to), video.from)
}

// stream returns whose a packet is, nil if it isn't known.
func (r *relay) stream(ssrc uint32) *relayedStream {
	i := slices.IndexFunc(r.streams, func(st relayedStream) bool { return st.of.SSRC() == ssrc || st.of.Repairs(ssrc) })
	if i < 0 {
		return nil
	}
	return &r.streams[i]
}

func (r *relay) flow(local packet.Addr) *relayFlow {
	for i := range r.flows {
		if r.flows[i].local == local {
			return &r.flows[i]
		}
	}
	return nil
}

// isMedia tells RTP and RTCP from STUN and DTLS, which are about a single path
// (RFC 7983 §7).
func isMedia(b []byte) bool { return len(b) > 0 && b[0] >= 128 && b[0] <= 191 }

// HandleTimeout has nothing to do.
func (*relay) HandleTimeout(simtime.Time) {}

// PollPacket implements [Stack].
func (r *relay) PollPacket(simtime.Time) *packet.Packet { return r.out.Pop() }

// PollEvent has none: what happens to packets is seen in the fabric.
func (*relay) PollEvent() (endpoints.Event, bool) { return endpoints.Event{}, false }

// NextTimeout has none: copies leave at once.
func (*relay) NextTimeout() (simtime.Time, endpoints.Reason) {
	return simtime.Never, endpoints.ReasonNone
}

// Held implements [Stack].
func (r *relay) Held() int { return r.out.Len() }
