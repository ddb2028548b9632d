package protect_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
)

// shape is a packet with or without contributing sources and header extension.
type shape struct {
	name             string
	csrcs, extension bool
	twoByte          bool
}

var shapes = []shape{
	{"plain", false, false, false},
	{"extension", false, true, false},
	{"two-byte extension", false, true, true},
	{"sources", true, false, false},
	{"sources and extension", true, true, false},
	{"sources and two-byte extension", true, true, true},
}

var (
	secretSources = []uint32{0x5ec2e700, 0x5ec2e701}
	secretLevel   = []byte{0x85, 0x5e, 0xc2, 0xe7}
)

func (s shape) packet(t *testing.T, seq uint16) []byte {
	t.Helper()
	h := rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: seq, SSRC: ssrc}
	if s.csrcs {
		h.CSRC = secretSources
	}
	if s.extension {
		h.Extension, h.ExtensionProfile = true, rtp.ExtensionProfileOneByte
		if s.twoByte {
			h.ExtensionProfile = rtp.ExtensionProfileTwoByte
		}
		if err := h.SetExtension(1, secretLevel); err != nil {
			t.Fatal(err)
		}
	}
	b, err := (&rtp.Packet{Header: h, Payload: []byte("payload that nobody reads")}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// §5.1, §6.2: sources, the extension's elements and the payload are encrypted as
// one, around the extension's four octets of head, which say Cryptex; SSRC and
// all before it stay visible.
//
// conformance: HDR-5.2-4
func TestCryptexOnTheWire(t *testing.T) {
	eachProfile(t, func(t *testing.T, p keying.Profile) {
		master := masterVector(t)
		m := keying.Material{Key: append(master.Key, master.Key...)[:p.KeyLen()], Salt: master.Salt[:p.SaltLen()]}
		c := protect.Config{Mode: protect.Full, Profile: p, Cryptex: protect.CryptexOn}
		a, _, err := protect.NewWith(c, fixed{keying.Keys{Local: m, Remote: m}})
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range shapes {
			seq := uint16(10 + i)
			plain := s.packet(t, seq)
			wire := must(t)(a.RTP(&rtp.Header{}, slices.Clone(plain)))

			// The reference: the extension's head moves before the sources, the
			// packet is protected, and the head moves back.
			marked := slices.Clone(plain)
			var head, rest []byte
			n := 12
			if s.csrcs {
				n += 8
			}
			switch {
			case s.extension:
				head, rest = slices.Clone(marked[n:n+4]), append(slices.Clone(marked[12:n]), marked[n+4:]...)
				head[0] = 0xc0
				if s.twoByte {
					head[0] = 0xc2
				}
				head[1] = 0xde
			case s.csrcs:
				head, rest = []byte{0xc0, 0xde, 0, 0}, marked[12:]
				marked[0] |= 0x10
			default:
				rest = marked[12:]
			}
			moved := append(append(slices.Clone(marked[:12]), head...), rest...)
			k := derive(m, false, 20)
			want := referenceRTP(p, k, moved, 12+len(head), uint64(seq))
			if head != nil {
				copy(want[12:], want[16:16+n-12])
				copy(want[n:], head)
				if !p.AEAD() { // the tag covers the packet as it is sent
					body := want[:len(want)-int(p.OverheadRTP())]
					want = append(body, tagOf(k, int(p.OverheadRTP()), body, make([]byte, 4))...)
				}
			}
			if !bytes.Equal(wire, want) {
				t.Errorf("%s\n got %x\nwant %x", s.name, wire, want)
			}
			if bytes.Contains(wire, []byte{0x5e, 0xc2, 0xe7}) {
				t.Errorf("%s: something secret is in the clear: %x", s.name, wire)
			}
		}
	})
}

// §5.2: who may send what to whom. What is accepted comes back as it was sent,
// but for the empty extension.
//
// conformance: HDR-5.2-4
func TestCryptexModes(t *testing.T) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
		for sender := range protect.CryptexRequired + 1 {
			for receiver := range protect.CryptexRequired + 1 {
				a, _ := endsWith(t, protect.Config{Mode: m, Profile: keying.AEADAES128GCM, Cryptex: sender})
				_, b := endsWith(t, protect.Config{Mode: m, Profile: keying.AEADAES128GCM, Cryptex: receiver})
				for i, s := range shapes {
					plain := s.packet(t, uint16(10+i))
					wire := must(t)(a.RTP(&rtp.Header{}, slices.Clone(plain)))
					hidden := s.csrcs || s.extension
					var h rtp.Header
					if _, err := h.Unmarshal(wire); err != nil {
						t.Fatal(err)
					}
					refused := hidden && (sender == protect.CryptexOff && receiver == protect.CryptexRequired ||
						sender != protect.CryptexOff && receiver == protect.CryptexOff)
					got, err := b.OpenRTP(&h, wire)
					if refused {
						if !errors.Is(err, protect.ErrCryptex) {
							t.Errorf("%s, %d to %d, %s: %v", m, sender, receiver, s.name, err)
						}
						continue
					}
					if err != nil {
						t.Errorf("%s, %d to %d, %s: %v", m, sender, receiver, s.name, err)
						continue
					}
					if s.csrcs && !s.extension && sender != protect.CryptexOff {
						plain = slices.Insert(plain, 20, 0xbe, 0xde, 0, 0)
						plain[0] |= 0x10
					}
					if !bytes.Equal(got, plain) {
						t.Errorf("%s, %d to %d, %s\n got %x\nwant %x", m, sender, receiver, s.name, got, plain)
					}
					if s.csrcs && !slices.Equal(h.CSRC, secretSources) {
						t.Errorf("%s, %d to %d, %s: the header has sources %x", m, sender, receiver, s.name, h.CSRC)
					}
					if s.extension && !bytes.Equal(h.GetExtension(1), secretLevel) {
						t.Errorf("%s, %d to %d, %s: the header has the element %x", m, sender, receiver, s.name, h.GetExtension(1))
					}
				}
			}
		}
	}
}

// A header extension that isn't of RFC 8285 can't go with Cryptex (§5.1).
func TestCryptexRefusesOtherExtensions(t *testing.T) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
		a, _ := endsWith(t, protect.Config{Mode: m, Profile: keying.AEADAES128GCM, Cryptex: protect.CryptexOn})
		if _, err := a.RTP(&rtp.Header{}, unhex(t, "90600001 00000002 00000003 12340001 00000000 ff")); err == nil {
			t.Errorf("%s: no error", m)
		}
	}
}

// Cryptex and RFC 6904 together: a packet that Cryptex encrypts isn't encrypted
// twice, and one in the clear has its chosen elements encrypted.
//
// conformance: HDR-5.2-4, HDR-5.2.2-2
func TestCryptexGoesBeforeChosenElements(t *testing.T) {
	chosen := headerext.IDs(1)
	plain := shapes[1].packet(t, 1)
	open := func(sender, receiver protect.Config) []byte {
		t.Helper()
		a, _ := endsWith(t, sender)
		_, b := endsWith(t, receiver)
		return must(t)(b.OpenRTP(&rtp.Header{}, must(t)(a.RTP(&rtp.Header{}, slices.Clone(plain)))))
	}
	both := protect.Config{Mode: protect.Full, Profile: keying.AES128CMSHA180, Cryptex: protect.CryptexOn, EncryptedExtensions: chosen}
	onlyCryptex, onlyChosen := both, both
	onlyCryptex.EncryptedExtensions = headerext.IDSet{}
	onlyChosen.Cryptex = protect.CryptexOff
	for name, got := range map[string][]byte{
		"both to both":        open(both, both),
		"both to Cryptex":     open(both, onlyCryptex),
		"chosen ones to both": open(onlyChosen, both),
	} {
		if !bytes.Equal(got, plain) {
			t.Errorf("%s: %x, want %x", name, got, plain)
		}
	}
}
