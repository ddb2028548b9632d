package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// frames runs a scenario and returns sizes and times of the frames that S1 makes.
func frames(t *testing.T, s *scenarios.Scenario) (sizes []units.Bytes, at []simtime.Time) {
	t.Helper()
	sim := build(t, s)
	sim.OnEvent(func(e endpoints.Event) {
		if e.Kind == endpoints.FrameEncoded {
			sizes, at = append(sizes, e.Size), append(at, e.At)
		}
	})
	play(t, sim, s)
	return sizes, at
}

func readFrames(t *testing.T) *encoder.Trace {
	t.Helper()
	f, err := os.Open(library + "endpoints/synthetic.frames")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tr, err := encoder.ReadTrace(f)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func differ(a, b units.Bytes) bool { return a-b > 1 || b-a > 1 }

// Frames of the trace-driven model are those of the file at the rate in use, one after
// the other in equal intervals (RFC 8593 §6); in the hybrid model intervals vary, and
// after a change of rate K_d frames are none of the file (§7).
func TestEncodersWithTraces(t *testing.T) {
	const top = 3 // 1.2 Mbit/s
	want := readFrames(t).Rungs[top].Sizes
	r := load(t, library+"endpoints/trace-driven.yaml")[0]
	got, at := frames(t, r.Scenario)
	for i := range 400 {
		if differ(got[i], want[i]) {
			t.Fatalf("frame %d has %v, %v in the file", i, got[i], want[i])
		}
		if i > 0 && at[i].Sub(at[i-1]) != 40*time.Millisecond {
			t.Fatalf("%v between frames", at[i].Sub(at[i-1]))
		}
	}

	r = load(t, library+"endpoints/hybrid-encoder.yaml", "media.0.encoder.key-interval=0s", "seed=1")[0]
	got, at = frames(t, r.Scenario)
	intervals := map[time.Duration]bool{}
	changed := 0
	for i := 1; at[i] < simtime.At(20*time.Second); i++ {
		if differ(got[i], want[i]) {
			t.Fatalf("frame %d has %v, %v in the file", i, got[i], want[i])
		}
		intervals[at[i].Sub(at[i-1])], changed = true, i+1
	}
	if len(intervals) < 300 {
		t.Errorf("only %d different intervals", len(intervals))
	}
	for !differ(got[changed], want[changed]) { // the request is on its way
		changed++
	}
	if mean := (600 * units.Kbps).BytesIn(40 * time.Millisecond); got[changed] < mean*5/2 || got[changed+1] > mean*9/10 {
		t.Errorf("%v and %v after the change, the mean is %v", got[changed], got[changed+1], mean)
	}
}

// What is wrong with a file of frames is told with its line and the scenario's place.
func TestBrokenFrameFiles(t *testing.T) {
	yaml, err := os.ReadFile(library + "endpoints/trace-driven.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{
		"1\n2\n": `broken.frames, line 1: this is no trace of frame sizes`,
		"rtpfabric-frame-sizes 1\nfps 25\nskip 0\nrates 1Mbps 2Mbps\nsizes 1x1 1x1\nframes\n1 x\n": `broken.frames, line 7: "x" is no size of a frame; write octets`,
		"rtpfabric-frame-sizes 1\nfps 25\nskip 0\nrates 1Mbps 1Mbps\n":                             `line 4: 1Mbps: rates must be positive and rise`,
		"": "line 1",
	} {
		dir := t.TempDir()
		for name, data := range map[string][]byte{
			"broken.frames": []byte(content), "s.yaml": []byte(strings.ReplaceAll(string(yaml), "synthetic.frames", "broken.frames")),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := scenarios.Load(filepath.Join(dir, "s.yaml"), scenarios.Options{Catalogue: runner.Catalogue{}})
		if err == nil || !strings.Contains(err.Error(), "s.yaml:21:42: media.0.encoder.file: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %q", content, err, want)
		}
	}
	for set, want := range map[string]string{
		"media.0.encoder={model: hybrid}":                        `media.0.encoder.file: is missing`,
		"media.0.encoder={model: hybrid, file: nothing}":         `no such file`,
		"media.0.encoder={model: hybrid, file: .}":               `is no regular file`,
		"media.0.encoder={model: statistical, file: a}":          `an encoder of type statistical has no such field`,
		"media.0.encoder={model: trace, file: synthetic.frames}": `possible values are statistical, trace-driven, hybrid, perfect`,
	} {
		_, err := scenarios.Load(library+"endpoints/trace-driven.yaml", scenarios.Options{Set: []string{set}, Catalogue: runner.Catalogue{}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want %q", set, err, want)
		}
	}
}
