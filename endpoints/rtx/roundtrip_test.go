package rtx_test

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/rtx"
	"rtpfabric/sim/rng"
)

// random makes an RTP packet with anything that one can have.
func random(t testing.TB, r *rng.Stream) []byte {
	t.Helper()
	p := rtp.Packet{Header: rtp.Header{
		Version: 2, Marker: r.Bool(0.5), PayloadType: vp8, SequenceNumber: uint16(r.Uint32()),
		Timestamp: r.Uint32(), SSRC: media,
	}}
	for range r.Uint32() % 16 {
		p.CSRC = append(p.CSRC, r.Uint32())
	}
	if r.Bool(0.5) {
		p.Extension, p.ExtensionProfile = true, rtp.ExtensionProfileOneByte
		for id := range uint8(r.Uint32() % 4) {
			if err := p.SetExtension(id+1, make([]byte, 1+r.Uint32()%16)); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.Payload = make([]byte, r.Uint32()%1200)
	_, _ = r.Read(p.Payload)
	if r.Bool(0.3) {
		p.PaddingSize = byte(1 + r.Uint32()%255)
		p.Padding = true
	}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Any packet comes back as it was, without its padding. Another implementation
// reads the same out of the retransmission.
func TestRoundTrip(t *testing.T) {
	r := rng.New(8).Stream("packets")
	s, back := rtx.NewSender(repair, 0, types(t)), receiver(t)
	var sent, restored []byte
	for i := range 2000 {
		original := random(t, r)
		var err error
		if sent, err = s.Append(sent[:0], original); err != nil {
			t.Fatal(err)
		}
		var want, got rtp.Packet
		if want.Unmarshal(original) != nil || got.Unmarshal(sent) != nil {
			t.Fatalf("not RTP: %x", sent)
		}
		if got.SSRC != repair || got.PayloadType != vp8rtx || got.SequenceNumber != uint16(i) || got.Timestamp != want.Timestamp {
			t.Fatalf("%v", got.Header)
		}
		if len(got.Payload) != len(want.Payload)+2 || !bytes.Equal(got.Payload[2:], want.Payload) {
			t.Fatalf("%d octets of payload from %d", len(got.Payload), len(want.Payload))
		}
		if restored, err = back.Restore(restored[:0], sent); err != nil {
			t.Fatal(err)
		}
		want.Padding, want.PaddingSize, want.Header.PaddingSize = false, 0, 0
		plain, err := want.Marshal()
		if err != nil || !bytes.Equal(restored, plain) {
			t.Fatalf("restored\n%x, want\n%x", restored, plain)
		}
	}
	if n := back.Counts().Restored; n != 2000 {
		t.Errorf("%d restored", n)
	}
}

// The parser takes what RFC 3550 allows and nothing else, whatever comes.
func FuzzRestore(f *testing.F) {
	r := rng.New(8).Stream("packets")
	s := rtx.NewSender(repair, 0, types(&testing.T{}))
	for range 10 {
		b, err := s.Append(nil, random(f, r))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		r := receiver(t)
		r.OnMedia(media2, h264)
		r.MayRequest(0, media2, 1, 1)
		got, err := r.Restore(nil, b)
		if !bytes.Equal(b, before) {
			t.Fatal("the packet has changed")
		}
		if err != nil {
			if len(got) != 0 {
				t.Fatalf("%x in spite of %v", got, err)
			}
			return
		}
		again, err := rtx.NewSender(repair, uint16(b[2])<<8|uint16(b[3]), types(t)).Append(nil, got)
		if err != nil {
			t.Fatal(err)
		}
		back, err := receiver(t).Restore(nil, again)
		if got[11] == media&0xff && (err != nil || !bytes.Equal(back, got)) {
			t.Fatalf("%x becomes %x, %v", got, back, err)
		}
	})
}

// Nothing is allocated for a packet that is sent again, nor for one that is
// restored.
func BenchmarkRetransmission(b *testing.B) {
	var p rtx.PayloadTypes
	p.Associate(vp8, vp8rtx)
	s, r := rtx.NewSender(repair, 0, &p), rtx.NewReceiver(&p)
	r.Associate(repair, media)
	budget := rtx.NewBudget(0, rtx.DefaultBudget(), 1e9)
	original := random(b, rng.New(8).Stream("packets"))
	sent, restored := make([]byte, 0, 2000), make([]byte, 0, 2000)
	now := ms(0)
	b.ReportAllocs()
	for b.Loop() {
		now += 1e6
		budget.Spend(now, 1200, nack.Base, 0)
		sent, _ = s.Append(sent[:0], original)
		restored, _ = r.Restore(restored[:0], sent)
	}
}
