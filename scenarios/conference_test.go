package scenarios

import (
	"fmt"
	"slices"
	"testing"
)

// conference is a scenario whose peers all send to each other.
func conference(kind string, peers int) []byte {
	return fmt.Appendf(nil, `
title: A conference
duration: 10s
let: {peers: %d}
network: {links: {access<1..peers>: {between: [home<n>, core], delay: 10ms}}}
endpoints: {P<1..peers>: {at: home<n>}}
topology: {type: %s, peers: [P<1..peers>]%s}
media:
  - {from: P<1..peers>, kind: video}
  - {from: P1, kind: audio}
congestion: {controller: fixed, feedback: none}
expect:
  - {metric: members, connection: P1-%s, equal: 2}
  - {metric: send-rate, flow: P1/audio%s, min: 0bps}
`, peers, kind, map[bool]string{true: ", at: core"}[kind != "mesh"],
		map[string]string{"mesh": "P2", SFM: "sfm", SwitchingMixer: "mixer"}[kind], map[bool]string{true: ">P2"}[kind == "mesh"])
}

// The sessions of a pair have the streams between the two, in the order of all streams.
func TestSessionsHaveTheStreamsOfTheirPair(t *testing.T) {
	for kind, each := range map[string]int{"mesh": 2, SFM: 4, SwitchingMixer: 3} {
		f, err := Parse("conference.yaml", conference(kind, 4), Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := f.Runs[0].Scenario
		for _, pair := range s.Topology.Calls() {
			var want, got []string
			for _, m := range s.Streams() {
				if slices.Contains(pair, m.From) && slices.Contains(pair, m.To) {
					want = append(want, m.From+" "+m.To+" "+m.FlowName())
				}
			}
			for _, session := range s.Sessions(pair) {
				for _, m := range session.Media {
					got = append(got, m.From+" "+m.To+" "+m.FlowName())
				}
			}
			if !slices.Equal(got, want) || len(got) < each {
				t.Errorf("%s, %v: %q, want %q", kind, pair, got, want)
			}
		}
	}
}

// Reading and checking a large conference: streams are as many as the square of its peers.
func BenchmarkLoadConference(b *testing.B) {
	for _, c := range []struct {
		kind  string
		peers int
	}{{"mesh", 60}, {SFM, 100}, {SwitchingMixer, 100}} {
		b.Run(fmt.Sprintf("%s-%d", c.kind, c.peers), func(b *testing.B) {
			text := conference(c.kind, c.peers)
			for b.Loop() {
				if _, err := Parse("conference.yaml", text, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
