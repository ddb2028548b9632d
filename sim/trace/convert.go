package trace

import (
	"fmt"
	"time"

	"rtpfabric/sim/units"
)

// Rates turns opportunities into a repeating trace of the rate in bins of the
// given length; the last bin may be shorter. An opportunity belongs to the bin
// that ends with it or around it, because it carries what came due up to its
// time; one at 0 belongs to the first.
//
// A link that follows the result spreads over a bin what mahimahi delivers in
// bursts, and loses no opportunity that falls into an idle moment of a busy bin.
func (o *Opportunities) Rates(bin time.Duration) (Trace, error) {
	if err := o.check(); err != nil {
		return Trace{}, err
	}
	period := o.Period()
	if bin < time.Millisecond || bin > period {
		return Trace{}, fmt.Errorf("bin: %v is out of range: write 1ms to %v", bin, period)
	}
	n := int((period + bin - 1) / bin)
	if n > MaxSteps {
		return Trace{}, fmt.Errorf("bin: %v makes %d steps: write a bin that makes at most %d", bin, n, MaxSteps)
	}
	counts := make([]int64, n)
	for _, ms := range o.Milliseconds {
		at := time.Duration(ms) * time.Millisecond
		counts[max(0, int((at+bin-1)/bin)-1)]++
	}
	rates := make([]units.BitRate, n)
	t := uniform(rates, bin)
	t.Length = period
	for i, c := range counts {
		length := t.end(i) - t.Steps[i].At
		bits := c * int64(OpportunitySize) * 8
		rates[i] = units.BitRate(float64(bits) / length.Seconds())
	}
	return t, t.Check()
}

// Opportunities turns a trace of rates into delivery opportunities: one falls at
// the first whole millisecond at which 1504 octets have come due since the one
// before. Where the trace doesn't end with one, another is put at its end, so
// that the period is right; it adds up to 1504 octets. Delay, loss and jitter
// are lost, and steps before the first rate count as an outage.
func (t *Trace) Opportunities() (Opportunities, error) {
	if err := t.Check(); err != nil {
		return Opportunities{}, err
	}
	const one = int64(OpportunitySize) * 8 * int64(time.Second) // in bit·ns/s
	var (
		o    Opportunities
		due  int64
		rate units.BitRate
	)
	for i := range t.Steps {
		if r := t.Steps[i].Rate; r != nil {
			rate = *r
		}
		for at, end := t.Steps[i].At, t.end(i); at < end; {
			if rate == 0 {
				break
			}
			next := min(at.Truncate(time.Millisecond)+time.Millisecond, end)
			due += int64(rate) * int64(next-at)
			at = next
			if at%time.Millisecond != 0 {
				continue
			}
			for ; due >= one; due -= one {
				if len(o.Milliseconds) == MaxOpportunities {
					return Opportunities{}, fmt.Errorf("trace: it has more than %d opportunities: write a shorter or slower one", MaxOpportunities)
				}
				o.Milliseconds = append(o.Milliseconds, uint32(at/time.Millisecond))
			}
		}
	}
	if len(o.Milliseconds) == 0 {
		return Opportunities{}, fmt.Errorf("trace: it never carries %d octets: write a longer or faster one", OpportunitySize)
	}
	last := uint32((t.Length + time.Millisecond - 1) / time.Millisecond)
	if o.Milliseconds[len(o.Milliseconds)-1] < last {
		o.Milliseconds = append(o.Milliseconds, last)
	}
	return o, o.check()
}
