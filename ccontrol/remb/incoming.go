package remb

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// bins is how many parts the window of the incoming rate has.
const bins = 100

// incoming measures the rate of what arrives: R_hat of draft-ietf-rmcat-gcc-02 §5.5,
// over a window that moves in hundredths of its length. Times are by the receiver's
// clock; if that is set back by more than the window the measurement begins anew.
type incoming struct {
	bin     time.Duration
	bytes   [bins]units.Bytes
	total   units.Bytes
	packets [bins]int
	count   int
	first   int64 // bin with which the measurement began
	last    int64 // newest bin
	started bool
}

func newIncoming(window time.Duration) incoming {
	return incoming{bin: max(window/bins, 1)}
}

func (in *incoming) reset() { *in = incoming{bin: in.bin} }

func (in *incoming) add(at simtime.Time, size units.Bytes) {
	in.moveTo(at)
	i := place(in.last)
	in.bytes[i] += size
	in.total += size
	in.packets[i]++
	in.count++
}

// moveTo forgets what has left the window. Once nothing remains the measurement
// begins anew, so that a pause doesn't count as slow arrival.
func (in *incoming) moveTo(at simtime.Time) {
	n := int64(at) / int64(in.bin)
	if int64(at)%int64(in.bin) < 0 { // clocks may be before the epoch
		n--
	}
	if !in.started || n-in.last >= bins || in.last-n >= bins {
		in.reset()
		in.first, in.last, in.started = n, n, true
		return
	}
	for in.last < n {
		in.last++
		i := place(in.last)
		in.total -= in.bytes[i]
		in.count -= in.packets[i]
		in.bytes[i], in.packets[i] = 0, 0
	}
	if in.count == 0 {
		in.first = n
	}
}

// place is where a bin stands.
func place(bin int64) int64 { return (bin%bins + bins) % bins }

// rate returns the incoming rate in bit/s; 0 while a packet or two say nothing.
func (in *incoming) rate(at simtime.Time) float64 {
	if !in.started {
		return 0
	}
	in.moveTo(at)
	span := min(in.last-in.first+1, bins)
	if in.count < 2 || span < 2 {
		return 0
	}
	return float64(8*in.total) / (time.Duration(span) * in.bin).Seconds()
}
