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
	n := 0
	for _, src := range s.sources {
		if src.priorOf(st).heard {
			n++
		}
	}
	for _, o := range s.streams {
		if o != st && o.unreported(st) {
			n++
		}
	}
	return min(n, maxBlocks)
}

// appendBlocks appends the blocks of a report about everybody who sent since
// the last one, and starts the next interval. Endpoints also report on their own
// other SSRCs, which they receive perfectly (RFC 8108 §5.1).
func (st *Stream) appendBlocks(blocks []rtcp.ReceptionReport, now simtime.Time) []rtcp.ReceptionReport {
	s := st.section.session
	clock := s.endpoint.wallClock(now)
	for _, src := range s.sources {
		if !src.priorOf(st).heard || len(blocks) == maxBlocks {
			continue
		}
		b := rtcp.ReceptionReport{
			SSRC:               src.ssrc,
			FractionLost:       src.fractionLost(st),
			TotalLost:          uint32(src.cumulativeLost()) & 0xffffff,
			LastSequenceNumber: uint32(src.highest - 1<<16),
			Jitter:             uint32(src.jitter),
		}
		if src.lastSR != 0 {
			b.LastSenderReport = src.lastSR
			b.Delay = simtime.ToNTP(clock).Middle() - simtime.ToNTP(src.lastSRAt).Middle()
		}
		blocks = append(blocks, b)
	}
	for _, o := range s.streams {
		if o != st && o.unreported(st) && len(blocks) < maxBlocks {
			o.reported[st.index] = false
			blocks = append(blocks, rtcp.ReceptionReport{SSRC: o.ssrc, LastSequenceNumber: o.extSeq})
		}
	}
	return blocks
}
