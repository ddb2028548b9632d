package endpoints

import (
	"time"

	"github.com/pion/rtp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/pacer"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// probing sends the bursts that a controller asks for.
type probing struct {
	asks    ccontrol.Prober // nil if the controller doesn't probe
	probe   ccontrol.Probe  // that is being sent; ID 0 if none is
	over    simtime.Time    // when it is given up
	packets int             // of it that have left
	bytes   units.Bytes
}

// patienceOfProbes is how long a burst may take for want of packets.
const patienceOfProbes = time.Second

// longestPadding is what a packet's last octet can count (RFC 3550 §5.1).
const longestPadding = 255

// pollProbe begins the next burst, if there is one and none is being sent.
func (s *Session) pollProbe(now simtime.Time) {
	p := &s.probing
	if p.probe.ID != 0 && now >= p.over {
		s.endProbe()
	}
	if p.asks == nil || p.probe.ID != 0 {
		return
	}
	probe, ok := p.asks.PollProbe(now)
	if !ok {
		return
	}
	p.probe, p.over, p.packets, p.bytes = probe, now.Add(patienceOfProbes), 0, 0
	s.pacer.SetRate(probe.Rate)
	s.pacer.Hurry(now)
}

// probed counts a packet that leaves for the burst that is being sent.
func (s *Session) probed(now simtime.Time, size units.Bytes) {
	p := &s.probing
	if p.probe.ID == 0 {
		return
	}
	p.packets++
	if p.bytes += size; p.packets >= p.probe.Packets && p.bytes >= p.probe.Bytes {
		s.endProbe()
		s.pollProbe(now)
	}
}

func (s *Session) endProbe() {
	s.probing.probe = ccontrol.Probe{}
	s.pacer.SetRate(s.lastTarget.Pacing)
}

// pads returns the section whose stream carries padding: one of video that is being
// sent, and of which something has been; nil while nothing needs padding.
func (s *Session) pads() *Section {
	if s.probing.probe.ID == 0 || s.pacer.Len() > 0 {
		return nil
	}
	for _, m := range s.sections {
		if m.mayPad() {
			return m
		}
	}
	return nil
}

// mayPad reports whether padding may go in the section's stream now: after a frame, and
// before the next.
func (m *Section) mayPad() bool {
	st := m.main
	if m.config.Kind != Video || st.local == nil || st.packets == 0 || st.queued > 0 || m.stopped || m.halted() {
		return false
	}
	p := m.Passage()
	return p == nil || p.mayPad(st)
}

// probingTimeout returns when a burst has something to do besides sending what waits.
func (s *Session) probingTimeout() simtime.Time {
	if s.probing.probe.ID == 0 {
		return simtime.Never
	}
	if s.pads() != nil {
		return min(s.pacer.Free(), s.probing.over)
	}
	return s.probing.over
}

// pad hands a packet without payload to the pacer if the burst lacks one now. It
// comes between frames, as nothing else waits.
func (s *Session) pad(now simtime.Time) bool {
	if s.pacer.Free() > now {
		return false
	}
	m := s.pads()
	if m == nil {
		return false
	}
	st := m.main
	size := rtpHeader + int(st.layout(false).Size())
	p := s.endpoint.config.Pool.New()
	b := p.SetPayload(size + longestPadding)
	p.Size += s.protector.OverheadRTP()
	p.Src, p.Dst = s.config.Local, s.config.Remote
	p.Hop = hop(st, false, nack.Discardable)
	h := rtp.Header{
		Version: 2, Padding: true, PayloadType: m.config.Formats[0].PayloadType,
		SequenceNumber: st.seq, Timestamp: st.lastTS, SSRC: st.ssrc,
	}
	st.seq++
	if p := m.Passage(); p != nil {
		p.padded(st)
	}
	if _, err := h.MarshalTo(b); err != nil {
		panic("endpoints: RTP header doesn't fit its packet: " + err.Error())
	}
	st.writeExtension(b, false, 0, 0, false)
	clear(b[size:])
	b[len(b)-1] = longestPadding
	st.queued++
	s.counts.Padding++
	s.pacer.Push(p, pacer.Normal)
	return true
}

// padding returns how many octets at the end of a packet aren't payload.
func padding(b []byte) int {
	if b[0]&0x20 == 0 {
		return 0
	}
	return int(b[len(b)-1])
}

// room tells the pacer what its controller's window leaves.
func (s *Session) room() {
	flying := s.history.InFlight()
	if w := s.lastTarget.Window; w > 0 && flying > 0 {
		s.pacer.SetRoom(w - flying)
		return
	}
	s.pacer.Open()
}

// nextPacket returns what may leave now, padding included; nil if that is nothing.
func (s *Session) nextPacket(now simtime.Time) *packet.Packet {
	s.room()
	if p := s.pacer.Pop(now); p != nil {
		return p
	}
	if !s.pad(now) {
		return nil
	}
	return s.pacer.Pop(now)
}
