package parity

import (
	"time"

	"rtpfabric/sim/units"
)

// Limits bound what a [Decoder] remembers, whatever its peers send
// (RFC 8627 §9). Its memory is at most (Streams · Packets + Repairs) · Size.
type Limits struct {
	// Streams is how many source streams there may be.
	Streams int
	// Packets is how many numbers of each stream are remembered, and how many a
	// repair packet may span; rounded up to a power of two, at most 16384.
	Packets int
	// Repairs is how many repair packets may wait for more to come.
	Repairs int
	// Size is that of the largest packet that is remembered or recovered.
	Size units.Bytes
	// Window is how long a repair packet waits (RFC 8627 §1.1.8).
	Window time.Duration
}

// DefaultLimits are for a video stream or two and blocks of a second.
func DefaultLimits() Limits {
	return Limits{Streams: 4, Packets: 512, Repairs: 128, Size: 1500, Window: time.Second}
}

// Counts tell what became of repair packets. Repairs is the sum of all below it
// and of those that wait.
type Counts struct {
	Recovered uint64 // source packets

	Repairs    uint64
	Used       uint64 // gave a packet back
	Needless   uint64 // nothing of theirs was missing, or something else repaired it
	Expired    uint64 // more than one packet was missing to the end
	Superseded uint64 // made room for newer ones
	Refused    uint64 // about too many packets, too old or new ones, or a stream that isn't known
	Repeated   uint64 // came twice
	Partial    uint64 // don't protect the whole of what was missing
	Bogus      uint64 // gave back what is no RTP packet
}
