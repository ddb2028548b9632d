package ecn

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Limits of the judgement about a path.
const (
	// probeEvery packets one is ECN-capable during initiation: "a small fraction"
	// (RFC 6679 §7.2.1).
	probeEvery = 10
	// fewProbes say nothing: with more of them something must have been reported
	// (§7.2.1, ">3").
	fewProbes = 3
	// longRun is how many packets in use a high loss rate is taken over, so that a burst
	// that a queue drops isn't one, and sample how many show that losses have ended.
	longRun, sample = 50, 20
	// maxFallbacks is how often losses may end in use before ECN is given up (§7.4.1).
	maxFallbacks = 3
	// leastPatience is how long reports may fail to come in any case.
	leastPatience = time.Second
)

// Delta is what a report shows of a stream since the last one by the same reporter: the
// news, and how many packets, ECN-capable and others, had been sent meanwhile up to the
// highest number that came.
type Delta struct {
	News
	SentCapable, SentPlain int
}

// Path is a sender's judgement about the path to its peer: it begins with a small
// fraction of ECN-capable packets (RFC 6679 §7.2.1), makes all of them so once a report
// shows that they arrive (§7.3.1), and watches reports from then on (§7.4).
//
// Its host calls Mark for every packet that leaves, OnReport, OnUnreported and SetAlone
// for what RTCP tells, and then polls changes.
type Path struct {
	mark      packet.ECN
	state     State
	changes   []Change
	alone     bool // there is one peer
	plain     int  // packets since the last probe
	window    Delta
	armed     bool // losses in use are judged
	fallbacks int  // that ended losses

	unreported      int // ECN-capable packets since a report showed progress
	unreportedSince simtime.Time
}

// NewPath returns the judgement about a path of which nothing is known. mark is the code
// point of ECN-capable packets, ECT0 or ECT1.
func NewPath(mark packet.ECN) *Path { return &Path{mark: mark, alone: true, armed: true} }

// State returns what is believed of the path.
func (p *Path) State() State { return p.state }

// PollChange returns the next change of state that the host hasn't seen.
func (p *Path) PollChange() (Change, bool) {
	if len(p.changes) == 0 {
		return Change{}, false
	}
	c := p.changes[0]
	p.changes = append(p.changes[:0], p.changes[1:]...)
	return c, true
}

func (p *Path) become(s State, why Reason) {
	if !legal[p.state][s] {
		panic("ecn: no way from " + p.state.String() + " to " + s.String())
	}
	p.state, p.window, p.plain, p.unreported = s, Delta{}, 0, 0
	p.changes = append(p.changes, Change{s, why})
}

// Mark returns the ECN field of a packet that leaves. One that is precious, as a key
// frame's is, doesn't serve as a probe (§7.2.1). patience is how long it may take until
// reports say something of packets.
func (p *Path) Mark(now simtime.Time, precious bool, patience time.Duration) packet.ECN {
	switch p.state {
	case Initiating:
		if p.plain++; p.plain < probeEvery || precious {
			return packet.NotECT
		}
		p.plain = 0
		return p.mark
	case InUse:
		if p.unreported++; p.unreported == 1 {
			p.unreportedSince = now
		}
		if p.unreported > sample && now.Sub(p.unreportedSince) > max(patience, leastPatience) {
			p.become(Suspended, NothingArrives)
			return packet.NotECT
		}
		return p.mark
	case Suspended, Disabled:
	}
	return packet.NotECT
}

// SetAlone says whether there is only one peer, so that its report suffices. With more of
// them only a small fraction is ECN-capable.
//
// Deviation (RFC 6679 §7.2.1): it stays like that, as nobody waits until all members of a
// group have reported.
func (p *Path) SetAlone(alone bool) {
	if p.alone = alone; !alone && p.state == InUse {
		p.become(Initiating, OtherPeers)
	}
}

// OnUnreported takes a reception report without anything about ECN in its packet, of a
// stream of which so many ECN-capable packets should have come.
func (p *Path) OnUnreported(capable uint64) {
	if p.state == Initiating && capable > fewProbes {
		p.become(Disabled, NotReported)
	}
}

// OnReport takes what an ECN feedback packet or summary report shows.
func (p *Path) OnReport(d Delta) {
	switch p.state {
	case Initiating:
		p.window.add(d)
		p.judgeProbes()
	case InUse:
		if d.SentCapable > 0 {
			p.unreported = 0
		}
		p.window.add(d)
		p.judgeUse()
	case Suspended:
		if d.SentCapable == 0 { // otherwise it is about packets from before
			p.window.add(d)
			p.judgeLosses()
		}
	case Disabled:
	}
}

// judgeProbes is the determination of ECN support of §7.2.1, with one peer.
func (p *Path) judgeProbes() {
	w := &p.window
	wrong, why := p.negative()
	switch arrived := w.ECT0 + w.ECT1 + w.CE; {
	case arrived > 0 && wrong == 0 && p.alone:
		p.become(InUse, Arrives)
	case w.SentCapable <= fewProbes:
	case wrong > 0:
		p.become(Disabled, why)
	case arrived == 0:
		p.become(Disabled, Dropped)
	}
}

// judgeUse looks for a path that has changed (§7.4.2).
func (p *Path) judgeUse() {
	w := &p.window
	if wrong, why := p.negative(); wrong > fewProbes && 10*wrong > w.SentCapable {
		p.become(Disabled, why)
		return
	}
	sent := w.SentCapable + w.SentPlain
	if sent < longRun {
		return
	}
	if high := 2*w.Lost > sent; high && p.armed {
		p.become(Suspended, HighLoss)
		return
	} else if !high {
		p.armed = true
	}
	p.window = Delta{}
}

// judgeLosses decides whether losses were due to the marking: they end without it
// (§7.4.1).
func (p *Path) judgeLosses() {
	w := &p.window
	switch {
	case w.SentPlain < sample:
	case 10*w.Lost > w.SentPlain:
		p.armed = false // until they have ended
		p.become(InUse, LossGoesOn)
	case p.fallbacks == maxFallbacks-1:
		p.become(Disabled, Dropped)
	default:
		p.fallbacks++
		p.become(Initiating, LossEnded)
	}
}

// negative returns how many packets show that the path changes the field: received
// without the mark that they were sent with, or with another. A path that doesn't has
// none: what arrived as not-ECT was sent so, or is a duplicate of such a packet.
func (p *Path) negative() (packets int, why Reason) {
	other := p.window.ECT1
	if p.mark == packet.ECT1 {
		other = p.window.ECT0
	}
	if cleared := p.window.NotECT - p.window.SentPlain - p.window.Duplicates; cleared > 0 {
		return cleared, Cleared
	}
	return other, Changed
}

func (d *Delta) add(o Delta) {
	d.ECT0 += o.ECT0
	d.ECT1 += o.ECT1
	d.CE += o.CE
	d.NotECT += o.NotECT
	d.Lost += o.Lost
	d.Duplicates += o.Duplicates
	d.SentCapable += o.SentCapable
	d.SentPlain += o.SentPlain
}
