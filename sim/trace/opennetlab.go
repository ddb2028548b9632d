package trace

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"rtpfabric/sim/units"
)

// OpenNetLab is a trace file of OpenNetLab's AlphaRTC gym (OpenNetLab/gym,
// alphartc_gym/gym.py and its trace player):
//
//	{"type": "video",
//	 "uplink": {"trace_pattern": [
//	   {"duration": 60000, "capacity": 300, "loss": 0.1, "rtt": 85, "jitter": 0}]},
//	 "downlink": {}}
//
// duration, rtt and jitter are in milliseconds, capacity in kbit/s, loss is a
// probability. duration and capacity must be there; of the others a step without
// one keeps the value before. A number "time" may be there and says nothing that
// the durations don't.
//
// Of the round-trip time one half is the delay of this direction, as in the
// gym's player.
//
// Deviation (OpenNetLab/gym): a capacity of 0 is an outage during which packets
// wait, where the player loses them all; jitter, which the player ignores, is
// the standard deviation of the delay.
type OpenNetLab struct {
	Type             string // such as video
	Uplink, Downlink *Trace // nil if the file has no steps for it; they repeat
}

// onlStep is a step of the file in the file's units.
type onlStep struct {
	duration, capacity, loss, rtt, jitter, time onlNumber
}

type onlNumber struct {
	value float64
	given bool
}

// field returns where a step keeps the field with the given name, and the
// largest value that may be there.
func (s *onlStep) field(name string) (n *onlNumber, most float64) {
	const millisecond = float64(time.Millisecond)
	switch name {
	case "duration":
		return &s.duration, float64(MaxLength) / millisecond
	case "capacity":
		return &s.capacity, float64(MaxRate / units.Kbps)
	case "loss":
		return &s.loss, 1
	case "rtt":
		return &s.rtt, float64(2*MaxDelay) / millisecond
	case "jitter":
		return &s.jitter, float64(MaxDelay) / millisecond
	case "time":
		return &s.time, 1e15
	}
	return nil, 0
}

// onlFields is for messages.
const onlFields = "duration, capacity, loss, rtt, jitter or time"

// step converts to this package's units.
func (s *onlStep) step(at time.Duration) (step Step, length time.Duration) {
	const millisecond = float64(time.Millisecond)
	rate := units.BitRate(roundHalfUp(float64(s.capacity.value * 1000)))
	step = Step{At: at, Rate: &rate}
	if s.loss.given {
		loss := s.loss.value + 0 // no negative zero
		step.Loss = &loss
	}
	if s.rtt.given {
		delay := time.Duration(roundHalfUp(float64(s.rtt.value * (millisecond / 2))))
		step.Delay = &delay
	}
	if s.jitter.given {
		jitter := time.Duration(roundHalfUp(float64(s.jitter.value * millisecond)))
		step.Jitter = &jitter
	}
	return step, time.Duration(roundHalfUp(float64(s.duration.value * millisecond)))
}

func roundHalfUp(x float64) int64 { return int64(x + 0.5) }

// WriteOpenNetLab writes the file; what it wrote reads again to the same value.
// A step without a rate is written with the one before, and without the first
// rate the trace is refused, as is one that doesn't repeat: the format has no
// other way to say so.
func WriteOpenNetLab(w io.Writer, o *OpenNetLab) error {
	if o.Uplink == nil && o.Downlink == nil {
		return fmt.Errorf("opennetlab: neither direction has a trace: write an uplink or a downlink")
	}
	for _, d := range []struct {
		name  string
		trace *Trace
	}{{"uplink", o.Uplink}, {"downlink", o.Downlink}} {
		if d.trace == nil {
			continue
		}
		if err := d.trace.Check(); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		if d.trace.Steps[0].Rate == nil {
			return fmt.Errorf("%s: step 0: rate: it is missing: write one", d.name)
		}
		if !d.trace.Repeat {
			return fmt.Errorf("%s: it doesn't repeat: write a trace that does", d.name)
		}
	}
	if n := o.Uplink.steps() + o.Downlink.steps(); n > MaxSteps {
		return fmt.Errorf("opennetlab: there are %d steps: write at most %d", n, MaxSteps)
	}
	b := bufio.NewWriter(w)
	kind, err := json.Marshal(o.Type)
	if err != nil {
		return fmt.Errorf("type: %w", err)
	}
	// Write errors stick to b; Flush returns them.
	_, _ = fmt.Fprintf(b, "{\n  \"type\": %s,\n  \"uplink\": ", kind)
	o.Uplink.writeONL(b)
	_, _ = b.WriteString(",\n  \"downlink\": ")
	o.Downlink.writeONL(b)
	_, _ = b.WriteString("\n}\n")
	return b.Flush()
}

func (t *Trace) steps() int {
	if t == nil {
		return 0
	}
	return len(t.Steps)
}

func (t *Trace) writeONL(b *bufio.Writer) {
	if t == nil {
		_, _ = b.WriteString("{}")
		return
	}
	_, _ = b.WriteString("{\"trace_pattern\": [")
	var rate units.BitRate
	for i := range t.Steps {
		s := &t.Steps[i]
		if s.Rate != nil {
			rate = *s.Rate
		}
		if i > 0 {
			_ = b.WriteByte(',')
		}
		_, _ = fmt.Fprintf(b, "\n    {\"duration\": %s, \"capacity\": %s",
			decimal(int64(t.end(i)-s.At), 6), decimal(int64(rate), 3))
		if s.Loss != nil {
			_, _ = fmt.Fprintf(b, ", \"loss\": %s", strconv.FormatFloat(*s.Loss, 'g', -1, 64))
		}
		if s.Delay != nil {
			_, _ = fmt.Fprintf(b, ", \"rtt\": %s", decimal(2*int64(*s.Delay), 6))
		}
		if s.Jitter != nil {
			_, _ = fmt.Fprintf(b, ", \"jitter\": %s", decimal(int64(*s.Jitter), 6))
		}
		_ = b.WriteByte('}')
	}
	_, _ = b.WriteString("\n  ]}")
}

// decimal prints v·10^-places exactly; v is not negative.
func decimal(v int64, places int) string {
	s := strconv.FormatInt(v, 10)
	for len(s) <= places {
		s = "0" + s
	}
	whole, part := s[:len(s)-places], s[len(s)-places:]
	for len(part) > 0 && part[len(part)-1] == '0' {
		part = part[:len(part)-1]
	}
	if part == "" {
		return whole
	}
	return whole + "." + part
}
