package runner_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/nack"
	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// requestWatch notes which receivers lose which packets of a group's only video, and who
// tells the sender of them.
type requestWatch struct {
	fabric.Observer
	sim       *topologies.Simulation
	receivers int
	byAddr    map[packet.IPv4]int
	lost      map[[2]int]simtime.Time // by receiver, or -1 for all, and sequence number
	told      map[[2]int]simtime.Time // first, by receiver
	toldByAny map[int]simtime.Time
	requests  int // of packets, in all NACKs
}

func (w *requestWatch) PacketDropped(now simtime.Time, _ *fabric.Link, p *packet.Packet, _ fabric.DropReason) {
	if len(p.Payload) < 12 || p.Payload[1]&0x7f != 96 {
		return
	}
	who := -1
	if w.sim.FromRelay(p) {
		who = w.byAddr[p.Dst.IP]
	}
	w.lost[[2]int{who, int(binary.BigEndian.Uint16(p.Payload[2:]))}] = now
}

func (w *requestWatch) PacketDelivered(now simtime.Time, p *packet.Packet) {
	if len(p.Payload) < 12 || p.Payload[1] < 192 || p.Payload[1] > 223 || p.Dst.IP != w.sim.Addr("S1") {
		return
	}
	messages, err := rtcp.Unmarshal(p.Payload)
	if err != nil {
		return
	}
	for _, m := range messages {
		n, ok := m.(*rtcp.TransportLayerNack)
		if !ok {
			continue
		}
		who := -1
		for i := range w.receivers {
			if w.sim.Endpoint(fmt.Sprintf("R%d", i+1)).Connections()[0].Sessions()[0].Sections()[0].SSRC() == n.SenderSSRC {
				who = i
			}
		}
		for _, seq := range nack.Unpack(nil, n.Nacks) {
			w.requests++
			if _, known := w.toldByAny[int(seq)]; !known {
				w.toldByAny[int(seq)] = now
			}
			if key := [2]int{who, int(seq)}; w.told[key] == 0 {
				w.told[key] = now
			}
		}
	}
}

// implosion is what a group makes of its losses.
type implosion struct {
	share    float64       // of losses that the sender hears of, by any receiver
	alone    float64       // of a receiver's losses that it tells of by itself
	requests float64       // for each packet that somebody has lost
	delay    time.Duration // mean until the sender hears
}

func watchRequests(t *testing.T, s *scenarios.Scenario, receivers int) implosion {
	t.Helper()
	sim := build(t, s)
	w := &requestWatch{
		Observer: fabric.Nobody, sim: sim, receivers: receivers, byAddr: map[packet.IPv4]int{},
		lost: map[[2]int]simtime.Time{}, told: map[[2]int]simtime.Time{}, toldByAny: map[int]simtime.Time{},
	}
	for i := range receivers {
		w.byAddr[sim.Addr(fmt.Sprintf("R%d", i+1))] = i
	}
	sim.Fabric.Observe(w)
	play(t, sim, s)
	return w.judge()
}

func (w *requestWatch) judge() (out implosion) {
	packets, all, heard, losses, alone := map[int]bool{}, 0, 0, 0, 0
	var delay time.Duration
	for key, at := range w.lost {
		if at > simtime.At(57*time.Second) {
			continue // the sender might still hear of it
		}
		packets[key[1]] = true
		all++
		if told, ok := w.toldByAny[key[1]]; ok {
			heard++
			delay += max(told.Sub(at), 0)
		}
		for i := range w.receivers {
			if key[0] >= 0 && key[0] != i {
				continue
			}
			losses++
			if w.told[[2]int{i, key[1]}] > 0 {
				alone++
			}
		}
	}
	out.share = float64(heard) / float64(all)
	out.alone = float64(alone) / float64(losses)
	out.requests = float64(w.requests) / float64(len(packets))
	out.delay = delay / time.Duration(max(heard, 1))
	return out
}

// The three regions of RFC 4585 §3.6.2: with 3 losses in 2 s and ten RTCP packets a second
// for all, up to six or seven receivers can tell of every loss, ten of two in three, and
// larger groups of fewer. If losses are shared the sender hears of all in any group, and
// suppression saves requests.
//
// conformance: TIM-4.2-4
func TestImplosion(t *testing.T) {
	long(t)
	t.Parallel()
	told := map[int]struct{ least, most float64 }{2: {0.99, 1}, 6: {0.85, 1}, 10: {0.55, 0.75}, 20: {0.33, 0.5}, 30: {0.2, 0.36}}
	for _, r := range load(t, library+"feedback/e51-sweep-independent.yaml") {
		n := len(r.Scenario.Endpoints) - 1
		got := watchRequests(t, r.Scenario, n)
		t.Logf("%s: %+v", r.Name, got)
		if want := told[n]; got.alone < want.least || got.alone > want.most {
			t.Errorf("%s: receivers tell of %.2f of their losses, want %v", r.Name, got.alone, want)
		}
	}
	with := map[int]float64{}
	for _, r := range load(t, library+"feedback/e51-sweep-shared.yaml") {
		n := len(r.Scenario.Endpoints) - 1
		got := watchRequests(t, r.Scenario, n)
		t.Logf("%s: %+v", r.Name, got)
		if got.share < 0.99 || got.delay > 200*time.Millisecond {
			t.Errorf("%s: the sender hears of %.2f of the losses after %v", r.Name, got.share, got.delay)
		}
		switch {
		case r.Scenario.Repair.Suppression:
			with[n] = got.requests
		case with[n] == 0 || with[n] > 0.9*got.requests:
			t.Errorf("%s: %.2f requests a loss, %.2f with suppression", r.Name, got.requests, with[n])
		}
	}
}
