package runner_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

const ownKeys = meshes + "relay-own-keys.yaml"

// Behind a relay each endpoint has a key of its own, and learns those of all others from their
// packets. When somebody leaves the others draw new ones, once each, and no packet is lost for it:
// neither media nor reports come that can't be read, over paths that lose packets.
//
// conformance: TOP-A.4.3-9
func TestRelayOwnKeys(t *testing.T) {
	t.Parallel()
	digests := map[string]bool{}
	for _, protection := range []string{"full", "size-only"} {
		loaded := load(t, ownKeys, "protection="+protection)[0]
		r := run(t, loaded)
		digests[r.Manifest.Digest] = true
		for _, v := range scenarios.Judge(loaded.Scenario, r) {
			if !v.Pass {
				t.Errorf("%s: %s: %v", protection, v.Expectation, v.Value)
			}
		}
		renewed := map[string]int{}
		for _, e := range r.Events {
			if e.Kind == "key-renewed" {
				renewed[e.Entity]++
			}
		}
		if len(renewed) != 3 || renewed["A"] != 1 || renewed["B"] != 1 || renewed["C"] != 1 {
			t.Errorf("%s: new keys of %v", protection, renewed)
		}
		for _, end := range []string{"A", "B", "C", "D"} {
			if n := totalOf(t, r, end, "rejected-not-authentic"); n > 0 {
				t.Errorf("%s: %s can't read %v packets", protection, end, n)
			}
		}
	}
	if len(digests) != 1 {
		t.Error("with and without cryptography the digests differ")
	}
}

// With the group's common key whoever has it passes for somebody else, and is heard; with keys of
// their own those who know the sender's don't read it. That the SSRC is somebody else's shows all
// the same.
//
// conformance: TOP-A.4.3-9, IMP-12.7-5
func TestCommonKeysAllowForging(t *testing.T) {
	long(t)
	t.Parallel()
	for keys, refused := range map[string]bool{"common": false, "own": true} {
		r := run(t, load(t, meshes+"relay-spoofer.yaml", "expect=[]", "topology.bind=false", "topology.keys="+keys)[0])
		for _, end := range []string{"B", "C"} {
			if n := totalOf(t, r, end, "rejected-not-authentic"); (n > 100) != refused {
				t.Errorf("%s keys: %s refuses %v packets", keys, end, n)
			}
		}
		collisions := 0
		for _, e := range r.Events {
			if e.Kind == "ssrc-changed" {
				collisions++
			}
		}
		if collisions != 1 {
			t.Errorf("%s keys: %d collisions", keys, collisions)
		}
	}
}

const keyHosted = meshes + "relay-key-host.yaml"

// apartWatch counts what comes to the relay and to the key host that isn't for them.
type apartWatch struct {
	fabric.Observer
	relay, keys    packet.IPv4
	dtls, media, n int
}

func (w *apartWatch) PacketDelivered(_ simtime.Time, p *packet.Packet) {
	isDTLS := p.Payload[0] >= 20 && p.Payload[0] <= 63
	switch {
	case p.Dst.IP == w.relay && isDTLS:
		w.dtls++
	case p.Dst.IP == w.keys && !isDTLS:
		w.media++
	case p.Dst.IP == w.keys:
		w.n++
	}
}

// Each endpoint has two connections: one to the key host, for keys alone, and one to the relay, which has
// none and sees no handshake. Who joins may send two round trips to the key host after the start, when the
// group's key comes. When somebody leaves, the others get another key by the network, and go on without losing
// a packet; also if it is lost on the way, and comes a second later.
//
// conformance: TOP-A.4.3-10, PRF-4.2-5
func TestKeyHost(t *testing.T) {
	t.Parallel()
	s := load(t, keyHosted, "expect=[]")[0].Scenario
	sim := build(t, s)
	w := &apartWatch{Observer: fabric.Nobody, relay: sim.Addr("relay"), keys: sim.KeyHostAddr()}
	sim.Fabric.Observe(w)
	joined, renewed := map[string]time.Duration{}, map[string]time.Duration{}
	sim.OnEvent(func(e endpoints.Event) {
		if e.Kind == endpoints.SessionEntered {
			joined[e.Session.Endpoint()] = e.At.Duration()
		}
		if e.Kind == endpoints.KeyRenewed {
			renewed[e.Session.Endpoint()] = e.At.Duration()
		}
	})
	const calm = 15 * time.Second // everybody has heard everybody
	if err := sim.Run(t.Context(), simtime.At(calm)); err != nil {
		t.Fatal(err)
	}
	unread := map[string]uint64{}
	for _, c := range sim.Connections {
		unread[c.Sessions()[0].Endpoint()] = c.Sessions()[0].Counts().AuthFailed
	}
	play(t, sim, s)
	for name, way := range map[string]time.Duration{"A": 35, "B": 45, "C": 55, "D": 65} {
		way *= time.Millisecond
		if at := joined[name]; at < 4*way || at > 4*way+8*time.Millisecond { // they share the link to K
			t.Errorf("%s joins at %v, want %v", name, at, 4*way)
		}
		at, left := renewed[name], 20*time.Second
		if name == "D" {
			if at > 0 {
				t.Errorf("D renews its key at %v", at)
			}
			continue
		}
		if at < left+way || at > left+way+20*time.Millisecond { // with its next packet
			t.Errorf("%s renews its key at %v, want %v later than D leaves", name, at, way)
		}
	}
	for _, c := range sim.Connections {
		session := c.Sessions()[0]
		if n := session.Counts().AuthFailed - unread[session.Endpoint()]; n > 0 && session.Endpoint() != "D" {
			t.Errorf("%s can't read %d packets after %v", session.Endpoint(), n, calm)
		}
	}
	if w.dtls > 0 || w.media > 0 || w.n < 8 {
		t.Errorf("the relay gets %d handshake packets, the key host %d of media and %d others", w.dtls, w.media, w.n)
	}
}

// Where the way to the key host loses a packet in five, everybody joins all the same.
func TestKeyHostBehindLoss(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, keyHosted, "expect=[]", "network.links.keys.loss=20%", "seed=3")[0].Scenario
	sim := build(t, s)
	joined := 0
	sim.OnEvent(func(e endpoints.Event) {
		if e.Kind == endpoints.SessionEntered {
			joined++
		}
	})
	play(t, sim, s)
	if joined != 4 {
		t.Errorf("%d have joined", joined)
	}
}
