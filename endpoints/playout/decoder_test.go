package playout_test

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/playout"
	"rtpfabric/sim/simtime"
)

// shown is what becomes of pictures that come one after the other, each in one
// packet: which of them are decoded, and whether a refresh is wanted at the end.
func shown(inSlices bool, pictures ...playout.Picture) (decoded []bool, refresh bool) {
	b := playout.NewBuffer(playout.Config{Clock: 1000, Delay: 10 * time.Millisecond, Decoder: true, Slices: inSlices})
	last := -1
	seq := uint64(0)
	for _, p := range pictures {
		n := int(p.Number)
		if last >= 0 {
			seq += uint64((n - last) & 0x7fff) // a packet of every missing picture, too
		}
		last = n
		at := simtime.At(time.Duration(seq) * 40 * time.Millisecond)
		b.Insert(at, playout.Packet{Seq: 1000 + seq, Timestamp: uint32(40 * seq), First: true, Last: true, Size: 100, Captured: at, Picture: p})
		b.HandleTimeout(b.NextTimeout())
	}
	for r, ok := b.Poll(); ok; r, ok = b.Poll() {
		decoded = append(decoded, r.Outcome == playout.Rendered)
	}
	return decoded, b.NeedsRefresh()
}

func key(n int) playout.Picture   { return playout.Picture{Number: uint16(n), Key: true} }
func delta(n int) playout.Picture { return playout.Picture{Number: uint16(n)} }

// layer is a picture in three temporal layers: 0 2 1 2 0 2 1 2 and so on.
func layer(n int) playout.Picture {
	return playout.Picture{
		Number: uint16(n), Key: n == 0, Layered: true, Layer: []uint8{0, 2, 1, 2}[n%4], Base: uint8(n / 4),
		Sync: n%4 == 1 || n%4 == 2,
	}
}

// A frame can be decoded if what it is predicted from was (RFC 7741 §4.2; what
// depends on what is that of the usual temporal layers).
func TestDecoder(t *testing.T) {
	const yes, no = true, false
	for _, tt := range []struct {
		name     string
		pictures []playout.Picture
		decoded  []bool
		refresh  bool
	}{
		{"nothing is missing", []playout.Picture{key(5), delta(6), delta(7)}, []bool{yes, yes, yes}, no},
		{"no key frame at the start", []playout.Picture{delta(6), delta(7), key(8), delta(9)}, []bool{no, no, yes, yes}, no},
		{"a frame is missing", []playout.Picture{key(5), delta(7), delta(8)}, []bool{yes, no, no}, yes},
		{"until the next key frame", []playout.Picture{key(5), delta(7), key(8), delta(9)}, []bool{yes, no, yes, yes}, no},
		{"numbers wrap", []playout.Picture{key(0x7fff), delta(0), delta(1)}, []bool{yes, yes, yes}, no},
		{"all layers", []playout.Picture{layer(0), layer(1), layer(2), layer(3), layer(4)}, []bool{yes, yes, yes, yes, yes}, no},
		{"the highest layer is missing", []playout.Picture{layer(0), layer(1), layer(2), layer(4), layer(5)}, []bool{yes, yes, yes, yes, yes}, no},
		{"the middle layer is missing", []playout.Picture{layer(0), layer(1), layer(3), layer(4), layer(5), layer(6)}, []bool{yes, yes, no, yes, yes, yes}, no},
		{"the highest layer is left out", []playout.Picture{layer(0), layer(2), layer(4), layer(6), layer(8)}, []bool{yes, yes, yes, yes, yes}, no},
		{"and comes back", []playout.Picture{layer(0), layer(2), layer(4), layer(5), layer(6), layer(7)}, []bool{yes, yes, yes, yes, yes, yes}, no},
		{"two layers are left out, and come back", []playout.Picture{layer(0), layer(4), layer(8), layer(9), layer(10), layer(11)}, []bool{yes, yes, yes, yes, yes, yes}, no},
		{"the middle layer and one above", []playout.Picture{layer(0), layer(3), layer(4)}, []bool{yes, no, yes}, no},
		{"the lowest layer is missing", []playout.Picture{layer(0), layer(1), layer(2), layer(3), layer(5), layer(6), layer(8)}, []bool{yes, yes, yes, yes, no, no, no}, yes},
		{"several with the lowest among them", []playout.Picture{layer(0), layer(1), layer(6), layer(8)}, []bool{yes, yes, no, no}, yes},
	} {
		for _, inSlices := range []bool{false, true} { // of which no part was told to be lost
			got, refresh := shown(inSlices, tt.pictures...)
			if !slices.Equal(got, tt.decoded) || refresh != tt.refresh {
				t.Errorf("%s, slices %v: decoded %v, refresh wanted %v; want %v, %v", tt.name, inSlices, got, refresh, tt.decoded, tt.refresh)
			}
		}
	}
}

// Without a decoder, frames stand by themselves.
func TestNoDecoder(t *testing.T) {
	b := playout.NewBuffer(playout.Config{Clock: 1000, Delay: 10 * time.Millisecond})
	b.Insert(0, playout.Packet{Seq: 1, First: true, Last: true, Size: 1, Picture: delta(9)})
	if r, ok := b.Poll(); !ok || r.Outcome != playout.Rendered || b.NeedsRefresh() {
		t.Errorf("%+v, %v", r, ok)
	}
}

// A key frame that a decoder waits for may come late: it is decoded, and what
// follows it too. No other is wanted meanwhile.
func TestLateKeyFrame(t *testing.T) {
	b := playout.NewBuffer(playout.Config{Clock: 1000, Delay: 50 * time.Millisecond, Decoder: true})
	at := func(ms int) simtime.Time { return simtime.At(time.Duration(ms) * time.Millisecond) }
	b.Insert(at(0), playout.Packet{Seq: 10, First: true, Last: true, Size: 1, Picture: key(0)})
	// Picture 1 is lost; 2 comes and can't be decoded.
	b.Insert(at(80), playout.Packet{Seq: 12, Timestamp: 80, First: true, Last: true, Size: 1, Picture: delta(2)})
	b.HandleTimeout(at(130))
	if !b.NeedsRefresh() {
		t.Fatal("no refresh wanted")
	}
	// A key frame of two packets, the second 200 ms after the first; two more
	// frames come before that.
	b.Insert(at(200), playout.Packet{Seq: 13, Timestamp: 200, First: true, Size: 1, Captured: at(200), Picture: key(3)})
	if b.NeedsRefresh() || !b.Refreshes(11) || b.Refreshes(13) {
		t.Error("another refresh wanted while one is on its way")
	}
	for i := range 2 {
		ms := 240 + 40*i
		b.Insert(at(ms), playout.Packet{Seq: uint64(15 + i), Timestamp: uint32(ms), First: true, Last: true, Size: 1, Picture: delta(4 + i)})
	}
	b.HandleTimeout(at(390))
	b.Insert(at(400), playout.Packet{Seq: 14, Timestamp: 200, Last: true, Size: 1})
	b.Insert(at(401), playout.Packet{Seq: 17, Timestamp: 401, First: true, Last: true, Size: 1, Picture: delta(6)})
	var got []playout.Outcome
	for r, ok := b.Poll(); ok; r, ok = b.Poll() {
		got = append(got, r.Outcome)
	}
	want := []playout.Outcome{playout.Rendered, playout.Undecodable, playout.Late, playout.Late, playout.Late, playout.Rendered}
	if !slices.Equal(got, want) || b.NeedsRefresh() {
		t.Errorf("outcomes %v, want %v", got, want)
	}
}

// A frame whose end is under way is waited for, as nothing shows that it is lost: it is decoded
// late, so is what follows, and no key frame is asked for. Once something newer is there without
// it, it is given up.
func TestLateEnd(t *testing.T) {
	at := func(ms int) simtime.Time { return simtime.At(time.Duration(ms) * time.Millisecond) }
	for _, lost := range []bool{false, true} {
		b := playout.NewBuffer(playout.Config{Clock: 1000, Delay: 50 * time.Millisecond, Decoder: true})
		b.Insert(at(0), playout.Packet{Seq: 10, First: true, Last: true, Size: 1, Picture: key(0)})
		b.Insert(at(40), playout.Packet{Seq: 11, Timestamp: 40, First: true, Size: 1, Picture: delta(1)})
		b.HandleTimeout(at(90))
		if b.NeedsRefresh() {
			t.Error("a refresh is wanted before anything is lost")
		}
		end := uint64(12)
		if lost {
			end = 13
		}
		b.Insert(at(120), playout.Packet{Seq: end, Timestamp: 40, Last: true, Size: 1})
		b.Insert(at(125), playout.Packet{Seq: end + 1, Timestamp: 80, First: true, Last: true, Size: 1, Picture: delta(2)})
		var got []playout.Outcome
		for r, ok := b.Poll(); ok; r, ok = b.Poll() {
			got = append(got, r.Outcome)
		}
		want := []playout.Outcome{playout.Rendered, playout.Late, playout.Rendered}
		if lost {
			want = []playout.Outcome{playout.Rendered, playout.Undecodable}
		}
		if !slices.Equal(got, want) || b.NeedsRefresh() != lost {
			t.Errorf("lost %v: outcomes %v, want %v; refresh wanted %v", lost, got, want, b.NeedsRefresh())
		}
	}
}

// What doesn't come for a second isn't waited for any longer.
func TestLateEndHasAnEnd(t *testing.T) {
	b := playout.NewBuffer(playout.Config{Clock: 1000, Delay: 50 * time.Millisecond, Decoder: true})
	b.Insert(0, playout.Packet{Seq: 10, First: true, Last: true, Size: 1, Picture: key(0)})
	b.Insert(0, playout.Packet{Seq: 11, Timestamp: 1, First: true, Size: 1, Picture: delta(1)})
	at := b.NextTimeout()
	if want := simtime.At(1050 * time.Millisecond); at != want {
		t.Fatalf("the deadline is %v, want %v", at, want)
	}
	for ; at != simtime.Never; at = b.NextTimeout() {
		b.HandleTimeout(at)
	}
	b.Poll()
	if r, ok := b.Poll(); !ok || r.Outcome != playout.Lost {
		t.Errorf("%+v, %v", r, ok)
	}
}
