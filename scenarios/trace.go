package scenarios

import (
	"fmt"
	"os"
	"path/filepath"

	"rtpfabric/sim/trace"
)

// TraceFile is the content of a file of capacities: one of the two.
type TraceFile struct {
	Opportunities *trace.Opportunities
	Trace         *trace.Trace
}

// ReadTrace reads the file that a capacity names. The scenario has been loaded,
// so that an error means that the file has changed since.
func (s *Scenario) ReadTrace(c *Capacity) (*TraceFile, error) {
	path := c.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // opening a pipe may wait for ever
		return nil, fmt.Errorf("%s is no regular file: write the name of a trace file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: write the name of a file, from the folder of the scenario", err)
	}
	defer f.Close()
	if c.Type == "mahimahi" {
		o, err := trace.ReadMahimahi(f, path)
		return &TraceFile{Opportunities: &o}, err
	}
	o, err := trace.ReadOpenNetLab(f, path)
	if err != nil {
		return nil, err
	}
	t, name := o.Uplink, "uplink"
	if c.Direction == "downlink" {
		t, name = o.Downlink, c.Direction
	}
	if t == nil {
		return nil, fmt.Errorf("%s has no %s: write another direction", path, name)
	}
	return &TraceFile{Trace: t}, nil
}
