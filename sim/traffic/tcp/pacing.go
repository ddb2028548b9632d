package tcp

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// pacer spaces segments at a rate.
type pacer struct {
	at   simtime.Time // when the next segment may go
	wake simtime.Time // at, if a segment waits for it
}

func (p *pacer) reset(now simtime.Time) { p.at = min(p.at, now) }

// sent notes a packet that goes out; rate 0 is no pacing.
func (p *pacer) sent(now simtime.Time, size units.Bytes, rate units.BitRate) {
	if rate <= 0 {
		p.at = now
		return
	}
	p.at = max(p.at, now).Add(rate.TimeToSend(size))
}

// rateOf returns the rate of n octets in a time, with a gain.
func rateOf(n int64, in time.Duration, gain float64) units.BitRate {
	if in <= 0 {
		return 0
	}
	return units.BitRate(float64(float64(8*n)*gain) / in.Seconds())
}
