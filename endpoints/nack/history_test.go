package nack_test

import (
	"bytes"
	"testing"
	"time"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func ms(x int) simtime.Time { return simtime.At(time.Duration(x) * time.Millisecond) }

func wantVerdict(t *testing.T, h *nack.History, now simtime.Time, seq uint16, want nack.Verdict) *nack.Sent {
	t.Helper()
	s, got := h.Lookup(now, seq)
	if got != want || (s != nil) != (want == nack.Available) {
		t.Errorf("packet %d at %v: %v, want %v", seq, now, got, want)
	}
	return s
}

func TestHistoryKeepsCopies(t *testing.T) {
	h := nack.NewHistory(nack.Limits{Packets: 4})
	b := []byte("first")
	h.Add(ms(1), 65535, b, nack.Key)
	copy(b, "XXXXX") // protected in place
	h.Add(ms(2), 0, []byte("second"), nack.Base)
	s := wantVerdict(t, h, ms(3), 65535, nack.Available)
	if string(s.Packet) != "first" || s.Importance != nack.Key || s.At != ms(1) || s.Times != 0 {
		t.Errorf("%+v", s)
	}
	if s := wantVerdict(t, h, ms(3), 0, nack.Available); string(s.Packet) != "second" {
		t.Errorf("%q", s.Packet)
	}
	wantVerdict(t, h, ms(3), 1, nack.Unknown)
	wantVerdict(t, h, ms(3), 4, nack.Unknown) // shares a place with 0
}

// RFC 8834 §6.1, RFC 4588 §6.3: requests that a receiver repeats before it can
// know of the answer, and such as come too late, are refused and counted.
//
// conformance: ROB-6.1-6
func TestHistoryRefuses(t *testing.T) {
	h := nack.NewHistory(nack.Limits{Packets: 4, Age: 300 * time.Millisecond, Useful: 200 * time.Millisecond})
	h.SetRTT(80 * time.Millisecond)
	h.Add(ms(0), 7, []byte("x"), nack.Base)
	wantVerdict(t, h, ms(50), 7, nack.Available).Resent(ms(50))
	wantVerdict(t, h, ms(119), 7, nack.Repeated)
	s := wantVerdict(t, h, ms(120), 7, nack.Available) // 7/8 of 80 ms later
	s.Resent(ms(120))
	if s.Times != 2 {
		t.Errorf("sent %d times again", s.Times)
	}
	h.Add(ms(0), 8, []byte("y"), nack.Base)
	wantVerdict(t, h, ms(160), 8, nack.Available) // it arrives at 200 ms
	wantVerdict(t, h, ms(161), 8, nack.Useless)
	wantVerdict(t, h, ms(300), 8, nack.Useless)
	wantVerdict(t, h, ms(301), 8, nack.Expired)
	for v, want := range map[nack.Verdict]uint64{
		nack.Available: 3, nack.Repeated: 1, nack.Useless: 2, nack.Expired: 1, nack.Unknown: 0,
	} {
		if got := h.Count(v); got != want {
			t.Errorf("%v: %d times, want %d", v, got, want)
		}
	}
	blind := nack.NewHistory(nack.Limits{Packets: 4})
	blind.Add(ms(0), 7, []byte("x"), nack.Base)
	wantVerdict(t, blind, ms(50), 7, nack.Available).Resent(ms(50))
	wantVerdict(t, blind, ms(50), 7, nack.Available)
	wantVerdict(t, blind, ms(1e6), 7, nack.Available)
}

// remembered is a history by definition: everything that was ever sent.
type remembered struct {
	seq  uint16
	at   simtime.Time
	size units.Bytes
	body byte
}

// Random streams, with gaps in their numbers, against a list of all that was
// sent: of the last ones those are kept that fit into every limit.
func TestHistoryAgainstList(t *testing.T) {
	r := rng.New(9).Stream("history")
	for _, l := range []nack.Limits{
		{Packets: 16},
		{Packets: 1},
		{Packets: 100, Bytes: 5000},
		{Packets: 64, Age: 90 * time.Millisecond},
		{Packets: 40000, Bytes: 30_000, Age: 150 * time.Millisecond},
		{Packets: 8, Bytes: 300},
	} {
		places := 1
		for places < min(l.Packets, 1<<15) {
			places *= 2
		}
		h := nack.NewHistory(l)
		var all []remembered
		now, seq := ms(0), uint16(65000)
		for i := range 3000 {
			now = now.Add(time.Duration(r.Uniform(0, 5) * 1e6))
			seq += 1 + uint16(r.Uint32()%20)/19*uint16(r.Uint32()%30)
			p := remembered{seq, now, units.Bytes(1 + r.Uint32()%400), byte(i)}
			h.Add(now, seq, bytes.Repeat([]byte{p.body}, int(p.size)), nack.Base)
			all = append(all, p)
			kept, size := 0, units.Bytes(0)
			for j := len(all) - 1; j >= 0 && len(all)-j <= 300; j-- {
				q := all[j]
				size += q.size
				fits := int(seq-q.seq) < places && (l.Bytes == 0 || size <= l.Bytes) && (l.Age == 0 || now.Sub(q.at) <= l.Age)
				if !fits {
					size -= q.size
					break
				}
				kept++
				if s, v := h.Lookup(now, q.seq); v != nack.Available || s.Packet[0] != q.body || units.Bytes(len(s.Packet)) != q.size {
					t.Fatalf("%+v: packet %d of %d octets: %v, %+v", l, q.seq, q.size, v, s)
				}
			}
			if kept < 300 && (h.Len() != kept || h.Bytes() != size) {
				t.Fatalf("%+v: %d packets of %d octets are kept, want %d of %d", l, h.Len(), h.Bytes(), kept, size)
			}
			if kept < len(all) && kept < 300 {
				if _, v := h.Lookup(now, all[len(all)-1-kept].seq); v == nack.Available {
					t.Fatalf("%+v: packet %d is kept beside %d others", l, all[len(all)-1-kept].seq, kept)
				}
			}
		}
	}
}

// A stream that starts anew isn't mixed with what was before.
func TestHistoryRestart(t *testing.T) {
	h := nack.NewHistory(nack.Limits{Packets: 16})
	for seq := range uint16(8) {
		h.Add(ms(int(seq)), 100+seq, []byte("old"), nack.Base)
	}
	h.Add(ms(10), 103, []byte("another"), nack.Base)
	h.Add(ms(10), 103, []byte("new"), nack.Base) // the same number again
	if h.Len() != 1 || h.Bytes() != 3 {
		t.Errorf("%d packets of %d octets", h.Len(), h.Bytes())
	}
	wantVerdict(t, h, ms(10), 102, nack.Unknown)
	wantVerdict(t, h, ms(10), 107, nack.Unknown)
	if s := wantVerdict(t, h, ms(10), 103, nack.Available); string(s.Packet) != "new" {
		t.Errorf("%q", s.Packet)
	}
}

func BenchmarkHistory(b *testing.B) {
	h := nack.NewHistory(nack.Limits{Packets: 1024, Age: time.Second})
	packet := make([]byte, 1200)
	seq, now := uint16(0), ms(0)
	for range 2048 {
		h.Add(now, seq, packet, nack.Base)
		seq++
	}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		h.Add(now, seq, packet, nack.Base)
		h.Lookup(now, seq-20)
		seq++
	}
}
