package feedlog

import (
	"errors"
	"fmt"
	"io"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// Point is a time at which one of two targets changed.
type Point struct {
	At            simtime.Time
	Line          int // of the log
	Recorded, Got ccontrol.Target
}

// Departure is where a controller first did something else than was recorded.
type Departure struct {
	At   simtime.Time
	Line int
	// What is "target" or "probe".
	What, Recorded, Got string
}

// Result is what came of a replay.
type Result struct {
	// Points begin with the targets before the first event.
	Points []Point
	// Departed is nil if the two did the same from beginning to end. Of another
	// controller only targets are compared.
	Departed *Departure
	// Sent, Reports and Timeouts count calls. Probes are those asked for.
	Sent, Reports, Timeouts, Probes int
	End                             simtime.Time
}

// maxIdle is how many time-outs in a row may come at one time before a controller
// counts as stuck.
const maxIdle = 1000

// Replay feeds a log to a controller. It is open loop: what the controller allows
// changes nothing about what it is told, as the packets are those of the run that was
// recorded.
//
// A controller that is the recorded one, with the same settings, gets exactly the
// recorded calls. Any other has time-outs of its own, and no probe that it asks for is
// ever sent. Of coupled flows (RFC 8699) the log has the controller inside and what it was
// set to, which any other that is adjustable is set to as well.
func Replay(log *Reader, c ccontrol.Controller, same bool) (*Result, error) {
	p := player{c: c, same: same, res: &Result{}}
	p.prober, _ = c.(ccontrol.Prober)
	p.recorded = log.Header.Target.target()
	p.line = 1
	p.compare()
	for {
		e, err := log.Next()
		if errors.Is(err, io.EOF) {
			return p.res, nil
		}
		if err != nil {
			return nil, err
		}
		p.line = log.Line()
		if err := p.play(&e); err != nil {
			return nil, fmt.Errorf("line %d: %w", p.line, err)
		}
	}
}

// player is the host of a controller in a replay.
type player struct {
	c        ccontrol.Controller
	prober   ccontrol.Prober
	same     bool
	now      simtime.Time
	line     int
	recorded ccontrol.Target
	res      *Result
}

func (p *player) play(e *Event) error {
	if !p.same {
		if err := p.timeouts(e.At); err != nil {
			return err
		}
	}
	p.now, p.res.End = e.At, e.At
	switch e.Kind {
	case Sent:
		p.c.OnSent(e.At, e.Sent)
		p.res.Sent++
	case Feedback:
		p.c.OnFeedback(e.At, e.Report)
		p.res.Reports++
		p.poll()
	case Timeout:
		if p.same {
			p.c.OnTimeout(e.At)
			p.res.Timeouts++
		}
	case Poll:
		if p.same {
			p.polled(e)
		}
	case Set:
		if a, ok := p.c.(ccontrol.Adjustable); ok {
			a.SetRate(e.At, e.Rate)
		}
	}
	if e.Target != nil {
		p.recorded = *e.Target
	}
	p.compare()
	return nil
}

// timeouts makes those of the controller that are due before or at a time.
func (p *player) timeouts(until simtime.Time) error {
	for n := 0; ; n++ {
		due := max(p.c.NextTimeout(), p.now)
		if due > until || due == simtime.Never {
			return nil
		}
		if due > p.now {
			n = 0
		}
		if n > maxIdle {
			return fmt.Errorf("the controller asks for a time-out at %v again and again", due)
		}
		p.now = due
		p.c.OnTimeout(due)
		p.res.Timeouts++
		p.poll()
		p.compare()
	}
}

// poll asks for a probe as a host does after feedback and time-outs.
func (p *player) poll() {
	if p.same || p.prober == nil {
		return
	}
	if _, ok := p.prober.PollProbe(p.now); ok {
		p.res.Probes++
	}
}

// polled asks for a probe where the recorded host did.
func (p *player) polled(e *Event) {
	var got ccontrol.Probe
	if p.prober != nil {
		if probe, ok := p.prober.PollProbe(e.At); ok {
			got = probe
			p.res.Probes++
		}
	}
	if got != e.Probe {
		p.depart("probe", fmt.Sprintf("%+v", e.Probe), fmt.Sprintf("%+v", got))
	}
}

// compare notes the targets if one has changed.
func (p *player) compare() {
	got := p.c.Target()
	if n := len(p.res.Points); n > 0 && p.res.Points[n-1].Recorded == p.recorded && p.res.Points[n-1].Got == got {
		return
	}
	p.res.Points = append(p.res.Points, Point{p.now, p.line, p.recorded, got})
	if got != p.recorded {
		p.depart("target", TargetText(p.recorded), TargetText(got))
	}
}

func (p *player) depart(what, recorded, got string) {
	if p.res.Departed == nil {
		p.res.Departed = &Departure{p.now, p.line, what, recorded, got}
	}
}

// TargetText writes a target for people.
func TargetText(t ccontrol.Target) string {
	s := fmt.Sprintf("media %v, pacing %v", t.Media, t.Pacing)
	if t.Window > 0 {
		s += fmt.Sprintf(", window %v", t.Window)
	}
	return s
}
