package coupled

import (
	"math"
	"strings"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// fake is a controller that calculates what the test says.
type fake struct {
	ccontrol.NoTimeout
	rate, next units.BitRate
	set        int
}

func (f *fake) OnFeedback(simtime.Time, *ccontrol.Report) { f.rate = f.next }
func (f *fake) Rate() units.BitRate                       { return f.rate }
func (f *fake) SetRate(_ simtime.Time, r units.BitRate)   { f.rate, f.set = r, f.set+1 }
func (f *fake) Target() ccontrol.Target                   { return ccontrol.Target{Media: f.rate} }

var limits = ccontrol.Limits{Min: 100 * units.Kbps, Max: 10 * units.Mbps, Start: units.Mbps}

func couple(t *testing.T, e *Exchange, priority float64) (*Controller, *fake) {
	t.Helper()
	f := &fake{rate: limits.Start, next: limits.Start}
	c, _, err := e.Couple(FlowConfig{Controller: f, Limits: limits, Priority: priority})
	if err != nil {
		t.Fatal(err)
	}
	return c, f
}

func TestFlowsFollowEachOther(t *testing.T) {
	e := NewExchange(Active, Configured)
	a, inA := couple(t, e, 2)
	b, inB := couple(t, e, 1)
	a.OnSent(1, ccontrol.Sent{Size: 1000})
	inA.next = 5 * units.Mbps
	a.OnFeedback(2, &ccontrol.Report{RTT: 50 * time.Millisecond})
	if got := a.Target().Media; got != 5*units.Mbps || inA.set != 0 {
		t.Errorf("alone it has %v, set %d times", got, inA.set)
	}
	if inB.set != 0 || b.Moved() {
		t.Error("a flow that doesn't send was told a rate")
	}
	b.OnSent(3, ccontrol.Sent{Size: 1000})
	a.OnFeedback(4, &ccontrol.Report{})
	if a.Moved() {
		t.Error("its own UPDATE moved a flow")
	}
	if !b.Moved() || b.Moved() {
		t.Error("Moved isn't told once")
	}
	if got, want := a.Target().Media, 4*units.Mbps; got != want {
		t.Errorf("a has %v, want %v", got, want)
	}
	if got, want := b.Target().Media, 2*units.Mbps; got != want {
		t.Errorf("b has %v, want %v", got, want)
	}
	values := b.Signals(nil)
	if len(values) != len(signals) || math.Abs(values[0]-2e6) > 1 || math.Abs(values[1]-6e6) > 1 || values[2] != 0 {
		t.Errorf("signals %v", values)
	}
}

// A third of 4 Mbit/s isn't a whole number of bit/s. What is rounded off isn't calculated by
// anybody (§5.3): it neither changes S_CR nor sets the timer of §5.3.2.
func TestRoundingIsNoCongestion(t *testing.T) {
	for _, algorithm := range []Algorithm{Active, Conservative, Passive} {
		e := NewExchange(algorithm, Configured)
		var flows [3]*Controller
		var inner [3]*fake
		for i := range flows {
			flows[i], inner[i] = couple(t, e, 1)
			flows[i].OnSent(0, ccontrol.Sent{})
		}
		now := simtime.Time(0)
		feedback := func(i int, rate units.BitRate) {
			now = now.Add(time.Millisecond)
			inner[i].next = rate
			flows[i].OnFeedback(now, &ccontrol.Report{RTT: 100 * time.Millisecond})
		}
		feedback(0, 2*units.Mbps)
		for i := range flows {
			feedback(i, flows[i].Target().Media)
		}
		if got := flows[0].flow.Sum(); math.Abs(got-4e6) > 1e-6 {
			t.Errorf("algorithm %d: S_CR %v after feedback without news, want 4e6", algorithm, got)
		}
		feedback(0, 1200*units.Kbps)
		if got := flows[0].flow.Sum(); got > 3.9e6 {
			t.Errorf("algorithm %d: S_CR %v, as a lower rate was ignored", algorithm, got)
		}
	}
}

// A controller that can't go as high as it is assigned (a receiver's estimate caps it) says
// so until the others know.
func TestRatesThatAreNotTaken(t *testing.T) {
	e := NewExchange(Active, Configured)
	a, inA := couple(t, e, 1)
	b, inB := couple(t, e, 1)
	a.OnSent(0, ccontrol.Sent{})
	b.OnSent(0, ccontrol.Sent{})
	inA.next = 3 * units.Mbps
	a.OnFeedback(1, &ccontrol.Report{})
	inB.next = 500 * units.Kbps
	for range 30 {
		b.OnFeedback(2, &ccontrol.Report{})
	}
	if got := b.flow.FSER; math.Abs(got-5e5) > 1 {
		t.Errorf("a flow that has 500 kbit/s is counted with %v", got)
	}
}

// §5.3.1 (2): what has stopped or paused is removed, and comes back with its initial rate.
func TestSilentFlowsLeave(t *testing.T) {
	e := NewExchange(Active, Configured)
	a, inA := couple(t, e, 1)
	b, inB := couple(t, e, 1)
	inA.next, inB.next = 4*units.Mbps, 4*units.Mbps
	a.OnSent(0, ccontrol.Sent{})
	b.OnSent(0, ccontrol.Sent{})
	a.OnFeedback(1, &ccontrol.Report{})
	b.OnFeedback(1, &ccontrol.Report{})
	due := b.NextTimeout()
	if due != simtime.At(silence) {
		t.Fatalf("due at %v", due)
	}
	at := simtime.At(time.Second)
	a.OnSent(at, ccontrol.Sent{})
	b.OnTimeout(due)
	if b.flow.Registered() || b.NextTimeout() != simtime.Never || !a.flow.Registered() {
		t.Error("the silent one is still there, or the other isn't")
	}
	sum := a.flow.Sum()
	inA.next = a.Target().Media
	a.OnFeedback(due, &ccontrol.Report{})
	if got := float64(a.Target().Media); math.Abs(got-sum) > 1 {
		t.Errorf("the other has %v of %v", got, sum)
	}
	b.OnSent(due, ccontrol.Sent{})
	if got := b.Target().Media; got != limits.Start || !b.Moved() {
		t.Errorf("it comes back with %v", got)
	}
	if math.Abs(a.flow.Sum()-sum-1e6) > 1 {
		t.Errorf("S_CR %v after %v", a.flow.Sum(), sum)
	}
}

// What can be told a rate then has it, within its limits, and goes on from there; what
// can't is refused.
func TestControllersThatCanBeCoupled(t *testing.T) {
	can := map[string]bool{"nada": true, "gcc": true, "tfrc": true, "rr-loss": true}
	for _, name := range ccontrol.Names() {
		spec, _ := ccontrol.Lookup(name)
		err := Check(spec)
		if !can[name] {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c, err := spec.Build(limits, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := c.(ccontrol.Adjustable)
		if a.Rate() != limits.Start {
			t.Errorf("%s begins with %v", name, a.Rate())
		}
		for _, rate := range []units.BitRate{300 * units.Kbps, 4 * units.Mbps, units.Mbps} {
			a.SetRate(simtime.At(time.Second), rate)
			if got := a.Rate(); got != rate {
				t.Errorf("%s was set to %v and has %v", name, rate, got)
			}
			if got := float64(a.Target().Media) / float64(rate); got < 0.94 || got > 1 {
				t.Errorf("%s aims at %.2f of what it was set to", name, got)
			}
		}
		a.SetRate(simtime.At(time.Second), 100*units.Mbps)
		if got := a.Target().Media; got > limits.Max {
			t.Errorf("%s aims at %v, beyond its limit", name, got)
		}
	}
}
