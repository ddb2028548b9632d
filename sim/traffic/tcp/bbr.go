package tcp

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// bbr is BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00): a model
// of the path, made of the largest delivery rate of ten round trips and the
// smallest round-trip time of ten seconds, says how fast to send and how much
// may be in flight.
//
// Deviation (draft §4.3.4.2): the phase of the gain cycle in which ProbeBW
// begins is taken from the connection's addresses instead of drawn. Deviation
// (draft §4.3.4.4): a restart from idle is noticed after a pause of one RTO.
type bbr struct {
	rate *rateEstimator
	mode bbrMode

	// The model (bbr_model.go).
	btlBw  bandwidthFilter
	rtProp time.Duration
	// rtPropAt is when rtProp was measured, rtPropExpired that it is too old.
	rtPropAt      simtime.Time
	rtPropExpired bool
	// A round ends when what is sent after its beginning is delivered.
	nextRound  int64
	round      int64
	roundStart bool
	fullBw     float64
	fullCount  int
	filledPipe bool

	pacingGain, cwndGain float64
	pacingRate           float64 // octets per second
	cycle                int
	firstCycle           int
	cycleAt              simtime.Time

	probeDoneAt    simtime.Time // 0: the flight isn't small enough yet
	probeRoundDone bool
	idleRestart    bool

	entering     bool // lost was called for the acknowledgment at hand
	conservation bool
	priorCwnd    int64
	lastPhase    phase
}

type bbrMode uint8

const (
	bbrStartup bbrMode = iota
	bbrDrain
	bbrProbeBW
	bbrProbeRTT
)

// Constants of the draft, §4.
const (
	bbrHighGain      = 2.885 // 2/ln 2
	bbrRTPropLength  = 10 * time.Second
	bbrProbeDuration = 200 * time.Millisecond
	bbrMinPipe       = 4 // segments
)

var bbrCycle = [...]float64{1.25, 0.75, 1, 1, 1, 1, 1, 1}

func newBBR(local, remote packet.Addr) *bbr {
	h := uint32(local.IP)*31 + uint32(local.Port)*17 + uint32(remote.IP)*13 + uint32(remote.Port)
	return &bbr{
		rtProp: noRTT, pacingGain: bbrHighGain, cwndGain: bbrHighGain,
		firstCycle: len(bbrCycle) - 1 - int(h%uint32(len(bbrCycle)-1)),
	}
}

func (b *bbr) acked(w *window, a *acknowledgment) {
	b.updateBtlBw(a)
	b.checkCyclePhase(w, a)
	b.checkFullPipe(a)
	b.checkDrain(w, a)
	b.updateRTProp(a)
	b.checkProbeRTT(w, a)
	b.setPacingRate()
	b.setCwnd(w, a)
	b.lastPhase = a.phase
}

// inflight is BBRInflight: so much the path holds with this gain, and three
// quanta.
func (b *bbr) inflight(w *window, gain float64) int64 {
	if b.rtProp == noRTT || b.btlBw.best() == 0 {
		return w.initial
	}
	bdp := float64(b.btlBw.best() * b.rtProp.Seconds())
	return int64(gain*bdp) + 3*b.quantum(w)
}

// quantum is BBRSetSendQuantum, with segments that leave one by one.
func (b *bbr) quantum(w *window) int64 {
	switch bits := 8 * b.pacingRate; {
	case bits < 1.2e6:
		return w.smss
	case bits < 24e6:
		return 2 * w.smss
	default:
		return min(int64(b.pacingRate/1000), 64<<10)
	}
}

func (b *bbr) setPacingRate() {
	rate := float64(b.pacingGain * b.btlBw.best())
	if b.filledPipe || rate > b.pacingRate {
		b.pacingRate = rate
	}
}

// setCwnd is BBRSetCwnd with its modulations for recovery and ProbeRTT.
func (b *bbr) setCwnd(w *window, a *acknowledgment) {
	b.modulate(w, a)
	target := b.inflight(w, b.cwndGain)
	if !b.conservation {
		if b.filledPipe {
			w.cwnd = min(w.cwnd+a.delivered, target)
		} else if w.cwnd < target || a.rate.delivered < w.initial {
			w.cwnd += a.delivered
		}
		w.cwnd = max(w.cwnd, bbrMinPipe*w.smss)
	}
	if b.mode == bbrProbeRTT {
		w.cwnd = min(w.cwnd, bbrMinPipe*w.smss)
	}
}

// modulate is packet conservation in the first round trip of recovery, and the
// window's return after it.
func (b *bbr) modulate(w *window, a *acknowledgment) {
	switch {
	case b.entering:
		b.entering = false
		b.conservation = true
		b.nextRound = a.rate.delivered
		w.cwnd = a.inPipe + max(a.delivered, w.smss)
	case a.phase == phaseOpen && b.lastPhase != phaseOpen:
		b.conservation = false
		b.restore(w)
	default:
		if a.lost > 0 {
			w.cwnd = max(w.cwnd-a.lost, w.smss)
		}
		if b.conservation && b.roundStart {
			b.conservation = false
		}
		if b.conservation {
			w.cwnd = max(w.cwnd, a.inPipe+a.delivered)
		}
	}
}

func (b *bbr) save(w *window) {
	if b.lastPhase == phaseOpen && b.mode != bbrProbeRTT {
		b.priorCwnd = w.cwnd
	} else {
		b.priorCwnd = max(b.priorCwnd, w.cwnd)
	}
}

func (b *bbr) restore(w *window) { w.cwnd = max(w.cwnd, b.priorCwnd) }

func (b *bbr) lost(w *window, _ simtime.Time, _ int64, _ bool) {
	b.save(w)
	b.entering = true
}

// marked does nothing: version 1 ignores ECN, and its packets aren't capable.
func (b *bbr) marked(*window, simtime.Time, int64) {}

func (b *bbr) timedOut(w *window, _ simtime.Time, _ int64, _ bool) {
	b.save(w)
	b.entering, b.conservation = false, false
	w.cwnd = w.smss
	b.lastPhase = phaseLoss
}

func (b *bbr) idle(*window, simtime.Time, time.Duration) {
	b.idleRestart = true
	if b.mode == bbrProbeBW {
		b.pacingRate = b.btlBw.best()
	}
}

func (b *bbr) pacing(w *window, srtt time.Duration) units.BitRate {
	if b.pacingRate == 0 {
		return rateOf(w.initial, max(srtt, time.Millisecond), bbrHighGain)
	}
	return units.BitRate(8 * b.pacingRate)
}

func (b *bbr) scalable() bool { return false }
