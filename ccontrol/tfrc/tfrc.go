// Package tfrc is TCP Friendly Rate Control (RFC 5348), adapted to RTP. The names
// are the RFC's. The receiver's half runs at the sender, on feedback about every
// packet (§7): [history] is §5, [controller] is §4.
package tfrc

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const (
	source = "RFC 5348"
	// maximumBackoff is t_mbi of §4.3: one packet in that time is always allowed.
	maximumBackoff = 64.0
	// firstTimeout is the nofeedback timer before there is a round-trip time (§4.2).
	firstTimeout = 2 * time.Second
	// initialWindow is W_init of §4.2 for segments of 1095 to 2190 octets.
	initialWindow = 4380.0
)

func init() {
	ccontrol.Register(ccontrol.Spec{
		Name: "tfrc", Summary: "TCP Friendly Rate Control: what TCP would get at the same rate of loss events", Source: source,
		Needs: ccontrol.NeedsPackets,
		Parameters: []ccontrol.Parameter{
			{
				Name: "q", Kind: ccontrol.KindNumber, Default: "0.9", Min: 0, Max: 0.999, Source: source + " §4.3",
				Help: "filter constant of the round-trip time",
			},
			{
				Name: "q2", Kind: ccontrol.KindNumber, Default: "0.9", Min: 0, Max: 0.999, Source: source + " §4.5",
				Help: "filter constant of its square root; 0 doesn't reduce oscillations",
			},
			{
				Name: "discount", Kind: ccontrol.KindNumber, Default: "0.25", Min: 0.01, Max: 1, Source: source + " §5.5",
				Help: "THRESHOLD, least weight of old loss intervals; 1 doesn't discount them",
			},
			{
				Name: "media", Kind: ccontrol.KindNumber, Default: "0.95", Min: 0.1, Max: 1, Source: "this project",
				Help: "encoders' part of the allowed rate, the rest is for their variation",
			},
			{
				Name: "pacing-factor", Kind: ccontrol.KindNumber, Default: "1.25", Min: 1, Max: 10, Source: source + " §4.6",
				Help: "pacing rate as a multiple of the allowed rate: frames are bursts of less than a round-trip time",
			},
		},
		Signals: []ccontrol.Signal{
			{Name: "x", Unit: "bit/s", Help: "allowed sending rate X", Source: source + " §4.3"},
			{Name: "x-bps", Unit: "bit/s", Help: "rate by the throughput equation", Source: source + " §3.1"},
			{Name: "x-recv", Unit: "bit/s", Help: "receive rate", Source: source + " §6.2"},
			{Name: "p", Help: "loss event rate", Source: source + " §5.4"},
			{Name: "r", Unit: "ms", Help: "smoothed round-trip time", Source: source + " §4.3"},
		},
		New: newController,
	})
}

// controller is the sender's half. Rates are in octets per second, times in seconds.
type controller struct {
	limits              ccontrol.Limits
	q, q2               float64
	mediaPart, pacing   float64
	history             history
	receiver            receiver
	s                   float64 // segment size: mean of the packets, headers included
	x, xBps             float64
	r, sqrtMean, sample float64 // R, R_sqmean, R_sample; 0 before the first
	p                   float64
	recvSet             recvSet
	timeLastDoubled     simtime.Time
	timeout             simtime.Time // of the nofeedback timer; Never before the first packet
	sentSince           bool         // anything, since that was set
	busy                simtime.Time // when packets last had to wait
	fedBack             bool
}

func newController(l ccontrol.Limits, v ccontrol.Values) (ccontrol.Controller, error) {
	return &controller{
		limits: l, q: v.Number("q"), q2: v.Number("q2"), mediaPart: v.Number("media"), pacing: v.Number("pacing-factor"),
		history: history{threshold: v.Number("discount"), df: 1}, x: float64(l.Start) / 8, recvSet: infinite(), timeout: simtime.Never,
	}, nil
}

// OnSent measures the segment size and starts the nofeedback timer.
func (c *controller) OnSent(now simtime.Time, sent ccontrol.Sent) {
	if c.s == 0 {
		c.s = float64(sent.Size)
	}
	c.s += float64((float64(sent.Size) - c.s) / 32)
	if c.timeout == simtime.Never {
		c.timeout = now.Add(firstTimeout)
	}
	c.sentSince = true
	if sent.Backlog > 0 {
		c.busy = now
	}
}

// OnFeedback runs the receiver's half over the packets, and then §4.3.
func (c *controller) OnFeedback(now simtime.Time, r *ccontrol.Report) {
	if !r.AboutPackets() || r.RTT <= 0 || c.s == 0 {
		return
	}
	before := c.p
	events := c.history.events
	for _, p := range r.Packets {
		c.history.onPacket(p, c.r)
		c.receiver.onPacket(p)
	}
	c.sample = r.RTT.Seconds()
	if c.r == 0 {
		c.r, c.sqrtMean = c.sample, math.Sqrt(c.sample)
	} else {
		c.r = float64(c.q*c.r) + float64((1-c.q)*c.sample)
		c.sqrtMean = float64(c.q2*c.sqrtMean) + float64((1-c.q2)*math.Sqrt(c.sample))
	}
	xRecv := c.receiver.rate(c.r)
	if c.history.events > 0 && events == 0 {
		c.history.seed(c.firstInterval())
	}
	c.p = c.history.lossEventRate()
	worse := c.history.events > events || c.p > before
	c.update(now, xRecv, worse, now.Sub(c.busy).Seconds() > c.r)
	c.fedBack = true
	c.restart(now)
}

// update is step (4) of §4.3.
func (c *controller) update(now simtime.Time, xRecv float64, worse, dataLimited bool) {
	if !c.fedBack { // §4.2
		c.timeLastDoubled = now
		c.x = max(c.x, c.initialRate())
		if c.p == 0 {
			return
		}
	}
	limit := 2.0
	switch {
	case dataLimited && worse:
		c.recvSet.halve()
		c.recvSet.maximize(now, 0.85*xRecv)
		limit = 1
	case dataLimited:
		c.recvSet.maximize(now, xRecv)
	default:
		c.recvSet.update(now, xRecv, c.r)
	}
	c.allow(now, limit*c.recvSet.max())
}

// allow computes X below the limit that the receive rate sets.
func (c *controller) allow(now simtime.Time, recvLimit float64) {
	if c.p > 0 {
		c.xBps = throughput(c.s, c.r, c.p)
		c.x = max(min(c.xBps, recvLimit), c.s/maximumBackoff)
	} else if now.Sub(c.timeLastDoubled).Seconds() >= c.r {
		c.x = max(min(2*c.x, recvLimit), c.initialRate())
		c.timeLastDoubled = now
	}
	// Beyond what media can use there is nothing to learn.
	c.x = min(c.x, 2*float64(c.limits.Max)/8)
}

func (c *controller) initialRate() float64 { return initialWindow / c.r }

// firstInterval is the synthetic loss interval of §6.3.1: what would let the equation
// give half the highest rate so far.
func (c *controller) firstInterval() float64 {
	target := max(c.receiver.highest/2, 0.5*c.s/c.r)
	return 1 / inverse(c.s, c.r, target)
}

// NextTimeout returns when the nofeedback timer expires.
func (c *controller) NextTimeout() simtime.Time { return c.timeout }

// OnTimeout is §4.4.
func (c *controller) OnTimeout(now simtime.Time) {
	if now < c.timeout {
		return
	}
	idle := !c.sentSince
	if c.r == 0 {
		if !idle {
			c.x = max(c.x/2, c.s/maximumBackoff)
		}
		c.restart(now)
		return
	}
	xRecv, recover := c.recvSet.max(), c.initialRate()
	switch {
	case idle && (c.p > 0 && xRecv < recover || c.p == 0 && c.x < 2*recover):
	case c.p == 0:
		c.x = max(c.x/2, c.s/maximumBackoff)
	case c.xBps > 2*xRecv:
		c.updateLimits(now, xRecv)
	default:
		c.updateLimits(now, c.xBps/2)
	}
	c.restart(now)
}

func (c *controller) updateLimits(now simtime.Time, limit float64) {
	limit = max(limit, c.s/maximumBackoff)
	c.recvSet.replace(now, limit/2)
	c.allow(now, 2*c.recvSet.max())
}

// restart sets the nofeedback timer.
func (c *controller) restart(now simtime.Time) {
	rto := firstTimeout.Seconds()
	if c.r > 0 {
		rto = max(4*c.r, 2*c.s/c.x)
	}
	c.timeout = now.Add(time.Duration(math.Round(min(rto, 2*maximumBackoff) * float64(time.Second))))
	c.sentSince = false
}

// Target returns the allowed rate, less while the round-trip time is above its mean
// (§4.5).
func (c *controller) Target() ccontrol.Target {
	x := c.x
	if c.q2 > 0 && c.sample > 0 {
		x = max(float64(x*c.sqrtMean)/math.Sqrt(c.sample), c.s/maximumBackoff)
	}
	clamp := func(octets float64) units.BitRate {
		return units.BitRate(math.Round(min(max(8*octets, float64(c.limits.Min)), float64(c.limits.Max))))
	}
	media := clamp(c.mediaPart * x)
	return ccontrol.Target{
		Media:  media,
		Pacing: max(media, units.BitRate(math.Round(c.pacing*float64(clamp(x))))),
	}
}

// Rate returns X as far as media can use it.
func (c *controller) Rate() units.BitRate {
	return units.BitRate(math.Round(min(max(8*c.x, float64(c.limits.Min)), float64(c.limits.Max))))
}

// SetRate sets X, until the next feedback computes it anew: as the receiver's half runs
// here too, it knows of it (RFC 8699 §6.2).
func (c *controller) SetRate(_ simtime.Time, rate units.BitRate) {
	c.x = max(float64(rate)/8, c.s/maximumBackoff)
}

// Signals shows the RFC's variables.
func (c *controller) Signals(values []float64) []float64 {
	known := func(v float64, ok bool) float64 {
		if !ok {
			return math.NaN()
		}
		return v
	}
	return append(values, 8*c.x, known(8*c.xBps, c.p > 0), known(8*c.receiver.last, c.fedBack), c.p, known(1000*c.r, c.r > 0))
}
