package audio

import (
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// maxPadding is what the octet that counts padding can say (RFC 3550 §5.1).
const maxPadding = 255

// PaddingConfig says how the sizes of frames of variable rate are hidden from those
// who see only encrypted packets (RFC 6562 §5). The zero value hides nothing.
type PaddingConfig struct {
	// Constant is the size to which every payload is padded, the recommended way;
	// 0 stands for no such size. Payloads that are as large or larger still get
	// one octet, so that the padding bit says nothing.
	Constant units.Bytes
	// Multiple pads to the next multiple of so many octets, such as 16; the size
	// grows at once and shrinks only after a random hold time with the given half
	// life, which is recommended to be a few hundred milliseconds.
	Multiple units.Bytes
	HalfLife time.Duration
}

// Padder decides how much padding a packet gets.
type Padder struct {
	c      PaddingConfig
	random *rng.Stream
	size   units.Bytes // of packets with their padding, at present
	until  simtime.Time
}

// NewPadder returns a padder for one stream. The random stream is used for hold
// times alone.
func NewPadder(c PaddingConfig, random *rng.Stream) *Padder {
	return &Padder{c: c, random: random}
}

// Pad returns how many octets to add to a payload: 0 if nothing is hidden, else 1
// to 255.
//
// Deviation (RFC 6562 §5): padding ends at the 255 octets that RTP can count, so that
// a constant size more than that above the smallest frame isn't reached.
func (p *Padder) Pad(now simtime.Time, size units.Bytes) int {
	switch {
	case p.c.Constant > 0:
		return clampPadding(p.c.Constant - size)
	case p.c.Multiple <= 0:
		return 0
	}
	needed := (size/p.c.Multiple + 1) * p.c.Multiple
	if needed >= p.size || now >= p.until {
		p.size = needed
		p.until = now.Add(hold(p.c.HalfLife, p.random))
	}
	return clampPadding(p.size - size)
}

func clampPadding(n units.Bytes) int { return int(max(min(n, maxPadding), 1)) }
