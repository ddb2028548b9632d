package external

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// head reads messages one by one; each test says what to answer.
const head = `
import json, os, sys, time
def say(x): print(json.dumps(x), flush=True)
def hear(): return json.loads(sys.stdin.readline())
init = hear()
`

// polite answers whatever comes.
const polite = head + `
say({})
for line in sys.stdin: say({})
`

// program is a controller in Python, and the errors of its host.
type program struct {
	*Controller
	failures []error
}

func config(t testing.TB, source string) Config {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 to run the program")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "my.py"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return Config{
		Connection: "S1-R1", Exec: []string{"python3", "my.py"}, Dir: dir, Protocol: SimrunV1, Timeout: time.Minute,
		Limits: ccontrol.Limits{Min: 100 * units.Kbps, Max: units.Mbps, Start: 200 * units.Kbps},
	}
}

func begin(t testing.TB, c Config) *program {
	t.Helper()
	p := &program{}
	c.Failed = func(err error) { p.failures = append(p.failures, err) }
	var err error
	if p.Controller, err = Start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.process.kill)
	return p
}

func news() *ccontrol.Report {
	return &ccontrol.Report{
		Packets: []ccontrol.PacketResult{
			{Seq: 0, Size: 1200, Sent: 1_000_000, Received: true, Arrival: 51_000_000},
			{Seq: 1, Size: 140, Sent: 2_000_000},
		},
		RTT: 100 * time.Millisecond, Backlog: 7, InFlight: 8,
	}
}

// wantFailure checks the only error, which has one part for each text.
func (p *program) wantFailure(t *testing.T, texts ...string) {
	t.Helper()
	if len(p.failures) != 1 {
		t.Fatalf("failures %v, want one", p.failures)
	}
	for _, text := range append(texts, "controller of S1-R1, python3 my.py: it ") {
		if !strings.Contains(p.failures[0].Error(), text) {
			t.Errorf("failure without %q:\n%v", text, p.failures[0])
		}
	}
	target := p.Target()
	p.OnFeedback(1e9, news())
	if p.NextTimeout() != simtime.Never || p.Target() != target || len(p.failures) != 1 {
		t.Errorf("after its failure: time-out %v, target %v, failures %v", p.NextTimeout(), p.Target(), p.failures)
	}
	if err := p.Close(); err != nil {
		t.Errorf("closed after its failure: %v", err)
	}
}

// The program asserts what it is told, and the test what it answers.
func TestConversation(t *testing.T) {
	c := config(t, head+`
assert init == {"type": "init", "protocol": "simrun-v1", "connection": "S1-R1", "parameters": {"gain": "0.1"},
    "limits": {"min": 100000, "max": 1000000, "start": 200000, "weight": 1}}, init
say({"target": {"media": 300000}, "signals": [{"name": "loss"}, {"name": "queue", "unit": "ms"}], "next_timeout_ns": 5})
m = hear()
assert m == {"type": "timeout", "t_ns": 5, "sent": []}, m
say({})
m = hear()
assert m == {"type": "feedback", "t_ns": 100, "sent": [[0, 10, 1200, 1, 2, 0], [1, 20, 140, 3, 4, 9]],
    "packets": [[0, 1200, 1000000, 51000000, 0, 0], [1, 140, 2000000, None, 0, 0]], "reception": [],
    "estimate": 0, "built_ns": 0, "rtt_ns": 100000000, "backlog": 7, "in_flight": 8}, m
say({"target": {"media": 400000.4, "pacing": 5e5, "window": 3000}, "signals": {"queue": 1.5},
    "probe": {"id": 1, "rate": 900000, "packets": 5}, "next_timeout_ns": 1e9})
m = hear()
assert m["sent"] == [], m
say({"signals": {"queue": None}})
assert sys.stdin.readline() == ""
`)
	c.Parameters = map[string]string{"gain": "0.1"}
	p := begin(t, c)
	if want := (ccontrol.Target{Media: 300_000, Pacing: 450_000}); p.Target() != want || p.NextTimeout() != 5 {
		t.Errorf("at the start: target %v, time-out %v", p.Target(), p.NextTimeout())
	}
	if names := p.SignalNames(); len(names) != 2 || names[1].Name != "queue" || names[1].Unit != "ms" {
		t.Errorf("signals %v", names)
	}
	p.OnTimeout(5)
	if p.NextTimeout() != simtime.Never {
		t.Errorf("a reply without a time-out leaves it at %v", p.NextTimeout())
	}
	p.OnSent(10, ccontrol.Sent{Seq: 0, Size: 1200, Backlog: 1, InFlight: 2})
	p.OnSent(20, ccontrol.Sent{Seq: 1, Size: 140, Backlog: 3, InFlight: 4, Probe: 9})
	p.OnFeedback(100, news())
	if want := (ccontrol.Target{Media: 400_000, Pacing: 500_000, Window: 3000}); p.Target() != want || p.NextTimeout() != 1e9 {
		t.Errorf("target %v, time-out %v", p.Target(), p.NextTimeout())
	}
	if v := p.Signals(nil); !math.IsNaN(v[0]) || v[1] < 1.4 || v[1] > 1.6 {
		t.Errorf("signals %v", v)
	}
	if probe, ok := p.PollProbe(100); !ok || probe != (ccontrol.Probe{ID: 1, Rate: 900_000, Packets: 5}) {
		t.Errorf("probe %v %v", probe, ok)
	}
	if _, ok := p.PollProbe(100); ok {
		t.Error("a second probe")
	}
	p.OnFeedback(200, news())
	if v := p.Signals(nil); !math.IsNaN(v[1]) {
		t.Errorf("signals %v", v)
	}
	if err := p.Close(); err != nil || len(p.failures) > 0 {
		t.Errorf("closed: %v, failures %v", err, p.failures)
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         []string
	}{
		{"dies", `say({"target": {"media": 123456}}); hear(); print("oh dear", file=sys.stderr); sys.exit(3)`, []string{
			"it died (exit status 3)", `it last printed "{\"target\": {\"media\": 123456}}"`, `standard error ends with "oh dear"`,
		}},
		{"raises", `say({}); hear(); 1/0`, []string{"it died (exit status 1)", "ZeroDivisionError", "\n  Traceback"}},
		{"ends", `say({}); hear()`, []string{"it died (exit status 0)"}},
		{"prints", `say({}); hear(); print("rate is", 5, flush=True)`, []string{`it printed "rate is 5", which is no reply`, "stray print"}},
		{"prints a number", `say({}); hear(); say(5)`, []string{`it printed "5", which is no reply`, "stray print"}},
		{"half a line", `say({}); hear(); print("{", end="", flush=True)`, []string{"in the middle of a line"}},
		{"a long line", `say({}); hear(); print("x" * (1 << 21), flush=True); hear()`, []string{"a line of more than 1048576 bytes"}},
		{"unknown field", `say({}); hear(); say({"rate": 5})`, []string{`unknown field "rate"`}},
		{"two objects", `say({}); hear(); print("{} {}", flush=True)`, []string{`"{}" follows the object`}},
		{"NaN", `say({}); hear(); say({"target": {"media": float("nan")}})`, []string{"it printed \"{\\\"target\\\": {\\\"media\\\": NaN}}\", which is no reply"}},
		{"no rate", `say({}); hear(); say({"target": {"media": 0}})`, []string{"media 0, pacing 0, window 0 isn't possible"}},
		{"negative window", `say({}); hear(); say({"target": {"media": 1e5, "window": -1}})`, []string{"window -1 isn't possible"}},
		{"time-out in the past", `say({}); m = hear(); say({"next_timeout_ns": m["t_ns"]})`, []string{"isn't a time after now"}},
		{"no probe", `say({}); hear(); say({"probe": {"id": 1, "rate": 1e6}})`, []string{"a probe needs"}},
		{"unknown signal", `say({}); hear(); say({"signals": {"x": 1}})`, []string{`signal "x" wasn't in the reply to init`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := begin(t, config(t, head+c.source))
			p.OnFeedback(100, news())
			p.wantFailure(t, c.want...)
		})
	}
}

// A program that hangs, or that doesn't even read, is given up.
func TestHangs(t *testing.T) {
	for _, source := range []string{
		head + `say({"target": {"media": 5e5}}); hear(); print("thinking", file=sys.stderr, flush=True); time.sleep(100)`,
		head + `say({}); os.system("sleep 100")`,
	} {
		p := begin(t, config(t, source))
		p.process.timeout = 300 * time.Millisecond
		r := news()
		for range 12 {
			r.Packets = append(r.Packets, r.Packets...) // more than a pipe holds
		}
		p.OnFeedback(100, r)
		p.wantFailure(t, "it gave no reply within 300ms")
	}
}

func TestBadBeginnings(t *testing.T) {
	for _, c := range []struct {
		source, want string
	}{
		{`import nothing_of_that_name`, "ModuleNotFoundError"},
		{head + `print("hello", flush=True); hear()`, `it printed "hello", which is no reply`},
		{head + `say({"signals": [{"name": "Loss Rate"}]}); hear()`, `signal "Loss Rate"`},
		{head + `say({"signals": [{"name": "a"}, {"name": "a"}]}); hear()`, `signal "a" is there twice`},
	} {
		if _, err := Start(t.Context(), config(t, c.source)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\nerror %v, want %q", c.source, err, c.want)
		}
	}
	c := config(t, polite)
	c.Exec = []string{"no-such-program"}
	if _, err := Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "there is no program no-such-program") {
		t.Errorf("error %v", err)
	}
	c = config(t, polite)
	c.Protocol = "telepathy"
	if _, err := Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), `there is no protocol "telepathy"`) {
		t.Errorf("error %v", err)
	}
}

// A line too many would be taken for the reply to the next message.
func TestOneReplyTooMany(t *testing.T) {
	p := begin(t, config(t, head+`say({}); hear(); say({}); say({}); sys.stdin.read()`))
	p.OnFeedback(100, news())
	if err := p.Close(); err == nil || !strings.Contains(err.Error(), `it printed "{}" without being asked`) {
		t.Errorf("closed: %v", err)
	}
}

// The end of the run's context is no failure of the program.
func TestInterruption(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := config(t, head+`say({}); hear(); time.sleep(100)`)
	failures := 0
	c.Failed = func(error) { failures++ }
	e, err := Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	e.OnFeedback(100, news())
	if err := e.Close(); err != nil || failures > 0 {
		t.Errorf("%d failures, closed: %v", failures, err)
	}
}

func TestAlphaRTC(t *testing.T) {
	c := config(t, `
import json, sys
def line(): return sys.stdin.readline().strip()
p = json.loads(line())
assert p == {"send_time_ms": 1, "arrival_time_ms": 51, "payload_type": 125, "sequence_number": 0, "ssrc": 1,
    "padding_length": 0, "header_length": 40, "payload_size": 1160}, p
assert line() == "RequestBandwidth"
print(345678, flush=True)
assert json.loads(line())["sequence_number"] == 0
assert line() == "RequestBandwidth"
print(5, flush=True)
line(); line()
print(3.5, flush=True)
`)
	c.Protocol = AlphaRTC
	p := begin(t, c)
	if p.Target().Media != 200*units.Kbps {
		t.Errorf("target before any feedback %v", p.Target())
	}
	p.OnFeedback(50, &ccontrol.Report{Reception: make([]ccontrol.Reception, 1)}) // not about packets
	p.OnFeedback(100, news())
	if want := (ccontrol.Target{Media: 345_678, Pacing: 518_517}); p.Target() != want {
		t.Errorf("target %v", p.Target())
	}
	p.OnFeedback(200, news())
	if p.Target().Media != 100*units.Kbps {
		t.Errorf("target %v, want the least that the media can do with", p.Target())
	}
	p.OnFeedback(300, news())
	p.wantFailure(t, `it printed "3.5", which is no reply: one whole number`)
}

// BenchmarkPython measures decisions of a Python program about 5 packets each, as 100 ms
// of a call at 500 kbit/s have.
func BenchmarkPython(b *testing.B) {
	source, err := os.ReadFile("../../../docs/examples/external/loss.py")
	if err != nil {
		b.Fatal(err)
	}
	p := begin(b, config(b, string(source)))
	b.ResetTimer()
	seq := uint64(0)
	r := &ccontrol.Report{}
	for i := range b.N {
		now := simtime.At(time.Duration(i) * 100 * time.Millisecond)
		r.Packets = r.Packets[:0]
		for range 5 {
			p.OnSent(now, ccontrol.Sent{Seq: seq, Size: 1200})
			r.Packets = append(r.Packets, ccontrol.PacketResult{Seq: seq, Size: 1200, Sent: now, Received: true, Arrival: now + 5e7})
			seq++
		}
		p.OnFeedback(now, r)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
	if err := p.Close(); err != nil || len(p.failures) > 0 {
		b.Fatal(err, p.failures)
	}
}
