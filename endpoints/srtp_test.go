package endpoints_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/rng"
)

var rngSource = rng.New(42)

// Attacks on a connection: each counts as what it is, and changes nothing else:
// the rest of the call is the same, packet by packet, as without them.
//
// conformance: PRF-4.2-6, PRF-4.2-3
func TestForgedPacketsAreCountedAndDropped(t *testing.T) {
	s := setup{streams: []stream{videoFromA, audioFromA}, protection: protect.Full, feedback: endpoints.FeedbackRFC8888}
	// An outsider with keys of its own.
	other := s
	other.seed = 99
	stranger := newCall(t, other)
	stranger.run(time.Second)

	run := func(attack bool) *call {
		c := newCall(t, s)
		c.run(2 * time.Second)
		if attack {
			attackAll(t, c, stranger)
		}
		c.run(2 * time.Second)
		return c
	}
	clean, attacked := run(false), run(true)
	if !slices.EqualFunc(clean.log, attacked.log, func(x, y tapped) bool {
		return x.at == y.at && x.from == y.from && slices.Equal(x.payload, y.payload)
	}) {
		t.Error("the attacks changed what was sent after them")
	}
	if len(clean.events[1]) != len(attacked.events[1]) {
		t.Errorf("%d events at B, %d without attacks", len(attacked.events[1]), len(clean.events[1]))
	}
}

func attackAll(t *testing.T, c, stranger *call) {
	t.Helper()
	// The last packets of both kinds that have arrived.
	pick := func(c *call, isRTCP bool) []byte {
		for i := len(c.log) - 1; i >= 0; i-- {
			if p := &c.log[i]; p.from == 0 && p.isRTCP() == isRTCP && c.now.Sub(p.at) > 30*time.Millisecond {
				return slices.Clone(p.payload)
			}
		}
		t.Fatal("no packet")
		return nil
	}
	for _, isRTCP := range []bool{false, true} {
		real := pick(c, isRTCP)
		header, payload, tag := slices.Clone(real), slices.Clone(real), slices.Clone(real)
		// A later sequence number or index, or else they would be replays: the
		// window is looked at first (RFC 3711 §3.3).
		for i, b := range [][]byte{header, payload, tag} {
			at := 2
			if isRTCP {
				at = len(b) - 12
			}
			binary.BigEndian.PutUint16(b[at:], binary.BigEndian.Uint16(b[at:])+uint16(1000*(i+1)))
		}
		payload[20] ^= 1
		tag[len(tag)-1] ^= 1
		plain := slices.Clone(header)
		plain[3]++
		if isRTCP {
			plain = []byte{0x80, 201, 0, 1, 0, 0, 0, 9}
		}
		for _, a := range []struct {
			name    string
			payload []byte
			want    func(*endpoints.Counts)
		}{
			{"header", header, func(n *endpoints.Counts) { n.AuthFailed++ }},
			{"payload", payload, func(n *endpoints.Counts) { n.AuthFailed++ }},
			{"tag", tag, func(n *endpoints.Counts) { n.AuthFailed++ }},
			{"replay", real, func(n *endpoints.Counts) { n.Replayed++ }},
			{"second replay", real, func(n *endpoints.Counts) { n.Replayed++ }},
			{"wrong key", pick(stranger, isRTCP), func(n *endpoints.Counts) { n.AuthFailed++ }},
			{"no protection", plain, func(n *endpoints.Counts) { n.AuthFailed++ }},
			{"reflected to its sender", real, nil},
		} {
			to, want := 1, c.sessions[1].Counts()
			if a.want == nil {
				to, want = 0, c.sessions[0].Counts()
				want.AuthFailed++
			} else {
				a.want(&want)
			}
			members, rtt := c.sessions[to].Members(), c.sessions[to].RTT()
			at, why := c.ends[to].NextTimeout()
			events, out := len(c.events[to]), c.pool.Outstanding()
			c.inject(to, a.payload)
			if got := c.sessions[to].Counts(); got != want {
				t.Errorf("RTCP %v, %s: counts %+v, want %+v", isRTCP, a.name, got, want)
			}
			if at2, why2 := c.ends[to].NextTimeout(); c.sessions[to].Members() != members || c.sessions[to].RTT() != rtt ||
				at2 != at || why2 != why || len(c.events[to]) != events || c.pool.Outstanding() != out {
				t.Errorf("RTCP %v, %s: more than a counter has changed", isRTCP, a.name)
			}
		}
	}
}

// lateKeys is a keying step that takes a while.
type lateKeys struct {
	*keying.Preshared
	ready bool
}

func (k *lateKeys) Keys(keyLen, saltLen int) (keying.Keys, bool) {
	if !k.ready {
		return keying.Keys{}, false
	}
	return k.Preshared.Keys(keyLen, saltLen)
}

// RFC 8827 §6.5: nothing is sent before there are keys; what comes is counted.
//
// conformance: PRF-4.2-3
func TestNothingBeforeKeys(t *testing.T) {
	k := &lateKeys{Preshared: keying.NewPreshared(rngSource, "A", "B")}
	c := &call{t: t}
	s := setup{streams: []stream{audioFromA}, protection: protect.Full}
	e := endpoints.New(endpoints.Config{Name: "A", Addr: addrs[0].IP, Pool: &c.pool, Random: rngSource})
	conf := s.config(c, rngSource, 0, "A", "B")
	conf.Sessions[0].Keying = k
	conn, err := e.Connect(0, conf)
	if err != nil {
		t.Fatal(err)
	}
	for ; c.now.Seconds() < 1; c.now = c.now.Add(10 * time.Millisecond) {
		e.HandleTimeout(c.now)
		if p := e.PollPacket(c.now); p != nil {
			t.Fatalf("a packet at %v: %x", c.now, p.Payload)
		}
	}
	p := c.pool.New()
	copy(p.SetPayload(112), audioPacket(t, 9, 1, 1, audioFromA.pt, false))
	p.Src, p.Dst = addrs[1], addrs[0]
	e.HandlePacket(c.now, p)
	if n := conn.Sessions()[0].Counts(); n.Early != 1 || n.RTPReceived != 0 {
		t.Errorf("%+v, want one early packet", n)
	}
}

// Sizes, and thus times, are those of real protection.
//
// conformance: PRF-4.2-4
func TestSizeOnlyIsTransparent(t *testing.T) {
	run := func(m protect.Mode) *call {
		c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}, protection: m, feedback: endpoints.FeedbackRFC8888})
		c.run(5 * time.Second)
		return c
	}
	full, sizes, none := run(protect.Full), run(protect.SizeOnly), run(protect.None)
	if !slices.EqualFunc(full.log, sizes.log, func(x, y tapped) bool { return x.at == y.at && x.size == y.size && x.from == y.from }) {
		t.Error("packets of size-only protection differ in time or size from those of full protection")
	}
	// avg_rtcp_size counts the tag: a report takes 14 octets more.
	a, b := full.log[slices.IndexFunc(full.log, func(p tapped) bool { return p.isRTCP() })], none.log[slices.IndexFunc(none.log, func(p tapped) bool { return p.isRTCP() })]
	if a.size != b.size+14 {
		t.Errorf("first RTCP packet %v with protection, %v without; want 14 B more", a.size, b.size)
	}
}
