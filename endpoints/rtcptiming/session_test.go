package rtcptiming_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// party is one endpoint of a session.
type party struct {
	s       *rtcptiming.Scheduler
	locals  []*rtcptiming.Local
	sends   bool // sends RTP all the time
	silent  bool // has stopped everything, without a BYE
	pending bool // feedback waits
	waiting bool // wants feedback whenever none is scheduled
	gone    []uint32
}

// transmission is one RTCP packet. Its reporters are the SSRCs whose SR or RR
// it holds.
type transmission struct {
	at        simtime.Time
	kind      rtcptiming.Kind
	from      int
	reporters []uint32
	size      units.Bytes
}

// session connects endpoints by a perfect medium: what one sends, all others
// hear in the same instant. Time is a variable.
type session struct {
	t       *testing.T
	now     simtime.Time
	parties []*party
	log     []transmission

	size      units.Bytes // of a report; a packet with k reports has k times that
	aggregate bool

	// Sabotages: what an implementation without the rule would do.
	noReconsideration bool // send whenever the timer expires
	naiveSize         bool // don't divide by the number of reporters
}

func newSession(t *testing.T) *session {
	t.Helper()
	return &session{t: t, size: 100}
}

// join adds an endpoint with n SSRCs.
func (s *session) join(c rtcptiming.Config, n int) *party {
	i := len(s.parties)
	c.FirstSize = s.size
	if c.Random == nil {
		c.Random = rng.New(uint64(i + 1)).Stream("rtcp")
	}
	p := &party{s: rtcptiming.New(c)}
	for k := range n {
		p.locals = append(p.locals, p.s.Join(s.now, uint32(1000*i+k+1)))
	}
	s.parties = append(s.parties, p)
	return p
}

// rtpPeriod is how often senders send RTP.
const rtpPeriod = 100 * time.Millisecond

// run lets the session go on for d.
func (s *session) run(d time.Duration) {
	end := s.now.Add(d)
	rtp := s.now
	for {
		next := rtp
		for _, p := range s.parties {
			if !p.silent {
				next = min(next, p.s.NextTimeout())
			}
		}
		if next > end {
			s.now = end
			return
		}
		if next < s.now {
			s.t.Fatalf("a deadline at %v lies before %v", next, s.now)
		}
		s.now = next
		if next == rtp {
			s.media()
			rtp = rtp.Add(rtpPeriod)
		}
		for i, p := range s.parties {
			if !p.silent && p.s.NextTimeout() <= s.now {
				s.expire(i, p)
			}
		}
	}
}

// media makes all senders send RTP.
func (s *session) media() {
	for _, p := range s.parties {
		if !p.sends || p.silent {
			continue
		}
		for _, l := range p.locals {
			p.s.SentRTP(s.now, l.SSRC, nil)
			for _, o := range s.parties {
				if o != p {
					o.s.HeardRTP(s.now, l.SSRC, nil)
				}
			}
		}
	}
}

func (s *session) expire(i int, p *party) {
	if s.noReconsideration {
		for _, l := range p.locals {
			// With one SSRC each, the deadline of the endpoint is its own.
			s.transmit(i, p, rtcptiming.Regular, []*rtcptiming.Local{l})
		}
		return
	}
	for rounds := 0; ; rounds++ {
		if rounds > 1000 {
			s.t.Fatal("Due doesn't come to an end")
		}
		d := p.s.Due(s.now, p.pending)
		p.gone = append(p.gone, d.Gone...)
		if d.Kind == rtcptiming.None {
			if d.Gone == nil {
				break
			}
			continue
		}
		reporters := []*rtcptiming.Local{d.Local}
		if s.aggregate && d.Kind == rtcptiming.Regular {
			reporters = append(reporters, p.s.Candidates(d.Local)...)
		}
		s.transmit(i, p, d.Kind, reporters)
	}
	if at := p.s.NextTimeout(); at <= s.now {
		s.t.Fatalf("after Due came to an end at %v the next deadline is %v", s.now, at)
	}
}

// transmit sends a packet to everybody else.
func (s *session) transmit(i int, p *party, kind rtcptiming.Kind, reporters []*rtcptiming.Local) {
	size := s.size * units.Bytes(len(reporters))
	count := len(reporters)
	if s.naiveSize {
		count = 1
	}
	tr := transmission{at: s.now, kind: kind, from: i, size: size}
	for _, l := range reporters {
		tr.reporters = append(tr.reporters, l.SSRC)
	}
	s.log = append(s.log, tr)
	p.s.CountPacket(size, count)
	p.pending = false
	switch kind {
	case rtcptiming.Regular:
		p.s.SentRegular(s.now, reporters)
	case rtcptiming.Early:
		p.s.SentEarly(s.now, reporters[0])
	case rtcptiming.Minimal:
		p.s.SentMinimal(s.now, reporters[0])
	case rtcptiming.Bye:
		s.bye(p, reporters[0], size)
		return
	case rtcptiming.None:
		s.t.Fatal("a packet of no kind")
	}
	if p.waiting {
		p.pending = true
		p.s.WantFeedback(s.now)
	}
	for _, o := range s.parties {
		if o == p || o.silent {
			continue
		}
		o.s.CountPacket(size, count)
		for _, l := range reporters {
			o.s.HeardRTCP(s.now, l.SSRC)
		}
	}
}

// leave ends an endpoint's membership with a BYE that everybody hears.
func (s *session) leave(p *party) {
	for _, l := range p.locals {
		p.s.Leave(s.now, l)
		for _, o := range s.parties {
			if o != p {
				o.s.HeardBye(s.now, l.SSRC)
			}
		}
	}
	p.locals, p.silent = nil, true
}

// quit ends an endpoint's membership as RFC 3550 §6.3.7 wants it.
func (s *session) quit(i int, p *party) {
	p.sends = false
	for _, l := range slices.Clone(p.locals) {
		if !p.s.Quit(s.now, l, s.size) {
			s.transmit(i, p, rtcptiming.Bye, []*rtcptiming.Local{l})
		}
	}
}

// bye is what everybody does when a BYE is sent.
func (s *session) bye(p *party, l *rtcptiming.Local, size units.Bytes) {
	p.s.Leave(s.now, l)
	p.locals = slices.DeleteFunc(p.locals, func(o *rtcptiming.Local) bool { return o == l })
	p.silent = len(p.locals) == 0
	for _, o := range s.parties {
		if o != p && !o.silent {
			o.s.CountPacket(size, 1)
			o.s.CountBye(size)
			o.s.HeardBye(s.now, l.SSRC)
		}
	}
}

// reset forgets the transmissions so far.
func (s *session) reset() { s.log = nil }

// bytes returns what was sent from one moment to another.
func (s *session) bytes(from, to simtime.Time) (n units.Bytes) {
	for _, tr := range s.log {
		if tr.at >= from && tr.at < to {
			n += tr.size
		}
	}
	return n
}

// peak returns the most that was sent in any window of the given length.
func (s *session) peak(window time.Duration) (most units.Bytes) {
	for _, tr := range s.log {
		most = max(most, s.bytes(tr.at, tr.at.Add(window)))
	}
	return most
}

// gaps returns the times in seconds between an SSRC's reports.
func (s *session) gaps(ssrc uint32) (out []float64) {
	last := simtime.Never
	for _, tr := range s.log {
		if !slices.Contains(tr.reporters, ssrc) {
			continue
		}
		if last != simtime.Never {
			out = append(out, tr.at.Sub(last).Seconds())
		}
		last = tr.at
	}
	return out
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func quantile(x []float64, q float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return x[int(q*float64(len(x)-1))]
}

// The distribution of intervals that RFC 3550 §6.3 yields in a steady session.
// With u the position of a uniform draw in [0.5, 1.5]: each reconsideration
// takes another draw and sends if that isn't larger, so that the density of the
// interval that is kept is u·e^u. Its mean is e - 3/2, hence the compensation.
const e32 = math.E - 1.5

func intervalCDF(x, td float64) float64 {
	u := min(max(x*e32/td-0.5, 0), 1)
	return (u-1)*math.Exp(u) + 1
}

// sdInterval is the standard deviation of an interval divided by its mean.
var sdInterval = math.Sqrt(6-2*math.E-(math.E-2)*(math.E-2)) / e32

// ks returns the Kolmogorov-Smirnov distance from a distribution.
func ks(x []float64, cdf func(float64) float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	n, d := float64(len(x)), 0.0
	for i, v := range x {
		f := cdf(v)
		d = max(d, f-float64(i)/n, float64(i+1)/n-f)
	}
	return d
}

// ks2 is the distance between two samples.
func ks2(a, b []float64) float64 {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	d, i, j := 0.0, 0, 0
	for i < len(a) && j < len(b) {
		v := min(a[i], b[j])
		for i < len(a) && a[i] <= v {
			i++
		}
		for j < len(b) && b[j] <= v {
			j++
		}
		d = max(d, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return d
}

// checkIntervals says what is wrong with a sample of regular intervals whose
// deterministic calculated interval is td seconds; nil if nothing is. The
// tolerances are four standard errors of the mean, and the 10^-4 quantile of
// the Kolmogorov-Smirnov statistic.
func checkIntervals(x []float64, td float64) error {
	n := math.Sqrt(float64(len(x)))
	lo, hi := 0.5*td/e32, 1.5*td/e32
	const slack = 1e-4 // of Td; the RFC rounds e - 3/2
	for _, v := range x {
		if v < lo-slack*td || v > hi+slack*td {
			return fmt.Errorf("interval %.4f s isn't in [%.4f, %.4f]", v, lo, hi)
		}
	}
	if m, tol := mean(x), 4*sdInterval*td/n; math.Abs(m-td) > tol {
		return fmt.Errorf("mean interval %.4f s, want %.4f ± %.4f", m, td, tol)
	}
	if d, tol := ks(x, func(v float64) float64 { return intervalCDF(v, td) }), 2.23/n; d > tol {
		return fmt.Errorf("distance %.4f from the distribution of RFC 3550 §6.3, want at most %.4f", d, tol)
	}
	return nil
}

// simulateA7 draws intervals as the sample code of RFC 3550 §A.7 does, for one
// member of a session that doesn't change; without the compensation, or
// without reconsideration, if so told.
func simulateA7(random *rng.Stream, td float64, n int, compensate, reconsider bool) []float64 {
	interval := func() float64 {
		t := td * (random.Float64() + 0.5)
		if compensate {
			t /= 2.71828 - 1.5
		}
		return t
	}
	out := make([]float64, n)
	for i := range out {
		tn := interval()
		for reconsider {
			t := interval()
			if t <= tn {
				break
			}
			tn = t
		}
		out[i] = tn
	}
	return out
}
