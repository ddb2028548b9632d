package breaker

import (
	"time"

	"rtpfabric/sim/simtime"
)

// framing measures Tf and s of a stream (§3).
type framing struct {
	tf time.Duration // if it is constant
	// most is the longest interval of the last 10 s in a second, if that is known.
	most   time.Duration
	second int64
	known  bool

	head int32 // of before
	at   simtime.Time
	last time.Duration // interval before the present frame
	// before is what had been sent before each of the last 4·G frames and the present one, which is at head.
	before []totals
	few    [5]totals // that these are if G is 1
	slots  [slots]slot
}

// slot holds the longest interval that ended in a second.
type slot struct {
	second int64
	most   time.Duration
}

// slots are the 10 s over which a changing Tf is taken, and the present second.
const slots = 11

// begin is called once, where the framing stays.
func (f *framing) begin(c *Stream) {
	f.tf, f.before = bounded(c.Tf), f.few[:]
	if n := 4*c.G + 1; n > len(f.few) {
		f.before = make([]totals, n)
	}
}

// next begins a frame after so much has been sent.
func (f *framing) next(now simtime.Time, sent totals, first bool) {
	if !first {
		f.note(now, now.Sub(f.at))
		if f.head++; int(f.head) == len(f.before) {
			f.head = 0
		}
		f.before[f.head] = sent
	}
	f.at = now
}

// note keeps an interval between frames.
func (f *framing) note(now simtime.Time, d time.Duration) {
	f.last = d
	second := int64(now.Duration() / time.Second)
	if f.second == second {
		f.most = max(f.most, d)
	}
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
	if !f.known || f.second != second {
		f.most, f.second, f.known = 0, second, true
		for _, s := range f.slots {
			if second-s.second < slots {
				f.most = max(f.most, s.most)
			}
		}
	}
	if f.most == 0 {
		return bounded(f.last)
	}
	return bounded(f.most)
}

// size is s: the mean of the packets of the last 4·G frames. 0 before the first.
func (f *framing) size(sent totals) float64 {
	oldest := &f.before[(int(f.head)+1)%len(f.before)]
	packets := sent.packets - oldest.packets
	if packets == 0 {
		return 0
	}
	return float64(sent.bytes-oldest.bytes) / float64(packets)
}
