package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/feedlog"
	"rtpfabric/scenarios"
	"rtpfabric/topologies"
)

// controllers makes those of a run, and keeps their feedback logs.
type controllers struct {
	run *scenarios.Run
	dir string // of the logs; empty writes none
	// base makes controllers; logs are around them.
	base func(of *topologies.Controlled) (ccontrol.Controller, []ccontrol.Signal, error)
	logs []feedbackLog
}

type feedbackLog struct {
	file     *os.File
	recorder *feedlog.Recorder
}

// make makes a controller, with a recorder around it if logs are wanted.
func (c *controllers) make(of *topologies.Controlled) (ccontrol.Controller, []ccontrol.Signal, error) {
	controller, signals, err := c.base(of)
	if err != nil || c.dir == "" {
		return controller, signals, err
	}
	name := strings.ReplaceAll(of.Connection, "/", ".") + ".jsonl"
	f, err := os.OpenFile(filepath.Join(c.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the feedback log: %w", err)
	}
	h := feedlog.Header{
		Scenario: c.run.File, Run: c.run.Name, Seed: c.run.Scenario.Seed,
		Connection: of.Connection, Controller: of.Controller, Settings: of.Settings, Limits: feedlog.LimitsOf(of.Limits),
	}
	r := feedlog.NewRecorder(f, h, controller)
	c.logs = append(c.logs, feedbackLog{f, r})
	return r, signals, nil
}

// close writes the rest of the logs.
func (c *controllers) close() error {
	var errs []error
	for _, l := range c.logs {
		errs = append(errs, l.recorder.Flush(), l.file.Close())
	}
	c.logs = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("writing feedback logs: %w", err)
	}
	return nil
}
