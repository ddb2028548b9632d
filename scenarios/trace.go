package scenarios

import (
	"fmt"
	"os"
	"path/filepath"

	"rtpfabric/endpoints/encoder"
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
	f, path, err := s.open(c.File)
	if err != nil {
		return nil, err
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

// ReadFrames reads the file that an encoder names; nil if it needs none. The scenario has
// been loaded, so that an error means that the file has changed since.
func (s *Scenario) ReadFrames(e *VideoEncoder) (*encoder.Trace, error) {
	if !e.traced() {
		return nil, nil
	}
	f, path, err := s.open(e.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := encoder.ReadTrace(f)
	if err != nil {
		return nil, fmt.Errorf("%s, %w", path, err)
	}
	return t, nil
}

// traced reports whether the encoder needs a trace.
func (e *VideoEncoder) traced() bool { return e.Model == "trace-driven" || e.Model == "hybrid" }

// frameRate is that of an encoder that doesn't say.
func (s *Scenario) frameRate(e *VideoEncoder) float64 {
	if t, err := s.ReadFrames(e); err == nil && t != nil {
		return t.FPS
	}
	return defaultFrameRate
}

// open opens a file that the scenario names. A name that isn't absolute is from the
// scenario's folder.
func (s *Scenario) open(name string) (f *os.File, path string, err error) {
	if path = name; !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // opening a pipe may wait for ever
		return nil, path, fmt.Errorf("%s is no regular file: write the name of a trace file", path)
	}
	if f, err = os.Open(path); err != nil {
		return nil, path, fmt.Errorf("%w: write the name of a file, from the folder of the scenario", err)
	}
	return f, path, nil
}
