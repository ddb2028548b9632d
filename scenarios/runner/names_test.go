package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// nameWatch reads the CNAMEs that go over the network in the clear.
type nameWatch struct {
	fabric.Observer
	streams map[string]map[uint32]bool // SSRCs by CNAME
	names   map[packet.Addr]string     // by where they come from
}

func (w *nameWatch) PacketSent(_ simtime.Time, p *packet.Packet) {
	if len(p.Payload) < 8 || p.Payload[1] < 192 || p.Payload[1] > 223 {
		return
	}
	messages, err := rtcp.Unmarshal(p.Payload)
	if err != nil {
		return
	}
	for _, m := range messages {
		d, ok := m.(*rtcp.SourceDescription)
		if !ok {
			continue
		}
		for _, c := range d.Chunks {
			for _, item := range c.Items {
				if item.Type != rtcp.SDESCNAME {
					continue
				}
				if w.streams[item.Text] == nil {
					w.streams[item.Text] = map[uint32]bool{}
				}
				w.streams[item.Text][c.Source] = true
				w.names[p.Src] = item.Text
			}
		}
	}
}

func watchNames(t *testing.T, s *scenarios.Scenario) (*nameWatch, *topologies.Simulation) {
	t.Helper()
	sim := build(t, s)
	w := &nameWatch{Observer: fabric.Nobody, streams: map[string]map[uint32]bool{}, names: map[packet.Addr]string{}}
	sim.Fabric.Observe(w)
	play(t, sim, s)
	return w, sim
}

// With names of RFC 3550's form streams of a hundred endpoints fall into one group that
// would be synchronised, with those of RFC 7022 none (E35). Nobody takes others for a
// loop or a collision in either case: those need equal SSRCs.
//
// conformance: SSR-4.9-2
func TestGroupsByCNAME(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for file, want := range map[string]struct{ groups, members int }{
		"e35-hundred.yaml": {100, 1}, "e35-hundred-same-name.yaml": {1, 100},
	} {
		w, sim := watchNames(t, load(t, library+"feedback/"+file)[0].Scenario)
		if len(w.streams) != want.groups {
			t.Errorf("%s: %d CNAMEs, want %d", file, len(w.streams), want.groups)
		}
		for name, ssrcs := range w.streams {
			if len(ssrcs) != want.members {
				t.Errorf("%s: %d streams of %s, want %d", file, len(ssrcs), name, want.members)
			}
		}
		for _, s := range sim.Sessions() {
			if n := s.Counts(); n.OwnCollisions+n.OwnLooped+n.ThirdPartyCollisions+n.ThirdPartyLoops > 0 {
				t.Fatalf("%s: %s believes in collisions or loops: %+v", file, s.Name(), n)
			}
		}
	}
}

const twoCalls = `
title: Endpoints that call two others each
duration: 10s
protection: none
network:
  links:
    link<1..20>: {between: [A<n>, M], delay: 5ms}
    first: {between: [X, M], delay: 5ms}
    second: {between: [Y, M], delay: 5ms}
endpoints:
  S<1..20>: {at: A<n>%s}
  R1: {at: X}
  R2: {at: Y}
topology: {pairs: [["S<1..20>", R1], ["S<1..20>", R2]]}
media:
  - {from: S<1..20>, to: R1, kind: audio, name: "a<n>"}
  - {from: S<1..20>, to: R2, kind: audio, name: "b<n>"}
congestion: {controller: fixed, feedback: none}
`

// Whoever sees two calls of an endpoint knows by a persistent CNAME that they are of one
// (RFC 6222 §4.2 has such); by names of RFC 7022, which each call has anew, nobody does,
// neither in one run nor over two.
//
// conformance: SSR-4.9-3, PRF-14-2
func TestCallsCannotBeLinked(t *testing.T) {
	long(t)
	t.Parallel()
	for cname, want := range map[string]int{"": 0, ", cname: host<n>@example": 20} {
		path := filepath.Join(t.TempDir(), "calls.yaml")
		if err := os.WriteFile(path, fmt.Appendf(nil, twoCalls, cname), 0o600); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for seed := 1; seed <= 2; seed++ {
			w, sim := watchNames(t, load(t, path, fmt.Sprint("seed=", seed))[0].Scenario)
			linked := 0
			for i := range 20 {
				names := map[string]int{}
				for from, name := range w.names {
					if from.IP == sim.Addr(fmt.Sprintf("S%d", i+1)) {
						names[name]++
						if want == 0 && seen[name] {
							t.Errorf("the name %s was there in another run", name)
						}
						seen[name] = true
					}
				}
				if len(names) == 1 {
					linked++
				}
			}
			if linked != want {
				t.Errorf("cname%q: both calls of %d endpoints can be linked, want %d", cname, linked, want)
			}
		}
	}
}

// Endpoints of one name are played in synchrony, and the near one waits for the far one;
// with names of their own nobody waits (E35).
//
// conformance: SSR-4.9-2
func TestFalseSynchronisation(t *testing.T) {
	const file = library + "feedback/e35-false-synchronisation.yaml"
	delay := func(set ...string) float64 {
		for _, m := range one(t, file, set...).Summary {
			if m.Entity == "S1/video" && m.Metric == "frame-delay" && m.Stat == "p50" {
				return m.Value
			}
		}
		t.Fatal("no frame delay")
		return 0
	}
	if same, own := delay(), delay("endpoints.S2={at: B}"); same < 180 || own > 60 {
		t.Errorf("frames of S1 take %v ms if it has S2's name, %v ms if not", same, own)
	}
}
