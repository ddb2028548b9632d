package scream

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// loop closes the loop around a controller: an encoder that makes frames of the target rate, a
// host that paces and keeps the window, a bottleneck, and a receiver that reports. It
// advances by milliseconds.
type loop struct {
	t *testing.T
	c ccontrol.Controller

	limits   ccontrol.Limits
	rate     float64       // of the bottleneck, bit/s
	delay    time.Duration // each way
	limit    time.Duration // the queue drops what would wait longer
	step     time.Duration // the queue marks what waits longer; 0 marks nothing
	ecn      packet.ECN
	interval time.Duration // between reports
	deaf     bool          // reports are lost
	drop     int           // every so many packets are lost on the way; 0 for none

	now        simtime.Time
	pending    []units.Bytes // packets that wait for pacer and window
	backlog    units.Bytes
	allowance  float64 // of the pacer, bits
	nextFrame  simtime.Time
	busyUntil  simtime.Time
	nextReport simtime.Time
	seq        uint64
	flying     []ccontrol.PacketResult // sent, not reported; lost ones aren't Received
	reports    []*delivery
	sent       units.Bytes
	covered    units.Bytes // by reports that were made
	acked      units.Bytes // by reports that came

	arrived units.Bytes     // since measure began
	left    units.Bytes     // sent since then
	waits   []time.Duration // in the bottleneck
}

type delivery struct {
	at    simtime.Time
	r     ccontrol.Report
	acked units.Bytes
}

func newLoop(t *testing.T, name string, l ccontrol.Limits, settings map[string]string) *loop {
	t.Helper()
	spec, _ := ccontrol.Lookup(name)
	c, err := spec.Build(l, settings)
	if err != nil {
		t.Fatal(err)
	}
	return &loop{
		t: t, c: c, limits: l, rate: 1e6, delay: 25 * time.Millisecond, limit: 300 * time.Millisecond,
		ecn: packet.NotECT, interval: 50 * time.Millisecond,
	}
}

var wide = ccontrol.Limits{Min: 150 * units.Kbps, Max: 5 * units.Mbps, Start: 300 * units.Kbps}

func (l *loop) run(d time.Duration) {
	for end := l.now.Add(d); l.now < end; l.now = l.now.Add(time.Millisecond) {
		l.receive()
		for l.c.NextTimeout() <= l.now {
			l.c.OnTimeout(l.now)
		}
		l.encode()
		l.send()
		l.check()
	}
}

// measured runs and returns what share of the bottleneck was used and the 95th percentile of
// the time that packets waited in it.
func (l *loop) measured(d time.Duration) (utilization float64, p95 time.Duration) {
	l.arrived, l.waits, l.left = 0, l.waits[:0], 0
	l.run(d)
	return float64(8*l.arrived) / l.rate / d.Seconds(), percentile(l.waits, 95)
}

func percentile(d []time.Duration, p int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := append([]time.Duration{}, d...)
	slices.Sort(sorted)
	return sorted[(len(sorted)-1)*p/100]
}

func (l *loop) encode() {
	if l.now < l.nextFrame {
		return
	}
	const period = 33 * time.Millisecond
	l.nextFrame = l.nextFrame.Add(period)
	for left := l.c.Target().Media.BytesIn(period); left > 0; left -= 1200 {
		l.pending = append(l.pending, max(min(left, 1200), 50))
		l.backlog += max(min(left, 1200), 50)
	}
}

func (l *loop) send() {
	target := l.c.Target()
	l.allowance = min(l.allowance+float64(target.Pacing)/1000, float64(target.Pacing)/1000)
	for len(l.pending) > 0 && l.allowance >= 0 {
		size := l.pending[0]
		if flying := l.sent - l.acked; flying > 0 && flying+size > target.Window {
			return
		}
		l.pending = l.pending[1:]
		l.backlog -= size
		l.allowance -= float64(8 * size)
		l.transmit(size)
		l.c.OnSent(l.now, ccontrol.Sent{Seq: l.seq, Size: size, Backlog: l.backlog, InFlight: l.sent - l.acked})
		l.seq++
		target = l.c.Target()
	}
}

func (l *loop) transmit(size units.Bytes) {
	l.sent += size
	l.left += size
	r := ccontrol.PacketResult{Seq: l.seq, Size: size, Sent: l.now, ECN: l.ecn}
	wait := max(0, l.busyUntil.Sub(l.now))
	if wait <= l.limit && (l.drop == 0 || l.seq%uint64(l.drop) != 0) {
		l.waits = append(l.waits, wait)
		l.busyUntil = l.now.Add(wait + time.Duration(float64(8*size)/l.rate*1e9))
		r.Received, r.Arrival = true, l.busyUntil.Add(l.delay+time.Hour) // another clock
		l.arrived += size
		if l.step > 0 && wait > l.step && l.ecn != packet.NotECT {
			r.ECN = packet.CE
		}
	}
	l.flying = append(l.flying, r)
}

// receive makes a report at each interval and hands over those that have come back.
func (l *loop) receive() {
	if l.now >= l.nextReport {
		l.nextReport = l.now.Add(l.interval)
		l.report()
	}
	for len(l.reports) > 0 && l.reports[0].at <= l.now {
		d := l.reports[0]
		l.reports = l.reports[1:]
		l.acked = d.acked
		d.r.Backlog, d.r.InFlight = l.backlog, l.sent-l.acked
		l.c.OnFeedback(l.now, &d.r)
	}
}

func (l *loop) report() {
	n := 0
	for i, p := range l.flying {
		if p.Received && p.Arrival <= l.now.Add(time.Hour) {
			n = i + 1
		}
	}
	if n == 0 {
		return
	}
	d := &delivery{at: l.now.Add(l.delay)}
	d.r.Packets = append(d.r.Packets, l.flying[:n]...)
	l.flying = append(l.flying[:0:0], l.flying[n:]...)
	for _, p := range d.r.Packets {
		l.covered += p.Size
	}
	d.acked = l.covered
	if !l.deaf {
		l.reports = append(l.reports, d)
	}
}

func (l *loop) check() {
	target := l.c.Target()
	if target.Media < l.limits.Min || target.Media > l.limits.Max || target.Pacing <= 0 || target.Window < 1500 {
		l.t.Fatalf("%v: target %+v", l.now, target)
	}
}
