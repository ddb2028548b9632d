package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rtpfabric/cmd/simrun/simrun"
	"rtpfabric/sim/record"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"simrun": func() { os.Exit(simrun.Main()) },
	})
}

// TestScripts runs the program as users do. Besides testscript's own commands
// there are:
//
//	exits CODE command...   runs a command that must end with the exit code
//	same-digest A B         compares the digests of the records in two folders
//	reproduce DIR OUT       runs what the record in DIR says repeats it
//	replace FILE OLD NEW    replaces a text in a file, which must have it
//	signal CODE TIMES...    see interrupt_test.go
func TestScripts(t *testing.T) {
	library, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("LIBRARY", library+"/../../scenarios")
			e.Setenv("EXAMPLES", library+"/../../docs/examples/external")
			e.Setenv("GYM", library+"/../../docs/examples/gym")
			e.Setenv("GORACE", "atexit_sleep_ms=10") // else every program waits a second under -race
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":       exits,
			"same-digest": sameDigest,
			"replace":     replace,
			"reproduce":   reproduce,
			"signal":      signal,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
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

func sameDigest(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same-digest A B")
	}
	a, err := record.Read(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := record.Read(ts.MkAbs(args[1]))
	ts.Check(err)
	if same := a.Manifest.Digest == b.Manifest.Digest; same == neg {
		ts.Fatalf("digests %s and %s: same is %v", a.Manifest.Digest, b.Manifest.Digest, same)
	}
}

func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}

func reproduce(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: reproduce DIR OUT")
	}
	rec, err := record.Read(ts.MkAbs(args[0]))
	ts.Check(err)
	words := shellWords(rec.Manifest.Reproduce)
	ts.Logf("reproduce: %q", words)
	ts.Check(ts.Exec(words[0], append(words[1:], "--out", args[1])...))
}

// shellWords splits a command as a POSIX shell would that knows nothing but
// single quotes and backslashes.
func shellWords(command string) []string {
	var words []string
	var word strings.Builder
	inWord, quoted := false, false
	for i := 0; i < len(command); i++ {
		switch c := command[i]; {
		case c == '\'':
			quoted, inWord = !quoted, true
		case c == '\\' && !quoted:
			i++
			word.WriteByte(command[i])
			inWord = true
		case c == ' ' && !quoted:
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}
