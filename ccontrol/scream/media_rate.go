package scream

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
)

// medianSamples of rate_media, one each RATE_ADJUST_INTERVAL of 0.2 s, are "more than
// 10 s" (RFC 8298 §4.1.1.2).
const medianSamples = 51

// mediaRate is the media rate control (RFC 8298 §4.1.3). Rates are in bit/s, the queue in
// bits.
type mediaRate struct {
	p        *parameters
	target   float64 // target_bitrate
	lastMax  float64 // target_bitrate_last_max
	lowered  bool    // since lastMax was set, the target hasn't grown
	transmit float64 // rate_transmit
	ack      float64 // rate_ack
	media    float64 // rate_media
	history  [medianSamples]float64
	n        int
	queue    float64 // rtp_queue_size

	sent, came float64 // bits since the last adjustment, out of and into the RTP queue
	acked      float64 // bits since the last rate_ack
	adjusted   simtime.Time
	ackedSince simtime.Time
}

func (m *mediaRate) onSent(size, backlog float64) {
	m.sent += 8 * size
	m.came += max(0, float64(8*(backlog+size))-m.queue)
	m.queue = 8 * backlog
}

// onAck counts for rate_ack. As reports may come less often than every 200 ms, the rate is
// that between two reports at least as far apart.
func (m *mediaRate) onAck(now simtime.Time, newlyAcked, backlog float64) {
	m.queue = 8 * backlog
	m.acked += 8 * newlyAcked
	if elapsed := now.Sub(m.ackedSince); elapsed >= m.p.rateAdjustInterval {
		m.ack = m.acked / elapsed.Seconds()
		m.acked, m.ackedSince = 0, now
	}
}

// onCongestion is the prompt reaction to loss and marks, which takes the place of the next
// regular adjustment.
func (m *mediaRate) onCongestion(beta float64) {
	m.inflect()
	m.target = max(beta*m.target, m.p.targetBitrateMin)
}

// inflect notes the rate at which congestion began. The RFC has it "updated when congestion is
// detected" and calls it the last known highest rate; so the rates of one decline
// don't count, only the one that it began with.
func (m *mediaRate) inflect() {
	if !m.lowered {
		m.lastMax = max(m.target, 1)
		m.lowered = true
	}
}

// measure takes the rates of the interval that ends now.
func (m *mediaRate) measure(now simtime.Time) {
	elapsed := max(now.Sub(m.adjusted), time.Millisecond).Seconds()
	m.transmit = m.sent / elapsed
	m.media = m.came / elapsed
	m.sent, m.came, m.adjusted = 0, 0, now
	m.history[m.n%medianSamples] = m.media
	m.n++
}

// adjust is what is done every RATE_ADJUST_INTERVAL.
func (m *mediaRate) adjust(inFastIncrease bool, trend, memory float64) {
	before := m.target
	step := min(m.p.rampUpSpeed, m.target/2) * m.p.rateAdjustInterval.Seconds()
	scale := m.scale()
	current := max(m.transmit, m.ack)
	if inFastIncrease {
		m.target += float64(step * scale)
	} else {
		delta := float64(current*(1-float64(m.p.preCongestionGuard*trend))) - float64(m.p.txQueueSizeFactor*m.queue)
		if delta > 0 {
			delta = min(delta*scale, step)
		}
		m.target += delta
		if m.queue > float64(current*m.p.rtpQdelayTh) {
			m.target *= m.p.targetRateScaleRTPQdelay
		}
	}
	limit := max(current, m.media, m.median()) * (2 - memory)
	m.target = clamp(min(m.target, limit), m.p.targetBitrateMin, m.p.targetBitrateMax)
	if m.target > before {
		m.lowered = false
	}
}

// scale is scale_t: caution near the last inflection point.
func (m *mediaRate) scale() float64 {
	s := 4 * (m.target - m.lastMax) / m.lastMax
	return clamp(s*s, 0.2, 1)
}

func (m *mediaRate) median() float64 {
	n := min(m.n, medianSamples)
	if n == 0 {
		return 0
	}
	sorted := m.history
	slices.Sort(sorted[:n])
	return sorted[n/2]
}
