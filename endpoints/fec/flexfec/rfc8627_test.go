package flexfec_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/fec/flexfec"
	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/sim/simtime"
)

const (
	media, media2 = 0x11121314, 0x15161718
	repair        = 0x21222324
)

func ms(x int) simtime.Time { return simtime.At(time.Duration(x) * time.Millisecond) }

func octets(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func stream() *flexfec.Stream { return flexfec.NewStream(repair, 127, 7) }

// repairs polls all repair packets, sent at the same time.
func repairs(poll func([]byte, uint32, []byte) ([]byte, bool)) (all [][]byte) {
	for {
		b, ok := poll(nil, 99, nil)
		if !ok {
			return all
		}
		all = append(all, b)
	}
}

func recovered(r *flexfec.Receiver) (all [][]byte) {
	for {
		b, ok := r.Poll(nil)
		if !ok {
			return all
		}
		all = append(all, b)
	}
}

func receiver() *flexfec.Receiver {
	r := flexfec.NewReceiver(parity.DefaultLimits())
	r.Expect(media)
	r.Expect(media2)
	return r
}

// give has a receiver get source packets and one repair packet.
func give(t *testing.T, repair []byte, sources ...[]byte) *flexfec.Receiver {
	t.Helper()
	r := receiver()
	for _, p := range sources {
		r.Source(ms(0), p)
	}
	if err := r.Repair(ms(0), repair); err != nil {
		t.Errorf("%x: %v", repair, err)
	}
	return r
}

func wantRecovered(t *testing.T, r *flexfec.Receiver, want ...[]byte) {
	t.Helper()
	got := recovered(r)
	if len(got) != len(want) {
		t.Fatalf("%x came back, want %x", got, want)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("%x came back, want %x", got[i], want[i])
		}
	}
}

// Two source packets of different length, flags and timestamps, and their sum,
// added up by hand.
const (
	first  = "8060 0001 01020304 11121314 aabbcc"
	second = "90e0 0002 01020305 11121314 bede0000 dd"
	both   = "0006 00000001 "              // 3 xor 5, timestamps
	rest   = "1465cc00dd"                  // payloads
	header = "817f 0007 00000063 21222324" // of the repair packet
)

// §4.2.1, §4.2.2.1, §6.2: the repair packet of two source packets. It has an SSRC
// and numbers of its own, names what it protects among its contributing sources,
// and never has the marker.
//
// conformance: ROB-6.2-2
func TestFlexibleMask(t *testing.T) {
	m := flexfec.NewMaskSender(stream(), 1)
	for _, p := range []string{first, second} {
		if err := m.Add(octets(t, p)); err != nil {
			t.Fatal(err)
		}
	}
	m.Protect(1)
	got := repairs(m.Poll)
	want := octets(t, header+"11121314 1080"+both+"0001 6000"+rest)
	if len(got) != 1 || !bytes.Equal(got[0], want) {
		t.Fatalf("the repair packet is\n%x, want\n%x", got, want)
	}
	if n := len(want) - len(octets(t, second)); n != flexfec.Overhead(1, 15) {
		t.Errorf("%d octets more, said to be %d", n, flexfec.Overhead(1, 15))
	}
	wantRecovered(t, give(t, want, octets(t, first)), octets(t, second))
	wantRecovered(t, give(t, want, octets(t, second)), octets(t, first))
	wantRecovered(t, give(t, want, octets(t, first), octets(t, second)))
	wantRecovered(t, give(t, want))
}

// §4.2.2.1: masks of 15, 46 and 110 bits; k=1 says that another one follows; the
// most significant bit is that of SN base.
func TestMaskSizes(t *testing.T) {
	for _, c := range []struct {
		seqs []string // of packets without payload, so that the mask stands last
		mask string
	}{
		{[]string{"fffe", "000c"}, "fffe 4001"},
		{[]string{"fffe", "000d"}, "fffe c000 40000000"},
		{[]string{"fffe", "000c", "000d", "002b"}, "fffe c001 40000001"},
		{[]string{"fffe", "002c"}, "fffe c000 80000000 8000000000000000"},
		{[]string{"fffe", "002b", "002c", "003d", "003e", "006b"}, "fffe c000 80000001 8000600000000001"},
	} {
		m := flexfec.NewMaskSender(stream(), 1)
		for _, seq := range c.seqs { // an even number: their first 16 bits cancel out
			if err := m.Add(octets(t, "8060"+seq+"00000000 11121314")); err != nil {
				t.Fatal(err)
			}
		}
		m.Protect(1)
		want := octets(t, header+"11121314 0000 0000 00000000"+c.mask)
		got := repairs(m.Poll)
		if len(got) != 1 || !bytes.Equal(got[0], want) {
			t.Fatalf("%v: the repair packet is\n%x, want\n%x", c.seqs, got, want)
		}
		for lost := range c.seqs {
			var rest [][]byte
			for i, seq := range c.seqs {
				if i != lost {
					rest = append(rest, octets(t, "8060"+seq+"00000000 11121314"))
				}
			}
			wantRecovered(t, give(t, want, rest...), octets(t, "8060"+c.seqs[lost]+"00000000 11121314"))
		}
	}
	m := flexfec.NewMaskSender(stream(), 1)
	if err := m.Add(octets(t, "8060fffe00000000 11121314")); err != nil {
		t.Fatal(err)
	}
	if err := m.Add(octets(t, "8060006c00000000 11121314")); !errors.Is(err, parity.ErrSpan) {
		t.Errorf("110 numbers away: %v", err)
	}
}

// §4.2.2.1: a repair packet protects several streams, with SN base and mask for
// each contributing source.
func TestSeveralStreams(t *testing.T) {
	const other = "8061 ffff 01020304 15161718 0102030405"
	m := flexfec.NewMaskSender(stream(), 2)
	for _, p := range []string{first, other, second} {
		if err := m.Add(octets(t, p)); err != nil {
			t.Fatal(err)
		}
	}
	m.Protect(1)
	want := octets(t, `827f 0007 00000063 21222324 11121314 15161718
		10e1 0003 01020305 0001 6000 ffff 4000 1567cf04d8`)
	got := repairs(m.Poll)
	if len(got) != 1 || !bytes.Equal(got[0], want) {
		t.Fatalf("the repair packet is\n%x, want\n%x", got, want)
	}
	if n := len(want) - len(octets(t, second)); n != flexfec.Overhead(2, 15) {
		t.Errorf("%d octets more, said to be %d", n, flexfec.Overhead(2, 15))
	}
	wantRecovered(t, give(t, want, octets(t, first), octets(t, second)), octets(t, other))
	wantRecovered(t, give(t, want, octets(t, first), octets(t, other)), octets(t, second))
}

// §4.2.2.2, Figure 14: rows of 1-D (D=0), rows and columns of 2-D (D=1 and D>1),
// columns of 1-D.
func TestFixedBlock(t *testing.T) {
	block := []string{"8060 ffff 00000000 11121314 01", "8060 0000 00000000 11121314 02", "8060 0001 00000000 11121314 04", "8060 0002 00000000 11121314 08"}
	common := " 11121314 4000 0000 00000000 "
	for _, c := range []struct {
		shape flexfec.Shape
		want  []string
	}{
		{flexfec.Shape{Kind: flexfec.Rows, L: 2}, []string{"ffff 0200 03", "0001 0200 0c"}},
		{flexfec.Shape{Kind: flexfec.Columns, L: 2, D: 2}, []string{"ffff 0202 05", "0000 0202 0a"}},
		{flexfec.Shape{Kind: flexfec.Both, L: 2, D: 2}, []string{"ffff 0201 03", "0001 0201 0c", "ffff 0202 05", "0000 0202 0a"}},
		{flexfec.Shape{Kind: flexfec.Columns, L: 1, D: 4}, []string{"ffff 0104 0f"}},
	} {
		b, err := flexfec.NewBlockSender(stream(), c.shape)
		if err != nil {
			t.Fatal(err)
		}
		var got [][]byte
		for _, p := range block {
			if err := b.Add(octets(t, p)); err != nil {
				t.Fatal(err)
			}
			got = append(got, repairs(b.Poll)...)
		}
		if len(got) != len(c.want) {
			t.Errorf("%+v: %x", c.shape, got)
			continue
		}
		for i, w := range c.want {
			want := octets(t, header+common+w)
			want[3] += byte(i)
			if !bytes.Equal(got[i], want) {
				t.Errorf("%+v: repair packet %d is\n%x, want\n%x", c.shape, i, got[i], want)
			}
		}
	}
	for _, bad := range []flexfec.Shape{{}, {Kind: flexfec.Rows, L: 256}, {Kind: flexfec.Columns, L: 5, D: 1}, {Kind: flexfec.Both, L: 5, D: 256}, {Kind: 3, L: 1}} {
		if _, err := flexfec.NewBlockSender(stream(), bad); !errors.Is(err, flexfec.ErrShape) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// §4.2.2.2: a block has consecutive numbers of one stream. A gap, or another SSRC,
// begins a new one; the unfinished one has no repair packet.
func TestBlockBeginsAnew(t *testing.T) {
	b, err := flexfec.NewBlockSender(stream(), flexfec.Shape{Kind: flexfec.Rows, L: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct{ packet, want string }{
		{"8060 0001 00000000 11121314 01", ""},
		{"8060 0003 00000000 11121314 02", ""},
		{"8060 0004 00000000 11121314 04", "11121314 4000 0000 00000000 0003 0200 06"},
		{"8060 0005 00000000 11121314 08", ""},
		{"8060 0006 00000000 15161718 10", ""},
		{"8060 0007 00000000 15161718 20", "15161718 4000 0000 00000000 0006 0200 30"},
	} {
		if err := b.Add(octets(t, c.packet)); err != nil {
			t.Fatal(err)
		}
		got := repairs(b.Poll)
		if (c.want == "") != (len(got) == 0) || len(got) == 1 && !bytes.Equal(got[0][12:], octets(t, c.want)) {
			t.Errorf("packet %d: %x, want %s", i, got, c.want)
		}
	}
}

// §1.1.6: the overheads are 1/L, 1/D, and their sum.
func TestOverheadOfShapes(t *testing.T) {
	for kind, want := range map[flexfec.Kind]float64{flexfec.Rows: 0.1, flexfec.Columns: 0.25, flexfec.Both: 0.35} {
		s := flexfec.Shape{Kind: kind, L: 10, D: 4}
		b, err := flexfec.NewBlockSender(stream(), s)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for seq := range uint16(400) {
			if err := b.Add([]byte{0x80, 96, byte(seq >> 8), byte(seq), 0, 0, 0, 0, 0, 0, 0, 1}); err != nil {
				t.Fatal(err)
			}
			n += len(repairs(b.Poll))
		}
		if got := float64(s.Overhead()); got < want-1e-9 || got > want+1e-9 || n != int(400*want+0.5) {
			t.Errorf("%v: overhead %v, %d repair packets, want %v", kind, got, n, want)
		}
	}
}

// §4.2.2.3: a retransmission is the source packet behind a new RTP header.
func TestRetransmission(t *testing.T) {
	s := stream()
	got, err := s.AppendRetransmission([]byte{0xee}, octets(t, second), 99, nil)
	want := octets(t, "ee 807f 0007 00000063 21222324"+second)
	if err != nil || !bytes.Equal(got, want) || s.Next() != 8 {
		t.Errorf("%x, %v, want %x", got, err, want)
	}
	r := receiver()
	for i := range 2 {
		if err := r.Repair(ms(0), want[1:]); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			wantRecovered(t, r, octets(t, second))
		} else {
			wantRecovered(t, r) // it has it
		}
	}
	if c := r.Counts(); c.Retransmissions != 2 || c.Needed != 1 {
		t.Errorf("%+v", c)
	}
	if _, err := s.AppendRetransmission(nil, nil, 0, nil); !errors.Is(err, parity.ErrMalformed) || s.Next() != 8 {
		t.Errorf("%v", err)
	}
	// It can be the one that a sum lacked.
	const third = "8060 0003 00000000 11121314 01"
	m := flexfec.NewMaskSender(stream(), 1)
	for _, p := range []string{first, second, third} {
		_ = m.Add(octets(t, p))
	}
	m.Protect(1)
	r = give(t, repairs(m.Poll)[0], octets(t, third))
	if err := r.Repair(ms(0), want[1:]); err != nil {
		t.Fatal(err)
	}
	wantRecovered(t, r, octets(t, second), octets(t, first))
}

// §4.2.1: repair packets may have a header extension and padding of their own, and
// the marker is ignored.
func TestOwnExtensionAndPadding(t *testing.T) {
	m := flexfec.NewMaskSender(stream(), 1)
	_, _ = m.Add(octets(t, first)), m.Add(octets(t, second))
	m.Protect(1)
	got, _ := m.Poll(nil, 99, octets(t, "bede0001 10ff0000"))
	want := octets(t, "917f 0007 00000063 21222324 11121314 bede0001 10ff0000 1080"+both+"0001 6000"+rest)
	if !bytes.Equal(got, want) {
		t.Fatalf("%x, want %x", got, want)
	}
	padded := append(bytes.Clone(want), 0, 0, 3)
	padded[0] |= 0x20
	padded[1] |= 0x80
	wantRecovered(t, give(t, padded, octets(t, second)), octets(t, first))
}

// §6.3.2, §6.3.3: everything that a source packet may have comes back: padding,
// contributing sources, header extension, marker.
func TestHeaderRecovery(t *testing.T) {
	packets := []string{
		"b2e0 0001 01020304 11121314 000000c1 000000c2 bede0001 10ff0000 aabb 000003",
		"8061 0002 fffefdfc 11121314",
		"a07f 0003 00000000 11121314 02 02",
		"8fff 0004 80000000 11121314" + strings.Repeat("000000c1", 15) + "ff",
	}
	m := flexfec.NewMaskSender(stream(), 1)
	for _, p := range packets {
		if err := m.Add(octets(t, p)); err != nil {
			t.Fatal(err)
		}
	}
	m.Protect(1)
	fec := repairs(m.Poll)[0]
	for lost, want := range packets {
		var others [][]byte
		for i, p := range packets {
			if i != lost {
				others = append(others, octets(t, p))
			}
		}
		wantRecovered(t, give(t, fec, others...), octets(t, want))
	}
}

// Figures 7, 8 and 16 to 18: which losses of a block of 4 columns and 3 rows, each
// with its repair packet, the iteration recovers.
func TestFigures(t *testing.T) {
	for _, c := range []struct {
		name     string
		lost     []int // source packets, from 1
		lostRows int   // a bit each
		back     int   // how many come back
	}{
		{"Figure 7", []int{2, 3, 10, 11}, 0, 0},
		{"Figure 8", []int{3, 11}, 0b101, 0},
		{"Figure 16", []int{1, 2, 10, 11}, 0, 4},
	} {
		b, err := flexfec.NewBlockSender(stream(), flexfec.Shape{Kind: flexfec.Both, L: 4, D: 3})
		if err != nil {
			t.Fatal(err)
		}
		lost := map[int][]byte{}
		r := receiver()
		got, rows := 0, 0
		for i := 1; i <= 12; i++ {
			p := octets(t, "8060 0000 00000000 11121314 00")
			p[3], p[12] = byte(i), byte(i)
			for _, l := range c.lost {
				if l == i {
					lost[i] = p
				}
			}
			if lost[i] == nil {
				r.Source(ms(0), p)
			}
			if err := b.Add(p); err != nil {
				t.Fatal(err)
			}
			for n, fec := range repairs(b.Poll) {
				if n == 0 && i%4 == 0 {
					if rows++; c.lostRows>>(rows-1)&1 != 0 {
						continue
					}
				}
				if err := r.Repair(ms(0), fec); err != nil {
					t.Error(err)
				}
				for _, p := range recovered(r) {
					got++
					if !bytes.Equal(p, lost[int(p[3])]) {
						t.Errorf("%s: %x", c.name, p)
					}
				}
			}
		}
		if got != c.back {
			t.Errorf("%s: %d came back, want %d", c.name, got, c.back)
		}
	}
}

// Figure 11, Figure 14, §4.2.1: what is reserved is ignored, what is cut short
// isn't read.
func TestRefused(t *testing.T) {
	r := receiver()
	r.Source(ms(0), octets(t, first))
	for _, c := range []struct {
		form string
		want error
	}{
		{header + "11121314 d080" + both + "0001 6000" + rest, flexfec.ErrReserved},                     // R=F=1
		{header + "11121314 5080" + both + "0001 0000" + rest, flexfec.ErrReserved},                     // L=D=0
		{header + "11121314 5080" + both + "0001 0002" + rest, flexfec.ErrReserved},                     // L=0
		{header + "11121314 1080" + both + "0001 0000" + rest, flexfec.ErrMalformed},                    // nothing in the mask
		{"807f 0007 00000063 21222324 1080" + both + "0001 6000" + rest, flexfec.ErrMalformed},          // no stream
		{"827f 0007 00000063 21222324 11121314", flexfec.ErrMalformed},                                  // no room for two
		{header + "11121314 1080 0006 000000", flexfec.ErrMalformed},                                    // cut short
		{header + "11121314 1080" + both + "0001 60", flexfec.ErrMalformed},                             // in the first mask
		{header + "11121314 1080" + both + "0001 e000 000000", flexfec.ErrMalformed},                    // in the second
		{header + "11121314 1080" + both + "0001 e000 80000000 00000000", flexfec.ErrMalformed},         // in the third
		{header + "11121314 5080" + both + "0001 02", flexfec.ErrMalformed},                             // in L and D
		{"817f 0007 00000063 21222324 99999999 1080" + both + "0001 6000" + rest, flexfec.ErrUnusable},  // unknown stream
		{header + "11121314 5080" + both + "0001 ffff" + rest, flexfec.ErrUnusable},                     // beyond what is remembered
		{"807f 0007 00000063 21222324 8160 0001 01020304 11121314 0000", flexfec.ErrMalformed},          // a retransmission
		{"a17f 0007 00000063 21222324 11121314 1080" + both + "0001 6000 ff", flexfec.ErrMalformed},     // padding
		{"917f 0007 00000063 21222324 11121314 bede0009 1080" + both + "0001 60", flexfec.ErrMalformed}, // extension
		{"417f", flexfec.ErrMalformed},
		{"", flexfec.ErrMalformed},
	} {
		if err := r.Repair(ms(0), octets(t, c.form)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.form, err, c.want)
		}
		wantRecovered(t, r)
	}
	if c := r.Counts(); c.Malformed != 13 || c.Reserved != 3 || c.Refused != 2 || c.Recovered != 0 {
		t.Errorf("%+v", c)
	}
}
