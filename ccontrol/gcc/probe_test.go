package gcc

import (
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// probePackets are packets of 1000 bytes in a probe.
func probePackets(id uint32, n int, sent, arrival time.Duration) []ccontrol.PacketResult {
	p := stream(n, sent, arrival)
	for i := range p {
		p[i].Size, p[i].Probe = 1000, id
	}
	return p
}

// Five packets 5 ms apart are four times 8000 bits in 20 ms: 1.6 Mbit/s.
func TestProbeEstimate(t *testing.T) {
	for _, c := range []struct {
		what    string
		n       int
		arrival time.Duration
		want    float64 // 0 is none
	}{
		{"as fast as sent", 5, 5 * msec, 1.6e6},
		{"a little slower", 5, 5500 * time.Microsecond, 1.6e6 * 5 / 5.5},
		{"at half the rate: that is the capacity, of which 95 %", 5, 10 * msec, 0.95 * 0.8e6},
		{"faster", 5, 3 * msec, 1.6e6},
		{"much faster: a queue was let go", 5, 2 * msec, 0},
		{"at once", 5, 0, 0},
		{"80 % of it", 4, 5 * msec, 1.6e6},
		{"less", 3, 5 * msec, 0},
		{"too slow to be one probe", 5, 300 * msec, 0},
	} {
		var e probeEstimator
		e.expect(&ccontrol.Probe{ID: 7, Packets: 5, Bytes: 5000})
		var got float64
		for _, p := range probePackets(7, c.n, 5*msec, c.arrival) {
			got, _ = e.add(&p)
		}
		wantNear(t, c.what, got, c.want)
	}
}

func TestProbeEstimateNeedsBytes(t *testing.T) {
	var e probeEstimator
	e.expect(&ccontrol.Probe{ID: 1, Packets: 5, Bytes: 6260})
	for _, p := range probePackets(1, 5, 5*msec, 5*msec) {
		if _, ok := e.add(&p); ok {
			t.Error("an estimate from less than 80 % of the bytes")
		}
	}
	for _, p := range probePackets(2, 5, 5*msec, 5*msec) {
		if _, ok := e.add(&p); ok {
			t.Error("an estimate of a probe that nobody asked for")
		}
	}
}

func newProber() *prober {
	return &prober{config: probeConfig{
		enabled: true, alr: true, first: 3, second: 6, further: 2, threshold: 0.7,
		alrInterval: 5 * time.Second, alrScale: 2, duration: 15 * msec, packets: 5, max: 3e6,
	}}
}

func wantProbes(t *testing.T, what string, p *prober, now simtime.Time, rates ...units.BitRate) {
	t.Helper()
	for _, want := range rates {
		got, ok := p.poll(now)
		if !ok || got.Rate != want || got.ID == 0 {
			t.Errorf("%s: probe %v %v, want one at %v", what, got, ok, want)
		}
	}
	if got, ok := p.poll(now); ok {
		t.Errorf("%s: a further probe %v", what, got)
	}
}

// Three and six times the start rate; then twice every result of at least 70 % of
// the last probe, up to the fastest probe.
func TestExponentialProbing(t *testing.T) {
	p := newProber()
	p.start(0, 200_000)
	first, _ := p.poll(0)
	if want := (ccontrol.Probe{ID: 1, Rate: 600_000, Packets: 5, Bytes: 1125}); first != want {
		t.Errorf("first probe %v, want %v", first, want)
	}
	wantProbes(t, "the second", p, 0, 1_200_000)
	p.setEstimate(at(100*msec), 600_000, byDelay) // the first one's result
	wantProbes(t, "below 0.7·1.2 Mbit/s", p, at(100*msec))
	p.setEstimate(at(150*msec), 1_200_000, byDelay)
	wantProbes(t, "the second's result", p, at(150*msec), 2_400_000)
	p.setEstimate(at(250*msec), 2_400_000, byDelay)
	wantProbes(t, "up to the maximum", p, at(250*msec), 3_000_000)
	p.setEstimate(at(350*msec), 3_000_000, byDelay)
	wantProbes(t, "there is nothing beyond", p, at(350*msec))
}

// A result that comes after a second, or never, doesn't lead to another probe.
func TestProbeThatIsNeverAnswered(t *testing.T) {
	p := newProber()
	p.start(0, 200_000)
	wantProbes(t, "initial", p, 0, 600_000, 1_200_000)
	p.process(at(time.Second+1), &alr{})
	p.setEstimate(at(time.Second+1), 1_200_000, byDelay)
	wantProbes(t, "after a second", p, at(time.Second+1))
}

// Probes that the host didn't come to send are dropped after 5 s.
func TestProbesExpire(t *testing.T) {
	p := newProber()
	p.start(0, 200_000)
	wantProbes(t, "after 5 s", p, at(5*time.Second+1))
	for i := range 20 {
		p.push(0, float64(1000*(i+1)))
	}
	wantProbes(t, "the last five", p, 0, 16_000, 17_000, 18_000, 19_000, 20_000)
}

func TestNoProbeWhileCongested(t *testing.T) {
	for _, c := range []limitedBy{byDelayChange, byHighRTT, byLoss} {
		p := newProber()
		p.limited = c
		p.start(0, 200_000)
		wantProbes(t, "limited", p, 0)
	}
	p := newProber()
	p.limited = byLossRising
	p.start(0, 200_000)
	wantProbes(t, "at most 1.5 times the estimate", p, 0, 300_000, 300_000)
}

// Every 5 s while the application is the limit, at twice the estimate.
func TestALRProbes(t *testing.T) {
	p := newProber()
	p.start(0, 200_000)
	wantProbes(t, "initial", p, 0, 600_000, 1_200_000)
	a := &alr{active: true, since: at(2 * time.Second)}
	for now := at(time.Second); now < at(7*time.Second); now = now.Add(25 * msec) {
		p.process(now, a)
	}
	wantProbes(t, "before 5 s have passed", p, at(6*time.Second))
	p.process(at(7*time.Second), a)
	wantProbes(t, "after 5 s", p, at(7*time.Second), 400_000)
	p.process(at(9*time.Second), a)
	wantProbes(t, "shortly after", p, at(9*time.Second))
	p.process(at(12*time.Second), a)
	wantProbes(t, "5 s later", p, at(12*time.Second), 400_000)
	a.active = false
	p.process(at(20*time.Second), a)
	wantProbes(t, "not limited", p, at(20*time.Second))
}

// After a large drop, and once the queue has drained, 85 % of what was there.
func TestProbeAfterDrop(t *testing.T) {
	drop := func(to float64) *prober {
		p := newProber()
		p.started, p.estimate = true, 1e6
		p.setEstimate(at(10*time.Second), to, byDelay)
		return p
	}
	p := drop(650_000)
	p.recovered(at(11*time.Second), false)
	wantProbes(t, "not application-limited", p, at(11*time.Second))
	p.recovered(at(11*time.Second), true)
	wantProbes(t, "recovered", p, at(11*time.Second), 850_000)
	p.recovered(at(12*time.Second), true)
	wantProbes(t, "once in 5 s", p, at(12*time.Second))

	p = drop(670_000)
	p.recovered(at(11*time.Second), true)
	wantProbes(t, "no large drop", p, at(11*time.Second))

	p = drop(650_000)
	p.recovered(at(15*time.Second), true)
	wantProbes(t, "too late", p, at(15*time.Second))

	p = drop(650_000)
	p.alrEnded, p.hasAlrEnded = at(9*time.Second), true
	p.recovered(at(11*time.Second), false)
	wantProbes(t, "application-limited until lately", p, at(11*time.Second), 850_000)
}

func TestProbingCanBeOff(t *testing.T) {
	p := newProber()
	p.config.enabled = false
	p.start(0, 200_000)
	wantProbes(t, "off", p, 0)
}

// At 1 Mbit/s the budget grows by 81,250 B/s, up to 40,625 B. A sender of 300
// kbit/s leaves 43,750 B/s of it, so that 80 % are unused after 743 ms; one of
// 1 Mbit/s takes 43,750 B/s more and half is used after another 280 ms and more.
func TestALR(t *testing.T) {
	a := &alr{}
	a.setTarget(1e6)
	now := simtime.Time(0)
	send := func(d time.Duration, rate float64) {
		for end := now.Add(d); now < end; now = now.Add(10 * msec) {
			a.onSent(now, units.Bytes(rate/8/100))
		}
	}
	send(740*msec, 300_000)
	if a.active {
		t.Error("limited by the application too early")
	}
	send(20*msec, 300_000)
	if !a.active || a.since < at(740*msec) {
		t.Errorf("not limited by the application, since %v", a.since)
	}
	send(250*msec, 1e6)
	if !a.active {
		t.Error("not limited any more too early")
	}
	send(50*msec, 1e6)
	if a.active {
		t.Error("still limited by the application")
	}
	send(5*time.Second, 700_000)
	if a.active {
		t.Error("65 % of the target is enough")
	}
}
