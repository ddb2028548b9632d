// Package feedback carries what congestion control needs to know: receivers
// record arrivals and put them into RTCP, as RFC 8888 or transport-wide CC;
// senders match such messages against what they sent and make reports for a
// controller.
package feedback

import (
	"cmp"
	"slices"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A sender remembers at most so many packets, and of one stream; powers of two. At 10 Mbit/s
// these are about eight seconds. It begins with room for a few, as what a receiver has said
// that it has got needn't be remembered.
const (
	mostPackets, fewPackets = 1 << 13, 1 << 6
	mostOfStream            = 1 << 12
	fewOfStream             = 1 << 4
)

// History is what a sender knows about the packets that it sent.
type History struct {
	ring      []sentPacket // by transport sequence number
	next      uint64       // transport sequence number of the next packet
	whole     uint64       // number before which all packets are settled
	sent      units.Bytes  // of all packets
	answered  units.Bytes  // of these, as the receiver has it that is behind most; 0 without any
	numbers   ssrcs.Index
	streams   []stream // by place among these
	receivers []*Receiver
	alone     bool // there is one receiver for good
}

// stream is what was sent with an SSRC.
type stream struct {
	ssrc    uint32
	packets numbering
}

// Receiver is one of those who say how a sender's packets fared.
type Receiver struct {
	history *History
	name    string
	fates   []fate // by place in the history's ring; nil of the one that is alone, which has them there
	report  ccontrol.Report
	spare   []ccontrol.PacketResult // memory for the next report's packets
	places  []int32                 // scratch of sort

	newest   uint64      // transport sequence number of the newest packet that was reported on, plus 1
	answered units.Bytes // of all packets up to that
}

// sentPacket takes half a cache line: of numbers that have more bits, those suffice that tell
// packets apart which are remembered at the same time.
type sentPacket struct {
	sent  simtime.Time
	seq   uint32
	total uint32 // size of all packets up to this
	size  uint32
	probe uint32
	ssrc  uint32
	rtp   uint16
	used  bool
	fate  fate // by the receiver that is alone
}

type fate uint8

const (
	unreported fate = iota
	reportedLost
	reportedReceived
)

// numbering finds a stream's packets by RTP sequence number.
type numbering []numbered

// numbered is a packet by its RTP and the low bits of its transport sequence number.
type numbered struct {
	seq  uint32
	rtp  uint16
	used bool
}

// Sent notes a packet, which is part of a probe unless that is 0, and returns its
// transport-wide sequence number. place is the caller's memory of where the stream stands, or nil.
func (h *History) Sent(now simtime.Time, ssrc uint32, rtpSeq uint16, size units.Bytes, probe uint32, place *ssrcs.Place) uint64 {
	seq := h.next
	h.makeRoom(seq)
	h.next++
	h.sent += size
	at := int(seq) & (len(h.ring) - 1)
	h.ring[at] = sentPacket{
		sent: now, seq: uint32(seq), total: uint32(h.sent), size: uint32(size), probe: probe, ssrc: ssrc, rtp: rtpSeq, used: true,
	}
	if !h.alone {
		for _, r := range h.receivers {
			r.fates[at] = unreported
		}
	}
	h.number(ssrc, rtpSeq, seq, place)
	return seq
}

// makeRoom doubles the ring if a packet is to take the place of one that may yet be reported on.
func (h *History) makeRoom(seq uint64) {
	n := len(h.ring)
	if n == mostPackets || n > 0 && (seq < uint64(n) || h.settled(seq-uint64(n))) {
		return
	}
	ring := make([]sentPacket, max(2*n, fewPackets))
	for i := range h.ring {
		p := &h.ring[i]
		ring[int(p.seq)&(len(ring)-1)] = *p
	}
	for _, r := range h.receivers {
		if h.alone {
			break
		}
		fates := make([]fate, len(ring))
		for i := range h.ring {
			fates[int(h.ring[i].seq)&(len(ring)-1)] = r.fates[i]
		}
		r.fates = fates
	}
	h.ring = ring
}

// settled reports whether no report can say anything new of a packet: its receiver has got it, and
// there is no other one, nor will there be.
func (h *History) settled(seq uint64) bool {
	return seq < h.whole || h.alone && h.got(seq)
}

// got reports whether the receiver that is alone has got a packet that is in the ring.
func (h *History) got(seq uint64) bool {
	return h.ring[int(seq)&(len(h.ring)-1)].fate == reportedReceived
}

// fate returns what a receiver has said of a packet.
func (r *Receiver) fate(p *sentPacket) *fate {
	if r.history.alone {
		return &p.fate
	}
	return &r.fates[int(p.seq)&(len(r.fates)-1)]
}

// settle moves on to the first packet that isn't settled.
func (h *History) settle() {
	h.whole = max(h.whole, h.next-min(h.next, uint64(len(h.ring))))
	for h.whole < h.next && h.got(h.whole) {
		h.whole++
	}
}

// number notes the RTP sequence number of a packet.
func (h *History) number(ssrc uint32, rtpSeq uint16, seq uint64, at *ssrcs.Place) {
	if at == nil {
		at = new(ssrcs.Place)
	}
	if int(*at) >= len(h.streams) || h.streams[*at].ssrc != ssrc {
		i := h.numbers.Find(ssrc)
		if i < 0 {
			i = h.numbers.Add(ssrc)
			h.streams = append(h.streams, stream{ssrc, make(numbering, fewOfStream)})
		}
		*at = ssrcs.Place(i)
	}
	s := &h.streams[*at].packets
	for len(*s) < mostOfStream && h.crowded(s.at(rtpSeq), rtpSeq) {
		larger := make(numbering, 2*len(*s))
		for _, n := range *s {
			if n.used {
				*larger.at(n.rtp) = n
			}
		}
		*s = larger
	}
	*s.at(rtpSeq) = numbered{uint32(seq), rtpSeq, true}
}

// at returns the place of an RTP sequence number.
func (s numbering) at(rtpSeq uint16) *numbered { return &s[int(rtpSeq)&(len(s)-1)] }

// crowded reports whether the place of a packet is that of another one that may yet be reported on.
func (h *History) crowded(n *numbered, rtpSeq uint16) bool {
	seq := h.unfold(n.seq)
	return n.used && n.rtp != rtpSeq && h.next-seq <= uint64(len(h.ring)) && !h.settled(seq)
}

// Receiver returns what a receiver says of the packets. Where there is only one it has no
// name.
func (h *History) Receiver(name string) *Receiver {
	for _, r := range h.receivers {
		if r.name == name {
			return r
		}
	}
	r := &Receiver{history: h, name: name, fates: make([]fate, len(h.ring))}
	h.receivers = append(h.receivers, r)
	h.place()
	return r
}

// Forget drops a receiver that has left.
func (h *History) Forget(name string) {
	h.receivers = slices.DeleteFunc(h.receivers, func(r *Receiver) bool { return r.name == name })
	h.place()
}

// place puts what receivers have said of packets where it belongs, as there are others than before.
func (h *History) place() {
	if h.alone && len(h.receivers) > 0 { // it isn't any more
		r := h.receivers[0]
		r.fates = make([]fate, len(h.ring))
		for i := range h.ring {
			r.fates[i] = h.ring[i].fate
		}
	}
	if h.alone = len(h.receivers) == 1 && h.receivers[0].name == ""; h.alone {
		r := h.receivers[0]
		for i := range h.ring {
			h.ring[i].fate = r.fates[i]
		}
		r.fates = nil
	}
	h.compare()
}

// compare finds who is behind most.
func (h *History) compare() {
	h.answered = 0
	for i, r := range h.receivers {
		if i == 0 || r.answered < h.answered {
			h.answered = r.answered
		}
	}
}

// InFlight returns what was sent since the newest packet that was reported on, by the
// receiver who is behind most.
func (h *History) InFlight() units.Bytes { return h.sent - h.answered }

// StreamOf returns the stream of a packet; false if it is too old.
func (h *History) StreamOf(seq uint64) (ssrc uint32, ok bool) {
	if p := h.bySeq(seq); p != nil {
		return p.ssrc, true
	}
	return 0, false
}

// bySSRC finds a packet by stream and RTP sequence number; nil if it is
// unknown or too old.
func (h *History) bySSRC(ssrc uint32, rtpSeq uint16) *sentPacket {
	at := h.numbers.Find(ssrc)
	if at < 0 {
		return nil
	}
	n := h.streams[at].packets.at(rtpSeq)
	if !n.used || n.rtp != rtpSeq {
		return nil
	}
	return h.byLow(n.seq)
}

func (h *History) bySeq(seq uint64) *sentPacket {
	if seq >= h.next || h.next-seq > mostPackets {
		return nil
	}
	return h.byLow(uint32(seq))
}

// byLow finds a packet by the low bits of its transport sequence number.
func (h *History) byLow(seq uint32) *sentPacket {
	if len(h.ring) == 0 {
		return nil
	}
	if p := &h.ring[int(seq)&(len(h.ring)-1)]; p.used && p.seq == seq {
		return p
	}
	return nil
}

// unfold returns a transport sequence number by its low bits.
func (h *History) unfold(seq uint32) uint64 { return h.next - uint64(uint32(h.next)-seq) }

// totalOf returns the size of all packets up to one.
func (h *History) totalOf(p *sentPacket) units.Bytes {
	return h.sent - units.Bytes(uint32(h.sent)-p.total)
}

// begin starts a report, reusing the last one's memory.
func (r *Receiver) begin() {
	r.report = ccontrol.Report{Packets: r.report.Packets[:0]}
}

// note adds the news about a packet to the report, if it is news.
func (r *Receiver) note(p *sentPacket, received bool, arrival simtime.Time, ecn packet.ECN) {
	seq := r.history.unfold(p.seq)
	if seq >= r.newest {
		r.newest, r.answered = seq+1, r.history.totalOf(p)
		r.history.compare()
	}
	switch was := r.fate(p); {
	case *was == reportedReceived, !received && *was == reportedLost:
		return
	case received:
		if *was = reportedReceived; r.history.alone {
			r.history.settle()
		}
	default:
		*was = reportedLost
	}
	r.report.Packets = append(r.report.Packets, ccontrol.PacketResult{
		Seq: seq, Size: units.Bytes(p.size), Sent: p.sent, Received: received, Arrival: arrival, ECN: ecn,
		Probe: p.probe,
	})
}

// finish sorts the report and takes the round-trip time from the packet that
// arrived last: the receiver held its news from then until it built the
// report. built is 0 if the message doesn't say.
func (from *Receiver) finish(now, built simtime.Time) *ccontrol.Report {
	r := &from.report
	r.Built, r.InFlight = built, from.history.sent-from.answered
	from.sort()
	var last *ccontrol.PacketResult
	for i := range r.Packets {
		if p := &r.Packets[i]; p.Received && (last == nil || p.Arrival >= last.Arrival) {
			last = p
		}
	}
	if last != nil {
		held := simtime.Time(0)
		if built != 0 {
			held = max(built-last.Arrival, 0)
		}
		r.RTT = max((now - last.Sent - held).Duration(), 1)
	}
	return r
}

// sort puts the packets of the report in the order in which they were sent. They come by streams; those of a report
// nearly all follow each other, so that each has its place by its number, or else they are compared.
func (from *Receiver) sort() {
	list := from.report.Packets
	if len(list) < 2 {
		return
	}
	first, last, sorted := list[0].Seq, list[0].Seq, true
	for i := 1; i < len(list); i++ {
		seq := list[i].Seq
		sorted = sorted && seq > list[i-1].Seq
		first, last = min(first, seq), max(last, seq)
	}
	if sorted {
		return
	}
	byNumber := func(a, b ccontrol.PacketResult) int { return cmp.Compare(a.Seq, b.Seq) }
	n := last - first + 1
	if n > uint64(4*len(list)) {
		slices.SortFunc(list, byNumber)
		return
	}
	from.places = slices.Grow(from.places[:0], int(n))[:n]
	clear(from.places)
	for i := range list {
		at := &from.places[list[i].Seq-first]
		if *at != 0 { // lost, and received after all
			slices.SortFunc(list, byNumber)
			return
		}
		*at = int32(i + 1)
	}
	from.spare = from.spare[:0]
	for _, i := range from.places {
		if i != 0 {
			from.spare = append(from.spare, list[i-1])
		}
	}
	from.report.Packets, from.spare = from.spare, list
}
