package nack

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Limits say how much a [History] keeps and what is worth sending again.
type Limits struct {
	// Packets and Bytes bound the memory. Packets is at most 32768, half the
	// sequence number space, and is rounded up to a power of two; 0 bytes stand
	// for no bound of their own.
	Packets int
	Bytes   units.Bytes
	// Age is how long a packet is kept after it was first sent, the rtx-time of
	// RFC 4588 §8.1; 0 for as long as there is room.
	Age time.Duration
	// Useful is how long after it was first sent a packet has to be at the
	// receiver, that is its delay on the way and in the play-out buffer; 0 if the
	// sender doesn't know.
	Useful time.Duration
}

// Verdict is what a [History] says to a request.
type Verdict uint8

// The verdicts. All but Available refuse.
const (
	Available Verdict = iota
	Unknown           // it was never sent, or isn't kept any more
	Expired           // it is older than Age
	Repeated          // it was sent again less than a round trip ago
	Useless           // it would come after its play-out (RFC 8834 §6.1)
	Verdicts          // how many there are
)

func (v Verdict) String() string {
	return [...]string{"available", "unknown", "expired", "repeated", "useless"}[v]
}

// Sent is a packet that is kept.
type Sent struct {
	// Packet is the RTP packet without protection, header and payload. Its memory
	// is the history's: it is valid until the next call of Add.
	Packet     []byte
	Importance Importance
	At         simtime.Time // when it was first sent
	Times      int          // how often it was sent again

	seq  uint16
	used bool
	last simtime.Time // when it was sent again
}

// History keeps the packets of one stream that may be asked for. Per packet that
// is sent: Add; per number in a NACK: Lookup, and if the packet is sent again,
// Resent.
//
// Add copies into memory of the history's own, which it keeps and reuses: the
// packet that goes out has an owner of its own (package packet), who protects it
// in place and hands it on.
type History struct {
	limits Limits
	rtt    time.Duration

	ring   []Sent // by sequence number
	oldest uint16 // of those kept, if there are any
	newest uint16
	kept   int
	bytes  units.Bytes
	counts [Verdicts]uint64
}

// NewHistory returns an empty history.
func NewHistory(l Limits) *History {
	size := 1
	for size < min(l.Packets, 1<<15) {
		size <<= 1
	}
	return &History{limits: l, ring: make([]Sent, size)}
}

// SetRTT tells the round-trip time to the receiver. A packet isn't sent again
// within that time: the receiver can't know of the last time yet. 0 sends it as
// often as it is asked for.
func (h *History) SetRTT(rtt time.Duration) { h.rtt = rtt }

// SetUseful changes Useful of the limits, as the delay on the way changes.
func (h *History) SetUseful(d time.Duration) { h.limits.Useful = d }

// Add keeps a packet. Numbers rise by one or more; what is older makes room.
func (h *History) Add(now simtime.Time, seq uint16, packet []byte, importance Importance) {
	if h.kept > 0 && int16(seq-h.newest) <= 0 {
		h.clear() // the numbers began anew
	}
	h.newest = seq
	size := units.Bytes(len(packet))
	for h.kept > 0 && h.crowded(now, seq, size) {
		h.evict()
	}
	if h.limits.Bytes > 0 && size > h.limits.Bytes {
		return
	}
	if h.kept == 0 {
		h.oldest = seq
	}
	s := h.slot(seq)
	*s = Sent{Packet: append(s.Packet[:0], packet...), Importance: importance, At: now, seq: seq, used: true}
	h.kept++
	h.bytes += size
}

// crowded reports whether the oldest packet has to make room for one with the
// given number and size.
func (h *History) crowded(now simtime.Time, seq uint16, size units.Bytes) bool {
	return int(seq-h.oldest) >= len(h.ring) ||
		h.limits.Bytes > 0 && h.bytes+size > h.limits.Bytes ||
		h.expired(now, h.slot(h.oldest))
}

func (h *History) expired(now simtime.Time, s *Sent) bool {
	return h.limits.Age > 0 && now.Sub(s.At) > h.limits.Age
}

func (h *History) slot(seq uint16) *Sent { return &h.ring[int(seq)&(len(h.ring)-1)] }

// evict forgets the oldest packet and goes on to the next one that is kept.
func (h *History) evict() {
	s := h.slot(h.oldest)
	h.bytes -= units.Bytes(len(s.Packet))
	s.used = false
	h.kept--
	for h.kept > 0 && !h.slot(h.oldest).used {
		h.oldest++
	}
}

func (h *History) clear() {
	for h.kept > 0 {
		h.evict()
	}
}

// Lookup returns the packet with the given number if it is worth sending again.
func (h *History) Lookup(now simtime.Time, seq uint16) (s *Sent, v Verdict) {
	s = h.slot(seq)
	switch {
	case !s.used || s.seq != seq:
		v = Unknown
	case h.expired(now, s):
		v = Expired
	case s.Times > 0 && now.Sub(s.last) < h.rtt-h.rtt/8: // less the error of a measured RTT
		v = Repeated
	case h.limits.Useful > 0 && now.Add(h.rtt/2) > s.At.Add(h.limits.Useful):
		v = Useless
	}
	h.counts[v]++
	if v != Available {
		return nil, v
	}
	return s, v
}

// Resent notes that the packet was sent again.
func (s *Sent) Resent(now simtime.Time) {
	s.Times++
	s.last = now
}

// Len returns how many packets are kept, Bytes how large they are.
func (h *History) Len() int { return h.kept }

// Bytes returns the size of the packets that are kept.
func (h *History) Bytes() units.Bytes { return h.bytes }

// Count returns how often a verdict was given.
func (h *History) Count(v Verdict) uint64 { return h.counts[v] }
