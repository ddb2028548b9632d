package endpoints

import (
	"github.com/pion/rtcp"

	"rtpfabric/sim/simtime"
)

// maxBlocks is how many report blocks an SR or RR holds (RFC 3550 §6.4.1).
const maxBlocks = 31

// blockCount returns how many blocks the next report of this stream's SSRC will
// have.
func (st *Stream) blockCount() int {
	s := st.section.session
	peer, own := st.reportsOn()
	n := 0
	for _, src := range s.sources {
		if peer && src.reportable(st) {
			n++
		}
	}
	for _, o := range s.streams {
		if own && o != st && o.unreported(st) {
			n++
		}
	}
	return min(n, maxBlocks)
}

// appendBlocks appends the blocks of a report about everybody who sent since
// the last one, and starts the next interval. Endpoints also report on their own
// other SSRCs, which they receive perfectly (RFC 8108 §5.1). If that is more than
// a report holds, those that lose packets come first (RFC 8083 §4.3) and the
// others take turns (RFC 3550 §6.4).
func (st *Stream) appendBlocks(blocks []rtcp.ReceptionReport, now simtime.Time) []rtcp.ReceptionReport {
	s := st.section.session
	peer, own := st.reportsOn()
	if !peer {
		return blocks
	}
	everybody := len(s.sources)
	if own {
		everybody += len(s.streams)
	}
	all := everybody < maxBlocks || st.blockCount() < maxBlocks
	if !all {
		for _, src := range s.sources {
			if len(blocks) < maxBlocks && src.reportable(st) && src.lossSince(st) {
				blocks = append(blocks, src.block(st, now))
			}
		}
	}
	first := 0
	if !all {
		first = st.turn % everybody
	}
	for i := range everybody {
		at := first + i
		if at >= everybody {
			at -= everybody
		}
		if len(blocks) == maxBlocks {
			st.turn = at
			break
		}
		if at < len(s.sources) {
			if src := s.sources[at]; src.reportable(st) {
				blocks = append(blocks, src.block(st, now))
			}
			continue
		}
		if o := s.streams[at-len(s.sources)]; o != st && o.unreported(st) {
			o.reported[st.index] = o.packets
			blocks = append(blocks, rtcp.ReceptionReport{SSRC: o.ssrc, LastSequenceNumber: o.extSeq})
		}
	}
	return blocks
}

// block returns a report block and starts the next interval of its reporter.
func (r *source) block(by *Stream, now simtime.Time) rtcp.ReceptionReport {
	b := rtcp.ReceptionReport{
		SSRC:               r.ssrc,
		FractionLost:       r.fractionLost(by),
		TotalLost:          uint32(r.cumulativeLost()) & 0xffffff,
		LastSequenceNumber: uint32(r.highest - 1<<16),
		Jitter:             uint32(r.jitter),
	}
	if by == r.session.firstReporter() {
		r.judge(now, b.FractionLost)
	}
	if r.lastSR != 0 {
		clock := r.session.endpoint.wallClock(now)
		b.LastSenderReport = r.lastSR
		b.Delay = simtime.ToNTP(clock).Middle() - simtime.ToNTP(r.lastSRAt).Middle()
	}
	return b
}

// reportable reports whether a stream's next report has a block about the source.
func (r *source) reportable(by *Stream) bool {
	return r.priorOf(by).received != r.received || r.session.config.RTCP.ReportSilent && !r.ended
}

// lossSince reports whether packets were lost since the reporter's last block.
func (r *source) lossSince(by *Stream) bool {
	p := r.priorOf(by)
	return r.expected()-p.expected > r.received-p.received
}
