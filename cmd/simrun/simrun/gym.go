package simrun

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"rtpfabric/scenarios/runner/gym"
	"rtpfabric/sim/record"
)

// gymOptions are the flags of the command gym.
type gymOptions struct {
	set     []string
	seed    uint64
	session string
	step    time.Duration
	timeout time.Duration
	weights []string
	out     string
}

func gymCommand() *cobra.Command {
	o := &gymOptions{}
	cmd := &cobra.Command{
		Use:   "gym SCENARIO",
		Short: "Let an agent train on a scenario, by lines of JSON",
		Long: `Run a scenario over and over with an agent in the place of one rate controller. The
agent writes commands to standard input and reads replies from standard output, a
line of JSON each: hello, reset, step, close. A step is an action, the target rate,
which holds for a time; its reply is what a sender knows then, and the reward.
Virtual time stands still while the agent thinks. docs/gym.md is the protocol;
docs/examples/gym has a Gymnasium environment in Python that speaks it.

The other sessions of the scenario keep their controllers. The same seed and the
same actions give the same observations and the same digest. Nothing is written,
unless --out says where: then every episode that comes to its end leaves its record.

The exit code is 0 when standard input ends or the agent closes.`,
		Example: lines(
			"simrun gym scenarios/quickstart.yaml",
			`echo '{"type":"hello"}' | simrun gym scenarios/quickstart.yaml`,
			"simrun gym scenarios/rfc8867/5.4-competing-flows.yaml --session S1-R1 --set congestion.controller=gcc",
			"simrun gym scenarios/quickstart.yaml --step 200ms --weight delay=10 --out results/training",
		),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("seed") {
				o.set = append(o.set, "seed="+strconv.FormatUint(o.seed, 10))
			}
			switch {
			case o.step < gym.MinStep:
				return fmt.Errorf("--step %v: write a time from %v", o.step, gym.MinStep)
			case o.timeout < 0:
				return fmt.Errorf("--timeout %v: write a time above 0, or 0 to wait for ever", o.timeout)
			}
			return train(cmd, o, args[0])
		},
		ValidArgsFunction: completeScenarios,
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.set, "set", nil, "set a field of the scenario, `path=value`; replaces an axis of the matrix (repeatable)")
	f.Uint64Var(&o.seed, "seed", 0, "`N` of the first episode, if its reset names none; short for --set seed=N")
	f.StringVar(&o.session, "session", "", "`name` of the session that the agent sends in, such as S1-R1; by default the first whose controller isn't fixed")
	f.DurationVar(&o.step, "step", 100*time.Millisecond, "how long an action holds")
	f.DurationVar(&o.timeout, "timeout", 0, "how long the next command may take, by the wall clock; 0 waits for ever")
	f.StringArrayVar(&o.weights, "weight", nil, "weight of a part of the reward, `part=number`, of rate, delay and loss (repeatable)")
	f.StringVar(&o.out, "out", "", "`folder` for the records of episodes; none are written without it")
	return cmd
}

// train does what the command gym is asked for.
func train(cmd *cobra.Command, o *gymOptions, path string) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &exitError{ExitInternal, fmt.Errorf("internal error: %v\n%s", v, debug.Stack())}
		}
	}()
	c := gym.Config{Path: path, Set: o.set, Session: o.session, Step: o.step, Weights: gym.DefaultWeights(), Version: Version}
	for _, w := range o.weights {
		if err := c.Weights.Set(w); err != nil {
			return fmt.Errorf("--weight %w", err)
		}
	}
	if o.out != "" {
		c.Keep = func(e gym.Episode) (string, error) { return keepEpisode(o, path, &e) }
	}
	e, err := gym.New(c)
	if err != nil {
		return badInput(err)
	}
	stderr := cmd.ErrOrStderr()
	ctx, stop := interruptible(cmd.Context(), func() { fmt.Fprintln(stderr, "simrun: interrupted") })
	defer stop()
	listening, cancel := context.WithCancel(ctx)
	defer cancel()
	from := listen(listening, cmd.InOrStdin(), o.timeout)
	switch err := e.Serve(ctx, from.next, cmd.OutOrStdout()); {
	case ctx.Err() != nil:
		return &exitError{code: ExitInterrupted}
	case err != nil:
		return &exitError{ExitInternal, fmt.Errorf("simrun: %w", err)}
	}
	return nil
}

// keepEpisode writes the record of an episode, in the place of an earlier call's.
func keepEpisode(o *gymOptions, path string, e *gym.Episode) (string, error) {
	r := e.Record
	r.Manifest.Run = fmt.Sprintf("episode-%06d", e.Number)
	words := []string{"simrun", "gym", path, "--step", o.step.String()}
	if o.session != "" {
		words = append(words, "--session", o.session)
	}
	for _, s := range e.Set {
		words = append(words, "--set", s)
	}
	r.Manifest.Reproduce = shellCommand(append(words, "--seed", strconv.FormatUint(r.Manifest.Seed, 10)))
	folder := filepath.Join(o.out, nameOf(path, 1), r.Manifest.Run)
	return folder, record.Write(folder, r)
}
