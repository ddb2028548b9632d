package simrun

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/feedlog"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner/external"
)

// replayOptions are the flags of the command replay.
type replayOptions struct {
	controller string
	exec       string
	protocol   string
	set        []string
	json       bool
	step       time.Duration
}

func replayCommand() *cobra.Command {
	o := &replayOptions{}
	cmd := &cobra.Command{
		Use:   "replay LOG...",
		Short: "Feed recorded feedback to a controller, without a network",
		Long: `Feed a log that simrun run --feedback-log has written to the controller that it is
of, or to another one, and print the target over time beside the recorded one.

The replay is open loop: the packets and their fate are those of the run that was
recorded, whatever the controller allows now. It shows how a controller reacts to
the same news, not what would have become of the call. Probes that it asks for
aren't sent.

The recorded controller with the recorded settings must do exactly what it did:
the exit code is 1 if it doesn't. Another controller, or other settings, may
differ.`,
		Example: lines(
			"simrun run scenarios/quickstart.yaml --feedback-log",
			"simrun replay results/quickstart/default/feedback/S1-R1.jsonl",
			"simrun replay results/quickstart/default/feedback/S1-R1.jsonl --controller gcc",
			"simrun replay results/quickstart/default/feedback/S1-R1.jsonl --exec 'python3 docs/examples/external/loss.py'",
			"simrun replay results/quickstart/default/feedback/S1-R1.jsonl --set xref=20ms --json",
		),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, s := range o.set {
				if !strings.Contains(s, "=") {
					return fmt.Errorf("--set %s: there is no value: write %s=value", s, s)
				}
			}
			if o.step <= 0 {
				return fmt.Errorf("--step %v: write a time above 0, like 1s", o.step)
			}
			return replayLogs(cmd, o, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.controller, "controller", "", "`name` of another controller")
	f.StringVar(&o.exec, "exec", "", "`command` of a program as the controller, words with spaces between them")
	f.StringVar(&o.protocol, "protocol", external.SimrunV1, "of that program: simrun-v1 or alphartc")
	cmd.MarkFlagsMutuallyExclusive("controller", "exec")
	f.StringArrayVar(&o.set, "set", nil, "set a parameter of the controller, `param=value` (repeatable)")
	addJSON(cmd, &o.json)
	f.DurationVar(&o.step, "step", time.Second, "time between the rows of a table")
	_ = cmd.RegisterFlagCompletionFunc("controller", completeControllers)
	return cmd
}

// replayed is what came of one log.
type replayed struct {
	path       string
	header     feedlog.Header
	controller string
	settings   map[string]string
	program    *scenarios.External // nil for a registered controller
	dir        string              // that the program runs in
	same       bool                // controller and settings as recorded
	result     *feedlog.Result
}

func (r *replayed) failed() bool { return r.same && r.result.Departed != nil }

func replayLogs(cmd *cobra.Command, o *replayOptions, paths []string) error {
	var list []*replayed
	failed := false
	for _, path := range paths {
		r, err := replayLog(cmd.Context(), path, o)
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
			if _, ok := errors.AsType[*programError](err); ok {
				return &exitError{ExitInternal, err}
			}
			return badInput(err)
		}
		failed = failed || r.failed()
		list = append(list, r)
	}
	s := screenOf(cmd.OutOrStdout())
	if o.json {
		if err := writeJSON(s, jsonReplays(list)); err != nil {
			return &exitError{ExitInternal, err}
		}
	} else {
		for i, r := range list {
			if i > 0 {
				fmt.Fprintln(s)
			}
			printReplay(s, r, o)
		}
	}
	if failed {
		return &exitError{code: ExitFailed}
	}
	return nil
}

// replayLog feeds one log to the controller that is asked for.
func replayLog(ctx context.Context, path string, o *replayOptions) (r *replayed, err error) {
	f, err := os.Open(path)
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	log, err := feedlog.NewReader(f)
	if err != nil {
		return nil, err
	}
	r = &replayed{path: path, header: log.Header}
	r.choose(o)
	if r.program != nil {
		return r, r.feedProgram(ctx, log)
	}
	c, err := r.build()
	if err == nil {
		r.result, err = feedlog.Replay(log, c, r.same)
	}
	return r, err
}

// choose says which controller gets the log: the recorded one with the recorded
// settings unless the options say otherwise, and those that are set now.
func (r *replayed) choose(o *replayOptions) {
	h := &r.header
	r.controller, r.settings = h.Controller, map[string]string{}
	switch {
	case o.controller != "":
		r.controller = o.controller
	case o.exec != "":
		e := &scenarios.External{Exec: strings.Fields(o.exec), Protocol: o.protocol}
		r.program, r.controller, r.dir = e, e.Label(), "."
	case len(h.Exec) > 0:
		r.program = &scenarios.External{Exec: h.Exec, Protocol: h.Protocol}
		r.dir = filepath.Dir(h.Scenario) // where it ran
	}
	recorded := r.controller == h.Controller && r.isProgramOf(h)
	if recorded {
		maps.Copy(r.settings, h.Settings)
	}
	for _, s := range o.set {
		name, value, _ := strings.Cut(s, "=")
		r.settings[name] = value
	}
	r.same = recorded && maps.Equal(r.settings, h.Settings)
}

// isProgramOf reports whether the program, if the controller is one, is the recorded one:
// the same words may mean another in another folder, or speak another protocol.
func (r *replayed) isProgramOf(h *feedlog.Header) bool {
	if r.program == nil {
		return len(h.Exec) == 0
	}
	here, err := filepath.Abs(r.dir)
	there, err2 := filepath.Abs(filepath.Dir(h.Scenario))
	return err == nil && err2 == nil && here == there &&
		slices.Equal(r.program.Exec, h.Exec) && r.program.Protocol == h.Protocol
}

// build makes a registered controller.
func (r *replayed) build() (ccontrol.Controller, error) {
	spec, ok := ccontrol.Lookup(r.controller)
	if !ok {
		return nil, fmt.Errorf("there is no controller %q: write --controller with one of %s", r.controller, strings.Join(ccontrol.Names(), ", "))
	}
	return spec.Build(r.header.Limits.Limits(), r.settings)
}

// replayTimeout is how long a program may take for a reply.
const replayTimeout = 5 * time.Second

// feedProgram feeds the log to a program.
func (r *replayed) feedProgram(ctx context.Context, log *feedlog.Reader) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var failure error
	c, err := external.Start(ctx, external.Config{
		Connection: r.header.Connection, Exec: r.program.Exec, Dir: r.dir, Protocol: r.program.Protocol, Timeout: replayTimeout,
		Parameters: r.settings, Limits: r.header.Limits.Limits(),
		Failed: func(err error) { failure = err },
	})
	if err != nil {
		return err
	}
	r.result, err = feedlog.Replay(log, c, r.same)
	if closed := c.Close(); failure == nil {
		failure = closed
	}
	if failure != nil {
		return &programError{failure}
	}
	return err
}

// programError is a program that failed.
type programError struct{ error }
