package gym_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/scenarios/runner/gym"
	"rtpfabric/sim/record"
)

func TestEpisode(t *testing.T) {
	e := environment(t, gym.Config{Path: write(t, call)})
	list := converse(t, e, one(anyReset, backingOff()))
	first, last := &list[0], &list[len(list)-1]
	if first.Type != "reset" || first.Info.Seed != 1 || first.Info.Limits.Max < 2_000_000 || first.Info.Now < 1e8 {
		t.Errorf("first reply %+v", first)
	}
	news, sum := 0, 0.0
	for i, a := range list {
		spec := e.Spec()
		for j, f := range spec.Observation {
			if v := a.Observation[j]; !(v >= f.Low && v <= f.High) {
				t.Errorf("step %d: %s is %v, not %v to %v", i, f.Name, v, f.Low, f.High)
			}
		}
		if i > 1 && i < len(list)-1 && a.Info.Now-list[i-1].Info.Now != 1e8 {
			t.Errorf("step %d ends at %d, after %d", i, a.Info.Now, list[i-1].Info.Now)
		}
		if a.Observation[9] > 0 {
			news++
		}
		sum += a.Reward
		if a.ended() != (i == len(list)-1) {
			t.Errorf("reply %d of %d: %+v", i, len(list), a)
		}
	}
	if news < len(list)/2 || sum <= 0 {
		t.Errorf("%d of %d steps have news, return %v", news, len(list), sum)
	}
	if last.Terminated || last.Info.Now != 3e9 {
		t.Errorf("last reply %+v", last)
	}
	if end := last.end(t); end.Digest == "" || len(end.Verdicts) != 1 || end.Record != "" {
		t.Errorf("end %+v", end)
	}
}

// Invariant 1, of agents: the same seed and the same actions are the same run.
func TestSameActionsSameEpisode(t *testing.T) {
	path := write(t, call)
	episode := func(reset string, act func(*answer) float64) []answer {
		list := converse(t, environment(t, gym.Config{Path: path}), one(reset, act))
		list[0].Info.Episode = nil
		return list
	}
	first := episode(`{"type":"reset","seed":7}`, backingOff())
	if again := episode(`{"type":"reset","seed":7}`, backingOff()); !reflect.DeepEqual(first, again) {
		t.Error("the same seed and actions give another episode")
	}
	digest := func(list []answer) string { return list[len(list)-1].end(t).Digest }
	if other := episode(`{"type":"reset","seed":8}`, backingOff()); digest(other) == digest(first) {
		t.Error("another seed gives the same digest")
	}
	if other := episode(`{"type":"reset","seed":7}`, steady(300e3)); digest(other) == digest(first) {
		t.Error("other actions give the same digest")
	}
}

// A reset in the middle of an episode, several in a row, refused commands and the end of
// input leave no trace.
func TestResetInTheMiddle(t *testing.T) {
	path := write(t, call)
	seven := `{"type":"reset","seed":7}`
	want := converse(t, environment(t, gym.Config{Path: path}), one(seven, backingOff()))
	before := runtime.NumGoroutine()
	lines := []string{
		act(1), `{"type":"hello"}`, anyReset, act(9e5), act(9e5), anyReset, anyReset, act(5e5),
		`rubbish`, `{"type":"reset","options":{"variation":1}}`, `{"type":"reset","options":{"set":["media=none"]}}`, act(2e5), act(2e5),
	}
	play := one(seven, backingOff())
	after := []string{anyReset, act(3e5)}
	played := false
	kept := 0
	e := environment(t, gym.Config{Path: path, Keep: func(gym.Episode) (string, error) {
		kept++
		return "there", nil
	}})
	list := converse(t, e, func(last *answer) string {
		if len(lines) > 0 {
			line := lines[0]
			lines = lines[1:]
			return line
		}
		if !played {
			if line := play(last); line != "" {
				return line
			}
			played = true
		}
		if len(after) == 0 {
			return ""
		}
		line := after[0]
		after = after[1:]
		return line
	})
	var types []string
	for _, a := range list[:13] {
		types = append(types, a.Type)
	}
	if got := strings.Join(types, " "); got != " spec reset step step reset reset step    step step" {
		t.Errorf("types of replies %q", got)
	}
	for i := range want {
		got, want := list[13+i], want[i]
		if want.Info.Episode, got.Info.Episode = nil, nil; i == len(list)-1 || !reflect.DeepEqual(got, want) {
			t.Fatalf("reply %d is %+v, want %+v", i, got, want)
		}
	}
	got, first := list[12+len(want)].end(t), want[len(want)-1].end(t)
	if got.Digest != first.Digest || got.Record != "there" || kept != 1 {
		t.Errorf("end %+v, want %+v; %d records", got, first, kept)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

// Without a seed each episode has the next one.
func TestSeedsFollow(t *testing.T) {
	lines := []string{anyReset, anyReset, `{"type":"reset","seed":40}`, anyReset, `{"type":"reset","options":{"set":["x=1"]}}`, anyReset}
	n := 0
	var seeds []uint64
	for _, a := range converse(t, environment(t, gym.Config{Path: write(t, call), Set: []string{"seed=5"}}), func(*answer) string {
		if n++; n > len(lines) {
			return ""
		}
		return lines[n-1]
	}) {
		seeds = append(seeds, a.Info.Seed)
	}
	if fmt.Sprint(seeds) != "[5 6 40 41 0 42]" {
		t.Errorf("seeds %v", seeds)
	}
}

// The default reward tells who is fit for a network, and how bad it is to send as fast as
// one can.
func TestRewardTellsAgentsApart(t *testing.T) {
	earns := func(act func(*answer) float64) (sum float64) {
		for _, a := range converse(t, environment(t, gym.Config{Path: "../../quickstart.yaml"}), one(anyReset, act)) {
			sum += a.Reward
		}
		return sum
	}
	sensible, stubborn, timid := earns(backingOff()), earns(steady(1.6e6)), earns(steady(1))
	if sensible < stubborn+100 || sensible < timid+20 || stubborn > timid {
		t.Errorf("who backs off earns %.1f, who never does %.1f, who never tries %.1f", sensible, stubborn, timid)
	}
}

// Actions are held between the limits of the media.
func TestActionsAreHeld(t *testing.T) {
	for _, c := range []struct{ action, low, high float64 }{{1, 1e5, 2e5}, {1e12, 2e6, 3e6}, {3e5, 3e5, 3e5}} {
		list := converse(t, environment(t, gym.Config{Path: write(t, call)}), one(anyReset, steady(c.action)))
		if target := float64(list[5].Info.Target); target < c.low || target > c.high || target != list[5].Observation[0] {
			t.Errorf("action %v is applied as %v, and observed as %v", c.action, target, list[5].Observation[0])
		}
	}
}

// Weights of a reset hold for its episode.
func TestWeights(t *testing.T) {
	list := converse(t, environment(t, gym.Config{Path: write(t, call)}),
		one(`{"type":"reset","options":{"weights":{"rate":0,"loss":0,"delay":1}}}`, steady(8e5)))
	for i, a := range list[1:] {
		if want := -a.Info.Parts.Delay; a.Reward > want+1e-12 || a.Reward < want-1e-12 {
			t.Errorf("step %d: reward %v for parts %+v", i, a.Reward, a.Info.Parts)
		}
	}
}

// An agent whose session ends before the run is told so.
func TestTermination(t *testing.T) {
	leaving := strings.Replace(two(), "S1: {at: A}", "S1: {at: A, leaves: 2s}", 1)
	list := converse(t, environment(t, gym.Config{Path: write(t, leaving)}), one(anyReset, steady(3e5)))
	last := &list[len(list)-1]
	if !last.Terminated || last.Truncated || len(list) < 15 || len(list) > 22 {
		t.Errorf("%d replies, the last %+v", len(list), last)
	}
}

// An agent trains against the scenario's controllers, and records say who it was.
func TestCompetition(t *testing.T) {
	var rec *record.Record
	c := gym.Config{Path: write(t, two()), Session: "S2-R2", Keep: func(e gym.Episode) (string, error) {
		rec = e.Record
		return "", nil
	}}
	e := environment(t, c)
	if names := e.Spec().Sessions; fmt.Sprint(names) != "[S1-R1 S2-R2]" {
		t.Errorf("sessions %v", names)
	}
	converse(t, e, one(anyReset, steady(200e3)))
	for flow, want := range map[string]string{"S1/video": "nada", "S2/video": "agent"} {
		for _, f := range rec.Manifest.Topology.Flows {
			if f.Name == flow && f.Controller != want {
				t.Errorf("%s is controlled by %s, want %s", flow, f.Controller, want)
			}
		}
	}
	targets := func(session string) (list []float64) {
		return append(list, rec.Find(session, record.Target).Values[5:]...)
	}
	if s := targets("S2-R2"); s[0] != s[len(s)-1] {
		t.Errorf("the agent's targets %v", s)
	}
	if s := targets("S1-R1"); s[0] == s[len(s)-1] {
		t.Errorf("the controller's targets %v", s)
	}
}

// Variations are the combinations of the axes, without that of the seed.
func TestVariations(t *testing.T) {
	matrix := call + `
matrix:
  network.links.bottleneck.delay: [20ms, 100ms]
  media.0.encoder.max: [1Mbps, 2Mbps]
  seed: {from: 3, count: 10}
`
	e := environment(t, gym.Config{Path: write(t, matrix)})
	spec := e.Spec()
	if len(spec.Variations) != 4 || spec.Seed != 3 || spec.Action.High < 2e6 || spec.Variations[2].Settings[0].Value != "100ms" {
		t.Errorf("spec %+v", spec)
	}
	list := converse(t, e, one(`{"type":"reset","options":{"variation":2}}`, steady(1e12)))
	if i := &list[0].Info; i.Variation != 2 || i.Name != spec.Variations[2].Name || i.Limits.Max > 1.5e6 || i.Seed != 3 {
		t.Errorf("info %+v", i)
	}
	if rtt := list[10].Observation[5]; rtt < 0.2 {
		t.Errorf("a round trip takes %v s", rtt)
	}
	if target := list[10].Info.Target; target != list[0].Info.Limits.Max {
		t.Errorf("target %d, of %d", target, list[0].Info.Limits.Max)
	}
}

// An episode says all that was set, in an order that gives the same scenario again: the
// variation comes before --set, as it does in other runs, and the reset's settings last.
func TestEpisodesSayWhatWasSet(t *testing.T) {
	const delay, axis = "network.links.bottleneck.delay", "congestion={controller: gcc, feedback: twcc}"
	matrix := call + `
matrix:
  congestion: [{controller: nada}, {controller: gcc, feedback: twcc}]
  network.links.bottleneck.delay: [20ms, 40ms]
`
	var kept []gym.Episode
	c := gym.Config{Path: write(t, matrix), Set: []string{"congestion.interval=50ms"}, Keep: func(e gym.Episode) (string, error) {
		kept = append(kept, e)
		return "", nil
	}}
	e := environment(t, c)
	converse(t, e, one(`{"type":"reset","options":{"variation":2,"set":["`+delay+` = 70ms","media.0.encoder.max=2Mbps"]}}`, steady(3e5)))
	converse(t, e, one(`{"type":"reset","seed":1,"options":{"variation":2}}`, steady(3e5)))
	if len(kept) != 2 {
		t.Fatalf("%d episodes", len(kept))
	}
	want := []string{axis, delay + "=20ms", "congestion.interval=50ms", delay + " = 70ms", "media.0.encoder.max=2Mbps"}
	if !slices.Equal(kept[0].Set, want) {
		t.Errorf("set %q", kept[0].Set)
	}
	m := kept[0].Record.Manifest
	if got := fmt.Sprint(m.Variation); got != "[{congestion {controller: gcc, feedback: twcc}} {"+delay+" 70ms} {media.0.encoder.max 2Mbps}]" {
		t.Errorf("variation %s", got)
	}
	again, err := scenarios.Load(c.Path, scenarios.Options{Set: append(want, "seed=1"), Catalogue: runner.Catalogue{}})
	if err != nil || len(again.Runs) != 1 {
		t.Fatalf("%d runs, %v", len(again.Runs), err)
	}
	if got := again.Runs[0].Resolved; got != m.Resolved || !strings.Contains(got, "interval: 50ms") {
		t.Errorf("what was set gives\n%s\nand the episode was\n%s", got, m.Resolved)
	}
	if got := kept[1].Set; !slices.Equal(got, want[:3]) || len(kept[1].Record.Manifest.Variation) != 2 {
		t.Errorf("the next episode has %q", got)
	}
}

// A session that doesn't come about has no episode, and the next may have one.
func TestSessionThatNeverBegins(t *testing.T) {
	path := write(t, call)
	n := 0
	list := converse(t, environment(t, gym.Config{Path: path}), func(*answer) string {
		n++
		return []string{`{"type":"reset","options":{"set":["network.links.bottleneck.forward.loss=100%"]}}`, act(5), anyReset, ""}[n-1]
	})
	if !strings.Contains(list[0].Error, "the session S1-R1 never began") || !strings.Contains(list[1].Error, "there is no episode") || list[2].Type != "reset" {
		t.Errorf("replies %+v", list)
	}
}

func TestBadEnvironments(t *testing.T) {
	path := write(t, call)
	for _, c := range []struct {
		config gym.Config
		want   string
	}{
		{gym.Config{Path: "nothing.yaml"}, "nothing.yaml: no such file"},
		{gym.Config{Path: t.TempDir()}, "is a directory"},
		{gym.Config{Path: path, Set: []string{"duratoin=3s"}}, `did you mean "duration"`},
		{gym.Config{Path: path, Session: "S2-R1"}, `there is no session "S2-R1": write --session with one of S1-R1`},
		{gym.Config{Path: path, Step: 3 * time.Second}, "write a shorter --step"},
		{gym.Config{Path: path, Set: []string{"congestion={controller: fixed, feedback: none}"}}, "write --set congestion.feedback=rfc8888"},
		{gym.Config{Path: path, Set: []string{"congestion.coupled=active"}}, "write --set congestion.coupled=off"},
		{
			gym.Config{Path: path, Set: []string{"endpoints.R1.congestion={offers: [remb]}"}},
			"the feedback of S1-R1 is none, and an agent needs feedback about every packet: write --set congestion.feedback=rfc8888, or twcc, and have its peer offer that",
		},
		{gym.Config{Path: write(t, two()), Set: []string{"congestion.controller=fixed"}}, "all controllers are fixed: write --session with one of S1-R1, S2-R2"},
	} {
		if c.config.Step == 0 {
			c.config.Step = 100 * time.Millisecond
		}
		if _, err := gym.New(c.config); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v\nerror %v, want %q", c.config, err, c.want)
		}
	}
}

// The agent takes a session that is told of its packets, whatever others are told.
func TestAgentNeedsFeedbackOfItsSession(t *testing.T) {
	c := gym.Config{
		Path: write(t, two()), Step: 100 * time.Millisecond,
		Set: []string{"congestion.controller=nada", "endpoints.R1.congestion={offers: []}", "endpoints.S2.congestion={controller: gcc, feedback: twcc}"},
	}
	if got := environment(t, c).Spec().Session; got != "S2-R2" {
		t.Errorf("the agent sends in %s, want S2-R2", got)
	}
}

// Who waits for the agent can be interrupted, in the middle of an episode too.
func TestInterruption(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	var out bytes.Buffer
	kept := false
	e := environment(t, gym.Config{Path: write(t, call), Keep: func(gym.Episode) (string, error) {
		kept = true
		return "", nil
	}})
	err := e.Serve(ctx, func(ctx context.Context) ([]byte, error) {
		if n++; n == 5 {
			cancel()
			return nil, context.Cause(ctx)
		}
		return []byte([]string{anyReset, act(3e5), act(3e5), act(3e5)}[n-1]), nil
	}, &out)
	if !errors.Is(err, context.Canceled) || strings.Count(out.String(), "\n") != 4 || kept {
		t.Errorf("error %v, kept %v, replies\n%s", err, kept, out.String())
	}
}

// A record that can't be kept ends the environment.
func TestUnkept(t *testing.T) {
	e := environment(t, gym.Config{Path: write(t, call), Keep: func(gym.Episode) (string, error) {
		return "", errors.New("the disk is full")
	}})
	var out bytes.Buffer
	begun := false
	err := e.Serve(t.Context(), func(context.Context) ([]byte, error) {
		if !begun {
			begun = true
			return []byte(anyReset), nil
		}
		return []byte(act(3e5)), nil
	}, &out)
	if err == nil || !strings.HasSuffix(out.String(), `{"error":"the disk is full"}`+"\n") {
		t.Errorf("error %v, replies\n%s", err, out.String())
	}
}
