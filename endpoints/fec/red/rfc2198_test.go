package red_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"rtpfabric/endpoints/fec/red"
	"rtpfabric/sim/rng"
)

const (
	opus  = 111
	redPT = 63
)

func octets(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// audio is a packet of a stream at 48 kHz.
func audio(seq uint16, timestamp uint32, payload string) []byte {
	b := []byte{0x80, opus}
	b = binary.BigEndian.AppendUint16(b, seq)
	b = binary.BigEndian.AppendUint32(b, timestamp)
	return append(append(b, 0, 0, 0, 7), payload...)
}

// frame is the packet with a number, every 20 ms.
func frame(n int) []byte { return audio(uint16(n), 960*uint32(n), fmt.Sprintf("frame %d", n)) }

func send(t *testing.T, s *red.Sender, packet []byte) []byte {
	t.Helper()
	b, err := s.Append(nil, packet)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// receive returns what is new, a trailing * marks recovered ones.
func receive(t *testing.T, r *red.Receiver, packet []byte) (all []string) {
	t.Helper()
	if err := r.Receive(packet); err != nil {
		t.Fatal(err)
	}
	for {
		b, redundant, ok := r.Poll(nil)
		if !ok {
			return all
		}
		mark := ""
		if redundant {
			mark = "*"
		}
		all = append(all, fmt.Sprintf("%d@%d %s%s", binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:]), b[12:], mark))
	}
}

func wantNew(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("new is %v, want %v", got, want)
	}
}

// §3: a header of four octets for each redundant block, oldest first: F, payload
// type, 14 bits of offset, 10 of length; one octet for the primary block; the data
// in the same order.
//
// conformance: ROB-6.2-2
func TestFormat(t *testing.T) {
	s := red.NewSender(redPT, 2, 1200)
	for i, c := range []struct{ packet, want string }{
		{"806f 0001 00000000 00000007 aabbcc", "803f 0001 00000000 00000007 6f aabbcc"},
		{"806f 0002 000003c0 00000007 dd", "803f 0002 000003c0 00000007 ef 0f0003 6f aabbcc dd"},
		{"81ef 0003 00000780 00000007 000000c1 ee", "81bf 0003 00000780 00000007 000000c1 ef 1e0003 ef 0f0001 6f aabbcc dd ee"},
		{"b070 0004 00000b40 00000007 bede0001 10ff0000 ff 000003", "903f 0004 00000b40 00000007 bede0001 10ff0000 ef 1e0001 ef 0f0001 70 dd ee ff"},
	} {
		packet := octets(t, c.packet)
		got, err := s.Append([]byte{0x99}, packet)
		if want := octets(t, "99"+c.want); err != nil || !bytes.Equal(got, want) {
			t.Errorf("packet %d is\n%x, %v, want\n%x", i, got, err, want)
		}
		if !bytes.Equal(packet, octets(t, c.packet)) {
			t.Error("the packet has changed")
		}
	}
	if c := s.Counts(); c.Packets != 4 || c.Redundant != 5 {
		t.Errorf("%+v", c)
	}
}

// §3: blocks are read back, whatever the header has.
func TestSplit(t *testing.T) {
	packet := octets(t, "b1bf 0003 00000780 00000007 000000c1 bede0000 ef fffc02 80 000400 05 aabb eeff 000003")
	blocks, primary, err := red.Split(make([]red.Block, 1), packet)
	if err != nil || len(blocks) != 3 || primary.PayloadType != 5 || !bytes.Equal(primary.Data, []byte{0xee, 0xff}) {
		t.Fatalf("%+v, %+v, %v", blocks, primary, err)
	}
	if b := blocks[1]; b.PayloadType != 111 || b.Offset != red.MaxOffset || !bytes.Equal(b.Data, []byte{0xaa, 0xbb}) {
		t.Errorf("%+v", b)
	}
	if b := blocks[2]; b.PayloadType != 0 || b.Offset != 1 || len(b.Data) != 0 {
		t.Errorf("%+v", b)
	}
}

// A packet that ends too early is no packet.
func TestMalformed(t *testing.T) {
	const header = "803f 0003 00000780 00000007"
	for form, want := range map[string]error{
		"":                      red.ErrMalformed,
		header:                  red.ErrMalformed, // no primary block
		header + "ef0f00":       red.ErrMalformed,
		header + "ef0f0001":     red.ErrMalformed,
		header + "ef0f000205aa": red.ErrLength,
		header + strings.Repeat("ef0f0000", red.MaxBlocks+1) + "05":         red.ErrMalformed,
		"813f 0003 00000780 00000007 05":                                    red.ErrMalformed,
		"903f 0003 00000780 00000007 05aaaaaa":                              red.ErrMalformed,
		"903f 0003 00000780 00000007 bede000105":                            red.ErrMalformed,
		"a03f 0003 00000780 00000007 0500":                                  red.ErrMalformed,
		"a03f 0003 00000780 00000007 0503":                                  red.ErrMalformed,
		"403f 0003 00000780 00000007 05":                                    red.ErrMalformed,
		strings.Replace(header, "80", "a0", 1) + "ef0f000105aa000003":       nil,
		header + strings.Repeat("ef0f0000", red.MaxBlocks) + "05":           nil,
		strings.Replace(header, "803f", "a03f", 1) + "ef0f0001 05 aa 0002 ": nil,
	} {
		r := red.NewReceiver()
		if err := r.Receive(octets(t, form)); !errors.Is(err, want) || (want != nil) != (r.Counts().Malformed == 1) {
			t.Errorf("%s: %v, want %v", form, err, want)
		}
	}
	if _, err := red.NewSender(redPT, 1, 1200).Append(nil, octets(t, "80")); !errors.Is(err, red.ErrMalformed) {
		t.Error(err)
	}
}

// §3: what the 14 bits of the offset and the 10 of the length can't express stays
// out, and with it what is older; so does what makes the packet too large.
func TestLimits(t *testing.T) {
	long := strings.Repeat("x", red.MaxLength)
	for _, c := range []struct {
		name      string
		timestamp uint32
		payload   string
		max       int
		level     int
		blocks    int
		counts    red.SenderCounts
	}{
		{"just right", red.MaxOffset, long, 12 + 1 + 4 + red.MaxLength + 1, 1, 1, red.SenderCounts{Packets: 2, Redundant: 1}},
		{"too old", red.MaxOffset + 1, "x", 1200, 1, 0, red.SenderCounts{Packets: 2, TooOld: 1}},
		{"too long", 960, long + "x", 9000, 1, 0, red.SenderCounts{Packets: 2, TooLong: 1}},
		{"too large", 960, "xx", 12 + 1 + 4 + 2, 1, 0, red.SenderCounts{Packets: 2, TooLarge: 1}},
		{"none wanted", 960, "x", 1200, 0, 0, red.SenderCounts{Packets: 2}},
	} {
		s := red.NewSender(redPT, c.level, c.max)
		send(t, s, audio(1, 0, c.payload))
		blocks, _, err := red.Split(nil, send(t, s, audio(2, c.timestamp, "y")))
		if err != nil || len(blocks) != c.blocks || s.Counts() != c.counts {
			t.Errorf("%s: %d blocks, %+v, %v", c.name, len(blocks), s.Counts(), err)
		}
	}
}

// The level says how many frames a packet repeats, and losses that long are
// recovered; one more isn't.
//
// conformance: ROB-6.2-2
func TestLevels(t *testing.T) {
	for level := range red.MaxBlocks + 1 {
		for lost := 1; lost <= level+1; lost++ {
			s, r := red.NewSender(redPT, level, 1200), red.NewReceiver()
			s.SetLevel(level)
			var got []string
			for n := 65530; n < 65570; n++ {
				b := send(t, s, frame(n))
				if i := n - 65533; i >= 0 && i < lost {
					continue
				}
				got = append(got, receive(t, r, b)...)
			}
			back := min(lost, level)
			// Less old than 14 bits can say: of 16 frames of 20 ms the last is 320 ms old.
			if c := r.Counts(); c.Recovered != uint64(back) || c.Packets != uint64(40-lost) || c.Unplaced != 0 {
				t.Errorf("level %d, %d lost: %+v", level, lost, c)
			}
			for i := 1; i < len(got); i++ {
				var a, b uint16
				_, _ = fmt.Sscan(strings.ReplaceAll(got[i-1], "@", " "), &a)
				_, _ = fmt.Sscan(strings.ReplaceAll(got[i], "@", " "), &b)
				if gap := int(b - a); gap != 1 && gap != 1+lost-back {
					t.Errorf("level %d, %d lost: %s follows %s", level, lost, got[i], got[i-1])
				}
			}
		}
	}
}

// A change of level has an effect at once; a stream that begins anew repeats
// nothing of before.
func TestChange(t *testing.T) {
	s := red.NewSender(redPT, 0, 1200)
	for n := 1; n <= 3; n++ {
		send(t, s, frame(n))
	}
	s.SetLevel(2)
	count := func(p []byte) int {
		blocks, _, err := red.Split(nil, send(t, s, p))
		if err != nil {
			t.Fatal(err)
		}
		return len(blocks)
	}
	if n := count(frame(4)); n != 2 {
		t.Errorf("%d blocks, want 2", n)
	}
	if n := count(frame(50)); n != 0 {
		t.Errorf("%d blocks after a jump", n)
	}
	if n := count(frame(51)); n != 1 {
		t.Errorf("%d blocks, want 1", n)
	}
	other := frame(52)
	other[11]++
	if n := count(other); n != 0 {
		t.Errorf("%d blocks of another SSRC", n)
	}
	s.SetLevel(-1)
	if n := count(frame(53)); n != 0 {
		t.Errorf("%d blocks with level -1", n)
	}
}

// What is new: neither a block of a packet that came, nor a second time, nor a
// packet of which the frame was recovered.
func TestWhatIsNew(t *testing.T) {
	s, r := red.NewSender(redPT, 2, 1200), red.NewReceiver()
	var p [8][]byte
	for i := range p {
		p[i] = send(t, s, frame(i))
	}
	wantNew(t, receive(t, r, p[0]), "0@0 frame 0")
	wantNew(t, receive(t, r, p[1]), "1@960 frame 1")
	wantNew(t, receive(t, r, p[3]), "2@1920 frame 2*", "3@2880 frame 3")
	wantNew(t, receive(t, r, p[4]), "4@3840 frame 4")
	wantNew(t, receive(t, r, p[4]))
	wantNew(t, receive(t, r, p[2])) // late, and not needed
	wantNew(t, receive(t, r, p[7]), "5@4800 frame 5*", "6@5760 frame 6*", "7@6720 frame 7")
	if c := r.Counts(); c != (red.ReceiverCounts{Packets: 5, Duplicates: 2, Blocks: 0 + 1 + 2 + 2 + 2 + 2 + 2, Recovered: 3, Known: 8}) {
		t.Errorf("%+v", c)
	}
}

// The first packets of a stream are lost.
func TestStart(t *testing.T) {
	s, r := red.NewSender(redPT, 2, 1200), red.NewReceiver()
	for i := range 2 {
		send(t, s, frame(i))
	}
	wantNew(t, receive(t, r, send(t, s, frame(2))), "0@0 frame 0*", "1@960 frame 1*", "2@1920 frame 2")
}

// Silence, a sender that repeats every second frame, and blocks whose number can't
// be told.
func TestPlacing(t *testing.T) {
	block := func(offset uint32, data string) string {
		return fmt.Sprintf("ef%06x", offset<<10|uint32(len(data)))
	}
	packet := func(seq uint16, timestamp uint32, headers, data string) []byte {
		h := fmt.Sprintf("803f %04x %08x 00000007 %s 6f", seq, timestamp, headers)
		return append(octets(t, h), data...)
	}
	begin := func() *red.Receiver {
		r := red.NewReceiver()
		wantNew(t, receive(t, r, packet(8, 0, "", "a")), "8@0 a")
		wantNew(t, receive(t, r, packet(9, 960, "", "b")), "9@960 b")
		return r
	}
	// One number is missing: the time of the frame, after silence, tells nothing.
	wantNew(t, receive(t, begin(), packet(11, 10000, block(501, "x"), "xc")), "10@9499 x*", "11@10000 c")
	// The same, told by a later packet: neither time nor order lead there.
	r := begin()
	wantNew(t, receive(t, r, packet(11, 10000, "", "c")), "11@10000 c")
	wantNew(t, receive(t, r, packet(12, 10960, block(1461, "x"), "xd")), "10@9499 x*", "12@10960 d")
	// The frame two before this one.
	wantNew(t, receive(t, begin(), packet(12, 3840, block(1920, "x"), "xc")), "10@1920 x*", "12@3840 c")
	// 3840 before the last is silence; the order tells, not the average distance.
	wantNew(t, receive(t, begin(), packet(12, 6720, block(1920, "x")+block(960, "y"), "xyc")), "10@4800 x*", "11@5760 y*", "12@6720 c")
	// Two are missing after silence, at odd times.
	wantNew(t, receive(t, begin(), packet(12, 10000, block(7000, "x")+block(500, "y"), "xyc")), "10@3000 x*", "11@9500 y*", "12@10000 c")
	// No number is free.
	r = begin()
	wantNew(t, receive(t, r, packet(10, 1920, block(500, "x"), "xc")), "10@1920 c")
	wantNew(t, receive(t, r, packet(13, 4800, block(0, "x"), "xc")), "13@4800 c")
	if c := r.Counts(); c.Unplaced != 2 || c.Known != 0 {
		t.Errorf("%+v", c)
	}
}

// §4: contributing sources of the packet that brings a frame are taken for its own;
// marker and header extension are lost.
func TestRecoveredHeader(t *testing.T) {
	r := red.NewReceiver()
	if err := r.Receive(octets(t, "b1bf 0003 00000780 00000007 000000c1 bede0000 e0 0f0002 6f aabb ee 000003")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"8160 0002 000003c0 00000007 000000c1 aabb", "91ef 0003 00000780 00000007 000000c1 bede0000 ee"} {
		if got, _, ok := r.Poll(nil); !ok || !bytes.Equal(got, octets(t, want)) {
			t.Errorf("%x, want %s", got, want)
		}
	}
}

// A sender that begins anew is followed from its second packet on; a straggler
// changes nothing.
func TestRestart(t *testing.T) {
	r := red.NewReceiver()
	plain := red.NewSender(redPT, 0, 1200)
	for _, c := range []struct {
		n   int
		new bool
	}{{20000, true}, {20001, true}, {19000, false}, {20002, true}, {10, false}, {11, true}, {10, true}, {12, true}, {40000, false}, {13, true}} {
		if got := receive(t, r, send(t, plain, frame(c.n))); (len(got) == 1) != c.new {
			t.Errorf("%d: %v", c.n, got)
		}
	}
	if n := r.Counts().Far; n != 3 {
		t.Errorf("%d far", n)
	}
}

// Nothing is taken for what it isn't, whatever is lost: numbers, times and octets
// of what is recovered are the sender's.
func TestRandomLosses(t *testing.T) {
	back := 0
	for seed := range uint64(300) {
		r := rng.New(seed).Stream("red")
		below := func(n int) int { return int(r.Uint64() % uint64(n)) }
		s, rx := red.NewSender(redPT, below(4), 1200), red.NewReceiver()
		timestamp, seq := r.Uint32(), uint16(r.Uint32())
		sent := map[string]bool{}
		for range 200 {
			seq++
			timestamp += 960
			if r.Bool(0.02) {
				timestamp += 960 * uint32(below(100)) // silence
			}
			p := audio(seq, timestamp, fmt.Sprint(r.Uint32()))
			b := send(t, s, p)
			sent[fmt.Sprintf("%d@%d %s", seq, timestamp, p[12:])] = true
			if r.Bool(0.2) {
				continue
			}
			for _, got := range receive(t, rx, b) {
				plain := strings.TrimSuffix(got, "*")
				if !sent[plain] {
					t.Fatalf("seed %d: %s was never sent, or came twice", seed, got)
				}
				delete(sent, plain)
				if plain != got {
					back++
				}
			}
		}
	}
	if back < 3000 {
		t.Errorf("%d recovered say little", back)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(octets(f, "b1bf 0003 00000780 00000007 000000c1 bede0000 ef fffc02 80 000400 05 aabb eeff 000003"))
	f.Add(octets(f, "803f 0003 00000780 00000007 ef0f0001 05 aabb"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		r := red.NewReceiver()
		_ = r.Receive(octets(t, "803f 0001 00000000 00000007 6f aabbcc"))
		for range 3 {
			_ = r.Receive(packet)
			n := 0
			for ok := true; ok; n++ {
				var b []byte
				if b, _, ok = r.Poll(nil); ok && (len(b) < 12 || len(b) > len(packet)) {
					t.Fatalf("%x out of %x", b, packet)
				}
			}
			if n > red.MaxBlocks+2 {
				t.Fatalf("%d packets", n)
			}
		}
		c := r.Counts()
		if c.Blocks != c.Recovered+c.Known+c.Unplaced {
			t.Fatalf("%+v", c)
		}
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	s, r := red.NewSender(redPT, 2, 1200), red.NewReceiver()
	p := append(audio(0, 0, ""), make([]byte, 80)...)
	wire, out := make([]byte, 0, 1500), make([]byte, 0, 1500)
	seq := uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		seq++
		binary.BigEndian.PutUint16(p[2:], uint16(seq))
		binary.BigEndian.PutUint32(p[4:], 960*seq)
		packet, err := s.Append(wire, p)
		if err != nil {
			b.Fatal(err)
		}
		if seq%10 == 0 {
			continue
		}
		_ = r.Receive(packet)
		for ok := true; ok; {
			_, _, ok = r.Poll(out)
		}
	}
}
