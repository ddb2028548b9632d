package runner_test

import (
	"testing"

	"rtpfabric/scenarios"
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
