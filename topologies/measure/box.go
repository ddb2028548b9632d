package measure

import (
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// boxMeter measures what a middlebox does, or doesn't.
type boxMeter struct {
	totals []*total
	counts func() []uint64 // so far, in the order of totals
	last   []uint64
}

// newBoxMeters returns a meter for each mixer and each relay.
func newBoxMeters(b *book, sim *topologies.Simulation) []*boxMeter {
	var list []*boxMeter
	add := func(name string, counts func() []uint64, metrics ...string) {
		m := &boxMeter{counts: counts, last: make([]uint64, len(metrics))}
		for _, metric := range metrics {
			m.totals = append(m.totals, b.count(name, metric))
		}
		list = append(list, m)
	}
	of := []string{record.Mixes, record.Decodes, record.Encodes}
	if len(sim.Mixers()) > 1 {
		of = append(of, record.Suppressed)
	}
	for _, name := range sim.Mixers() {
		add(name, func() []uint64 {
			n := sim.Mixes(name)
			return []uint64{n.Mixes, n.Decodes, n.Encodes, n.Suppressed}
		}, of...)
	}
	for _, name := range sim.Relays() {
		add(name, func() []uint64 {
			suppressed, heldBack := sim.Relayed(name)
			return []uint64{suppressed, heldBack}
		}, record.Suppressed, record.HeldBack)
	}
	return list
}

func (m *boxMeter) sample(now simtime.Time) {
	counts := m.counts()
	for i, t := range m.totals {
		t.add(now, float64(counts[i]-m.last[i]))
		m.last[i] = counts[i]
	}
}
