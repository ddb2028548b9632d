package simrun

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"rtpfabric/sim/record"
)

// Variables in the environment of steps on GitHub.
const (
	githubActions   = "GITHUB_ACTIONS"      // true there
	githubSummary   = "GITHUB_STEP_SUMMARY" // a file to which Markdown is appended
	githubWorkspace = "GITHUB_WORKSPACE"    // the folder from which the repository's files are named
)

// annotate prints GitHub's workflow commands that mark expectations which aren't met where they stand, and runs that
// broke at the top of their file.
func annotate(w io.Writer, plan []*plannedFile, o *runOptions) {
	for _, f := range plan {
		for _, u := range f.unmet((*record.Verdict).Failed) {
			annotation(w, "error", f.Path, u.line, "expectation isn't met", fmt.Sprintf("%s\nmeasured %s, expected %s, %s\n%s",
				u.verdict.Expectation, measured(u.verdict), expected(u.verdict), u.where(f), reproduce(u.run, o.set)))
		}
		for _, r := range f.runs {
			if r.state == broken || r.state == unwritten {
				annotation(w, "error", f.Path, 0, "run "+r.Name+" failed", r.row.Problem+"\n"+reproduce(r, o.set))
			}
		}
		for _, text := range f.unexpected() {
			annotation(w, "warning", f.Path, 0, "unexpected pass", text)
		}
	}
}

// annotation prints one. Line 0 is the first.
func annotation(w io.Writer, level, path string, line int, title, message string) {
	fmt.Fprintf(w, "::%s file=%s,line=%d,title=%s::%s\n", level,
		githubProperty.Replace(visible(inWorkspace(path))), max(line, 1), githubProperty.Replace(visible(title)), githubData.Replace(visible(message)))
}

// What the runner takes apart, it puts together again: github.com/actions/toolkit, packages/core/src/command.ts.
var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// inWorkspace returns the path of a file as GitHub knows it, if it is in the repository.
func inWorkspace(path string) string {
	root := os.Getenv(githubWorkspace)
	abs, err := filepath.Abs(path)
	if root == "" || err != nil {
		return filepath.ToSlash(path)
	}
	rel, err := filepath.Rel(root, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return filepath.ToSlash(path)
	}
	return filepath.ToSlash(rel)
}

// appendTo appends to a file that others append to as well.
func appendTo(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
