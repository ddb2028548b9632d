package feedlog

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rtpfabric/ccontrol"
	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

var limits = ccontrol.Limits{Min: 150 * units.Kbps, Max: 2 * units.Mbps, Start: 300 * units.Kbps}

func build(t testing.TB, name string, settings map[string]string) ccontrol.Controller {
	t.Helper()
	spec, ok := ccontrol.Lookup(name)
	if !ok {
		t.Fatalf("no controller %q", name)
	}
	c, err := spec.Build(limits, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// drive is a call of five seconds over a path whose delay grows and falls, and which
// loses packets.
func drive(c ccontrol.Controller) {
	prober, _ := c.(ccontrol.Prober)
	const step = 10 * time.Millisecond
	var waiting []ccontrol.PacketResult
	seq := uint64(0)
	for i := range 500 {
		now := simtime.At(time.Duration(i) * step)
		if c.NextTimeout() <= now {
			c.OnTimeout(now)
			if prober != nil {
				prober.PollProbe(now)
			}
		}
		size := units.Bytes(int64(c.Target().Media) / 8 / 100)
		c.OnSent(now, ccontrol.Sent{Seq: seq, Size: size, InFlight: size})
		delay := 40*time.Millisecond + time.Duration(i%200)*time.Millisecond/2
		waiting = append(waiting, ccontrol.PacketResult{
			Seq: seq, Size: size, Sent: now, Received: i%23 != 0, Arrival: now.Add(delay), ECN: packet.ECT1,
		})
		if !waiting[len(waiting)-1].Received {
			waiting[len(waiting)-1].Arrival = 0
		}
		seq++
		if i%10 == 9 {
			c.OnFeedback(now, &ccontrol.Report{Packets: waiting, Built: now.Add(-20 * time.Millisecond), RTT: delay + 40*time.Millisecond})
			waiting = waiting[:0]
			if prober != nil {
				prober.PollProbe(now)
			}
		}
	}
}

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	var log bytes.Buffer
	r := NewRecorder(&log, Header{Controller: name, Connection: "S1-R1", Limits: LimitsOf(limits)}, build(t, name, nil))
	drive(r)
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	return log.Bytes()
}

func replay(t testing.TB, log []byte, name string, settings map[string]string, same bool) *Result {
	t.Helper()
	r, err := NewReader(bytes.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	res, err := Replay(r, build(t, name, settings), same)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// What can't be set must not look as if it could: coupling would take it.
func TestRecordersAreAdjustableIfTheControllerIs(t *testing.T) {
	for name, want := range map[string]bool{"nada": true, "gcc": true, "scream": false, "fixed": false} {
		r := NewRecorder(io.Discard, Header{}, build(t, name, nil))
		if _, got := r.Controller().(ccontrol.Adjustable); got != want {
			t.Errorf("%s is adjustable: %v", name, got)
		}
	}
}

func TestSameControllerDoesTheSame(t *testing.T) {
	for _, name := range []string{"nada", "gcc"} {
		res := replay(t, recorded(t, name), name, nil, true)
		if res.Departed != nil {
			t.Errorf("%s departs: %+v", name, res.Departed)
		}
		if res.Sent != 500 || res.Reports != 50 || len(res.Points) < 10 {
			t.Errorf("%s: %d packets, %d reports, %d targets", name, res.Sent, res.Reports, len(res.Points))
		}
	}
}

func TestAnotherControllerDeparts(t *testing.T) {
	log := recorded(t, "nada")
	res := replay(t, log, "gcc", nil, false)
	if res.Departed == nil || res.Probes == 0 || res.Timeouts == 0 {
		t.Errorf("departed %v, %d probes, %d time-outs", res.Departed, res.Probes, res.Timeouts)
	}
	if res = replay(t, log, "nada", map[string]string{"xref": "30ms"}, false); res.Departed == nil {
		t.Error("with another xref nada does the same")
	}
}

// A log whose recorded target is changed by one bit/s isn't the controller's.
func TestChangedTargetIsFound(t *testing.T) {
	log := recorded(t, "nada")
	at := bytes.LastIndex(log, []byte(`"media":`)) + len(`"media":`)
	log[at] = log[at]%9 + '1' // another digit
	res := replay(t, log, "nada", nil, true)
	if res.Departed == nil || res.Departed.What != "target" {
		t.Fatalf("departed %+v", res.Departed)
	}
	if line := 1 + bytes.Count(log[:at], []byte("\n")); res.Departed.Line != line {
		t.Errorf("departed at line %d, want %d", res.Departed.Line, line)
	}
}

// Everything that a host can tell comes back from the file.
func TestEventsComeBack(t *testing.T) {
	report := &ccontrol.Report{
		Packets: []ccontrol.PacketResult{
			{Seq: 0, Size: 1200, Sent: 5, Received: true, Arrival: -7, ECN: packet.CE, Probe: 3},
			{Seq: 1, Size: 99, Sent: 6, ECN: packet.NotECT},
		},
		Reception: []ccontrol.Reception{{Stream: 1 << 31, By: 7, Since: 8, Expected: 9, Lost: -1, FractionLost: 255, Jitter: 10, RTT: 11}, {Stream: 2, By: 7, Expected: 9, Marked: 3, Early: true}},
		Estimate:  12, Built: 13, RTT: 14, Backlog: 15, InFlight: 16,
	}
	sent := []ccontrol.Sent{{Seq: 0, Size: 1200, Backlog: 1, InFlight: 2, Probe: 3}, {Seq: 1, Size: 99}}
	c := &scripted{}
	var log bytes.Buffer
	r := NewRecorder(&log, Header{Limits: LimitsOf(limits)}, c)
	r.OnSent(10, sent[0])
	r.OnSent(10, sent[1])
	c.target = ccontrol.Target{Media: 1, Pacing: 2, Window: 3}
	r.OnFeedback(20, report)
	c.probe = ccontrol.Probe{ID: 1, Rate: 2, Packets: 3, Bytes: 4}
	r.PollProbe(20)
	c.probe = ccontrol.Probe{}
	r.PollProbe(30)
	r.OnTimeout(40)
	r.Controller().(ccontrol.Adjustable).SetRate(50, 7)
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	rd, err := NewReader(&log)
	if err != nil {
		t.Fatal(err)
	}
	want := []Event{
		{At: 10, Kind: Sent, Sent: sent[0]},
		{At: 10, Kind: Sent, Sent: sent[1]},
		{At: 20, Kind: Feedback, Report: report, Target: &ccontrol.Target{Media: 1, Pacing: 2, Window: 3}},
		{At: 20, Kind: Poll, Probe: ccontrol.Probe{ID: 1, Rate: 2, Packets: 3, Bytes: 4}},
		{At: 30, Kind: Poll},
		{At: 40, Kind: Timeout},
		{At: 50, Kind: Set, Rate: 7, Target: &ccontrol.Target{Media: 7, Pacing: 2, Window: 3}},
	}
	for i := range want {
		got, err := rd.Next()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want[i], got); d != "" {
			t.Errorf("event %d:\n%s", i, d)
		}
	}
	if _, err := rd.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last event: %v", err)
	}
}

// scripted is a controller that does what the test says.
type scripted struct {
	ccontrol.NoTimeout
	target ccontrol.Target
	probe  ccontrol.Probe
}

func (*scripted) OnFeedback(simtime.Time, *ccontrol.Report) {}

func (s *scripted) Target() ccontrol.Target { return s.target }

func (s *scripted) Rate() units.BitRate { return s.target.Media }

func (s *scripted) SetRate(_ simtime.Time, rate units.BitRate) { s.target.Media = rate }

func (s *scripted) PollProbe(simtime.Time) (ccontrol.Probe, bool) { return s.probe, s.probe.ID != 0 }

func TestBadLogs(t *testing.T) {
	const header = `{"feedback_log":1,"limits":{"min":1,"max":3,"start":2},"target":{"media":2,"pacing":2}}` + "\n"
	for _, c := range []struct{ log, want string }{
		{"", "line 1: the file is empty"},
		{"title: A call\n", "line 1: this is no feedback log"},
		{"{}\n", "line 1: this is no feedback log"},
		{`{"feedback_log":9}`, "line 1: format 9 can't be read"},
		{`{"feedback_log":1}`, "line 1: limits of 0 to 0"},
		{header + "rubbish\n", "line 2: invalid character"},
		{header + "\n" + `{"t_ns":1,"timeout":true}` + "\n", "line 2: the line is empty"},
		{header + `{"t_ns":1,"timeout":true}` + "\n \t\n", "line 3: the line is empty"},
		{header + `{"t_ns":1,"timeout":true} {"t_ns":2,"timeout":true}`, `line 2: "{\"t_ns\":2,\"timeout\":" is behind the event`},
		{header + `{"t_ns":1,"timeout":true}}`, `line 2: "}" is behind`},
		{header + `{"t_ns":1}`, "line 2: one of sent, report"},
		{header + `{"t_ns":1,"timeout":true,"poll":{}}`, "line 2: one of sent, report"},
		{header + `{"t_ns":1,"timeout":true,"extra":1}`, "unknown field"},
		{header + `{"t_ns":1,"timeout":true}` + "\n" + `{"t_ns":0,"timeout":true}`, "line 3: time runs backwards"},
		{header + `{"t_ns":172800000000001,"timeout":true}`, "no run goes on"},
		{header + `{"t_ns":1,"set":0}`, "sets the rate to 0 bit/s"},
		{header + `{"t_ns":1,"set":4}`, "sets the rate to 4 bit/s where 3 is the limit"},
		{header + `{"t_ns":1,"report":{"rtt_ns":-1}}`, "below 0"},
		{header + `{"t_ns":1,"sent":{"seq":0,"size":65536}}`, "packet 0 of 65536 bytes"},
		{header + `{"t_ns":1,"sent":{"seq":1,"size":100}}`, "packet 0 comes next"},
		{header + `{"t_ns":1,"sent":{"seq":0}}`, "packet 0 of 0 bytes"},
		{header + `{"t_ns":1,"report":{"packets":[[0,100,1,2,0,0]]}}`, "packet 0 is reported on"},
		{header + `{"t_ns":1,"report":{"packets":[[0,100,1]]}}`, "3 numbers instead of 6"},
		{header + `{"t_ns":1,"report":{"packets":[[null,100,1,2,0,0]]}}`, "number 1 of a packet is missing"},
	} {
		r, err := NewReader(strings.NewReader(c.log))
		if err == nil {
			_, err = Replay(r, &scripted{}, true)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.log, err, c.want)
		}
	}
}

// stuck wants to be called at once, for ever.
type stuck struct{ scripted }

func (*stuck) NextTimeout() simtime.Time { return 0 }

func TestStuckController(t *testing.T) {
	r, err := NewReader(bytes.NewReader(recorded(t, "nada")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Replay(r, &stuck{}, false); err == nil || !strings.Contains(err.Error(), "again and again") {
		t.Errorf("error %v", err)
	}
}

// Controllers take whatever the reader lets pass.
func FuzzReader(f *testing.F) {
	f.Add(recorded(f, "nada")[:4000])
	f.Add([]byte(`{"feedback_log":1,"limits":{"min":1,"max":3,"start":2},"target":{"media":2,"pacing":2}}`))
	f.Fuzz(func(t *testing.T, log []byte) {
		for _, name := range []string{"fixed", "gcc", "nada", "rr-loss", "tfrc"} {
			r, err := NewReader(bytes.NewReader(log))
			if err != nil {
				return
			}
			if _, err := Replay(r, build(t, name, nil), name == "gcc"); err != nil && !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("an error without a line: %v", err)
			}
		}
	})
}
