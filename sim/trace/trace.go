// Package trace holds what a link can carry over time, as data: steps of rate,
// delay, loss and jitter. It reads and writes two formats in which others
// publish measured traces, and makes synthetic ones from patterns and from
// seeded random processes.
package trace

import (
	"fmt"
	"time"

	"rtpfabric/sim/units"
)

// What a trace may be at most. A file that exceeds a limit is refused, and a
// generator won't make what exceeds it.
const (
	MaxFile          = 64 << 20 // octets
	MaxSteps         = 1_000_000
	MaxOpportunities = 10_000_000
	MaxLength        = 7 * 24 * time.Hour
	MaxRate          = 100 * units.Gbps
	MaxDelay         = time.Minute // of Delay and of Jitter
)

// Step is what a link is like from a time on. A nil field stays as it was.
type Step struct {
	// At counts from the start of the trace.
	At time.Duration
	// Rate is the capacity, headers of IP included; 0 is an outage, during
	// which packets wait.
	Rate *units.BitRate
	// Delay is the one-way propagation delay.
	Delay *time.Duration
	// Loss is the probability that a packet is lost, 0 to 1.
	Loss *float64
	// Jitter is the standard deviation of the delay.
	Jitter *time.Duration
}

// Trace is a sequence of steps. Its zero value is invalid.
type Trace struct {
	// Steps start at 0 and ascend strictly.
	Steps []Step
	// Length is where the last step ends.
	Length time.Duration
	// Repeat says that the first step follows the last one. Otherwise the last
	// step lasts for good.
	Repeat bool
}

// Check returns an error about the first thing in the trace that is out of its
// range.
func (t *Trace) Check() error {
	if len(t.Steps) == 0 || len(t.Steps) > MaxSteps {
		return fmt.Errorf("steps: there are %d: write 1 to %d", len(t.Steps), MaxSteps)
	}
	before := time.Duration(-1)
	for i := range t.Steps {
		s := &t.Steps[i]
		if i == 0 && s.At != 0 {
			return fmt.Errorf("step 0: at: %v is not the start of the trace: write 0", s.At)
		}
		if s.At <= before {
			return fmt.Errorf("step %d: at: %v is not after the step before: write more than %v", i, s.At, before)
		}
		before = s.At
		if err := s.check(); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	if t.Length <= before || t.Length > MaxLength {
		return fmt.Errorf("length: %v is out of range: write more than %v and at most %v", t.Length, before, MaxLength)
	}
	return nil
}

func (s *Step) check() error {
	if r := s.Rate; r != nil && (*r < 0 || *r > MaxRate) {
		return fmt.Errorf("rate: %v is out of range: write 0 to %v", *r, MaxRate)
	}
	if d := s.Delay; d != nil && (*d < 0 || *d > MaxDelay) {
		return fmt.Errorf("delay: %v is out of range: write 0 to %v", *d, MaxDelay)
	}
	if l := s.Loss; l != nil && !(*l >= 0 && *l <= 1) {
		return fmt.Errorf("loss: %v is out of range: write a probability from 0 to 1", *l)
	}
	if j := s.Jitter; j != nil && (*j < 0 || *j > MaxDelay) {
		return fmt.Errorf("jitter: %v is out of range: write 0 to %v", *j, MaxDelay)
	}
	return nil
}

// Iterator hands out the steps of a trace one after the other.
type Iterator struct {
	trace *Trace
	next  int
	base  time.Duration
}

// Iterate starts at the first step. The trace must not change as long as the
// iterator is used, and must have passed [Trace.Check].
func (t *Trace) Iterate() *Iterator { return &Iterator{trace: t} }

// Next returns the next step, its At counted from the start of the first pass.
// It returns false when there are no more, which never happens if the trace
// repeats.
func (i *Iterator) Next() (Step, bool) {
	t := i.trace
	if i.next == len(t.Steps) {
		if !t.Repeat {
			return Step{}, false
		}
		i.next = 0
		i.base += t.Length
	}
	s := t.Steps[i.next]
	s.At += i.base
	i.next++
	return s, true
}

// end returns where step i ends.
func (t *Trace) end(i int) time.Duration {
	if i+1 < len(t.Steps) {
		return t.Steps[i+1].At
	}
	return t.Length
}

// uniform is a trace of rates that last equally long.
func uniform(rates []units.BitRate, interval time.Duration) Trace {
	t := Trace{Steps: make([]Step, len(rates)), Length: interval * time.Duration(len(rates)), Repeat: true}
	for i := range rates {
		t.Steps[i] = Step{At: interval * time.Duration(i), Rate: &rates[i]}
	}
	return t
}
