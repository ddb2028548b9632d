package simrun

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	_ "rtpfabric/ccontrol/builtin"
)

// terminal returns both ends of a pseudo-terminal: what a program writes to
// and what a person would see.
func terminal(t *testing.T) (program, person *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 80}); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return program, person
}

// onTerminal runs simrun on a terminal of 80 columns and returns what it shows.
func onTerminal(t *testing.T, args ...string) string {
	t.Helper()
	program, person := terminal(t)
	seen := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, person) // ends with an error when the program's end is closed
		seen <- b.String()
	}()
	cmd := Command()
	cmd.SetArgs(args)
	cmd.SetOut(program)
	cmd.SetErr(program)
	if err := cmd.Execute(); err != nil {
		t.Error(err)
	}
	if err := program.Close(); err != nil {
		t.Error(err)
	}
	return <-seen
}

const (
	greenPass = "\x1b[32mPASS"
	thinLine  = "│"
)

func TestTerminalShowsBarAndColours(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	got := onTerminal(t, "run", "../../../scenarios/quickstart.yaml", "--out", t.TempDir())
	for _, want := range []string{greenPass, thinLine, "0/1 runs", "page: "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q isn't in %q", want, got)
		}
	}
	for line := range strings.Lines(got[strings.Index(got, "┌"):strings.LastIndex(got, "┘")]) {
		plain := strings.NewReplacer("\x1b[32m", "", "\x1b[0m", "").Replace(strings.TrimRight(line, "\r\n"))
		if n := len([]rune(plain)); n > 80 {
			t.Errorf("a line of the table is %d wide: %q", n, plain)
		}
	}
}

func TestTerminalWithoutColour(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	t.Setenv("TERM", "xterm")
	got := onTerminal(t, "run", "../../../scenarios/quickstart.yaml", "--out", t.TempDir(), "--no-page")
	if strings.Contains(got, "\x1b[3") || strings.Contains(got, "\x1b[1m") {
		t.Errorf("there is colour in %q", got)
	}
	if !strings.Contains(got, thinLine) || !strings.Contains(got, "PASS") {
		t.Errorf("there is no table in %q", got)
	}
}

// Commands that go over many records say how far they are and how long the rest takes.
func TestTerminalShowsHowFarItIs(t *testing.T) {
	t.Setenv("TERM", "xterm")
	out := t.TempDir()
	onTerminal(t, "run", "../../../scenarios/quickstart.yaml", "--vary", "seed={from: 1, count: 3}", "--set", "duration=2s", "--set", "expect=[]", "--set", "network.links.bottleneck.schedule=[]", "--out", out, "--no-page", "--quiet")
	for _, args := range [][]string{{"report", out}, {"figures", out, "--to", t.TempDir(), "--charts", "rates"}} {
		if got := onTerminal(t, args...); !strings.Contains(got, "/3") || !strings.Contains(got, "%") {
			t.Errorf("%s shows no progress: %q", args[0], got)
		}
	}
}

func TestDumbTerminalShowsPlainText(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	got := onTerminal(t, "run", "../../../scenarios/quickstart.yaml", "--out", t.TempDir(), "--no-page")
	if strings.ContainsAny(got, "\x1b"+thinLine) || !strings.Contains(got, "[1/1] PASS") {
		t.Errorf("got %q, want plain lines", got)
	}
}

func TestFileShowsPlainText(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	s := screenOf(f)
	if s.terminal || s.colour {
		t.Errorf("a file is taken for a terminal: %+v", s)
	}
	for _, text := range []string{s.paint(red, "x"), s.ascii("≥ 85\u00a0%")} {
		if strings.Trim(text, "x>= 85%") != "" {
			t.Errorf("%q isn't plain", text)
		}
	}
}
