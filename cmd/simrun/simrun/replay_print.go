package simrun

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/feedlog"
	"rtpfabric/sim/simtime"
)

// named writes a controller with its settings, in order.
func named(controller string, settings map[string]string) string {
	var list []string
	for name, value := range settings {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	if len(list) == 0 {
		return controller
	}
	return controller + " (" + strings.Join(list, ", ") + ")"
}

func printReplay(s *screen, r *replayed, o *replayOptions) {
	h, res := &r.header, r.result
	fmt.Fprintf(s, "%s: %s of %s, run %s\n", s.paint(bold, r.path), s.ascii(h.Connection), s.ascii(h.Scenario), s.ascii(h.Run))
	fmt.Fprintf(s, "recorded %s, replayed %s: %d packets, %d reports, %d time-outs\n",
		s.ascii(named(h.Controller, h.Settings)), s.ascii(named(r.controller, r.settings)), res.Sent, res.Reports, res.Timeouts)
	fmt.Fprintln(s, "open loop: what the controller allows now has no effect on what it is told")
	if res.Probes > 0 && !r.same {
		fmt.Fprintf(s, "it asked for %d probes, which weren't sent\n", res.Probes)
	}
	fmt.Fprintln(s)
	c := s.columns(4, "time", "recorded", "replayed", "difference")
	for _, p := range rows(res, o.step) {
		c.row(simtime.Time.Duration(p.At).String(), p.Recorded.Media.String(), p.Got.Media.String(), difference(p.Recorded, p.Got))
	}
	fmt.Fprint(s, c.String())
	fmt.Fprintln(s)
	switch d := res.Departed; {
	case d == nil:
		fmt.Fprintln(s, "the same as recorded, from beginning to end")
	case r.same:
		fmt.Fprintf(s, "%s at %v (line %d): %s recorded %s, replayed %s\n", s.paint(red, "DEPARTS"), d.At, d.Line, d.What, d.Recorded, d.Got)
		fmt.Fprintln(s, "The controller is the recorded one, so it has changed since, or it depends on something that it isn't told.")
	default:
		fmt.Fprintf(s, "departs at %v (line %d): %s recorded %s, replayed %s\n", d.At, d.Line, d.What, d.Recorded, d.Got)
	}
}

// rows returns the targets at multiples of a step, the last of them at the end.
func rows(res *feedlog.Result, step time.Duration) []feedlog.Point {
	var list []feedlog.Point
	at := 0
	for t := simtime.Time(0); ; t = t.Add(step) {
		t = min(t, res.End)
		for at+1 < len(res.Points) && res.Points[at+1].At <= t {
			at++
		}
		p := res.Points[at]
		p.At = t
		list = append(list, p)
		if t == res.End {
			return list
		}
	}
}

// difference is how far one target lies from the recorded one, in percent.
func difference(recorded, got ccontrol.Target) string {
	switch {
	case got == recorded:
		return ""
	case got.Media == recorded.Media || recorded.Media == 0:
		return "pacing or window"
	}
	return fmt.Sprintf("%+.1f %%", 100*(float64(got.Media)/float64(recorded.Media)-1))
}

// jsonReplay is a replay in the output of --json.
type jsonReplay struct {
	Log        string            `json:"log"`
	Header     feedlog.Header    `json:"recorded"`
	Controller string            `json:"controller"`
	Settings   map[string]string `json:"settings"`
	// OpenLoop says that targets had no effect on what followed.
	OpenLoop bool `json:"open_loop"`
	// Same is whether controller and settings are the recorded ones, Identical whether
	// the targets are.
	Same      bool           `json:"same_controller"`
	Identical bool           `json:"identical"`
	Departed  *jsonDeparture `json:"departed,omitempty"`
	Sent      int            `json:"sent"`
	Reports   int            `json:"reports"`
	Timeouts  int            `json:"timeouts"`
	Probes    int            `json:"probes"`
	Points    []jsonPoint    `json:"points"`
}

type jsonDeparture struct {
	At       simtime.Time `json:"t_ns"`
	Line     int          `json:"line"`
	What     string       `json:"what"`
	Recorded string       `json:"recorded"`
	Replayed string       `json:"replayed"`
}

type jsonPoint struct {
	At       simtime.Time   `json:"t_ns"`
	Recorded feedlog.Target `json:"recorded"`
	Replayed feedlog.Target `json:"replayed"`
}

func jsonReplays(list []*replayed) []jsonReplay {
	out := []jsonReplay{}
	for _, r := range list {
		j := jsonReplay{
			Log: r.path, Header: r.header, Controller: r.controller, Settings: r.settings, OpenLoop: true,
			Same: r.same, Identical: r.result.Departed == nil,
			Sent: r.result.Sent, Reports: r.result.Reports, Timeouts: r.result.Timeouts, Probes: r.result.Probes,
		}
		if d := r.result.Departed; d != nil {
			j.Departed = &jsonDeparture{d.At, d.Line, d.What, d.Recorded, d.Got}
		}
		for _, p := range r.result.Points {
			j.Points = append(j.Points, jsonPoint{p.At, feedlog.TargetOf(p.Recorded), feedlog.TargetOf(p.Got)})
		}
		out = append(out, j)
	}
	return out
}
