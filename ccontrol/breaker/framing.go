package breaker

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// framing measures Tf and s of a stream (§3).
type framing struct {
	started bool
	frame   uint32 // the present one
	at      simtime.Time
	// sizes of the last 4·G frames and of the present one, which is at head.
	sizes   []frameSize
	head    int
	bytes   units.Bytes
	packets int
	few     [5]frameSize // that these are if G is 1

	tf   time.Duration // if it is constant
	last time.Duration // interval before the present frame
	// longest is Tf in a second, unless it isn't known as another frame has begun since.
	longest time.Duration
	second  int64
	known   bool
	slots   [slots]slot
}

// slot holds the longest interval that ended in a second.
type slot struct {
	second int64
	most   time.Duration
}

// slots are the 10 s over which a changing Tf is taken, and the present second.
const slots = 11

type frameSize struct {
	bytes   units.Bytes
	packets int
}

// begin is called once, where the framing stays.
func (f *framing) begin(c *Stream) {
	f.tf, f.sizes = bounded(c.Tf), f.few[:]
	if n := 4*c.G + 1; n > len(f.few) {
		f.sizes = make([]frameSize, n)
	}
}

// sent notes a packet.
func (f *framing) sent(now simtime.Time, size units.Bytes, frame uint32) {
	if !f.started || frame != f.frame {
		if f.started {
			f.note(now, now.Sub(f.at))
			f.head = (f.head + 1) % len(f.sizes)
			f.bytes -= f.sizes[f.head].bytes
			f.packets -= f.sizes[f.head].packets
			f.sizes[f.head] = frameSize{}
		}
		f.started, f.frame, f.at = true, frame, now
	}
	f.sizes[f.head].bytes += size
	f.sizes[f.head].packets++
	f.bytes += size
	f.packets++
}

// note keeps an interval between frames.
func (f *framing) note(now simtime.Time, d time.Duration) {
	f.last, f.known = d, false
	second := int64(now.Duration() / time.Second)
	s := &f.slots[second%slots]
	if s.second != second {
		*s = slot{second: second}
	}
	s.most = max(s.most, d)
}

// interval is Tf: the constant one, the longest of the last 10 s, or if there is
// none the last one (§3).
func (f *framing) interval(now simtime.Time) time.Duration {
	if f.tf > 0 {
		return f.tf
	}
	second := int64(now.Duration() / time.Second)
	if f.known && f.second == second {
		return f.longest
	}
	most := time.Duration(0)
	for _, s := range f.slots {
		if second-s.second < slots {
			most = max(most, s.most)
		}
	}
	if most == 0 {
		most = f.last
	}
	f.longest, f.second, f.known = bounded(most), second, true
	return f.longest
}

// size is s: the mean of the packets of the last 4·G frames. 0 before the first.
func (f *framing) size() float64 {
	if f.packets == 0 {
		return 0
	}
	return float64(f.bytes) / float64(f.packets)
}
