package protect_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/ekt"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// member is an endpoint of a group that sends one SSRC.
type member struct {
	*protect.Group
	t    *testing.T
	ssrc uint32
	seq  uint16
}

func newMember(t *testing.T, host *ekt.Host, name string, ssrc uint32, c protect.Config) *member {
	t.Helper()
	p, ready, err := protect.NewWith(c, host.Join(name))
	if err != nil || !ready {
		t.Fatalf("%s: %v, %v", name, ready, err)
	}
	return &member{Group: p.(*protect.Group), t: t, ssrc: ssrc, seq: 1}
}

// send returns a packet as it leaves, and checks its size.
func (m *member) send(now simtime.Time, may bool) []byte {
	m.t.Helper()
	h := rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: m.seq, SSRC: m.ssrc}
	m.seq++
	b, err := h.Marshal()
	if err != nil {
		m.t.Fatal(err)
	}
	b = append(b, "the payload of a packet"...)
	m.Follow(now)
	want := len(b) + int(m.OverheadRTP()+m.Plan(now, m.ssrc, may))
	if b, err = m.RTP(&h, b); err != nil || len(b) != want {
		m.t.Fatalf("%d octets, %v, want %d", len(b), err, want)
	}
	return b
}

// report returns an RTCP packet as it leaves.
func (m *member) report(now simtime.Time) []byte {
	m.t.Helper()
	m.Follow(now)
	b := append([]byte{0x80, 201, 0, 1}, binary.BigEndian.AppendUint32(nil, m.ssrc)...)
	want := len(b) + int(m.OverheadRTCP())
	b, err := m.RTCP(b)
	if err != nil || len(b) != want {
		m.t.Fatalf("%d octets, %v, want %d", len(b), err, want)
	}
	return b
}

// opens returns why a packet can't be read.
func (m *member) opens(b []byte) error {
	m.t.Helper()
	if b[1] == 201 {
		_, err := m.OpenRTCP(bytes.Clone(b))
		return err
	}
	out, err := m.OpenRTP(&rtp.Header{}, bytes.Clone(b))
	if err == nil && !bytes.HasSuffix(out, []byte("the payload of a packet")) {
		m.t.Errorf("a packet is opened as %x", out)
	}
	return err
}

// Everybody in the group reads what each of the others sends, by keys that come with it: three packets
// tell a new one, and later some that may; reports always do. What comes before can't be read.
// When there is another group key senders tell new keys of their own ahead, and take to them 250 ms
// later (RFC 8870 §4.3.1, §4.6). Who has left can't read those.
func TestGroup(t *testing.T) {
	for _, c := range []protect.Config{
		{Mode: protect.Full},
		{Mode: protect.Full, Profile: keying.AEADAES128GCM},
		{Mode: protect.Full, EncryptedExtensions: headerext.IDs(3)},
		{Mode: protect.SizeOnly},
	} {
		host := ekt.NewHost(rng.New(1), "group")
		a, b, d := newMember(t, host, "A", 1, c), newMember(t, host, "B", 2, c), newMember(t, host, "D", 4, c)
		at := func(ms int) simtime.Time { return simtime.At(time.Duration(ms) * time.Millisecond) }
		check := func(what string, got, want error) {
			t.Helper()
			if !errors.Is(got, want) || want == nil && got != nil {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		var first []byte
		for range 3 { // the first two are lost
			first = a.send(at(0), false)
		}
		check("third packet", b.opens(first), nil)
		check("the same again", b.opens(first), protect.ErrReplayed)
		fourth := a.send(at(1), false)
		check("one that doesn't tell", b.opens(fourth), nil)
		check("of somebody unheard", d.opens(fourth), protect.ErrNoKey)
		check("one that may tell", d.opens(a.send(at(200), true)), nil)
		check("of the same time", d.opens(a.send(at(201), true)), nil)
		check("a report", a.opens(b.report(at(202))), nil)
		if a.Known() != 1 || d.Known() != 1 {
			t.Errorf("A knows %d, D %d", a.Known(), d.Known())
		}
		late := a.send(at(299), false)
		host.Leave("D")
		told := a.send(at(300), false) // tells the next key under the old one
		check("the one that tells the next key", b.opens(told), nil)
		check("of before", b.opens(late), nil)
		under := a.send(at(549), false)
		after := a.send(at(551), false)
		check("the first with the new key", b.opens(after), nil)
		check("one with the old key after it", b.opens(under), nil)
		check("and on", b.opens(a.send(at(600), true)), nil)
		check("reports after it", b.opens(a.report(at(601))), nil)
		if c.Mode == protect.Full {
			check("to who has left", d.opens(after), protect.ErrAuth)
			bad := a.send(at(700), true)
			bad[len(bad)-20] ^= 1
			check("with a key that is known, and changed on the way", b.opens(bad), nil)
			bad[len(bad)-4]++ // as if it were the next
			check("with a new one that was changed", b.opens(bad), protect.ErrAuth)
			// Two changes on, what told the first key comes again, and what tells a key by a group key
			// that somebody knows who has left.
			host.Leave("C")
			check("one that tells the third key", b.opens(a.send(at(800), false)), nil)
			check("the first with it", b.opens(a.send(at(1100), false)), nil)
			check("the first of all again", b.opens(first), protect.ErrAuth)
			check("the one that told the second key", b.opens(told), protect.ErrAuth)
			check("what goes on", b.opens(a.send(at(1101), false)), nil)
		}
		check("shorter than its field", b.opens([]byte{0x80, 96, 0xff, 0xff, 2}), protect.ErrMalformed)
	}
}

// A key that somebody tells for an SSRC of another isn't taken, and what it protects isn't read: not
// unless the epoch is a later one, which any member of the group could write.
func TestGroupKeepsFirstKey(t *testing.T) {
	host := ekt.NewHost(rng.New(1), "group")
	a, b := newMember(t, host, "A", 1, protect.Config{Mode: protect.Full}), newMember(t, host, "B", 2, protect.Config{Mode: protect.Full})
	forger := newMember(t, host, "D", 1, protect.Config{Mode: protect.Full})
	if err := b.opens(a.send(0, true)); err != nil {
		t.Fatal(err)
	}
	forger.seq = 10
	if err := b.opens(forger.send(0, true)); !errors.Is(err, protect.ErrAuth) {
		t.Errorf("a forged packet: %v", err)
	}
	if err := b.opens(a.send(0, true)); err != nil {
		t.Errorf("A's next: %v", err)
	}
}
