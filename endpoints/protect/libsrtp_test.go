package protect_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/protect/libsrtptest"
)

// exchange is a session with libsrtp at the other end.
type exchange struct {
	profile   keying.Profile
	encrypted headerext.IDSet
	ids       []uint8
	keys      keying.Keys
}

func (e exchange) protector(t *testing.T) protect.Protector {
	t.Helper()
	config := protect.Config{Mode: protect.Full, Profile: e.profile, EncryptedExtensions: e.encrypted}
	p, ready, err := protect.NewWith(config, fixed{e.keys})
	if err != nil || !ready {
		t.Fatalf("ready %v, %v", ready, err)
	}
	return p
}

// begin returns the lines that tell libsrtp profile and keys.
func (e exchange) begin() []string {
	lines := []string{fmt.Sprintf("profile %d", uint16(e.profile))}
	for _, id := range e.ids {
		lines = append(lines, fmt.Sprintf("encrypt %d", id))
	}
	in, out := e.keys.Local, e.keys.Remote // what we send with, it receives with
	return append(lines, fmt.Sprintf("in %x%x", in.Key, in.Salt), fmt.Sprintf("out %x%x", out.Key, out.Salt))
}

// plainRTP are packets over a roll-over, some out of order, of two SSRCs, with all
// that a header may have.
func plainRTP(t *testing.T) (all [][]byte) {
	t.Helper()
	for i, index := range []int{65530, 65533, 65534, 65536, 65535, 65537, 65540, 65539, 66000, 90000, 120000, 131073} {
		for ssrc := range uint32(2) {
			h := rtp.Header{Version: 2, Marker: i%2 == 0, PayloadType: 96, SequenceNumber: uint16(index), Timestamp: 3000 * uint32(index), SSRC: 0xcafebabe + ssrc}
			if i%3 == 1 {
				h.CSRC = make([]uint32, i)
			}
			if i%2 == 1 {
				for id := range uint8(3) {
					if err := h.SetExtension(id+1, bytes.Repeat([]byte{id}, 1+i)); err != nil {
						t.Fatal(err)
					}
				}
			}
			b, err := (&rtp.Packet{Header: h, Payload: bytes.Repeat([]byte{byte(index)}, 97*i)}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
	}
	return all
}

func exchanges(t *testing.T) (all []exchange) {
	t.Helper()
	for _, profile := range profiles {
		material := func(x byte) keying.Material {
			m := keying.Material{Key: make([]byte, profile.KeyLen()), Salt: make([]byte, profile.SaltLen())}
			for i := range m.Key {
				m.Key[i] = x + 7*byte(i)
			}
			for i := range m.Salt {
				m.Salt[i] = 2*x + 5*byte(i)
			}
			return m
		}
		e := exchange{profile: profile, keys: keying.Keys{Local: material(3), Remote: material(90)}}
		all = append(all, e)
		e.ids = []uint8{1, 3}
		for _, id := range e.ids {
			e.encrypted.Add(id)
		}
		all = append(all, e)
	}
	return all
}

func (e exchange) String() string { return fmt.Sprintf("%v/encrypted%v", e.profile, e.ids) }

// libsrtp decrypts what we protect with every profile: RTP over a roll-over, with
// and without encrypted header extensions (RFC 6904), and RTCP. What was changed on
// the way it refuses.
//
// conformance: PRF-4.2-4
func TestLibsrtpOpensOurs(t *testing.T) {
	program := libsrtptest.Build(t)
	for _, e := range exchanges(t) {
		t.Run(e.String(), func(t *testing.T) {
			p := e.protector(t)
			lines, want := e.begin(), []string{}
			send := func(command string, plain, wire []byte) {
				spoilt := slices.Clone(wire)
				spoilt[len(spoilt)/2] ^= 1
				lines = append(lines, fmt.Sprintf("%s %x", command, spoilt), fmt.Sprintf("%s %x", command, wire))
				want = append(want, "error", hex.EncodeToString(plain))
			}
			for _, plain := range plainRTP(t) {
				send("open-rtp", plain, must(t)(p.RTP(&rtp.Header{}, slices.Clone(plain))))
			}
			for n := range uint32(3) {
				plain := rtcpPacket(n)
				send("open-rtcp", plain, must(t)(p.RTCP(slices.Clone(plain))))
			}
			wantAnswers(t, program.Ask(t, lines), want)
		})
	}
}

func wantAnswers(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d answers, want %d", len(got), len(want))
	}
	for i := range want {
		if ok := got[i] == want[i] || want[i] == "error" && strings.HasPrefix(got[i], "error"); !ok {
			t.Errorf("answer %d is\n%s, want\n%s", i, got[i], want[i])
		}
	}
}

// We decrypt what libsrtp protects with every profile, and its packets are octet for
// octet those that we make with the same keys.
//
// conformance: PRF-4.2-4
func TestWeOpenLibsrtps(t *testing.T) {
	program := libsrtptest.Build(t)
	for _, e := range exchanges(t) {
		t.Run(e.String(), func(t *testing.T) {
			lines := e.begin()
			var plain [][]byte
			for _, b := range plainRTP(t) {
				plain = append(plain, b)
				lines = append(lines, fmt.Sprintf("protect-rtp %x", b))
			}
			forRTP := len(plain)
			for n := range uint32(3) {
				plain = append(plain, rtcpPacket(n))
				lines = append(lines, fmt.Sprintf("protect-rtcp %x", plain[len(plain)-1]))
			}
			answers := program.Ask(t, lines)
			if len(answers) != len(plain) {
				t.Fatalf("%d answers, want %d", len(answers), len(plain))
			}
			p := e.protector(t)
			e.keys.Local, e.keys.Remote = e.keys.Remote, e.keys.Local
			twin := e.protector(t)
			for i, answer := range answers {
				wire := unhex(t, answer)
				var opened, ours []byte
				var err error
				if i < forRTP {
					opened, err = p.OpenRTP(header(t, wire), slices.Clone(wire))
					ours = must(t)(twin.RTP(&rtp.Header{}, slices.Clone(plain[i])))
				} else {
					opened, err = p.OpenRTCP(slices.Clone(wire))
					ours = must(t)(twin.RTCP(slices.Clone(plain[i])))
				}
				if err != nil || !bytes.Equal(opened, plain[i]) {
					t.Errorf("packet %d: %x, %v, want %x", i, opened, err, plain[i])
				}
				if !bytes.Equal(ours, wire) {
					t.Errorf("packet %d: libsrtp's is\n%x, ours\n%x", i, wire, ours)
				}
			}
		})
	}
}

// header is that of a packet as it came.
func header(t *testing.T, wire []byte) *rtp.Header {
	t.Helper()
	var h rtp.Header
	if _, err := h.Unmarshal(wire); err != nil {
		t.Fatal(err)
	}
	return &h
}
