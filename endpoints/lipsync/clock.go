package lipsync

import (
	"time"

	"rtpfabric/sim/simtime"
)

// Clock maps the RTP timestamps of one stream to the sender's clock. It fits a line
// to the last pairs by least squares, so that it follows a sampling clock that is off
// by some hundred parts in a million, and evens out what is inexact in a pair.
//
// A pair that is far from the line is ignored, unless the next one agrees with it: then
// the sender's clock, or its timestamps, made a step, and the line begins anew.
type Clock struct {
	rate  int // Hz, nominal
	pairs [maxPairs]pair
	n     int // pairs that were taken; the last of them are kept
	odd   pair
	isOdd bool

	// The line: the sender's time of ref's tick, and by how much the real rate differs
	// from the nominal one.
	ref  pair
	skew float64 // seconds of the sender's clock a second of RTP time, minus 1
}

// pair is a tick of the RTP clock, extended, and the sender's time.
type pair struct {
	tick int64
	t    simtime.Time
}

const (
	maxPairs = 32
	// minSpacing is how far apart pairs are kept: packets have more of them than
	// tell anything new.
	minSpacing = 500 * time.Millisecond
	// tolerance is how far a pair may be from the line, and maxSkew by how much more
	// a second of distance. maxSkew bounds the fit as well.
	tolerance = 20 * time.Millisecond
	maxSkew   = 500e-6
	// prior is how much spread, in s², pairs need to say half of what there is to
	// say about the rate; below, it is taken for the nominal one.
	prior = 1.0
)

// Result says what became of a pair.
type Result uint8

// The results.
const (
	Used    Result = iota
	Ignored        // older than another one, or far from the line
	Stepped        // the second far from the line: this begins anew
)

// NewClock returns the clock of a stream whose RTP clock has rate Hz nominally.
func NewClock(rate int) *Clock { return &Clock{rate: rate} }

// Add takes a pair: the sender's time t of the RTP timestamp.
func (c *Clock) Add(t simtime.Time, rtp uint32) Result {
	if c.n == 0 {
		c.begin(pair{int64(rtp), t})
		return Used
	}
	last := c.last()
	p := pair{c.extend(rtp, t), t}
	if p == last || p.t <= last.t && p.tick <= last.tick {
		return Ignored
	}
	if c.close(p, pair{p.tick, c.at(p.tick)}, last) {
		c.isOdd = false
		c.keep(p)
		return Used
	}
	if c.isOdd && p.t > c.odd.t && c.close(p, c.project(c.odd, p.tick), c.odd) {
		c.begin(p)
		return Stepped
	}
	c.odd, c.isOdd = p, true
	return Ignored
}

// begin starts a line with one pair.
func (c *Clock) begin(p pair) {
	c.n, c.isOdd = 0, false
	c.pairs[0], c.n = p, 1
	c.ref, c.skew = p, 0
}

func (c *Clock) last() pair { return c.pairs[(c.n-1)%maxPairs] }

// keep adds a pair to the line, or has it replace the last one if that is only just
// before it.
func (c *Clock) keep(p pair) {
	if last := c.last(); c.n > 1 && p.t.Sub(last.t) < minSpacing && last.t.Sub(c.pairs[(c.n-2)%maxPairs].t) < minSpacing {
		c.n--
	}
	c.pairs[c.n%maxPairs] = p
	c.n++
	if c.n >= 2*maxPairs {
		c.n -= maxPairs // the same places
	}
	c.fit()
}

// extend returns the tick of a timestamp that belongs to the sender's time t: over so
// many wrap-arounds as fit in since the last pair (a stream may have paused).
func (c *Clock) extend(rtp uint32, t simtime.Time) int64 {
	last := c.last()
	d := t.Sub(last.t)
	expected := last.tick + int64(d/time.Second)*int64(c.rate) + int64(d%time.Second)*int64(c.rate)/int64(time.Second)
	return expected + int64(int32(rtp-uint32(expected)))
}

// project returns where a pair leads at the nominal rate.
func (c *Clock) project(from pair, tick int64) pair {
	d := tick - from.tick
	rate := int64(c.rate)
	return pair{tick, from.t.Add(time.Duration(d/rate)*time.Second + time.Duration(d%rate)*time.Second/time.Duration(rate))}
}

// close reports whether a pair is near where it should be, which is known from an
// earlier one.
func (c *Clock) close(p, want, earlier pair) bool {
	off := p.t.Sub(want.t).Abs()
	return off <= tolerance+time.Duration(maxSkew*float64(p.t.Sub(earlier.t).Abs()))
}

// fit finds the line through the pairs. Times are taken relative to the newest one and
// to the nominal rate, so that the numbers are small.
func (c *Clock) fit() {
	ref := c.last()
	n := min(c.n, maxPairs)
	var sx, sy, sxx, sxy float64
	for i := range n {
		p := c.pairs[i]
		x := float64(p.tick-ref.tick) / float64(c.rate)
		y := p.t.Sub(c.project(ref, p.tick).t).Seconds()
		sx, sy = sx+x, sy+y
		sxx, sxy = sxx+float64(x*x), sxy+float64(x*y)
	}
	mx, my := sx/float64(n), sy/float64(n)
	sxx -= float64(float64(n) * mx * mx)
	sxy -= float64(float64(n) * mx * my)
	c.skew = max(-maxSkew, min(sxy/(sxx+prior), maxSkew))
	// The line's value at the newest tick, where x is 0.
	at := my - float64(c.skew*mx)
	c.ref = pair{ref.tick, ref.t.Add(time.Duration(at * 1e9))}
}

// at returns the sender's time of a tick.
func (c *Clock) at(tick int64) simtime.Time {
	p := c.project(c.ref, tick)
	x := float64(tick-c.ref.tick) / float64(c.rate)
	return p.t.Add(time.Duration(float64(x*c.skew) * 1e9))
}

// Time returns the sender's time of a timestamp that is less than 2³¹ ticks away from
// the last pair. It reports false while there is none.
func (c *Clock) Time(rtp uint32) (simtime.Time, bool) {
	if c.n == 0 {
		return 0, false
	}
	last := c.last()
	return c.at(last.tick + int64(int32(rtp-uint32(last.tick)))), true
}

// Rate returns the frequency of the RTP clock in Hz, by the sender's clock.
func (c *Clock) Rate() float64 { return float64(c.rate) / (1 + c.skew) }

// shift moves all pairs from a time on by d.
func (c *Clock) shift(from simtime.Time, d time.Duration) {
	for i := range min(c.n, maxPairs) {
		if p := &c.pairs[i]; p.t >= from {
			p.t = p.t.Add(d)
		}
	}
	if c.isOdd && c.odd.t >= from {
		c.odd.t = c.odd.t.Add(d)
	}
	if c.n > 0 {
		c.fit()
	}
}
