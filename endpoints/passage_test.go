package endpoints

import (
	"testing"
	"time"

	"rtpfabric/endpoints/encoder"
)

// Numbers on a leg: of media (m), of padding there (p), what padding of the source, which isn't
// sent on (o), does to those that follow, and what comes late (l) when the passage has been
// closed (c).
func TestPassageNumbers(t *testing.T) {
	passage := &Passage{}
	st := &Stream{seq: 100}
	number := func(source uint32, seq uint64) (uint16, bool) {
		n := passage.late(st, source, seq)
		if n == nil {
			at, ok := passage.next(0, st, &Passing{SSRC: source, Seq: seq})
			return at.number, ok
		}
		at, ok := n.place(seq)
		return at.number, ok
	}
	for i, step := range []struct {
		kind   byte
		source uint32
		seq    uint64
		want   uint16 // 0 if it doesn't go
	}{
		{'m', 1, 10, 100},
		{'m', 1, 12, 102},
		{'p', 0, 0, 103},
		{'m', 1, 13, 104},
		{'m', 1, 11, 101}, // late: the place that it had
		{'p', 0, 0, 105},
		{'p', 0, 0, 106},
		{'m', 1, 14, 107},
		{'o', 1, 15, 0},
		{'m', 1, 16, 108},
		{'o', 1, 18, 0},
		{'m', 1, 19, 110},
		{'m', 1, 17, 109},
		{'o', 1, 12, 102}, // late: something has to stand for it there
		{'o', 1, 18, 0},   // again
		{'o', 2, 30, 0},   // of somebody else
		{'o', 1, 20, 0},
		{'p', 0, 0, 111},
		{'m', 1, 21, 112},
		{'m', 1, 9, 0}, // older than the passage
		{'m', 1, 23, 114},
		{'m', 2, 500, 115},
		{'m', 1, 22, 113}, // late, of what another source has taken over from
		{'m', 2, 501, 116},
		{'c', 0, 0, 0},
		{'l', 2, 501, 0},
		{'m', 2, 510, 117}, // after a break
		{'m', 2, 509, 0},   // of the break
		{'m', 2, 512, 119},
		{'c', 0, 0, 0},
		{'l', 2, 511, 118}, // late, of before the next break
		{'m', 2, 520, 120},
		{'l', 2, 511, 118},
	} {
		got := uint16(0)
		switch step.kind {
		case 'm':
			got, _ = number(step.source, step.seq)
		case 'l':
			if n := passage.late(st, step.source, step.seq); n != nil {
				at, _ := n.place(step.seq)
				got = at.number
			}
		case 'c':
			passage.closed = true
		case 'p':
			got = st.seq
			st.seq++
			passage.padded(st)
		case 'o':
			if at, gap := passage.omit(st, step.source, step.seq); gap {
				got = at.number
			}
		}
		if got != step.want {
			t.Fatalf("step %d: number %d, want %d", i, got, step.want)
		}
	}
	// However often there is padding, not everything is remembered.
	for seq := range uint64(3 * maxStretches) {
		if got, ok := number(2, 521+seq); !ok || got != uint16(121+2*seq) {
			t.Fatalf("after %d packets of padding: number %d", seq, got)
		}
		st.seq++
		passage.padded(st)
	}
	if len(passage.now.stretches) > maxStretches {
		t.Errorf("%d stretches", len(passage.now.stretches))
	}
	last := passage.now.last
	if got, ok := number(2, last-10); !ok || got != st.seq-22 {
		t.Errorf("late by ten: number %d, want %d", got, st.seq-22)
	}
	if _, ok := number(2, last-2*maxStretches); ok {
		t.Error("a packet goes whose number is forgotten")
	}
}

// Pictures that are left out leave no gap in numbers, whatever was lost of them, or comes late; those
// that are lost do. Those of another source, and after a break, go on from the last.
func TestPassagePictures(t *testing.T) {
	passage := &Passage{}
	st := &Stream{seq: 100}
	for i, step := range []struct {
		kind    byte // m, goes; o, is left out; c, the passage has been closed
		source  uint32
		seq     uint64
		picture uint16
		number  uint16 // that leaves; 0 if nothing does
		shown   uint16
	}{
		{'m', 1, 10, 0x7ffd, 100, 0x7ffd},
		{'o', 1, 11, 0x7ffe, 0, 0},
		{'o', 1, 12, 0x7ffe, 0, 0},
		{'o', 1, 13, 0x7fff, 0, 0},
		{'m', 1, 14, 0, 101, 0x7ffe},
		{'m', 1, 16, 0, 103, 0x7ffe},
		{'o', 1, 18, 1, 0, 0}, // 17 is lost
		{'o', 1, 19, 1, 0, 0},
		{'m', 1, 20, 2, 105, 0x7fff},
		{'m', 1, 15, 0, 102, 0x7ffe}, // late
		{'o', 1, 17, 1, 104, 0},      // late: padding stands for it
		{'o', 1, 12, 0x7ffe, 0, 0},   // again
		{'m', 1, 25, 4, 110, 1},      // a picture is lost
		{'m', 2, 500, 77, 111, 2},    // another source
		{'o', 2, 501, 78, 0, 0},
		{'m', 2, 502, 79, 112, 3},
		{'m', 1, 24, 4, 109, 1}, // late, of the one before
		{'c', 0, 0, 0, 0, 0},
		{'m', 2, 600, 99, 113, 4},
		{'m', 2, 601, 100, 114, 5},
	} {
		var got place
		f := &Passing{SSRC: step.source, Seq: step.seq, Picture: step.picture}
		switch step.kind {
		case 'm':
			if n := passage.late(st, f.SSRC, f.Seq); n != nil {
				got, _ = n.place(f.Seq)
				break
			}
			got, _ = passage.next(0, st, f)
			passage.closed = false
		case 'o':
			free, gap := passage.omit(st, f.SSRC, f.Seq)
			if gap {
				got = free
			}
			if passage.skip(st, f); got.number != step.number {
				t.Errorf("step %d: number %d is free, want %d", i, got.number, step.number)
			}
			continue
		case 'c':
			passage.closed = true
			continue
		}
		if shown := (step.picture - got.less) & pictureNumbers; got.number != step.number || shown != step.shown {
			t.Errorf("step %d: number %d and picture %x, want %d and %x", i, got.number, shown, step.number, step.shown)
		}
	}
}

// Circuit breakers know Tf (RFC 8083 §3) of what is encoded here at a constant rate, and
// measure that of what pauses, or is switched.
func TestFrameIntervals(t *testing.T) {
	for _, c := range []struct {
		encoder encoder.Encoder
		want    time.Duration
	}{
		{encoder.NewPerfect(encoder.VideoConfig{Min: 1e5, Max: 1e5, Start: 1e5, FPS: 25}, 0), 40 * time.Millisecond},
		{&Speaker{}, 0},
		{&Passage{}, 0},
	} {
		m := &Section{config: SectionConfig{Send: &SendConfig{Encoder: c.encoder, Model: StreamModel{FrameRate: 25}}}}
		if got := m.judgement().Tf; got != c.want {
			t.Errorf("%T: Tf is %v, want %v", c.encoder, got, c.want)
		}
	}
}
