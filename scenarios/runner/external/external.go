// Package external hosts rate controllers that are programs of their own, in any
// language: docs/external-controllers.md is the protocol. Time in it is virtual. Only
// how long a program may take is by the wall clock, which has no effect on a run that
// comes to its end.
package external

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// The protocols.
const (
	SimrunV1 = "simrun-v1"
	AlphaRTC = "alphartc"
)

// Config says what to run for which sender.
type Config struct {
	// Connection that is controlled, such as S1-R1.
	Connection string
	// Exec is the program and its arguments, Dir the folder that it runs in.
	Exec []string
	Dir  string
	// Protocol is one of the constants above.
	Protocol string
	// Timeout is how long a reply may take, by the wall clock.
	Timeout time.Duration
	// Parameters are handed to the program as they are.
	Parameters map[string]string
	Limits     ccontrol.Limits
	// Stderr, if not nil, gets what the program prints to standard error, until Close.
	Stderr io.Writer
	// Failed is called once if the program fails.
	Failed func(error)
}

// Controller is a program as a [ccontrol.Controller]. When the program fails, it stays
// at its last target; the run should end then.
type Controller struct {
	config  Config
	process *process
	speaks  protocol

	target  ccontrol.Target
	next    simtime.Time
	probes  []ccontrol.Probe
	names   []ccontrol.Signal
	values  []float64
	stopped bool
}

// protocol is how a controller talks to its program.
type protocol interface {
	// begin returns what to write first, and reads the reply; nil is nothing.
	begin() []byte
	begun(reply []byte) error
	sent(now simtime.Time, s ccontrol.Sent)
	// feedback and timeout return what to write, or nil for nothing; each gets one
	// line as a reply.
	feedback(now simtime.Time, r *ccontrol.Report) []byte
	timeout(now simtime.Time) []byte
	replied(now simtime.Time, reply []byte) error
}

// Start starts the program and agrees with it on where to begin. [Controller.Close]
// ends it, and so does the context.
func Start(ctx context.Context, c Config) (*Controller, error) {
	e := &Controller{config: c, next: simtime.Never}
	e.setTarget(c.Limits.Start)
	switch c.Protocol {
	case SimrunV1:
		e.speaks = &simrunV1{controller: e}
	case AlphaRTC:
		e.speaks = &alphaRTC{controller: e}
	default:
		return nil, fmt.Errorf("there is no protocol %q: write %s or %s", c.Protocol, SimrunV1, AlphaRTC)
	}
	path, err := Find(c.Dir, c.Exec[0])
	if err != nil {
		return nil, err
	}
	if e.process, err = start(ctx, path, c); err != nil {
		return nil, e.named(err)
	}
	if hello := e.speaks.begin(); hello != nil {
		reply, err := e.process.exchange(hello)
		if err == nil {
			err = e.process.rubbish(e.speaks.begun(reply), reply)
		}
		if err != nil {
			e.process.kill()
			return nil, e.named(err)
		}
	}
	return e, nil
}

// Find returns the path of a program, which is relative to a folder if it has a
// separator, and is otherwise looked for where the shell would.
func Find(dir, program string) (string, error) {
	if program != filepath.Base(program) && !filepath.IsAbs(program) {
		abs, err := filepath.Abs(filepath.Join(dir, program))
		if err != nil {
			return "", err
		}
		program = abs
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("there is no program %s: write one that is in PATH, or its path from the scenario's folder", program)
	}
	return path, nil
}

func (e *Controller) named(err error) error {
	return fmt.Errorf("controller of %s, %s: %w", e.config.Connection, strings.Join(e.config.Exec, " "), err)
}

// setTarget aims at a rate, and paces at a multiple of it.
func (e *Controller) setTarget(media units.BitRate) {
	e.target = ccontrol.Target{Media: media, Pacing: units.BitRate(float64(media) * PacingFactor)}
}

// PacingFactor is the pacing rate, as a multiple of the media rate, that those get who
// say nothing about it.
const PacingFactor = 1.5

// OnSent keeps the packet for the next message.
func (e *Controller) OnSent(now simtime.Time, s ccontrol.Sent) {
	if !e.stopped {
		e.speaks.sent(now, s)
	}
}

// OnFeedback tells the program of it, and waits for the reply.
func (e *Controller) OnFeedback(now simtime.Time, r *ccontrol.Report) {
	if !e.stopped {
		e.ask(now, e.speaks.feedback(now, r))
	}
}

// OnTimeout tells the program of it, and waits for the reply.
func (e *Controller) OnTimeout(now simtime.Time) {
	if e.next = simtime.Never; !e.stopped {
		e.ask(now, e.speaks.timeout(now))
	}
}

func (e *Controller) ask(now simtime.Time, message []byte) {
	if message == nil {
		return
	}
	reply, err := e.process.exchange(message)
	if err == nil {
		err = e.process.rubbish(e.speaks.replied(now, reply), reply)
	}
	if err != nil {
		e.fail(err)
	}
}

// fail stops the conversation, and tells the host unless it has ended the run itself.
func (e *Controller) fail(err error) {
	e.stopped, e.next, e.probes = true, simtime.Never, nil
	e.process.kill()
	if e.process.ctx.Err() == nil {
		e.config.Failed(e.named(err))
	}
}

// NextTimeout returns when the program wants to be asked.
func (e *Controller) NextTimeout() simtime.Time { return e.next }

// Target returns what the program said last.
func (e *Controller) Target() ccontrol.Target { return e.target }

// PollProbe returns the probes that the program has asked for, one after the other.
func (e *Controller) PollProbe(simtime.Time) (ccontrol.Probe, bool) {
	if len(e.probes) == 0 {
		return ccontrol.Probe{}, false
	}
	p := e.probes[0]
	e.probes = e.probes[1:]
	return p, true
}

// SignalNames returns what the program shows of itself.
func (e *Controller) SignalNames() []ccontrol.Signal { return e.names }

// Signals appends the last values of what SignalNames returns.
func (e *Controller) Signals(values []float64) []float64 { return append(values, e.values...) }

// Close ends the program: its input ends, and if it doesn't end then, it is killed. What
// it printed without being asked is an error.
func (e *Controller) Close() error {
	defer e.process.await()
	defer e.process.kill()
	if e.stopped {
		return nil
	}
	e.stopped = true
	if err := e.process.close(); err != nil {
		return e.named(err)
	}
	return nil
}
