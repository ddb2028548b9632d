package parity_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/sim/simtime"
)

func ms(x int) simtime.Time { return simtime.At(time.Duration(x) * time.Millisecond) }

// packet is an RTP packet of the stream with SSRC 1.
func packet(seq uint16, payload ...byte) []byte {
	b := []byte{0x80, 96}
	b = binary.BigEndian.AppendUint16(b, seq)
	b = binary.BigEndian.AppendUint32(b, 3000*uint32(seq))
	b = append(b, 0, 0, 0, 1)
	return append(b, payload...)
}

// sum is the string of packets and the set that names them.
func sum(t *testing.T, packets ...[]byte) (*parity.String, []parity.Set) {
	t.Helper()
	g := parity.NewGroup(parity.MaxMask, 1)
	for _, p := range packets {
		if err := g.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	var s parity.String
	return &s, g.Sum(&s, nil, 0, 1)
}

func polled(d *parity.Decoder) (all [][]byte) {
	for {
		b, ok := d.Poll(nil)
		if !ok {
			return all
		}
		all = append(all, b)
	}
}

// RFC 5109 §7.3: the lengths 3 and 5 make 6, and RFC 8627 §6.2: shorter packets
// are padded with zeros.
func TestString(t *testing.T) {
	var s parity.String
	for _, p := range [][]byte{packet(1, 1, 2, 3), packet(2, 4, 5, 6, 7, 8)} {
		if err := s.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	if s.Length != 6 || s.Timestamp != 3000^6000 || s.First&0x3fff != 0 {
		t.Errorf("%+v", s)
	}
	if want := []byte{5, 7, 5, 7, 8}; !bytes.Equal(s.Payload, want) {
		t.Errorf("payload %v, want %v", s.Payload, want)
	}
	s.Reset()
	if err := s.Add(packet(3, 9)); err != nil || !bytes.Equal(s.Payload, []byte{9}) || s.Length != 1 {
		t.Errorf("%+v, %v after a reset", s, err)
	}
	s.Reset()
	if err := s.Add(packet(3, 9, 9)); err != nil || !bytes.Equal(s.Payload, []byte{9, 9}) {
		t.Errorf("%+v, %v: old octets are back", s, err)
	}
	for _, p := range [][]byte{nil, packet(1)[:11], append([]byte{0x40}, packet(1)[1:]...)} {
		if err := s.Add(p); !errors.Is(err, parity.ErrMalformed) {
			t.Errorf("%x: %v", p, err)
		}
	}
}

func TestMask(t *testing.T) {
	for _, bits := range [][]int{{}, {0}, {63}, {64}, {0, 14, 15, 45, 46, 63, 64, 109}} {
		var m parity.Mask
		for _, i := range bits {
			m.Set(i)
		}
		var got []int
		for i := range 130 {
			if m.Has(i) {
				got = append(got, i)
			}
		}
		span := 0
		if len(bits) > 0 {
			span = bits[len(bits)-1] + 1
		}
		if !slices.Equal(got, bits) && len(bits) > 0 || m.Len() != len(bits) || m.Span() != span {
			t.Errorf("%v: has %v, length %d, span %d", bits, got, m.Len(), m.Span())
		}
	}
}

// Packets may be added in any order; the base is the lowest number, over a
// wrap-around, too.
func TestGroup(t *testing.T) {
	_, sets := sum(t, packet(65535), packet(3), packet(65500), packet(73))
	if len(sets) != 1 || sets[0].Base != 65500 || sets[0].Len() != 4 {
		t.Fatalf("%+v", sets)
	}
	for _, i := range []int{0, 35, 39, 109} {
		if !sets[0].Has(i) {
			t.Errorf("not %d: %+v", i, sets[0])
		}
	}
	g := parity.NewGroup(16, 1)
	for seq, want := range map[uint16]error{100: nil} {
		if err := g.Add(packet(seq)); !errors.Is(err, want) {
			t.Error(err)
		}
	}
	for _, seq := range []uint16{116, 84} {
		if err := g.Add(packet(seq)); !errors.Is(err, parity.ErrSpan) {
			t.Errorf("%d: %v", seq, err)
		}
	}
	other := packet(100)
	other[11] = 2
	if err := g.Add(other); !errors.Is(err, parity.ErrStreams) || g.Len() != 1 {
		t.Errorf("%v, %d packets", err, g.Len())
	}
	if err := g.Add(packet(115)); err != nil || g.Len() != 2 {
		t.Errorf("%v, %d packets", err, g.Len())
	}
	if err := g.Add(nil); !errors.Is(err, parity.ErrMalformed) {
		t.Error(err)
	}
}

// What was lost comes back, whether the repair packet comes first, in the middle
// or last, and once.
func TestRecovery(t *testing.T) {
	a, b, c := packet(65535, 1, 2, 3), packet(0, 4), packet(1, 5, 6)
	s, sets := sum(t, a, b, c)
	for at := range 3 {
		d := parity.NewDecoder(parity.DefaultLimits())
		d.Expect(1)
		var got [][]byte
		for i, p := range [][]byte{a, c, nil} {
			if i == at {
				d.Repair(ms(0), 7, s, sets)
				got = append(got, polled(d)...)
			}
			if p != nil && !d.Source(ms(0), p) {
				t.Errorf("%x isn't new", p)
			}
			got = append(got, polled(d)...)
		}
		if len(got) != 1 || !bytes.Equal(got[0], b) {
			t.Errorf("repair packet at %d: %x", at, got)
		}
		if d.Source(ms(0), b) {
			t.Error("what was recovered is new")
		}
		if c := d.Counts(); c != (parity.Counts{Recovered: 1, Repairs: 1, Used: 1}) {
			t.Errorf("%+v", c)
		}
	}
}

// Two are missing, then one comes late; or none does and time runs out.
func TestWaiting(t *testing.T) {
	limits := parity.DefaultLimits()
	a, b, c := packet(10, 1), packet(11, 2), packet(12, 3)
	s, sets := sum(t, a, b, c)
	d := parity.NewDecoder(limits)
	d.Source(ms(0), a)
	if !d.Repair(ms(0), 7, s, sets) || d.Repair(ms(1), 7, s, sets) || d.Waiting() != 1 || polled(d) != nil {
		t.Errorf("%d wait", d.Waiting())
	}
	d.Source(ms(999), c)
	if got := polled(d); len(got) != 1 || !bytes.Equal(got[0], b) {
		t.Errorf("%x", got)
	}
	if c := d.Counts(); c.Repeated != 1 || c.Repairs != 2 || d.Waiting() != 0 {
		t.Errorf("%+v", c)
	}
	d = parity.NewDecoder(limits)
	d.Source(ms(0), a)
	d.Repair(ms(0), 7, s, sets)
	d.Source(ms(1000), c)
	if got := polled(d); got != nil || d.Counts().Expired != 1 || d.Waiting() != 0 {
		t.Errorf("%x after the window", got)
	}
}

// Everything that peers can fill has a bound, and what it refuses is counted.
func TestBounds(t *testing.T) {
	d := parity.NewDecoder(parity.Limits{Streams: 1, Packets: 10, Repairs: 2, Size: 20, Window: time.Second}) // 16 packets
	d.Source(ms(0), packet(100, 1))
	other := packet(100)
	other[11] = 2
	if !d.Source(ms(0), other) || d.Expect(2) || !d.Source(ms(0), other) {
		t.Error("a stream too many")
	}
	set := func(base uint16, step, count int) []parity.Set {
		return []parity.Set{{SSRC: 1, Base: base, Step: step, Count: count}}
	}
	s := &parity.String{Payload: make([]byte, 5)}
	for name, bad := range map[string][]parity.Set{
		"no set":         nil,
		"empty set":      {{SSRC: 1, Base: 100}},
		"unknown stream": {{SSRC: 2, Base: 100, Step: 1, Count: 1}},
		"stream twice":   append(set(100, 1, 2), set(100, 1, 2)...),
		"span":           set(100, 1, 17),
		"old":            set(84, 1, 2),
		"new":            set(117, 1, 2),
		"no step":        set(100, 0, 2),
	} {
		if d.Repair(ms(0), 1, s, bad) {
			t.Errorf("%s is fine", name)
		}
	}
	if d.Repair(ms(0), 1, &parity.String{Payload: make([]byte, 9)}, set(101, 1, 2)) {
		t.Error("a repair packet too large")
	}
	for i := range 3 {
		if !d.Repair(ms(0), uint64(i), s, set(101+uint16(2*i), 1, 2)) {
			t.Errorf("%d isn't taken", i)
		}
	}
	if c := d.Counts(); c.Refused != 9 || c.Superseded != 1 || d.Waiting() != 2 {
		t.Errorf("%+v, %d wait", c, d.Waiting())
	}
	d.Forget(1)
	if c := d.Counts(); c.Refused != 11 || d.Waiting() != 0 || !d.Expect(2) {
		t.Errorf("%+v, %d wait", c, d.Waiting())
	}
}

// What isn't the sum of what it says gives nothing back.
func TestBogus(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*parity.String)
		want  parity.Counts
	}{
		"octets behind":       {func(s *parity.String) { s.Length ^= 1 }, parity.Counts{Repairs: 1, Bogus: 1}},
		"protects too little": {func(s *parity.String) { s.Payload = s.Payload[:2] }, parity.Counts{Repairs: 1, Partial: 1}},
		"sources":             {func(s *parity.String) { s.First |= 0x0100 }, parity.Counts{Repairs: 1, Bogus: 1}},
		"extension":           {func(s *parity.String) { s.First |= 0x1000 }, parity.Counts{Repairs: 1, Bogus: 1}},
		"padding":             {func(s *parity.String) { s.First |= 0x2000 }, parity.Counts{Repairs: 1, Bogus: 1}},
	} {
		a, b := packet(1, 1, 2, 3), packet(2, 9, 9, 9)
		s, sets := sum(t, a, b)
		c.spoil(s)
		d := parity.NewDecoder(parity.DefaultLimits())
		d.Source(ms(0), a)
		d.Repair(ms(0), 1, s, sets)
		if got := polled(d); got != nil || d.Counts() != c.want {
			t.Errorf("%s: %x, %+v", name, got, d.Counts())
		}
	}
}

// A sender that begins anew far away is followed from its second packet on, and
// no sum mixes old numbers with new ones.
func TestRestart(t *testing.T) {
	d := parity.NewDecoder(parity.DefaultLimits())
	d.Source(ms(0), packet(30000, 1))
	s, sets := sum(t, packet(30000, 1), packet(30001, 2), packet(30002, 3))
	d.Repair(ms(0), 1, s, sets)
	for _, seq := range []uint16{10, 11} {
		if !d.Source(ms(1), packet(seq, byte(seq))) {
			t.Errorf("%d isn't new", seq)
		}
	}
	if d.Waiting() != 0 {
		t.Error("an old repair packet waits")
	}
	s, sets = sum(t, packet(11, 11), packet(12, 12))
	d.Repair(ms(2), 2, s, sets)
	if got := polled(d); len(got) != 1 || !bytes.Equal(got[0], packet(12, 12)) {
		t.Errorf("%x", got)
	}
	// A single straggler changes nothing.
	if !d.Source(ms(3), packet(30003, 4)) {
		t.Error("not new")
	}
	if d.Source(ms(3), packet(11, 11)) {
		t.Error("11 is new again")
	}
}

// In the steady state nothing is allocated: every tenth packet is lost and
// recovered.
func TestAllocations(t *testing.T) {
	d := parity.NewDecoder(parity.DefaultLimits())
	g := parity.NewGroup(parity.MaxMask, 1)
	var s parity.String
	var sets []parity.Set
	p := packet(0, make([]byte, 1100)...)
	out := make([]byte, 0, 1500)
	seq := uint16(0)
	block := func() {
		g.Clear()
		for i := range 10 {
			seq++
			binary.BigEndian.PutUint16(p[2:], seq)
			if err := g.Add(p); err != nil {
				t.Fatal(err)
			}
			if i != 4 {
				d.Source(ms(0), p)
			}
		}
		sets = g.Sum(&s, sets[:0], 0, 1)
		d.Repair(ms(0), uint64(seq), &s, sets)
		if _, ok := d.Poll(out); !ok {
			t.Fatal("nothing came back")
		}
	}
	for range 60 { // one turn of the ring
		block()
	}
	if n := testing.AllocsPerRun(100, block); n != 0 {
		t.Errorf("%v allocations a block", n)
	}
}
