// Package libsrtptest lets tests protect and open packets with libsrtp, Cisco's
// implementation of SRTP, which shares no code with ours.
package libsrtptest

import (
	"bytes"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed testdata/libsrtp_open.c
var source []byte

// Program is a program that has been compiled.
type Program struct{ path string }

// Build compiles the program. It skips the test where there is no compiler or no
// library.
func Build(t *testing.T) Program {
	t.Helper()
	compiler := ""
	for _, name := range []string{"cc", "gcc"} {
		if path, err := exec.LookPath(name); err == nil {
			compiler = path
			break
		}
	}
	if compiler == "" {
		t.Skip("no C compiler")
	}
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "libsrtp2").Output()
	if err != nil {
		t.Skipf("no libsrtp2 (Debian's libsrtp2-dev and pkg-config): %v", err)
	}
	dir := t.TempDir()
	p, file := Program{filepath.Join(dir, "libsrtp_open")}, filepath.Join(dir, "libsrtp_open.c")
	if err := os.WriteFile(file, source, 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-Wall", "-Werror", "-o", p.path, file}, strings.Fields(string(flags))...)
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return p
}

// Ask gives the program lines, and returns its answers: a line each, in hex, or
// error-N. The commands stand in its source.
func (p Program) Ask(t *testing.T, lines []string) []string {
	t.Helper()
	cmd := exec.Command(p.path)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, problems.Bytes())
	}
	return strings.Fields(strings.ReplaceAll(out.String(), "error ", "error-"))
}
