package gym

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// silenceMax is for how long after a report the receive rate counts as known.
const silenceMax = 500 * time.Millisecond

// meter makes observations of what a sender knows: what it sent, and what reports said.
type meter struct {
	fields []Field
	step   tally
	began  simtime.Time // the step

	reported simtime.Time // when the last report came
	rtt      time.Duration
	least    time.Duration // one-way delay, with the clocks' offset
	newest   simtime.Time  // arrival that was reported
	heard    bool          // of an arrival: least and newest are valid
	receive  float64       // bit/s
	queue    float64       // s
	last     means
}

// tally is what happens in a step.
type tally struct {
	sent     units.Bytes
	reports  int
	received int
	lost     int
	marked   int
	arrived  units.Bytes // after the newest arrival that was known before
	until    simtime.Time
	delays   float64 // sum, s, with the clocks' offset
	times    float64 // sum of the times of sending, s
}

// means are of the packets received in a step.
type means struct {
	delay, sent float64 // s
	valid       bool
}

func (m *meter) onSent(size units.Bytes) { m.step.sent += size }

func (m *meter) onReport(now simtime.Time, r *ccontrol.Report) {
	if r.RTT > 0 {
		m.rtt = r.RTT
	}
	if !r.AboutPackets() {
		return
	}
	m.reported = now
	t := &m.step
	t.reports++
	for i := range r.Packets {
		p := &r.Packets[i]
		if !p.Received {
			t.lost++
			continue
		}
		m.onArrival(p)
	}
}

func (m *meter) onArrival(p *ccontrol.PacketResult) {
	t := &m.step
	delay := p.Arrival.Sub(p.Sent)
	if !m.heard { // the first packet begins the time in which others arrive
		m.heard, m.least, m.newest, t.until = true, delay, p.Arrival, p.Arrival
	} else {
		t.arrived += p.Size
	}
	t.until = max(t.until, p.Arrival)
	m.least = min(m.least, delay)
	t.received++
	t.delays += delay.Seconds()
	t.times += p.Sent.Duration().Seconds()
	if p.ECN == packet.CE {
		t.marked++
	}
}

// observe ends a step, in which a target was in force, and returns what is known.
func (m *meter) observe(now simtime.Time, target units.BitRate) []float64 {
	t := m.step
	v := make([]float64, numFields)
	v[fieldTarget] = float64(target)
	if d := now.Sub(m.began); d > 0 {
		v[fieldSendRate] = rate(t.sent, d)
	}
	if news := t.received + t.lost; news > 0 {
		v[fieldLoss] = float64(t.lost) / float64(news)
		m.receive = 0
		if d := t.until.Sub(m.newest); d > 0 {
			m.receive = rate(t.arrived, d)
			m.newest = t.until
		}
	}
	if t.received > 0 {
		v[fieldMarked] = float64(t.marked) / float64(t.received)
		v[fieldGradient] = m.delays()
	}
	silence := now.Sub(m.reported)
	if silence <= silenceMax {
		v[fieldReceiveRate] = m.receive
	}
	v[fieldRTT] = m.rtt.Seconds()
	v[fieldQueueDelay] = m.queue
	v[fieldSilence] = silence.Seconds()
	v[fieldReports] = float64(t.reports)
	for i, f := range m.fields {
		v[i] = min(max(v[i], f.Low), f.High)
	}
	m.step, m.began = tally{until: m.newest}, now
	return v
}

// delays takes the step's delays, and returns their gradient.
func (m *meter) delays() float64 {
	n := float64(m.step.received)
	now := means{m.step.delays / n, m.step.times / n, true}
	m.queue = now.delay - m.least.Seconds()
	gradient := 0.0
	if d := now.sent - m.last.sent; m.last.valid && d > 0 {
		gradient = (now.delay - m.last.delay) / d
	}
	m.last = now
	return gradient
}

func rate(b units.Bytes, d time.Duration) float64 { return float64(b) * 8 / d.Seconds() }
