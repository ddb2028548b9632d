// Package runner runs scenarios: it builds the simulation that a scenario
// describes, runs it, and returns the record with its verdicts.
package runner

import (
	"context"
	"fmt"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/sim/capture"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/hosted/bubble"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/rtplog"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
	"rtpfabric/topologies/measure"
)

// Options change how a run is done.
type Options struct {
	// Version of the program, for the manifest.
	Version string
	// Progress, if not nil, is called from time to time with the part of the
	// run that is done, 0 to 1.
	Progress func(done float64) `json:"-"`
	// CaptureDir, if not empty, is an existing folder that gets a capture of
	// each endpoint's and each source's packets, and the keys that open them.
	CaptureDir string
	// CaptureFormat of the endpoints' captures; those of traffic hold IP.
	CaptureFormat capture.Format
	// RTPLogDir, if not empty, is an existing folder that gets a log of the RTP packets that each endpoint sends and
	// receives; see package rtplog.
	RTPLogDir string
	// FeedbackDir, if not empty, is an existing folder that gets a log of what each
	// controller is told and answers; see package feedlog.
	FeedbackDir string
	// Observer, if not nil, is told of all packets that are sent, delivered and dropped.
	Observer fabric.Observer `json:"-"`
	// Agent, if not nil, takes the place of one controller; it has no feedback log.
	Agent *Agent `json:"-"`
}

// progressSteps is how many parts a run is done in when somebody wants to know
// about progress.
const progressSteps = 50

// Run does one run. The caller fills in the manifest's Reproduce, as it knows
// what was set from outside. If the context is cancelled, the record reaches until then
// and is marked incomplete; that is no error.
func Run(ctx context.Context, r *scenarios.Run, o Options) (out *record.Record, err error) {
	config, err := Config(r.Scenario)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name, err)
	}
	made := &controllers{run: r, dir: o.FeedbackDir, agent: o.Agent}
	made.ctx, made.stop = context.WithCancelCause(ctx)
	defer func() {
		if e := made.close(); e != nil && err == nil {
			out, err = nil, fmt.Errorf("%s: %w", r.Name, e)
		}
	}()
	config.Congestion.Make = made.make
	if !config.Hosted() {
		return simulate(made.ctx, r, config, o)
	}
	results := make(chan *record.Record, 1) // what a run that is given up does later is nobody's business
	err = bubble.Run(patience(r.Scenario), func() error {
		rec, err := simulate(made.ctx, r, config, o)
		results <- rec
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-results, nil
}

// patience is how long a run with guests may take before it counts as stuck.
func patience(s *scenarios.Scenario) time.Duration { return time.Minute + 5*s.Duration }

// simulate does a run.
func simulate(ctx context.Context, r *scenarios.Run, config topologies.Config, o Options) (*record.Record, error) {
	mixes := measure.ListenToMixes(&config)
	sim, err := topologies.Build(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name, err)
	}
	defer sim.Close()
	var also []fabric.Observer
	if o.Observer != nil {
		also = append(also, o.Observer)
	}
	var tap *capture.Tap
	if o.CaptureDir != "" {
		if tap, err = newTap(r.Scenario, sim, o); err != nil {
			return nil, err
		}
		also = append(also, tap)
	}
	var log *rtplog.Tap
	if o.RTPLogDir != "" {
		if log, err = newRTPLog(r.Scenario, sim, o.RTPLogDir); err != nil {
			return nil, err
		}
		also = append(also, log)
	}
	rec := measure.Attach(sim, also...)
	interrupted := advance(ctx, sim, simtime.At(r.Scenario.Duration), o.Progress)
	if tap != nil {
		if err := tap.Close(); err != nil {
			return nil, fmt.Errorf("%s: writing captures: %w", r.Name, err)
		}
		if err := writeKeys(o.CaptureDir, sim); err != nil {
			return nil, fmt.Errorf("%s: writing the keys of captures: %w", r.Name, err)
		}
	}
	if log != nil {
		if err := log.Close(); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	out := &record.Record{Manifest: manifest(r, sim, o)}
	if interrupted {
		out.Manifest.Status = record.Incomplete
	}
	rec.Finish(sim.Loop.Now(), out)
	out.Spectra = mixes.Spectra()
	out.Verdicts = scenarios.Judge(r.Scenario, out)
	return out, nil
}

// advance runs to the end and reports whether it was interrupted.
func advance(ctx context.Context, sim *topologies.Simulation, end simtime.Time, progress func(float64)) bool {
	if progress == nil {
		return sim.Run(ctx, end) != nil
	}
	for i := simtime.Time(1); i <= progressSteps; i++ {
		if sim.Run(ctx, end/progressSteps*i+end%progressSteps*i/progressSteps) != nil {
			return true
		}
		progress(float64(i) / progressSteps)
	}
	return false
}

func manifest(r *scenarios.Run, sim *topologies.Simulation, o Options) record.Manifest {
	s := r.Scenario
	return record.Manifest{
		Format: record.Format, Title: s.Title, Reference: s.Reference, Scenario: r.File,
		Run: r.Name, Variation: r.Variation, Seed: s.Seed, Version: o.Version,
		Digest: sim.Fabric.Digest(), Status: record.Complete,
		Duration: s.Duration, Reached: sim.Loop.Now().Duration(),
		Packets: sim.Fabric.Sent(), PacketHops: sim.Fabric.Hops(),
		Protection: s.Protection, Topology: drawing(s, sim, o.Agent), Resolved: r.Resolved,
	}
}

func newTap(s *scenarios.Scenario, sim *topologies.Simulation, o Options) (*capture.Tap, error) {
	var points []capture.Point
	for _, e := range s.Endpoints {
		points = append(points, capture.Point{Name: e.Name, Addr: sim.Addr(e.Name)})
	}
	if s.Topology.Forwarded() {
		for _, b := range s.Topology.Boxes() {
			points = append(points, capture.Point{Name: b.Name, Addr: sim.Addr(b.Name)})
		}
	}
	for _, f := range sim.Traffic {
		for i := range f.Ends {
			name := f.Name
			if len(f.Ends) > 1 {
				name = fmt.Sprintf("%s-%d", f.Name, i+1)
			}
			points = append(points, capture.Point{Name: name, Addr: f.First + packet.IPv4(2*i), IP: true})
		}
	}
	for _, n := range sim.SignallingNodes() {
		points = append(points, capture.Point{Name: "signalling-" + n.Name, Addr: n.Addr, IP: true})
	}
	tap, err := capture.NewTap(o.CaptureDir, o.CaptureFormat, s.Protection != "none", points)
	if err != nil {
		return nil, fmt.Errorf("opening captures: %w", err)
	}
	return tap, nil
}

// newRTPLog opens logs for endpoints and middleboxes.
func newRTPLog(s *scenarios.Scenario, sim *topologies.Simulation, dir string) (*rtplog.Tap, error) {
	hosts := map[string]packet.IPv4{}
	for _, e := range s.Endpoints {
		hosts[e.Name] = sim.Addr(e.Name)
	}
	if s.Topology.Forwarded() {
		for _, b := range s.Topology.Boxes() {
			hosts[b.Name] = sim.Addr(b.Name)
		}
	}
	log, err := rtplog.NewTap(dir, sim.TagRTP(), hosts)
	if err != nil {
		return nil, fmt.Errorf("opening RTP logs: %w", err)
	}
	return log, nil
}
