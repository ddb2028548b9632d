package gcc

import (
	"slices"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// The observations of libwebrtc's LossBasedBweV2
// (goog_cc/loss_based_bwe_v2.cc, CreateConfig).
const (
	observationWindow   = 15
	leastObservation    = 250 * time.Millisecond
	temporalWeight      = 0.9 // per observation
	medianRateFactor    = 2
	trimmedObservations = 3 // more than these, and the extremes don't count
)

// lossesKept bounds the losses that may still turn out to be arrivals.
const lossesKept = 4096

// observation is what became of the packets of a quarter of a second or more.
type observation struct {
	rate         float64 // at which they were sent, bit/s
	bytes        float64
	lost         float64 // bytes
	weight       float64 // by age
	lossFraction float64
}

// observations are the last ones, in a ring.
type observations struct {
	ring    [observationWindow]observation
	count   int // so far
	weights [observationWindow]float64

	// The one that isn't complete yet. losses has those of its packets that
	// are lost, in the order of reports.
	bytes  float64
	lost   float64
	losses []loss

	last    simtime.Time // departure of the last packet of the last one
	started bool
	rates   [observationWindow]float64 // for the median
}

type loss struct {
	seq   uint64
	bytes float64
}

func newObservations() observations {
	o := observations{}
	w := 1.0
	for i := range o.weights {
		o.weights[i] = w
		w = float64(w * temporalWeight)
	}
	return o
}

// add takes the packets of a report; true if an observation is complete.
func (o *observations) add(packets []ccontrol.PacketResult) bool {
	if len(packets) == 0 {
		return false
	}
	first, last := packets[0].Sent, packets[0].Sent
	for i := range packets {
		p := &packets[i]
		o.note(p)
		first, last = min(first, p.Sent), max(last, p.Sent)
	}
	if !o.started {
		o.started, o.last = true, first
	}
	duration := last.Sub(o.last)
	if duration < leastObservation {
		return false
	}
	o.last = last
	o.complete(duration)
	return true
}

func (o *observations) note(p *ccontrol.PacketResult) {
	size := float64(p.Size)
	o.bytes += size
	i := o.find(p.Seq)
	switch {
	case p.Received && i >= 0:
		o.lost -= o.losses[i].bytes
		o.losses = slices.Delete(o.losses, i, i+1)
	case !p.Received && i < 0:
		o.lost += size
		if len(o.losses) < lossesKept {
			o.losses = append(o.losses, loss{p.Seq, size})
		}
	}
}

// find looks for a loss, from the latest on.
func (o *observations) find(seq uint64) int {
	for i := len(o.losses) - 1; i >= 0; i-- {
		if o.losses[i].seq == seq {
			return i
		}
		if o.losses[i].seq < seq {
			return -1
		}
	}
	return -1
}

func (o *observations) complete(duration time.Duration) {
	lost := min(max(o.lost, 0), o.bytes)
	n := observation{rate: 8 * o.bytes / duration.Seconds(), bytes: o.bytes, lost: lost}
	if o.bytes > 0 {
		n.lossFraction = lost / o.bytes
	}
	o.ring[o.count%observationWindow] = n
	o.count++
	o.bytes, o.lost, o.losses = 0, 0, o.losses[:0]
	for i := range o.kept() {
		o.ring[i].weight = o.weights[(o.count-1-i)%observationWindow]
	}
}

// kept are the observations that count, in no order.
func (o *observations) kept() []observation { return o.ring[:min(o.count, observationWindow)] }

// averageLoss is the weighted ratio of lost bytes, without the observations that
// lost most and least: they may be spikes. The one that lost most does count if it
// was sent at twice the usual rate, as that may be why.
func (o *observations) averageLoss() float64 {
	var bytes, lost float64
	var most, least *observation
	for i := range o.kept() {
		n := &o.ring[i]
		bytes += float64(n.weight * n.bytes)
		lost += float64(n.weight * n.lost)
		if o.count <= trimmedObservations {
			continue
		}
		if n.lossFraction > 0 && (most == nil || n.lossFraction > most.lossFraction) {
			most = n
		}
		if n.lossFraction < 1 && (least == nil || n.lossFraction < least.lossFraction) {
			least = n
		}
	}
	if bytes <= 0 {
		return 0
	}
	all := lost / bytes
	if most != nil && medianRateFactor*o.medianRate() <= most.rate {
		return all
	}
	for _, n := range []*observation{most, least} {
		if n != nil {
			bytes -= float64(n.weight * n.bytes)
			lost -= float64(n.weight * n.lost)
		}
	}
	if bytes <= 0 {
		return all
	}
	return min(max(lost/bytes, 0), 1)
}

func (o *observations) medianRate() float64 {
	rates := o.rates[:0]
	for i := range o.kept() {
		if r := o.ring[i].rate; r > 0 {
			rates = append(rates, r)
		}
	}
	if len(rates) == 0 {
		return 0
	}
	slices.Sort(rates)
	mid := len(rates) / 2
	if len(rates)%2 == 0 {
		return (rates[mid-1] + rates[mid]) / 2
	}
	return rates[mid]
}
