package scream

import (
	"math"
	"testing"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

func newTestV2(t *testing.T, settings map[string]string) *v2 {
	t.Helper()
	return build(t, "scream-v2", narrow, settings).(*v2)
}

func TestParametersOfRFC8298bis(t *testing.T) {
	p := newTestV2(t, nil).p
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"QDELAY_TARGET_LO", p.qdelayTargetLo, 0.06},
		{"QDELAY_TARGET_HI", p.qdelayTargetHi, 0.4},
		{"MIN_REF_WND", p.minRefWnd, 3000},
		{"BYTES_IN_FLIGHT_HEAD_ROOM", p.bytesInFlightHeadRoom, 1.5},
		{"BETA_LOSS", p.betaLoss, 0.7},
		{"BETA_ECN", p.betaECN, 0.8},
		{"MSS", p.mss, 1000},
		{"POST_CONGESTION_DELAY_RTT", p.postCongestionDelayRTT, 100},
		{"MUL_INCREASE_FACTOR", p.mulIncreaseFactor, 0.02},
		{"VIRTUAL_RTT", p.virtualRTT.Seconds(), 0.025},
		{"L4S_AVG_G_UP", p.l4sAvgGUp, 1.0 / 8},
		{"L4S_AVG_G_DOWN", p.l4sAvgGDown, 1.0 / 128},
		{"QDELAY_AVG_G", p.qdelayAvgG, 1.0 / 4},
		{"QDELAY_MIN_MAX_AVG_G", p.qdelayMinMaxAvgG, 1.0 / 16},
		{"QDELAY_DEV_AVG_G", p.qdelayDevAvgG, 1.0 / 32},
		{"QDELAY_DEV_THRESHOLD", p.qdelayDevThreshold, 0.01},
		{"REF_WND_OVERHEAD_MIN", p.refWndOverheadMin, 1.5},
		{"REF_WND_OVERHEAD_MAX", p.refWndOverheadMax, 3},
		{"RATE_PACE_MIN", p.ratePaceMin, 50_000},
		{"PACKET_PACING_HEADROOM", p.packetPacingHeadroom, 1.5},
		{"MAX_RELAXED_PACING_FACTOR", p.maxRelaxedPacingFactor, 4},
		{"RELAXED_PACING_LIMIT_LOW", p.relaxedPacingLimitLow, 0.8},
		{"PACKET_OVERHEAD", p.packetOverhead, 20},
		{"RATE_ADJUST_GAIN", p.rateAdjustGain, 1.0 / 16},
		{"FRAME_SIZE_DEV_ALPHA", p.frameSizeDevAlpha, 1.0 / 64},
		{"frame_period", p.framePeriod, 0.02},
		{"QDELAY_MIN_AVG_ALPHA", p.qdelayMinAvgAlpha, 1.0 / 256},
		{"LOSS_RATE_THRESHOLD", p.lossRateThreshold, 0.01},
		{"LOSS_RATE_THRESHOLD_POLICER", p.lossRateThresholdPolicer, 0.1},
		{"BETA_LOSS_POLICER", p.betaLossPolicer, 0.9},
		{"ACKED_BITRATE_MARGIN", p.ackedBitrateMargin, 0.8},
		{"BACKOFF_SCALE_LOW_TARGET_RATE", p.backoffScaleLowTargetRate, 0.25},
	} {
		if c.got != c.want {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
	if p.reduceJitter || p.conditionalLoss || p.ratePolicers || !p.isL4S {
		t.Errorf("switches %+v", p)
	}
}

// §4.2.1.3: fast attack, slow decay, every 10 ms of arrivals however they are reported.
func TestL4SAlpha(t *testing.T) {
	m := marks{up: 0.125, down: 0.0078125}
	m.onPacket(at(0), true, time.Second)
	wantNear(t, "l4s_alpha", m.alpha, 0.125)
	m.onPacket(at(5*msec), true, time.Second)
	wantNear(t, "l4s_alpha before 10 ms", m.alpha, 0.125)
	m.onPacket(at(10*msec), false, time.Second) // one of two
	wantNear(t, "l4s_alpha", m.alpha, 0.125*0.5+0.875*0.125)
	m.onPacket(at(20*msec), false, time.Second)
	wantNear(t, "l4s_alpha", m.alpha, 0.171875*127/128)
	m.onPacket(at(25*msec), true, 5*msec) // s_rtt is shorter
	wantNear(t, "l4s_alpha", m.alpha, 0.125+0.875*0.171875*127/128)
}

// §4.2.1.4.
func TestQdelayAverage(t *testing.T) {
	c := newTestV2(t, nil)
	d := &c.delay
	d.sample(at(0), 0.04, 0.06, time.Second)
	wantNear(t, "qdelay_avg", d.average, 0.01)
	d.sample(at(20*msec), 0.04, 0.06, time.Second)
	wantNear(t, "qdelay_avg within VIRTUAL_RTT", d.average, 0.01)
	d.sample(at(25*msec), 0.04, 0.06, time.Second)
	wantNear(t, "qdelay_avg", d.average, 0.01+0.75*0.01)
	d.sample(at(50*msec), 0.005, 0.06, time.Second)
	wantNear(t, "qdelay_avg that falls", d.average, 0.005)
	if d.scale != 1 {
		t.Errorf("ref_wnd_delay_scale = %v without REDUCE_JITTER", d.scale)
	}
}

// calculate_ref_wnd_delay_scale of §4.2.1.4: from qdelay_max_avg = 60 ms and qdelay_min_avg = 0, one step gives
// 56.25 ms, 3.515625 ms, a deviation of their difference/32 and 1 less that by 10 ms.
func TestReduceJitter(t *testing.T) {
	c := newTestV2(t, map[string]string{"reduce-jitter": "1"})
	d := &c.delay
	d.sample(at(0), 0.02, 0.06, time.Second)
	wantNear(t, "qdelay_max_avg", d.greatest, 0.05625)
	wantNear(t, "qdelay_min_avg", d.least, 0.003515625)
	wantNear(t, "qdelay_dev_avg", d.deviation, 0.052734375/32)
	wantNear(t, "ref_wnd_delay_scale", d.scale, 1-0.1647949218750)
	for i := range 200 {
		d.sample(at(time.Duration(i)*25*msec), 0.05*float64(i%2), 0.06, time.Second)
	}
	if d.scale != 0 {
		t.Errorf("ref_wnd_delay_scale = %v in jitter of 50 ms", d.scale)
	}
	if got := c.ref.overhead(d.scale); got != 1.5 {
		t.Errorf("ref_wnd_overhead = %v, want REF_WND_OVERHEAD_MIN", got)
	}
	if got := c.ref.overhead(1); got != 3 {
		t.Errorf("ref_wnd_overhead = %v, want REF_WND_OVERHEAD_MAX", got)
	}
}

// reduced updates a window of 20000 bytes that is far from its inflection point and where nothing
// was acked.
func reduced(t *testing.T, settings map[string]string, set func(w *refWindow, c *conditions)) *refWindow {
	t.Helper()
	w := &newTestV2(t, settings).ref
	w.size, w.inflection, w.inFlightWas = 20000, 1, 15000
	c := &conditions{now: at(10 * time.Second), qdelayTarget: 0.06, delayScale: 1, sRTT: 0.05, target: 1e6, ackedBitrate: 1e6}
	set(w, c)
	w.update(c)
	return w
}

// §4.2.2.1.
func TestReduction(t *testing.T) {
	recently := func(w *refWindow) { w.any, w.reacted = true, at(9*time.Second) }
	for _, c := range []struct {
		name     string
		settings map[string]string
		set      func(w *refWindow, c *conditions)
		want     float64
	}{
		{"nothing", nil, func(*refWindow, *conditions) {}, 20000},
		{"loss", nil, func(w *refWindow, _ *conditions) { w.lossDetected = true }, 14000},
		{"loss before marks", nil, func(w *refWindow, _ *conditions) { w.lossDetected, w.marked = true, true }, 14000},
		{"classic mark", nil, func(w *refWindow, _ *conditions) { w.marked = true }, 16000},
		// 1 - 0.5/2/(50/25).
		{"L4S", nil, func(w *refWindow, c *conditions) { w.marked, c.l4s, c.alpha = true, true, 0.5; recently(w) }, 17500},
		{"L4S, short round trip", nil, func(w *refWindow, c *conditions) {
			w.marked, c.l4s, c.alpha, c.sRTT = true, true, 0.5, 0.02
			recently(w)
		}, 15000},
		// Reports come every 50 ms, so this is the only reaction in this round trip.
		{"L4S, rare reports", nil, func(w *refWindow, c *conditions) {
			w.marked, c.l4s, c.alpha, c.elapsed = true, true, 0.5, 0.05
			recently(w)
		}, 15000},
		// scl_t = (8·0.025)² = 0.04, so 0.25.
		{"L4S near inflection", nil, func(w *refWindow, c *conditions) {
			w.marked, c.l4s, c.alpha = true, true, 0.5
			w.inflection = 20000 / 1.025
			recently(w)
		}, 20000 * (1 - 0.125/4)},
		{"L4S near inflection with a queue", nil, func(w *refWindow, c *conditions) {
			w.marked, c.l4s, c.alpha, c.qdelay = true, true, 0.5, 0.015
			w.inflection = 20000 / 1.025
			recently(w)
		}, 17500},
		{"L4S after 100 RTTs", nil, func(w *refWindow, c *conditions) { w.marked, c.l4s, c.alpha = true, true, 0.5 }, 15000 * 0.875},
		{"L4S switched off", map[string]string{"is-l4s": "0"}, func(w *refWindow, _ *conditions) { w.marked = true }, 16000},
		// l4s_alpha_v = (45 - 30)/30; 1 - 0.5/2/2.
		{"delay", nil, func(w *refWindow, c *conditions) { c.qdelayAvg = 0.045 }, 17500},
		{"delay above target", nil, func(w *refWindow, c *conditions) { c.qdelayAvg = 0.5 }, 15000},
		{"delay of half the target", nil, func(w *refWindow, c *conditions) { c.qdelayAvg = 0.03 }, 20000},
		// §4.5.3: a quarter of the backoff.
		{"undershoot", nil, func(w *refWindow, c *conditions) { c.qdelayAvg, c.target = 0.045, 7e5 }, 20000 * (1 - 0.125/4)},
		{"undershoot off", map[string]string{"ref-wnd-undershoot": "0"}, func(w *refWindow, c *conditions) { c.qdelayAvg, c.target = 0.045, 7e5 }, 17500},
		{"MIN_REF_WND", nil, func(w *refWindow, c *conditions) { w.lossDetected, w.size = true, 4000 }, 3000},
		{"within VIRTUAL_RTT", nil, func(w *refWindow, c *conditions) {
			c.qdelayAvg, w.any, w.reacted = 0.06, true, at(9980*msec)
		}, 20000},
		// §4.5.2.
		{"conditional loss", map[string]string{"conditional-loss": "1"}, func(w *refWindow, _ *conditions) { w.lossDetected = true }, 20000},
		{"conditional loss, many", map[string]string{"conditional-loss": "1"}, func(w *refWindow, _ *conditions) { w.lossDetected, w.lossRate = true, 0.02 }, 14000},
		{"conditional loss, queue", map[string]string{"conditional-loss": "1"}, func(w *refWindow, c *conditions) { w.lossDetected, c.qdelayAvg = true, 0.02 }, 14000},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := reduced(t, c.settings, c.set)
			wantNear(t, "ref_wnd", w.size, c.want)
		})
	}
}

// Loss and classic marks count once per round trip, though smaller backoffs come every VIRTUAL_RTT.
func TestLossOncePerRoundTripV2(t *testing.T) {
	w := &newTestV2(t, nil).ref
	w.size = 20000
	step := func(now, sent time.Duration) {
		w.lossDetected, w.lossSent = true, at(sent)
		w.update(&conditions{now: at(now), qdelayTarget: 0.06, delayScale: 1, sRTT: 0.1})
	}
	step(time.Second, 900*msec)
	wantNear(t, "ref_wnd", w.size, 14000)
	step(1050*msec, 1010*msec)
	wantNear(t, "ref_wnd 50 ms later", w.size, 14000)
	step(1150*msec, 990*msec)
	wantNear(t, "ref_wnd after old news", w.size, 14000)
	step(1200*msec, 1020*msec)
	wantNear(t, "ref_wnd a round trip later", w.size, 9800)
}

// §4.5.2: a policer bounds the window, and the bound rises by a thousandth per round trip.
func TestPolicer(t *testing.T) {
	w := reduced(t, map[string]string{"rate-policers": "1"}, func(w *refWindow, _ *conditions) {
		w.lossDetected, w.lossRate = true, 0.2
	})
	wantNear(t, "max_policed_ref_wnd", w.policed, 18000)
	w.round(at(11*time.Second), 5000, 0.05)
	wantNear(t, "max_policed_ref_wnd", w.policed, 18018)
	w.size = 20000
	w.update(&conditions{now: at(12 * time.Second), qdelayTarget: 0.06, delayScale: 1, sRTT: 0.05})
	wantNear(t, "ref_wnd", w.size, 18018)
}

// alpha = min(0.01/4, 1000/20000/2).
func TestLossRate(t *testing.T) {
	w := &newTestV2(t, nil).ref
	w.size = 20000
	w.onResult(1)
	wantNear(t, "loss_rate", w.lossRate, 0.0025)
	w.onResult(0)
	wantNear(t, "loss_rate", w.lossRate, 0.0025*0.9975)
	w.size = 1e6
	w.onResult(1)
	wantNear(t, "loss_rate", w.lossRate, 0.0025*0.9975*0.9995+0.0005)
}

// §4.2.2.2: 5000 of 20000 bytes acked at a ratio of 1/20 are 250 bytes, times 1 + 0.02·20·post.
func TestIncrease(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(w *refWindow, c *conditions)
		want float64
	}{
		{"long after congestion", func(*refWindow, *conditions) {}, 20000 + 250*1.4},
		{"half of 100 RTTs after", func(w *refWindow, _ *conditions) { w.congested = at(7500 * msec) }, 20000 + 250*1.2},
		{"just after", func(w *refWindow, _ *conditions) { w.congested = at(10 * time.Second) }, 20250},
		{"marked bytes don't count", func(_ *refWindow, c *conditions) { c.newlyAckedCE = 3000 }, 20000 + 100*1.4},
		{"short round trip", func(_ *refWindow, c *conditions) { c.sRTT = 0.0125 }, 20000 + 125*1.4},
		// scl_t = 0.1: 250·0.25·(1 + 0.4·0.1).
		{"near inflection", func(w *refWindow, _ *conditions) { w.inflection = 20000 }, 20000 + 62.5*1.04},
		{"jitter", func(_ *refWindow, c *conditions) { c.delayScale = 0.05 }, 20000 + 25*1.4},
		{"bytes in flight", func(w *refWindow, _ *conditions) { w.inFlightWas, w.inFlight = 12000, 11000 }, 20000},
		{"bytes in flight now", func(w *refWindow, _ *conditions) { w.inFlightWas, w.inFlight = 1000, 13000 }, 20350},
		{"at the highest rate", func(_ *refWindow, c *conditions) { c.targetIsMaximum = true }, 20000},
	} {
		w := reduced(t, nil, func(w *refWindow, cond *conditions) {
			cond.newlyAcked = 5000
			w.mayInflect = false
			c.set(w, cond)
		})
		wantNear(t, c.name+": ref_wnd", w.size, c.want)
		if grew := c.want > 20000; w.mayInflect != grew {
			t.Errorf("%s: ref_wnd_i_update_allowed = %v", c.name, w.mayInflect)
		}
	}
}

func TestInflectionPoint(t *testing.T) {
	w := reduced(t, nil, func(w *refWindow, _ *conditions) { w.lossDetected = true })
	if w.inflection != 20000 || w.mayInflect {
		t.Errorf("ref_wnd_i = %v after the first reduction", w.inflection)
	}
	w.update(&conditions{now: at(11 * time.Second), qdelayAvg: 0.06, qdelayTarget: 0.06, delayScale: 1, sRTT: 0.05})
	if w.inflection != 20000 {
		t.Errorf("ref_wnd_i = %v although ref_wnd didn't grow in between", w.inflection)
	}
}

// §4.4: 8·20000/0.1 s, less a ratio of 1/20, which costs nothing, by 1000/1020 and 1.2 and more.
func TestTargetBitrateV2(t *testing.T) {
	c := newTestV2(t, nil)
	r := &c.rate
	r.update(0, 20000, 0.05, 0.2)
	wantNear(t, "target_bitrate", r.target, 8*20000/0.2/1.02/1.2)
	r.update(0, 20000, 0.25, 0.2)
	wantNear(t, "with a small window", r.target, 8*20000/0.2/1.02/1.2*0.85)
	r.adjust, r.sizes = 0.5, 0.2
	r.update(0, 20000, 0.05, 0.2)
	wantNear(t, "with queue and large frames", r.target, 8*20000/0.2/1.02/1.9)
	r.update(0, 1e6, 0.01, 0.1)
	wantNear(t, "highest", r.target, 1_500_000)
	r.update(0, 3000, 0.3, 1)
	wantNear(t, "lowest", r.target, 150_000)
}

// §4.4: the media queue of 30 ms at a frame period of 20 ms: error (30 - 5)/20.
func TestFrames(t *testing.T) {
	c := newTestV2(t, nil)
	r := &c.rate
	r.target = 1e6
	r.onFrame(2500, 3750, 0.02)
	wantNear(t, "rate_adjust_factor", r.adjust, 1.25/16)
	if r.sizes != 0 {
		t.Errorf("frame_size_dev = %v for a frame of nominal size", r.sizes)
	}
	r.onFrame(5000, 0, 0.02)
	wantNear(t, "rate_adjust_factor", r.adjust, 1.25/16-0.25/16)
	wantNear(t, "frame_size_dev", r.sizes, 1.0/64)
	for range 100 {
		r.onFrame(50000, 50000, 0.02)
	}
	if r.adjust != 0.5 || r.sizes != 0.2 {
		t.Errorf("factors %v and %v, want their bounds", r.adjust, r.sizes)
	}
}

// Two frames of three packets with audio between them.
func TestFramesAreFound(t *testing.T) {
	c := newTestV2(t, nil)
	r := &c.rate
	r.target = 1e6
	sent := func(now time.Duration, size, backlog float64) { r.onSent(at(now), size, backlog) }
	sent(time.Second, 1000, 2000)
	first := r.framed
	sent(1005*msec, 100, 2000) // audio
	sent(1010*msec, 1000, 1000)
	sent(1020*msec, 1000, 0)
	if r.framed != first {
		t.Error("audio was taken for a frame")
	}
	sent(1033*msec, 1000, 2000)
	if r.framed != at(1033*msec) {
		t.Error("the second frame wasn't seen")
	}
}

// §4.3.2.
func TestPacingV2(t *testing.T) {
	r := &newTestV2(t, nil).rate
	for _, c := range []struct{ target, want float64 }{
		{600_000, 900_000},
		{1_200_000, 1_800_000},
		{1_350_000, 1_350_000 * 1.5 * 2}, // half way: 1 - 0.5
		{1_500_000, 1_500_000 * 1.5 * 4},
	} {
		r.target = c.target
		wantNear(t, "pace_bitrate", r.pacing(), c.want)
	}
}

// §4.5.1: least delays of 40 ms per round trip need n round trips with 40·(1 - (255/256)^n) > 15.
func TestClockDrift(t *testing.T) {
	n := int(math.Ceil(math.Log(1-15.0/40) / math.Log(255.0/256)))
	d := clockDrift{gain: 1.0 / 256, least: math.Inf(1)}
	for i := 1; ; i++ {
		now := at(time.Duration(i) * 100 * msec)
		d.sample(0.05)
		d.sample(0.04)
		if d.update(now, 100*msec, 0.06) {
			if i != n {
				t.Errorf("found after %d round trips, want %d", i, n)
			}
			break
		}
		if i > n {
			t.Fatalf("not found after %d round trips", i)
		}
	}
	if d.average != 0 {
		t.Errorf("qdelay_min_avg = %v afterwards", d.average)
	}
}

// A path that gets 50 ms longer isn't a queue for ever.
func TestLongerPath(t *testing.T) {
	l := newLoop(t, "scream-v2", wide, nil)
	l.rate = 10e6
	l.run(20 * time.Second)
	before := l.c.Target().Media
	l.delay += 50 * msec
	l.run(100 * time.Second)
	if got := l.c.Target().Media; got < before/3 {
		t.Errorf("%v on the longer path, %v before", got, before)
	}
	if q := l.c.(*v2).path.qdelay; q > 0.03 {
		t.Errorf("queuing delay %v s still has the longer path in it", q)
	}
}

// The marks are L4S's where packets arrive as ECT(1), and else classic ECN's.
func TestMarksByCodepoint(t *testing.T) {
	for _, c := range []struct {
		ecn  packet.ECN
		want float64
	}{{packet.ECT0, 0.8}, {packet.ECT1, 1 - 0.125/2/2}} {
		v := newTestV2(t, nil)
		r := arrival(0, 0, 50*msec)
		r.ECN = c.ecn
		feedV1(v, 100*msec, 20000, r)
		v.ref.size, v.ref.inflection = 20000, 1
		v.ref.any, v.ref.reacted = true, at(50*msec)
		v.path.sRTT = 0.05
		r = arrival(1, 950*msec, 50*msec)
		r.ECN = packet.CE
		v.path.reported = at(975 * msec)
		v.target.adapt = false
		feedV1(v, 1000*msec, 20000, r)
		wantNear(t, "ref_wnd", v.ref.size, 20000*c.want)
	}
}

// The media's first rate makes the first window.
func TestStart(t *testing.T) {
	c := newTestV2(t, nil)
	if got := c.Target(); got.Media != 300*units.Kbps || got.Window != 9000 {
		t.Errorf("at the start %+v", got)
	}
	feedV1(c, 200*msec, 0, arrival(0, 0, 50*msec))
	// 300 kbit/s for 0.2 s, 1.02·1.2 times; 1000 bytes in 9180 cost 0.9 % of the target.
	wantNear(t, "ref_wnd", c.ref.size, 300_000*0.2/8*1.02*1.2)
	if got := c.Target().Media; got < 290*units.Kbps || got > 300*units.Kbps {
		t.Errorf("media %v after the first report", got)
	}
}
