package gcc

import (
	"math"
	"slices"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// DelayBased is the delay-based part by itself, as the draft has it (§5.2 to §5.5),
// for a receiver, which sees packets arrive one by one and decides itself when the
// rate control runs.
type DelayBased struct{ d delayBased }

// DelayParameters returns the parameters that [NewDelayBased] takes.
func DelayParameters() []ccontrol.Parameter {
	return parametersNamed("burst-time", "q", "e0", "chi", "threshold", "k-up", "k-down", "overuse-time", "beta")
}

// LossParameters returns the parameters that [NewLossBased] takes.
func LossParameters() []ccontrol.Parameter { return parametersNamed("loss-low", "loss-high") }

func parametersNamed(names ...string) []ccontrol.Parameter {
	var list []ccontrol.Parameter
	for i := range parameters {
		if slices.Contains(names, parameters[i].Name) {
			list = append(list, parameters[i])
		}
	}
	return list
}

// NewDelayBased makes one whose rate starts at start and never falls below least,
// both in bit/s.
func NewDelayBased(v ccontrol.Values, least, start float64) *DelayBased {
	return &DelayBased{delayBased{
		groups:   grouper{burst: v.Duration("burst-time")},
		filter:   newKalman(v.Number("q"), v.Number("e0"), v.Number("chi")),
		detector: detectorOf(v, draftUp, draftDown),
		control:  newAIMD(true, v.Number("beta"), least, start),
	}}
}

// OnPacket takes a packet in order of arrival. Its times are by the sender's clock and
// the receiver's; now is by one that nobody sets.
func (b *DelayBased) OnPacket(now, sent, arrival simtime.Time) {
	b.d.onPacket(now, &ccontrol.PacketResult{Sent: sent, Received: true, Arrival: arrival})
}

// Reset forgets how delays have been, but not the rate.
func (b *DelayBased) Reset() { b.d.reset() }

// Overuse reports whether the detector signals over-use.
func (b *DelayBased) Overuse() bool { return b.d.detector.state == overuse }

// MayReduce reports whether over-use may lower the rate again, after it has last been
// changed. throughput is what arrives, in bit/s.
func (b *DelayBased) MayReduce(now simtime.Time, throughput float64) bool {
	return b.d.control.mayReduce(now, throughput)
}

// Update runs the rate control once. throughput is R_hat, 0 if it isn't known.
func (b *DelayBased) Update(now simtime.Time, throughput float64) {
	b.d.control.update(now, b.d.detector.state, throughput)
}

// Set changes the rate to one that was measured.
func (b *DelayBased) Set(now simtime.Time, rate float64) { b.d.control.set(now, rate) }

// SetRTT tells of a round-trip time.
func (b *DelayBased) SetRTT(rtt time.Duration) { b.d.control.rtt = rtt }

// Rate returns A_hat in bit/s.
func (b *DelayBased) Rate() float64 { return b.d.control.rate }

// DelaySignals returns what [DelayBased.Signals] appends.
func DelaySignals() []ccontrol.Signal {
	var list []ccontrol.Signal
	for i := range signals {
		if slices.Contains([]string{"trend", "threshold", "usage", "rate-state", "link-capacity"}, signals[i].Name) {
			list = append(list, signals[i])
		}
	}
	return list
}

// Signals appends the present values of DelaySignals.
func (b *DelayBased) Signals(v []float64) []float64 {
	c := &b.d.control
	capacity := math.NaN()
	if c.capacity.known {
		capacity = c.capacity.rate()
	}
	return append(v, b.d.trend, b.d.detector.threshold, float64(b.d.detector.state), float64(c.state), capacity)
}

// LossBased is the loss-based part of the draft (§6) by itself, for a sender that has
// nothing but reception reports to judge losses by.
type LossBased struct {
	v1         lossV1
	lowered    simtime.Time
	hasLowered bool
}

// NewLossBased makes one.
func NewLossBased(v ccontrol.Values) (*LossBased, error) {
	if err := checkThresholds(v); err != nil {
		return nil, err
	}
	return &LossBased{v1: lossV1{
		low: v.Number("loss-low"), high: v.Number("loss-high"),
		history: make([]rateAt, 0, int(growthWindow/time.Millisecond)),
	}}, nil
}

// OnReception takes the blocks of one report.
func (l *LossBased) OnReception(now simtime.Time, blocks []ccontrol.Reception) {
	l.v1.onReception(now, blocks)
}

// Update returns the rate that is to follow the given one, in bit/s. It is due after
// every report, and now and then, since the rate grows with time.
func (l *LossBased) Update(now simtime.Time, rate float64, rtt time.Duration) float64 {
	l.v1.remember(now, rate)
	since := time.Duration(math.MaxInt64)
	if l.hasLowered {
		since = now.Sub(l.lowered)
	}
	next, lowered := l.v1.update(now, rate, rtt, since)
	if lowered {
		l.Lowered(now)
	}
	return next
}

// Lowered notes that the rate was lowered for another reason.
func (l *LossBased) Lowered(now simtime.Time) { l.lowered, l.hasLowered = now, true }

// Restart lets the rate grow from rate on, as if it had been that for a second: what it
// was before was a measurement's.
func (l *LossBased) Restart(now simtime.Time, rate float64) {
	l.v1.restart()
	l.v1.remember(now, rate)
}

// Loss returns the last loss ratio; false if there was none yet.
func (l *LossBased) Loss() (float64, bool) { return l.v1.ratio, l.v1.known }
