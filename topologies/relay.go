package topologies

import (
	"slices"

	"rtpfabric/endpoints"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// relay is a transport translator for point to multipoint (RFC 7667 §3.5.1): a
// [Stack] that copies RTP and RTCP of one endpoint unchanged to all others. It
// has no keys, and no part in the session.
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
}

// relayFlow is what comes to one port of the relay: the RTP of a session, its
// RTCP, or both.
type relayFlow struct {
	local packet.Addr
	peers []packet.Addr // as the relay sees them
}

// Name implements [Stack].
func (r *relay) Name() string { return r.name }

// HandlePacket makes the copies. The source address is checked, so that nobody
// else can inject packets.
func (r *relay) HandlePacket(_ simtime.Time, p *packet.Packet) {
	defer r.pool.Release(p)
	f := r.flow(p.Dst)
	if f == nil || !slices.Contains(f.peers, p.Src) || !isMedia(p.Payload) {
		r.refused++
		return
	}
	for _, peer := range f.peers {
		if peer == p.Src {
			continue
		}
		c := r.pool.Copy(p)
		c.Src, c.Dst, c.Copied = f.local, peer, false
		r.out.Push(c)
	}
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
