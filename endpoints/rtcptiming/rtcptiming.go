// Package rtcptiming decides when an endpoint may send RTCP: the rules of
// RFC 3550 §6.3, the early feedback of RFC 4585 §3.5 and, for endpoints with
// several SSRCs, RFC 8108 §5. It neither reads nor writes packets.
//
// The variables have the names of the RFCs: tp, tn, T_rr_interval, members,
// pmembers, avg_rtcp_size, we_sent.
package rtcptiming

import (
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Config holds the parameters of a session.
type Config struct {
	// AVPF selects the rules of RFC 4585; otherwise RFC 3550's alone.
	AVPF bool
	// Bandwidth is rtcp_bw: what all members together may use, IP and UDP
	// headers included.
	Bandwidth units.BitRate
	// SenderShare is the part of the bandwidth for members that send media,
	// RS/(RS+RR) of RFC 3556; 0 stands for the usual quarter, a negative value
	// for none.
	SenderShare float64
	// TrrInterval is T_rr_interval, the least time between regular packets
	// under AVPF; 0 doesn't suppress any.
	TrrInterval time.Duration
	// Minimum is Tmin between regular packets without AVPF: 5 s, or the
	// reduced minimum of RFC 3550 §6.2. AVPF has none (RFC 4585 §3.5.3).
	Minimum time.Duration
	// Burst is how many compound packets may be sent without any delay on
	// joining a unicast session, at most four by RFC 8108 §5.2; 0 draws an
	// interval for the first one too.
	Burst int
	// OldTimeouts computes time-outs with T_rr_interval for a minimum, as
	// RFC 4585 §3.5.4 had it before RFC 8108 §7.1.4. Ends with different
	// intervals time each other out; experiments show it.
	OldTimeouts bool
	// FirstSize is the probable size of the first packet, the first estimate
	// of avg_rtcp_size.
	FirstSize units.Bytes
	Random    *rng.Stream
}

// FixedMinimum is the recommended Tmin (RFC 3550 §6.2). Time-outs of members
// use it whatever the profile (RFC 8108 §7.1.4).
const FixedMinimum = 5 * time.Second

// ReducedMinimum returns 360 s divided by the session bandwidth in kbit/s, or
// the fixed minimum if that is shorter (RFC 3550 §6.2).
func ReducedMinimum(session units.BitRate) time.Duration {
	if session <= 0 {
		return FixedMinimum
	}
	return min(FixedMinimum, time.Duration(360e3*float64(time.Second)/float64(session)))
}

// compensation makes up for timer reconsideration, which settles below the
// intended rate: e - 3/2 (RFC 3550 §6.3.1).
const compensation = 1.21828

// Scheduler is the RTCP clockwork of one endpoint in one session.
type Scheduler struct {
	next       simtime.Time // when there is something to decide, unless that has moved
	moved      bool
	multiparty bool
	average    float64 // avg_rtcp_size
	members    memberTable
	locals     []*Local
	config     Config
	candidates []*Local // memory of Candidates
	burst      int      // packets left of it
}

// Local is an SSRC of this endpoint. Each is a participant of its own
// (RFC 8108 §5.1).
type Local struct {
	SSRC uint32
	// Index is what the endpoint knows the SSRC by.
	Index int

	tp, tn     simtime.Time
	te         simtime.Time // of an early packet; Never if none is scheduled
	trrLast    simtime.Time // t_rr_last; Never stands for NaN
	pmembers   int
	initial    bool
	allowEarly bool
	atOnce     bool     // the first packet is part of the burst
	quit       *leaving // while it waits to send its BYE
}

// New returns the scheduler of an endpoint that has no SSRC yet.
func New(c Config) *Scheduler {
	return &Scheduler{config: c, average: float64(c.FirstSize), burst: c.Burst, next: simtime.Never}
}

// Join adds a local SSRC and schedules its first packet (RFC 3550 §6.3.2).
func (s *Scheduler) Join(now simtime.Time, ssrc uint32) *Local {
	l := &Local{SSRC: ssrc, tp: now, te: simtime.Never, trrLast: simtime.Never, initial: true, allowEarly: true}
	s.locals, s.moved = append(s.locals, l), true
	s.members.heard(now, ssrc)
	s.members.setLocal(ssrc)
	l.pmembers = s.members.count()
	if s.burst > 0 {
		l.tn, l.atOnce = now, true
		return l
	}
	l.tn = now.Add(s.interval(l))
	return l
}

// Leave removes a local SSRC that has sent its BYE, or left without one.
func (s *Scheduler) Leave(now simtime.Time, l *Local) {
	s.moved = true
	for i, o := range s.locals {
		if o == l {
			s.locals = append(s.locals[:i], s.locals[i+1:]...)
			break
		}
	}
	s.members.remove(l.SSRC)
	s.reverseReconsider(now)
}

// HasSent reports whether the SSRC has sent any RTCP packet.
func (l *Local) HasSent() bool { return !l.initial }

// SetMultiparty tells whether more than one CNAME was heard (RFC 8108 §5.4.2);
// early feedback is then delayed at random.
func (s *Scheduler) SetMultiparty(m bool) { s.multiparty = m }

// Members returns how many participants the endpoint knows, its own included.
func (s *Scheduler) Members() int { return s.members.count() }

// Senders returns how many of them send media.
func (s *Scheduler) Senders() int { return s.members.senders() }

// AverageSize returns avg_rtcp_size in bytes.
func (s *Scheduler) AverageSize() float64 { return s.average }

// CountPacket updates avg_rtcp_size with a packet sent or received. size
// counts UDP and IP headers; reporters is the number of SSRCs whose SR or RR
// it carries, by which the size is divided (RFC 8108 §5.3.1).
//
// Deviation (RFC 8108 §5.3.1): such a packet counts as often as it has reporters.
// It takes the place of as many packets; counted once, reduced-size packets between
// aggregated ones would pull the average down, and RTCP would exceed its bandwidth
// by a seventh.
func (s *Scheduler) CountPacket(size units.Bytes, reporters int) {
	n := max(reporters, 1)
	div := float64(size) / float64(n)
	for range n {
		s.average = float64(div/16) + float64(s.average*15/16)
	}
}

// NextTimeout returns when [Scheduler.Due] has something to decide.
func (s *Scheduler) NextTimeout() simtime.Time {
	if s.moved {
		s.next, s.moved = simtime.Never, false
		for _, l := range s.locals {
			s.next = min(s.next, l.tn, l.te)
		}
	}
	return s.next
}
