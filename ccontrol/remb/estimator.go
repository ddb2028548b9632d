package remb

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/gcc"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Constants of libwebrtc's remote_bitrate_estimator.
const (
	leastRate = 5_000      // bit/s, kCongestionControllerMinBitrate
	mostRate  = 30_000_000 // bit/s, before there is an estimate
	// The rate control runs as often as RTCP packets of so many octets may go with a
	// twentieth of the rate, within limits (aimd_rate_control.cc).
	reportSize                  = 80
	reportShare                 = 0.05
	leastInterval, mostInterval = 200 * time.Millisecond, time.Second
)

const (
	// largestPacket bounds what a host may claim.
	largestPacket = 1 << 16
	// maxStreams are those that one message can cover within the size of an RTCP
	// packet.
	maxStreams = 64
)

// estimator is the receiver's half.
type estimator struct {
	delay    *gcc.DelayBased
	incoming incoming
	window   time.Duration // that the first estimate rests on
	patience time.Duration // with silent streams

	known    bool         // there is an estimate
	measured simtime.Time // when there first was an incoming rate
	hasRate  bool
	updated  simtime.Time // when the rate control last ran
	runs     bool
	rate     float64 // incoming, bit/s; 0 if unknown

	clock   sendClock
	streams []stream // in the order in which they were first heard
}

// stream is one that the estimate covers.
type stream struct {
	ssrc  uint32
	heard simtime.Time
}

func newEstimator(v ccontrol.Values) (ccontrol.Estimator, error) {
	return &estimator{
		delay:    gcc.NewDelayBased(v, leastRate, mostRate),
		incoming: newIncoming(v.Duration("incoming-window")),
		window:   v.Duration("first-estimate"), patience: v.Duration("stream-timeout"),
		streams: make([]stream, 0, maxStreams),
	}, nil
}

// OnArrival takes a packet. One without abs-send-time counts for the incoming rate only.
func (e *estimator) OnArrival(now simtime.Time, a ccontrol.Arrival) {
	e.expire(now)
	e.hear(now, a.SSRC)
	e.incoming.add(a.At, min(max(a.Size, 0), largestPacket))
	if a.Stamped {
		e.delay.OnPacket(now, e.clock.unwrap(a.SendTime), a.At)
	}
	e.rate = e.incoming.rate(a.At)
	if !e.hasRate && e.rate > 0 {
		e.hasRate, e.measured = true, now
	}
	urgent := e.delay.Overuse() && e.rate > 0 && (!e.known || e.delay.MayReduce(now, e.rate))
	if !e.runs || urgent || now.Sub(e.updated) >= e.interval() {
		e.update(now)
	}
}

// update runs the rate control, once there is something to begin with: what arrives
// after some seconds, or at the first over-use.
func (e *estimator) update(now simtime.Time) {
	e.runs, e.updated = true, now
	switch {
	case e.known:
	case e.rate <= 0:
		return
	case e.delay.Overuse():
		e.known = true
	case now.Sub(e.measured) >= e.window:
		e.known = true
		e.delay.Set(now, e.rate)
	default:
		return
	}
	e.delay.Update(now, e.rate)
}

// interval is the time between two runs of the rate control without over-use.
func (e *estimator) interval() time.Duration {
	if !e.known {
		return leastInterval
	}
	seconds := 8 * reportSize / float64(reportShare*e.delay.Rate())
	return min(max(time.Duration(seconds*float64(time.Second)), leastInterval), mostInterval)
}

// OnRTT tells of the round-trip time, which growth and repeated decreases follow.
func (e *estimator) OnRTT(rtt time.Duration) {
	if rtt > 0 {
		e.delay.SetRTT(rtt)
	}
}

// OnTimeout notes streams that have fallen silent.
func (e *estimator) OnTimeout(now simtime.Time) { e.expire(now) }

// NextTimeout returns when the next stream has been silent for too long.
func (e *estimator) NextTimeout() simtime.Time {
	at := simtime.Never
	for i := range e.streams {
		at = min(at, e.streams[i].heard.Add(e.patience))
	}
	return at
}

// Estimate returns A_hat.
func (e *estimator) Estimate() units.BitRate {
	if !e.known {
		return 0
	}
	return units.BitRate(math.Round(e.delay.Rate()))
}

// Streams appends the SSRCs that have been heard lately.
func (e *estimator) Streams(ssrcs []uint32) []uint32 {
	for i := range e.streams {
		ssrcs = append(ssrcs, e.streams[i].ssrc)
	}
	return ssrcs
}

// hear notes a stream. One too many takes the place of that which has been silent for
// longest.
func (e *estimator) hear(now simtime.Time, ssrc uint32) {
	oldest := 0
	for i := range e.streams {
		s := &e.streams[i]
		if s.ssrc == ssrc {
			s.heard = now
			return
		}
		if s.heard < e.streams[oldest].heard {
			oldest = i
		}
	}
	if len(e.streams) == maxStreams {
		e.streams = append(e.streams[:oldest], e.streams[oldest+1:]...)
	}
	e.streams = append(e.streams, stream{ssrc, now})
}

// expire removes silent streams. Without any the path may be another one when the next
// packet comes; the estimate stays.
func (e *estimator) expire(now simtime.Time) {
	kept := e.streams[:0]
	for _, s := range e.streams {
		if now.Sub(s.heard) < e.patience {
			kept = append(kept, s)
		}
	}
	gone := len(kept) == 0 && len(e.streams) > 0
	if e.streams = kept; gone {
		e.delay.Reset()
		e.clock = sendClock{}
		e.rate = 0
	}
}

// sendClock completes the 24 bits of abs-send-time, which wrap every 64 s.
type sendClock struct {
	last    uint32
	ticks   int64 // of 2^-18 s since the first packet
	started bool
}

func (c *sendClock) unwrap(v uint32) simtime.Time {
	if !c.started {
		c.started, c.last = true, v
	}
	c.ticks += int64(int32((v-c.last)<<8) >> 8)
	c.last = v
	return simtime.Time((c.ticks * int64(time.Second)) >> 18)
}

func estimatorSignals() []ccontrol.Signal {
	return append(gcc.DelaySignals(),
		ccontrol.Signal{Name: "incoming", Unit: "bit/s", Help: "R_hat, the rate at which packets arrive", Source: "draft §5.5"},
		ccontrol.Signal{Name: "estimate", Unit: "bit/s", Help: "A_hat, what the receiver takes for the available rate", Source: "draft §5.5"})
}

// Signals appends the values in the order of estimatorSignals.
func (e *estimator) Signals(v []float64) []float64 {
	incoming, estimate := math.NaN(), math.NaN()
	if e.rate > 0 {
		incoming = e.rate
	}
	if e.known {
		estimate = e.delay.Rate()
	}
	return append(e.delay.Signals(v), incoming, estimate)
}
