package feedback

import (
	"github.com/pion/rtcp"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Arrival time offsets of RFC 8888 §3.1, in 1/1024 s.
const (
	atoOverRange   = 0x1FFE
	atoUnavailable = 0x1FFF
)

// CCFBRecorder is the receiver's side of RFC 8888. Times are by the receiver's
// wall clock.
type CCFBRecorder struct {
	streams []*arrivals
	fresh   int // packets since the last report
}

// arrivals of one stream, by extended sequence number. Numbers start at 2^16,
// so that one before the first isn't negative.
type arrivals struct {
	ssrc    uint32
	next    uint64 // first that the next report covers
	highest uint64
	ring    [1 << 11]arrival
}

type arrival struct {
	seq uint64
	at  simtime.Time
	ecn packet.ECN
}

// Record notes a packet. Of duplicates the first one's time counts, and a CE
// mark of any.
func (r *CCFBRecorder) Record(now simtime.Time, ssrc uint32, seq uint16, ecn packet.ECN) {
	s := r.stream(ssrc)
	if s == nil {
		first := uint64(seq) + 1<<16
		s = &arrivals{ssrc: ssrc, next: first, highest: first}
		r.streams = append(r.streams, s)
	}
	ext := s.highest + uint64(int64(int16(seq-uint16(s.highest))))
	a := &s.ring[ext%uint64(len(s.ring))]
	if a.seq == ext {
		if ecn == packet.CE {
			a.ecn = ecn
		}
		return
	}
	if a.seq > ext {
		return // so old that its place is taken
	}
	*a = arrival{seq: ext, at: now, ecn: ecn}
	s.highest = max(s.highest, ext)
	// A straggler from before the last report makes the next one overlap.
	s.next = min(s.next, ext)
	r.fresh++
}

func (r *CCFBRecorder) stream(ssrc uint32) *arrivals {
	for _, s := range r.streams {
		if s.ssrc == ssrc {
			return s
		}
	}
	return nil
}

// Pending reports whether there are packets that no report has covered.
func (r *CCFBRecorder) Pending() bool { return r.fresh > 0 }

// Build makes a report of at most size bytes about what wasn't reported yet;
// nil if there is nothing to report. What doesn't fit waits for the next one.
func (r *CCFBRecorder) Build(now simtime.Time, sender uint32, size int) *rtcp.CCFeedbackReport {
	const fixed, block = 12, 8
	room := size - fixed
	rts := simtime.ToNTP(now).Middle()
	report := &rtcp.CCFeedbackReport{SenderSSRC: sender, ReportTimestamp: rts}
	r.fresh = 0
	for _, s := range r.streams {
		if s.next > s.highest {
			continue
		}
		if oldest := s.highest - uint64(len(s.ring)) + 1; s.next < oldest && s.highest >= uint64(len(s.ring)) {
			s.next = oldest
		}
		n := min(int(s.highest-s.next)+1, (room-block)/4*2)
		if n <= 0 {
			r.fresh++
			continue
		}
		report.ReportBlocks = append(report.ReportBlocks, s.block(now, n))
		s.next += uint64(n)
		room -= block + (n+1)/2*4
		if s.next <= s.highest {
			r.fresh++
		}
	}
	if len(report.ReportBlocks) == 0 {
		return nil
	}
	return report
}

func (s *arrivals) block(now simtime.Time, n int) rtcp.CCFeedbackReportBlock {
	b := rtcp.CCFeedbackReportBlock{
		MediaSSRC: s.ssrc, BeginSequence: uint16(s.next), MetricBlocks: make([]rtcp.CCFeedbackMetricBlock, n),
	}
	for i := range b.MetricBlocks {
		seq := s.next + uint64(i)
		a := s.ring[seq%uint64(len(s.ring))]
		if a.seq != seq {
			continue
		}
		b.MetricBlocks[i] = rtcp.CCFeedbackMetricBlock{
			Received: true, ECN: rtcp.ECN(a.ecn), ArrivalTimeOffset: offset(now, a.at),
		}
	}
	return b
}

// offset codes how long before the report a packet arrived. The report's
// timestamp has a resolution of 15 µs, so both ends of the difference are
// taken in those units.
func offset(now, at simtime.Time) uint16 {
	d := simtime.ToNTP(now).Middle() - simtime.ToNTP(at).Middle()
	switch ato := (d + 32) / 64; {
	case now < at:
		return atoUnavailable
	case ato >= atoOverRange:
		return atoOverRange
	default:
		return uint16(ato)
	}
}

// OnCCFB matches a report against the history. The result is valid until the
// next call.
func (r *Receiver) OnCCFB(now simtime.Time, m *rtcp.CCFeedbackReport) *ccontrol.Report {
	r.begin()
	built := simtime.FromMiddle(m.ReportTimestamp, now)
	for i := range m.ReportBlocks {
		b := &m.ReportBlocks[i]
		for j, metric := range b.MetricBlocks {
			p := r.history.bySSRC(b.MediaSSRC, b.BeginSequence+uint16(j))
			if p == nil {
				continue
			}
			var at simtime.Time
			if metric.Received {
				if metric.ArrivalTimeOffset >= atoOverRange {
					continue
				}
				at = built - simtime.MiddleToTime(int32(metric.ArrivalTimeOffset)*64)
			}
			r.note(p, metric.Received, at, packet.ECN(metric.ECN))
		}
	}
	return r.finish(now, built)
}
