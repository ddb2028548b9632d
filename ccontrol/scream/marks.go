package scream

import (
	"time"

	"rtpfabric/sim/simtime"
)

// alphaPeriod is the longest time between updates of l4s_alpha (rfc8298bis §4.2.1.3).
const alphaPeriod = 10 * time.Millisecond

// marks is l4s_alpha, the average fraction of marked packets (rfc8298bis §4.2.1.3). Time is that
// of arrivals: the document wants an update every 10 ms at least, and reports may
// come ten times less often.
type marks struct {
	up, down          float64 // L4S_AVG_G_UP and _DOWN
	alpha             float64 // l4s_alpha
	delivered, marked int
	sampler           sampler
}

func (m *marks) onPacket(at simtime.Time, marked bool, sRTT time.Duration) {
	m.delivered++
	if marked {
		m.marked++
	}
	period := alphaPeriod
	if sRTT > 0 {
		period = min(period, sRTT)
	}
	if !m.sampler.due(at, period) {
		return
	}
	fraction := float64(m.marked) / float64(m.delivered)
	if fraction >= m.alpha {
		m.alpha = float64(m.up*fraction) + float64((1-m.up)*m.alpha)
	} else {
		m.alpha *= 1 - m.down
	}
	m.delivered, m.marked = 0, 0
}
