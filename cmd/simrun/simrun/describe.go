package simrun

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/units"
)

func describeCommand() *cobra.Command {
	var set []string
	var name string
	var resolved, asJSON bool
	cmd := &cobra.Command{
		Use:   "describe FILE",
		Short: "Draw a scenario as text",
		Long: `Draw the network of a scenario and the structure of its sessions - endpoint, peer
connection, UDP flow, RTP session, media type, stream - as text, and say what
varies and what is expected. What is drawn is the first run, or that of --run.`,
		Example: lines(
			"simrun describe scenarios/quickstart.yaml",
			"simrun describe scenarios/rfc8867/5.1-variable-capacity.yaml --run delay=100ms,seed=3",
			"simrun describe scenarios/quickstart.yaml --resolved",
		),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := scenarios.Load(args[0], scenarios.Options{Set: set, Catalogue: runner.Catalogue{}})
			if err != nil {
				return badInput(err)
			}
			run := f.Runs[0]
			if name != "" {
				i := slices.IndexFunc(f.Runs, func(r *scenarios.Run) bool { return r.Name == name })
				if i < 0 {
					return badInput(fmt.Errorf("%s: there is no run %q: write one such as %q", f.Path, name, run.Name))
				}
				run = f.Runs[i]
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), jsonDescriptionOf(f, run))
			}
			s := screenOf(cmd.OutOrStdout())
			if resolved {
				fmt.Fprint(s, run.Resolved)
				return nil
			}
			describe(s, f, run)
			return nil
		},
		ValidArgsFunction: completeScenarios,
	}
	cmd.Flags().StringVar(&name, "run", "", "describe the run of this `name`")
	cmd.Flags().BoolVar(&resolved, "resolved", false, "print the scenario as YAML with every default filled in")
	addSet(cmd, &set)
	addJSON(cmd, &asJSON)
	return cmd
}

// jsonDescription is what a scenario is.
type jsonDescription struct {
	jsonScenario
	Description string     `json:"description,omitempty"`
	Run         string     `json:"run"`
	DurationS   float64    `json:"duration_s"`
	Seed        uint64     `json:"seed"`
	Axes        []jsonAxis `json:"axes"`
	Network     string     `json:"network"`  // drawn
	Sessions    string     `json:"sessions"` // drawn; empty if nobody has any
	Expected    []string   `json:"expected"`
	Resolved    string     `json:"resolved"` // as YAML, every default filled in
}

type jsonAxis struct {
	Path   string   `json:"path"`
	Values []string `json:"values"`
}

func jsonDescriptionOf(f *scenarios.File, r *scenarios.Run) jsonDescription {
	c := r.Scenario
	j := jsonDescription{
		jsonScenario: jsonScenarioOf(f), Description: strings.TrimSpace(c.Description), Run: r.Name, DurationS: c.Duration.Seconds(), Seed: c.Seed,
		Axes: []jsonAxis{}, Network: networkFigure(c), Expected: []string{}, Resolved: r.Resolved,
	}
	if len(c.Topology.Gatherings()) > 0 {
		j.Sessions = sessionFigure(c)
	}
	for _, a := range f.Axes {
		j.Axes = append(j.Axes, jsonAxis(a))
	}
	for i := range c.Expect {
		j.Expected = append(j.Expected, c.Expect[i].String())
	}
	return j
}

func describe(s *screen, f *scenarios.File, r *scenarios.Run) {
	c := r.Scenario
	fmt.Fprintln(s, s.paint(bold, s.ascii(c.Title)))
	if c.Reference != "" {
		fmt.Fprintln(s, s.ascii(c.Reference))
	}
	if c.Description != "" {
		fmt.Fprintf(s, "\n%s\n", s.ascii(strings.TrimSpace(c.Description)))
	}
	fmt.Fprintf(s, "\n%s, seed %d, protection %s", seconds(c.Duration), c.Seed, c.Protection)
	if c.Topology.Keys == "own" {
		fmt.Fprint(s, ", a key of each peer's own")
	}
	fmt.Fprintln(s)
	fmt.Fprintf(s, "\n%s\n\n%s", s.paint(bold, "Network"), networkFigure(c))
	if len(c.Topology.Gatherings()) > 0 {
		fmt.Fprintf(s, "\n%s\n\n%s", s.paint(bold, "Sessions ("+topologyName(&c.Topology)+")"), sessionFigure(c))
		listed(s, "Endpoints", endpointLines(c))
		listed(s, "MediaStreams", msidLines(c))
		listed(s, "Signalling", signallingLines(c))
		fmt.Fprintf(s, "\n%s\n\n", s.paint(bold, "Control"))
		for _, line := range controlLines(c) {
			fmt.Fprintln(s, "  "+line)
		}
	}
	if len(c.Traffic) > 0 {
		fmt.Fprintf(s, "\n%s\n\n", s.paint(bold, "Traffic"))
		for i := range c.Traffic {
			fmt.Fprintln(s, "  "+c.Traffic[i].String())
		}
	}
	if len(f.Axes) > 0 {
		fmt.Fprintf(s, "\n%s\n\n", s.paint(bold, fmt.Sprintf("Matrix (%s)", countRuns(len(f.Runs)))))
		for _, a := range f.Axes {
			fmt.Fprintf(s, "  %s: %s\n", a.Path, s.ascii(shortList(a.Values)))
		}
	}
	if len(c.Expect) > 0 {
		fmt.Fprintf(s, "\n%s\n\n", s.paint(bold, "Expected"))
		for i := range c.Expect {
			fmt.Fprintln(s, "  "+s.ascii(c.Expect[i].String()))
		}
	}
}

// listed prints lines under a heading, if there are any.
func listed(s *screen, heading string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(s, "\n%s\n\n", s.paint(bold, heading))
	for _, line := range lines {
		fmt.Fprintln(s, "  "+s.ascii(line))
	}
}

// msidLines say which MediaStreams tracks are in, if not in the one that is called like
// their sender.
func msidLines(c *scenarios.Scenario) []string {
	if c.Topology.Grouped() {
		return nil
	}
	var lines []string
	for i := range c.Media {
		m := &c.Media[i]
		switch e := c.Endpoint(m.From); {
		case len(m.MSID) == 1 && m.MSID[0] == m.From || len(m.MSID) == 0 && e.Legacy():
		case len(m.MSID) == 0:
			lines = append(lines, m.FlowName()+" in the default MediaStream")
		default:
			lines = append(lines, fmt.Sprintf("%s a=msid:%s", m.FlowName(), strings.Join(m.MSID, " a=msid:")))
		}
	}
	return lines
}

// controlLines say how rates and RTCP are controlled.
func controlLines(c *scenarios.Scenario) []string {
	g := &c.Congestion
	lines := []string{controllerWords(g.Controller, g.Parameters), feedbackWords(g.Feedback, &g.Interval)}
	if g.Coupled != "off" {
		lines[0] += fmt.Sprintf(", coupled (%s, by %s)", g.Coupled, g.Groups)
	}
	lines = append(lines, loopLines(c)...)
	if line := breakerLine(c); line != "" {
		lines = append(lines, line)
	}
	for _, session := range c.Sessions(c.Topology.Gatherings()[0]) {
		bandwidth := c.SessionBandwidth(session)
		share := units.BitRate(float64(bandwidth) * float64(c.RTCP.Fraction))
		of := ""
		if session.Name != "" {
			of = " of " + session.Name
		}
		lines = append(lines, fmt.Sprintf("RTCP%s: profile %s, %v of %v are %v", of, c.RTCP.Profile, c.RTCP.Fraction, bandwidth, share))
	}
	return lines
}

// shortList joins values, leaving out the middle of many.
func shortList(values []string) string {
	const shown = 8
	if len(values) > shown {
		return fmt.Sprintf("%s, ..., %s (%d values)", strings.Join(values[:shown-2], ", "), values[len(values)-1], len(values))
	}
	return strings.Join(values, ", ")
}

// topologyName names a topology, with what stands between the ends of its calls.
func topologyName(t *scenarios.Topology) string {
	if t.Relay == "" {
		return t.Type
	}
	return t.Type + ", by a relay at " + t.Relay
}
