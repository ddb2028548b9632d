package scream

import (
	"math"
	"time"

	"rtpfabric/sim/simtime"
)

// averageDelay is what rfc8298bis §4.2.1.4 keeps of the queuing delay, in seconds. Its
// averages, too, advance with arrivals and not with reports.
type averageDelay struct {
	p       *v2Parameters
	average float64 // qdelay_avg
	// The rest is for REDUCE_JITTER.
	least, greatest float64 // qdelay_min_avg, qdelay_max_avg
	deviation       float64 // qdelay_dev_avg
	scale           float64 // ref_wnd_delay_scale
	sampler         sampler
}

func newAverageDelay(p *v2Parameters) averageDelay {
	return averageDelay{p: p, greatest: p.qdelayTargetLo, scale: 1}
}

func (d *averageDelay) sample(at simtime.Time, qdelay, target float64, sRTT time.Duration) {
	if d.p.reduceJitter {
		d.greatest = min(target, max(qdelay, d.greatest))
		d.least = min(qdelay, d.least)
	}
	period := d.p.virtualRTT
	if sRTT > 0 {
		period = min(period, sRTT)
	}
	if !d.sampler.due(at, period) {
		return
	}
	if g := d.p.qdelayAvgG; qdelay < d.average {
		d.average = qdelay
	} else {
		d.average = float64(g*qdelay) + float64((1-g)*d.average)
	}
	if d.p.reduceJitter {
		d.rescale()
	}
}

// rescale is calculate_ref_wnd_delay_scale.
func (d *averageDelay) rescale() {
	g := d.p.qdelayMinMaxAvgG
	d.greatest = float64(d.greatest * (1 - g))
	d.least = float64(d.least*(1-g)) + float64(d.greatest*g)
	g = d.p.qdelayDevAvgG
	d.deviation = float64((1-g)*d.deviation) + float64(g*(d.greatest-d.least))
	d.scale = clamp(1-d.deviation/d.p.qdelayDevThreshold, 0, 1)
}

// clockDrift finds a base delay that isn't true any more (rfc8298bis §4.5.1): then hardly any
// packet comes with a queuing delay near zero.
type clockDrift struct {
	gain    float64 // QDELAY_MIN_AVG_ALPHA
	average float64 // qdelay_min_avg of that section, not of §4.2.1.4
	least   float64 // qdelay_min of the present round trip
	began   simtime.Time
}

func (c *clockDrift) sample(qdelay float64) { c.least = min(c.least, qdelay) }

// update ends a round trip. It reports whether the base delay should be measured anew.
func (c *clockDrift) update(now simtime.Time, sRTT time.Duration, target float64) (drifted bool) {
	if now.Sub(c.began) < sRTT || math.IsInf(c.least, 1) {
		return false
	}
	c.average = float64((1-c.gain)*c.average) + float64(c.gain*c.least)
	c.least, c.began = math.Inf(1), now
	if c.average <= target/4 {
		return false
	}
	c.average = 0
	return true
}
