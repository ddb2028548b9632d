package endpoints

import (
	"testing"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// What this end's own streams send is news to each of its others once, and to a new one from
// then on (RFC 8108 §5.1).
func TestOwnPacketsAreNewsOnce(t *testing.T) {
	s := &Session{}
	m := &Section{session: s}
	add := func() *Stream {
		st := &Stream{section: m, index: len(s.streams)}
		st.enrol(s)
		return st
	}
	a, b := add(), add()
	send := func() {
		a.packets++
		a.left(uint16(a.packets))
	}
	want := func(when string, by *Stream, news bool) {
		t.Helper()
		if got := a.unreported(by); got != news {
			t.Errorf("%s: news %v", when, got)
		}
	}
	want("before anything left", b, false)
	send()
	send()
	want("of two packets", b, true)
	b.reported[a.index] = a.packets
	want("once reported", b, false)
	c := add()
	want("to a new stream", c, false)
	send()
	want("of a packet since", c, true)
	want("of a packet since", b, true)
}

// The highest number that left counts, though a middlebox passes on what comes late.
func TestHighestNumberCounts(t *testing.T) {
	st := &Stream{section: &Section{session: &Session{}}}
	for i, c := range []struct {
		seq  uint16
		want uint32
	}{{65533, 65533}, {65535, 65535}, {65534, 65535}, {1, 65537}, {0, 65537}, {2, 65538}} {
		st.packets++
		if st.left(c.seq); st.extSeq != c.want || st.firstSeq != 65533 {
			t.Errorf("packet %d: highest number %d, want %d; the first is %d", i, st.extSeq, c.want, st.firstSeq)
		}
	}
}

// Packets are polled by the order of sessions, also those that something else brings about
// before all are gone.
func TestPollingMissesNothing(t *testing.T) {
	var pool packet.Pool
	e := New(Config{Name: "A", Pool: &pool, Random: rng.New(1)})
	for range 3 {
		e.sessions = append(e.sessions, &Session{endpoint: e})
	}
	push := func(session int) {
		p := pool.New()
		p.Hop = int32(session)
		e.sessions[session].out.Push(p)
	}
	poll := func(want int32) {
		t.Helper()
		got := int32(-1)
		if p := e.PollPacket(simtime.Time(0)); p != nil {
			got = p.Hop
		}
		if got != want {
			t.Fatalf("a packet of session %d, want %d", got, want)
		}
	}
	for _, session := range []int{2, 1, 1, 0} {
		push(session)
	}
	poll(0)
	poll(1)
	poll(1)
	poll(2)
	push(0)
	poll(0)
	poll(-1)
	push(1)
	poll(1)
	poll(-1)
}
