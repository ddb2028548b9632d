package units

import (
	"strings"
	"testing"
	"time"
)

func TestParseBitRate(t *testing.T) {
	for in, want := range map[string]BitRate{
		"1Mbps": 1_000_000, "1.5Mbps": 1_500_000, "300kbps": 300_000, "64 kbit/s": 64_000,
		"0bps": 0, "2.5Gbps": 2_500_000_000, "0.3Mbps": 300_000,
	} {
		if got, err := ParseBitRate(in); err != nil || got != want {
			t.Errorf("ParseBitRate(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"1M", "1000", "1MBps", "fastMbps", "-1Mbps", "0x10bps", "infbps", "nanbps", "1e30Gbps", ""} {
		if got, err := ParseBitRate(in); err == nil {
			t.Errorf("ParseBitRate(%q) = %d, want an error", in, got)
		} else if !strings.Contains(err.Error(), "write") && !strings.Contains(err.Error(), "large") {
			t.Errorf("ParseBitRate(%q): %v says no remedy", in, err)
		}
	}
}

func TestParseBytesAndRatio(t *testing.T) {
	if n, err := ParseBytes("22.5kB"); err != nil || n != 22500 {
		t.Errorf("22.5kB = %v, %v", n, err)
	}
	if x, err := ParseRatio("2.5%"); err != nil || x != 0.025 {
		t.Errorf("2.5%% = %v, %v", float64(x), err)
	}
	if _, err := ParseRatio("many"); err == nil {
		t.Error("ParseRatio took a word")
	}
	if _, err := ParseDuration("300"); err == nil {
		t.Error("ParseDuration took a bare number")
	}
	if _, err := ParseDuration("-3s"); err == nil {
		t.Error("ParseDuration took a negative duration")
	}
}

func TestStrings(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{(1500 * Kbps).String(), "1.5Mbps"},
		{(300 * Kbps).String(), "300kbps"},
		{BitRate(5).String(), "5bps"},
		{Bytes(1200).String(), "1200B"},
		{Ratio(0.5).String(), "50%"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func TestTimeToSendRoundsUp(t *testing.T) {
	if got := Mbps.TimeToSend(1250); got != 10*time.Millisecond {
		t.Errorf("1250 B at 1 Mbit/s = %v", got)
	}
	if got := BitRate(3).TimeToSend(1); got != 2666666667 {
		t.Errorf("8 bit at 3 bit/s = %d ns", got)
	}
	if got := (1 * Mbps).BytesIn(300 * time.Millisecond); got != 37500 {
		t.Errorf("300 ms at 1 Mbit/s = %d B, want 37500", got)
	}
}
