package tcp

import (
	"math"
	"time"
)

// hyStart is HyStart++ (RFC 9406): it ends the first slow start when round-trip
// times grow, by way of a conservative slow start that may turn out to be
// premature.
type hyStart struct {
	windowEnd    seq
	last, cur    time.Duration // smallest of the last and this round
	samples      int
	conservative bool // CSS
	baseline     time.Duration
	rounds       int // of CSS
}

// Constants of RFC 9406 §4.3.
const (
	hyStartMinThresh = 4 * time.Millisecond
	hyStartMaxThresh = 16 * time.Millisecond
	hyStartDivisor   = 8
	hyStartSamples   = 8
	cssGrowthDivisor = 4
	cssRounds        = 5
	hyStartLimit     = 8

	noRTT = time.Duration(math.MaxInt64)
)

func newHyStart() *hyStart { return &hyStart{last: noRTT, cur: noRTT} }

// grow takes an acknowledgment in slow start and returns by how much the window
// opens; n is what plain slow start would add.
func (h *hyStart) grow(w *window, a *acknowledgment, n int64) int64 {
	if a.rtt > 0 {
		h.cur = min(h.cur, a.rtt)
		h.samples++
	}
	if h.conservative {
		n /= cssGrowthDivisor
	}
	h.watch()
	if a.una >= h.windowEnd {
		h.windowEnd = a.nxt
		h.last, h.cur, h.samples = h.cur, noRTT, 0
		if h.conservative {
			h.rounds++
			if h.rounds >= cssRounds {
				w.ssthresh = w.cwnd + n
			}
		}
	}
	return n
}

func (h *hyStart) watch() {
	if h.samples < hyStartSamples || h.cur == noRTT {
		return
	}
	switch {
	case h.conservative && h.cur < h.baseline:
		h.conservative, h.baseline = false, noRTT
	case !h.conservative && h.last != noRTT:
		thresh := min(max(h.last/hyStartDivisor, hyStartMinThresh), hyStartMaxThresh)
		if h.cur >= h.last+thresh {
			h.conservative, h.baseline, h.rounds = true, h.cur, 0
		}
	}
}
