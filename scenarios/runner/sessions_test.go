package runner_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// octetWatch collects what is sent and by whom, and from where it comes to others.
type octetWatch struct {
	fabric.Observer
	sent map[string][]packet.IPv4
	from map[packet.Addr]packet.IPv4
}

func watchOctets(f *fabric.Fabric) *octetWatch {
	w := &octetWatch{Observer: fabric.Nobody, sent: map[string][]packet.IPv4{}, from: map[packet.Addr]packet.IPv4{}}
	f.Observe(w)
	return w
}

func (w *octetWatch) PacketSent(_ simtime.Time, p *packet.Packet) {
	w.sent[string(p.Payload)] = append(w.sent[string(p.Payload)], p.Origin)
}

func (w *octetWatch) PacketDelivered(_ simtime.Time, p *packet.Packet) { w.from[p.Src] = p.Origin }

// All media of a peer connection are in one RTP session on one flow, unless something else is said:
// then audio and video need a NAT binding each, and with RTCP on ports of its own four.
//
// conformance: SES-4.4-8
func TestSessionsAndBindings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		set      []string
		bindings int
	}{
		{nil, 1},
		{[]string{"topology.sessions=per-kind"}, 2},
		{[]string{"topology.sessions=per-kind", "rtcp.mux=false"}, 4},
	} {
		set := append(tt.set, "expect=[]", "media=[{from: S1, kind: video}, {from: S1, kind: audio}, {from: R1, kind: video}, {from: R1, kind: audio}]")
		s := load(t, library+"network/nat.yaml", set...)[0].Scenario
		sim := build(t, s)
		w := watchOctets(sim.Fabric)
		play(t, sim, s)
		n := 0
		for seen, sender := range w.from {
			if sender == sim.Addr("S1") && seen.IP != sender {
				n++
			}
		}
		if n != tt.bindings {
			t.Errorf("%v: %d bindings, want %d", tt.set, n, tt.bindings)
		}
	}
}

// A relay between two transport domains changes addresses alone: what it sends is to the octet what
// came to it, headers and all.
//
// conformance: TOP-A.4.3-1
func TestRelayBridgesTransports(t *testing.T) {
	t.Parallel()
	s := load(t, meshes+"relay-paths.yaml", "expect=[]", "duration=10s", "endpoints={A: {at: A}, B: {at: B}}", "topology.peers=[A, B]",
		"congestion={controller: fixed, feedback: none}")[0].Scenario
	sim := build(t, s)
	w := watchOctets(sim.Fabric)
	play(t, sim, s)
	both := 0
	for octets, by := range w.sent {
		if len(by) == 2 && by[0] != by[1] {
			both++
		} else if len(by) > 2 {
			t.Fatalf("%x was sent %d times", octets, len(by))
		}
	}
	if both < 500 || both < len(w.sent)*9/10 { // but for what the way to the relay has lost
		t.Errorf("%d of %d packets are the same on both sides", both, len(w.sent))
	}
}

// A middlebox that selects is trusted: it has keys with each endpoint, no two the same, and what was
// encrypted for one leg it can't read on another.
//
// conformance: IMP-12.3-4
func TestKeysOfEachLeg(t *testing.T) {
	t.Parallel()
	s := load(t, meshes+"sfm.yaml", "expect=[]", "duration=2s", "protection=full", "congestion={controller: fixed, feedback: none}")[0].Scenario
	sim := build(t, s)
	w := watchOctets(sim.Fabric)
	play(t, sim, s)
	var keys [][]byte
	read, sent := [4]int{}, 0 // by leg, A's the first
	for _, c := range sim.Connections {
		session := c.Sessions()[0]
		if session.Endpoint() != "sfm" {
			continue
		}
		_, k, ok := session.Secrets(0)
		if !ok || slices.ContainsFunc(keys, func(o []byte) bool { return bytes.Equal(o, k.Local.Key) || bytes.Equal(o, k.Remote.Key) }) {
			t.Fatalf("a leg's keys: %x, %v", k, ok)
		}
		keys = append(keys, k.Local.Key, k.Remote.Key)
		p, ready, err := protect.NewWith(protect.Config{Mode: protect.Full}, session.Keying()[0])
		if err != nil || !ready {
			t.Fatal(err)
		}
		sent = 0
		for octets, by := range w.sent {
			b, h := []byte(octets), rtp.Header{}
			if by[0] != sim.Addr("A") || len(b) < 12 || b[0]>>6 != 2 || isRTCP(b) {
				continue
			}
			sent++
			if _, err := h.Unmarshal(b); err != nil {
				t.Fatal(err)
			}
			if _, err := p.OpenRTP(&h, b); err == nil {
				read[len(keys)/2-1]++
			}
		}
	}
	// What is sent in any order is read but for what is too old.
	if len(keys) != 6 || read[0] == 0 || read[1]+read[2] > 0 || sent < 50 {
		t.Errorf("of A's %d packets the legs' keys read %v", sent, read)
	}
}

// What a middlebox costs that is trusted: it opens all that comes, and protects it anew for each
// receiver; a relay does neither, and has no keys to do it with.
//
// conformance: TOP-A.3-2
func TestCostOfTrust(t *testing.T) {
	t.Parallel()
	const clear = "media=[{from: A, kind: video, encoder: {min: 500kbps, max: 500kbps}}]"
	sfm := run(t, load(t, meshes+"sfm.yaml", "expect=[]", "duration=10s", clear)[0])
	relay := run(t, load(t, meshes+"sfm.yaml", "expect=[]", "duration=10s", clear, "topology={type: relay, at: M, peers: [A, B, C]}", "repair={refresh: pli, decoder: true}")[0])
	opened, protected := totalOf(t, sfm, "sfm", "packets-opened"), totalOf(t, sfm, "sfm", "packets-protected")
	sent := sum(series(t, sfm, "A/video", record.SentPackets))
	if sent < 400 || opened < sent || protected < 2*sent-10 {
		t.Errorf("A sends %v packets, the SFM opens %v and protects %v", sent, opened, protected)
	}
	for _, m := range relay.Summary {
		if m.Entity == "relay" && (m.Metric == "packets-opened" || m.Metric == "packets-protected") {
			t.Errorf("a relay: %+v", m)
		}
	}
	if sent := sum(series(t, relay, "A/video", record.SentPackets)); sent < 400 {
		t.Errorf("A sends %v packets to the relay", sent)
	}
}

// isRTCP tells RTCP from RTP on one port (RFC 5761 §4).
func isRTCP(b []byte) bool { return b[1] >= 192 && b[1] <= 223 }

// rtcpWatch adds up the octets on the wire of RTCP packets by the SSRC that they begin with.
type rtcpWatch struct {
	fabric.Observer
	octets map[uint32]units.Bytes
}

func (w *rtcpWatch) PacketSent(_ simtime.Time, p *packet.Packet) {
	if b := p.Payload; len(b) >= 8 && b[0]>>6 == 2 && b[1] >= 192 && b[1] <= 223 {
		w.octets[binary.BigEndian.Uint32(b[4:])] += p.Size
	}
}

// Audio of 20 kbit/s that shares a session with video of 2.5 Mbit/s has the RTCP interval of the video,
// and more RTCP than media. T_rr_interval makes it what a session of its own has, or less.
//
// conformance: SES-4.4-6
func TestAudioHasTheVideosInterval(t *testing.T) {
	long(t)
	t.Parallel()
	const (
		call = `
title: Audio beside video
duration: 60s
network: {links: {path: {between: [A, B], delay: 50ms}}}
endpoints: {S1: {at: A}, R1: {at: B}}
topology: {peers: [S1, R1]%s}
media:
  - {from: S1, kind: video, encoder: {model: perfect, min: 2.5Mbps, max: 2.5Mbps}}
  - {from: S1, kind: audio, rate: 20kbps}
congestion: {controller: fixed, feedback: none}
rtcp: {aggregate: false, trr-interval: %s}
`
		media = 20e3
	)
	for _, tt := range []struct {
		sessions, interval string
		least, most        float64 // RTCP of the audio's SSRC in bit/s
	}{
		{"", "0s", 1.25 * media, 2.5 * media},
		{"", "1s", 0.02 * media, 0.1 * media},
		{", sessions: per-media", "0s", 0.01 * media, 0.05 * media},
	} {
		s := loadText(t, fmt.Sprintf(call, tt.sessions, tt.interval))
		sim := build(t, s)
		w := &rtcpWatch{Observer: fabric.Nobody, octets: map[uint32]units.Bytes{}}
		sim.Fabric.Observe(w)
		play(t, sim, s)
		got := float64(8*w.octets[flowOf(t, sim, "S1/audio").Sender.SSRC()]) / s.Duration.Seconds()
		if got < tt.least || got > tt.most {
			t.Errorf("sessions %q, T_rr_interval %s: %.0f bit/s of RTCP, want %.0f to %.0f", tt.sessions, tt.interval, got, tt.least, tt.most)
		}
	}
}
