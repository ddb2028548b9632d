package simtime

import (
	"testing"
	"time"
)

func TestNTPRoundTrip(t *testing.T) {
	for _, want := range []Time{0, 1, 999_999_999, At(time.Second), At(98765*time.Second + 4321), -At(2500 * time.Millisecond)} {
		got := ToNTP(want).Time()
		if d := got - want; d < -1 || d > 1 {
			t.Errorf("ToNTP(%v).Time() = %v", want, got)
		}
	}
}

// The example of RFC 3550 §4: the NTP epoch is 1900, Unix's is 1970.
func TestNTPEpoch(t *testing.T) {
	if got, want := uint64(ToNTP(0)>>32), uint64(Epoch)+2208988800; got != want {
		t.Errorf("seconds field = %d, want %d", got, want)
	}
	if got := uint32(ToNTP(At(500 * time.Millisecond))); got != 1<<31 {
		t.Errorf("fraction of half a second = %#x, want 0x80000000", got)
	}
}

func TestFromMiddleAcrossWrap(t *testing.T) {
	// The middle 32 bits wrap every 65,536 s; a report from shortly before
	// the wrap read shortly after it must not jump by 18 hours.
	wrap := At(time.Duration(65536-(Epoch+2208988800)%65536) * time.Second)
	sent := wrap.Add(-20 * time.Millisecond)
	got := FromMiddle(ToNTP(sent).Middle(), wrap.Add(30*time.Millisecond))
	if d := got.Sub(sent); d < -16*time.Microsecond || d > 16*time.Microsecond {
		t.Errorf("FromMiddle is off by %v", d)
	}
}

func TestNeverStaysNever(t *testing.T) {
	if Never.Add(time.Hour) != Never || Never.String() != "never" {
		t.Error("Never moved")
	}
}
