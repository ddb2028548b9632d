package protect_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

var profiles = []keying.Profile{keying.AES128CMSHA180, keying.AES128CMSHA132, keying.AEADAES128GCM, keying.AEADAES256GCM}

// refusals are the reasons that a caller may count by.
var refusals = []error{protect.ErrShort, protect.ErrMalformed, protect.ErrReplayed, protect.ErrAuth, protect.ErrCryptex}

func isRefusal(err error) bool {
	return slices.ContainsFunc(refusals, func(r error) bool { return errors.Is(err, r) })
}

// endsWith returns the protectors of both ends of a connection.
func endsWith(t testing.TB, c protect.Config) (a, b protect.Protector) {
	t.Helper()
	open := func(local, remote string) protect.Protector {
		p, ready, err := protect.NewWith(c, keying.NewPreshared(rng.New(5), local, remote))
		if err != nil || !ready {
			t.Fatalf("%+v: ready %v, %v", c, ready, err)
		}
		return p
	}
	return open("A", "B"), open("B", "A")
}

func eachProfile(t *testing.T, f func(t *testing.T, p keying.Profile)) {
	t.Helper()
	for _, p := range profiles {
		t.Run(p.String(), func(t *testing.T) { f(t, p) })
	}
}

// RFC 5764 §4.1.2 and RFC 7714 §12, §13: tags and keys of each profile.
//
// conformance: PRF-4.2-4
func TestOverheadOfProfiles(t *testing.T) {
	for i, want := range []struct{ rtp, rtcp units.Bytes }{{10, 14}, {4, 14}, {16, 20}, {16, 20}} {
		for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
			a, b := endsWith(t, protect.Config{Mode: m, Profile: profiles[i]})
			plain, report := rtpPacket(1, 100), rtcpPacket(1)
			wire := must(t)(a.RTP(&rtp.Header{}, slices.Clone(plain)))
			wireRTCP := must(t)(a.RTCP(slices.Clone(report)))
			if n := units.Bytes(len(wire) - len(plain)); n != want.rtp || a.OverheadRTP() != want.rtp {
				t.Errorf("%s %v: RTP grew by %d, claimed %d, want %d", m, profiles[i], n, a.OverheadRTP(), want.rtp)
			}
			if n := units.Bytes(len(wireRTCP) - len(report)); n != want.rtcp || a.OverheadRTCP() != want.rtcp {
				t.Errorf("%s %v: RTCP grew by %d, claimed %d, want %d", m, profiles[i], n, a.OverheadRTCP(), want.rtcp)
			}
			if got := must(t)(b.OpenRTP(&rtp.Header{}, wire)); !bytes.Equal(got, plain) {
				t.Errorf("%s %v: RTP comes back as %x", m, profiles[i], got)
			}
			if got := must(t)(b.OpenRTCP(wireRTCP)); !bytes.Equal(got, report) {
				t.Errorf("%s %v: RTCP comes back as %x", m, profiles[i], got)
			}
		}
	}
}

// Every bit counts, in every octet of a packet. A flip says ErrAuth unless it
// makes another packet of it before the tag is looked at: one that can't be read,
// that says Cryptex, or that came before.
//
// conformance: PRF-4.2-6
func TestFlippedBitsOfEveryProfile(t *testing.T) {
	eachProfile(t, func(t *testing.T, p keying.Profile) {
		a, b := endsWith(t, protect.Config{Mode: protect.Full, Profile: p})
		for n := range uint16(5) {
			must(t)(b.OpenRTP(&rtp.Header{}, must(t)(a.RTP(&rtp.Header{}, rtpPacket(100+n, 20)))))
			must(t)(b.OpenRTCP(must(t)(a.RTCP(rtcpPacket(uint32(n))))))
		}
		h := rtp.Header{Version: 2, SequenceNumber: 107, SSRC: ssrc, CSRC: []uint32{1, 2}}
		if err := h.SetExtension(1, []byte{9}); err != nil {
			t.Fatal(err)
		}
		plain, err := (&rtp.Packet{Header: h, Payload: make([]byte, 40)}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		wire := must(t)(a.RTP(&rtp.Header{}, plain))
		for bit := range 8 * len(wire) {
			bad := slices.Clone(wire)
			bad[bit/8] ^= 0x80 >> (bit % 8)
			_, err := b.OpenRTP(&rtp.Header{}, bad)
			// Octet 0 has X and CC, 2 and 3 the sequence number, 20 to 27 the
			// extension's heads.
			early := bit/8 == 0 || bit/8 == 2 || bit/8 == 3 || bit/8 >= 20 && bit/8 < 28
			if !errors.Is(err, protect.ErrAuth) && (!early || !isRefusal(err)) {
				t.Errorf("RTP, bit %d of octet %d: %v", bit%8, bit/8, err)
			}
		}
		must(t)(b.OpenRTP(&rtp.Header{}, wire))

		wire = must(t)(a.RTCP(rtcpPacket(9)))
		index := len(wire) - int(p.OverheadRTCP())
		if p.AEAD() {
			index = len(wire) - 4
		}
		for bit := range 8 * len(wire) {
			bad := slices.Clone(wire)
			bad[bit/8] ^= 0x80 >> (bit % 8)
			_, err := b.OpenRTCP(bad)
			early := bit/8 == 0 || bit/8 >= index && bit/8 < index+4
			if !errors.Is(err, protect.ErrAuth) && (!early || !isRefusal(err)) {
				t.Errorf("RTCP, bit %d of octet %d: %v", bit%8, bit/8, err)
			}
		}
		must(t)(b.OpenRTCP(wire))
	})
}

// Each reason has its error.
//
// conformance: PRF-4.2-6
func TestReasons(t *testing.T) {
	eachProfile(t, func(t *testing.T, p keying.Profile) {
		a, b := endsWith(t, protect.Config{Mode: protect.Full, Profile: p})
		// A CSRC count that reaches beyond the packet; an extension likewise.
		csrcs := append([]byte{0x8f}, make([]byte, 12+int(p.OverheadRTP()))...)
		extension := append([]byte{0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff}, make([]byte, 40)...)
		noRoom := append([]byte{0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xc0, 0xde, 0, 1, 0, 0, 0, 0}, make([]byte, p.OverheadRTP()-1)...)
		good := must(t)(a.RTP(&rtp.Header{}, rtpPacket(1, 20)))
		tampered := slices.Clone(good)
		tampered[20] ^= 1
		goodRTCP := must(t)(a.RTCP(rtcpPacket(1)))
		tamperedRTCP := slices.Clone(goodRTCP)
		tamperedRTCP[20] ^= 1
		noVersion := append([]byte{0}, goodRTCP[1:]...)
		for i, c := range []struct {
			rtcp bool
			b    []byte
			want error
		}{
			{false, nil, protect.ErrShort},
			{false, good[:11+p.OverheadRTP()], protect.ErrShort},
			{false, csrcs, protect.ErrMalformed},
			{false, extension, protect.ErrMalformed},
			{false, tampered, protect.ErrAuth},
			{false, good, nil},
			{false, good, protect.ErrReplayed},
			{false, csrcs, protect.ErrMalformed},  // whatever the one before was
			{false, noRoom, protect.ErrMalformed}, // before it says Cryptex
			{true, nil, protect.ErrShort},
			{true, goodRTCP[:7+p.OverheadRTCP()], protect.ErrShort},
			{true, noVersion, protect.ErrMalformed},
			{true, tamperedRTCP, protect.ErrAuth},
			{true, goodRTCP, nil},
			{true, goodRTCP, protect.ErrReplayed},
			{true, noVersion, protect.ErrMalformed},
		} {
			var err error
			if c.rtcp {
				_, err = b.OpenRTCP(slices.Clone(c.b))
			} else {
				_, err = b.OpenRTP(&rtp.Header{}, slices.Clone(c.b))
			}
			if !errors.Is(err, c.want) {
				t.Errorf("case %d: %v, want %v", i, err, c.want)
			}
		}
	})
}

// RFC 3711 §3.3.1: indices of 48 bits from sequence numbers of 16, over several
// rounds, with losses and reordering where the number wraps, in both directions
// and for several SSRCs at once.
func TestRollOverOfEveryProfile(t *testing.T) {
	eachProfile(t, func(t *testing.T, p keying.Profile) {
		a, b := endsWith(t, protect.Config{Mode: protect.Full, Profile: p})
		for _, dir := range []struct{ from, to protect.Protector }{{a, b}, {b, a}} {
			open := func(wire []byte) error {
				_, err := dir.to.OpenRTP(&rtp.Header{}, slices.Clone(wire))
				return err
			}
			at := func(i int, ssrc uint32) []byte {
				b := rtpPacket(uint16(i), 4)
				binary.BigEndian.PutUint32(b[8:], ssrc)
				return b
			}
			var held []byte
			for i := 60000; i < 4*65536; i++ {
				wire := must(t)(dir.from.RTP(&rtp.Header{}, at(i, 7)))
				switch low := i & 0xffff; {
				case low >= 65500 || low < 40: // a gap around the wrap …
				case low == 65499: // … and a packet that comes after it
					held = wire
				case low == 40:
					if err := open(wire); err != nil {
						t.Fatalf("packet %d, the first after the gap: %v", i, err)
					}
					if held == nil {
						continue
					}
					if err := open(held); err != nil {
						t.Fatalf("the last packet before the gap, after packet %d: %v", i, err)
					}
					if err := open(held); !errors.Is(err, protect.ErrReplayed) {
						t.Fatalf("the same again: %v", err)
					}
				case low%5000 == 0:
					if err := open(wire); err != nil {
						t.Fatalf("packet %d: %v", i, err)
					}
				}
				if i%9999 == 0 { // another source that is in another round
					if err := open(must(t)(dir.from.RTP(&rtp.Header{}, at(i/9999, 8)))); err != nil {
						t.Fatalf("other source at packet %d: %v", i, err)
					}
				}
			}
		}
	})
}

// A gap of more than half a round of sequence numbers leaves the receiver in the
// wrong one, for good: that is why RFC 3711 §3.3.1 has no remedy but new keys.
func TestLongGapLosesTheRollOver(t *testing.T) {
	a, b := endsWith(t, protect.Config{Mode: protect.Full, Profile: keying.AES128CMSHA180})
	var wire []byte
	for i := range 40000 {
		wire = must(t)(a.RTP(&rtp.Header{}, rtpPacket(uint16(i), 4)))
		if i == 0 {
			must(t)(b.OpenRTP(&rtp.Header{}, wire))
		}
	}
	if _, err := b.OpenRTP(&rtp.Header{}, wire); err != nil {
		t.Errorf("in the first round: %v", err)
	}
	for i := 40000; i < 40000+65536+32768-1000; i++ {
		wire = must(t)(a.RTP(&rtp.Header{}, rtpPacket(uint16(i), 4)))
	}
	if _, err := b.OpenRTP(&rtp.Header{}, wire); !errors.Is(err, protect.ErrAuth) && !errors.Is(err, protect.ErrReplayed) {
		t.Errorf("after a gap of one and a half rounds: %v", err)
	}
}

// RFC 3711 §3.3.2, §3.4: SRTCP has a window of its own, over its 31-bit index.
//
// conformance: PRF-4.2-6
func TestReplayWindowOfRTCP(t *testing.T) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
		for _, p := range profiles {
			a, b := endsWith(t, protect.Config{Mode: m, Profile: p})
			var wires [][]byte
			for n := range uint32(400) {
				wires = append(wires, must(t)(a.RTCP(rtcpPacket(n))))
			}
			for _, step := range []struct {
				n  int
				ok bool
			}{{5, true}, {5, false}, {3, true}, {200, true}, {73, true}, {72, false}, {199, true}, {200, false}, {399, true}, {271, false}, {272, true}} {
				_, err := b.OpenRTCP(slices.Clone(wires[step.n]))
				if (err == nil) != step.ok || err != nil && !errors.Is(err, protect.ErrReplayed) {
					t.Errorf("%s %v, packet %d: %v", m, p, step.n, err)
				}
			}
		}
	}
}

// A randomPacket has some of everything.
func randomPacket(t *testing.T, r *rng.Stream, seq uint16) []byte {
	t.Helper()
	h := rtp.Header{
		Version: 2, Marker: r.Bool(0.5), PayloadType: uint8(r.Uint32() & 127), SequenceNumber: seq,
		Timestamp: r.Uint32(), SSRC: r.Uint32() & 3, CSRC: make([]uint32, r.Uint32()&15),
	}
	for i := range h.CSRC {
		h.CSRC[i] = r.Uint32()
	}
	if r.Bool(0.5) {
		for id := range uint8(r.Uint32() % 4) {
			data := make([]byte, 1+r.Uint32()%16)
			_, _ = r.Read(data)
			if err := h.SetExtension(id+1, data); err != nil {
				t.Fatal(err)
			}
		}
	}
	payload := make([]byte, r.Uint32()%1200)
	_, _ = r.Read(payload)
	b, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// size-only has the sizes, the clear headers and the verdicts of the real one,
// for every profile and for packets of every kind.
//
// conformance: PRF-4.2-4
func TestSizeOnlyIsLikeFull(t *testing.T) {
	eachProfile(t, func(t *testing.T, p keying.Profile) {
		for cryptex := range protect.CryptexRequired + 1 {
			c := protect.Config{Mode: protect.Full, Profile: p, Cryptex: cryptex, EncryptedExtensions: headerext.IDs(2)}
			fullA, fullB := endsWith(t, c)
			c.Mode = protect.SizeOnly
			sizeA, sizeB := endsWith(t, c)
			r := rng.New(11).Stream("packets")
			for n := range 600 {
				plain := randomPacket(t, r, uint16(65300+n))
				full := must(t)(fullA.RTP(&rtp.Header{}, slices.Clone(plain)))
				size := must(t)(sizeA.RTP(&rtp.Header{}, slices.Clone(plain)))
				if len(full) != len(size) || !bytes.Equal(full[:12], size[:12]) {
					t.Fatalf("Cryptex %d, packet %d: %d and %d octets, headers %x and %x", cryptex, n, len(full), len(size), full[:12], size[:12])
				}
				fb, sb := headerBlock(t, full), headerBlock(t, size)
				if len(fb) != len(sb) || len(fb) >= 4 && !bytes.Equal(fb[:4], sb[:4]) {
					t.Fatalf("Cryptex %d, packet %d: extensions %x and %x", cryptex, n, fb, sb)
				}
				if r.Bool(0.2) {
					continue // lost
				}
				for range 1 + r.Uint32()&1 {
					var fh, sh rtp.Header
					for _, h := range []*rtp.Header{&fh, &sh} { // as the caller does before
						if _, err := h.Unmarshal(size); err != nil {
							t.Fatal(err)
						}
					}
					fo, ferr := fullB.OpenRTP(&fh, slices.Clone(full))
					so, serr := sizeB.OpenRTP(&sh, slices.Clone(size))
					if !errors.Is(serr, ferr) || !bytes.Equal(fo, so) {
						t.Fatalf("Cryptex %d, packet %d: %v and %v\n%x\n%x", cryptex, n, ferr, serr, fo, so)
					}
					if ferr == nil && cryptex != protect.CryptexOff && !slices.Equal(fh.CSRC, sh.CSRC) {
						t.Fatalf("Cryptex %d, packet %d: sources %x and %x", cryptex, n, fh.CSRC, sh.CSRC)
					}
				}
				rr := &rtcp.ReceiverReport{SSRC: r.Uint32() & 3, Reports: make([]rtcp.ReceptionReport, r.Uint32()&15)}
				report, err := rr.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				full, size = must(t)(fullA.RTCP(slices.Clone(report))), must(t)(sizeA.RTCP(slices.Clone(report)))
				if len(full) != len(size) || !bytes.Equal(full[:8], size[:8]) {
					t.Fatalf("RTCP packet %d: %d and %d octets", n, len(full), len(size))
				}
				if got := must(t)(sizeB.OpenRTCP(size)); !bytes.Equal(got, report) {
					t.Fatalf("RTCP packet %d comes back as %x", n, got)
				}
			}
		}
	})
}

func headerBlock(t *testing.T, b []byte) []byte {
	t.Helper()
	block, ok := headerext.Block(b)
	if !ok {
		t.Fatalf("no header in %x", b)
	}
	return block
}

// What size-only doesn't do: nothing is authenticated.
func TestSizeOnlyDoesNotAuthenticate(t *testing.T) {
	a, b := endsWith(t, protect.Config{Mode: protect.SizeOnly, Profile: keying.AES128CMSHA180})
	wire := must(t)(a.RTP(&rtp.Header{}, rtpPacket(1, 20)))
	wire[20] ^= 1
	if _, err := b.OpenRTP(&rtp.Header{}, wire); err != nil {
		t.Errorf("a changed packet: %v", err)
	}
}

// Senders that make no RTP at all get an error, not a panic.
func TestSendersMistakes(t *testing.T) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
		for cryptex := range protect.CryptexRequired + 1 {
			a, _ := endsWith(t, protect.Config{Mode: m, Profile: keying.AEADAES128GCM, Cryptex: cryptex})
			for n := range 12 {
				if _, err := a.RTP(&rtp.Header{}, make([]byte, n)); err == nil {
					t.Errorf("%s: RTP of %d octets is protected", m, n)
				}
			}
			for n := range 8 {
				b := make([]byte, n)
				if n > 0 {
					b[0] = 0x80
				}
				if _, err := a.RTCP(b); err == nil {
					t.Errorf("%s: RTCP of %d octets is protected", m, n)
				}
			}
		}
	}
}

// A profile that isn't agreed on yet is waited for.
func TestNegotiatedProfile(t *testing.T) {
	step := &negotiator{Preshared: keying.NewPreshared(rng.New(1), "A", "B")}
	c := protect.Config{Mode: protect.Full}
	if _, ready, err := protect.NewWith(c, step); ready || err != nil {
		t.Errorf("before agreement: ready %v, %v", ready, err)
	}
	step.profile = keying.AEADAES256GCM
	p, ready, err := protect.NewWith(c, step)
	if !ready || err != nil || p.OverheadRTP() != 16 {
		t.Errorf("after agreement: ready %v, %v", ready, err)
	}
	c.Profile = keying.AES128CMSHA132 // what is configured goes before
	if p, _, err := protect.NewWith(c, step); err != nil || p.OverheadRTP() != 4 {
		t.Errorf("configured: %v", err)
	}
	if p, _, err := protect.NewWith(protect.Config{Mode: protect.Full}, step.Preshared); err != nil || p.OverheadRTP() != 10 {
		t.Errorf("without negotiation: %v", err)
	}
	for _, c := range []protect.Config{
		{Mode: protect.Full, Profile: 0x99},
		{Mode: protect.Full, Cryptex: protect.CryptexRequired + 1},
		{Mode: "rot13"},
	} {
		if _, _, err := protect.NewWith(c, step); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

type negotiator struct {
	*keying.Preshared
	profile keying.Profile
}

func (n *negotiator) Profile() (keying.Profile, bool) { return n.profile, n.profile != 0 }
