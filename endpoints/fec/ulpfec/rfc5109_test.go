package ulpfec_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/endpoints/fec/red"
	"rtpfabric/endpoints/fec/ulpfec"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// The payload types of §10.3.
const redPT, fecPT = 100, 127

// start is when everything happens.
const start simtime.Time = 0

func octets(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wrap(t testing.TB, s *ulpfec.Sender, media []byte) []byte {
	t.Helper()
	b, err := s.Append(nil, media, true)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// repairs polls all repair packets, with numbers from seq on.
func repairs(s *ulpfec.Sender, seq uint16) (all [][]byte) {
	for {
		b, ok := s.Poll(nil, seq, 99, nil)
		if !ok {
			return all
		}
		all = append(all, b)
		seq++
	}
}

func polled(r *ulpfec.Receiver) (media, recovered [][]byte) {
	for {
		b, back, ok := r.Poll(nil)
		switch {
		case !ok:
			return media, recovered
		case back:
			recovered = append(recovered, b)
		default:
			media = append(media, b)
		}
	}
}

// examples are the packets A to D of §10, with some payload.
func examples(t testing.TB) [][]byte {
	t.Helper()
	var all [][]byte
	for i, c := range []struct {
		first string
		size  int
	}{{"808b", 200}, {"8012", 140}, {"808b", 100}, {"8012", 340}} {
		p := octets(t, c.first+"0000 00000000 00000002")
		p[3], p[7] = byte(8+i), byte(3+2*i)
		all = append(all, append(p, bytes.Repeat([]byte{byte(1 << i)}, c.size)...))
	}
	return all
}

// §10.1, Figures 8 and 9: the headers of the repair packet for A to D.
func TestExample(t *testing.T) {
	s := ulpfec.NewSender(redPT, fecPT)
	r := ulpfec.NewReceiver(fecPT, parity.DefaultLimits())
	packets := examples(t)
	for i, p := range packets {
		wrapped := wrap(t, s, p)
		if want := append(bytes.Clone(p[:12]), p[1]&0x7f); !bytes.Equal(wrapped[2:13], want[2:]) || wrapped[1] != p[1]&0x80|redPT {
			t.Errorf("wrapped: %x", wrapped[:13])
		}
		if i == 3 {
			continue // lost
		}
		if err := r.Receive(start, wrapped); err != nil {
			t.Error(err)
		}
		if media, back := polled(r); len(media) != 1 || len(back) != 0 || !bytes.Equal(media[0], p) {
			t.Errorf("%x unwrapped, want %x", media, p)
		}
	}
	s.Protect(1)
	got := repairs(s, 12)
	want := octets(t, `8064 000c 00000063 00000002 7f
		0000 0008 00000008 0174 0154 f000`)
	for i := range 340 {
		x := byte(8)
		for j, n := range []int{200, 140, 100} {
			if i < n {
				x ^= 1 << j
			}
		}
		want = append(want, x)
	}
	if len(got) != 1 || !bytes.Equal(got[0], want) {
		t.Fatalf("the repair packet is\n%x, want\n%x", got, want)
	}
	if err := r.Receive(start, got[0]); err != nil {
		t.Error(err)
	}
	if media, back := polled(r); len(media) != 0 || len(back) != 1 || !bytes.Equal(back[0], packets[3]) {
		t.Errorf("%x came back", back)
	}
}

// §7.3, §7.4: masks of 16 and 48 bits; SN base is the lowest number, over a
// wrap-around, too.
func TestMasks(t *testing.T) {
	for _, c := range []struct {
		seqs []uint16
		want string // the header of level 0, and the FEC header up to SN base
	}{
		{[]uint16{0xfff8, 7}, "0000 fff8 00000000 0000 0000 8001"},
		{[]uint16{0xfff8, 8}, "4000 fff8 00000000 0000 0000 8000 80000000"},
		{[]uint16{39, 0xfff8, 7, 8}, "4000 fff8 00000000 0000 0000 8001 80000001"},
	} {
		s := ulpfec.NewSender(redPT, fecPT)
		for _, seq := range c.seqs {
			wrap(t, s, append(binary.BigEndian.AppendUint16([]byte{0x80, 96}, seq), 0, 0, 0, 0, 0, 0, 0, 2))
		}
		s.Protect(1)
		got := repairs(s, 50)
		if want := octets(t, "8064 0032 00000063 00000002 7f"+c.want); len(got) != 1 || !bytes.Equal(got[0], want) {
			t.Errorf("%d: %x, want %x", c.seqs, got, want)
		}
		if n := len(got[0]) - 12; n > ulpfec.MaxOverhead {
			t.Errorf("%d octets more", n)
		}
	}
}

// §7.3: packets more than 48 numbers apart can't be protected together, nor those of
// several SSRCs; they aren't sent half.
func TestSpan(t *testing.T) {
	s := ulpfec.NewSender(redPT, fecPT)
	p := examples(t)[0]
	wrap(t, s, p)
	far, other := bytes.Clone(p), bytes.Clone(p)
	far[3] += 48
	other[11]++
	if b, err := s.Append(nil, far, true); !errors.Is(err, parity.ErrSpan) || len(b) != 0 {
		t.Errorf("%x, %v", b, err)
	}
	if b, err := s.Append(nil, other, true); !errors.Is(err, parity.ErrStreams) || len(b) != 0 {
		t.Errorf("%x, %v", b, err)
	}
	if b, err := s.Append(nil, far, false); err != nil || len(b) != len(far)+1 || s.Len() != 1 {
		t.Errorf("%x, %v", b, err)
	}
	far[3]--
	if wrap(t, s, far); s.Len() != 2 {
		t.Errorf("%d packets", s.Len())
	}
	if b, err := s.Append(nil, nil, true); !errors.Is(err, red.ErrMalformed) || len(b) != 0 {
		t.Errorf("%x, %v", b, err)
	}
}

// §10.3, §14.2: repair data may come as a redundant block beside media. Other
// redundant blocks mean nothing here.
func TestRedundantBlock(t *testing.T) {
	s := ulpfec.NewSender(redPT, fecPT)
	packets := examples(t)
	r := ulpfec.NewReceiver(fecPT, parity.DefaultLimits())
	for i, p := range packets {
		w := wrap(t, s, p)
		if i != 1 {
			_ = r.Receive(start, w)
		}
	}
	s.Protect(1)
	data := repairs(s, 0)[0][13:]
	if len(data) != 354 { // Figure 22
		t.Errorf("%d octets of repair data", len(data))
	}
	e := octets(t, "8064 000c 0000000b 00000002 ff000162 8b000001 0b")
	e = append(append(e, data...), 0xbb, 0xee, 0xee)
	if err := r.Receive(start, e); err != nil {
		t.Error(err)
	}
	media, back := polled(r)
	if len(media) != 1 || !bytes.Equal(media[0], octets(t, "800b 000c 0000000b 00000002 eeee")) {
		t.Errorf("%x unwrapped", media)
	}
	if len(back) != 1 || !bytes.Equal(back[0], packets[1]) || r.Counts().Other != 1 {
		t.Errorf("%x came back, %+v", back, r.Counts())
	}
}

// §9.2: what level 0 doesn't protect in full length isn't recovered. Data of other
// levels isn't looked at.
func TestLevels(t *testing.T) {
	a, b := octets(t, "8060 0001 00000000 00000002 0102"), octets(t, "8060 0002 00000000 00000002 030405")
	for _, c := range []struct {
		level string
		want  int
	}{
		{"0003 c000 020605", 1},
		{"0003 c000 020605 0002 c000 ffff", 1}, // level 1
		{"0002 c000 0206", 0},
	} {
		s := ulpfec.NewSender(redPT, fecPT)
		r := ulpfec.NewReceiver(fecPT, parity.DefaultLimits())
		_ = r.Receive(start, wrap(t, s, a))
		if err := r.Receive(start, octets(t, "8064 0003 00000000 00000002 7f 8000 0001 00000000 0001"+c.level)); err != nil {
			t.Error(err)
		}
		media, back := polled(r)
		if len(back) != c.want || len(back) == 1 && !bytes.Equal(back[0], b) {
			t.Errorf("%s: %x, %x", c.level, media, back)
		}
		if n := r.Counts().Partial; n != uint64(1-c.want) {
			t.Errorf("%s: %d in part", c.level, n)
		}
	}
}

// What can't be read is refused and counted.
func TestMalformed(t *testing.T) {
	r := ulpfec.NewReceiver(fecPT, parity.DefaultLimits())
	const header = "8064 0003 00000000 00000002 7f"
	for i, c := range []struct {
		form string
		want error
	}{
		{header + "0000 0001 00000000 0001 0000 c0", ulpfec.ErrMalformed},
		{header + "4000 0001 00000000 0001 0000 c000 000000", ulpfec.ErrMalformed},
		{header + "0000 0001 00000000 0001 0002 c000 00", ulpfec.ErrMalformed},
		{header + "0000 0001 00000000 0001 0000 0000", ulpfec.ErrMalformed},
		{header[:27], red.ErrMalformed},
		{"", red.ErrMalformed},
	} {
		if err := r.Receive(start, octets(t, c.form)); !errors.Is(err, c.want) || r.Counts().Malformed != uint64(i+1) {
			t.Errorf("%s: %v, %+v", c.form, err, r.Counts())
		}
	}
}

// Numbers go on over repair packets; whatever one packet of each group is lost comes
// back, octet for octet, once, and nothing else.
func TestLosses(t *testing.T) {
	for seed := range uint64(500) {
		r := rng.New(seed).Stream("ulpfec")
		below := func(n int) int { return int(r.Uint64() % uint64(n)) }
		s := ulpfec.NewSender(redPT, fecPT)
		rx := ulpfec.NewReceiver(fecPT, parity.DefaultLimits())
		seq := uint16(r.Uint32())
		for range 20 {
			n, m := 1+below(20), 1+below(4)
			burst := below(n + 1) // lost are as many as there are repair packets, in a row
			lost := map[string]bool{}
			for i := range n {
				p := append(octets(t, "9060 0000 00000000 00000002 bede0001 10ff0000"), make([]byte, below(100))...)
				p[1] = byte(r.Uint32()) &^ 0x40 // not that of repair data
				binary.BigEndian.PutUint16(p[2:], seq)
				binary.BigEndian.PutUint32(p[4:], r.Uint32())
				_, _ = r.Read(p[20:])
				seq++
				w := wrap(t, s, p)
				if i >= burst && i < burst+m {
					lost[string(p)] = true
					continue
				}
				if err := rx.Receive(start, w); err != nil {
					t.Fatal(err)
				}
				if media, back := polled(rx); len(media) != 1 || !bytes.Equal(media[0], p) || len(back) != 0 {
					t.Fatalf("seed %d: %x, %x", seed, media, back)
				}
			}
			s.Protect(m)
			for _, w := range repairs(s, seq) {
				seq++
				if err := rx.Receive(start, w); err != nil {
					t.Fatal(err)
				}
				_, back := polled(rx)
				for _, b := range back {
					if !lost[string(b)] {
						t.Fatalf("seed %d: %x came back", seed, b)
					}
					delete(lost, string(b))
				}
			}
			if len(lost) > 0 {
				t.Fatalf("seed %d: %d didn't come back", seed, len(lost))
			}
		}
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(octets(f, "8064 0003 00000000 00000002 7f 8000 0001 00000000 0001 0003 c000 020605"))
	f.Add(octets(f, "8064 0003 00000000 00000002 7f 4000 0001 00000000 0001 0003 c000 00000000 020605"))
	f.Add(octets(f, "8064 0003 00000000 00000002 ff000011 0b 8000 0001 00000000 0001 0003 c000 020605"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		r := ulpfec.NewReceiver(fecPT, parity.DefaultLimits())
		_ = r.Receive(start, octets(t, "8064 0001 00000000 00000002 60 0102"))
		for range 2 {
			_ = r.Receive(start, packet)
			media, back := polled(r)
			for _, b := range append(media, back...) {
				if len(b) < 12 || b[0]>>6 != 2 {
					t.Fatalf("%x out of %x", b, packet)
				}
			}
		}
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	s := ulpfec.NewSender(redPT, fecPT)
	r := ulpfec.NewReceiver(fecPT, parity.DefaultLimits())
	p := append(octets(b, "8060 0000 00000000 00000002"), make([]byte, 1100)...)
	wire, out := make([]byte, 0, 1500), make([]byte, 0, 1500)
	seq := uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		binary.BigEndian.PutUint16(p[2:], seq)
		packet, err := s.Append(wire, p, true)
		if err != nil {
			b.Fatal(err)
		}
		if seq%11 != 4 {
			_ = r.Receive(0, packet)
		}
		if seq++; seq%11 == 10 {
			s.Protect(1)
			packet, _ = s.Poll(wire, seq, 0, nil)
			_ = r.Receive(0, packet)
			seq++
		}
		for ok := true; ok; {
			_, _, ok = r.Poll(out)
		}
	}
}
