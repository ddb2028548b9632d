package scenarios

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// rewrite replaces the golden files; only commit the changes if you understand
// what caused them.
var rewrite = flag.Bool("rewrite", false, "replace the expected messages in testdata")

// catalogue is a set of controllers for tests.
type catalogue struct{}

func (catalogue) Controllers() []string { return []string{"fixed", "nada", "remb"} }

func (catalogue) Parameters(controller string) []string {
	if controller == "fixed" {
		return []string{"rate"}
	}
	return []string{"gain", "kappa", "mode", "switch"}
}

func (catalogue) CheckParameter(_, name, value string) error {
	if name == "kappa" && strings.Trim(value, "0123456789.") != "" {
		return errors.New("\"" + value + "\" is not a number: write a number from 0 to 1")
	}
	return nil
}

func (catalogue) Interceptors() []string {
	return []string{"flexfec", "gcc", "nack-generator", "nack-responder", "pacing", "receiver-reports", "rfc8888", "sender-reports", "twcc-numbers"}
}

func (catalogue) InterceptorOptions(typ string) []string {
	return map[string][]string{"gcc": {"initial", "max", "min", "pacer"}, "nack-generator": {"interval", "size"}}[typ]
}

func (catalogue) CheckInterceptorOption(_, name, value string) error {
	if name == "interval" && !strings.HasSuffix(value, "s") {
		return errors.New("\"" + value + "\" is no interval: write 1ms to 1m")
	}
	return nil
}

func (catalogue) Leads(typ string) bool { return typ == "gcc" }

func (catalogue) Several(string) bool { return false }

func (catalogue) CheckFeedback(controller, feedback string) error {
	switch {
	case controller == "nada" && (feedback == "none" || feedback == "ecn"):
		return errors.New("nada can't work without feedback: write rfc8888 or twcc")
	case controller == "remb" && feedback != "remb":
		return errors.New("remb can't work without estimates: write remb")
	case controller != "remb" && feedback == "remb":
		return errors.New(controller + " has no use for estimates: write rfc8888 or twcc")
	}
	return nil
}

func (catalogue) CheckCoupling(controller string) error {
	if controller == "fixed" {
		return errors.New("fixed can't be coupled: write nada")
	}
	return nil
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files match %s (%v)", pattern, err)
	}
	return paths
}

func TestBroken(t *testing.T) {
	paths := glob(t, "testdata/broken/*.yaml")
	if len(paths) < 30 {
		t.Errorf("only %d broken files", len(paths))
	}
	for _, path := range paths {
		base := filepath.Base(path)
		t.Run(base, func(t *testing.T) {
			data := read(t, path)
			opt := Options{Catalogue: catalogue{}}
			for line := range strings.SplitSeq(string(data), "\n") {
				if set, ok := strings.CutPrefix(line, "# --set "); ok {
					opt.Set = append(opt.Set, set)
				}
			}
			_, err := Parse(base, data, opt)
			var list Errors
			if !errors.As(err, &list) {
				t.Fatalf("the file is broken, but Parse returns %v", err)
			}
			golden := strings.TrimSuffix(path, ".yaml") + ".want"
			got := err.Error() + "\n"
			if *rewrite {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, golden)), got); diff != "" {
				t.Errorf("message differs (-want +got):\n%s", diff)
			}
		})
	}
}

// sameWhenResolved checks that each run's resolved form loads as the same
// scenario and resolves to itself.
func sameWhenResolved(t *testing.T, f *File) {
	t.Helper()
	for _, run := range f.Runs {
		again, err := Parse(filepath.Join(run.Scenario.Dir, "resolved.yaml"), []byte(run.Resolved), Options{})
		if err != nil {
			t.Fatalf("run %s: %v\n%s", run.Name, err, run.Resolved)
		}
		if diff := cmp.Diff(run.Scenario, again.Runs[0].Scenario, cmpopts.IgnoreFields(Scenario{}, "Dir")); diff != "" {
			t.Fatalf("run %s: resolved differs (-want +got):\n%s\n%s", run.Name, diff, run.Resolved)
		}
		if again.Runs[0].Resolved != run.Resolved {
			t.Fatalf("run %s: resolving twice differs:\n%s\n%s", run.Name, run.Resolved, again.Runs[0].Resolved)
		}
	}
}

func TestResolvedIsTheSameScenario(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long: go test without -short runs it")
	}
	paths := slices.Concat(glob(t, "*.yaml"), glob(t, "*/*.yaml"), glob(t, "testdata/good/*.yaml"))
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			f, err := Load(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			sameWhenResolved(t, f)
		})
	}
}

func TestLoadReportsAMissingFile(t *testing.T) {
	_, err := Load("testdata/none.yaml", Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want a missing file", err)
	}
}

func FuzzParse(f *testing.F) {
	patterns := []string{"testdata/good/*.yaml", "testdata/broken/*.yaml", "*.yaml", "*/*.yaml"}
	if testing.Short() {
		patterns = patterns[:1]
	}
	for _, pattern := range patterns {
		for _, path := range glob(f, pattern) {
			f.Add(read(f, path))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("fuzz.yaml", data, Options{})
		if err == nil {
			file.Runs = file.Runs[:min(len(file.Runs), 5)]
			sameWhenResolved(t, file)
			return
		}
		var list Errors
		if !errors.As(err, &list) {
			t.Fatalf("%T instead of Errors: %v", err, err)
		}
		for _, e := range list {
			if strings.ContainsAny(e.Error(), "\n\r") || e.Place.Line < 1 || e.Place.Column < 1 {
				t.Fatalf("error without a place or on several lines: %q", e)
			}
		}
	})
}
