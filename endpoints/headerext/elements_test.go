package headerext_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/sim/simtime"
)

// Every decoder takes data of its own length only.
func TestLengths(t *testing.T) {
	for name, c := range map[string]struct {
		read    func([]byte) bool
		lengths []int
	}{
		"transport sequence number": {func(b []byte) bool { _, ok := headerext.ReadTransportSeq(b); return ok }, []int{2}},
		"absolute send time":        {func(b []byte) bool { _, ok := headerext.ReadAbsSendTime(b); return ok }, []int{3}},
		"transmission time offset":  {func(b []byte) bool { _, ok := headerext.ReadTransmissionOffset(b); return ok }, []int{3}},
		"NTP-64":                    {func(b []byte) bool { _, ok := headerext.ReadNTP64(b); return ok }, []int{8}},
		"NTP-56":                    {func(b []byte) bool { _, ok := headerext.ReadNTP56(b); return ok }, []int{7}},
		"audio level":               {func(b []byte) bool { _, _, ok := headerext.ReadAudioLevel(b); return ok }, []int{1}},
		"orientation":               {func(b []byte) bool { _, ok := headerext.ReadOrientation(b); return ok }, []int{1}},
		"capture time":              {func(b []byte) bool { _, _, _, ok := headerext.ReadCaptureTime(b); return ok }, []int{8, 16}},
		"playout delay":             {func(b []byte) bool { _, _, ok := headerext.ReadPlayoutDelay(b); return ok }, []int{3}},
	} {
		for n := range 20 {
			want := false
			for _, l := range c.lengths {
				want = want || l == n
			}
			if got := c.read(make([]byte, n)); got != want {
				t.Errorf("%s of %d octets: %v", name, n, got)
			}
		}
		if c.read(nil) {
			t.Errorf("%s that didn't come is read", name)
		}
	}
}

func TestAbsSendTime(t *testing.T) {
	var b [3]byte
	for _, at := range []time.Duration{0, time.Millisecond, 63999 * time.Millisecond, 64 * time.Second, time.Hour, 18*time.Hour + 12345678} {
		sent := simtime.ToNTP(simtime.At(at))
		headerext.PutAbsSendTime(b[:], sent)
		p := rtp.AbsSendTimeExtension{Timestamp: uint64(sent >> 14)}
		if other, err := p.Marshal(); err != nil || !bytes.Equal(other, b[:]) {
			t.Errorf("%v: %x, pion/rtp writes %x", at, b, other)
		}
		v, ok := headerext.ReadAbsSendTime(b[:])
		if !ok {
			t.Fatal("can't be read")
		}
		for _, late := range []time.Duration{0, 30 * time.Millisecond, 31 * time.Second, -31 * time.Second} {
			got := headerext.AbsSendTimeNear(v, simtime.ToNTP(simtime.At(at+late))).Time()
			if d := simtime.At(at).Sub(got); d < 0 || d > 3815*time.Nanosecond {
				t.Errorf("%v, seen %v later: off by %v", at, late, d)
			}
		}
	}
}

// RFC 5450 §3: a signed number of 24 bits; the example's offsets.
func TestTransmissionOffset(t *testing.T) {
	var b [3]byte
	for _, c := range []struct{ in, want int32 }{
		{0, 0},
		{-60, -60},
		{-140, -140},
		{200, 200},
		{1<<23 - 1, 1<<23 - 1},
		{-1 << 23, -1 << 23},
		{1 << 23, 1<<23 - 1},
		{-1<<23 - 1, -1 << 23},
		{math.MaxInt32, 1<<23 - 1},
		{math.MinInt32, -1 << 23},
	} {
		headerext.PutTransmissionOffset(b[:], c.in)
		if got, ok := headerext.ReadTransmissionOffset(b[:]); !ok || got != c.want {
			t.Errorf("%d is read as %d", c.in, got)
		}
	}
	headerext.PutTransmissionOffset(b[:], -1)
	if b != [3]byte{0xff, 0xff, 0xff} {
		t.Errorf("-1 is %x", b)
	}
}

// RFC 6051 §3.3, figures 5 and 6: the whole timestamp, or its lower 56 bits,
// completed from a sender report.
func TestRapidSynchronisation(t *testing.T) {
	const stamp simtime.NTP = 0xe123456789abcdef
	var a [8]byte
	headerext.PutNTP64(a[:], stamp)
	if !bytes.Equal(a[:], unhex(t, "e123456789abcdef")) {
		t.Errorf("64 bits: %x", a)
	}
	if got, ok := headerext.ReadNTP64(a[:]); !ok || got != stamp {
		t.Errorf("64 bits read as %x", uint64(got))
	}
	var b [7]byte
	headerext.PutNTP56(b[:], stamp)
	if !bytes.Equal(b[:], unhex(t, "23456789abcdef")) {
		t.Errorf("56 bits: %x", b)
	}
	short, ok := headerext.ReadNTP56(b[:])
	if !ok || short != 0x23456789abcdef {
		t.Errorf("56 bits read as %x", short)
	}
	for _, sr := range []simtime.NTP{
		stamp, stamp - 5<<32, stamp + 5<<32,
		0xe1000000_00000000, 0xe17fffff_ffffffff, // the other end of the upper 8 bits
	} {
		if got := headerext.ExtendNTP56(short, sr); got != stamp {
			t.Errorf("with a report of %x: %x", uint64(sr), uint64(got))
		}
	}
	// The seconds' upper bits change between report and packet.
	if got := headerext.ExtendNTP56(0x00000001_00000000, 0xe1ffffff_00000000); got != 0xe2000001_00000000 {
		t.Errorf("across the change: %x", uint64(got))
	}
	if got := headerext.ExtendNTP56(0xffffff_00000000, 0xe2000001_00000000); got != 0xe1ffffff_00000000 {
		t.Errorf("across the change, backwards: %x", uint64(got))
	}
}

// RFC 6464 §3: V in the upper bit, the level in -dBov below it.
func TestAudioLevel(t *testing.T) {
	var b [1]byte
	for level := range 256 {
		for _, voice := range []bool{false, true} {
			headerext.PutAudioLevel(b[:], uint8(level), voice)
			want := uint8(min(level, 127))
			if b[0]&0x7f != want || b[0]>>7 == 1 != voice {
				t.Fatalf("level %d, voice %v: %#x", level, voice, b[0])
			}
			if got, v, ok := headerext.ReadAudioLevel(b[:]); !ok || got != want || v != voice {
				t.Fatalf("level %d, voice %v: read as %d, %v", level, voice, got, v)
			}
		}
	}
	for _, c := range []struct {
		rms  float64
		want uint8
	}{
		{1, 0},
		{2, 0},
		{math.Inf(1), 0},
		{0.5, 6},
		{0.1, 20},
		{0.01, 40},
		{1e-6, 120},
		{1e-9, 127},
		{math.SmallestNonzeroFloat64, 127},
		{0, headerext.Silence},
		{-1, headerext.Silence},
		{math.NaN(), headerext.Silence},
	} {
		if got := headerext.LevelOf(c.rms); got != c.want {
			t.Errorf("rms %g: level %d, want %d", c.rms, got, c.want)
		}
	}
}

// RFC 6464 §4: the V bit is in use unless vad=off.
func TestVoiceAttribute(t *testing.T) {
	uri := headerext.AudioLevel.URI()
	for line, want := range map[string]bool{"6 " + uri: true, "6 " + uri + " vad=on": true, "6 " + uri + " vad=off": false, "6 urn:x vad=on": false} {
		if got := newMap(t, false, line).Voice(6); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

// RFC 6465 §3, §4: a level for each CSRC in their order, at most 15.
func TestMixerLevels(t *testing.T) {
	levels := []uint8{0, 30, 127, 200, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	for n := 1; n <= 16; n++ {
		data := make([]byte, n)
		headerext.PutMixerLevels(data, levels[:n])
		for csrcs := range 18 {
			got, ok := headerext.ReadMixerLevels(nil, data, csrcs)
			if want := csrcs == n && n <= headerext.MaxMixerLevels; ok != want {
				t.Fatalf("%d levels for %d CSRCs: %v", n, csrcs, ok)
			}
			if !ok {
				continue
			}
			for i := range got {
				if got[i] != min(levels[i], 127) {
					t.Fatalf("level %d is %d, want %d", i, got[i], levels[i])
				}
			}
		}
	}
	if got, _ := headerext.ReadMixerLevels(nil, []byte{0x85}, 1); got[0] != 5 {
		t.Errorf("the unused bit isn't ignored: %d", got[0])
	}
}

// RFC 9143 §15.2: UTF-8; RFC 8852 §3: letters and digits only.
func TestSDES(t *testing.T) {
	for _, c := range []struct {
		text     string
		mid, rid bool
	}{
		{"0", true, true},
		{"Video1", true, true},
		{"vidéo", true, false},
		{"a-b", true, false},
		{"\xff", false, false},
		{"", false, false},
	} {
		b := make([]byte, len(c.text))
		headerext.PutText(b, c.text)
		if got, ok := headerext.ReadMID(b); ok != c.mid || ok && string(got) != c.text {
			t.Errorf("%q as MID: %q, %v", c.text, got, ok)
		}
		if got, ok := headerext.ReadRID(b); ok != c.rid || ok && string(got) != c.text {
			t.Errorf("%q as RID: %q, %v", c.text, got, ok)
		}
	}
	if headerext.ValidRID(string(bytes.Repeat([]byte{'a'}, 256))) {
		t.Error("a RID of 256 octets is valid")
	}
}

func TestOrientation(t *testing.T) {
	var b [1]byte
	for v := range 16 {
		b[0] = byte(v)
		o, ok := headerext.ReadOrientation(b[:])
		if !ok || o.BackCamera != (v&8 != 0) || o.Flipped != (v&4 != 0) || int(o.Turns) != v&3 {
			t.Errorf("%#x: %+v", v, o)
		}
		b[0] = 0
		if headerext.PutOrientation(b[:], o); int(b[0]) != v {
			t.Errorf("%+v is written as %#x, want %#x", o, b[0], v)
		}
	}
	b[0] = 0xf1
	if o, ok := headerext.ReadOrientation(b[:]); !ok || o != (headerext.Orientation{Turns: 1}) {
		t.Errorf("upper bits aren't ignored: %+v", o)
	}
}

func TestCaptureTimeAndPlayoutDelay(t *testing.T) {
	var b [16]byte
	headerext.PutCaptureTime(b[:8], 0x0102030405060708, 99)
	if at, _, has, ok := headerext.ReadCaptureTime(b[:8]); at != 0x0102030405060708 || has || !ok || b[15] != 0 {
		t.Errorf("%x, %v, %v", uint64(at), has, ok)
	}
	headerext.PutCaptureTime(b[:], 1, -3<<32)
	if at, offset, has, ok := headerext.ReadCaptureTime(b[:]); at != 1 || offset != -3<<32 || !has || !ok {
		t.Errorf("%x, %d, %v, %v", uint64(at), offset, has, ok)
	}
	headerext.PutPlayoutDelay(b[:3], 20*time.Millisecond, time.Minute)
	least, most, ok := headerext.ReadPlayoutDelay(b[:3])
	if least != 20*time.Millisecond || most != 40950*time.Millisecond || !ok {
		t.Errorf("%v to %v", least, most)
	}
	p := rtp.PlayoutDelayExtension{MinDelay: 2, MaxDelay: 4095}
	if other, err := p.Marshal(); err != nil || !bytes.Equal(other, b[:3]) {
		t.Errorf("%x, pion/rtp writes %x", b[:3], other)
	}
}
