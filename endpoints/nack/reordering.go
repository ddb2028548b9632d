package nack

import (
	"time"

	"rtpfabric/sim/simtime"
)

// Bounds of what is learned from stragglers.
const (
	reorderMemory     = 10 * time.Second // an extent counts for one to two of these
	maxReorderPackets = 128
)

// extent is how far packets came out of order: by so many numbers, that much
// later than the gap was seen.
type extent struct {
	packets uint64
	delay   time.Duration
}

func (e extent) max(f extent) extent {
	return extent{max(e.packets, f.packets), max(e.delay, f.delay)}
}

// reordering measures the greatest extents of late (RFC 4588 §6.3: "based on past
// observations of the experienced packet reordering").
type reordering struct {
	recent, before extent
	turn           simtime.Time // when recent becomes before
}

// note takes an original packet that filled a gap.
func (r *reordering) note(e extent) { r.recent = r.recent.max(e) }

// age forgets what is too long ago.
func (r *reordering) age(now simtime.Time) {
	if now < r.turn {
		return
	}
	r.before, r.recent = r.recent, extent{}
	if now >= r.turn.Add(reorderMemory) {
		r.before = extent{}
	}
	r.turn = now.Add(reorderMemory)
}

func (r *reordering) extent() extent { return r.recent.max(r.before) }
