package endpoints

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/simtime"
)

// hearing is what breakers have seen in an RTCP packet. It reuses its memory, and refers to the
// packet's octets.
type hearing struct {
	reports          bool             // there is an SR or RR
	clock            uint32           // see middle
	members, senders ssrcs.Set        // that these show (RFC 8083 §3, Tdr)
	intervals        [2]time.Duration // Tdr of those who send and who don't; 0 before it is asked for
	feedback         [][]byte         // packets of RFC 8888's type
	counters         []heardCounters
	sources          []xr.ECNSource // scratch
}

// heard shows breakers an RTCP packet that came, with all its parts. Of these they see
// SR, RR, and feedback about marks in their company (RFC 8083 §5, §6).
func (j *judges) heard(now simtime.Time, b []byte) {
	if len(j.list) == 0 || len(b) < rrSize || j.session.ours(binary.BigEndian.Uint32(b[4:])) != nil {
		return
	}
	td := j.session.timing.SenderInterval(breaker.Tmin)
	for i := range j.list {
		j.list[i].breaker.SetTd(td)
	}
	h := &j.session.scratch.hearing
	if h.read(b); !h.reports {
		for i := range j.list {
			j.list[i].breaker.OnReducedSize()
		}
		return
	}
	h.clock = j.session.middle(now)
	if len(h.feedback) > 0 {
		j.countMarks(h)
	}
	for ; len(b) > 0; b = b[packetLength(b):] {
		p := b[:packetLength(b)]
		for blocks := blocksOf(p); len(blocks) >= blockSize; blocks = blocks[blockSize:] {
			j.report(now, h, p, blocks)
		}
	}
	j.act(now)
	j.recovered(now)
}

// read collects what breakers need of an RTCP packet.
func (h *hearing) read(b []byte) {
	*h = hearing{
		members: h.members, senders: h.senders, feedback: h.feedback[:0],
		counters: h.counters[:0], sources: h.sources,
	}
	h.members.Clear()
	h.senders.Clear()
	for ; len(b) > 0; b = b[packetLength(b):] {
		p := b[:packetLength(b)]
		if len(p) < 8 {
			continue
		}
		by, t := binary.BigEndian.Uint32(p[4:]), rtcp.PacketType(p[1])
		if blocks := blocksOf(p); blocks != nil {
			h.reports = true
			h.note(by, t == rtcp.TypeSenderReport)
			for ; len(blocks) >= blockSize; blocks = blocks[blockSize:] {
				h.note(binary.BigEndian.Uint32(blocks), true)
			}
			continue
		}
		h.readMarks(p, t, by)
	}
}

// note counts a member.
func (h *hearing) note(ssrc uint32, sends bool) {
	h.members.Add(ssrc)
	if sends {
		h.senders.Add(ssrc)
	}
}

// blocksOf returns the report blocks of an SR or RR; nil if it is something else.
func blocksOf(p []byte) []byte {
	if len(p) < rrSize {
		return nil
	}
	head := rrSize
	switch rtcp.PacketType(p[1]) {
	case rtcp.TypeSenderReport:
		head = srSize
	case rtcp.TypeReceiverReport:
	default:
		return nil
	}
	n := int(p[0]&0x1f) * blockSize
	if len(p) < head+n {
		return nil
	}
	return p[head : head+n : head+n]
}

// report gives breakers a block of an SR or RR, and what came with it.
func (j *judges) report(now simtime.Time, h *hearing, p, b []byte) {
	st := j.session.ours(binary.BigEndian.Uint32(b))
	if st == nil || !st.judged() {
		return
	}
	m := &st.section.judged
	r := breaker.Report{
		SSRC: st.ssrc, By: binary.BigEndian.Uint32(p[4:]), FractionLost: b[4], Highest: binary.BigEndian.Uint32(b[8:]),
		Tdr: j.interval(h, rtcp.PacketType(p[1]) == rtcp.TypeSenderReport),
	}
	if len(h.feedback) > 0 {
		r.CE = int(m.news)
	}
	if len(h.counters) > 0 {
		r.CE = max(r.CE, m.countSince(r.By, h.countersOf(r.By, st.ssrc)))
	}
	r.RTT, _ = roundTripBy(h.clock, binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:]))
	for i := range j.list {
		by := j.list[i].breaker
		by.OnReport(now, &r)
		j.session.tripped = j.session.tripped || by.Tripped()
	}
}

// interval returns Tdr as a reporter of the packet that is heard estimates it (RFC 8083 §3), who may
// send.
func (j *judges) interval(h *hearing, sends bool) time.Duration {
	t := &h.intervals[0]
	if sends {
		t = &h.intervals[1]
	}
	if *t == 0 {
		*t = j.session.timing.PeerInterval(h.members.Len(), h.senders.Len(), sends, j.tmin)
	}
	return *t
}

// judged reports whether breakers watch the stream.
func (st *Stream) judged() bool {
	return st == st.section.main && st.ssrc == st.section.judged.ssrc
}
