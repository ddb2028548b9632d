package scenarios

import (
	"fmt"
	"slices"
	"strings"
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

// The most streams that a pair may have: of a mesh neither the streams of others count nor
// the copies for others, of an SFM all do that it passes on.
func TestStreamsOfAPair(t *testing.T) {
	const text = `
title: Many streams
duration: 10s
network: {links: {access<1..3>: {between: [home<n>, core], delay: 10ms}}}
endpoints: {P<1..%d>: {at: home<n>}}
topology: %s
media:
%s
congestion: {controller: fixed, feedback: none}
`
	streams := func(from, to string, n int) string {
		if to != "" {
			to = ", to: " + to
		}
		return fmt.Sprintf("  - {from: %s%s, kind: audio, name: %s<1..%d>}\n", from, to, from+"s", n)
	}
	const mesh, sfm = "{type: mesh, peers: [P<1..3>]}", "{type: sfm, at: core, peers: [P<1..3>]}"
	for _, c := range []struct{ topology, media, want string }{
		{"{peers: [P1, P2]}", streams("P1", "", 250) + streams("P2", "", 150), ""},
		{"{peers: [P1, P2]}", streams("P1", "", 250) + streams("P2", "", 151), "media.400: more than 400 streams between P1 and P2 are too many; use several calls"},
		{mesh, streams("P1", "", 200) + streams("P2", "", 200) + streams("P3", "", 200), ""},
		{mesh, streams("P1", "", 201) + streams("P2", "P3", 200) + streams("P3", "", 200), "media.600: more than 400 streams between P1 and P3 are too many; have fewer streams"},
		{sfm, streams("P1", "", 200) + streams("P2", "", 100) + streams("P3", "", 100), ""},
		{sfm, streams("P1", "", 200) + streams("P2", "", 100) + streams("P3", "", 101), "media.400: more than 400 streams between P1 and sfm are too many; have fewer streams, or fewer peers"},
		{"{type: switching-mixer, at: core, peers: [P<1..3>]}", streams("P1", "", 300) + streams("P2", "", 300), ""},
		{"{type: relay, at: core, peers: [P<1..3>]}", streams("P1", "", 401), "media.400: more than 400 streams between the peers of the relay are too many; have fewer streams"},
	} {
		peers := 3
		if strings.HasPrefix(c.topology, "{peers: [P1, P2]") {
			peers = 2
		}
		_, err := Parse("many.yaml", fmt.Appendf(nil, text, peers, c.topology, c.media), Options{})
		got := ""
		if err != nil {
			_, got, _ = strings.Cut(err.Error(), ": ")
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.topology, got, c.want)
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
