//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/record"
)

const killedRuns = 8

var killedSweep = fmt.Sprintf(`title: A short call
duration: 300ms
protection: none
network:
  links:
    bottleneck: {between: [A, B], delay: 5ms, forward: {rate: 500kbps, loss: 1%%}}
endpoints: {S1: {at: A}, R1: {at: B}}
topology: {peers: [S1, R1]}
media:
  - {from: S1, kind: video, encoder: {min: 100kbps, max: 1Mbps}}
congestion: {controller: nada}
matrix:
  seed: {from: 1, count: %d}
expect:
  - {metric: loss, flow: S1/video, max: 100%%}
`, killedRuns)

// A sweep that is killed at any moment leaves no record but whole ones (invariant 6), and --resume makes of them what
// nobody has disturbed, file by file. Sweeps of two texts take turns in one folder, so that records are replaced as
// well as made.
func TestKilledSweepsAreResumed(t *testing.T) {
	moments := 50
	if testing.Short() {
		moments = 5
	}
	s := &killable{t: t, dir: t.TempDir()}
	var err error
	if s.program, err = exec.LookPath("simrun"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "sweep.yaml"), []byte(killedSweep), 0o600); err != nil {
		t.Fatal(err)
	}
	texts := []string{"network.links.bottleneck.forward.loss=1%", "network.links.bottleneck.forward.loss=2%"}
	var want []map[string]string // files of what nobody has disturbed
	var takes time.Duration
	for i, text := range texts {
		began := time.Now()
		s.run("--set", text, "--out", fmt.Sprint("undisturbed", i))
		takes = time.Since(began)
		want = append(want, s.files(fmt.Sprint("undisturbed", i)))
	}
	random := rand.New(rand.NewPCG(1, 2))
	midway := 0
	for i := range moments {
		text := texts[i%2]
		if i%5 == 0 {
			if err := os.RemoveAll(filepath.Join(s.dir, "out")); err != nil {
				t.Fatal(err)
			}
		}
		s.kill(time.Duration(random.Int64N(int64(takes))), "--set", text, "--out", "out")
		kept := s.complete(want[i%2])
		if 0 < kept && kept < killedRuns {
			midway++
		}
		said := s.run("--resume", "--set", text, "--out", "out")
		summary := fmt.Sprintf("\n%d runs, %d passed", killedRuns, killedRuns)
		if kept > 0 {
			summary += fmt.Sprintf("; %d of them kept", kept)
		}
		if !strings.Contains(said, summary+"\n") {
			t.Fatalf("moment %d: %d records were there, and resuming said:\n%s", i, kept, said)
		}
		got := s.files("out")
		for name, text := range want[i%2] {
			if got[name] != text {
				t.Errorf("moment %d: %s isn't as in a sweep that nobody has disturbed", i, name)
			}
			delete(got, name)
		}
		for name := range got {
			t.Errorf("moment %d: %s is left", i, name)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if t.Logf("%d of %d kills came midway", midway, moments); !testing.Short() && midway == 0 {
		t.Error("the sweep is too short")
	}
}

// killable is a folder with a sweep, and the program.
type killable struct {
	t            *testing.T
	dir, program string
}

func (s *killable) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command(s.program, append([]string{"run", "sweep.yaml", "--jobs", "2", "--no-page"}, args...)...)
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &out, &out
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=10") // else it waits a second under -race
	return cmd, &out
}

// run runs the sweep to its end and returns what it says.
func (s *killable) run(args ...string) string {
	s.t.Helper()
	cmd, out := s.command(args...)
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return out.String()
}

// kill begins the sweep and kills it a while later, if it isn't over by then.
func (s *killable) kill(after time.Duration, args ...string) {
	s.t.Helper()
	cmd, _ := s.command(args...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	defer time.AfterFunc(after, func() { _ = cmd.Process.Kill() }).Stop()
	_ = cmd.Wait()
}

// complete checks that every record that is there can be read and is complete, and returns how many of them are among
// those that are wanted.
func (s *killable) complete(want map[string]string) int {
	s.t.Helper()
	n := 0
	for seed := 1; seed <= killedRuns; seed++ {
		manifest := filepath.Join("/sweep", fmt.Sprintf("seed=%d", seed), record.ManifestFile)
		folder := filepath.Dir(filepath.Join(s.dir, "out", manifest))
		if _, err := os.Stat(folder); err != nil {
			continue
		}
		rec, err := record.Read(folder)
		if err != nil {
			s.t.Fatalf("a kill leaves what can't be read: %v", err)
		}
		if m := rec.Manifest; m.Status != record.Complete && m.Status != record.Incomplete || m.Digest == "" {
			s.t.Fatalf("a kill leaves a record with status %q and digest %q", m.Status, m.Digest)
		}
		text, err := os.ReadFile(filepath.Join(s.dir, "out", manifest))
		if err != nil {
			s.t.Fatal(err)
		}
		if string(text) == want[manifest] {
			n++
		}
	}
	return n
}

var wallClock = regexp.MustCompile(`(?m)^ *"(started|took_s)": .*\n`)

// files returns what is in a folder, by path from there; folders end in a slash.
func (s *killable) files(folder string) map[string]string {
	s.t.Helper()
	root := filepath.Join(s.dir, folder)
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, root)
		if err != nil || d.IsDir() {
			files[name+"/"] = ""
			return err
		}
		text, err := os.ReadFile(path)
		if d.Name() == "origin.json" { // says when the run was
			text = wallClock.ReplaceAll(text, nil)
		}
		files[name] = string(text)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}
