package encoder_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/rng"
)

const good = `rtpfabric-frame-sizes 1
# of no particular video

fps 30
skip 1
rates 200kbps 400kbps
sizes 640x360 1280x720
frames
5000 9000
400 900
  450   850
`

func TestReadTrace(t *testing.T) {
	trace, err := encoder.ReadTrace(strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	want := "&{30 1 [{200kbps 640 360 [5000B 400B 450B]} {400kbps 1280 720 [9000B 900B 850B]}]}"
	if got := fmt.Sprint(trace); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What is written is read again.
func TestTraceRoundTrip(t *testing.T) {
	trace, err := encoder.Synthesize(encoder.SyntheticTrace{FPS: 29.97}, rng.New(1).Stream("trace"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	n, err := trace.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatal(n, err)
	}
	again, err := encoder.ReadTrace(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(trace) != fmt.Sprint(again) {
		t.Error("what is read isn't what was written")
	}
}

// Every error names its line and what is wrong.
func TestTraceErrors(t *testing.T) {
	for _, c := range []struct {
		from, to string
		line     int
		reason   string
	}{
		{"rtpfabric-frame-sizes 1", "rtpfabric-frame-sizes 2", 1, "first line"},
		{good, "", 1, "first line"},
		{"fps 30", "fps thirty", 4, "frame rate"},
		{"fps 30", "fps 30 25", 4, "frame rate"},
		{"fps 30", "fps NaN", 11, "frame rate"},
		{"fps 30", "rate 30", 4, `"rate" where "fps"`},
		{"skip 1\n", "", 5, `"rates" where "skip"`},
		{"skip 1", "skip -1", 5, "number of frames"},
		{"skip 1", "skip 3", 11, "nothing is left"},
		{"400kbps", "200kbps", 6, "rise"},
		{"400kbps", "0kbps", 6, "rise"},
		{"400kbps", "400", 6, "not a bit rate"},
		{" 400kbps", "", 6, "two or more"},
		{" 1280x720", "", 7, "1 picture sizes for 2"},
		{"1280x720", "1280", 7, "picture size"},
		{"1280x720", "1280x0", 7, "picture size"},
		{"frames", "frames 3", 8, "next line"},
		{"400 900", "400", 10, "1 sizes for 2"},
		{"400 900", "400 900 1", 10, "3 sizes for 2"},
		{"400 900", "400 0", 10, "no size"},
		{"400 900", "400 -9", 10, "no size"},
		{"400 900", "400 1e3", 10, "no size"},
		{"400 900", "400 1000001", 10, "no size"},
		{"5000 9000\n400 900\n  450   850\n", "", 8, "nothing is left"},
		{"frames\n5000 9000\n400 900\n  450   850\n", "", 7, "ends before"},
		{"400 900", strings.Repeat("1", 1<<20+10), 10, "longer"},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		_, err := encoder.ReadTrace(strings.NewReader(text))
		var e *encoder.TraceError
		if !errors.As(err, &e) || e.Line != c.line || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%q for %q: %v, want line %d, %q", c.to, c.from, err, c.line, c.reason)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the disk is broken") }

func TestTraceReadError(t *testing.T) {
	if _, err := encoder.ReadTrace(broken{}); err == nil || !strings.Contains(err.Error(), "disk") {
		t.Errorf("%v", err)
	}
}

func FuzzReadTrace(f *testing.F) {
	f.Add(good)
	f.Add("rtpfabric-frame-sizes 1\nfps 1")
	f.Fuzz(func(t *testing.T, text string) {
		trace, err := encoder.ReadTrace(strings.NewReader(text))
		if err != nil {
			return
		}
		if err := trace.Check(); err != nil {
			t.Fatal(err)
		}
		e := encoder.NewTraceDriven(wide, trace, 0)
		for _, f := range take(e, 100) {
			if f.Size < 1 {
				t.Fatalf("%+v", f)
			}
		}
	})
}
