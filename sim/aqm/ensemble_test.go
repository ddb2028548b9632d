package aqm

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// ensemble is window-controlled flows through one bottleneck, whose
// acknowledgements come back after a fixed time without loss: additive
// increase, and a halving per round trip with loss or CE (RFC 5681 in outline),
// or for scalable flows a reduction by the smoothed share of CE (RFC 8257).
type ensemble struct {
	t     *testing.T
	net   *net
	flows []*aimd
	rtt   time.Duration

	from   simtime.Time
	waits  [2][]float64 // ms, of flows without and with scalable control
	octets []units.Bytes
}

type aimd struct {
	e            *ensemble
	id           int
	ecn          packet.ECN
	scalable     bool
	cwnd, slow   float64
	next, acked  uint64 // sequence numbers
	inFlight     int
	recover      uint64 // no further reduction before this is acknowledged
	alpha        float64
	marks, total int
	lastAck      simtime.Time
}

func newEnsemble(t *testing.T, q fabric.Queue, rate units.BitRate, rtt time.Duration) *ensemble {
	e := &ensemble{t: t, rtt: rtt}
	e.net = newNet(t, fabric.LinkConfig{Rate: rate, Queue: q})
	e.net.onTransmitted = e.transmitted
	e.net.onDequeued = func(now simtime.Time, p *packet.Packet, wait time.Duration) {
		if now >= e.from && e.from > 0 {
			kind := 0
			if e.flows[p.Src.Port].scalable {
				kind = 1
			}
			e.waits[kind] = append(e.waits[kind], wait.Seconds()*1000)
			e.octets[p.Src.Port] += p.Size
		}
	}
	return e
}

func (e *ensemble) add(ecn packet.ECN, scalable bool) {
	f := &aimd{e: e, id: len(e.flows), ecn: ecn, scalable: scalable, cwnd: 4, slow: 60, alpha: 1}
	e.flows = append(e.flows, f)
	e.octets = append(e.octets, 0)
	e.net.timer(time.Duration(f.id)*37*ms, func(now simtime.Time) time.Duration {
		if now.Sub(f.lastAck) > time.Second || f.next == 0 { // start, or everything was lost
			f.inFlight, f.cwnd, f.recover = 0, 4, f.next
			f.acked = f.next
			f.lastAck = now
			f.send(now)
		}
		return 500 * ms
	})
}

func (f *aimd) send(now simtime.Time) {
	for float64(f.inFlight) < math.Floor(f.cwnd) {
		f.inFlight++
		seq := f.next
		f.next++
		f.e.net.send(now, 1500, func(p *packet.Packet) {
			p.Src.Port, p.ECN = uint16(f.id), f.ecn
			binary.BigEndian.PutUint64(p.Payload, seq)
		})
	}
}

// transmitted schedules the acknowledgement of a packet.
func (e *ensemble) transmitted(_ simtime.Time, p *packet.Packet) {
	f, seq, ce := e.flows[p.Src.Port], binary.BigEndian.Uint64(p.Payload), p.ECN == packet.CE
	e.net.timer(e.net.loop.Now().Add(e.rtt).Duration(), func(now simtime.Time) time.Duration {
		f.ack(now, seq, ce)
		return 0
	})
}

func (f *aimd) ack(now simtime.Time, seq uint64, ce bool) {
	if seq < f.acked {
		return // from before a restart
	}
	lost := seq > f.acked
	f.inFlight = max(f.inFlight-int(seq-f.acked)-1, 0)
	f.acked = seq + 1
	f.lastAck = now
	f.total++
	if ce {
		f.marks++
	}
	switch {
	case seq < f.recover:
	case lost || ce && !f.scalable:
		f.reduce(0.5)
	case f.scalable && f.total >= int(f.cwnd):
		f.alpha += (float64(f.marks)/float64(f.total) - f.alpha) / 16
		if f.marks > 0 {
			f.reduce(1 - f.alpha/2)
		}
		f.marks, f.total = 0, 0
	}
	if f.cwnd < f.slow {
		f.cwnd++
	} else {
		f.cwnd += 1 / f.cwnd
	}
	f.send(now)
}

func (f *aimd) reduce(factor float64) {
	f.cwnd = max(f.cwnd*factor, 2)
	f.slow = f.cwnd
	f.recover = f.next
}

type measured struct {
	meanMS, p99MS [2]float64
	utilization   float64
}

func (e *ensemble) measure(from, until time.Duration) measured {
	e.from = simtime.At(from)
	e.net.run(until)
	var m measured
	for i, w := range e.waits {
		slices.Sort(w)
		sum := 0.0
		for _, x := range w {
			sum += x
		}
		if len(w) > 0 {
			m.meanMS[i], m.p99MS[i] = sum/float64(len(w)), w[len(w)*99/100]
		}
	}
	var all units.Bytes
	for _, n := range e.octets {
		all += n
	}
	m.utilization = float64(all) * 8 / (float64(e.net.link.Rate) * (until - from).Seconds())
	return m
}
