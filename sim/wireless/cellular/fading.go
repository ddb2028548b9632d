package cellular

import (
	"math"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

const speedOfLight = 299792458.0 // m/s

// paths is the number of sinusoids of a fading channel. With 24 the distribution
// of the power is exponential to about 1 %.
const paths = 24

// fading is Rayleigh fading as Clarke's model has it: a sum of equal waves from
// all directions, each with the Doppler shift fd·cos α of its angle of arrival.
// One angle is drawn in each of as many equal sectors as there are waves, and
// each wave has a random phase. The power's mean is 1 and its distribution
// exponential; the autocorrelation of the amplitude is J0(2π·fd·τ), each over
// many channels and nearly so over the time of one. It is a function of time: it
// needs no updates while nobody looks.
type fading struct {
	shift [paths]float64 // Hz
	phase [paths]float64 // in turns
}

// newFading draws a channel with the given maximum Doppler shift in Hz.
func newFading(doppler float64, random *rng.Stream) *fading {
	f := &fading{}
	for i := range paths {
		angle := (float64(i) + float64(random.Float64())) / paths
		c, _ := phasor(angle)
		f.shift[i] = float64(doppler * c)
		f.phase[i] = random.Float64()
	}
	return f
}

// power returns |h|² at a time.
func (f *fading) power(at simtime.Time) float64 {
	t := at.Seconds()
	var re, im float64
	for i := range paths {
		c, s := phasor(float64(f.shift[i]*t) + f.phase[i])
		re += c
		im += s
	}
	return (float64(re*re) + float64(im*im)) / paths
}

const steps = 1024

// table holds one turn of the cosine. Its values and those between them by
// linear interpolation, good to 5e-6, are the same on every machine, which those
// of the standard library needn't be.
var table = func() (t [steps + 1]float64) {
	for i := range t {
		x := 2 * math.Pi * (float64(float64(i)/steps) - 0.5)
		x2 := float64(x * x)
		sum := 1.0 // Horner's form of the series, up to x^32
		for k := 32; k >= 2; k -= 2 {
			sum = 1 - float64(float64(x2*sum)/float64(k*(k-1)))
		}
		t[i] = -sum // cos(x + π)
	}
	return t
}()

// phasor returns the cosine and the sine of an angle in turns.
func phasor(turns float64) (c, s float64) {
	x := float64((turns - math.Floor(turns)) * steps)
	i := min(int(x), steps-1)
	rest := x - float64(i)
	c = table[i] + float64(rest*(table[i+1]-table[i]))
	i = (i + steps*3/4) % steps // a quarter of a turn back
	s = table[i] + float64(rest*(table[i+1]-table[i]))
	return c, s
}
