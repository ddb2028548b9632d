package runner_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// order notes what arrives first of each kind, and looks at every message of STUN.
type order struct {
	fabric.Observer
	first   map[string]simtime.Time
	strange []string
}

func newOrder() *order {
	return &order{Observer: fabric.Nobody, first: map[string]simtime.Time{}}
}

func (o *order) PacketDelivered(now simtime.Time, p *packet.Packet) { o.note(now, "in ", p) }

func (o *order) PacketSent(now simtime.Time, p *packet.Packet) { o.note(now, "out ", p) }

func (o *order) note(now simtime.Time, way string, p *packet.Packet) {
	if p.Protocol != packet.UDP || len(p.Payload) == 0 {
		return
	}
	kind := ""
	switch b := p.Payload[0]; {
	case b < 4:
		m := stun.Message{Raw: bytes.Clone(p.Payload)}
		if m.Decode() != nil || stun.Fingerprint.Check(&m) != nil {
			o.strange = append(o.strange, fmt.Sprintf("%v: % x", now, p.Payload))
		}
		if kind = "check"; m.Contains(stun.AttrUseCandidate) {
			kind = "nomination"
		}
	case b >= 20 && b < 64:
		kind = "handshake"
	case b >= 128:
		kind = "media"
	}
	if _, seen := o.first[way+kind]; !seen {
		o.first[way+kind] = now
	}
}

// Addresses and ports are in the descriptions, and nothing but checks goes to them before a pair is nominated.
//
// conformance: SIG-10-3
func TestMediaOverNominatedPair(t *testing.T) {
	for _, by := range []string{"server", "gateway"} {
		for _, polls := range []string{"{}", "{A: {poll: 3s, phase: 1ms}}"} {
			o := newOrder()
			r := runWatched(t, signalledCall+"security: {ice: full}\nsignalling: {at: M, by: "+by+", peers: "+polls+", offers: [{by: A, at: 1s}]}\n", o)
			f := o.first
			inOrder := f["out check"] < f["in nomination"] && f["in nomination"] <= f["out handshake"] && f["in handshake"] < f["out media"]
			if !inOrder || len(o.strange) > 0 {
				t.Errorf("%s, %s: %v, strange: %v", by, polls, f, o.strange)
			}
			for _, m := range r.Messages {
				if !strings.Contains(m.Text, "m=audio") {
					continue
				}
				for _, line := range []string{"a=ice-ufrag:", "a=ice-pwd:", "a=candidate:1 1 udp 2130706431 10.0.0.", "a=rtcp-mux", "a=group:BUNDLE", "c=IN IP4 10.0.0."} {
					if !strings.Contains(m.Text, line) {
						t.Errorf("%s doesn't say %s: %s", m.Title, line, m.Text)
					}
				}
			}
			if keys := firstEvent(r, "B", "keys-agreed"); math.IsNaN(keys) {
				t.Errorf("%s, %s: no keys: %v", by, polls, r.Events)
			}
		}
	}
}

// A way that lets nothing through ends in a failure with its reason, and without media.
func TestICEWithoutAWay(t *testing.T) {
	text := strings.Replace(signalledCall, "duration: 40s", "duration: 100s", 1)
	text = strings.Replace(text, "b: {between: [M, B], rate: 100Mbps, delay: 25ms}", "b: {between: [M, B], rate: 100Mbps, delay: 25ms, backward: {impairments: [{type: outage, during: [0s..99s]}]}}", 1)
	o := newOrder()
	r := runWatched(t, text+"security: {ice: full}\n", o)
	if _, handshake := o.first["out handshake"]; handshake {
		t.Errorf("a handshake at %v without a way", o.first["out handshake"])
	}
	for end, most := range map[string]float64{"A": 40, "B": 80} { // B hears of A's checks until 31.5 s, and tries again each time
		if at := firstEvent(r, end, "keying-failed"); at < 39 || at > most || math.IsNaN(at) {
			t.Errorf("%s fails at %v s: %v", end, at, r.Events)
		}
	}
}

// With full ICE at our end pion's stack and ours check each other, through NATs as well.
func TestFullICEBesidePion(t *testing.T) {
	long(t)
	for name, network := range map[string]string{
		"between hosts": "{links: {l: {between: [A, B], rate: 5Mbps, delay: 20ms}}}",
		"behind a NAT":  "{links: {l: {between: [A, N], rate: 5Mbps, delay: 20ms}, m: {between: [N, B], rate: 5Mbps, delay: 5ms}}, nodes: {N: {nat: {inside: [A]}}}}",
		"at 5 % loss":   "{links: {l: {between: [A, B], rate: 5Mbps, delay: 20ms, loss: 5%}}}",
	} {
		for _, guest := range []string{"A", "B"} {
			t.Run(name+", pion is "+guest, func(t *testing.T) {
				ends := strings.Replace("{A: {at: A}, B: {at: B}}", guest+": {at: "+guest, guest+": {at: "+guest+", stack: pion", 1)
				o := newOrder()
				r := runWatched(t, fmt.Sprintf(`
title: Full ICE beside pion
duration: 12s
network: %s
endpoints: %s
topology: {peers: [A, B]}
media: [{from: A, kind: audio}, {from: B, kind: audio}]
congestion: {controller: fixed}
security: {ice: full}
`, network, ends), o)
				for _, end := range []string{"A", "B"} {
					if rate := r.Find(end+"/audio", record.ReceiveRate).Values; !(rate[len(rate)-20] > 10_000) {
						t.Errorf("of %s %v bit/s come", end, rate[len(rate)-20])
					}
				}
				if _, nominated := o.first["in nomination"]; !nominated || len(o.strange) > 0 {
					t.Errorf("%v, strange: %v", o.first, o.strange)
				}
			})
		}
	}
}

// Without consent nothing is sent any more, not even a farewell (RFC 7675 §5.1); and with none before there were keys, somebody
// says so.
func TestConsentIsLost(t *testing.T) {
	cut := func(from string) string {
		return strings.ReplaceAll(strings.Replace(signalledCall, "duration: 40s", "duration: 100s", 1), "delay: 25ms}", "delay: 25ms, impairments: [{type: outage, during: ["+from+"..99s]}]}") +
			"security: {ice: full}\n"
	}
	last := &lastSent{Observer: fabric.Nobody}
	r := runWatched(t, cut("10s"), last)
	for i, end := range []string{"A", "B"} {
		closed := firstEvent(r, end, "peer-closed")
		if !(closed > 34 && closed < 41) || last.at[i].Seconds() >= closed {
			t.Errorf("%s has no consent at %.3f s, and sends until %v", end, closed, last.at[i])
		}
	}
	for _, from := range []string{"150ms", "180ms", "210ms", "240ms", "270ms"} {
		r := runWatched(t, cut(from), nil)
		for _, end := range []string{"A", "B"} {
			if math.IsNaN(firstEvent(r, end, "keying-failed", "peer-closed")) {
				t.Errorf("cut at %s: %s says nothing: %v", from, end, r.Events)
			}
		}
	}
}

// lastSent notes when each of two ends has sent something last.
type lastSent struct {
	fabric.Observer
	at [2]simtime.Time
}

func (l *lastSent) PacketSent(now simtime.Time, p *packet.Packet) {
	if i := int(p.Src.IP & 0xff); p.Protocol == packet.UDP {
		l.at[i-1] = now
	}
}

// Checks that came to nothing, as an answer was late, are begun anew with the next agreement.
func TestChecksBeginAnew(t *testing.T) {
	r := signalled(t, strings.Replace(signalledCall, "duration: 40s", "duration: 200s", 1)+
		"security: {ice: full}\nsignalling: {at: M, peers: {A: {poll: 60s, phase: 1ms}}, offers: [{by: A, at: 1s}, {by: A, at: 115s}]}\n")
	for _, end := range []string{"A", "B"} {
		if keys := firstEvent(r, end, "keys-agreed"); !(keys > 115 && keys < 130) {
			t.Errorf("%s has keys at %.3f s: %v", end, keys, r.Events)
		}
	}
}
