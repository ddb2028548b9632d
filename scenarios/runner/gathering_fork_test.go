package runner_test

import (
	"fmt"
	"strings"
	"testing"

	"rtpfabric/sim/record"
	"rtpfabric/sim/rng"
)

// gatheredFork is alice who calls three devices, each in a home with a NAT that maps by something, or without.
func gatheredFork(maps [4]string, more string) string {
	var links, nodes, ends strings.Builder
	for i, name := range []string{"alice", "desktop", "tablet", "phone"} {
		fmt.Fprintf(&links, "    home-%[1]s: {between: [%[1]s, N%[1]s], rate: 100Mbps, delay: 5ms}\n    line-%[1]s: {between: [N%[1]s, M], rate: 100Mbps, delay: %[2]dms}\n", name, 10+5*i)
		fmt.Fprintf(&ends, "  %[1]s: {at: %[1]s}\n", name)
		if maps[i] != "" {
			fmt.Fprintf(&nodes, "    N%s: {nat: {inside: [%s], mapping: %s}}\n", name, name, maps[i])
		}
	}
	text := "title: A fork with candidates\nduration: 20s\nnetwork:\n  links:\n    s: {between: [M, S], rate: 100Mbps, delay: 10ms}\n" + links.String()
	if nodes.Len() > 0 {
		text += "  nodes:\n" + nodes.String()
	}
	return text + "endpoints:\n" + ends.String() + `topology: {type: fork, peers: [alice, desktop, tablet, phone]}
security: {ice: full}
media: [{from: alice, kind: audio}, {from: desktop, kind: audio}, {from: tablet, kind: audio}, {from: phone, kind: audio}]
congestion: {controller: fixed}
` + more
}

// RFC 8445 §7.3, 001 rules 2 to 6: alice's lines are on one port with one set of candidates, behind whatever NATs, and whoever accepts
// is who she talks to, by a pair that works. Checks that come before the answer are told apart by their fragments.
func TestForkGathers(t *testing.T) {
	t.Parallel()
	warmths := []string{"none", "ice", "media"}
	if testing.Short() {
		warmths = warmths[2:]
	}
	for _, maps := range [][4]string{
		{},
		{independent, independent, independent, independent},
		{symmetric, independent, symmetric, ""},
		{independent, "", symmetric, independent},
		{symmetric, symmetric, symmetric, symmetric},
	} {
		for _, warmth := range warmths {
			for _, polls := range []string{"{}", "{alice: {poll: 1500ms}}"} {
				text := gatheredFork(maps, "ice: {at: S, pool: true}\nsignalling: {at: M, peers: "+polls+", offers: [{by: alice, at: 1s}], fork: {warm-up: "+warmth+", devices: {tablet: {accepts: 7s}}}}\n")
				r := signalled(t, text)
				for _, flow := range []string{"alice/audio>tablet", "tablet/audio>alice"} {
					if got := heardOf(r, flow, 14); got < 1 {
						t.Errorf("%v, %s, %s: of %s %.0f %% is heard", maps, warmth, polls, flow, 100*got)
					}
				}
				for _, flow := range []string{"alice/audio>phone", "phone/audio>alice"} {
					if got := heardOf(r, flow, 1); got > 0 {
						t.Errorf("%v, %s, %s: of %s %.0f %% is heard", maps, warmth, polls, flow, 100*got)
					}
				}
				lines := 3
				if warmth == "none" {
					lines = 1
				}
				if got := len(pairsOf(r, "alice")); got != lines {
					t.Errorf("%v, %s, %s: alice has %d pairs", maps, warmth, polls, got)
				}
			}
		}
	}
}

// A line whose device has checked before its answer came is there as soon as alice has checked it herself: what the porter has
// heard of isn't lost (RFC 8445 §7.3.1.4).
func TestPorters(t *testing.T) {
	t.Parallel()
	text := gatheredFork([4]string{"", symmetric, "", ""}, "ice: {at: S, pool: true, turn: false, nominate-after: 0ms}\n"+
		"signalling: {at: M, peers: {alice: {poll: 3s, phase: 500ms}}, offers: [{by: alice, at: 1s}], fork: {warm-up: ice}}\n")
	r := signalled(t, text)
	opened, selected := firstEvent(r, "alice", record.LineOpened), firstEvent(r, "alice", record.PairSelected)
	// All lines begin at once; a check of the desktop, whose NAT hides where it is, is triggered by what came before.
	last := 0.0
	for _, e := range r.Events {
		if e.Kind == record.PairSelected && e.Entity == "alice" {
			last = e.At.Seconds()
		}
	}
	if n := len(pairsOf(r, "alice")); n != 3 || !(selected > opened) || last > opened+0.5 {
		t.Errorf("lines from %.3f s on, pairs %q from %.3f to %.3f s", opened, pairsOf(r, "alice"), selected, last)
	}
}

// On bad networks a fork with candidates comes about or somebody says why not.
func TestForkGathersOnBadNetworks(t *testing.T) {
	t.Parallel()
	runs := 80
	if testing.Short() {
		runs = 3
	}
	random := rng.New(9).Stream("networks")
	pick := func(list ...string) string { return list[random.Uint32()%uint32(len(list))] }
	nat := func() string { return pick("", independent, symmetric) }
	talks := 0
	for seed := range runs {
		text := gatheredFork([4]string{nat(), nat(), nat(), nat()}, fmt.Sprintf(`seed: %d
ice: {at: S, turn: %s, pool: %s, nominate-after: %s}
signalling: {at: M, peers: {alice: %s}, offers: [{by: alice, at: 1s}], fork: {warm-up: %s, devices: {tablet: {accepts: 7s}, phone: {accepts: %dms}}}}
`, seed+1, pick("true", "true", "false"), pick("true", "false"), pick("0ms", "500ms"), pick("{}", "{poll: 1s}"), pick("none", "ice", "dtls", "media"), 6000+random.Uint32()%2000))
		for _, name := range []string{"alice", "tablet", "phone"} {
			text = strings.Replace(text, "[N"+name+", M], rate: 100Mbps", fmt.Sprintf("[N%s, M], rate: %dkbps, loss: %.1f%%", name, 200+random.Uint32()%3000, random.Uniform(0, 5)), 1)
		}
		r := signalled(t, strings.Replace(text, "duration: 20s", "duration: 100s", 1))
		ok, why := false, false
		for _, device := range []string{"tablet", "phone"} {
			ok = ok || heardOf(r, device+"/audio>alice", 80) > 0.5 && heardOf(r, "alice/audio>"+device, 80) > 0.5
		}
		for _, e := range r.Events {
			why = why || e.Kind == "keying-failed" || e.Kind == "peer-closed" || e.Kind == record.NegotiationFailed
		}
		if ok {
			talks++
		} else if !why {
			t.Errorf("nobody is heard, and nobody says why:\n%s", text)
		}
	}
	if talks < runs*8/10 {
		t.Errorf("%d of %d calls came about", talks, runs)
	}
}
