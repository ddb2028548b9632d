package measure

import (
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// relayMeter measures what a relay doesn't copy.
type relayMeter struct {
	sim                  *topologies.Simulation
	name                 string
	suppressed, heldBack *total
	last                 [2]uint64
}

// newRelayMeter returns nil if there is no relay.
func newRelayMeter(b *book, sim *topologies.Simulation) *relayMeter {
	name := sim.Relay()
	if name == "" {
		return nil
	}
	return &relayMeter{sim: sim, name: name, suppressed: b.count(name, record.Suppressed), heldBack: b.count(name, record.HeldBack)}
}

func (m *relayMeter) sample(now simtime.Time) {
	suppressed, heldBack := m.sim.Relayed(m.name)
	m.suppressed.add(now, float64(suppressed-m.last[0]))
	m.heldBack.add(now, float64(heldBack-m.last[1]))
	m.last = [2]uint64{suppressed, heldBack}
}
