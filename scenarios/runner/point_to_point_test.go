package runner_test

import (
	"slices"
	"testing"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/topologies"
)

// structure is what a call consists of: UDP flows, RTP sessions, SSRCs that send media, and
// the members that each session has.
type structure struct {
	flows, sessions, senders int
	members                  []int
}

// structureOf counts from A's end, which knows both.
func structureOf(t *testing.T, s *scenarios.Scenario) (c structure, sim *topologies.Simulation) {
	t.Helper()
	sim = build(t, s)
	play(t, sim, s)
	flows, ssrcs := map[[2]packet.Addr]bool{}, map[uint32]bool{}
	for _, f := range sim.Flows {
		ssrcs[f.Sender.SSRC()] = true
	}
	for _, session := range sim.Connections[0].Sessions() {
		for _, f := range session.Flows() {
			flows[f] = true
		}
		c.sessions++
		c.members = append(c.members, session.Members())
	}
	c.flows, c.senders = len(flows), len(ssrcs)
	return c, sim
}

func (c structure) equal(o structure) bool {
	return c.flows == o.flows && c.sessions == o.sessions && c.senders == o.senders && slices.Equal(c.members, o.members)
}

const voiceCall = `
title: A voice call
duration: 10s
protection: size-only
network: {links: {l: {between: [A, B], delay: 20ms, rate: 1Mbps}}}
endpoints: {A: {at: A}, B: {at: B}}
topology: {peers: [A, B]}
media:
  - {from: A, kind: audio}
  - {from: B, kind: audio}
congestion: {controller: fixed, feedback: none}
`

// The structures of figures 3 to 5: a voice call has one session of two members on one flow
// with RTCP; media on a flow for each kind have sessions of their own; in one session all
// SSRCs are members, B's for the slides too, with which it reports alone.
//
// conformance: TOP-A.1-1, TOP-A.1-2, TOP-A.1-3
func TestStructuresOfCalls(t *testing.T) {
	twoSessions := load(t, meshes+"p2p-two-sessions.yaml", "duration=10s", "expect=[]")[0].Scenario
	oneSession := load(t, meshes+"p2p-single-session.yaml", "duration=10s", "expect=[]")[0].Scenario
	voice := loadText(t, voiceCall)
	for name, c := range map[string]struct {
		s    *scenarios.Scenario
		want structure
	}{
		"a voice call":   {voice, structure{flows: 1, sessions: 1, senders: 2, members: []int{2}}},
		"two sessions":   {twoSessions, structure{flows: 2, sessions: 2, senders: 5, members: []int{2, 4}}},
		"a single one":   {oneSession, structure{flows: 1, sessions: 1, senders: 5, members: []int{6}}},
		"with RTCP port": {loadText(t, voiceCall, "rtcp.mux=false"), structure{flows: 2, sessions: 1, senders: 2, members: []int{2}}},
	} {
		if got, _ := structureOf(t, c.s); !got.equal(c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	// Two sessions have RTCP bandwidth each, of their own media; one has it of all.
	_, apart := structureOf(t, twoSessions)
	_, together := structureOf(t, oneSession)
	var pools []int64
	for _, sim := range []*topologies.Simulation{apart, together} {
		for _, f := range sim.Flows {
			if rate := int64(f.RTCP); !slices.Contains(pools, rate) {
				pools = append(pools, rate)
			}
		}
	}
	if len(pools) != 3 || pools[0]+pools[1] != pools[2] {
		t.Errorf("RTCP bandwidths %v: want those of audio and of video, and their sum", pools)
	}
}

// RTCP goes both ways whatever the media does (appendix A.1).
//
// conformance: TOP-A.1-4
func TestRTCPGoesBothWays(t *testing.T) {
	s := loadText(t, voiceCall, "media=[{from: A, kind: audio}]")
	sim := build(t, s)
	sent := map[string]int{}
	sim.OnEvent(func(e endpoints.Event) {
		if e.Kind == endpoints.RTCPSent {
			sent[e.Session.Endpoint()]++
		}
	})
	play(t, sim, s)
	if sent["A"] < 5 || sent["B"] < 5 {
		t.Errorf("RTCP packets in 10 s: %v", sent)
	}
}

// Each SSRC has numbers of its own: what one stream loses is no loss of another one.
//
// conformance: TOP-A.1-5
func TestStreamsHaveNumbersOfTheirOwn(t *testing.T) {
	r := parsed(t, `
title: Slides give way to the camera
duration: 20s
protection: size-only
network:
  links:
    l:
      between: [A, B]
      delay: 20ms
      forward:
        rate: 1.2Mbps
        queue: {type: priority, bands: [{dscp: [34], queue: {type: droptail, length: 300ms}}, {queue: {type: droptail, length: 50ms}}]}
endpoints: {A: {at: A}, B: {at: B}}
topology: {peers: [A, B]}
media:
  - {from: A, kind: video, name: camera, priority: high, encoder: {model: perfect, min: 800kbps, max: 800kbps}}
  - {from: A, kind: video, name: slides, encoder: {model: perfect, min: 800kbps, max: 800kbps}}
congestion: {controller: fixed, feedback: none}
`)
	worst := func(flow string) (loss float64) {
		for _, v := range series(t, r, flow, record.ReportedLoss)[50:] {
			loss = max(loss, v)
		}
		return loss
	}
	if camera, slides := worst("A/camera"), worst("A/slides"); camera != 0 || slides < 0.3 {
		t.Errorf("the camera's stream loses %.0f %%, that of the slides %.0f %%", 100*camera, 100*slides)
	}
}
