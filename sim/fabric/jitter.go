package fabric

import (
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Jitter is a model of packet delay variation.
type Jitter interface {
	// Exit returns when a packet leaves that would leave at the given time
	// without jitter. serial is the packet's serialization delay. Calls come
	// in order of time.
	Exit(at simtime.Time, serial time.Duration) simtime.Time
}

// BoundedPDV draws from a Gaussian cut off at ±Bound·Std (RFC 8868 §4.5.3) and
// adds Mean. With Mean = Bound·Std the added delay is between 0 and
// 2·Bound·Std; it is never negative.
//
// Deviation (RFC 8868 §4.5.3): the RFC prints the deviate between bars of an
// absolute value, which would make it one-sided and its mean positive, while
// §4.5.1 calls it zero-mean; the zero-mean reading is used.
type BoundedPDV struct {
	Mean, Std time.Duration
	Bound     float64
	Random    *rng.Stream
	// NoReorder makes it NR-BPDV (§4.5.2): a packet leaves no earlier than
	// its predecessor and that one's serialization. Otherwise it is RBPDV
	// (§4.5.1) and packets may overtake each other.
	NoReorder bool

	earliest simtime.Time
}

// Exit draws the packet's delay.
func (j *BoundedPDV) Exit(at simtime.Time, serial time.Duration) simtime.Time {
	z := min(max(j.Random.Normal(), -j.Bound), j.Bound)
	d := j.Mean + time.Duration(z*float64(j.Std))
	exit := at.Add(max(d, 0))
	if j.NoReorder {
		exit = max(exit, j.earliest)
		j.earliest = exit.Add(serial)
	}
	return exit
}

// SetStd changes the standard deviation of packets from now on, and with it the
// mean, so that the distribution keeps its shape.
func (j *BoundedPDV) SetStd(std time.Duration) {
	if j.Mean == time.Duration(j.Bound*float64(j.Std)) {
		j.Mean = time.Duration(j.Bound * float64(std))
	}
	j.Std = std
}
