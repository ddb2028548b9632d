package runner_test

import (
	"context"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/capture"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// Behind a firewall that drops UDP pion's stack has a call by TCP, by the server's relayed address: with an endpoint of ours, and
// with another pion stack, wherever that is. With UDP alone there is none; without the firewall nobody relays.
func TestPionByTURN(t *testing.T) {
	t.Parallel()
	const (
		works, relays, fails = "works", "relays", "fails"
		noFirewall           = "network.nodes={}"
		both                 = "network.nodes={F: {firewall: {block-udp: true, inside: [B]}}, G: {firewall: {block-udp: true, inside: [A]}}}"
		symmetric            = "network.nodes={F: {nat: {inside: [B], mapping: address-and-port-dependent}}, G: {nat: {inside: [A], mapping: address-and-port-dependent}}}"
	)
	type c struct {
		name, want string
		set        []string
	}
	for _, c := range few(
		3,
		c{"ours", relays, nil},
		c{"two firewalls", relays, []string{"endpoints.A.stack=pion", "endpoints.A.pion.turn=tcp", both}},
		c{"only UDP", fails, []string{"endpoints.B.pion.turn=udp"}},
		c{"two stacks", relays, []string{"endpoints.A.stack=pion"}},
		c{"with gcc", relays, []string{"congestion.controller=gcc"}},
		c{"no firewall", works, []string{noFirewall}},
		c{"no server", fails, []string{"ice.turn=false", "endpoints.B.pion.turn=udp"}},
		c{"two symmetric NATs", relays, []string{"endpoints.B.pion.turn=udp", symmetric}},
		c{"two symmetric NATs, by TCP", relays, []string{symmetric}},
	) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rec := run(t, load(t, guests+"pion-turn-tcp.yaml", append(c.set, "duration=12s", "expect=[]")...)[0])
			keys := slices.ContainsFunc(rec.Events, func(e record.Event) bool { return e.Kind == "keys-agreed" })
			if keys != (c.want != fails) {
				t.Fatalf("there are keys: %v", keys)
			}
			if c.want == fails {
				return
			}
			for _, flow := range []string{"A/video", "B/video", "A/audio", "B/audio"} {
				encoded, rendered := value(rec, flow, "frames-encoded"), value(rec, flow, "frames-rendered")
				if encoded < 240 || rendered < 0.9*encoded {
					t.Errorf("of %v frames of %s %v were shown", encoded, flow, rendered)
				}
			}
			relayed := slices.ContainsFunc(rec.Events, func(e record.Event) bool {
				return e.Kind == "pair-selected" && strings.Contains(e.Detail, "relay")
			})
			if relayed != (c.want == relays) {
				t.Errorf("relayed: %v", relayed)
			}
		})
	}
}

// An overloaded connection of TCP loses nothing and delays everything; who leaves says so in it, behind all that waits.
func TestPionFillsTCP(t *testing.T) {
	long(t)
	t.Parallel()
	set := []string{"network.links.access={between: [F, X], delay: 10ms, rate: 500kbps}", "duration=20s", "expect=[]"}
	rec := run(t, load(t, guests+"pion-turn-tcp.yaml", set...)[0])
	waited := 0.0
	for _, m := range rec.Summary {
		if m.Entity == "B" && m.Metric == "stream-backlog" {
			waited = m.Value
		}
	}
	dropped := value(rec, "ice-server", "stream-overflowed")
	if rtt := value(rec, "A-B", "rtt"); rtt < 1000 || waited < 500e3 || dropped < 100 {
		t.Errorf("the round trip takes %v ms, %v octets have waited, and %v messages found no room at the server", rtt, waited, dropped)
	}
	rec = run(t, load(t, guests+"pion-turn-tcp.yaml", append(set, "endpoints.B.leaves=5s", "congestion.controller=gcc")...)[0])
	if !slices.ContainsFunc(rec.Events, func(e record.Event) bool {
		return e.Entity == "A" && e.Kind == "peer-closed" && e.At > simtime.At(5*time.Second) && e.At < simtime.At(6*time.Second)
	}) {
		t.Error("A hasn't heard that B has left")
	}
}

// Captures have the segments, in which tshark finds STUN, channels, and the retransmissions of TCP.
func TestPionTCPInTshark(t *testing.T) {
	long(t)
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	dir := t.TempDir()
	s := load(t, guests+"pion-turn-tcp.yaml", "duration=5s", "expect=[]", "seed=2")[0].Scenario
	rec, err := runner.Run(context.Background(), &scenarios.Run{Name: "default", Scenario: s}, runner.Options{CaptureDir: dir, CaptureFormat: capture.RawIP})
	if err != nil {
		t.Fatal(err)
	}
	count := func(filter string) int {
		out, err := exec.Command(tshark, "-r", dir+"/B.pcapng", "-o", "tcp.check_checksum:TRUE", "-Y", filter).Output()
		if err != nil {
			t.Fatalf("tshark: %v", err)
		}
		return strings.Count(string(out), "\n")
	}
	for filter, most := range map[string]int{"tcp.flags.syn==1": 2, "tcp.checksum.status==0": 0, "udp && !stun": 0} {
		if n := count(filter); n > most {
			t.Errorf("%d packets with %s", n, filter)
		}
	}
	if n := count("tcp && stun.type.method==3"); n < 4 { // Allocate, challenged and granted
		t.Errorf("%d messages of Allocate", n)
	}
	if n := count("tcp && stun.channel"); n < 500 {
		t.Errorf("%d segments with channels", n)
	}
	repeated := value(rec, "B", "segments-repeated")
	if n := count("ip.src==10.0.0.2 && (tcp.analysis.retransmission || tcp.analysis.fast_retransmission || tcp.analysis.out_of_order)"); repeated < 1 || float64(n) < repeated/2 || float64(n) > repeated {
		t.Errorf("tshark sees %d retransmissions of %s", n, strconv.Itoa(int(repeated)))
	}
}

// In front of a middlebox it is as between two: each has its own way to it.
func TestPionByTURNInAConference(t *testing.T) {
	t.Parallel()
	for _, to := range few(1, "sfm", "mixer") {
		rec := run(t, load(
			t, guests+"pion-sfm.yaml", "topology.type="+to, "endpoints.B.stack=pion", "ice={at: M}", "security={ice: full}", "endpoints.A.pion.turn=tcp",
			"network.nodes={A: {firewall: {block-udp: true}}}", "duration=10s", "expect=[]",
			"media=[{from: A, kind: video, encoder: {max: 800kbps}}, {from: B, kind: video, encoder: {max: 800kbps}}]",
		)[0])
		ways := map[string]string{}
		for _, e := range rec.Events {
			if e.Kind == "pair-selected" {
				ways[e.Entity] = e.Detail
			}
		}
		if !strings.HasPrefix(ways["A"], "relay ") || strings.Contains(ways["B"], "relay") || strings.Contains(ways["C"], "relay") {
			t.Errorf("ways to the %s: %v", to, ways)
		}
		shown := map[string]string{"sfm": "A/video>B", "mixer": "mixer/video>B"}[to]
		if n := value(rec, shown, "frames-rendered"); n < 180 {
			t.Errorf("B was shown %v pictures", n)
		}
	}
}
