package measure

import (
	"fmt"

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

// boxChanged notes that a middlebox's process dies, or is there again.
func (r *Recorder) boxChanged(b topologies.BoxChange) {
	if b.Up {
		for _, f := range r.flows {
			f.anew = f.flow.From == b.Name
		}
		r.event(b.At, b.Name, record.BoxRestarted, fmt.Sprintf("with nothing but its configuration; %d packets have come to nobody", b.Missed))
		return
	}
	r.event(b.At, b.Name, record.BoxDied, "nobody takes or sends anything")
}

func (m *boxMeter) sample(now simtime.Time) {
	counts := m.counts()
	for i, t := range m.totals {
		t.add(now, float64(counts[i]-m.last[i]))
		m.last[i] = counts[i]
	}
}
