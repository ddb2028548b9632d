package trace

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/units"
)

func rateOf(r units.BitRate) *units.BitRate { return &r }

func TestIteratorRepeats(t *testing.T) {
	loss := 0.5
	tr := Trace{
		Steps:  []Step{{At: 0, Rate: rateOf(1)}, {At: 3 * time.Second, Rate: rateOf(2), Loss: &loss}},
		Length: 5 * time.Second, Repeat: true,
	}
	if err := tr.Check(); err != nil {
		t.Fatal(err)
	}
	it := tr.Iterate()
	for i, want := range []time.Duration{0, 3, 5, 8, 10, 13} {
		s, ok := it.Next()
		if !ok || s.At != want*time.Second || *s.Rate != units.BitRate(1+i%2) {
			t.Errorf("step %d: %+v, %v, want at %v s", i, s, ok, want)
		}
	}
	tr.Repeat = false
	it = tr.Iterate()
	it.Next()
	it.Next()
	if s, ok := it.Next(); ok {
		t.Errorf("a third step of two: %+v", s)
	}
}

func TestCheckRefuses(t *testing.T) {
	half, nan, over := 0.5, math.NaN(), 1.5
	negative, long := -time.Second, time.Hour
	ok := func() Trace {
		return Trace{Steps: []Step{{Rate: rateOf(1), Loss: &half}, {At: 1, Rate: rateOf(2)}}, Length: 2}
	}
	for name, change := range map[string]func(*Trace){
		"write 1 to":                   func(t *Trace) { t.Steps = nil },
		"write 0":                      func(t *Trace) { t.Steps[0].At = 1 },
		"write more than 0":            func(t *Trace) { t.Steps[1].At = 0 },
		"write more than 1ns":          func(t *Trace) { t.Length = 1 },
		"at most 168h":                 func(t *Trace) { t.Length = MaxLength + 1 },
		"step 1: rate: -1bps":          func(t *Trace) { t.Steps[1].Rate = rateOf(-1) },
		"step 1: rate: 100Gbps is out": func(t *Trace) { t.Steps[1].Rate = rateOf(MaxRate + 1) },
		"step 0: loss: NaN":            func(t *Trace) { t.Steps[0].Loss = &nan },
		"step 0: loss: 1.5":            func(t *Trace) { t.Steps[0].Loss = &over },
		"step 1: delay: -1s":           func(t *Trace) { t.Steps[1].Delay = &negative },
		"step 1: jitter: 1h":           func(t *Trace) { t.Steps[1].Jitter = &long },
	} {
		tr := ok()
		if err := tr.Check(); err != nil {
			t.Fatal(err)
		}
		change(&tr)
		if err := tr.Check(); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "write") {
			t.Errorf("want an error with %q, got %v", name, err)
		}
	}
}

func TestRatesOfOpportunities(t *testing.T) {
	o := Opportunities{Milliseconds: []uint32{0, 10, 11, 20, 20, 25}}
	tr, err := o.Rates(10 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	// (0, 10] with the one at 0: 2; (10, 20]: 3; (20, 25]: 1, in half the time.
	const one = 1504 * 8 * 100
	for i, want := range []units.BitRate{2 * one, 3 * one, 2 * one} {
		if got := *tr.Steps[i].Rate; got != want {
			t.Errorf("bin %d: %v, want %v", i, got, want)
		}
	}
	if tr.Length != 25*time.Millisecond || !tr.Repeat || len(tr.Steps) != 3 {
		t.Errorf("got %+v", tr)
	}
}

func TestOpportunitiesOfRates(t *testing.T) {
	tr := Trace{Steps: []Step{
		{At: 0, Rate: rateOf(12_032_000)},                         // one a millisecond
		{At: 3 * time.Millisecond, Rate: rateOf(0)},               // an outage
		{At: 10 * time.Millisecond, Rate: rateOf(2 * 12_032_000)}, // two
		{At: 11500 * time.Microsecond, Rate: rateOf(6_016_000)},   // one every two
	}, Length: 15 * time.Millisecond, Repeat: true}
	o, err := tr.Opportunities()
	if err != nil {
		t.Fatal(err)
	}
	// At 12 ms one and a quarter have come due, at 14 ms one and a quarter
	// more, and the end of the period adds one.
	if want := []uint32{1, 2, 3, 11, 11, 12, 14, 15}; !reflect.DeepEqual(o.Milliseconds, want) {
		t.Errorf("got %v, want %v", o.Milliseconds, want)
	}
	for _, bad := range []Trace{
		{Steps: []Step{{Rate: rateOf(0)}}, Length: time.Hour},
		{Steps: []Step{{Rate: rateOf(MaxRate)}}, Length: time.Hour},
	} {
		if o, err := bad.Opportunities(); err == nil {
			t.Errorf("%d opportunities, want an error", len(o.Milliseconds))
		}
	}
	fastest := Trace{Steps: []Step{{Rate: rateOf(MaxRate)}}, Length: time.Second}
	if _, err := fastest.Opportunities(); err != nil {
		t.Error(err)
	}
}

// Converting there and back loses at most one opportunity a bin.
func TestConversionThereAndBack(t *testing.T) {
	g := LTE()
	tr, err := g.Generate(10*time.Minute, stream())
	if err != nil {
		t.Fatal(err)
	}
	o, err := tr.Opportunities()
	if err != nil {
		t.Fatal(err)
	}
	back, err := o.Rates(100 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	const one = 1504 * 8 * 10 // an opportunity in 100 ms
	for i := range back.Steps {
		a, b := *tr.Steps[i].Rate, *back.Steps[i].Rate
		if d := a - b; d > one || d < -one {
			t.Fatalf("bin %d: %v became %v, want at most one opportunity of difference", i, a, b)
		}
	}
}

func TestWriteRefusesWhatReadWouldnt(t *testing.T) {
	var b bytes.Buffer
	for _, at := range [][]uint32{nil, {0}, {2, 1}, {604_800_001}, make([]uint32, 8400)} {
		if err := WriteMahimahi(&b, Opportunities{Milliseconds: at}); err == nil {
			t.Errorf("%v was written", at[:min(len(at), 3)])
		}
	}
	once := &Trace{Steps: []Step{{Rate: rateOf(1)}}, Length: 1}
	for name, o := range map[string]*OpenNetLab{
		"neither direction": {},
		"doesn't repeat":    {Uplink: once},
		"rate: it is":       {Downlink: &Trace{Steps: []Step{{}}, Length: 1, Repeat: true}},
		"uplink: steps":     {Uplink: &Trace{}},
	} {
		if err := WriteOpenNetLab(&b, o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error with %q, got %v", name, err)
		}
	}
	if b.Len() > 0 {
		t.Errorf("something was written: %q", b.String())
	}
}

func TestPatterns(t *testing.T) {
	const reference = 10 * units.Mbps
	for _, c := range []struct {
		p    Pattern
		at   map[time.Duration]units.BitRate
		mean units.BitRate
	}{
		{Pattern{Shape: Square, Period: 20 * time.Second, Low: 0.25, High: 1.5, Duty: 0.25}, map[time.Duration]units.BitRate{
			0: 2_500_000, 14 * time.Second: 2_500_000, 15 * time.Second: 15_000_000, 19 * time.Second: 15_000_000,
		}, 5_625_000},
		{Pattern{Shape: Rising, Period: 10 * time.Second, Low: 0, High: 1, Interval: time.Second}, map[time.Duration]units.BitRate{
			0: 500_000, 5 * time.Second: 5_500_000, 9 * time.Second: 9_500_000,
		}, 5_000_000},
		{Pattern{Shape: Falling, Period: 10 * time.Second, Low: 0.5, High: 1, Interval: time.Second}, map[time.Duration]units.BitRate{
			0: 9_750_000, 9 * time.Second: 5_250_000,
		}, 7_500_000},
		{Pattern{Shape: Triangle, Period: 10 * time.Second, Low: 0, High: 1, Interval: time.Second}, map[time.Duration]units.BitRate{
			0: 1_000_000, 4 * time.Second: 9_000_000, 5 * time.Second: 9_000_000, 9 * time.Second: 1_000_000,
		}, 5_000_000},
		{Pattern{Shape: Sine, Period: 12 * time.Second, Low: 0, High: 1, Interval: time.Second}, map[time.Duration]units.BitRate{
			// (1 − cos 15°)/2, (1 − cos 75°)/2, (1 − cos 165°)/2
			0: 170_371, 2 * time.Second: 3_705_905, 5 * time.Second: 9_829_629, 11 * time.Second: 170_371,
		}, 5_000_000},
	} {
		tr, err := c.p.Trace(reference)
		if err != nil {
			t.Fatal(err)
		}
		if tr.Length != c.p.Period || !tr.Repeat {
			t.Errorf("%v: length %v, repeats %v", c.p.Shape, tr.Length, tr.Repeat)
		}
		rates, err := tr.Bins(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range c.at {
			if got := rates[at/time.Second]; got != want {
				t.Errorf("%v at %v: %v, want %v", c.p.Shape, at, got, want)
			}
		}
		if s, err := tr.Measure(time.Second); err != nil || s.Mean != c.mean {
			t.Errorf("%v: mean %v, %v, want %v", c.p.Shape, s.Mean, err, c.mean)
		}
		if s, err := ParseShape(c.p.Shape.String()); err != nil || s != c.p.Shape {
			t.Errorf("%v is parsed as %v, %v", c.p.Shape, s, err)
		}
	}
}

func TestPatternRefuses(t *testing.T) {
	ok := Pattern{Shape: Sine, Period: time.Second, High: 1}
	for name, change := range map[string]func(*Pattern){
		"shape":     func(p *Pattern) { p.Shape = 77 },
		"low, high": func(p *Pattern) { p.Low = 2 },
		"duty":      func(p *Pattern) { p.Duty = 1 },
		"period":    func(p *Pattern) { p.Period = 0 },
		"interval":  func(p *Pattern) { p.Interval = time.Second },
	} {
		p := ok
		change(&p)
		if _, err := p.Trace(units.Mbps); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("want an error about %s, got %v", name, err)
		}
	}
	nan := ok
	nan.High = units.Ratio(math.NaN())
	if _, err := nan.Trace(units.Mbps); err == nil {
		t.Error("NaN was taken")
	}
	if _, err := ok.Trace(0); err == nil {
		t.Error("a reference of 0 was taken")
	}
}

func TestCosine(t *testing.T) {
	for i := range 1001 {
		x := float64(i) / 1000
		if d := math.Abs(cosine(x) - math.Cos(2*math.Pi*x)); d > 1e-12 {
			t.Errorf("cos(2π·%v) is wrong by %v", x, d)
		}
	}
}
