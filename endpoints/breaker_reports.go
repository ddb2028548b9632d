package endpoints

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/sim/simtime"
)

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
	if !j.census(b) {
		for i := range j.list {
			j.list[i].breaker.OnReducedSize()
		}
		return
	}
	for rest := b; len(rest) > 0; rest = rest[packetLength(rest):] {
		p := rest[:packetLength(rest)]
		if blocks := blocksOf(p); blocks != nil {
			tdr := j.tdr(rtcp.PacketType(p[1]) == rtcp.TypeSenderReport)
			by := binary.BigEndian.Uint32(p[4:])
			for ; len(blocks) >= blockSize; blocks = blocks[blockSize:] {
				j.report(now, by, blocks, tdr, b)
			}
		}
	}
	j.countMarks(b, nil) // each once
	j.act(now)
	j.recovered(now)
}

// blocksOf returns the report blocks of an SR or RR; nil if it is something else.
func blocksOf(p []byte) []byte {
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

// census notes who takes part as a packet's reports show (RFC 8083 §3, Tdr), and whether
// it has any.
func (j *judges) census(b []byte) (reports bool) {
	j.members, j.senders = j.members[:0], j.senders[:0]
	note := func(ssrc uint32, sends bool) {
		if !slices.Contains(j.members, ssrc) {
			j.members = append(j.members, ssrc)
		}
		if sends && !slices.Contains(j.senders, ssrc) {
			j.senders = append(j.senders, ssrc)
		}
	}
	for ; len(b) > 0; b = b[packetLength(b):] {
		p := b[:packetLength(b)]
		blocks := blocksOf(p)
		if blocks == nil {
			continue
		}
		reports = true
		note(binary.BigEndian.Uint32(p[4:]), rtcp.PacketType(p[1]) == rtcp.TypeSenderReport)
		for ; len(blocks) >= blockSize; blocks = blocks[blockSize:] {
			note(binary.BigEndian.Uint32(blocks), true)
		}
	}
	return reports
}

// tdr estimates the interval of a reporter of whom a census was taken.
func (j *judges) tdr(sends bool) time.Duration {
	return j.session.timing.PeerInterval(len(j.members), len(j.senders), sends, j.tmin)
}

// report gives breakers a block, and what came with it.
func (j *judges) report(now simtime.Time, by uint32, block []byte, tdr time.Duration, all []byte) {
	s := j.session
	st := s.ours(binary.BigEndian.Uint32(block))
	if st == nil || st != st.section.main || st.ssrc != st.section.judged.ssrc {
		return
	}
	r := breaker.Report{
		SSRC: st.ssrc, By: by, FractionLost: block[4], Highest: binary.BigEndian.Uint32(block[8:]), Tdr: tdr,
		CE: max(j.countMarks(all, st), st.section.judged.countSince(by, all, st.ssrc)),
	}
	r.RTT, _ = s.roundTripBy(now, binary.BigEndian.Uint32(block[16:]), binary.BigEndian.Uint32(block[20:]))
	for i := range j.list {
		j.list[i].breaker.OnReport(now, &r)
	}
}
