package tcp

import (
	"fmt"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// duplicates sends a copy of a share of packets.
type duplicates struct {
	p float64
	r *rng.Stream
}

func (d *duplicates) Impair(simtime.Time, *packet.Packet) fabric.Fate {
	if d.r.Bool(d.p) {
		return fabric.Duplicate
	}
	return fabric.Pass
}

// Whatever a path does, both streams come complete and exactly once, both ends
// close, and the run is the same when it is repeated. A failure names the seed.
func TestSwarm(t *testing.T) {
	seeds := uint64(800)
	if testing.Short() {
		seeds = 40
	}
	for seed := range seeds {
		if a, b := swarm(t, seed), swarm(t, seed); a != b {
			t.Fatalf("seed %d: digests %s and %s", seed, a, b)
		}
		if t.Failed() {
			return
		}
	}
}

func swarm(t *testing.T, seed uint64) string {
	r := rng.New(seed).Stream("swarm")
	pick := func(n uint64) uint64 { return r.Uint64() % n }
	link := func() fabric.LinkConfig {
		c := bottleneck(units.BitRate(1+pick(20))*units.Mbps, time.Duration(1+pick(100))*ms, time.Duration(10+pick(200))*ms)
		c.Loss = []float64{0, 0.001, 0.01, 0.05, 0.15}[pick(5)]
		if pick(2) == 0 {
			c.Jitter = &fabric.BoundedPDV{Mean: 10 * ms, Std: 5 * ms, Bound: 2, Random: rng.New(seed).Stream(fmt.Sprint("jitter", pick(1e9)))}
		}
		if pick(3) == 0 {
			c.Impairments = []fabric.Impairment{&duplicates{0.05, rng.New(seed).Stream(fmt.Sprint("dup", pick(1e9)))}}
		}
		if pick(4) == 0 {
			c.Queue = newStep(time.Duration(1+pick(20)) * ms)
		}
		return c
	}
	end := func() Config {
		return Config{
			Control: Controls()[pick(4)], ECN: ECN(pick(3)), NoTimestamps: pick(3) == 0,
			MSS: []units.Bytes{0, 536, 1200, 8960}[pick(4)], ISS: r.Uint32(), HalfClose: true, TimeWait: 10 * time.Minute,
			MinRTO: []time.Duration{0, 200 * ms}[pick(2)], DelayedAck: []time.Duration{0, -1, 200 * ms}[pick(3)],
			ReceiveWindow: []units.Bytes{0, 20_000, 100_000}[pick(3)], SlowStartLimit: int(pick(3)), ABE: pick(2) == 0,
			PerAckIncrease: pick(2) == 0, NoHyStart: pick(2) == 0,
		}
	}
	n := newNet(t, seed, link(), link())
	a, b := end(), end()
	if a.Control != ControlBBR && b.Control != ControlBBR {
		a.NoSACK, b.NoSACK = pick(3) == 0, pick(3) == 0
	}
	p := n.connect(0, 0, a, b)
	forth, back := units.Bytes(pick(400_000)), units.Bytes(pick(3)*pick(40_000))
	p.snd.Write(forth/2 + 1)
	p.rcv.Write(back)
	n.do(time.Duration(pick(5000))*ms, p, func() {
		p.snd.Write(forth - forth/2)
		p.snd.Close()
	})
	p.dst.after = func(now simtime.Time) {
		if p.rcv.PeerClosed() {
			p.rcv.Close()
			for q := p.rcv.PollPacket(now); q != nil; q = p.rcv.PollPacket(now) {
				p.dst.port.Send(now, q)
			}
		}
		if p.rcv.Received() > forth+1 {
			t.Errorf("seed %d: received %d of %d", seed, p.rcv.Received(), forth+1)
		}
	}
	n.run(5 * time.Hour) // acknowledgments that are lost make RTOs long
	if p.rcv.Received() != forth+1 || p.snd.Received() != back || p.snd.Acked() != forth+1 || p.rcv.Acked() != back {
		t.Errorf("seed %d: received %d of %d and %d of %d", seed, p.rcv.Received(), forth+1, p.snd.Received(), back)
	}
	if p.snd.State() != Closed || p.rcv.State() != Closed || p.snd.Err() != nil || p.rcv.Err() != nil {
		t.Errorf("seed %d: %v %v, %v %v; %+v %+v", seed, p.snd.State(), p.rcv.State(), p.snd.Err(), p.rcv.Err(), p.snd.Stats(), p.rcv.Stats())
	}
	return n.f.Digest()
}
