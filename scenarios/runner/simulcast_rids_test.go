package runner_test

import (
	"fmt"
	"strings"
	"testing"

	"rtpfabric/endpoints/jsep"
	"rtpfabric/sim/record"
)

const simulcastRIDs = meshes + "simulcast-rids.yaml"

// Three encodings of a camera come to the SFM, of which nobody has told it the SSRCs: their first packets say by RID which
// they are, those that are sent again which they repair, and each has a rate of its own.
//
// conformance: TOP-A.6-1, IMP-12.8-1
func TestEncodingsArriveWithRIDs(t *testing.T) {
	_, w := playRTP(t, load(t, simulcastRIDs, "expect=[]", "duration=12s", "network.links.c.schedule=[]", "protection=none")[0].Scenario, "A", nil)
	octets, repaired := map[string]int{}, map[string]bool{}
	for ssrc, packets := range w.sent {
		first := packets[0].head
		mid, rid, repairs := string(first.GetExtension(4)), string(first.GetExtension(10)), string(first.GetExtension(11))
		if mid != "0" || (rid == "") == (repairs == "") {
			t.Errorf("%08x: the first packet says MID %q, RID %q, repaired RID %q", ssrc, mid, rid, repairs)
		}
		if repairs != "" {
			repaired[repairs] = true
			continue
		}
		said := 0
		for _, p := range packets {
			octets[rid] += len(p.payload)
			if p.head.GetExtension(10) != nil {
				said++
			}
		}
		if said == len(packets) {
			t.Errorf("all %d packets of %s say so", said, rid)
		}
	}
	if len(octets) != 3 || octets["h"] < 2*octets["m"] || octets["m"] < 2*octets["l"] || octets["l"] == 0 {
		t.Errorf("octets by encoding: %v", octets)
	}
	if len(repaired) == 0 {
		t.Error("nothing was sent again")
	}
}

// Whether qualities are media sections of their own or encodings of one makes no difference to what receivers get, here
// also beyond a trunk over which all encodings go.
func TestSimulcastByRIDsAndByTracks(t *testing.T) {
	t.Parallel()
	const cascade = `
title: Encodings over a trunk
duration: 30s
network:
  links:
    a: {between: [A, W], delay: 10ms, rate: 5Mbps}
    b: {between: [B, E], delay: 20ms, rate: 5Mbps}
    c: {between: [C, E], delay: 20ms, rate: 5Mbps, backward: {rate: 600kbps}}
    trunk: {between: [W, E], delay: 40ms, rate: 10Mbps, loss: 1%%}
endpoints: {A: {at: A}, B: {at: B}, C: {at: C}}
topology: {type: sfm, cascade: {west: {at: W, peers: [A]}, east: {at: E, peers: [B, C]}}}
media:
  - {from: A, kind: video, name: high, simulcast: camera, %[1]s encoder: {min: 700kbps, max: 1.5Mbps}}
  - {from: A, kind: video, name: low, simulcast: camera, %[2]s encoder: {min: 100kbps, max: 200kbps}}
  - {from: B, kind: video, name: high, simulcast: camera, %[1]s encoder: {min: 700kbps, max: 1.5Mbps}}
  - {from: B, kind: video, name: low, simulcast: camera, %[2]s encoder: {min: 100kbps, max: 200kbps}}
congestion: {controller: gcc, feedback: twcc}
repair: {nack: true, rtx: true, refresh: pli, decoder: true}
playout: {delay: 300ms}
`
	for _, text := range few(1, fmt.Sprintf(cascade, "rid: h,", "rid: l,"), fmt.Sprintf(cascade, "", "")) {
		r := signalled(t, text)
		for flow, least := range map[string]float64{"A/camera>B": 1.3e6, "A/camera>C": 90e3, "B/camera>A": 1.3e6, "B/camera>C": 90e3} {
			if rate := mean(series(t, r, flow, record.ReceiveRate)[75:]); rate < least {
				t.Errorf("%s comes at %.0f bit/s", flow, rate)
			}
			if fps := mean(series(t, r, flow, record.FrameRate)[50:]); fps < 27 {
				t.Errorf("%s shows %.1f pictures a second", flow, fps)
			}
		}
		if rate := mean(series(t, r, "A/camera>C", record.ReceiveRate)[75:]); rate > 250e3 {
			t.Errorf("C gets A's picture at %.0f bit/s", rate)
		}
	}
}

// An SFM that was started anew is told again which encoding a stream is, though the peers thought that it knew.
func TestEncodingsOverARestart(t *testing.T) {
	s := load(t, simulcastRIDs, "expect=[]", "duration=20s", "network.links.c.schedule=[]", "security.keying=preshared", "topology.restarts=[{at: 10s, for: 1s}]")[0]
	r := run(t, s)
	for _, flow := range []string{"A/camera>B", "B/camera>A", "A/camera>C"} {
		if fps := mean(series(t, r, flow, record.FrameRate)[65:]); fps < 25 {
			t.Errorf("%s shows %.1f pictures a second", flow, fps)
		}
	}
}

// A pion stack offers three encodings, which it tells apart by RIDs as well, and the SFM of ours takes them: what it
// sends again is known by the RID alone.
func TestPionSendsSimulcastByRIDs(t *testing.T) {
	t.Parallel()
	for _, ice := range few(1, "full", "none") {
		r := run(t, load(t, simulcastRIDs, "expect=[]", "duration=20s", "network.links.c.schedule=[]", "endpoints.A.stack=pion", "protection=full", "security.ice="+ice)[0])
		for flow, bounds := range map[string][2]float64{
			"A/high": {1.2e6, 1.7e6}, "A/middle": {300e3, 600e3}, "A/low": {90e3, 200e3}, "A/camera>B": {1.2e6, 1.7e6}, "B/camera>A": {1.2e6, 1.7e6},
		} {
			if rate := mean(series(t, r, flow, record.ReceiveRate)[50:]); rate < bounds[0] || rate > bounds[1] {
				t.Errorf("ICE %s: %s comes at %.0f bit/s", ice, flow, rate)
			}
		}
		for _, flow := range []string{"A/camera>B", "B/camera>A"} {
			if fps := mean(series(t, r, flow, record.FrameRate)[50:]); fps < 25 {
				t.Errorf("ICE %s: %s shows %.1f pictures a second", ice, flow, fps)
			}
		}
	}
}

const signalledSimulcast = `
title: Encodings that are agreed on
duration: 10s
network:
  links:
    a: {between: [A, M], rate: 10Mbps, delay: 20ms}
    b: {between: [M, B], rate: 10Mbps, delay: 30ms}
endpoints: {A: {at: A}, B: {at: B}}
topology: {peers: [A, B]}
media:
  - {from: A, kind: video, name: high, simulcast: camera, rid: h, encoder: {min: 600kbps, max: 1.5Mbps}}
  - {from: A, kind: video, name: middle, simulcast: camera, rid: m, encoder: {min: 200kbps, max: 500kbps}}
  - {from: A, kind: video, name: low, simulcast: camera, rid: l, encoder: {min: 100kbps, max: 150kbps}}
  - {from: B, kind: video, name: face, encoder: {max: 500kbps}}
  - {from: A, kind: audio}
  - {from: B, kind: audio}
congestion: {controller: fixed}
`

// simulcastLines returns the a=simulcast lines of the descriptions that left an endpoint, in order.
func simulcastLines(t *testing.T, r *record.Record, from string) (lines []string) {
	t.Helper()
	for _, m := range r.Messages {
		_, text, found := strings.Cut(m.Text, `"sdp":"`)
		if m.From != from || !found {
			continue
		}
		text, _, _ = strings.Cut(text, `"`)
		d, err := jsep.Parse(strings.ReplaceAll(text, `\r\n`, "\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		line := "-"
		if s := d.Sections[0].Simulcast; s != nil {
			line = s.String()
		}
		if n := strings.Count(text, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"); (n == 1) != (line != "-") || n > 1 {
			t.Errorf("%s describes %s, and RIDs in packets %d times", from, line, n)
		}
		lines = append(lines, line)
	}
	return lines
}

// A peer gets as many encodings as its answer takes; the first alone if that says nothing of them, or if the peer was the
// one to offer (RFC 8829 §3.7). What was agreed on outlasts later offers of either.
//
// conformance: IMP-12.8-2
func TestSimulcastIsAgreedOn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		signalling string
		early      string // encodings that come in the seconds 1 to 4
		late       string // and in the seconds 6 to 10
		a, b       string // what descriptions say
	}{
		{"peers: {B: {}}, offers: [{by: A}]", "h", "h", "send h;m;l", "-"},
		{"peers: {B: {simulcast: 1}}, offers: [{by: A}]", "h", "h", "send h;m;l", "recv h"},
		{"peers: {B: {simulcast: 2}}, offers: [{by: A}]", "hm", "hm", "send h;m;l", "recv h;m"},
		{"peers: {B: {simulcast: 9}}, offers: [{by: A}]", "hml", "hml", "send h;m;l", "recv h;m;l"},
		{"peers: {B: {simulcast: 2}}, offers: [{by: A}, {by: B, at: 5s}]", "hm", "hm", "send h;m;l send h;m", "recv h;m recv h;m"},
		{"peers: {B: {simulcast: 3}}, offers: [{by: A}, {by: A, at: 5s, sends: [audio]}]", "hml", "", "send h;m;l send h;m;l", "recv h;m;l recv h;m;l"},
		{"peers: {A: {sends: [audio]}, B: {simulcast: 3}}, offers: [{by: A}, {by: A, at: 5s, sends: [audio, camera]}]", "", "hml", "- send h;m;l", "- recv h;m;l"},
		{"peers: {B: {simulcast: 3}}, offers: [{by: B}]", "h", "h", "-", "-"},
		{"peers: {B: {simulcast: 3}}, offers: [{by: B}, {by: A, at: 5s}]", "h", "hml", "- send h;m;l", "- recv h;m;l"},
		{"peers: {B: {simulcast: 3}}, offers: [{by: A}, {by: B}], resolution: polite", "hml", "hml", "", ""},
		{"by: gateway, peers: {B: {simulcast: 3}}, offers: [{by: A}]", "hml", "hml", "", ""},
	} {
		r := signalled(t, signalledSimulcast+"signalling: {at: M, "+tt.signalling+"}\n")
		early, late := "", ""
		for _, flow := range []string{"A/high", "A/middle", "A/low"} {
			rid := strings.TrimPrefix(flow, "A/")[:1]
			frames := series(t, r, flow, record.FrameRate)
			if mean(frames[8:20]) > 25 {
				early += rid
			}
			if mean(frames[33:]) > 25 {
				late += rid
			}
		}
		if early != tt.early || late != tt.late {
			t.Errorf("%s: the encodings %q come, then %q, not %q and %q", tt.signalling, early, late, tt.early, tt.late)
		}
		for from, want := range map[string]string{"A": tt.a, "B": tt.b} {
			if got := strings.Join(simulcastLines(t, r, from), " "); want != "" && got != want {
				t.Errorf("%s: %s describes %q, want %q", tt.signalling, from, got, want)
			}
		}
	}
}
