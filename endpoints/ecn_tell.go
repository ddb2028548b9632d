package endpoints

import (
	"encoding/binary"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/wire"
	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// What a receiver tells about the ECN field (RFC 6679 §5, §7.3.2): a summary in every
// packet with reports, and ECN feedback packets when there is cause.

// countMark counts a packet by its ECN field. A mark or a loss is wanted at once; RTCP's
// timing says when it goes.
func (s *Session) countMark(now simtime.Time, src *source, mark packet.ECN, fresh bool) {
	if !s.marks.tells {
		return
	}
	src.ecn.Count(mark, fresh, src.expected())
	if s.config.RTCP.AVPF && src.ecn.Urgent() {
		s.due.arrived(now, true, s.rttTo(src.ssrc))
	}
}

// hasUrgentMarks reports whether an ECN feedback packet is wanted. Without AVPF there are
// summaries only.
func (s *Session) hasUrgentMarks() bool {
	if !s.config.RTCP.AVPF {
		return false
	}
	for _, src := range s.sources {
		if src.ecn.Urgent() {
			return true
		}
	}
	return false
}

// tellMarks adds an ECN feedback packet for each source of which there is something
// urgent, as far as they fit.
func (w *compound) tellMarks(by *Stream) {
	for _, src := range w.s.sources {
		if !src.ecn.Urgent() {
			continue
		}
		m := &wire.ECNFeedback{
			SenderSSRC: by.ssrc, MediaSSRC: src.ssrc, Highest: uint32(src.highest - 1<<16), Counters: src.ecn.Counters(),
		}
		if len(w.b)+m.MarshalSize() > mtu {
			return
		}
		w.add(m)
		src.ecn.Told()
	}
}

// summarize adds a summary for each reporter of the packet. Senders take a packet of
// reports without one for a sign that the receiver knows nothing of ECN (RFC 6679 §7.2.1).
func (w *compound) summarize() {
	for _, st := range w.reporters {
		x := &w.s.extended
		x.SenderSSRC, x.Reports = st.ssrc, x.Reports[:0]
		if b := w.summary(st, mtu-len(w.b)-xr.Size(x)); b != nil {
			x.Reports = append(x.Reports, b)
			w.add(x)
		}
	}
}

// summary returns a summary, of at most so many octets, of the sources that the report of
// a stream in this packet is about (RFC 6679 §5.2); those that don't fit come first the
// next time. It is empty if nobody sends, and nil if there are no summaries in the
// session, or others stand for it.
//
// Deviation (RFC 6679 §5.2): this end's own streams, on which reports have blocks
// (RFC 8108 §5.1), came over no network and are left out.
func (w *compound) summary(st *Stream, room int) rtcp.ReportBlock {
	if !w.s.marks.tells || room < xr.ECNSummarySize {
		return nil
	}
	list := w.s.marks.summary[:0]
	blocks := w.blocksBy(st)
	n := len(blocks) / blockSize
	most := (room - xr.ECNSummarySize) / xr.ECNSourceSize
	first := st.ecn.turn
	for i := range n {
		at := (first + i) % n
		src := w.s.sourceOf(binary.BigEndian.Uint32(blocks[at*blockSize:]))
		if src == nil {
			continue
		}
		if len(list) == most {
			st.ecn.turn = at
			break
		}
		list = append(list, xr.ECNSource{SSRC: src.ssrc, Counters: src.ecn.Counters()})
	}
	w.s.marks.summary = list
	if len(list) == 0 && st != w.reporters[0] {
		return nil
	}
	return xr.ECNSummary(list)
}

// blocksBy returns the report blocks of a stream's report in this packet.
func (w *compound) blocksBy(st *Stream) []byte {
	for b := w.b; len(b) > 0; b = b[packetLength(b):] {
		p := b[:packetLength(b)]
		if blocks := blocksOf(p); blocks != nil && binary.BigEndian.Uint32(p[4:]) == st.ssrc {
			return blocks
		}
	}
	return nil
}
