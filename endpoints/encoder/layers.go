package encoder

import (
	"time"

	"rtpfabric/sim/simtime"
)

// patterns are the temporal layers of consecutive frames, by their number: each
// frame is predicted from the last one of a lower layer, those of the lowest from
// each other.
var patterns = [4][]uint8{1: {0}, 2: {0, 1}, 3: {0, 2, 1, 2}}

// Parts returns which part of the frames of a video with so many temporal layers the layers up to
// each have together; it is that of the rate, too, as all frames are of one size.
func Parts(layers int) []float64 {
	pattern := patterns[max(layers, 1)]
	parts := make([]float64, highest(pattern)+1)
	for _, l := range pattern {
		for up := int(l); up < len(parts); up++ {
			parts[up] += 1 / float64(len(pattern))
		}
	}
	return parts
}

// layers decides which frames are key frames and which layer they belong to.
type layers struct {
	pattern  []uint8
	interval time.Duration
	refresh  bool         // the next frame shall be a key frame
	key      simtime.Time // when the last one was
	at       int          // in the pattern
	base     uint64
}

func newLayers(c VideoConfig) layers {
	return layers{pattern: patterns[max(c.Layers, 1)], interval: c.KeyInterval}
}

// refreshDue reports whether the frame that is made now is to be a key frame.
func (l *layers) refreshDue(now simtime.Time) bool {
	return l.refresh || l.interval > 0 && now.Sub(l.key) >= l.interval
}

// place gives a frame its layer. A key frame begins the pattern anew.
func (l *layers) place(now simtime.Time, f *Frame) {
	if f.Key {
		l.refresh, l.key, l.at = false, now, 0
	}
	f.Layer = l.pattern[l.at]
	if f.Layer == 0 {
		l.base++
	}
	f.Base = l.base
	f.Sync = synced(l.pattern[:l.at+1])
	f.Discardable = len(l.pattern) > 1 && int(f.Layer) == highest(l.pattern)
	l.at = (l.at + 1) % len(l.pattern)
}

// synced reports whether the last of some frames that begin with one of the lowest layer is predicted
// from that alone.
func synced(pattern []uint8) bool {
	last := len(pattern) - 1
	for i := last - 1; i >= 0; i-- {
		if pattern[i] < pattern[last] {
			return pattern[i] == 0
		}
	}
	return false
}

func highest(pattern []uint8) int {
	top := uint8(0)
	for _, l := range pattern {
		top = max(top, l)
	}
	return int(top)
}
