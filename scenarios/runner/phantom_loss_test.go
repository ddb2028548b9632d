package runner_test

import (
	"path/filepath"
	"strings"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// dropWatch counts by SSRC the RTP packets that the network loses.
type dropWatch struct {
	fabric.Observer
	lost map[uint32]int64
	dead packet.IPv4 // relay that nobody is at
}

func (w *dropWatch) PacketDropped(_ simtime.Time, _ *fabric.Link, p *packet.Packet, _ fabric.DropReason) {
	if b := p.Payload; len(b) >= 12 && b[0]>>6 == 2 && (b[1] < 192 || b[1] > 223) {
		w.lost[uint32(b[8])<<24|uint32(b[9])<<16|uint32(b[10])<<8|uint32(b[11])]++
	}
}

// PacketDelivered implements fabric.Observer: what comes to a relay whose process has died is lost.
func (w *dropWatch) PacketDelivered(now simtime.Time, p *packet.Packet) {
	if w.dead != 0 && p.Dst.IP == w.dead {
		w.PacketDropped(now, nil, p, 0)
	}
}

// lostOf returns how many packets the network has lost of a stream: those with its SSRC, and of
// what a middlebox passes on also those of which it is made.
func (w *dropWatch) lostOf(sim *topologies.Simulation, t *scenarios.Topology, f *topologies.Flow) int64 {
	lost := w.lost[f.Sender.SSRC()]
	if !t.Stands(f.From) || t.Relayed() {
		return lost
	}
	counted := map[*topologies.Flow]bool{f: true}
	var add func(box, to string)
	add = func(box, to string) {
		for _, in := range sim.Flows {
			if in.To == box && in.Kind == f.Kind && in.From != to && !counted[in] {
				counted[in] = true
				lost += w.lost[in.Sender.SSRC()]
				add(in.From, box)
			}
		}
	}
	add(f.From, f.To)
	return lost
}

// In no topology does anybody report a loss that hasn't happened on the network, whatever
// middleboxes leave out, rewrite or mix: of each stream every receiver has at most as many
// packets missing as links have lost of its SSRC, or of the streams that it is made of. Relays
// that select are what shows how that would look.
//
// conformance: TOP-A.3.2-2, TOP-A.3.3-3
func TestNobodyReportsPhantomLoss(t *testing.T) {
	long(t)
	t.Parallel()
	paths, err := filepath.Glob(meshes + "*.yaml")
	if err != nil || len(paths) < 15 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	streams, lossy := 0, 0
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		selects := name == "relay-selective" || name == "video-switching-mcu"
		s := load(t, path, "expect=[]")[0].Scenario
		sim := build(t, s)
		w := &dropWatch{Observer: fabric.Nobody, lost: map[uint32]int64{}}
		sim.Fabric.Observe(w)
		sim.OnBox(func(b topologies.BoxChange) {
			if w.dead = 0; !b.Up && s.Topology.Relayed() {
				w.dead = sim.Addr(b.Name)
			}
		})
		play(t, sim, s)
		phantoms := int64(0)
		for _, f := range sim.Flows {
			for _, r := range f.Sender.Main().Reports() {
				streams++
				lost := w.lostOf(sim, &s.Topology, f)
				if lost > 0 {
					lossy++
				}
				if extra := int64(r.Lost) - lost; extra > 0 {
					phantoms += extra
					if !selects {
						t.Errorf("%s: of %s %d packets are reported lost, and the network has lost %d", name, f.Flow(), r.Lost, lost)
					}
				}
			}
		}
		if selects && phantoms < 100 {
			t.Errorf("%s: %d packets are reported lost that weren't", name, phantoms)
		}
	}
	if streams < 100 || lossy < 5 {
		t.Errorf("%d reports, %d of streams with losses", streams, lossy)
	}
}
