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
	ring    []sentPacket
	next    uint64 // transport sequence number of the next packet
	streams []*streamIndex
	report  ccontrol.Report

	sent     units.Bytes // of all packets
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
	state fate
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
	s := h.stream(ssrc)
	if s == nil {
		s = &streamIndex{ssrc: ssrc}
		h.streams = append(h.streams, s)
	}
	s.ring[int(rtpSeq)%len(s.ring)] = seq
	return seq
}

// InFlight returns what was sent since the newest packet that was reported on.
func (h *History) InFlight() units.Bytes { return h.sent - h.answered }

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
func (h *History) begin() {
	h.report = ccontrol.Report{Packets: h.report.Packets[:0]}
}

// note adds the news about a packet to the report, if it is news.
func (h *History) note(p *sentPacket, received bool, arrival simtime.Time, ecn packet.ECN) {
	if p.seq >= h.newest {
		h.newest, h.answered = p.seq+1, p.total
	}
	switch {
	case p.state == reportedReceived, !received && p.state == reportedLost:
		return
	case received:
		p.state = reportedReceived
	default:
		p.state = reportedLost
	}
	h.report.Packets = append(h.report.Packets, ccontrol.PacketResult{
		Seq: p.seq, Size: p.size, Sent: p.sent, Received: received, Arrival: arrival, ECN: ecn,
		Probe: p.probe,
	})
}

// finish sorts the report and takes the round-trip time from the packet that
// arrived last: the receiver held its news from then until it built the
// report. built is 0 if the message doesn't say.
func (h *History) finish(now, built simtime.Time) *ccontrol.Report {
	r := &h.report
	r.Built, r.InFlight = built, h.InFlight()
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
