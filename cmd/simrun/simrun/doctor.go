package simrun

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
)

// doctorDigest is that of the template "call", on every machine.
//
//go:embed doctor.digest
var doctorDigest string

// ailment is what the doctor has looked at.
type ailment struct {
	What string `json:"what"`
	// OK is whether it works; of what is optional whether it is there.
	OK       bool   `json:"ok"`
	Optional bool   `json:"optional"`
	Found    string `json:"found"`
}

func doctorCommand() *cobra.Command {
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check that this machine gives the results that others give",
		Long: `Check what could keep simrun from working here: that a run has the packets that it
has on every machine, that pion's stack runs in virtual time, that results can be
written; and which programs are there that some tests and readers of results use,
though simrun doesn't. Exit code 1 if something that is necessary doesn't work.`,
		Example: lines("simrun doctor", "simrun doctor --json"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := examine(cmd.Context(), out)
			if asJSON {
				if err := writeJSON(cmd.OutOrStdout(), list); err != nil {
					return err
				}
			} else {
				printAilments(screenOf(cmd.OutOrStdout()), list)
			}
			for _, a := range list {
				if !a.OK && !a.Optional {
					return &exitError{code: ExitFailed}
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "results", "folder where results would go")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

// examine looks at everything.
func examine(ctx context.Context, out string) []ailment {
	list := []ailment{{
		What: "program", OK: true,
		Found: fmt.Sprintf("simrun %s, %s, %s/%s, %d cores", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0)),
	}}
	list = append(list, samePackets(ctx), hostedStack(ctx), writable(out))
	for _, tool := range []struct {
		what  string
		names []string
		use   string
	}{
		{"tshark", []string{"tshark"}, "opens captures (--pcap)"},
		{"browser", []string{"chromium", "chromium-browser", "google-chrome", "firefox", "xdg-open", "open"}, "opens pages"},
		{"Python", []string{"python3"}, "runs controllers and agents in Python"},
		{"Go", []string{"go"}, "builds a simrun with controllers of your own"},
	} {
		a := ailment{What: tool.what, Optional: true, Found: "not found; it " + tool.use}
		for _, name := range tool.names {
			if path, err := exec.LookPath(name); err == nil {
				a.OK, a.Found = true, path
				break
			}
		}
		list = append(list, a)
	}
	return list
}

// once does the only run of a scenario, changed by settings.
func once(ctx context.Context, name, text string, set ...string) (digest string, speed float64, err error) {
	f, err := scenarios.Parse(name, []byte(text), scenarios.Options{Set: set, Catalogue: runner.Catalogue{}})
	if err != nil {
		return "", 0, err
	}
	begun := time.Now()
	rec, err := runner.Run(ctx, f.Runs[0], runner.Options{Version: Version})
	if err != nil {
		return "", 0, err
	}
	return rec.Manifest.Digest, float64(f.Runs[0].Scenario.Duration) / float64(time.Since(begun)), nil
}

// samePackets runs what has the same digest everywhere.
func samePackets(ctx context.Context) ailment {
	a := ailment{What: "same packets"}
	text, err := templateText("call")
	if err != nil {
		a.Found = err.Error()
		return a
	}
	digest, speed, err := once(ctx, "call.yaml", text)
	switch want := strings.TrimSpace(doctorDigest); {
	case err != nil:
		a.Found = err.Error()
	case digest != want:
		a.Found = fmt.Sprintf("a run has the digest %s, and %s elsewhere: please tell us, with the line above", digest, want)
	default:
		a.OK, a.Found = true, fmt.Sprintf("digest %s, %.0f times as fast as real time", digest, speed)
	}
	return a
}

// hostedStack lets pion's stack call one of ours.
func hostedStack(ctx context.Context) ailment {
	a := ailment{What: "hosted stacks"}
	text, err := templateText("call")
	if err == nil {
		_, _, err = once(ctx, "call.yaml", text, "duration=2s", "network.links.access.schedule=[]", "endpoints.bob.stack=pion", "expect=[]")
	}
	if err != nil {
		a.Found = err.Error()
		return a
	}
	a.OK, a.Found = true, "pion's stack runs in virtual time"
	return a
}

// writable tries to write where results go, and leaves nothing behind.
func writable(out string) ailment {
	a := ailment{What: "results", Found: out + " can be written"}
	folder := out
	for { // as far as it is there
		if _, err := os.Stat(folder); err == nil || folder == filepath.Dir(folder) {
			break
		}
		folder = filepath.Dir(folder)
	}
	trial, err := os.MkdirTemp(folder, ".doctor-")
	if err == nil {
		from, to := filepath.Join(trial, "new"), filepath.Join(trial, "renamed")
		if err = os.WriteFile(from, []byte("x"), 0o644); err == nil {
			err = os.Rename(from, to)
		}
		if e := os.RemoveAll(trial); err == nil {
			err = e
		}
	}
	if err != nil {
		a.Found = err.Error()
		return a
	}
	a.OK = true
	return a
}

func printAilments(s *screen, list []ailment) {
	table := s.columns(3, "state", "of", "found")
	for _, a := range list {
		word := s.paint(green, "ok")
		switch {
		case !a.OK && a.Optional:
			word = s.paint(yellow, "missing")
		case !a.OK:
			word = s.paint(red, "BROKEN")
		}
		table.row(word, a.What, a.Found)
	}
	fmt.Fprint(s, table.String())
}
