// Package feedlog writes down what a controller is told and what it answers, and
// feeds such logs to controllers again. A log is a file of JSON Lines: a [Header],
// then one [Event] a line, in the order of the calls. Names that end in _ns are
// nanoseconds since the start of the run; rates are in bit/s, sizes in bytes.
package feedlog

import (
	"bufio"
	"encoding/json"
	"io"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Format is the version of the files that a [Recorder] writes.
const Format = 1

// Header is the first line of a log.
type Header struct {
	Format   int    `json:"feedback_log"`
	Scenario string `json:"scenario"` // file name as given
	Run      string `json:"run"`
	Seed     uint64 `json:"seed"`
	// Connection is the session whose sender is controlled, such as S1-R1.
	Connection string `json:"connection"`
	Controller string `json:"controller"`
	// Exec, Protocol and Parameters are of a controller that is a program.
	Exec     []string `json:"exec,omitempty"`
	Protocol string   `json:"protocol,omitempty"`
	// Settings are the parameters that don't have their defaults.
	Settings map[string]string `json:"settings"`
	Limits   Limits            `json:"limits"`
	// Target is what the controller allowed before anything happened.
	Target Target `json:"target"`
}

// Limits are [ccontrol.Limits] in a log.
type Limits struct {
	Min    int64   `json:"min"`
	Max    int64   `json:"max"`
	Start  int64   `json:"start"`
	Weight float64 `json:"weight"`
}

// LimitsOf writes limits for a log.
func LimitsOf(l ccontrol.Limits) Limits {
	return Limits{int64(l.Min), int64(l.Max), int64(l.Start), l.Weight}
}

// Kind is the call that an event is.
type Kind uint8

// The calls.
const (
	Sent Kind = iota
	Feedback
	Timeout
	Poll
	Set // of an adjustable controller's rate
)

// Event is one call to a controller, and what it answered.
type Event struct {
	At   simtime.Time
	Kind Kind
	Sent ccontrol.Sent
	// Report belongs to the reader and is reused by its next event.
	Report *ccontrol.Report
	// Probe is what the controller asked for when it was polled; ID 0 is nothing.
	Probe ccontrol.Probe
	// Rate is what the controller was set to.
	Rate units.BitRate
	// Target after the call; nil if it is as before.
	Target *ccontrol.Target
}

// Recorder is a controller that writes down what happens to another one. It takes
// no part in it: the other gets the same calls with the same values.
type Recorder struct {
	inner  ccontrol.Controller
	prober ccontrol.Prober // nil if inner is none
	out    *bufio.Writer
	last   ccontrol.Target
	line   []byte
	err    error // of writing
}

// NewRecorder writes the header, with format and target filled in. The recorder's
// [Recorder.Controller] is to be used in place of inner, and [Recorder.Flush] must be
// called in the end.
func NewRecorder(w io.Writer, h Header, inner ccontrol.Controller) *Recorder {
	r := &Recorder{inner: inner, out: bufio.NewWriter(w), last: inner.Target()}
	r.prober, _ = inner.(ccontrol.Prober)
	h.Format, h.Target = Format, TargetOf(r.last)
	if h.Settings == nil {
		h.Settings = map[string]string{}
	}
	enc := json.NewEncoder(r.out)
	enc.SetEscapeHTML(false)
	r.err = enc.Encode(h)
	return r
}

// Controller returns the recorder as a controller that is adjustable if inner is.
func (r *Recorder) Controller() ccontrol.Controller {
	if inner, ok := r.inner.(ccontrol.Adjustable); ok {
		return &adjustable{r, inner}
	}
	return r
}

// adjustable is the recorder of a controller whose rate others may set (RFC 8699).
type adjustable struct {
	*Recorder
	inner ccontrol.Adjustable
}

// Rate returns the controller's.
func (a *adjustable) Rate() units.BitRate { return a.inner.Rate() }

// SetRate passes the call on.
func (a *adjustable) SetRate(now simtime.Time, rate units.BitRate) {
	a.inner.SetRate(now, rate)
	a.begin(now)
	a.line = appendInt(a.line, "set", int64(rate))
	a.end()
}

// Flush writes what is still in memory, and returns the first error of writing.
func (r *Recorder) Flush() error {
	if err := r.out.Flush(); r.err == nil {
		r.err = err
	}
	return r.err
}

// OnSent passes the call on.
func (r *Recorder) OnSent(now simtime.Time, s ccontrol.Sent) {
	r.inner.OnSent(now, s)
	r.begin(now)
	r.line = append(r.line, `"sent":{`...)
	r.line = appendSent(r.line, s)
	r.line = append(r.line, '}')
	r.end()
}

// OnFeedback passes the call on.
func (r *Recorder) OnFeedback(now simtime.Time, report *ccontrol.Report) {
	r.inner.OnFeedback(now, report)
	r.begin(now)
	r.line = append(r.line, `"report":{`...)
	r.line = AppendReport(r.line, report)
	r.line = append(r.line, '}')
	r.end()
}

// OnTimeout passes the call on.
func (r *Recorder) OnTimeout(now simtime.Time) {
	r.inner.OnTimeout(now)
	r.begin(now)
	r.line = append(r.line, `"timeout":true`...)
	r.end()
}

// NextTimeout returns the controller's.
func (r *Recorder) NextTimeout() simtime.Time { return r.inner.NextTimeout() }

// Target returns the controller's.
func (r *Recorder) Target() ccontrol.Target { return r.inner.Target() }

// PollProbe asks the controller if it probes.
func (r *Recorder) PollProbe(now simtime.Time) (ccontrol.Probe, bool) {
	if r.prober == nil {
		return ccontrol.Probe{}, false
	}
	p, ok := r.prober.PollProbe(now)
	r.begin(now)
	r.line = append(r.line, `"poll":{`...)
	if ok {
		r.line = appendProbe(r.line, p)
	}
	r.line = append(r.line, '}')
	r.end()
	return p, ok
}

// Signals returns the controller's if it shows any.
func (r *Recorder) Signals(values []float64) []float64 {
	if o, ok := r.inner.(ccontrol.Observable); ok {
		return o.Signals(values)
	}
	return values
}

func (r *Recorder) begin(now simtime.Time) {
	r.line = appendInt(append(r.line[:0], '{'), "t_ns", int64(now))
	r.line = append(r.line, ',')
}

func (r *Recorder) end() {
	if t := r.inner.Target(); t != r.last {
		r.last = t
		r.line = append(r.line, `,"target":{`...)
		r.line = appendTarget(r.line, t)
		r.line = append(r.line, '}')
	}
	r.line = append(r.line, "}\n"...)
	if r.err == nil {
		_, r.err = r.out.Write(r.line)
	}
}
