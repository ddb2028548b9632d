package tmmbr

import (
	"slices"
	"time"

	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Sender is the media sender's side for one SSRC. Per event: OnRequest, OnGone
// or SetOwn; while Pending says so, Notify as soon as RTCP may be sent. A lower
// limit holds from its event on, a higher one some time after Notify.
type Sender struct {
	ssrc    uint32
	pending bool
	// held are limits that no longer count, but for the wait before a raise.
	held          []heldTuple
	maxPacketRate int

	// tuples are the bounding set of the last TMMBN and what came since. What
	// isn't bounding is forgotten with the next one (§3.5.4.6).
	tuples []Tuple
	set    []Tuple

	scratch, trial []Tuple
}

// heldTuple is a limit that was raised, lifted or left behind.
type heldTuple struct {
	tuple Tuple
	until simtime.Time // Never before the TMMBN that tells of the raise
}

// Bounds of the memory that peers can make a sender use.
const (
	maxTuples = 1024
	maxHeld   = 64
)

// NewSender returns the side of the media sender with that SSRC. maxPacketRate
// is SMAXPR in packets/s, 0 if none was negotiated (RFC 5104 §7.1).
func NewSender(ssrc uint32, maxPacketRate int) *Sender {
	return &Sender{ssrc: ssrc, maxPacketRate: maxPacketRate}
}

// OnRequest takes the entries of a request that are for this SSRC, and reports
// whether there are any. A TMMBN is due then, whatever they say (§4.2.2.2).
func (s *Sender) OnRequest(m *wire.TMMBR) bool {
	if m.SenderSSRC == s.ssrc {
		return false // a loop or a collision; SetOwn is for own limits
	}
	found := false
	for _, l := range m.Limits {
		if l.SSRC == s.ssrc {
			s.put(Tuple{SSRC: m.SenderSSRC, MxTBR: l.MxTBR, Overhead: l.Overhead})
			found = true
		}
	}
	return found
}

// SetOwn sets a limit of the media sender itself, which knows of a narrower
// path (§4.2.1.2). It becomes the owner. Whenever the limit changes it does so
// again; OnGone with its own SSRC takes the limit back.
func (s *Sender) SetOwn(rate units.BitRate, overhead units.Bytes) {
	s.put(Tuple{SSRC: s.ssrc, MxTBR: wire.RoundMxTBR(rate), Overhead: min(max(overhead, 0), wire.MaxOverhead)})
}

// OnGone takes away the limit of an SSRC that left with BYE or timed out. If it
// was in the bounding set, a TMMBN is due (§4.2.2.2).
func (s *Sender) OnGone(ssrc uint32) {
	owner := func(t Tuple) bool { return t.SSRC == ssrc }
	if slices.ContainsFunc(s.set, owner) {
		s.pending = true
	}
	s.tuples = slices.DeleteFunc(s.tuples, owner)
	s.update()
}

func (s *Sender) put(t Tuple) {
	s.pending = true
	if i := slices.IndexFunc(s.tuples, func(u Tuple) bool { return u.SSRC == t.SSRC }); i >= 0 {
		s.tuples[i] = t
	} else {
		if len(s.tuples) >= maxTuples {
			s.tuples = append(s.tuples[:0], s.set...)
		}
		s.tuples = append(s.tuples, t)
	}
	s.update()
}

// update selects the bounding set anew and holds on to limits that it lifts.
func (s *Sender) update() {
	before := append(s.scratch[:0], s.set...)
	s.set = append(s.set[:0], s.tuples...)
	s.set = BoundingSet(s.set, s.maxPacketRate)
	for _, t := range before {
		if binds(&s.trial, s.set, t, s.maxPacketRate) {
			s.held = append(s.held, heldTuple{t, simtime.Never})
		}
	}
	s.scratch = before
	s.compactHeld()
}

// compactHeld drops limits that another one makes useless: as long, no less
// strict.
func (s *Sender) compactHeld() {
	kept := s.held[:0]
	for _, h := range s.held {
		useless := func(k, h heldTuple) bool {
			return k.tuple.MxTBR <= h.tuple.MxTBR && k.tuple.Overhead >= h.tuple.Overhead && k.until >= h.until
		}
		if !slices.ContainsFunc(kept, func(k heldTuple) bool { return useless(k, h) }) {
			kept = append(slices.DeleteFunc(kept, func(k heldTuple) bool { return useless(h, k) }), h)
		}
	}
	s.held = kept
	if len(s.held) <= maxHeld {
		return
	}
	// A peer that changes its mind this often waits longer.
	last := simtime.Time(0)
	s.scratch = s.scratch[:0]
	for _, h := range s.held {
		last = max(last, h.until)
		s.scratch = append(s.scratch, h.tuple)
	}
	s.held = s.held[:0]
	for _, t := range BoundingSet(s.scratch, s.maxPacketRate) {
		s.held = append(s.held, heldTuple{t, last})
	}
}

// Pending reports whether a TMMBN is due, as soon as the timing rules allow
// (§4.2.2.3).
func (s *Sender) Pending() bool { return s.pending }

// Notify returns the TMMBN to be sent now. Raised limits begin to count
// 2*RTT + T_dither_max later (§4.2.1.2), of the longest round trip that the
// media sender knows of. The message is valid until the next call for s.
func (s *Sender) Notify(now simtime.Time, rtt, ditherMax time.Duration) wire.TMMBN {
	s.pending = false
	s.tuples = append(s.tuples[:0], s.set...)
	for i := range s.held {
		if h := &s.held[i]; h.until == simtime.Never {
			h.until = now.Add(2*rtt + ditherMax)
		}
	}
	s.compactHeld()
	return wire.TMMBN{SenderSSRC: s.ssrc, Limits: s.set}
}

// NextTimeout returns when a raise that was waiting begins to count.
func (s *Sender) NextTimeout() simtime.Time {
	next := simtime.Never
	for _, h := range s.held {
		next = min(next, h.until)
	}
	return next
}

// HandleTimeout lets raises count whose wait is over.
func (s *Sender) HandleTimeout(now simtime.Time) {
	s.held = slices.DeleteFunc(s.held, func(h heldTuple) bool { return h.until <= now })
}

// NetLimit returns the greatest net media bit rate at a packet rate in
// packets/s; ok is false if there is no limit but what was negotiated.
func (s *Sender) NetLimit(packetRate float64) (rate units.BitRate, ok bool) {
	return NetRate(s.inForce(), packetRate)
}

// NetLimitOfSize is NetLimit for payloads of a mean size of at least one octet,
// whose packet rate follows from the bit rate.
func (s *Sender) NetLimitOfSize(payload units.Bytes) (rate units.BitRate, ok bool) {
	return NetRateOfSize(s.inForce(), payload)
}

// TotalLimit is NetLimit with the overhead per packet at the reference layer of
// the caller.
func (s *Sender) TotalLimit(packetRate float64, overhead units.Bytes) (rate units.BitRate, ok bool) {
	return TotalRate(s.inForce(), packetRate, overhead)
}

// Binding returns the limit that is in force at a packet rate in packets/s and
// whose it is. It may be one that was raised or whose owner has left, until the
// wait is over.
func (s *Sender) Binding(packetRate float64) (t Tuple, ok bool) {
	t, _, ok = Binding(s.inForce(), packetRate)
	return t, ok
}

func (s *Sender) inForce() []Tuple {
	s.scratch = append(s.scratch[:0], s.set...)
	for _, h := range s.held {
		s.scratch = append(s.scratch, h.tuple)
	}
	return s.scratch
}

// Set returns the bounding set, in the order of overheads. It is valid until
// the next call for s.
func (s *Sender) Set() []Tuple { return s.set }
