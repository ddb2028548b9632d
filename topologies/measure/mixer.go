package measure

import (
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// mixerMeter measures what a mixer does.
type mixerMeter struct {
	sim                     *topologies.Simulation
	mixes, decodes, encodes *total
	last                    topologies.Mixes
}

// newMixerMeter returns nil if there is no mixer.
func newMixerMeter(b *book, sim *topologies.Simulation) *mixerMeter {
	name := sim.Mixer()
	if name == "" {
		return nil
	}
	return &mixerMeter{
		sim: sim, mixes: b.count(name, record.Mixes), decodes: b.count(name, record.Decodes), encodes: b.count(name, record.Encodes),
	}
}

func (m *mixerMeter) sample(now simtime.Time) {
	n := m.sim.Mixes()
	m.mixes.add(now, float64(n.Mixes-m.last.Mixes))
	m.decodes.add(now, float64(n.Decodes-m.last.Decodes))
	m.encodes.add(now, float64(n.Encodes-m.last.Encodes))
	m.last = n
}
