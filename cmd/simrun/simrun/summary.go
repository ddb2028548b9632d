package simrun

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"rtpfabric/sim/record"
)

// maxSummaryRows bounds every table of a summary: GitHub shows no more than a megabyte.
const maxSummaryRows = 100

// markdownSummary is about all runs: a table of scenarios, what isn't met with the commands that repeat it, and what is
// known not to be met.
func markdownSummary(plan []*plannedFile, o *runOptions) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "## simrun: %s\n\n", summaryLine(plan))
	files := markdownTable{headings: []string{"", "scenario", "title", "runs", "in virtual time", "digest"}}
	failed := markdownTable{headings: []string{"scenario", "expectation", "measured", "expected", "runs"}}
	broken := markdownTable{headings: []string{"scenario", "run", "problem"}}
	known := markdownTable{headings: []string{"scenario", "expectation", "measured", "expected", "known"}}
	var surprises, commands []string
	for _, f := range slices.SortedStableFunc(slices.Values(plan), func(a, b *plannedFile) int { return a.gravity() - b.gravity() }) {
		files.row(fileRow(f)...)
		for _, u := range f.unmet((*record.Verdict).Failed) {
			failed.row(append(unmetCells(f, u), markdown(u.where(f)))...)
			commands = append(commands, reproduce(u.run, o.set))
		}
		for _, u := range f.unmet(func(v *record.Verdict) bool { return v.Known != "" }) {
			known.row(append(unmetCells(f, u), markdown(u.verdict.Known))...)
		}
		for _, r := range f.runs {
			if r.state != finished || r.incomplete() {
				broken.row(code(f.Path), code(r.Name), markdown(r.problem()))
			}
		}
		for _, text := range f.unexpected() {
			surprises = append(surprises, "- "+code(f.Path)+": "+markdown(text))
		}
	}
	files.write(&b, "")
	broken.write(&b, "Not run to the end")
	failed.write(&b, "Not met")
	writeCommands(&b, commands)
	known.write(&b, "Known not to be met")
	if len(surprises) > 0 {
		fmt.Fprintf(&b, "### Met unexpectedly\n\n%s\n\n", strings.Join(surprises[:min(len(surprises), maxSummaryRows)], "\n"))
	}
	return b.Bytes()
}

// fileRow is the row of a scenario file: the worst that became of its runs, how many they are, and of a single one the
// digest.
func fileRow(f *plannedFile) []string {
	var virtual, took time.Duration
	for _, r := range f.runs {
		virtual += r.reached
		took += r.took
	}
	digest := ""
	if len(f.runs) == 1 && f.runs[0].row.Digest != "" {
		digest = code(f.runs[0].row.Digest)
	}
	times := fmt.Sprintf("%s in %.2f s", seconds(virtual), took.Seconds())
	return []string{byGravity[f.gravity()], code(f.Path), markdown(f.Title), summaryLine([]*plannedFile{f}), times, digest}
}

// byGravity are the outcomes that one would want to know of before others.
var byGravity = []string{wordError, wordFail, wordIncomplete, wordNotRun, wordKnown, wordBaseline, wordPass, wordDone}

// gravity is the place there of the worst outcome of a file's runs.
func (f *plannedFile) gravity() int {
	worst := len(byGravity) - 1
	for _, r := range f.runs {
		word, _ := r.outcome()
		worst = min(worst, slices.Index(byGravity, word))
	}
	return worst
}

func unmetCells(f *plannedFile, u *unmet) []string {
	place := f.Path
	if u.line > 0 {
		place = fmt.Sprintf("%s:%d", f.Path, u.line)
	}
	return []string{code(place), markdown(u.verdict.Expectation), markdown(measured(u.verdict)), markdown(expected(u.verdict))}
}

// writeCommands writes what repeats the first run of each failure, each once.
func writeCommands(b *bytes.Buffer, commands []string) {
	seen := map[string]bool{}
	for _, c := range commands {
		if seen[c] || len(seen) == maxRows {
			continue
		}
		if len(seen) == 0 {
			fmt.Fprint(b, "To repeat:\n\n")
		}
		seen[c] = true
		fmt.Fprintf(b, "    %s\n", strings.ReplaceAll(visible(c), "\n", "\n    "))
	}
	if len(seen) > 0 {
		fmt.Fprintln(b)
	}
}

// markdownTable is a table of GitHub's Markdown. Cells are Markdown already.
type markdownTable struct {
	headings []string
	rows     [][]string
}

func (t *markdownTable) row(cells ...string) { t.rows = append(t.rows, cells) }

// write writes a table that isn't empty.
func (t *markdownTable) write(b *bytes.Buffer, heading string) {
	if len(t.rows) == 0 {
		return
	}
	if heading != "" {
		fmt.Fprintf(b, "### %s\n\n", heading)
	}
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(t.headings, " | "), strings.Repeat("---|", len(t.headings)))
	for _, cells := range t.rows[:min(len(t.rows), maxSummaryRows)] {
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	if n := len(t.rows) - maxSummaryRows; n > 0 {
		fmt.Fprintf(b, "\nand %d more\n", n)
	}
	fmt.Fprintln(b)
}

// markdown writes a text so that Markdown shows it as it is, in one line.
func markdown(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(visible(text)), " ") {
		if strings.ContainsRune("\\`*_[]<>|#~&$", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// code writes a text as code, in one line and fit for a table.
func code(text string) string {
	text = strings.Join(strings.Fields(visible(text)), " ")
	return "`" + strings.NewReplacer("`", "'", "|", "\\|").Replace(text) + "`"
}
