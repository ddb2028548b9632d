package endpoints

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// probing sends the bursts that a controller asks for.
type probing struct {
	asks    ccontrol.Prober // nil if the controller doesn't probe
	probe   ccontrol.Probe  // that is being sent; ID 0 if none is
	over    simtime.Time    // when it is given up
	packets int             // of it that have left
	bytes   units.Bytes
}

// patienceOfProbes is how long a burst may take for want of packets.
const patienceOfProbes = time.Second

// pollProbe begins the next burst, if there is one and none is being sent.
func (s *Session) pollProbe(now simtime.Time) {
	p := &s.probing
	if p.probe.ID != 0 && now >= p.over {
		s.endProbe()
	}
	if p.asks == nil || p.probe.ID != 0 {
		return
	}
	probe, ok := p.asks.PollProbe(now)
	if !ok {
		return
	}
	p.probe, p.over, p.packets, p.bytes = probe, now.Add(patienceOfProbes), 0, 0
	s.pacer.SetRate(probe.Rate)
	s.pacer.Hurry(now)
}

// probed counts a packet that leaves for the burst that is being sent.
func (s *Session) probed(now simtime.Time, size units.Bytes) {
	p := &s.probing
	if p.probe.ID == 0 {
		return
	}
	p.packets++
	if p.bytes += size; p.packets >= p.probe.Packets && p.bytes >= p.probe.Bytes {
		s.endProbe()
		s.pollProbe(now)
	}
}

func (s *Session) endProbe() {
	s.probing.probe = ccontrol.Probe{}
	s.pacer.SetRate(s.lastTarget.Pacing)
}
