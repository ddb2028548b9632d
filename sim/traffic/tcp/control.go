package tcp

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// The congestion controls.
const (
	ControlNewReno = "newreno" // RFC 5681, RFC 6582
	ControlCubic   = "cubic"   // RFC 9438
	ControlPrague  = "prague"  // scalable, for L4S (RFC 9331)
	ControlBBR     = "bbr"     // version 1
)

// Controls returns the names that [Config] accepts as Control.
func Controls() []string {
	return []string{ControlNewReno, ControlCubic, ControlPrague, ControlBBR}
}

func known(name string) bool { return slices.Contains(Controls(), name) }

// window is RFC 5681's state, in octets.
type window struct {
	cwnd, ssthresh int64
	smss, initial  int64
}

// unbounded is "arbitrarily high" of RFC 5681 §3.1.
const unbounded int64 = 1 << 50

func (w *window) slowStart() bool { return w.cwnd < w.ssthresh }

// phase is what the sender is repairing.
type phase uint8

const (
	phaseOpen     phase = iota // nothing
	phaseRecovery              // fast recovery
	phaseLoss                  // what a timeout has declared lost
)

// acknowledgment is what one incoming segment says, as a controller sees it.
type acknowledgment struct {
	now simtime.Time
	// acked octets are acknowledged cumulatively for the first time, delivered
	// ones cumulatively or selectively.
	acked, delivered int64
	// una and nxt after it; flight is what was outstanding before it, inPipe
	// what is estimated to be in the network after it.
	una, nxt       seq
	flight, inPipe int64
	// priorPipe is inPipe before it, and lost how much it shows to be lost.
	priorPipe, lost int64
	// limited says that the window was full at some time of the last round
	// trip, so that a larger one would have been used.
	limited bool
	phase   phase
	// rtt is the newest measurement, 0 if there is none; srtt is smoothed.
	rtt, srtt time.Duration
	// marks is how many packets accurate feedback newly reports as marked.
	marks int64
	rate  rateSample
}

// controller decides about the window. What it is told comes in this order for
// one segment: marked or lost, if at all, then acked.
type controller interface {
	// acked is called for every acknowledgment that delivers something.
	acked(w *window, a *acknowledgment)
	// lost is called at a fast retransmit: it sets ssthresh and cwnd. reduced
	// says that a mark has reduced the window in this round trip already.
	lost(w *window, now simtime.Time, flight int64, reduced bool)
	// marked is called for ECN-Echo, at most once per window of data
	// (RFC 3168 §6.1.2).
	marked(w *window, now simtime.Time, flight int64)
	// timedOut is called at a retransmission timeout; again says that it isn't
	// the first one for this segment.
	timedOut(w *window, now simtime.Time, flight int64, again bool)
	// idle is called before data is sent after a pause of more than one RTO.
	idle(w *window, now simtime.Time, pause time.Duration)
	// pacing returns the rate at which packets leave; 0 is as the window allows.
	pacing(w *window, srtt time.Duration) units.BitRate
	// scalable says that packets may carry ECT1 (RFC 9331 §4.3).
	scalable() bool
}

func newController(c *Config) controller {
	switch c.Control {
	case ControlCubic:
		return newCubic(c)
	case ControlPrague:
		return newPrague()
	case ControlBBR:
		return newBBR(c.Local, c.Remote)
	default:
		return &newReno{perAck: c.PerAckIncrease, limit: int64(max(c.SlowStartLimit, 1)), abe: c.ABE}
	}
}

// afterIdle is the restart window of RFC 5681 §4.1.
func (w *window) afterIdle() { w.cwnd = min(w.cwnd, w.initial) }

// halve is equation (4) of RFC 5681 §3.1.
func halve(flight, smss int64) int64 { return max(flight/2, 2*smss) }
