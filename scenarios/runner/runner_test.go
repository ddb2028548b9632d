package runner_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

const (
	library    = "../"
	quickstart = library + "quickstart.yaml"
	case51     = library + "rfc8867/5.1-variable-capacity.yaml"
)

func load(t testing.TB, path string, set ...string) []*scenarios.Run {
	t.Helper()
	f, err := scenarios.Load(path, scenarios.Options{Set: set, Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	return f.Runs
}

func run(t testing.TB, r *scenarios.Run) *record.Record {
	t.Helper()
	rec, err := runner.Run(context.Background(), r, runner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// long skips a test with -short, as CI runs tests with the race detector and as arm64 programs, where they
// take ten times as long. They have no goroutine of their own.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes long: go test without -short runs it")
	}
}

// few returns the cases of a test, and with -short the first n of them.
func few[T any](n int, cases ...T) []T {
	if testing.Short() {
		return cases[:min(n, len(cases))]
	}
	return cases
}

// build returns the simulation of a scenario, for tests that watch it themselves.
func build(t testing.TB, s *scenarios.Scenario) *topologies.Simulation {
	t.Helper()
	c, err := runner.Config(s)
	if err != nil {
		t.Fatal(err)
	}
	sim, err := topologies.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	return sim
}

// play runs such a simulation to its end.
func play(t testing.TB, sim *topologies.Simulation, s *scenarios.Scenario) {
	t.Helper()
	if err := sim.Run(context.Background(), simtime.At(s.Duration)); err != nil {
		t.Fatal(err)
	}
}

func one(t testing.TB, path string, set ...string) *record.Record {
	t.Helper()
	runs := load(t, path, set...)
	if len(runs) != 1 {
		t.Fatalf("%s has %d runs", path, len(runs))
	}
	return run(t, runs[0])
}

const forward = "network.links.bottleneck.forward.delay=50ms"

// pinned are digests that may only change together with a reason in the
// CHANGELOG. They hold on every architecture.
var pinned = []struct {
	path, digest string
	set          []string
}{
	{quickstart, "876af73b6840ce3bfdfebd75db87e6c5", nil},
	{case51, "69392995cd2f39ac343ce0531da0027f", []string{"seed=1", forward}},
	{case51, "ed5abc2d884696abdb324dab4863799e", []string{"seed=1", forward, "congestion.feedback=twcc"}},
	{library + "testdata/determinism/everything.yaml", "16ebfe1d8a6713f517d92ede56a9f02a", nil},
	{badPaths, "a74bb2a4b1dc465c90115205113159b2", nil},
	{library + "feedback/e01-feedback-budget.yaml", "8cc8ee8f0379b65693c440b51eb5930f", []string{"seed=1"}},
}

func TestPinnedDigests(t *testing.T) {
	t.Parallel()
	for _, p := range pinned {
		if got := one(t, p.path, p.set...).Manifest.Digest; got != p.digest {
			t.Errorf("%s %v: digest %s, want %s", p.path, p.set, got, p.digest)
		}
	}
}

func TestSameSeedSameDigest(t *testing.T) {
	first := one(t, quickstart).Manifest.Digest
	old := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(old)
	if again := one(t, quickstart).Manifest.Digest; again != first {
		t.Errorf("digests %s and %s", first, again)
	}
	if other := one(t, quickstart, "seed=2").Manifest.Digest; other == first {
		t.Error("another seed gives the same digest")
	}
}

// Progress reports split a run into parts, which must not change it.
func TestProgressChangesNothing(t *testing.T) {
	r := load(t, quickstart)[0]
	var last float64
	rec, err := runner.Run(context.Background(), r, runner.Options{Progress: func(done float64) {
		if done <= last {
			t.Errorf("progress went from %v to %v", last, done)
		}
		last = done
	}})
	if err != nil || last != 1 {
		t.Fatalf("%v, progress ended at %v", err, last)
	}
	if want := run(t, r).Manifest.Digest; rec.Manifest.Digest != want {
		t.Error("a run with progress has another digest")
	}
}

// size-only adds the same octets as SRTP: every packet has the same size, time
// and clear header.
func TestSizeOnlyHasTheDigestOfFull(t *testing.T) {
	t.Parallel()
	for _, feedback := range []string{"rfc8888", "twcc", "remb", "ecn"} {
		set := []string{"congestion.feedback=" + feedback, "congestion.controller=" + controllerFor(feedback)}
		full := one(t, quickstart, append(set, "protection=full")...)
		size := one(t, quickstart, append(set, "protection=size-only")...)
		none := one(t, quickstart, append(set, "protection=none")...)
		if full.Manifest.Digest != size.Manifest.Digest {
			t.Errorf("%s: digests of full and size-only differ", feedback)
		}
		if full.Manifest.Digest == none.Manifest.Digest {
			t.Errorf("%s: sending in the clear makes no difference", feedback)
		}
	}
}

func TestInterruptedRunIsMarked(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r := load(t, case51, "seed=1", forward)[0]
	rec, err := runner.Run(ctx, r, runner.Options{Progress: func(done float64) {
		if done > 0.3 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if rec.Manifest.Status != record.Incomplete || rec.Manifest.Reached >= rec.Manifest.Duration {
		t.Errorf("status %s, reached %v", rec.Manifest.Status, rec.Manifest.Reached)
	}
	if rec.Passed() {
		t.Error("a run that saw a third of its time passed")
	}
	if errors.Is(ctx.Err(), context.Canceled) == false || len(rec.Series) == 0 {
		t.Error("nothing was recorded")
	}
}

// RFC 8867 §5.1 with NADA, both delays, ten seeds; and the broken controller,
// which must fail what NADA passes.
func TestVariableCapacity(t *testing.T) {
	long(t)
	t.Parallel()
	for _, path := range []string{case51, library + "rfc8867/5.1-wide-range.yaml"} {
		for _, r := range load(t, path, "protection=size-only") {
			rec := run(t, r)
			for _, v := range rec.Verdicts {
				if !v.Pass {
					t.Errorf("%s %s: %s: %v %s %s", filepath.Base(path), r.Name, v.Expectation, v.Value, v.Unit, v.Problem)
				}
			}
		}
		failed := map[string]bool{}
		for _, r := range load(t, path, "protection=size-only", "congestion.controller=never-back-off",
			"congestion.parameters={}", "seed=1") {
			rec := run(t, r)
			if rec.Passed() {
				t.Errorf("%s %s: the broken controller passes", filepath.Base(path), r.Name)
			}
			for _, v := range rec.Verdicts {
				if !v.Pass {
					failed[strings.Fields(v.Expectation)[0]] = true
				}
			}
		}
		if !failed["loss"] || !failed["queue-delay-p95"] {
			t.Errorf("%s: the broken controller fails only %v", filepath.Base(path), failed)
		}
	}
}

// conformance: CC-7.3-3
func TestFeedbackBudget(t *testing.T) {
	long(t)
	t.Parallel()
	meetEverything(t, "feedback")
	// An endpoint with twice the bandwidth must not pass.
	if one(t, library+"feedback/e01-feedback-budget.yaml", "seed=1", "rtcp.bandwidth=1024kbps").Passed() {
		t.Error("the expectation doesn't notice twice the RTCP")
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	meetEverything(t, "endpoints")
}

// meetEverything runs every scenario of a folder of the library, or with -short a few of
// them: race detector and emulation are slow, and CI runs the library itself as well.
func meetEverything(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(library + folder + "/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	for i, path := range files {
		if testing.Short() && i%10 != 0 {
			continue
		}
		for _, r := range load(t, path) {
			for _, v := range run(t, r).Verdicts {
				if v.Failed() {
					t.Errorf("%s %s: %s: %v", filepath.Base(path), r.Name, v.Expectation, v.Value)
				}
			}
		}
	}
}

func TestRecordHoldsWhatWasMeasured(t *testing.T) {
	rec := one(t, quickstart)
	for _, want := range []struct{ entity, metric string }{
		{"bottleneck/forward", record.Capacity},
		{"bottleneck/forward", record.QueueDelay},
		{"S1/video", record.SendRate},
		{"S1/video", record.EncoderGoal},
		{"S1/video", record.FrameDelay},
		{"S1/audio", record.OneWayDelay},
		{"S1-R1", record.Target},
		{"S1-R1", record.RTT},
		{"S1", record.RTCPRate},
		{"R1", record.RTCPShare},
	} {
		s := rec.Find(want.entity, want.metric)
		if s == nil || len(s.Values) != 100 {
			t.Errorf("no series %v of 100 bins", want)
			continue
		}
		seen := false
		for _, v := range s.Values {
			seen = seen || !math.IsNaN(v) && v > 0
		}
		if !seen {
			t.Errorf("series %v is empty", want)
		}
	}
	capacity := rec.Find("bottleneck/forward", record.Capacity).Values
	if capacity[49] != 1e6 || capacity[50] != 5e5 || capacity[75] != 1e6 {
		t.Errorf("capacity around the steps: %v %v %v", capacity[49], capacity[50], capacity[75])
	}
}

// The sender's, the network's and the receiver's counts agree.
func TestCountsAgree(t *testing.T) {
	rec := one(t, quickstart)
	get := func(entity, metric string) float64 { return totalOf(t, rec, entity, metric) }
	for _, flow := range []string{"S1/video", "S1/audio"} {
		sent, got, lost := get(flow, "packets-sent"), get(flow, "packets-received"), get(flow, "packets-lost")
		if inFlight := sent - got - lost; inFlight < 0 || inFlight > 60 {
			t.Errorf("%s: %v sent, %v received, %v lost", flow, sent, got, lost)
		}
		frames := get(flow, "frames-rendered") + get(flow, "frames-late") + get(flow, "frames-incomplete")
		if encoded := get(flow, "frames-encoded"); frames > encoded || frames < 0.7*encoded {
			t.Errorf("%s: %v frames encoded, %v accounted for", flow, encoded, frames)
		}
	}
}

func TestControllerThatCannotBeBuilt(t *testing.T) {
	f, err := scenarios.Load(quickstart, scenarios.Options{Set: []string{"congestion.parameters={rmin: 2Mbps, rmax: 1Mbps}"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runner.Run(context.Background(), f.Runs[0], runner.Options{}); err == nil || !strings.Contains(err.Error(), "rmin") {
		t.Errorf("error %v", err)
	}
}

func TestCaptureFolderMissing(t *testing.T) {
	_, err := runner.Run(context.Background(), load(t, quickstart)[0],
		runner.Options{CaptureDir: filepath.Join(t.TempDir(), "no"), CaptureFormat: "pdu"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// Clocks differ by whatever they like: no packet may change. RFC 8888 counts in
// parts of a second, transport-wide feedback from the last multiple of 64 ms, which
// makes its first delta longer or shorter: so by multiples of 8 s.
func TestClockOffsetChangesNothing(t *testing.T) {
	t.Parallel()
	for _, feedback := range few(2, "rfc8888", "twcc", "remb", "ecn") {
		base := []string{"congestion.feedback=" + feedback, "congestion.controller=" + controllerFor(feedback)}
		want := one(t, quickstart, base...).Manifest.Digest
		for _, offset := range few(1, "1h", "-8s", "-1h") {
			set := append(slices.Clone(base), "endpoints.R1.clock-offset="+offset)
			if got := one(t, quickstart, set...).Manifest.Digest; got != want {
				t.Errorf("%s, the receiver's clock off by %s: digest %s, otherwise %s", feedback, offset, got, want)
			}
		}
	}
}

// A stream that hasn't started leaves its share to those that have.
func TestStreamThatHasNotStarted(t *testing.T) {
	rate := func(set ...string) float64 {
		var sum float64
		for _, v := range one(t, quickstart, append(set, "expect=[]")...).Find("S1/video", record.SendRate).Values[30:50] {
			sum += v / 20
		}
		return sum
	}
	second := "media.1={from: S1, kind: video, name: second, start: 19s}"
	first, alone := "media.0={from: S1, kind: video}", "media.1={from: S1, kind: audio, start: 19s}"
	with, without := rate(first, second), rate(first, alone)
	if with < 0.8*without {
		t.Errorf("%.0f bit/s beside a stream that hasn't started, %.0f without it", with, without)
	}
}

// A picture that never moves again is the worst freeze, and counts.
func TestFreezeUntilTheEnd(t *testing.T) {
	rec := one(t, quickstart, "network.links.bottleneck.schedule=[{at: 10s, forward: {rate: 0bps}}]",
		"expect=[{metric: freeze-time, flow: S1/video, during: 11s..20s, max: 100ms}]")
	if rec.Passed() {
		t.Error("ten seconds without a picture are no freeze")
	}
	frozen := rec.Find("S1/video", record.FreezeTime).Values
	if got := frozen[80]; math.Abs(got-200) > 1 {
		t.Errorf("a bin of the freeze has %v ms of 200", got)
	}
}

// Bandwidth that makes RTCP's interval vanish must not make time stand still.
func TestAbsurdRTCPBandwidth(t *testing.T) {
	one(t, quickstart, "duration=50ms", "rtcp={bandwidth: 1000Gbps, fraction: 100%}", "expect=[]",
		"network.links.bottleneck.schedule=[]")
}

// Controllers and feedback have to go together, either way.
func TestFeedbackIsChecked(t *testing.T) {
	for _, c := range []struct{ controller, feedback, want string }{
		{"gcc", "remb", "controller gcc needs feedback about every packet; write rfc8888 or twcc"},
		{"nada", "none", "controller nada needs feedback about every packet; write rfc8888 or twcc"},
		{"fixed", "remb", "controller fixed has no half at the receiver that could make estimates; write rfc8888, twcc, ecn or none, or another controller such as remb"},
		{"rr-loss", "remb", "controller rr-loss has no half at the receiver"},
		{"remb", "rfc8888", "controller remb needs the receiver's estimate (REMB); write remb"},
		{"remb", "none", "controller remb needs the receiver's estimate (REMB); write remb"},
		{"nada", "ecn", "controller nada needs feedback about every packet; write rfc8888 or twcc"},
		{"tfrc", "ecn", "controller tfrc needs feedback about every packet; write rfc8888 or twcc"},
		{"remb", "ecn", "controller remb needs the receiver's estimate (REMB); write remb"},
		{"rr-loss", "ecn", ""},
		{"remb", "remb", ""},
		{"fixed", "none", ""},
	} {
		_, err := scenarios.Load(quickstart, scenarios.Options{
			Set: []string{"congestion={controller: " + c.controller + ", feedback: " + c.feedback + "}"}, Catalogue: runner.Catalogue{},
		})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), "congestion.feedback: "+c.want) {
			t.Errorf("%s with %s: error %v, want %q", c.controller, c.feedback, err, c.want)
		}
	}
}

// What can't be run is refused when the file is read, with its place.
func TestSettingsAreCheckedTogether(t *testing.T) {
	_, err := scenarios.Load(quickstart, scenarios.Options{
		Set: []string{"congestion.parameters={rmin: 5Mbps}"}, Catalogue: runner.Catalogue{},
	})
	if err == nil || !strings.Contains(err.Error(), "congestion.parameters: ") || !strings.Contains(err.Error(), "rmin 5Mbps is larger than rmax") {
		t.Errorf("error %v", err)
	}
}
