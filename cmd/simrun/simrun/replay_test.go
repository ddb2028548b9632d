package simrun

import (
	"testing"

	"rtpfabric/ccontrol/feedlog"
	"rtpfabric/scenarios/runner/external"
)

// A program given with --exec is the recorded one if it is the same words, in the same
// folder, by the same protocol; only then has it the recorded settings and must do the same.
func TestWhoIsTheRecordedController(t *testing.T) {
	program := feedlog.Header{
		Scenario: "call.yaml", Controller: "exec python3 a.py", Exec: []string{"python3", "a.py"},
		Protocol: external.SimrunV1, Settings: map[string]string{"x": "1"},
	}
	elsewhere, joined := program, program
	elsewhere.Scenario = "sub/call.yaml"
	joined.Exec = []string{"python3 a.py"}
	registered := feedlog.Header{Scenario: "call.yaml", Controller: "nada", Settings: map[string]string{}}
	for _, c := range []struct {
		name   string
		header feedlog.Header
		o      replayOptions
		want   bool
	}{
		{"no options", program, replayOptions{}, true},
		{"no options, elsewhere", elsewhere, replayOptions{}, true},
		{"the same", program, replayOptions{exec: "python3 a.py", protocol: external.SimrunV1}, true},
		{"other settings", program, replayOptions{exec: "python3 a.py", protocol: external.SimrunV1, set: []string{"x=2"}}, false},
		{"another folder", elsewhere, replayOptions{exec: "python3 a.py", protocol: external.SimrunV1}, false},
		{"another protocol", program, replayOptions{exec: "python3 a.py", protocol: external.AlphaRTC}, false},
		{"words divided otherwise", joined, replayOptions{exec: "python3 a.py", protocol: external.SimrunV1}, false},
		{"registered", registered, replayOptions{}, true},
		{"registered, named", registered, replayOptions{controller: "nada"}, true},
		{"another", registered, replayOptions{controller: "gcc"}, false},
		{"a program for it", registered, replayOptions{exec: "nada"}, false},
		{"for a program", program, replayOptions{controller: "nada"}, false},
	} {
		r := replayed{header: c.header}
		r.choose(&c.o)
		if r.same != c.want {
			t.Errorf("%s: the recorded one: %v, want %v", c.name, r.same, c.want)
		}
	}
}
