package fabric

import "fmt"

// CheckConservation verifies that no packet was lost or invented: on every
// link, in total, and in the free list. held is how many packets endpoints
// own. An error means a bug in the simulator.
func (f *Fabric) CheckConservation(held int) error {
	var inFlight, dropped, duplicated uint64
	for _, l := range f.links {
		s, n := l.stats, uint64(l.InFlight())
		if s.Arrived+s.Duplicated != s.Delivered+s.Dropped()+n {
			return fmt.Errorf("link %s: %d packets arrived and %d were duplicated, but %d delivered, %d dropped and %d in flight",
				l.Name, s.Arrived, s.Duplicated, s.Delivered, s.Dropped(), n)
		}
		inFlight += n
		dropped += s.Dropped()
		duplicated += s.Duplicated
	}
	for _, p := range f.ports {
		inFlight += uint64(p.local.Len())
	}
	dropped += f.unroutable + f.blocked + f.damaged
	if f.sent+duplicated != f.delivered+dropped+inFlight {
		return fmt.Errorf("%d packets sent and %d duplicated, but %d delivered, %d dropped and %d in flight",
			f.sent, duplicated, f.delivered, dropped, inFlight)
	}
	if out := f.pool.Outstanding(); out != int(inFlight)+held {
		return fmt.Errorf("%d packets are off the free list, but %d are in flight and %d held by endpoints",
			out, inFlight, held)
	}
	return nil
}
