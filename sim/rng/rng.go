// Package rng gives every consumer of randomness a stream of its own, seeded
// from the run's seed and the stream's name. Adding a flow therefore never
// disturbs another one's draws, and controllers are compared on the same
// losses.
package rng

import (
	"hash/fnv"
	"math"
	"math/bits"

	"rtpfabric/sim/detmath"
)

// Source hands out the named streams of one run.
type Source struct{ seed uint64 }

// New returns the source of a run with the given seed.
func New(seed uint64) *Source { return &Source{seed: seed} }

// Stream returns the stream with the given name, such as "link/A-B/loss". Two
// calls with one name return two streams with the same numbers: a name belongs
// to one consumer.
func (s *Source) Stream(name string) *Stream {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash's Write never fails
	st := &Stream{}
	// The seed is mixed first: neighbouring ones must not lie on neighbouring
	// places of the generator that makes the state.
	_, x := splitmix64(s.seed)
	x += h.Sum64()
	for i := range st.s {
		x, st.s[i] = splitmix64(x)
	}
	return st
}

// splitmix64 is the seeding generator that the authors of xoshiro recommend.
func splitmix64(x uint64) (next, out uint64) {
	x += 0x9e3779b97f4a7c15
	z := x
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return x, z ^ z>>31
}

// Stream is a xoshiro256** generator (Blackman and Vigna, 2018). Its numbers
// are part of what a digest depends on: they never change with the Go release
// or the machine.
type Stream struct {
	s        [4]uint64
	spare    float64
	hasSpare bool
}

// Uint64 returns 64 random bits.
func (r *Stream) Uint64() uint64 {
	s := &r.s
	out := bits.RotateLeft64(s[1]*5, 7) * 9
	t := s[1] << 17
	s[2] ^= s[0]
	s[3] ^= s[1]
	s[1] ^= s[2]
	s[0] ^= s[3]
	s[2] ^= t
	s[3] = bits.RotateLeft64(s[3], 45)
	return out
}

// Uint32 returns 32 random bits.
func (r *Stream) Uint32() uint32 { return uint32(r.Uint64() >> 32) }

// Float64 returns a number in [0, 1).
func (r *Stream) Float64() float64 { return float64(r.Uint64()>>11) * 0x1p-53 }

// Uniform returns a number in [lo, hi).
func (r *Stream) Uniform(lo, hi float64) float64 {
	return lo + float64(r.Float64()*(hi-lo))
}

// Bool returns true with probability p. It draws even when p is 0 or 1, so
// that a change of p doesn't shift the rest of the stream.
func (r *Stream) Bool(p float64) bool { return r.Float64() < p }

// Normal returns a draw of the standard normal distribution, by Marsaglia's
// polar method.
func (r *Stream) Normal() float64 {
	if r.hasSpare {
		r.hasSpare = false
		return r.spare
	}
	for {
		u, v := r.Uniform(-1, 1), r.Uniform(-1, 1)
		q := float64(u*u) + float64(v*v)
		if q >= 1 || q == 0 {
			continue
		}
		m := math.Sqrt(float64(-2*detmath.Log(q)) / q)
		r.spare, r.hasSpare = float64(v*m), true
		return float64(u * m)
	}
}

// Laplace returns a draw of the zero-mean Laplace distribution with the given
// scale; its standard deviation is scale·√2.
func (r *Stream) Laplace(scale float64) float64 {
	u := r.Float64() - 0.5
	x := float64(scale * detmath.Log(1-float64(2*math.Abs(u))))
	if u < 0 {
		return x
	}
	return -x
}

// Exponential returns a draw of the exponential distribution with the given
// mean.
func (r *Stream) Exponential(mean float64) float64 {
	return float64(-mean * detmath.Log(1-r.Float64()))
}

// Read fills b with random bytes; it never fails.
func (r *Stream) Read(b []byte) (int, error) {
	for i := 0; i < len(b); {
		x := r.Uint64()
		for j := 0; j < 8 && i < len(b); j++ {
			b[i] = byte(x)
			x >>= 8
			i++
		}
	}
	return len(b), nil
}
