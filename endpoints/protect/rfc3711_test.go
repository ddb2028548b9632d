package protect_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// ends returns the protectors of both ends of a connection.
func ends(t *testing.T, m protect.Mode, seed uint64, a, b string) (pa, pb protect.Protector) {
	t.Helper()
	open := func(local, remote string) protect.Protector {
		p, ready, err := protect.NewWith(protect.Config{Mode: m}, keying.NewPreshared(rng.New(seed), local, remote))
		if err != nil || !ready {
			t.Fatalf("%s: ready %v, %v", m, ready, err)
		}
		return p
	}
	return open(a, b), open(b, a)
}

const ssrc = 0x1234abcd

func rtpPacket(seq uint16, n int) []byte {
	h := rtp.Header{Version: 2, Marker: seq%3 == 0, PayloadType: 96, SequenceNumber: seq, Timestamp: 3000 * uint32(seq), SSRC: ssrc}
	payload := bytes.Repeat([]byte{byte(seq)}, n)
	b, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

func rtcpPacket(n uint32) []byte {
	b, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.SenderReport{SSRC: ssrc, NTPTime: 1 << 40, RTPTime: 77, PacketCount: n, Reports: []rtcp.ReceptionReport{{SSRC: 9}}},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "0123456789abcdef"}}}}},
	})
	if err != nil {
		panic(err)
	}
	return b
}

// A flow is RTP or RTCP through a protector.
type flow struct {
	name     string
	plain    func(n int) []byte
	protect  func(p protect.Protector, b []byte) ([]byte, error)
	open     func(p protect.Protector, b []byte) ([]byte, error)
	overhead units.Bytes
	claimed  func(p protect.Protector) units.Bytes
	clear    int // octets that stay in the clear at the front
}

var flows = []flow{
	{
		"RTP",
		func(n int) []byte { return rtpPacket(uint16(100+n), 50) },
		func(p protect.Protector, b []byte) ([]byte, error) { return p.RTP(&rtp.Header{}, slices.Clone(b)) },
		func(p protect.Protector, b []byte) ([]byte, error) { return p.OpenRTP(&rtp.Header{}, slices.Clone(b)) },
		10,
		func(p protect.Protector) units.Bytes { return p.OverheadRTP() },
		12,
	},
	{
		"RTCP",
		func(n int) []byte { return rtcpPacket(uint32(n)) },
		func(p protect.Protector, b []byte) ([]byte, error) { return p.RTCP(slices.Clone(b)) },
		func(p protect.Protector, b []byte) ([]byte, error) { return p.OpenRTCP(slices.Clone(b)) },
		14,
		func(p protect.Protector) units.Bytes { return p.OverheadRTCP() },
		8,
	},
}

func each(t *testing.T, f func(*testing.T, flow)) {
	t.Helper()
	for _, fl := range flows {
		t.Run(fl.name, func(t *testing.T) { f(t, fl) })
	}
}

func must(t *testing.T) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// §3.1, §3.4, §5: the tag has 80 bits; SRTCP has the index as well.
//
// conformance: PRF-4.2-4
func TestOverhead(t *testing.T) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly, protect.None} {
		for _, fl := range flows {
			a, b := ends(t, m, 1, "A", "B")
			want := fl.overhead
			if m == protect.None {
				want = 0
			}
			if got := fl.claimed(a); got != want {
				t.Errorf("%s, %s: overhead said to be %v, want %v", m, fl.name, got, want)
			}
			for n := range 50 {
				plain := fl.plain(n)
				wire := must(t)(fl.protect(a, plain))
				if got := units.Bytes(len(wire) - len(plain)); got != want {
					t.Fatalf("%s, %s: %v more on the wire, want %v", m, fl.name, got, want)
				}
				if got := must(t)(fl.open(b, wire)); !bytes.Equal(got, plain) {
					t.Fatalf("%s, %s: opened packet differs\n got %x\nwant %x", m, fl.name, got, plain)
				}
			}
		}
	}
}

// §3.1, §3.4: the header is in the clear, so that packets are told apart; the
// payload isn't; the E flag is set and the index counts from 0 or 1 up.
//
// conformance: PRF-4.2-3
func TestEncryption(t *testing.T) {
	each(t, func(t *testing.T, fl flow) {
		a, _ := ends(t, protect.Full, 1, "A", "B")
		var last uint32
		for n := range 20 {
			plain := fl.plain(n)
			wire := must(t)(fl.protect(a, plain))
			if !bytes.Equal(wire[:fl.clear], plain[:fl.clear]) {
				t.Fatalf("header %x, want %x", wire[:fl.clear], plain[:fl.clear])
			}
			same := 0
			for i := fl.clear; i < len(plain); i++ {
				if wire[i] == plain[i] {
					same++
				}
			}
			if same > (len(plain)-fl.clear)/8 {
				t.Fatalf("%d of %d octets are in the clear", same, len(plain)-fl.clear)
			}
			if fl.name == "RTP" {
				continue
			}
			word := binary.BigEndian.Uint32(wire[len(plain):])
			if word>>31 != 1 {
				t.Fatal("E flag not set")
			}
			if index := word &^ (1 << 31); n > 0 && index != last+1 {
				t.Fatalf("index %d after %d", index, last)
			}
			last = word &^ (1 << 31)
		}
	})
}

// §3.3 step 5, §4.2: any change of the packet is noticed: header, payload,
// SRTCP index and tag.
//
// conformance: PRF-4.2-6
func TestOneFlippedBitIsRefused(t *testing.T) {
	each(t, func(t *testing.T, fl flow) {
		a, b := ends(t, protect.Full, 1, "A", "B")
		// The receiver is in the midst of the stream.
		for n := range 5 {
			must(t)(fl.open(b, must(t)(fl.protect(a, fl.plain(n)))))
		}
		plain := fl.plain(6)
		wire := must(t)(fl.protect(a, plain))
		for bit := range 8 * len(wire) {
			bad := slices.Clone(wire)
			bad[bit/8] ^= 0x80 >> (bit % 8)
			if got, err := fl.open(b, bad); err == nil {
				t.Errorf("bit %d of %d flipped: accepted as %x", bit, 8*len(wire), got)
			}
		}
		// None of these attempts harms the real packet.
		if got := must(t)(fl.open(b, wire)); !bytes.Equal(got, plain) {
			t.Error("the packet doesn't open after forged ones")
		}
	})
}

// conformance: PRF-4.2-6
func TestTruncatedOrExtendedIsRefused(t *testing.T) {
	each(t, func(t *testing.T, fl flow) {
		a, b := ends(t, protect.Full, 1, "A", "B")
		wire := must(t)(fl.protect(a, fl.plain(1)))
		for n := range len(wire) {
			if _, err := fl.open(b, wire[:n]); err == nil {
				t.Errorf("the first %d octets of %d are accepted", n, len(wire))
			}
		}
		if _, err := fl.open(b, append(slices.Clone(wire), 0)); err == nil {
			t.Error("a longer packet is accepted")
		}
	})
}

// conformance: PRF-4.2-3
func TestPlainPacketIsRefused(t *testing.T) {
	each(t, func(t *testing.T, fl flow) {
		_, b := ends(t, protect.Full, 1, "A", "B")
		if _, err := fl.open(b, fl.plain(1)); err == nil {
			t.Error("a packet without protection is accepted")
		}
	})
}

// §3.3.2: a packet that was received and authenticated is refused the second
// time.
//
// conformance: PRF-4.2-6
func TestReplayIsRefused(t *testing.T) {
	each(t, func(t *testing.T, fl flow) {
		a, b := ends(t, protect.Full, 1, "A", "B")
		var wires [][]byte
		for n := range 40 {
			wires = append(wires, must(t)(fl.protect(a, fl.plain(n))))
			must(t)(fl.open(b, wires[n]))
		}
		for n, wire := range wires {
			_, err := fl.open(b, wire)
			if err == nil {
				t.Fatalf("packet %d is accepted twice", n)
			}
			if !errors.Is(err, protect.ErrReplayed) {
				t.Fatalf("packet %d: %v, want a replay", n, err)
			}
		}
	})
}

// §3.3.2: the window has 64 packets at least: reordering within it is fine.
//
// conformance: PRF-4.2-6
func TestReorderingInWindowIsAccepted(t *testing.T) {
	each(t, func(t *testing.T, fl flow) {
		for _, late := range []int{1, 2, 10, 63} {
			a, b := ends(t, protect.Full, 1, "A", "B")
			must(t)(fl.open(b, must(t)(fl.protect(a, fl.plain(0)))))
			held := fl.plain(1)
			wire := must(t)(fl.protect(a, held))
			for n := range late {
				must(t)(fl.open(b, must(t)(fl.protect(a, fl.plain(2+n)))))
			}
			if got, err := fl.open(b, wire); err != nil || !bytes.Equal(got, held) {
				t.Errorf("%d packets late: %v", late, err)
			}
			if _, err := fl.open(b, wire); err == nil {
				t.Errorf("%d packets late: accepted twice", late)
			}
		}
		// Far beyond any window a packet can't be told from a replay.
		a, b := ends(t, protect.Full, 1, "A", "B")
		wire := must(t)(fl.protect(a, fl.plain(1)))
		for n := range 2000 {
			must(t)(fl.open(b, must(t)(fl.protect(a, fl.plain(2+n)))))
		}
		if _, err := fl.open(b, wire); err == nil {
			t.Error("a packet from before the window is accepted")
		}
	})
}

// §3.3.1: the roll-over counter follows the sequence number, across reordering
// and loss.
func TestSequenceNumberWraps(t *testing.T) {
	a, b := ends(t, protect.Full, 1, "A", "B")
	open := func(wire []byte) error {
		_, err := b.OpenRTP(&rtp.Header{}, slices.Clone(wire))
		return err
	}
	var wires [][]byte
	for i := range 140000 {
		wire, err := a.RTP(&rtp.Header{}, rtpPacket(uint16(i), 4))
		if err != nil {
			t.Fatal(err)
		}
		wires = append(wires[:min(len(wires), 1)], wire)
		near := i&0xffff < 20 || i&0xffff > 65515
		switch {
		case i%2000 == 0, near && i%3 != 0:
			if err := open(wire); err != nil {
				t.Fatalf("packet %d: %v", i, err)
			}
		}
	}
}

// §3.3.1: a packet from before the wrap that arrives after it has the old
// roll-over counter.
func TestReorderingAcrossWrap(t *testing.T) {
	a, b := ends(t, protect.Full, 1, "A", "B")
	wires := map[int][]byte{}
	for i := 65000; i < 65600; i++ {
		wires[i] = must(t)(a.RTP(&rtp.Header{}, rtpPacket(uint16(i), 4)))
	}
	for _, i := range []int{65000, 65530, 65536, 65535, 65540, 65534, 65537} {
		if _, err := b.OpenRTP(&rtp.Header{}, slices.Clone(wires[i])); err != nil {
			t.Errorf("packet %d: %v", i, err)
		}
	}
}

// conformance: PRF-4.2-6
func TestWrongKeyIsRefused(t *testing.T) {
	each(t, func(t *testing.T, fl flow) {
		a, back := ends(t, protect.Full, 1, "A", "B")
		_, otherSeed := ends(t, protect.Full, 2, "A", "B")
		_, otherPeer := ends(t, protect.Full, 1, "A", "C")
		other, _ := ends(t, protect.Full, 1, "C", "B")
		wire := must(t)(fl.protect(a, fl.plain(1)))
		for name, p := range map[string]protect.Protector{
			"another run's": otherSeed, "another connection's": otherPeer, "another sender's": other,
			"the sender itself, to whom it is reflected": a,
		} {
			if _, err := fl.open(p, wire); err == nil {
				t.Errorf("%s key opens the packet", name)
			}
		}
		must(t)(fl.open(back, wire))
	})
}

// §3.2.1, §9.1: each direction of each connection has keys of its own.
func TestKeysDiffer(t *testing.T) {
	seen := map[string]string{}
	check := func(what string, m keying.Material) {
		t.Helper()
		if len(m.Key) != 16 || len(m.Salt) != 14 {
			t.Fatalf("%s: key of %d, salt of %d octets; want 16 and 14", what, len(m.Key), len(m.Salt))
		}
		for _, x := range []string{string(m.Key[:14]), string(m.Salt)} {
			if other, ok := seen[x]; ok {
				t.Errorf("%s has a key or salt of %s", what, other)
			}
			seen[x] = what
		}
	}
	for seed := range uint64(3) {
		for _, c := range [][2]string{{"A", "B"}, {"A", "C"}, {"B", "C"}} {
			k, ok := keying.NewPreshared(rng.New(seed), c[0], c[1]).Keys(16, 14)
			if !ok {
				t.Fatal("no keys")
			}
			check(fmt.Sprint(seed, c, " local"), k.Local)
			check(fmt.Sprint(seed, c, " remote"), k.Remote)
			back, _ := keying.NewPreshared(rng.New(seed), c[1], c[0]).Keys(16, 14)
			if !bytes.Equal(back.Local.Key, k.Remote.Key) || !bytes.Equal(back.Remote.Salt, k.Local.Salt) {
				t.Errorf("%v: the ends don't have each other's keys", c)
			}
		}
	}
}

// size-only mode has exactly the sizes of the real one.
//
// conformance: PRF-4.2-4
func TestSizeOnlyHasTheSameSizes(t *testing.T) {
	full, _ := ends(t, protect.Full, 1, "A", "B")
	sizes, peer := ends(t, protect.SizeOnly, 1, "A", "B")
	for n := range 1400 {
		plain := rtpPacket(uint16(n), n)
		f := must(t)(full.RTP(&rtp.Header{}, slices.Clone(plain)))
		s := must(t)(sizes.RTP(&rtp.Header{}, slices.Clone(plain)))
		if len(f) != len(s) {
			t.Fatalf("payload of %d: %d and %d octets", n, len(f), len(s))
		}
		if got := must(t)(peer.OpenRTP(&rtp.Header{}, s)); !bytes.Equal(got, plain) {
			t.Fatalf("payload of %d: opened packet differs", n)
		}
	}
	for blocks := range 32 {
		rr := &rtcp.ReceiverReport{SSRC: ssrc, Reports: make([]rtcp.ReceptionReport, min(blocks, 31))}
		plain, err := rr.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		f := must(t)(full.RTCP(slices.Clone(plain)))
		s := must(t)(sizes.RTCP(slices.Clone(plain)))
		if len(f) != len(s) {
			t.Fatalf("%d blocks: %d and %d octets", blocks, len(f), len(s))
		}
		if got := must(t)(peer.OpenRTCP(s)); !bytes.Equal(got, plain) {
			t.Fatalf("%d blocks: opened packet differs", blocks)
		}
	}
	if _, err := peer.OpenRTP(&rtp.Header{}, make([]byte, 9)); !errors.Is(err, protect.ErrShort) {
		t.Errorf("9 octets of RTP: %v", err)
	}
	if _, err := peer.OpenRTCP(make([]byte, 13)); !errors.Is(err, protect.ErrShort) {
		t.Errorf("13 octets of RTCP: %v", err)
	}
}

// The result lies in the buffer of the input, as promised, when it has room.
func TestInPlace(t *testing.T) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
		a, b := ends(t, m, 1, "A", "B")
		buf := make([]byte, 0, 1500)
		buf = append(buf, rtpPacket(5, 300)...)
		out := must(t)(a.RTP(&rtp.Header{}, buf))
		if &out[0] != &buf[0] {
			t.Errorf("%s: protecting RTP moved the packet", m)
		}
		in := must(t)(b.OpenRTP(&rtp.Header{}, out))
		if &in[0] != &buf[0] || !bytes.Equal(in, rtpPacket(5, 300)) {
			t.Errorf("%s: opening RTP moved or spoilt the packet", m)
		}
		buf = append(buf[:0], rtcpPacket(1)...)
		out = must(t)(a.RTCP(buf))
		if &out[0] != &buf[0] {
			t.Errorf("%s: protecting RTCP moved the packet", m)
		}
		if in = must(t)(b.OpenRTCP(out)); !bytes.Equal(in, rtcpPacket(1)) {
			t.Errorf("%s: opening RTCP spoilt the packet", m)
		}
	}
}

func TestUnknownMode(t *testing.T) {
	if _, _, err := protect.NewWith(protect.Config{Mode: "rot13"}, keying.NewPreshared(rng.New(1), "A", "B")); err == nil {
		t.Error("no error")
	}
}

// notReady is a keying step that hasn't finished.
type notReady struct{ *keying.Preshared }

func (notReady) Keys(int, int) (keying.Keys, bool) { return keying.Keys{}, false }

// Nothing is protected, and so nothing is sent, before there are keys.
func TestNoProtectorBeforeKeys(t *testing.T) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
		if _, ready, err := protect.NewWith(protect.Config{Mode: m}, notReady{}); ready || err != nil {
			t.Errorf("%s: ready %v, %v", m, ready, err)
		}
	}
}

// size-only mode refuses what the real one refuses (§3.3.2): copies, and packets
// older than the window, of each SSRC by itself.
func TestSizeOnlyRefusesTheSameReplays(t *testing.T) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
		a, b := ends(t, m, 1, "A", "B")
		packets := map[uint16][]byte{}
		for seq := uint16(1); seq <= 400; seq++ {
			packets[seq] = must(t)(a.RTP(&rtp.Header{}, rtpPacket(seq, 50)))
		}
		for _, step := range []struct {
			seq uint16
			ok  bool
		}{{5, true}, {5, false}, {3, true}, {200, true}, {73, true}, {72, false}, {199, true}, {200, false}, {400, true}, {272, false}, {273, true}} {
			_, err := b.OpenRTP(&rtp.Header{}, slices.Clone(packets[step.seq]))
			if (err == nil) != step.ok {
				t.Errorf("%s, packet %d: %v", m, step.seq, err)
			}
			if err != nil && !errors.Is(err, protect.ErrReplayed) {
				t.Errorf("%s, packet %d: %v isn't about a replay", m, step.seq, err)
			}
		}
		rr, err := (&rtcp.ReceiverReport{SSRC: ssrc}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		first, second := must(t)(a.RTCP(slices.Clone(rr))), must(t)(a.RTCP(slices.Clone(rr)))
		for i, ok := range []bool{true, true, false} {
			if _, err := b.OpenRTCP(slices.Clone([][]byte{second, first, second}[i])); (err == nil) != ok {
				t.Errorf("%s, RTCP %d: %v", m, i, err)
			}
		}
	}
}
