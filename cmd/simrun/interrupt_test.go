package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// Lines on standard error after which signal sends a signal.
const (
	atWork      = "test controller at work"
	interrupted = "simrun: interrupted"
)

func init() {
	for name, act := range map[string]func(){
		"test-announce": func() {},
		"test-panic":    func() { panic("this controller always panics") },
		"test-hang":     func() { time.Sleep(time.Hour) },
	} {
		ccontrol.Register(ccontrol.Spec{
			Name: name, Summary: "for tests", Source: "this test",
			New: func(l ccontrol.Limits, _ ccontrol.Values) (ccontrol.Controller, error) {
				return &testController{rate: l, act: act}, nil
			},
		})
	}
}

// testController says that it is at work when it gets its first feedback, and
// then does what it is for.
type testController struct {
	ccontrol.NoTimeout
	rate ccontrol.Limits
	act  func()
	once bool
}

func (c *testController) OnFeedback(simtime.Time, *ccontrol.Report) {
	if !c.once {
		c.once = true
		fmt.Fprintln(os.Stderr, atWork)
		c.act()
	}
}

func (c *testController) Target() ccontrol.Target {
	return ccontrol.Target{Media: c.rate.Min, Pacing: c.rate.Max}
}

// signal runs a command and sends it a signal, INT or TERM, once the test
// controller is at work; then, if there are two, the other as soon as the
// program says that it was interrupted.
//
//	signal CODE INT[,INT] command...
//
// An exit code of -1 is an end by a signal.
func signal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: signal CODE INT[,INT] command...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var path string
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if _, err := os.Stat(dir + "/" + args[2]); err == nil {
			path = dir + "/" + args[2]
			break
		}
	}
	cmd := exec.Command(path, args[3:]...)
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	cmd.Stdout = ts.Stdout()
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	due := []string{atWork, interrupted}
	for scan := bufio.NewScanner(stderr); scan.Scan(); {
		fmt.Fprintln(ts.Stderr(), scan.Text())
		signals := strings.Split(args[1], ",")
		if i := 2 - len(due); i < len(signals) && len(due) > 0 && strings.HasPrefix(scan.Text(), due[0]) {
			ts.Check(cmd.Process.Signal(map[string]os.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM}[signals[i]]))
			due = due[1:]
		}
	}
	code := 0
	if err := cmd.Wait(); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}
