package ccontrol_test

import (
	"strings"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

var limits = ccontrol.Limits{Min: 200 * units.Kbps, Max: 1600 * units.Kbps, Start: 200 * units.Kbps}

func build(t *testing.T, name string, settings map[string]string) ccontrol.Controller {
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

func TestEveryControllerIsDescribed(t *testing.T) {
	names := ccontrol.Names()
	if len(names) < 3 {
		t.Fatalf("registered: %v", names)
	}
	for _, n := range names {
		s, _ := ccontrol.Lookup(n)
		if s.Summary == "" || s.Source == "" {
			t.Errorf("%s has no summary or source", n)
		}
		for _, p := range s.Parameters {
			if p.Help == "" || p.Source == "" || p.Kind == "" {
				t.Errorf("%s.%s isn't described", n, p.Name)
			}
		}
		target := build(t, n, nil).Target()
		if target.Media < limits.Min || target.Media > limits.Max || target.Pacing <= 0 {
			t.Errorf("%s starts with %v", n, target)
		}
	}
}

func TestBadParameters(t *testing.T) {
	nada, _ := ccontrol.Lookup("nada")
	for _, c := range []struct{ name, value, want string }{
		{"kapa", "1", `no parameter "kapa"; it has prio`},
		{"kappa", "fast", "not a number"},
		{"kappa", "50%", "not a number"},
		{"kappa", "99", "between 0.001 and 10"},
		{"tau", "5", "not a duration"},
		{"tau", "0s", "between 0.001 and 60 seconds"},
		{"rmax", "1M", "not a bit rate"},
	} {
		err := nada.Check(c.name, c.value)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s = %s: %v, want …%s…", c.name, c.value, err, c.want)
		}
		if _, err := nada.Build(limits, map[string]string{c.name: c.value}); err == nil {
			t.Errorf("%s = %s: built all the same", c.name, c.value)
		}
	}
	if _, err := nada.Build(limits, map[string]string{"rmin": "2Mbps", "rmax": "1Mbps"}); err == nil {
		t.Error("rmin above rmax: built all the same")
	}
}

func TestNumbersAreTrimmedAlike(t *testing.T) {
	nada, _ := ccontrol.Lookup("nada")
	if err := nada.Check("kappa", " 0.5"); err != nil {
		return
	}
	if _, err := nada.Build(limits, map[string]string{"kappa": " 0.5"}); err != nil {
		t.Error(err)
	}
}

func TestFixed(t *testing.T) {
	c := build(t, "fixed", map[string]string{"rate": "500kbps", "pacing-factor": "2"})
	if got := c.Target(); got.Media != 500*units.Kbps || got.Pacing != units.Mbps {
		t.Errorf("target %v", got)
	}
	if got := build(t, "fixed", nil).Target().Media; got != limits.Max {
		t.Errorf("default rate %v, want the media's maximum", got)
	}
	c.OnFeedback(0, &ccontrol.Report{Packets: []ccontrol.PacketResult{{Seq: 1}}})
	if got := c.Target().Media; got != 500*units.Kbps {
		t.Error("fixed changed its rate")
	}
	if c.NextTimeout() != simtime.Never {
		t.Error("fixed wants a timer")
	}
}

// The broken controller must really be broken, or it sabotages nothing.
func TestNeverBackOff(t *testing.T) {
	c := build(t, "never-back-off", nil)
	lost := &ccontrol.Report{Packets: make([]ccontrol.PacketResult, 100)}
	last := units.BitRate(0)
	for range 600 {
		now := c.NextTimeout()
		c.OnFeedback(now, lost)
		c.OnTimeout(now)
		if r := c.Target().Media; r < last {
			t.Fatalf("it backed off from %v to %v", last, r)
		} else {
			last = r
		}
	}
	if last != limits.Max {
		t.Errorf("after a minute it sends %v, want the maximum", last)
	}
	if next := c.NextTimeout(); next > simtime.At(61*time.Second) {
		t.Errorf("next timeout at %v", next)
	}
}

func TestRegisterTwicePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	ccontrol.Register(ccontrol.Spec{Name: "fixed"})
}

// What a controller shows has names, and as many values before feedback as after.
func TestSignals(t *testing.T) {
	for _, n := range ccontrol.Names() {
		s, _ := ccontrol.Lookup(n)
		c := build(t, n, nil)
		o, ok := c.(ccontrol.Observable)
		if ok != (len(s.Signals) > 0) {
			t.Errorf("%s: observable %v, %d signals", n, ok, len(s.Signals))
		}
		if !ok {
			continue
		}
		seen := map[string]bool{}
		for _, g := range s.Signals {
			if g.Name == "" || g.Help == "" || g.Source == "" || seen[g.Name] {
				t.Errorf("%s: %+v", n, g)
			}
			seen[g.Name] = true
		}
		count := func() {
			t.Helper()
			if got := len(o.Signals(make([]float64, 2))); got != len(s.Signals)+2 {
				t.Errorf("%s: %d values for %d signals", n, got-2, len(s.Signals))
			}
		}
		count()
		for i := range 20 {
			at := simtime.At(time.Duration(i) * 100 * time.Millisecond)
			c.OnSent(at, ccontrol.Sent{Seq: uint64(i), Size: 1000, InFlight: 1000})
			at = at.Add(60 * time.Millisecond)
			c.OnFeedback(at, &ccontrol.Report{RTT: 60 * time.Millisecond, Packets: []ccontrol.PacketResult{{
				Seq: uint64(i), Size: 1000, Sent: at.Add(-60 * time.Millisecond), Received: true, Arrival: at.Add(-30 * time.Millisecond),
			}}})
		}
		count()
	}
}
