package runner_test

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// forkedCall is alice, who calls somebody with three devices at 1 s. The round trip between her and each of them takes 100 ms,
// and so does a message, by way of the server.
const forkedCall = `
title: A call that forks
duration: 12s
network:
  links:
    alice: {between: [A, M], rate: 100Mbps, delay: 25ms}
    desktop: {between: [M, D], rate: 100Mbps, delay: 25ms}
    tablet: {between: [M, T], rate: 100Mbps, delay: 25ms}
    phone: {between: [M, P], rate: 100Mbps, delay: 25ms}
    server: {between: [M, S], rate: 100Mbps, delay: 25ms}
endpoints: {alice: {at: A}, desktop: {at: D}, tablet: {at: T}, phone: {at: P}}
topology: {type: fork, peers: [alice, desktop, tablet, phone]}
security: {ice: full}
media:
  - {from: alice, kind: audio}
  - {from: alice, kind: video}
  - {from: desktop, kind: audio}
  - {from: desktop, kind: video}
  - {from: tablet, kind: audio}
  - {from: phone, kind: audio}
congestion: {controller: fixed}
signalling:
  at: S
  offers: [{by: alice, at: 1s}]
`

// tapped is a packet of media, keys or checks.
type tapped struct {
	at       simtime.Time
	from, to string
	kind     string // check, handshake, rtp or rtcp
	// payloadType and ssrc of media, and fragment of who sends a check.
	payloadType  uint8
	ssrc         uint32
	fragment     string
	port, toPort uint16
}

// tap notes packets of media, keys and checks that leave, by the names of endpoints in the order of their addresses.
type tap struct {
	fabric.Observer
	names []string
	sent  []tapped
	media []tapped // of these, those of RTP
}

func tapOf(names ...string) *tap { return &tap{Observer: fabric.Nobody, names: names} }

func (t *tap) PacketSent(now simtime.Time, p *packet.Packet) {
	if p.Protocol != packet.UDP || len(p.Payload) < 2 {
		return
	}
	kind := "rtp"
	switch b := p.Payload[0]; {
	case b < 4:
		kind = "check"
	case b >= 20 && b < 64:
		kind = "handshake"
	case packet.IsRTCP(p.Payload):
		kind = "rtcp"
	}
	name := func(a packet.Addr) string { return t.names[a.IP-(10<<24+1)] }
	sent := tapped{at: now, from: name(p.Src), to: name(p.Dst), kind: kind, port: p.Src.Port, toPort: p.Dst.Port}
	switch kind {
	case "rtp":
		sent.payloadType, sent.ssrc = p.Payload[1]&0x7f, binary.BigEndian.Uint32(p.Payload[8:])
	case "check":
		m := stun.Message{Raw: slices.Clone(p.Payload)}
		if m.Decode() != nil {
			break
		}
		if user, err := m.Get(stun.AttrUsername); err == nil {
			_, sent.fragment, _ = strings.Cut(string(user), ":")
		}
	}
	t.sent = append(t.sent, sent)
	if kind == "rtp" {
		t.media = append(t.media, sent)
	}
}

// count returns how many packets of a kind went from one to another in a stretch of time, in seconds.
func (t *tap) count(kind, from, to string, after, before float64) int {
	n := 0
	for _, p := range t.sent {
		if at := p.at.Seconds(); p.kind == kind && p.from == from && p.to == to && after <= at && at < before {
			n++
		}
	}
	return n
}

// first returns when the first packet of a kind went from one to another; NaN if none did.
func (t *tap) first(kind, from, to string) float64 {
	for _, p := range t.sent {
		if p.kind == kind && p.from == from && p.to == to {
			return p.at.Seconds()
		}
	}
	return math.NaN()
}

// fragments returns those by which somebody was known in checks.
func (t *tap) fragments(from string) []string {
	var list []string
	for _, p := range t.sent {
		if p.from == from && p.fragment != "" && !slices.Contains(list, p.fragment) {
			list = append(list, p.fragment)
		}
	}
	return list
}

// forkedRun is a run of the call, with the names of fields of signalling.fork.
func forkedRun(t *testing.T, fork string) (*record.Record, *tap) {
	t.Helper()
	o := tapOf("alice", "desktop", "tablet", "phone")
	return runWatched(t, forkedCall+"  fork: "+fork+"\n", o), o
}

// clipped returns what the receiver of a stream missed of its beginning, in ms.
func clipped(r *record.Record, flow string) float64 {
	talker, _, _ := strings.Cut(flow, "/")
	for _, e := range r.Events {
		if e.Kind == record.FirstOfCall && e.Entity == flow {
			return math.Round(float64(e.At.Add(-e.Delay))/1e6 - 1e3*firstEvent(r, talker, record.OfferAccepted, record.OfferAgreed))
		}
	}
	return math.NaN()
}

// sends returns the octets that a stream sends.
func sends(r *record.Record, flow string) float64 {
	sum := 0.0
	for _, v := range r.Find(flow, record.SendRate).Values {
		sum += v
	}
	return sum
}

var forkedDevices = []string{"desktop", "tablet", "phone"}
