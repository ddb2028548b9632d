// Package glare is how two ends get out of offers that cross each other: the values that they compare, and the timers
// after which they try again.
package glare

import (
	"fmt"
	"math"
	"time"

	"rtpfabric/sim/rng"
)

// Resolution is how ends get out of a glare.
type Resolution uint8

const (
	// Timers refuse what comes while an own offer is outstanding, and offer again after a random time, as SIP does with
	// its response 491 (RFC 3261 §14.1, §14.2).
	Timers Resolution = iota
	// TieBreaker compares the random values of the two offers: the greater one holds, the other is dropped.
	TieBreaker
	// Polite rolls the own offer back for the other's at one end, and ignores the other's at the other end, as
	// applications of JSEP do (RFC 8829 §4.1.10.2).
	Polite
)

var names = [...]string{"timers", "tie-breaker", "polite"}

// Names returns the names that Parse takes.
func Names() []string { return names[:] }

// String returns the resolution's name in scenarios.
func (r Resolution) String() string { return names[r] }

// Parse returns the resolution with that name.
func Parse(name string) (Resolution, error) {
	for i, n := range names {
		if n == name {
			return Resolution(i), nil
		}
	}
	return 0, fmt.Errorf("no resolution %q", name)
}

// Max wins over every value that an end draws, as 0 loses against all of them.
const Max = math.MaxUint32

// Draw returns a random value of so many bits, 0 for all 32, which is neither 0 nor all ones (002: "The
// random value may not be 0 and MAX_uint32"). Of one bit nothing would be left: it is one of 1 and 2.
func Draw(random *rng.Stream, bits int) uint32 {
	if bits == 1 {
		return 1 + random.Uint32()>>31
	}
	if bits == 0 {
		bits = 32
	}
	for {
		v := random.Uint32() >> (32 - bits)
		if v != 0 && v != math.MaxUint32>>(32-bits) {
			return v
		}
	}
}

// timerStep is the unit of the timers of RFC 3261 §14.1.
const timerStep = 10 * time.Millisecond

// Wait draws how long an end waits after a refusal (RFC 3261 §14.1): the one that made the Call-ID 2.1 to 4 s,
// the other up to 2 s.
func Wait(random *rng.Stream, owner bool) time.Duration {
	lo, hi := 0, 200
	if owner {
		lo, hi = 210, 400
	}
	return time.Duration(lo+int(random.Uniform(0, float64(hi-lo+1)))) * timerStep
}
