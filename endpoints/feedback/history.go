// Package feedback carries what congestion control needs to know: receivers
// record arrivals and put them into RTCP, as RFC 8888 or transport-wide CC;
// senders match such messages against what they sent and make reports for a
// controller.
package feedback

import (
	"slices"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// historySize is how many packets a sender remembers; a power of two. At
// 10 Mbit/s it holds about eight seconds.
const historySize = 1 << 13

// History is what a sender knows about the packets that it sent.
type History struct {
	ring      []sentPacket
	next      uint64 // transport sequence number of the next packet
	streams   []*streamIndex
	sent      units.Bytes // of all packets
	receivers []*Receiver
}

// Receiver is one of those who say how a sender's packets fared.
type Receiver struct {
	history *History
	name    string
	fates   []fate // by place in the history's ring
	report  ccontrol.Report

	newest   uint64      // transport sequence number of the newest packet that was reported on, plus 1
	answered units.Bytes // of all packets up to that
}

type sentPacket struct {
	seq   uint64
	sent  simtime.Time
	size  units.Bytes
	total units.Bytes // of all packets up to this
	probe uint32
	ssrc  uint32
	rtp   uint16
}

type fate uint8

const (
	unreported fate = iota
	reportedLost
	reportedReceived
)

// streamIndex finds a stream's packets by RTP sequence number.
type streamIndex struct {
	ssrc uint32
	ring [1 << 12]uint64
}

// Sent notes a packet, which is part of a probe unless that is 0, and returns its
// transport-wide sequence number.
func (h *History) Sent(now simtime.Time, ssrc uint32, rtpSeq uint16, size units.Bytes, probe uint32) uint64 {
	if h.ring == nil {
		h.ring = make([]sentPacket, historySize)
	}
	seq := h.next
	h.next++
	h.sent += size
	h.ring[seq%historySize] = sentPacket{
		seq: seq, sent: now, size: size, total: h.sent, probe: probe, ssrc: ssrc, rtp: rtpSeq,
	}
	for _, r := range h.receivers {
		r.fates[seq%historySize] = unreported
	}
	s := h.stream(ssrc)
	if s == nil {
		s = &streamIndex{ssrc: ssrc}
		h.streams = append(h.streams, s)
	}
	s.ring[int(rtpSeq)%len(s.ring)] = seq
	return seq
}

// Receiver returns what a receiver says of the packets. Where there is only one it has no
// name.
func (h *History) Receiver(name string) *Receiver {
	for _, r := range h.receivers {
		if r.name == name {
			return r
		}
	}
	r := &Receiver{history: h, name: name, fates: make([]fate, historySize)}
	h.receivers = append(h.receivers, r)
	return r
}

// Forget drops a receiver that has left.
func (h *History) Forget(name string) {
	h.receivers = slices.DeleteFunc(h.receivers, func(r *Receiver) bool { return r.name == name })
}

// InFlight returns what was sent since the newest packet that was reported on, by the
// receiver who is behind most.
func (h *History) InFlight() units.Bytes {
	least := h.sent
	for i, r := range h.receivers {
		if i == 0 || r.answered < least {
			least = r.answered
		}
	}
	if len(h.receivers) == 0 {
		least = 0
	}
	return h.sent - least
}

// StreamOf returns the stream of a packet; false if it is too old.
func (h *History) StreamOf(seq uint64) (ssrc uint32, ok bool) {
	if p := h.bySeq(seq); p != nil {
		return p.ssrc, true
	}
	return 0, false
}

func (h *History) stream(ssrc uint32) *streamIndex {
	for _, s := range h.streams {
		if s.ssrc == ssrc {
			return s
		}
	}
	return nil
}

// bySSRC finds a packet by stream and RTP sequence number; nil if it is
// unknown or too old.
func (h *History) bySSRC(ssrc uint32, rtpSeq uint16) *sentPacket {
	s := h.stream(ssrc)
	if s == nil {
		return nil
	}
	p := h.bySeq(s.ring[int(rtpSeq)%len(s.ring)])
	if p == nil || p.ssrc != ssrc || p.rtp != rtpSeq {
		return nil
	}
	return p
}

func (h *History) bySeq(seq uint64) *sentPacket {
	if h.ring == nil || seq >= h.next {
		return nil
	}
	if p := &h.ring[seq%historySize]; p.seq == seq {
		return p
	}
	return nil
}

// begin starts a report, reusing the last one's memory.
func (r *Receiver) begin() {
	r.report = ccontrol.Report{Packets: r.report.Packets[:0]}
}

// note adds the news about a packet to the report, if it is news.
func (r *Receiver) note(p *sentPacket, received bool, arrival simtime.Time, ecn packet.ECN) {
	if p.seq >= r.newest {
		r.newest, r.answered = p.seq+1, p.total
	}
	switch was := &r.fates[p.seq%historySize]; {
	case *was == reportedReceived, !received && *was == reportedLost:
		return
	case received:
		*was = reportedReceived
	default:
		*was = reportedLost
	}
	r.report.Packets = append(r.report.Packets, ccontrol.PacketResult{
		Seq: p.seq, Size: p.size, Sent: p.sent, Received: received, Arrival: arrival, ECN: ecn,
		Probe: p.probe,
	})
}

// finish sorts the report and takes the round-trip time from the packet that
// arrived last: the receiver held its news from then until it built the
// report. built is 0 if the message doesn't say.
func (from *Receiver) finish(now, built simtime.Time) *ccontrol.Report {
	r := &from.report
	r.Built, r.InFlight = built, from.history.sent-from.answered
	slices.SortFunc(r.Packets, func(a, b ccontrol.PacketResult) int {
		switch {
		case a.Seq < b.Seq:
			return -1
		case a.Seq > b.Seq:
			return 1
		}
		return 0
	})
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
