package scream

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

var narrow = ccontrol.Limits{Min: 150 * units.Kbps, Max: 1500 * units.Kbps, Start: 300 * units.Kbps}

func build(t testing.TB, name string, l ccontrol.Limits, settings map[string]string) ccontrol.Controller {
	t.Helper()
	spec, _ := ccontrol.Lookup(name)
	c, err := spec.Build(l, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newTestV1(t *testing.T) *v1 {
	t.Helper()
	return build(t, "scream", narrow, nil).(*v1)
}

func TestParametersOfRFC8298(t *testing.T) {
	p := newTestV1(t).p
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"QDELAY_TARGET_LO", p.qdelayTargetLo, 0.1},
		{"QDELAY_TARGET_HI", p.qdelayTargetHi, 0.4},
		{"QDELAY_WEIGHT", p.qdelayWeight, 0.1},
		{"QDELAY_TREND_TH", p.qdelayTrendTh, 0.2},
		{"MIN_CWND", p.minCwnd, 3000},
		{"MAX_BYTES_IN_FLIGHT_HEAD_ROOM", p.headRoom, 1.1},
		{"GAIN", p.gain, 1},
		{"BETA_LOSS", p.betaLoss, 0.8},
		{"BETA_ECN", p.betaECN, 0.9},
		{"BETA_R", p.betaR, 0.9},
		{"MSS", p.mss, 1000},
		{"RATE_ADJUST_INTERVAL", p.rateAdjustInterval.Seconds(), 0.2},
		{"TARGET_BITRATE_MIN", p.targetBitrateMin, 150_000},
		{"TARGET_BITRATE_MAX", p.targetBitrateMax, 1_500_000},
		{"RAMP_UP_SPEED", p.rampUpSpeed, 200_000},
		{"PRE_CONGESTION_GUARD", p.preCongestionGuard, 0.1},
		{"TX_QUEUE_SIZE_FACTOR", p.txQueueSizeFactor, 1},
		{"RTP_QDELAY_TH", p.rtpQdelayTh, 0.02},
		{"TARGET_RATE_SCALE_RTP_QDELAY", p.targetRateScaleRTPQdelay, 0.95},
		{"QDELAY_TREND_LO", p.qdelayTrendLo, 0.2},
		{"T_RESUME_FAST_INCREASE", p.resumeFastIncrease.Seconds(), 5},
		{"RATE_PACE_MIN", p.ratePaceMin, 50_000},
	} {
		if c.got != c.want {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
}

// update_variables of §4.1.2. For x = 1 … 20, R(x-10.5, 0) = 665 and R(x-10.5, 1) = Σ u·(u+1) for u = -9.5 … 8.5
// = (665 - 90.25) - 9.5 = 565.25, so a_t = 0.85.
func TestTrend(t *testing.T) {
	tr := trend{weight: 0.1}
	tr.sample(0.5)
	wantNear(t, "qdelay_fraction_avg", tr.average, 0.05)
	for x := 1; x <= 20; x++ {
		tr.sample(float64(x) / 20)
	}
	wantNear(t, "a_t", tr.coefficient(), 0.85)
	wantNear(t, "qdelay_trend", tr.trend, 0.85*tr.average)
	before := tr.memory
	for range 20 {
		tr.sample(0.3)
	}
	if tr.coefficient() != 0 || tr.trend != 0 {
		t.Errorf("a constant delay has the trend %v", tr.trend)
	}
	if tr.memory >= before || tr.memory < before*math.Pow(0.99, 20)-1e-9 {
		t.Errorf("qdelay_trend_mem fell from %v to %v in 20 samples", before, tr.memory)
	}
}

func TestTrendIsBounded(t *testing.T) {
	tr := trend{weight: 1}
	for x := range 20 {
		tr.sample(float64(100 * x))
	}
	if tr.trend != 1 {
		t.Errorf("qdelay_trend = %v, want 1", tr.trend)
	}
	for x := range 20 {
		tr.sample(float64(x%2) * 100) // a_t < 0
	}
	if tr.trend != 0 {
		t.Errorf("qdelay_trend = %v, want 0", tr.trend)
	}
}

// update_cwnd of §4.1.2.2, MSS 1000.
func TestWindowUpdate(t *testing.T) {
	for _, c := range []struct {
		name                            string
		fast                            bool
		cwnd, acked, flight, maxFlight  float64
		qdelay, trend, want             float64
		wantFast, wantLeft, resumesSoon bool
	}{
		// 10000·1.5 + 2000 > 12000.
		{name: "fast", fast: true, cwnd: 12000, acked: 2000, flight: 10000, want: 14000, wantFast: true},
		{name: "fast, unused", fast: true, cwnd: 12000, acked: 2000, flight: 6000, want: 12000, wantFast: true},
		{name: "fast, not capped", fast: true, cwnd: 12000, acked: 2000, flight: 10000, maxFlight: 100, want: 14000, wantFast: true},
		// off_target = (0.1 - 0.05)/0.1; 0.5·2000·1000/10000 = 100.
		{name: "leaves fast", fast: true, cwnd: 10000, acked: 2000, flight: 9000, maxFlight: 20000, qdelay: 0.05, trend: 0.2, want: 10100, wantLeft: true},
		{name: "below target", cwnd: 10000, acked: 2000, flight: 9000, maxFlight: 20000, qdelay: 0.05, want: 10100},
		{name: "at target", cwnd: 10000, acked: 2000, flight: 9000, maxFlight: 20000, qdelay: 0.1, want: 10000},
		// off_target = -1.
		{name: "above target", cwnd: 10000, acked: 2000, flight: 9000, maxFlight: 20000, qdelay: 0.2, want: 9800},
		// 6000·1.25 + 2000 <= 10000.
		{name: "unused", cwnd: 10000, acked: 2000, flight: 6000, maxFlight: 20000, qdelay: 0.05, want: 10000},
		{name: "unused, above target", cwnd: 10000, acked: 2000, flight: 0, maxFlight: 20000, qdelay: 0.2, want: 9800},
		{name: "by bytes in flight", cwnd: 10000, acked: 2000, flight: 9000, maxFlight: 8000, qdelay: 0.05, want: 8800},
		{name: "MIN_CWND", cwnd: 3100, acked: 2000, flight: 3000, maxFlight: 20000, qdelay: 0.4, want: 3000},
	} {
		w := &newTestV1(t).window
		w.cwnd, w.inFastIncrease = c.cwnd, c.fast
		w.inFlight.update(0, c.maxFlight)
		left := w.onAck(at(time.Second), c.acked, c.flight, c.qdelay, 0.1, c.trend)
		wantNear(t, c.name+": cwnd", w.cwnd, c.want)
		if w.inFastIncrease != c.wantFast || left != c.wantLeft {
			t.Errorf("%s: in_fast_increase = %v, left it: %v", c.name, w.inFastIncrease, left)
		}
	}
}

// §4.1.2.7, and that the five seconds begin with the last congestion.
func TestFastIncreaseResumes(t *testing.T) {
	w := &newTestV1(t).window
	w.inFlight.update(0, 1e6)
	w.onCongestion(at(time.Second), 0.8)
	w.onAck(at(5900*msec), 0, 0, 0, 0.1, 0)
	if w.inFastIncrease {
		t.Error("resumed after 4.9 s")
	}
	w.onAck(at(5950*msec), 0, 0, 0, 0.1, 0.3) // qdelay_trend above QDELAY_TREND_LO
	w.onAck(at(10900*msec), 0, 0, 0, 0.1, 0)
	if w.inFastIncrease {
		t.Error("resumed 4.95 s after the trend")
	}
	if w.onAck(at(10950*msec), 0, 0, 0, 0.1, 0); !w.inFastIncrease {
		t.Error("not resumed after 5 s")
	}
}

func TestMaxBytesInFlight(t *testing.T) {
	var s slidingMax
	s.update(at(100*msec), 5000)
	s.update(at(200*msec), 3000)
	s.update(at(4900*msec), 2000)
	if s.max() != 5000 {
		t.Errorf("maximum %v within five seconds", s.max())
	}
	s.update(at(5100*msec), 1000)
	if s.max() != 2000 {
		t.Errorf("maximum %v after five seconds", s.max())
	}
	s.update(at(time.Hour), 10)
	if s.max() != 10 {
		t.Errorf("maximum %v after an hour", s.max())
	}
}

// adjust_qdelay_target of §4.1.2.3, in parts of QDELAY_TARGET_LO = 0.1 s.
func TestQdelayTarget(t *testing.T) {
	fill := func(d *targetDelay, values ...float64) {
		for i := range d.history {
			d.history[i] = values[i%len(values)]
		}
	}
	for _, c := range []struct {
		name              string
		history           []float64
		target, lossRate  float64
		qdelay, want, tol float64
	}{
		// Average and variance of equal samples are x and 0.
		{"no queue", []float64{0}, 0.1, 0, 0, 0.1, 1e-9},
		{"stable queue", []float64{2}, 0.1, 0, 0.2, 0.2, 1e-9},
		{"stable queue with losses", []float64{2}, 0.1, 0.01, 0.2, 0.3, 1e-9},
		{"at most QDELAY_TARGET_HI", []float64{5}, 0.1, 0.01, 0.5, 0.4, 1e-9},
		// 0 and 2 in turn: average 1, variance 1, limit 0.2 s: slowly down.
		{"variable queue", []float64{0, 2}, 0.3, 0, 0, 0.27, 1e-9},
		{"variable queue with losses", []float64{0, 2}, 0.1, 0.01, 0, 0.3, 1e-3},
	} {
		d := targetDelay{lo: 0.1, hi: 0.4, adapt: true, target: c.target}
		fill(&d, c.history...)
		d.sample(c.qdelay, c.lossRate)
		if math.Abs(d.target-c.want) > c.tol {
			t.Errorf("%s: qdelay_target = %v, want %v", c.name, d.target, c.want)
		}
	}
	// The last 50 samples are 0 and those before vary: average 0, limit √var · 0.1 s. With
	// samples of 0 and 1.5 the variance of 200, 150 of which vary, is 0.75·1.125 - 0.5625² = 0.527.
	d := targetDelay{lo: 0.1, hi: 0.4, adapt: true, target: 0.35}
	fill(&d, 0, 1.5)
	for i := range 49 {
		d.history[199-i] = 0
	}
	d.sample(0, 0)
	wantNear(t, "qdelay_target that falls quickly", d.target, 0.175)
	d.adapt, d.target = false, 0.1
	fill(&d, 3)
	if d.sample(0.3, 1); d.target != 0.1 {
		t.Error("adapted although it is switched off")
	}
}

// feedV1 sends packets 10 ms apart and reports on them.
func feedV1(c ccontrol.Controller, now time.Duration, inFlight units.Bytes, results ...ccontrol.PacketResult) {
	c.OnFeedback(at(now), &ccontrol.Report{Packets: results, InFlight: inFlight})
}

// §4.1.2.1: on loss cwnd·BETA_LOSS and target·BETA_R, at a mark cwnd·BETA_ECN and target·BETA_ECN,
// once per round trip; after either, no fast increase.
func TestCongestionEvents(t *testing.T) {
	marked := func(seq uint64, sent time.Duration) ccontrol.PacketResult {
		r := arrival(seq, sent, 50*msec)
		r.ECN = packet.CE
		return r
	}
	c := newTestV1(t)
	c.window.cwnd, c.media.target = 20000, 1e6
	feedV1(c, 200*msec, 20000, arrival(0, 100*msec, 50*msec), lost(1, 101*msec), arrival(2, 102*msec, 50*msec))
	wantNear(t, "cwnd after loss", c.window.cwnd, 16000)
	wantNear(t, "target after loss", c.media.target, 900_000)
	if c.window.inFastIncrease || c.media.lastMax != 1e6 {
		t.Errorf("in_fast_increase %v, target_bitrate_last_max %v", c.window.inFastIncrease, c.media.lastMax)
	}
	// s_rtt is 99 ms. Neither more losses nor marks count until it has passed; the window grows
	// by the delay, which with nothing newly acked is nothing.
	c.window.inFlight.update(0, 1e6)
	feedV1(c, 250*msec, 20000, lost(3, 201*msec), marked(4, 202*msec))
	wantNear(t, "cwnd 50 ms later", c.window.cwnd, 16000)
	feedV1(c, 350*msec, 20000, marked(5, 202*msec))
	wantNear(t, "cwnd after a mark", c.window.cwnd, 14400)
	wantNear(t, "target after a mark", c.media.target, 810_000)
	wantNear(t, "last_max of one decline", c.media.lastMax, 1e6)
	// What left before the reaction belongs to it, however late the news.
	feedV1(c, time.Second, 20000, lost(6, 300*msec), marked(7, 301*msec))
	wantNear(t, "cwnd after old news", c.window.cwnd, 14400)
}

// §4.1.2.5: one MSS more than cwnd unless the delay is above its target.
func TestSendWindow(t *testing.T) {
	c := newTestV1(t)
	if got := c.Target(); got.Window != 4000 || got.Media != 300*units.Kbps || got.Pacing != 300*units.Kbps {
		t.Errorf("at the start %+v", got)
	}
	c.path.qdelay = 0.1
	if got := c.Target().Window; got != 4000 {
		t.Errorf("window at the target %v", got)
	}
	c.path.qdelay = 0.101
	if got := c.Target().Window; got != 3000 {
		t.Errorf("window above the target %v", got)
	}
	// §4.1.2.6.
	c.window.cwnd, c.path.sRTT = 10000, 0.1
	if got := c.Target().Pacing; got != 800*units.Kbps {
		t.Errorf("pacing rate %v, want cwnd·8/s_rtt", got)
	}
	c.path.sRTT = 10
	if got := c.Target().Pacing; got != 50*units.Kbps {
		t.Errorf("pacing rate %v, want RATE_PACE_MIN", got)
	}
}

// §4.1.3, worked by hand for a target of 1 Mbit/s: ramp_up_speed = min(200k, 500k), an increment
// is at most 40 kbit/s.
func TestMediaRate(t *testing.T) {
	for _, c := range []struct {
		name                   string
		fast                   bool
		lastMax, current       float64
		queue, trend, mem      float64
		media                  float64
		want                   float64
		wantLowered, preserved bool
	}{
		{name: "fast", fast: true, lastMax: 1, current: 1e6, want: 1_040_000},
		// scale = (4·0.1)² < 0.2.
		{name: "fast near last max", fast: true, lastMax: 909_090.909090909, current: 1e6, want: 1_008_000},
		// scale = (4·0.1875)² = 0.5625; 1e6 - 0.8421e6.
		{name: "fast nearer", fast: true, lastMax: 842_105.2631578947, current: 1e6, want: 1_022_500},
		// delta = 1e6·(1 - 0.1·0.5) > 40000.
		{name: "steady", lastMax: 1, current: 1e6, trend: 0.5, want: 1_040_000},
		// The queue of 15 ms isn't yet too long.
		{name: "short RTP queue", lastMax: 1, current: 1e6, queue: 15_000, want: 1_040_000},
		{name: "RTP queue", lastMax: 1, current: 1e6, queue: 25_000, want: 1_040_000 * 0.95},
		// delta = 400000 - 600000.
		{name: "long RTP queue", lastMax: 1, current: 4e5, queue: 6e5, media: 1e6, want: 8e5 * 0.95},
		// rate_media_limit = 450000·(2 - 0).
		{name: "media limit", fast: true, lastMax: 1, current: 4.5e5, want: 900_000},
		{name: "media limit after congestion", fast: true, lastMax: 1, current: 9e5, mem: 1, want: 900_000},
	} {
		m := &newTestV1(t).media
		m.target, m.lastMax, m.ack, m.queue, m.media = 1e6, c.lastMax, c.current, c.queue, c.media
		m.adjust(c.fast, c.trend, c.mem)
		wantNear(t, c.name+": target_bitrate", m.target, c.want)
	}
}

func TestMediaRateIsBounded(t *testing.T) {
	m := &newTestV1(t).media
	m.target = 1_490_000
	m.lastMax, m.ack = 1, 1e7
	if m.adjust(true, 0, 0); m.target != 1_500_000 {
		t.Errorf("target %v above TARGET_BITRATE_MAX", m.target)
	}
	for range 100 {
		m.onCongestion(0.5)
	}
	if m.target != 150_000 {
		t.Errorf("target %v below TARGET_BITRATE_MIN", m.target)
	}
}

// §4.1.3: both estimates take 200 ms; what waits counts as made by the encoders.
func TestMeasuredRates(t *testing.T) {
	m := &newTestV1(t).media
	m.onSent(1000, 4000) // 5000 B came
	m.onSent(1000, 3000)
	m.onSent(1000, 4000) // 2000 B more
	m.measure(at(200 * msec))
	wantNear(t, "rate_transmit", m.transmit, 3000*8/0.2)
	wantNear(t, "rate_media", m.media, 7000*8/0.2)
	m.onAck(at(100*msec), 1000, 0)
	m.onAck(at(400*msec), 3000, 0)
	wantNear(t, "rate_ack", m.ack, 4000*8/0.4)
	for _, r := range []float64{5, 1, 9} {
		m.history[m.n%medianSamples] = r * 1e6
		m.n++
	}
	wantNear(t, "rate_media_median", m.median(), 5e6) // of 0.28, 1, 5 and 9
}

// The timer adjusts every 200 ms; it starts with the first packet.
func TestAdjustInterval(t *testing.T) {
	c := newTestV1(t)
	if c.NextTimeout() < at(time.Hour) {
		t.Error("a timer runs before anything was sent")
	}
	c.OnSent(at(time.Second), ccontrol.Sent{Size: 1000, InFlight: 1000})
	if got := c.NextTimeout(); got != at(1200*msec) {
		t.Errorf("next timeout %v", got)
	}
	c.OnTimeout(at(1200 * msec))
	if got := c.NextTimeout(); got != at(1400*msec) {
		t.Errorf("next timeout %v", got)
	}
}

// A weight multiplies how fast it grows (RFC 8867 §6.1; RFC 8298 has no weights).
func TestWeight(t *testing.T) {
	l := narrow
	l.Weight = 2
	p := build(t, "scream", l, nil).(*v1).p
	if p.gain != 2 || p.rampUpSpeed != 400_000 {
		t.Errorf("GAIN %v, RAMP_UP_SPEED %v", p.gain, p.rampUpSpeed)
	}
	if w := build(t, "scream-v2", l, nil).(*v2).p.weight; w != 2 {
		t.Errorf("weight of version 2 %v", w)
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	for _, name := range []string{"scream", "scream-v2"} {
		spec, _ := ccontrol.Lookup(name)
		for _, settings := range []map[string]string{
			{"target-bitrate-min": "2Mbps"},
			{"target-bitrate-min": "1Mbps", "target-bitrate-max": "500kbps"},
			{"qdelay-target-lo": "500ms"},
		} {
			if _, err := spec.Build(narrow, settings); err == nil {
				t.Errorf("%s with %v was built", name, settings)
			}
		}
	}
}
