package gym_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/scenarios/runner/gym"
	"rtpfabric/sim/record"
)

const call = `
title: A short call
duration: 3s
network:
  links:
    bottleneck: {between: [A, B], delay: 20ms, forward: {rate: 500kbps, queue: {length: 300ms}, loss: 1%}}
endpoints: {S1: {at: A}, R1: {at: B}}
topology: {peers: [S1, R1]}
media:
  - {from: S1, kind: video, encoder: {min: 100kbps, max: 2Mbps}}
congestion: {controller: nada}
expect:
  - {metric: loss, flow: S1/video, during: 1s..3s, max: 10%}
`

// two is the same with a second call beside the first.
func two() string {
	return strings.NewReplacer(
		"R1: {at: B}", "R1: {at: B}, S2: {at: A}, R2: {at: B}",
		"peers: [S1, R1]", "pairs: [[S1, R1], [S2, R2]]",
		"congestion:", "  - {from: S2, kind: video, encoder: {min: 100kbps, max: 2Mbps}}\ncongestion:",
	).Replace(call)
}

// answer is what the tests look at in replies.
type answer struct {
	Type        string
	Error       string
	Observation []float64
	Reward      float64
	Terminated  bool
	Truncated   bool
	Info        struct {
		Now       int64 `json:"t_ns"`
		Seed      uint64
		Variation int
		Name      string
		Target    int64
		Limits    struct{ Min, Max, Start int64 }
		Parts     gym.Parts
		Episode   json.RawMessage
	}
}

// end is info.episode of a last step.
type end struct {
	Digest   string
	Passed   bool
	Verdicts []record.Verdict
	Record   string
}

func (a *answer) ended() bool { return a.Terminated || a.Truncated }

func (a *answer) end(t *testing.T) end {
	t.Helper()
	var e end
	if err := json.Unmarshal(a.Info.Episode, &e); err != nil {
		t.Fatalf("info.episode %s: %v", a.Info.Episode, err)
	}
	return e
}

func write(t testing.TB, scenario string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "call.yaml")
	if err := os.WriteFile(path, []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func environment(t testing.TB, c gym.Config) *gym.Environment {
	t.Helper()
	if c.Step == 0 {
		c.Step = 100 * time.Millisecond
	}
	c.Weights = gym.DefaultWeights()
	e, err := gym.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// agent returns the next command after a reply; empty ends the conversation.
type agent func(last *answer) string

// converse returns all replies to an agent, whose first command comes without one.
func converse(t testing.TB, e *gym.Environment, says agent) []answer {
	t.Helper()
	var out bytes.Buffer
	var list []answer
	source := func(context.Context) ([]byte, error) {
		last := &answer{}
		if out.Len() > 0 {
			if strings.Count(out.String(), "\n") != 1 {
				t.Fatalf("a command has %q as its reply", out.String())
			}
			if bytes.HasPrefix(out.Bytes(), []byte(`{"type":"spec"`)) {
				last.Type = "spec"
			} else if err := json.Unmarshal(out.Bytes(), last); err != nil {
				t.Fatal(err)
			}
			list = append(list, *last)
			out.Reset()
		}
		if line := says(last); line != "" {
			return []byte(line + "\n"), nil
		}
		return nil, io.EOF
	}
	if err := e.Serve(t.Context(), source, &out); err != nil {
		t.Fatal(err)
	}
	return list
}

func act(rate float64) string { return fmt.Sprintf(`{"type":"step","action":%v}`, rate) }

// one is an agent for one episode.
func one(reset string, act func(last *answer) float64) agent {
	begun := false
	return func(last *answer) string {
		switch {
		case !begun:
			begun = true
			return reset
		case last.ended() || last.Error != "":
			return ""
		}
		return fmt.Sprintf(`{"type":"step","action":%v}`, act(last))
	}
}

const anyReset = `{"type":"reset"}`

func steady(rate float64) func(*answer) float64 { return func(*answer) float64 { return rate } }

// backingOff halves its rate when there is a queue, or loss, and grows otherwise.
func backingOff() func(*answer) float64 {
	rate := 200e3
	return func(last *answer) float64 {
		if o := last.Observation; o[6] > 0.05 || o[3] > 0.05 {
			rate *= 0.8
		} else {
			rate *= 1.05
		}
		return rate
	}
}
