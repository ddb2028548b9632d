package rtx_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/rtx"
)

const repair2 = 0x25262728

// heard is a receiver that has had packets of two streams of one kind.
func heard(t *testing.T) *rtx.Receiver {
	t.Helper()
	r := rtx.NewReceiver(types(t))
	r.OnMedia(media, vp8)
	r.OnMedia(media2, vp8)
	return r
}

// retransmit gives the receiver a retransmission of VP8 and checks which stream it
// is said to belong to; 0 stands for none.
func retransmit(t *testing.T, r *rtx.Receiver, ssrc uint32, osn uint16, want uint32) {
	t.Helper()
	b := octets(t, "80610007 01020304 00000000 0000 aa")
	b[8], b[9], b[10], b[11] = byte(ssrc>>24), byte(ssrc>>16), byte(ssrc>>8), byte(ssrc)
	b[12], b[13] = byte(osn>>8), byte(osn)
	got := uint32(0)
	if p, err := r.Restore(nil, b); err == nil {
		got = uint32(p[8])<<24 | uint32(p[9])<<16 | uint32(p[10])<<8 | uint32(p[11])
	}
	if got != want {
		t.Errorf("a retransmission of %d by %x is of stream %x, want %x", osn, ssrc, got, want)
	}
}

func request(t *testing.T, r *rtx.Receiver, at int, ssrc uint32, seq uint16, want bool) {
	t.Helper()
	if got := r.MayRequest(ms(at), ssrc, seq, time.Second); got != want {
		t.Errorf("at %d ms packet %d of %x may be asked for: %v", at, seq, ssrc, got)
	}
}

// RFC 4588 §5.3: the SSRC of a packet that was asked for belongs to the stream
// that it was asked of.
//
// conformance: SSR-4.8-2
func TestFirstRequestTells(t *testing.T) {
	r := heard(t)
	retransmit(t, r, repair, 10, 0)
	request(t, r, 0, media, 10, true)
	request(t, r, 0, media2, 20, true)
	retransmit(t, r, repair, 30, 0)
	retransmit(t, r, repair2, 20, media2)
	retransmit(t, r, repair2, 10, media2) // it is known now
	retransmit(t, r, repair, 10, media)
	retransmit(t, r, repair, 99, media)
	if got, ok := r.Media(repair2); got != media2 || !ok {
		t.Errorf("%x, %v", got, ok)
	}
}

// §5.3: "MUST NOT have two outstanding requests for the same packet sequence
// number in two different original streams before the association is resolved".
func TestAmbiguousRequests(t *testing.T) {
	r := heard(t)
	request(t, r, 0, media, 10, true)
	request(t, r, 10, media, 10, true) // again
	request(t, r, 10, media2, 10, false)
	request(t, r, 10, media2, 11, true)
	request(t, r, 1009, media2, 10, false)
	request(t, r, 1010, media2, 10, true) // nobody waits for the other one any more
	request(t, r, 1010, media, 10, false)
	retransmit(t, r, repair, 10, media2)
	request(t, r, 1020, media, 10, true)
	request(t, r, 1020, media2, 10, true) // it is resolved
	retransmit(t, r, repair2, 10, media)
}

// §5.3: after a BYE, or if two senders use the SSRC, nothing is asked for until
// there is a stream again; then the association is found anew.
//
// conformance: IMP-12.4-2
func TestStreamsThatGo(t *testing.T) {
	r := heard(t)
	request(t, r, 0, media, 10, true)
	retransmit(t, r, repair, 10, media)
	r.OnGone(repair) // a collision of the helper: a new one takes its place
	retransmit(t, r, repair, 11, 0)
	request(t, r, 0, media, 12, true)
	retransmit(t, r, repair2, 12, media)
	r.OnGone(media)
	request(t, r, 0, media, 13, false)
	retransmit(t, r, repair2, 13, 0)
	r.OnMedia(media, vp8)
	request(t, r, 0, media, 14, true)
	r.OnGone(media) // with a request under way
	r.OnMedia(media, vp8)
	retransmit(t, r, repair2, 14, 0)
	request(t, r, 0, media, 14, true)
	retransmit(t, r, repair2, 14, media)
	request(t, r, 0, 77, 1, false) // never heard of
}

// §5.3: streams of one sender have one CNAME; where one stream alone comes into
// question that tells enough.
func TestCNAME(t *testing.T) {
	r := heard(t)
	r.OnCNAME(media, "a")
	r.OnCNAME(media2, "b")
	r.OnCNAME(repair, "b")
	retransmit(t, r, repair, 10, media2)
	r.OnCNAME(repair2, "c")
	r.OnCNAME(repair2, "b") // corrected
	request(t, r, 0, media, 10, true)
	retransmit(t, r, repair2, 10, 0) // the number fits, the name doesn't
	retransmit(t, r, repair2+1, 10, media)

	r = heard(t) // two streams with a name
	for _, ssrc := range []uint32{media, media2, repair, repair2} {
		r.OnCNAME(ssrc, "a")
	}
	retransmit(t, r, repair, 10, 0)
	request(t, r, 0, media2, 10, true)
	retransmit(t, r, repair, 10, media2)
	retransmit(t, r, repair2, 11, media) // the only one left
	r.OnGone(repair2)
	retransmit(t, r, repair2, 11, 0) // its name is forgotten

	r = heard(t) // the answer to a request says more than a name
	r.OnCNAME(media2, "a")
	r.OnCNAME(repair, "a")
	request(t, r, 0, media, 10, true)
	retransmit(t, r, repair, 10, media)
}

// The payload type has to fit: an audio stream of the same participant isn't what
// a video packet repeats.
func TestPayloadTypeTells(t *testing.T) {
	r := heard(t)
	r.OnMedia(media, h264)
	r.OnCNAME(media, "a")
	r.OnCNAME(media2, "a")
	r.OnCNAME(repair, "a")
	request(t, r, 0, media, 10, true)
	retransmit(t, r, repair, 10, media2) // by name; the request was of H.264
}

// Signalled associations hold, before anything was heard, and can be replaced.
func TestSignalled(t *testing.T) {
	r := rtx.NewReceiver(types(t))
	r.Associate(repair, media)
	retransmit(t, r, repair, 10, media)
	request(t, r, 0, media, 11, false) // nothing came from it
	r.OnMedia(media, vp8)
	r.OnMedia(media2, vp8)
	request(t, r, 0, media2, 11, true)
	retransmit(t, r, repair, 11, media)
	r.Associate(repair, media2)
	retransmit(t, r, repair, 11, media2)
	request(t, r, 0, media, 12, true)
	retransmit(t, r, repair2, 12, media)
	// RFC 4588 §4: streams in sessions of their own have one SSRC.
	r = rtx.NewReceiver(types(t))
	r.Associate(media, media)
	retransmit(t, r, media, 10, media)
}

// What others make a receiver remember has bounds.
func TestMemoryIsBounded(t *testing.T) {
	r := rtx.NewReceiver(types(t))
	for ssrc := range uint32(5000) {
		r.OnMedia(ssrc+1, vp8)
		r.OnCNAME(ssrc+1, "a")
		r.Associate(ssrc+10000, ssrc+1)
	}
	for _, c := range []struct {
		ssrc uint32
		want bool
	}{{1, true}, {256, true}, {257, false}, {5000, false}} {
		request(t, r, 0, c.ssrc, 1, c.want)
	}
	if _, ok := r.Media(10256); ok {
		t.Error("a stream that isn't known has an association")
	}
	r = heard(t)
	for ssrc := range uint32(512) {
		r.OnCNAME(ssrc, "a")
	}
	r.OnCNAME(media, "b")
	r.OnCNAME(repair, "b")
	retransmit(t, r, repair, 10, 0)
	r = heard(t)
	for seq := range uint16(1024) {
		request(t, r, 0, media, seq, true)
	}
	request(t, r, 0, media, 2000, false)
	request(t, r, 1000, media, 2000, true)
}
