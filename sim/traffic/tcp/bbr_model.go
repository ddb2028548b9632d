package tcp

// bandwidthFilter is the maximum over the last ten rounds, by way of the three
// best estimates of shrinking age, as K. Nichols' windowed filter keeps them.
type bandwidthFilter struct{ est [3]bandwidthSample }

type bandwidthSample struct {
	rate  float64 // octets per second
	round int64
}

// bandwidthRounds is BtlBwFilterLen.
const bandwidthRounds = 10

func (f *bandwidthFilter) best() float64 { return f.est[0].rate }

func (f *bandwidthFilter) add(rate float64, round int64) {
	s := bandwidthSample{rate, round}
	e := &f.est
	if rate >= e[0].rate || round-e[2].round > bandwidthRounds {
		*e = [3]bandwidthSample{s, s, s}
		return
	}
	if rate >= e[1].rate {
		e[1], e[2] = s, s
	} else if rate >= e[2].rate {
		e[2] = s
	}
	switch age := round - e[0].round; {
	case age > bandwidthRounds:
		e[0], e[1], e[2] = e[1], e[2], s
		if round-e[0].round > bandwidthRounds {
			e[0], e[1] = e[1], e[2]
		}
	case e[1].round == e[0].round && age > bandwidthRounds/4:
		e[1], e[2] = s, s
	case e[2].round == e[1].round && age > bandwidthRounds/2:
		e[2] = s
	}
}

func (b *bbr) updateBtlBw(a *acknowledgment) {
	b.roundStart = false
	if a.rate.octets > 0 && a.rate.priorDelivered >= b.nextRound {
		b.nextRound = a.rate.delivered
		b.round++
		b.roundStart = true
	}
	// A rate over less than the smallest round trip is of a burst of
	// acknowledgments.
	if a.rate.octets <= 0 || a.rate.interval <= 0 || b.rtProp != noRTT && a.rate.interval < b.rtProp {
		return
	}
	rate := float64(a.rate.octets) / a.rate.interval.Seconds()
	if rate >= b.btlBw.best() || !a.rate.applicationLtd {
		b.btlBw.add(rate, b.round)
	}
}

func (b *bbr) updateRTProp(a *acknowledgment) {
	b.rtPropExpired = a.now > b.rtPropAt.Add(bbrRTPropLength)
	if a.rtt > 0 && (a.rtt <= b.rtProp || b.rtPropExpired) {
		b.rtProp, b.rtPropAt = a.rtt, a.now
	}
}

// checkFullPipe ends Startup when three rounds haven't brought 25 % more.
func (b *bbr) checkFullPipe(a *acknowledgment) {
	if b.filledPipe || !b.roundStart || a.rate.applicationLtd {
		return
	}
	if b.btlBw.best() >= float64(b.fullBw*1.25) {
		b.fullBw, b.fullCount = b.btlBw.best(), 0
		return
	}
	b.fullCount++
	b.filledPipe = b.fullCount >= 3
}

func (b *bbr) checkDrain(w *window, a *acknowledgment) {
	if b.mode == bbrStartup && b.filledPipe {
		b.mode, b.pacingGain, b.cwndGain = bbrDrain, 1/bbrHighGain, bbrHighGain
	}
	if b.mode == bbrDrain && a.inPipe <= b.inflight(w, 1) {
		b.enterProbeBW(a)
	}
}

func (b *bbr) enterProbeBW(a *acknowledgment) {
	b.mode, b.cwndGain = bbrProbeBW, 2
	b.cycle = b.firstCycle
	b.advanceCycle(a)
}

func (b *bbr) advanceCycle(a *acknowledgment) {
	b.cycleAt = a.now
	b.cycle = (b.cycle + 1) % len(bbrCycle)
	b.pacingGain = bbrCycle[b.cycle]
}

// checkCyclePhase goes on to the next gain: each lasts a round trip, but probing
// for more until it has filled the pipe or lost, and draining no longer than
// needed.
func (b *bbr) checkCyclePhase(w *window, a *acknowledgment) {
	if b.mode != bbrProbeBW {
		return
	}
	full := a.now.Sub(b.cycleAt) > b.rtProp
	next := full
	switch {
	case b.pacingGain > 1:
		next = full && (a.lost > 0 || a.priorPipe >= b.inflight(w, b.pacingGain))
	case b.pacingGain < 1:
		next = full || a.priorPipe <= b.inflight(w, 1)
	}
	if next {
		b.advanceCycle(a)
	}
}

// checkProbeRTT lets the queue run empty for 200 ms and a round when the
// smallest round-trip time is ten seconds old.
func (b *bbr) checkProbeRTT(w *window, a *acknowledgment) {
	if b.mode != bbrProbeRTT && b.rtPropExpired && !b.idleRestart {
		b.save(w)
		b.mode, b.pacingGain, b.cwndGain = bbrProbeRTT, 1, 1
		b.probeDoneAt = 0
	}
	if b.mode == bbrProbeRTT {
		b.handleProbeRTT(w, a)
	}
	b.idleRestart = false
}

func (b *bbr) handleProbeRTT(w *window, a *acknowledgment) {
	b.rate.applicationLimited(a.inPipe)
	if b.probeDoneAt == 0 {
		if a.inPipe <= bbrMinPipe*w.smss {
			b.probeDoneAt = a.now.Add(bbrProbeDuration)
			b.probeRoundDone = false
			b.nextRound = a.rate.delivered
		}
		return
	}
	b.probeRoundDone = b.probeRoundDone || b.roundStart
	if !b.probeRoundDone || a.now <= b.probeDoneAt {
		return
	}
	b.rtPropAt = a.now
	b.restore(w)
	if b.filledPipe {
		b.enterProbeBW(a)
		return
	}
	b.mode, b.pacingGain, b.cwndGain = bbrStartup, bbrHighGain, bbrHighGain
}
