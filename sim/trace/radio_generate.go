package trace

import (
	"math"
	"time"

	"rtpfabric/sim/detmath"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// generate draws n steps. g has been checked.
func (g Radio) generate(n int, r *rng.Stream) Trace {
	b := g.Blockages.share()
	full := float64(g.Mean) / float64(g.up()*(1-b+float64(b*float64(g.Blocked))))
	slow, fast := g.Slow.walk(g.Interval, r), g.Fast.walk(g.Interval, r)
	gaps, blockages := g.Gaps.start(r), g.Blockages.start(r)
	sky := g.Handover.start(r)

	rates := make([]units.BitRate, n)
	t := uniform(rates, g.Interval)
	for i := range rates {
		s := &t.Steps[i]
		middle := s.At + g.Interval/2
		sky.advance(middle)
		rate := float64(full * float64(slow.next()*fast.next()))
		rate = float64(rate * sky.level)
		if blockages.in(middle) {
			rate = float64(rate * float64(g.Blocked))
		}
		rates[i] = min(max(units.BitRate(min(rate, float64(g.Max))), g.Min), g.Max)
		if gaps.in(middle) || sky.inGap(middle) {
			rates[i] = 0
		}
		g.decorate(s, sky, middle)
	}
	return t
}

// decorate sets the step's delay, jitter and loss.
func (g Radio) decorate(s *Step, sky *satellites, middle time.Duration) {
	if g.Delay > 0 || g.Handover.DelaySpread > 0 {
		delay := g.Delay + sky.delay
		s.Delay = &delay
	}
	if g.Jitter > 0 {
		jitter := g.Jitter
		s.Jitter = &jitter
	}
	if g.Loss > 0 || g.Handover.Loss > 0 {
		loss := g.Loss
		if sky.seen && middle < sky.since+g.Handover.LossFor {
			loss = g.Handover.Loss
		}
		s.Loss = &loss
	}
}

// spells is a running alternation.
type spells struct {
	Spells
	from, to time.Duration // of the present or next spell
	random   *rng.Stream
}

// start begins between two spells, which an exponential time doesn't notice.
func (s Spells) start(r *rng.Stream) *spells {
	p := &spells{Spells: s, random: r}
	if s.Every > 0 {
		p.draw()
	}
	return p
}

func (p *spells) draw() {
	p.from = p.to + time.Duration(p.random.Exponential(float64(p.Every)))
	p.to = p.from + time.Duration(p.random.Uniform(float64(p.Min), float64(p.Max)))
}

// in reports whether a time lies in a spell. Times ascend.
func (p *spells) in(at time.Duration) bool {
	if p.Every == 0 {
		return false
	}
	for at >= p.to {
		p.draw()
	}
	return at >= p.from
}

// satellites is a running sequence of handovers.
type satellites struct {
	Handover
	next  time.Duration // handover
	since time.Duration // the last one
	seen  bool          // there was one
	gap   time.Duration // of the last one
	level float64
	delay time.Duration // on top of the link's
	sigma float64       // of the level's logarithm
	r     *rng.Stream
}

func (h Handover) start(r *rng.Stream) *satellites {
	s := &satellites{Handover: h, next: h.Offset, level: 1, r: r}
	if h.Period > 0 {
		s.sigma = math.Sqrt(detmath.Log(1 + float64(h.CV*h.CV)))
		s.draw()
	}
	return s
}

// draw makes another satellite the present one.
func (s *satellites) draw() {
	s.level = detmath.Exp(float64(s.sigma*s.r.Normal()) - float64(s.sigma*s.sigma)/2)
	s.delay = time.Duration(s.r.Uniform(0, float64(s.DelaySpread)))
	s.gap = time.Duration(s.r.Uniform(float64(s.GapMin), float64(s.GapMax)))
}

// advance goes on to a time. Times ascend.
func (s *satellites) advance(to time.Duration) {
	for s.Period > 0 && to >= s.next {
		s.draw()
		s.since, s.seen = s.next, true
		s.next += s.Period
	}
}

func (s *satellites) inGap(at time.Duration) bool { return s.seen && at < s.since+s.gap }
