package simrun

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"

	"rtpfabric/sim/capture"
)

// runOptions are the flags of the command run.
type runOptions struct {
	set    []string
	vary   []string
	seed   uint64
	out    string
	jobs   int
	noPage bool
	resume bool
	pcap   captureFlag
	// quiet and verbose are how much is told while runs go on.
	quiet, verbose bool
	json           bool

	rtpLog      bool
	feedbackLog bool
	// junit and summary are files for reports; empty is none.
	junit, summary string
	// ci is whether GitHub is told, if it is there.
	ci bool
	// reference is the folder that runs are held against; empty is none. With update it is replaced.
	reference string
	update    bool
	// open is whether the main page is shown in a browser.
	open bool
}

func runCommand() *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run FILE|FOLDER...",
		Short: "Run scenarios, judge and draw the results",
		Long: `Run every variation of every scenario file, one run per core. A folder stands
for the YAML files in it and in the folders beneath, except those called testdata.
All files are checked before anything runs.

Each run leaves a folder results/<scenario>/<run> with its record and a page,
index.html, and each scenario results/<scenario>/index.html about all its runs.
If runs differ in anything but scenario and seed, results/comparison.html puts
them side by side. results/index.html lists everything in the folder.
Where a matrix names several controllers, those that control nothing (fixed,
never-back-off) are baselines: they may fail. Runs with several controllers end
with a table of controllers against scenarios.
What is there from an earlier call is replaced. The first interrupt (Ctrl-C)
lets the runs in flight write what they have; the second ends the program at
once.

With --resume, runs whose records are there stay as they are: those that came
to their end, of the same build of the program, the same scenario with all its
defaults, the same seed, and the same files that the scenario names (traces,
programs and their arguments; what these read in turn isn't known), with the
captures and logs that are asked for. All others are done; verdicts, overviews
and the exit code are about both.`,
		Example: lines(
			"simrun run scenarios/quickstart.yaml",
			"simrun run scenarios --jobs 4",
			"simrun run scenarios/quickstart.yaml --set congestion.controller=fixed --seed 7",
			"simrun run scenarios/quickstart.yaml --set 'network.links.bottleneck.delay=100ms' --pcap",
			"simrun run scenarios/rfc8867 --set 'congestion.parameters={}' --vary 'congestion.controller=[gcc, scream-v2]'",
			"simrun run scenarios/quickstart.yaml --json --no-page",
			"simrun run scenarios/quickstart.yaml --feedback-log",
			"simrun run scenarios/rfc8867 --resume",
			"simrun run scenarios/quickstart.yaml --open",
			"simrun run scenarios/quickstart.yaml --junit junit.xml --summary summary.md",
		),
		Args:              cobra.MinimumNArgs(1),
		RunE:              o.run,
		ValidArgsFunction: completeScenarios,
	}
	o.addFlags(cmd)
	cmd.Flags().BoolVar(&o.open, "open", false, "show the main page in the browser at the end")
	return cmd
}

// addFlags adds the flags of the commands run and test.
func (o *runOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	addSet(cmd, &o.set)
	addVary(cmd, &o.vary)
	f.Uint64Var(&o.seed, "seed", 0, "short for --set seed=`N`")
	f.StringVar(&o.out, "out", "results", "`folder` for the results")
	f.IntVar(&o.jobs, "jobs", runtime.GOMAXPROCS(0), "runs at the same time")
	f.BoolVar(&o.resume, "resume", false, "keep complete records of the same runs, and do the others")
	f.BoolVar(&o.noPage, "no-page", false, "write records without pages")
	f.Var(&o.pcap, "pcap", "capture the packets of every endpoint and of traffic: pdu says which are RTP and RTCP, ip shows IP headers")
	f.Lookup("pcap").NoOptDefVal = string(capture.UpperPDU)
	f.BoolVar(&o.rtpLog, "rtp-log", false, "log the RTP packets that every endpoint sends and receives, as RFC 8868 section 3.1 has it")
	f.BoolVar(&o.feedbackLog, "feedback-log", false, "log what each controller is told and answers, for simrun replay")
	f.BoolVar(&o.quiet, "quiet", false, "print only what failed and the summary")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print of each run how fast it was, and what happened in it")
	cmd.MarkFlagsMutuallyExclusive("quiet", "verbose")
	f.BoolVar(&o.json, "json", false, "print the results as JSON instead of tables")
	o.addReports(cmd)
}

// run does what one of these commands is asked for.
func (o *runOptions) run(cmd *cobra.Command, args []string) error {
	if cmd.Flags().Changed("seed") {
		o.set = append(o.set, "seed="+strconv.FormatUint(o.seed, 10))
	}
	if o.jobs < 1 {
		return fmt.Errorf("--jobs %d: write a number from 1", o.jobs)
	}
	return runScenarios(cmd, o, args)
}

// captureFlag is the value of --pcap; empty is no capture.
type captureFlag capture.Format

func (f *captureFlag) String() string { return string(*f) }

func (f *captureFlag) Type() string { return "pdu|ip" }

func (f *captureFlag) Set(s string) error {
	if s != string(capture.UpperPDU) && s != string(capture.RawIP) {
		return fmt.Errorf("write %s or %s", capture.UpperPDU, capture.RawIP)
	}
	*f = captureFlag(s)
	return nil
}

// runScenarios runs and judges scenarios, and tells about them.
func runScenarios(cmd *cobra.Command, o *runOptions, args []string) error {
	files, err := loadScenarios(args, o.set, o.vary)
	if err != nil {
		return badInput(err)
	}
	plan, err := makePlan(files, o.out)
	if err != nil {
		return badInput(err)
	}
	if err := errors.Join(o.checkReports(), o.checkReferences(plan)); err != nil {
		return badInput(err)
	}
	stdout, stderr := screenOf(cmd.OutOrStdout()), screenOf(cmd.ErrOrStderr())
	if !o.quiet {
		warn(stderr, files)
	}
	defer attend(plan, o.out)()
	if o.resume {
		resume(stderr, plan, o)
	}
	show := announce(newProgress(stderr, plan, loudnessOf(o)), plan, o.out)
	ctx, stop := interruptible(cmd.Context(), show.interrupted)
	defer stop()
	execute(ctx, plan, o, show)
	interrupted := ctx.Err() != nil
	show.end()
	if err := o.refer(stderr, plan); err != nil {
		return &exitError{ExitInternal, fmt.Errorf("simrun: the baseline: %w", err)}
	}
	var about pagesAbout
	if !o.noPage {
		if about, err = writePages(stderr, plan, o); err != nil {
			return &exitError{ExitInternal, fmt.Errorf("simrun: a page couldn't be written: %w", err)}
		}
	}
	if o.json {
		if err := printJSON(stdout, plan, o); err != nil {
			return &exitError{ExitInternal, err}
		}
	} else {
		printResults(stdout, plan, o, about)
	}
	if err := writeReports(stderr, plan, o); err != nil {
		return &exitError{ExitInternal, fmt.Errorf("simrun: a report couldn't be written: %w", err)}
	}
	if o.open {
		openPage(stderr, about.main(plan))
	}
	if code := exitOf(plan, interrupted); code != ExitPassed {
		return &exitError{code: code}
	}
	return nil
}

// exitOf returns the exit code for what became of the runs. An interrupt that
// came when everything was done changes nothing.
func exitOf(plan []*plannedFile, interrupted bool) int {
	code := ExitPassed
	for _, f := range plan {
		for _, r := range f.runs {
			switch {
			case interrupted && (r.state == notRun || r.incomplete()):
				return ExitInterrupted
			case r.state == broken || r.state == unwritten:
				code = ExitInternal
			case r.failed() && !r.baseline() && code == ExitPassed:
				code = ExitFailed
			}
		}
	}
	return code
}
