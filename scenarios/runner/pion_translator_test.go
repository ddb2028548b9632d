package runner_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

const pionTranslator = `
title: A translator
duration: 10s
network:
  links:
    a: {between: [A, M], delay: 15ms, rate: 2Mbps, loss: 2%%}
    b: {between: [B, M], delay: 25ms, rate: 5Mbps, loss: 1%%}
endpoints:
  A: {at: A%s}
  B: {at: B%s}
topology: {type: %s, at: M, peers: [A, B]}
media:
  - {from: A, kind: video, encoder: {max: 800kbps}}
  - {from: B, kind: video, encoder: {max: 800kbps}}
  - {from: A, kind: audio, speech: {codec: pcmu, activity: always}}
  - {from: B, kind: audio, speech: {codec: %s, activity: always}}
congestion: {controller: %s, feedback: %s}
repair: {nack: true, rtx: true, refresh: pli, decoder: true}
playout: {delay: 300ms}
`

// A translator of ours has DTLS and ICE with pion's stack on either side, or on both: media and reports go both ways, what is lost
// on either way comes again, and everything is known on both sides by the SSRC that its sender has.
func TestPionBesideTranslators(t *testing.T) {
	t.Parallel()
	const ours, theirs, passive = "", ", stack: pion", ", stack: pion, pion: {dtls: passive}"
	type pair struct{ a, b, box, codec, controller, feedback string }
	for _, c := range few(
		3,
		pair{theirs, theirs, "gateway", "pcmu", "gcc", "twcc"},
		pair{theirs, ours, "transcoder", "dvi4", "gcc", "twcc"},
		pair{ours, theirs, "gateway", "pcmu", "fixed", "rfc8888"},
		pair{theirs, passive, "transcoder", "pcma", "gcc", "twcc"},
		pair{ours, passive, "gateway", "pcmu", "fixed", "twcc"},
		pair{ours, theirs, "transcoder", "pcma", "gcc", "rfc8888"},
		pair{theirs, ours, "gateway", "pcmu", "fixed", "none"},
	) {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			s := loadText(t, fmt.Sprintf(pionTranslator, c.a, c.b, c.box, c.codec, c.controller, c.feedback))
			seen := sources{Observer: fabric.Nobody, to: map[packet.IPv4]map[uint32]bool{}, from: map[packet.IPv4]map[uint32]bool{}}
			rec, err := runner.Run(context.Background(), &scenarios.Run{Name: "default", Scenario: s}, runner.Options{Observer: seen})
			if err != nil {
				t.Fatal(err)
			}
			translated(t, rec, c.box)
			const a, b = 10<<24 + 1, 10<<24 + 2
			for _, way := range [][2]packet.IPv4{{a, b}, {b, a}} {
				sent := 0
				for ssrc := range seen.from[way[0]] {
					if seen.to[way[1]][ssrc] {
						sent++
					}
				}
				if sent != 2 {
					t.Errorf("%v has sent %v, and to %v came %v", way[0], seen.from[way[0]], way[1], seen.to[way[1]])
				}
			}
		})
	}
}

// translated checks a call beside a translator.
func translated(t *testing.T, rec *record.Record, box string) {
	t.Helper()
	for _, who := range []string{"A", "B"} {
		peer := map[string]string{"A": "B", "B": "A"}[who]
		video, sound := who+"/video>"+peer, who+"/audio>"+peer
		if box == "transcoder" {
			sound = "transcoder/audio>" + peer
		}
		if n, of := value(rec, video, "frames-rendered"), value(rec, who+"/video", "frames-encoded"); of < 240 || n < 0.5*of {
			t.Errorf("%s was shown %v of %v pictures", peer, n, of)
		}
		if n := value(rec, sound, "frames-rendered"); n < 320 {
			t.Errorf("%s has heard %v frames", peer, n)
		}
		// The first way loses one in fifty, or one in a hundred, and so does the second.
		for _, flow := range []string{who + "/video", video} {
			lost, restored := value(rec, flow, "packets-lost"), value(rec, flow, "packets-restored")
			if lost < 1 || restored < lost-max(4, 0.5*lost) {
				t.Errorf("of %v packets of %s that were lost %v came again", lost, flow, restored)
			}
		}
		if n := value(rec, who, "rtcp-packets"); n < 12 {
			t.Errorf("%s has sent %v packets of RTCP", who, n)
		}
		if rtt := value(rec, box+"-"+who, "rtt"); rtt < 29 || rtt > 100 {
			t.Errorf("to %s it is %v ms", who, rtt)
		}
	}
	for _, who := range []string{"A", "B", box} {
		for _, bad := range []string{"rejected-not-authentic", "rejected-malformed"} {
			if n := value(rec, who, bad); n != 0 {
				t.Errorf("%s: %v %s", who, n, bad)
			}
		}
	}
}

// sources are the SSRCs that come to hosts, and that they send.
type sources struct {
	fabric.Observer
	from, to map[packet.IPv4]map[uint32]bool
}

func (w sources) PacketSent(_ simtime.Time, p *packet.Packet) {
	b := p.Payload
	if len(b) < 12 || b[0]>>6 != 2 || packet.IsRTCP(b) || b[1]&0x7f == 97 { // retransmissions have their own
		return
	}
	for at, of := range map[packet.IPv4]map[packet.IPv4]map[uint32]bool{p.Src.IP: w.from, p.Dst.IP: w.to} {
		if of[at] == nil {
			of[at] = map[uint32]bool{}
		}
		of[at][binary.BigEndian.Uint32(b[8:])] = true
	}
}

// Behind a gateway pion's stack talks to an endpoint with neither keys nor feedback, and hangs up in its own way.
func TestPionAndALegacyEndpoint(t *testing.T) {
	t.Parallel()
	rec := run(t, load(t, meshes+"gateway.yaml", "endpoints.A.stack=pion", "congestion={controller: gcc, feedback: twcc}", "duration=30s", "endpoints.A.leaves=25s", "expect=[]")[0])
	if n, of := value(rec, "A/video>B", "frames-rendered"), value(rec, "A/video", "frames-encoded"); of < 700 || n < 0.6*of {
		t.Errorf("B was shown %v of %v pictures", n, of)
	}
	if n := value(rec, "B/audio>A", "frames-rendered"); n < 1200 {
		t.Errorf("A has heard %v frames", n)
	}
	closed := slices.ContainsFunc(rec.Events, func(e record.Event) bool {
		return e.Entity == "gateway" && e.Kind == "peer-closed" && e.At > simtime.At(25*time.Second) && e.At < simtime.At(25100*time.Millisecond)
	})
	if n := value(rec, "A", "datagrams-unreachable"); !closed || n > 20 {
		t.Errorf("the gateway has heard that A has closed: %v; %v packets came later", closed, n)
	}
}
