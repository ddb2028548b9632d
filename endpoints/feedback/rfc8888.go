package feedback

import (
	"github.com/pion/rtcp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Arrival time offsets of RFC 8888 §3.1, in 1/1024 s.
const (
	atoOverRange   = 0x1FFE
	atoUnavailable = 0x1FFF
)

// A receiver remembers the arrival of at most so many packets of a stream; powers of two. It
// begins with a few: of numbers before which nothing is missing only those matter that no report
// has covered.
const mostArrivals, fewArrivals = 1 << 11, 1 << 6

// CCFBRecorder is the receiver's side of RFC 8888. Times are by the receiver's
// wall clock.
type CCFBRecorder struct {
	numbers ssrcs.Index
	streams []arrivals // by place among these
	fresh   int        // packets since the last report
	turn    int        // of the stream that the next report begins with
}

// arrivals of one stream, by extended sequence number. Numbers start at 2^16,
// so that one before the first isn't negative.
type arrivals struct {
	ring    []arrival
	next    uint64 // first that the next report covers
	highest uint64
	first   uint64 // lowest that has come
	whole   uint64 // first after that which hasn't
	ssrc    uint32
}

// arrival is that of the packet with a number of which these are the low bits; the time is as
// reports tell it, in units of 2^-16 s.
type arrival struct {
	seq uint32
	at  uint32
	ecn packet.ECN
}

// Record notes a packet. Of duplicates the first one's time counts, and a CE
// mark of any. at is the caller's memory of where the stream stands, or nil.
func (r *CCFBRecorder) Record(now simtime.Time, ssrc uint32, seq uint16, ecn packet.ECN, at *ssrcs.Place) {
	if at == nil {
		at = new(ssrcs.Place)
	}
	if int(*at) >= len(r.streams) || r.streams[*at].ssrc != ssrc {
		i := r.numbers.Find(ssrc)
		if i < 0 {
			first := uint64(seq) + 1<<16
			i = r.numbers.Add(ssrc)
			r.streams = append(r.streams, arrivals{ssrc: ssrc, next: first, highest: first, first: first, whole: first})
		}
		*at = ssrcs.Place(i)
	}
	s := &r.streams[*at]
	ext := s.highest + uint64(int64(int16(seq-uint16(s.highest))))
	s.makeRoom(ext)
	a := s.at(ext)
	switch {
	case a.seq == uint32(ext):
		if ecn == packet.CE {
			a.ecn = ecn
		}
		return
	case s.first <= ext && ext < s.whole:
		return // it has come long ago
	case s.highest >= ext+uint64(len(s.ring)):
		return // so old that its place is taken
	}
	if ext < s.first {
		s.first, s.whole = ext, ext
	}
	*a = arrival{seq: uint32(ext), at: simtime.ToNTP(now).Middle(), ecn: ecn}
	s.highest = max(s.highest, ext)
	for s.whole <= s.highest && s.at(s.whole).seq == uint32(s.whole) {
		s.whole++
	}
	// A straggler from before the last report makes the next one overlap.
	s.next = min(s.next, ext)
	r.fresh++
}

// at returns the place of a number.
func (s *arrivals) at(ext uint64) *arrival { return &s.ring[int(ext)&(len(s.ring)-1)] }

// makeRoom lets the ring have places for all from the first that matters to the highest.
func (s *arrivals) makeRoom(ext uint64) {
	n := max(len(s.ring), fewArrivals)
	for first := min(s.whole, s.next); n < mostArrivals && max(s.highest, ext)-first >= uint64(n); {
		n *= 2
	}
	if n == len(s.ring) {
		return
	}
	before := s.ring
	s.ring = make([]arrival, n)
	for _, a := range before {
		if a.seq != 0 {
			*s.at(uint64(a.seq)) = a
		}
	}
}

// Pending reports whether there are packets that no report has covered.
func (r *CCFBRecorder) Pending() bool { return r.fresh > 0 }

// Build makes a report of at most size bytes about what wasn't reported yet;
// nil if there is nothing to report. What doesn't fit waits for the next one, which
// begins with it.
func (r *CCFBRecorder) Build(now simtime.Time, sender uint32, size int) *rtcp.CCFeedbackReport {
	const fixed, block = 12, 8
	room := size - fixed
	rts := simtime.ToNTP(now).Middle()
	report := &rtcp.CCFeedbackReport{SenderSSRC: sender, ReportTimestamp: rts}
	r.fresh = 0
	turn := 0
	for k := range r.streams {
		i := (r.turn + k) % len(r.streams)
		s := &r.streams[i]
		if s.next > s.highest {
			continue
		}
		if s.highest-s.next >= mostArrivals {
			s.next = s.highest - mostArrivals + 1
		}
		n := min(int(s.highest-s.next)+1, (room-block)/4*2)
		if n <= 0 {
			if r.fresh == 0 {
				turn = i
			}
			r.fresh++
			continue
		}
		report.ReportBlocks = append(report.ReportBlocks, s.block(now, n))
		s.next += uint64(n)
		room -= block + (n+1)/2*4
		if s.next <= s.highest {
			if r.fresh == 0 {
				turn = i
			}
			if k == 0 { // it has had its turn
				turn = (i + 1) % len(r.streams)
			}
			r.fresh++
		}
	}
	r.turn = turn
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
		a := s.at(seq)
		if a.seq != uint32(seq) {
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
func offset(now simtime.Time, at uint32) uint16 {
	d := simtime.ToNTP(now).Middle() - at
	switch ato := (d + 32) / 64; {
	case int32(d) < 0: // by a clock that was set back
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
