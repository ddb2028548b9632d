package scenarios

import (
	"slices"
	"testing"
	"time"
)

const cellOfThree = `
title: Some users of an access point
duration: 60s
let: {users: 3}
network:
  links:
    user<1..users>: {between: [UE<n>, AP], rate: 1Mbps, queue: {length: 10packets}}
    wire: {between: [AP, far]}
endpoints:
  U<1..users>: {at: UE<n>}
  F<1..users>: {at: far}
topology: {pairs: [[U<1..users>, F<n>]]}
media:
  - {from: U<1..users>, kind: video, start: 0s..30s, lasts: 20s}
  - {from: U<1..users>, kind: audio, start: 0s..30s, lasts: 20s}
traffic:
  web: {type: tcp, from: AP, to: far}
expect:
  - {metric: jain, flows: ["U*/video", web], min: 10%}
`

func TestRangesMakeCopies(t *testing.T) {
	s := parse(t, cellOfThree).Runs[0].Scenario
	var names []string
	for _, l := range s.Network.Links {
		names = append(names, l.Name+" "+l.Between[0])
	}
	if want := []string{"user1 UE1", "user2 UE2", "user3 UE3", "wire AP"}; !slices.Equal(names, want) {
		t.Errorf("links %v, want %v", names, want)
	}
	if calls := s.Topology.Calls(); len(calls) != 3 || !slices.Equal(calls[2], []string{"U3", "F3"}) {
		t.Errorf("calls %v", calls)
	}
	if len(s.Media) != 6 || s.Media[2].FlowName() != "U3/video" || s.Media[2].To != "F3" {
		t.Errorf("%d streams, the third is %s to %s", len(s.Media), s.Media[2].FlowName(), s.Media[2].To)
	}
}

func TestRangesFollowTheMatrix(t *testing.T) {
	f := parse(t, cellOfThree+"matrix: {let.users: [2, 5], network.links.user<1..users>.queue.length: [10packets, 20packets]}\n")
	if len(f.Runs) != 4 {
		t.Fatalf("%d runs", len(f.Runs))
	}
	s := f.Runs[3].Scenario
	if len(s.Endpoints) != 10 || s.Network.Links[4].Forward.Queue.Length.Packets != 20 {
		t.Errorf("%d endpoints, a queue of %v", len(s.Endpoints), s.Network.Links[4].Forward.Queue.Length)
	}
	if n := len(parse(t, cellOfThree, "let.users=7").Runs[0].Scenario.Media); n != 14 {
		t.Errorf("%d streams", n)
	}
	if l := parse(t, cellOfThree, "network.links.user<1..users>.delay=7ms").Runs[0].Scenario.Network.Links[1]; *l.Forward.Delay != 7*time.Millisecond {
		t.Errorf("delay %v", *l.Forward.Delay)
	}
}

// The times are drawn by seed, inside the stretch, and alike for an endpoint's
// streams.
func TestMomentsAreDrawn(t *testing.T) {
	starts := func(seed string) []time.Duration {
		s := parse(t, cellOfThree, "seed="+seed).Runs[0].Scenario
		var list []time.Duration
		for i := range s.Media {
			m := &s.Media[i]
			if m.Start.From < 0 || m.Start.From > 30*time.Second || m.Start.To != m.Start.From || m.Stop.From-m.Start.From != 20*time.Second {
				t.Errorf("%s from %v to %v", m.FlowName(), m.Start, m.Stop)
			}
			list = append(list, m.Start.From)
		}
		return list
	}
	a, b := starts("1"), starts("2")
	if slices.Equal(a, b) || !slices.Equal(a, starts("1")) {
		t.Errorf("starts %v with seed 1, %v with seed 2", a, b)
	}
	if a[0] != a[3] || a[0] == a[1] {
		t.Errorf("videos and audios of U1 to U3 start at %v", a)
	}
}
