package xr

import (
	"slices"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/sim/simtime"
)

// dlrrSize is the size of a sub-block (RFC 3611 §4.5).
const dlrrSize = 12

// RoundTrip measures the round-trip time from an SSRC that may send no media
// (RFC 3611 §4.4, §4.5). Times are by its wall clock.
type RoundTrip struct {
	ssrc uint32
	sent [8]uint32 // middle 32 bits of the last reference times
	n    int
}

// NewRoundTrip returns the measurement of an SSRC of this end.
func NewRoundTrip(ssrc uint32) *RoundTrip { return &RoundTrip{ssrc: ssrc} }

// Block returns the Receiver Reference Time block for a packet that is sent now.
func (r *RoundTrip) Block(clock simtime.Time) *rtcp.ReceiverReferenceTimeReportBlock {
	ntp := simtime.ToNTP(clock)
	r.sent[r.n%len(r.sent)] = ntp.Middle()
	r.n++
	return &rtcp.ReceiverReferenceTimeReportBlock{NTPTimestamp: uint64(ntp)}
}

// OnDLRR returns the round-trip time to whom a DLRR block came from, that is
// A - LRR - DLRR, at least a microsecond; ok is false if the block has nothing
// about this SSRC, or answers what wasn't sent lately.
func (r *RoundTrip) OnDLRR(clock simtime.Time, b *rtcp.DLRRReportBlock) (rtt time.Duration, ok bool) {
	for _, report := range b.Reports {
		if report.SSRC != r.ssrc || report.LastRR == 0 || !slices.Contains(r.sent[:min(r.n, len(r.sent))], report.LastRR) {
			continue
		}
		units := int32(simtime.ToNTP(clock).Middle() - report.LastRR - report.DLRR)
		return max(simtime.MiddleToTime(units).Duration(), time.Microsecond), true
	}
	return 0, false
}

// maxWaiting is how many receivers a [Responder] owes an answer at most.
const maxWaiting = 1024

// Responder answers Receiver Reference Time blocks.
type Responder struct {
	waiting []reference // the one who has waited longest first
}

// reference is a reference time that came.
type reference struct {
	ssrc, lrr uint32
	at        simtime.Time
}

// OnReferenceTime takes a Receiver Reference Time block of an SSRC.
func (r *Responder) OnReferenceTime(clock simtime.Time, ssrc uint32, b *rtcp.ReceiverReferenceTimeReportBlock) {
	lrr := simtime.NTP(b.NTPTimestamp).Middle()
	if lrr == 0 {
		return // it has no clock (§4.4), and LRR of zero says that nothing came
	}
	for i := range r.waiting {
		if r.waiting[i].ssrc == ssrc {
			r.waiting[i].lrr, r.waiting[i].at = lrr, clock
			return
		}
	}
	if len(r.waiting) < maxWaiting {
		r.waiting = append(r.waiting, reference{ssrc, lrr, clock})
	}
}

// OnGone forgets an SSRC that left.
func (r *Responder) OnGone(ssrc uint32) {
	r.waiting = slices.DeleteFunc(r.waiting, func(w reference) bool { return w.ssrc == ssrc })
}

// Pending reports whether somebody waits for an answer.
func (r *Responder) Pending() bool { return len(r.waiting) > 0 }

// Block returns a DLRR block of at most size octets for a packet that is sent now;
// nil if there is nobody to answer or no room. Each block is answered once; who
// finds no room comes first the next time (§5.1: "in a round robin fashion").
func (r *Responder) Block(clock simtime.Time, size int) *rtcp.DLRRReportBlock {
	n := min(len(r.waiting), (size-blockHeader)/dlrrSize)
	if n <= 0 {
		return nil
	}
	b := &rtcp.DLRRReportBlock{Reports: make([]rtcp.DLRRReport, n)}
	now := simtime.ToNTP(clock).Middle()
	for i, w := range r.waiting[:n] {
		b.Reports[i] = rtcp.DLRRReport{SSRC: w.ssrc, LastRR: w.lrr, DLRR: now - simtime.ToNTP(w.at).Middle()}
	}
	r.waiting = slices.Delete(r.waiting, 0, n)
	return b
}
