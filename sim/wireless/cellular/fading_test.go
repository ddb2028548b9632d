package cellular

import (
	"math"
	"testing"
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func exp(x float64) float64    { return math.Exp(x) }
func pow(x, y float64) float64 { return math.Pow(x, y) }

func TestPhasor(t *testing.T) {
	for i := -3000; i < 3000; i++ {
		x := float64(i) * 0.00137
		c, s := phasor(x)
		if wantS, wantC := math.Sincos(2 * math.Pi * x); math.Abs(c-wantC) > 6e-6 || math.Abs(s-wantS) > 6e-6 {
			t.Fatalf("%v turns: %v, %v, want %v, %v", x, c, s, wantC, wantS)
		}
	}
}

// The power of Rayleigh fading has an exponential distribution with mean 1.
// 40,000 channels: standard errors are 0.5 % for the mean, and at most 0.0025 for
// the distribution, to which the finite number of waves adds up to 0.005.
func TestRayleighPower(t *testing.T) {
	const channels = 40000
	levels := []float64{0.05, 0.1, 0.3, 0.7, 1, 2, 3, 4}
	below := make([]float64, len(levels))
	random := rng.New(1).Stream("fading")
	sum := 0.0
	for range channels {
		p := newFading(5.6, random).power(0)
		sum += p
		for i, x := range levels {
			if p < x {
				below[i]++
			}
		}
	}
	want(t, "mean power", sum/channels, 1, 0.02)
	for i, x := range levels {
		if got, want := below[i]/channels, 1-math.Exp(-x); math.Abs(got-want) > 0.012 {
			t.Errorf("power below %v: %.4f, want %.4f", x, got, want)
		}
	}
}

// One channel over a long time has mean 1 and falls below a tenth for a tenth of
// it: 2,000 s at 30 km/h are about 100,000 independent values.
func TestOneChannelOverTime(t *testing.T) {
	f := newFading(55.6, rng.New(2).Stream("fading"))
	const samples = 200000
	sum, low := 0.0, 0.0
	for i := range samples {
		p := f.power(simtime.At(time.Duration(i) * 10 * time.Millisecond))
		sum += p
		if p < 0.1 {
			low++
		}
	}
	want(t, "mean power", sum/samples, 1, 0.02)
	want(t, "share below 0.1", low/samples, 1-math.Exp(-0.1), 0.12)
}

// Clarke's model: the autocorrelation of the amplitude is J0(2π·fd·τ), so that of
// the power about its mean is J0². 20,000 channels: a standard error of 0.02.
func TestDopplerAutocorrelation(t *testing.T) {
	const fd, channels = 50.0, 20000
	random := rng.New(3).Stream("fading")
	lags := []time.Duration{ms, 2 * ms, 4 * ms, 6 * ms, 8 * ms, 12 * ms}
	cov := make([]float64, len(lags))
	variance := 0.0
	for range channels {
		f := newFading(fd, random)
		p := f.power(simtime.At(time.Second)) - 1
		variance += p * p
		for i, d := range lags {
			cov[i] += p * (f.power(simtime.At(time.Second+d)) - 1)
		}
	}
	for i, d := range lags {
		j0 := math.J0(2 * math.Pi * fd * d.Seconds())
		if got := cov[i] / variance; math.Abs(got-j0*j0) > 0.06 {
			t.Errorf("lag %v: %.3f, want %.3f", d, got, j0*j0)
		}
	}
}

// 3GPP TR 36.942 annex A: 0.6·log2(1+SNR), 4.4 bit/s/Hz at most, 0 below -10 dB.
func TestTruncatedShannon(t *testing.T) {
	for _, x := range []struct {
		snr  float64
		want float64
	}{
		{-10.01, 0}, {-9.99, 10e6 * 0.6 * math.Log2(1+0.1002)}, {0, 6e6}, {10, 10e6 * 0.6 * math.Log2(11)}, {22.1, 44e6}, {60, 44e6},
	} {
		want(t, "rate", float64(Downlink.Rate(x.snr, 10e6)), x.want, 0.001)
	}
	if r := Uplink.Rate(30, 10e6); r != 20*units.Mbps {
		t.Errorf("uplink %v at most, want 20 Mbit/s", r)
	}
}

// The thermal noise of 10 MHz is -104 dBm: without interference case 3 has
// 46+14-20-(128.1+37.6·log10(0.5))+104-9 dB at 500 m. With it, SNR falls with
// distance, and large cells have less.
func TestDeployment(t *testing.T) {
	d := Case3()
	d.Interference = 0
	want(t, "SNR at 500 m", d.SNR(500, 10e6, 0), 46+14-20-128.1-37.6*math.Log10(0.5)+104-9, 0.001)
	want(t, "with 8 dB of shadowing", d.SNR(500, 10e6, -8), d.SNR(500, 10e6, 0)-8, 0.001)
	for _, d := range []Deployment{Case1(), Case3(), Case1().ForUplink()} {
		last := math.Inf(1)
		for r := 35.0; r < 2*d.CellRadius; r *= 1.2 {
			snr := d.SNR(r, 10e6, 0)
			if snr >= last {
				t.Errorf("%v dB at %v m, closer %v", snr, r, last)
			}
			last = snr
		}
	}
	mean := func(d Deployment) (snr float64) {
		random := rng.New(1).Stream("drop")
		for range 5000 {
			r, s := d.Drop(random)
			if r < d.MinDistance || r > 2*d.CellRadius {
				t.Fatalf("a user at %v m", r)
			}
			snr += d.SNR(r, 10e6, s) / 5000
		}
		return snr
	}
	up := Case3().ForUplink()
	one, three, wide := mean(Case1()), mean(Case3()), mean(up)
	t.Logf("mean SNR: case 1 %.1f dB, case 3 %.1f dB, its uplink over the whole band %.1f dB", one, three, wide)
	if one <= three || three < 0 || one > 20 || wide > three-5 {
		t.Errorf("mean SNR: case 1 %.1f dB, case 3 %.1f dB, its uplink %.1f dB", one, three, wide)
	}
	// A user's power in a fifth of the band is 7 dB more in each block.
	c := DefaultsUplink()
	c.Deployment = up
	want(t, "SNR in 10 of 50 blocks", UserConfig{Distance: 500}.meanSNR(c), up.SNR(500, 10e6, 0)+10*math.Log10(5), 1e-6)
}
