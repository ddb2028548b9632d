package runner_test

import (
	"slices"
	"strings"
	"testing"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// aboutECN returns what a record says of ECN on paths, as kind and detail.
func aboutECN(r *record.Record) (list []string) {
	for _, e := range r.Events {
		if strings.HasPrefix(e.Kind, "ecn-") {
			list = append(list, e.Entity+" "+e.Kind+": "+e.Detail)
		}
	}
	return list
}

// Marks that are told and answered are what makes the scenario pass: without ECN packets
// are lost, and who answers nothing fills the queue.
func TestECNSummariesMatter(t *testing.T) {
	long(t)
	const file = library + "feedback/ecn-summaries.yaml"
	r := load(t, file, "seed=1")[0]
	if !judged(t, r, true) {
		t.Fatal("it fails as it is")
	}
	if got := aboutECN(run(t, r)); !slices.Equal(got, []string{"S1-R1 ecn-in-use: ECN-capable packets arrive"}) {
		t.Errorf("%q", got)
	}
	for _, set := range []string{
		"congestion.ecn=off", "congestion.controller=never-back-off",
		"network.links.bottleneck.forward.queue={type: codel, length: 300ms}",
		"network.links.bottleneck.forward.queue={length: 300ms}",
	} {
		if judged(t, load(t, file, "seed=1", set)[0], false) {
			t.Errorf("it passes with %s", set)
		}
	}
}

// Paths that don't carry ECN are found out, and the record says what is wrong.
func TestECNFailuresAreTold(t *testing.T) {
	for _, c := range []struct {
		file, set string
		want      []string
	}{
		{"ecn-cleared", "network.nodes.A.bleach={ecn: true}", []string{"ecn-disabled: ECN-capable packets arrive as not-ECT"}},
		{"ecn-cleared", "network.nodes.A.bleach={drop-ecn: true}", []string{"ecn-disabled: ECN-capable packets vanish"}},
		{"ecn-rerouted", "network.nodes.Y.bleach={drop-ecn: true}", []string{
			"ecn-in-use: ECN-capable packets arrive", "ecn-suspended: no report says that anything comes",
			"ecn-initiating: losses have ended without marking", "ecn-disabled: ECN-capable packets vanish",
		}},
		{"ecn-rerouted", "network.nodes.Y.bleach={ecn: true}", []string{
			"ecn-in-use: ECN-capable packets arrive", "ecn-disabled: ECN-capable packets arrive as not-ECT",
		}},
	} {
		got := aboutECN(run(t, load(t, library+"feedback/"+c.file+".yaml", "seed=1", c.set)[0]))
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], "S1-R1 ")
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s with %s: %q, want %q", c.file, c.set, got, c.want)
		}
	}
}

// A legacy peer agrees to nothing, and gets no ECN-capable packets (RFC 6679 §6.1.1).
func TestECNWithALegacyPeer(t *testing.T) {
	for _, peer := range []string{"webrtc", "legacy-avpf"} {
		s := load(t, library+"feedback/ecn-summaries.yaml", "endpoints.R1.type="+peer, "duration=5s", "expect=[]", "seed=1")[0].Scenario
		sim := build(t, s)
		w := &capableWatcher{Observer: fabric.Nobody}
		sim.Fabric.Observe(w)
		play(t, sim, s)
		if got := w.capable > 0; got != (peer == "webrtc") {
			t.Errorf("%s: %d ECN-capable packets", peer, w.capable)
		}
	}
}

// capableWatcher counts ECN-capable packets that enter the network.
type capableWatcher struct {
	fabric.Observer
	capable int
}

func (w *capableWatcher) PacketSent(_ simtime.Time, p *packet.Packet) {
	if p.ECN != packet.NotECT {
		w.capable++
	}
}

// A peer that has AVP reports as rarely as that lets it, which isn't for want of packets.
func TestECNWithAPeerOfAVP(t *testing.T) {
	for _, minimum := range []string{"fixed", "reduced"} {
		r := run(t, load(t, library+"feedback/ecn-summaries.yaml", "seed=1", "expect=[]", "rtcp={}", "endpoints.R1.rtcp={profile: avp, minimum: "+minimum+"}",
			"network.links.bottleneck.forward={rate: 5Mbps}")[0])
		if got := aboutECN(r); !slices.Equal(got, []string{"S1-R1 ecn-in-use: ECN-capable packets arrive"}) {
			t.Errorf("minimum %s: %q", minimum, got)
		}
	}
}
