package gcc

import (
	"math"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Rate returns A_hat, within the limits.
func (c *controller) Rate() units.BitRate { return c.Target().Media }

// SetRate sets A_hat (RFC 8699 Appendix A): that of the delay-based part, that of the
// loss-based part, and what they are joined to. A receiver's estimate (REMB) still caps it.
// No estimate of the delay-based part is invented where there is none yet.
func (c *controller) SetRate(now simtime.Time, rate units.BitRate) {
	b := &c.bandwidth
	a := min(max(float64(rate), b.min), b.max)
	c.delay.control.rate = max(a, c.delay.control.least)
	if !math.IsInf(b.delayBased, 1) {
		b.delayBased = a
	}
	b.v1.restart() // growth begins at this rate
	if b.v2 != nil {
		b.v2.setEstimate(a)
	}
	b.target = a
	c.publish(now)
}

// setEstimate is SetBandwidthEstimate of libwebrtc.
func (l *lossV2) setEstimate(rate float64) {
	if !l.hasBest {
		return
	}
	l.best.bandwidth, l.estimate = rate, rate
}
