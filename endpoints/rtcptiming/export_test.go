package rtcptiming

import "rtpfabric/sim/simtime"

// Earliest returns what NextTimeout does, from the timers themselves.
func (s *Scheduler) Earliest() simtime.Time {
	at := simtime.Never
	for _, l := range s.locals {
		at = min(at, l.tn, l.te)
	}
	return at
}
