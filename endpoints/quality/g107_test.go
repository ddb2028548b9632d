package quality_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/quality"
	"rtpfabric/sim/units"
)

const ms = time.Millisecond

// noEcho is a talker echo loudness rating at which nobody hears an echo.
const noEcho = 200

// G.107 §7.7: with all defaults R is 93.2, which Annex B makes a MOS of 4.41.
func TestDefaultRating(t *testing.T) {
	c := quality.Call{Codec: quality.G711PLC}
	if r := c.Rating(); math.Abs(r-93.2) > 0.05 {
		t.Errorf("R = %.3f", r)
	}
	if m := c.MOS(); math.Abs(m-4.41) > 0.005 {
		t.Errorf("MOS = %.3f", m)
	}
}

// G.107 §7.2 and §7.3, from the defaults of Table 2: what the constants of this
// package are made of.
func TestBasicTerms(t *testing.T) {
	const (
		slr, rlr, stmr, ds, lstr = 8.0, 2.0, 15.0, 3.0, 18.0
		telr, nc, nfor, ps, pr   = 65.0, -70.0, -64.0, 35.0, 35.0
		qdu                      = 1.0
	)
	p10 := func(x float64) float64 { return math.Pow(10, x/10) }
	olr := slr + rlr
	nos := ps - slr - ds - 100 + 0.004*(ps-olr-ds-14)*(ps-olr-ds-14)
	pre := pr + 10*math.Log10(1+p10(10-lstr))
	nor := rlr - 121 + pre + 0.008*(pre-35)*(pre-35)
	no := 10 * math.Log10(p10(nc)+p10(nos)+p10(nor)+p10(nfor+rlr))
	ro := 15 - 1.5*(slr+no)
	xolr := olr + 0.2*(64+no-rlr)
	iolr := 20 * (math.Pow(1+math.Pow(xolr/8, 8), 1.0/8) - xolr/8)
	stmro := -10 * math.Log10(p10(-stmr)+p10(-telr))
	root := func(a, b, c float64) float64 { return math.Pow(1+math.Pow((stmro+a)/b, c), 1/c) }
	ist := 12*root(-13, 6, 8) - 28*root(1, 19.4, 35) - 13*root(-3, 33, 13) + 29
	q := 37 - 15*math.Log10(qdu)
	g := 1.07 + 0.258*q + 0.0602*q*q
	iq := 15 * math.Log10(1+math.Pow(10, (ro-100)/15+46/8.4-g/9)+math.Pow(10, 46.0/30-g/40))
	is := iolr + ist + iq
	if roe := -1.5 * (no - rlr); math.Abs(roe-ro) > 1e-9 {
		t.Errorf("Roe = %.4f, Ro = %.4f", roe, ro)
	}
	c := quality.Call{Codec: quality.G711}
	if got, want := c.Rating()+c.DelayImpairment(), ro-is; math.Abs(got-want) > 0.001 {
		t.Errorf("Ro - Is = %.4f, want %.4f = %.4f - %.4f", got, want, ro, is)
	}
}

// G.107 Annex B Table B.1: ratings and scores at the limits of the categories of G.109.
func TestMOS(t *testing.T) {
	for _, c := range []struct{ r, mos float64 }{
		{-5, 1}, {0, 1}, {3, 1}, {50, 2.58}, {60, 3.10}, {70, 3.60}, {80, 4.03}, {90, 4.34}, {93.2, 4.41}, {100, 4.5}, {120, 4.5},
	} {
		if got := quality.MOS(c.r); math.Abs(got-c.mos) > 0.0075 {
			t.Errorf("R = %v: MOS %.3f, want %.2f", c.r, got, c.mos)
		}
	}
	last := 0.0
	for r := -10.0; r < 110; r += 0.1 {
		if m := quality.MOS(r); m < last || m < 1 || m > 4.5 {
			t.Fatalf("R = %.1f: MOS %.4f after %.4f", r, m, last)
		} else {
			last = m
		}
	}
	for r, want := range map[float64]string{
		-3: "not recommended", 49.9: "not recommended", 50: "nearly all users dissatisfied", 69.9: "many users dissatisfied",
		75: "some users dissatisfied", 80: "satisfied", 93.2: "very satisfied", 120: "very satisfied",
	} {
		if got := quality.SatisfactionOf(r).String(); got != want {
			t.Errorf("R = %v: %q, want %q", r, got, want)
		}
	}
}

// D. De Vleeschauwer and others, "Controlling voice quality" (Telektronikk 2/3.2001),
// Table 3: the delay up to which the rating stays above 70 without echo or loss, when
// it is 94.15 without any delay, as in G.107 of 2000.
func TestDelayWithoutEcho(t *testing.T) {
	for _, c := range []struct {
		codec string
		ie    float64
		delay time.Duration
	}{
		{"G.711", 0, 400 * ms},
		{"GSM-EFR", 5, 342 * ms},
		{"G.728 at 16 kbit/s", 7, 322 * ms},
		{"G.729", 10, 294 * ms},
		{"G.723.1 at 6.3 kbit/s", 15, 251 * ms},
		{"G.723.1 at 5.3 kbit/s", 19, 219 * ms},
	} {
		call := quality.Call{Codec: quality.G711, EchoLoss: noEcho, Delay: c.delay}
		id := call.DelayImpairment() - (quality.Call{EchoLoss: noEcho, Delay: 100 * ms}).DelayImpairment()
		if r := 94.15 - c.ie - id; math.Abs(r-70) > 1 {
			t.Errorf("%s: R = %.2f at %v", c.codec, r, c.delay)
		}
	}
}

// G.107 §7.4, written out for an echo that is heard: talker echo alone below 100 ms.
func TestTalkerEcho(t *testing.T) {
	for _, d := range []float64{1, 2, 3, 5, 10, 30, 99} {
		const telr, ro = 45.0, 94.7688
		terv := telr - 40*math.Log10((1+d/10)/(1+d/150)) + 6*math.Exp(-0.3*d*d)
		x := ro - (80 + 2.5*(terv-14))
		idte := (x/2 + math.Sqrt(x*x/4+100) - 1) * (1 - math.Exp(-d))
		y := ro - 10.5*(110+7)*math.Pow(2*d+1, -0.25)
		idle := y/2 + math.Sqrt(y*y/4+169)
		got := quality.Call{Delay: time.Duration(d) * ms, EchoLoss: telr}.DelayImpairment()
		if math.Abs(got-idte-idle) > 1e-6 {
			t.Errorf("%v ms: Id = %.6f, want %.6f", d, got, idte+idle)
		}
	}
}

// G.107 §7.6: the advantage of being mobile is added.
func TestAdvantage(t *testing.T) {
	c := quality.Call{Codec: quality.GSMEFR}
	plain := c.Rating()
	c.Advantage = 10
	if got := c.Rating() - plain; math.Abs(got-10) > 1e-9 {
		t.Errorf("an advantage of 10 adds %.3f", got)
	}
}

// R. Cole and J. Rosenbluth, "Voice over IP performance monitoring" (2001), fit the
// E-model's delay impairment at default values by 0.024·d + 0.11·(d-177.3) from
// 177.3 ms on.
func TestDelayImpairment(t *testing.T) {
	for d := 20.0; d <= 400; d += 20 {
		want := 0.024*d + 0.11*max(d-177.3, 0)
		got := quality.Call{Delay: time.Duration(d) * ms}.DelayImpairment()
		tolerance := 1.0
		if d > 300 {
			tolerance = 3.5
		}
		if math.Abs(got-want) > tolerance {
			t.Errorf("%v ms: Id = %.2f, want %.2f", d, got, want)
		}
	}
	// ITU-T G.114: below 150 ms hardly anything is noticed.
	if got := (quality.Call{Delay: 150 * ms, EchoLoss: noEcho}).DelayImpairment(); got > 1.5 {
		t.Errorf("Id = %.2f at 150 ms without echo", got)
	}
	last := 0.0
	for d := time.Duration(0); d < 3*time.Second; d += ms {
		id := quality.Call{Delay: d}.DelayImpairment()
		if id < last-1e-9 {
			t.Fatalf("%v: Id falls from %.4f to %.4f", d, last, id)
		}
		if d > 10*ms && id-last > 0.5 {
			t.Fatalf("%v: Id jumps from %.4f to %.4f", d, last, id)
		}
		last = id
	}
	loud := quality.Call{Delay: 100 * ms, EchoLoss: 45}.DelayImpairment()
	if quiet := (quality.Call{Delay: 100 * ms}).DelayImpairment(); loud < quiet+15 {
		t.Errorf("echo: Id = %.2f, and %.2f when it is 20 dB louder", quiet, loud)
	}
}

// ITU-T G.113 Appendix I: impairments by random loss, as tested with listeners.
func TestLossImpairment(t *testing.T) {
	for _, c := range []struct {
		name  string
		codec quality.Codec
		loss  float64 // %
		want  float64
	}{
		{"G.711 with PLC", quality.G711PLC, 0, 0},
		{"G.711 with PLC", quality.G711PLC, 1, 5},
		{"G.711 with PLC", quality.G711PLC, 2, 7},
		{"G.711 with PLC", quality.G711PLC, 3, 10},
		{"G.711 with PLC", quality.G711PLC, 5, 15},
		{"G.711 with PLC", quality.G711PLC, 7, 20},
		{"G.711 with PLC", quality.G711PLC, 10, 25},
		{"G.729A", quality.G729A, 0, 11},
		{"G.729A", quality.G729A, 1, 15},
		{"G.729A", quality.G729A, 2, 19},
		{"G.729A", quality.G729A, 4, 26},
		{"G.729A", quality.G729A, 8, 36},
		{"G.729A", quality.G729A, 16, 49},
		{"G.711", quality.G711, 1, 25},
		{"G.711", quality.G711, 3, 40},
	} {
		got := quality.Call{Codec: c.codec, Loss: c.loss / 100}.LossImpairment()
		tolerance := 2.25
		if c.codec == quality.G729A {
			tolerance = 0.6
		}
		if c.codec == quality.G711 {
			tolerance = 8
		}
		if math.Abs(got-c.want) > tolerance {
			t.Errorf("%s, %v %%: %.2f, want %v", c.name, c.loss, got, c.want)
		}
	}
	for _, loss := range []float64{-1, 2} {
		if got := (quality.Call{Codec: quality.G711, Loss: loss}).LossImpairment(); got < 0 || got > 95 {
			t.Errorf("a loss of %v: %.1f", loss, got)
		}
	}
}

// G.107 §7.5: bursts spoil more than random losses of the same share; the share
// counts as if it were greater by the ratio, when it is great.
func TestBursts(t *testing.T) {
	call := quality.Call{Codec: quality.G711PLC, Loss: 0.02}
	random := call.LossImpairment()
	call.BurstRatio = 2
	if got, want := call.LossImpairment(), 95*2/(1+25.1); math.Abs(got-want) > 1e-9 || got <= random {
		t.Errorf("bursts: %.3f, want %.3f; random %.3f", got, want, random)
	}
	for _, c := range []struct {
		lost, all, runs uint64
		want            float64
	}{
		{0, 100, 0, 1},
		{100, 100, 1, 1},
		{10, 100, 10, 1},  // never two in a row: less than random, which isn't a burst
		{10, 100, 9, 1},   // random: runs of 1.11
		{10, 100, 5, 1.8}, // pairs
		{10, 100, 1, 9},
	} {
		if got := quality.BurstRatio(c.lost, c.all, c.runs); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%d of %d lost in %d runs: %.3f, want %.3f", c.lost, c.all, c.runs, got, c.want)
		}
	}
}

// Opus gets better with its rate; the rest is an assumption.
func TestOpusCodec(t *testing.T) {
	last := 100.0
	for rate := units.BitRate(0); rate < 100*units.Kbps; rate += 500 {
		c := quality.Opus(rate)
		if c.Ie > last || c.Ie < 0 || c.Ie > 25 || last-c.Ie > 2 && last < 100 {
			t.Fatalf("%v: Ie %.2f after %.2f", rate, c.Ie, last)
		}
		last = c.Ie
	}
	for rate, want := range map[units.BitRate]float64{6000: 25, 7000: 22, 12000: 11, 14000: 8.5, 32000: 0, 64000: 0} {
		if got := quality.Opus(rate); math.Abs(got.Ie-want) > 1e-9 || got.Bpl < 1 {
			t.Errorf("%v: %+v, want Ie %v", rate, got, want)
		}
	}
}

func TestMouthToEar(t *testing.T) {
	if got := quality.MouthToEar(20*ms, 5*ms, 50*ms, 40*ms); got != 115*ms {
		t.Errorf("%v", got)
	}
}

// Ratings have the same bits on every machine.
func TestPinned(t *testing.T) {
	var h uint64
	for d := time.Duration(0); d < time.Second; d += 7 * ms {
		c := quality.Call{Codec: quality.Opus(20 * units.Kbps), Delay: d, Loss: d.Seconds() / 10, BurstRatio: 1.3}
		h = h*31 + math.Float64bits(c.Rating()) + math.Float64bits(c.MOS())
	}
	if want := uint64(0x3568776f7e49c422); h != want {
		t.Errorf("hash = %#x, want %#x", h, want)
	}
}

func BenchmarkRating(b *testing.B) {
	c := quality.Call{Codec: quality.G711PLC, Delay: 250 * ms, Loss: 0.01}
	b.ReportAllocs()
	for b.Loop() {
		c.Rating()
	}
}
