package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/feedlog"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner/external"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// controllers makes those of a run, starts those that are programs, and keeps feedback
// logs.
type controllers struct {
	run   *scenarios.Run
	dir   string // of the logs; empty writes none
	agent *Agent // may be nil
	// ctx is the run's: stop ends it, which a program that fails does.
	ctx  context.Context
	stop context.CancelCauseFunc

	programs []*external.Controller
	failure  error // of the first program that failed
	logs     []feedbackLog
	stderrs  []*os.File // of programs
}

type feedbackLog struct {
	file     *os.File
	recorder *feedlog.Recorder
}

// make makes a controller, with a recorder around it if logs are wanted.
func (c *controllers) make(of *topologies.Controlled) (ccontrol.Controller, []ccontrol.Signal, error) {
	if a := c.agent; a != nil && a.Connection == of.Connection {
		return a.New(of.Limits), nil, nil
	}
	if e := c.run.Scenario.CongestionOf(of.Endpoint).External; e != nil && !of.Legacy {
		return c.start(e, of)
	}
	controller, signals, err := topologies.Registered(of)
	if err == nil {
		controller, err = c.record(of, nil, controller)
	}
	return controller, signals, err
}

// start starts a program as a controller.
func (c *controllers) start(e *scenarios.External, of *topologies.Controlled) (ccontrol.Controller, []ccontrol.Signal, error) {
	config := external.Config{
		Connection: of.Connection, Exec: e.Exec, Dir: c.run.Scenario.Dir, Protocol: e.Protocol, Timeout: e.Timeout,
		Parameters: of.Settings, Limits: of.Limits,
		Failed: func(err error) {
			c.failure = err
			c.stop(err)
		},
	}
	if c.dir != "" {
		f, err := c.create(of, ".stderr.txt")
		if err != nil {
			return nil, nil, err
		}
		c.stderrs, config.Stderr = append(c.stderrs, f), f
	}
	program, err := external.Start(c.ctx, config)
	if err != nil {
		return nil, nil, err
	}
	c.programs = append(c.programs, program)
	controller, err := c.record(of, e, program)
	return controller, program.SignalNames(), err
}

// record puts a recorder around a controller if logs are wanted.
func (c *controllers) record(of *topologies.Controlled, e *scenarios.External, controller ccontrol.Controller) (ccontrol.Controller, error) {
	if c.dir == "" {
		return controller, nil
	}
	f, err := c.create(of, ".jsonl")
	if err != nil {
		return nil, err
	}
	h := feedlog.Header{
		Scenario: c.run.File, Run: c.run.Name, Seed: c.run.Scenario.Seed,
		Connection: of.Connection, Controller: of.Controller, Settings: of.Settings, Limits: feedlog.LimitsOf(of.Limits),
	}
	if e != nil {
		h.Exec, h.Protocol = e.Exec, e.Protocol
	}
	r := feedlog.NewRecorder(f, h, controller)
	c.logs = append(c.logs, feedbackLog{f, r})
	return r.Controller(), nil
}

// create makes a file about a connection.
func (c *controllers) create(of *topologies.Controlled, extension string) (*os.File, error) {
	name := strings.ReplaceAll(of.Connection, "/", ".") + extension
	f, err := os.OpenFile(filepath.Join(c.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the feedback log: %w", err)
	}
	return f, nil
}

// close ends programs and writes the rest of the logs. A program that failed before is
// the error.
func (c *controllers) close() error {
	errs := []error{c.failure}
	for _, p := range c.programs {
		if err := p.Close(); c.failure == nil {
			errs = append(errs, err)
		}
	}
	c.stop(nil)
	for _, f := range c.stderrs {
		errs = append(errs, f.Close())
	}
	for _, l := range c.logs {
		if err := errors.Join(l.recorder.Flush(), l.file.Close()); err != nil {
			errs = append(errs, fmt.Errorf("writing feedback logs: %w", err))
		}
	}
	return errors.Join(errs...)
}

// standIn makes the controllers of a simulation that is made to see whether it can be, and
// not to be run: something else takes the place of programs.
func standIn(s *scenarios.Scenario) func(*topologies.Controlled) (ccontrol.Controller, []ccontrol.Signal, error) {
	return func(of *topologies.Controlled) (ccontrol.Controller, []ccontrol.Signal, error) {
		if of.Legacy || s.CongestionOf(of.Endpoint).External == nil {
			return topologies.Registered(of)
		}
		return still{target: ccontrol.Target{Media: of.Limits.Start, Pacing: of.Limits.Start}}, nil, nil
	}
}

// still is a controller that does nothing.
type still struct {
	ccontrol.NoTimeout
	target ccontrol.Target
}

func (still) OnFeedback(simtime.Time, *ccontrol.Report) {}

func (s still) Target() ccontrol.Target { return s.target }
