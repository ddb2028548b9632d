package simrun

import (
	"fmt"
	"path/filepath"
	"slices"

	"rtpfabric/plots"
	"rtpfabric/sim/record"
)

// maxRows is how many runs of a scenario a table shows, and how many failures
// are listed.
const maxRows = 30

// printResults prints tables of results, what failed, and where the pages are.
func printResults(s *screen, plan []*plannedFile, o *runOptions, about pagesAbout) {
	for _, f := range plan {
		if !o.quiet {
			fmt.Fprintf(s, "\n%s\n%s, %s\n\n", s.paint(bold, s.ascii(f.Title)), f.Path, countRuns(len(f.runs)))
			if len(f.runs) == 1 && f.runs[0].state == finished {
				printVerdicts(s, f.runs[0])
			} else {
				printRuns(s, f.runs)
			}
		}
		if o.quiet || len(f.runs) > 1 {
			printFailures(s, f)
		}
		for _, text := range f.unexpected() {
			fmt.Fprintf(s, "unexpected pass in %s: %s\n", f.Path, s.ascii(text))
		}
	}
	printComparison(s, plan)
	fmt.Fprintf(s, "\n%s\n", summaryLine(plan))
	if !o.quiet {
		printWhere(s, plan, o, about)
	}
}

// printVerdicts prints the expectations of the only run of a scenario.
func printVerdicts(s *screen, r *plannedRun) {
	if len(r.row.Verdicts) > 0 {
		c := s.columns(2, "", "expectation", "measured")
		for i := range r.row.Verdicts {
			v := &r.row.Verdicts[i]
			word := s.paint(green, wordPass)
			switch {
			case v.Failed():
				word = s.paint(red, wordFail)
			case !v.Pass:
				word = s.paint(bold, wordKnown)
			}
			c.row(word, s.ascii(v.Expectation), s.ascii(measured(v)))
		}
		fmt.Fprint(s, c.String(3))
		printKnown(s, r)
	}
	for _, k := range keyMetrics {
		if v := keyValue(&r.row, k.KeyMetric); v != "" {
			fmt.Fprintf(s, "%-12s %s\n", k.heading, v)
		}
	}
	fmt.Fprintf(s, "%-12s %s\n", "seed", fmt.Sprint(r.row.Seed))
	fmt.Fprintf(s, "%-12s %s\n", "digest", r.row.Digest)
	if r.incomplete() {
		fmt.Fprintln(s, s.word(r))
	}
}

// printKnown says why failures were expected.
func printKnown(s *screen, r *plannedRun) {
	var said []string
	for i := range r.row.Verdicts {
		if why := r.row.Verdicts[i].Known; why != "" && !slices.Contains(said, why) {
			said = append(said, why)
			fmt.Fprintf(s, "known: %s\n", s.ascii(why))
		}
	}
}

// measured prints the value of a verdict, or why there is none.
func measured(v *record.Verdict) string {
	if v.Problem != "" {
		return v.Problem
	}
	return quantity(v.Value, v.Unit)
}

// printRuns prints a row for each run; of many, only for those that didn't go
// well.
func printRuns(s *screen, runs []*plannedRun) {
	shown := runs
	if len(runs) > maxRows {
		shown = nil
		for _, r := range runs {
			if word, _ := r.outcome(); word != wordPass && word != wordDone && word != wordBaseline && word != wordKnown {
				shown = append(shown, r)
			}
		}
		fmt.Fprintf(s, "%d of %s went well and are not listed\n", len(runs)-len(shown), countRuns(len(runs)))
	}
	if len(shown) == 0 {
		return
	}
	c := s.columns(2, "", "run", "met", keyMetrics[0].heading, keyMetrics[1].heading, keyMetrics[2].heading, keyMetrics[3].heading, "digest")
	for _, r := range shown[:min(len(shown), maxRows)] {
		cells := []string{s.word(r), r.Name, r.expectations()}
		for _, k := range keyMetrics {
			cells = append(cells, keyValue(&r.row, k.KeyMetric))
		}
		c.row(append(cells, r.row.Digest[:min(len(r.row.Digest), 12)])...)
	}
	c.table.SuppressEmptyColumns()
	fmt.Fprint(s, c.String(3, 4, 5, 6, 7))
	if n := len(shown) - maxRows; n > 0 {
		fmt.Fprintf(s, "and %d more\n", n)
	}
}

// keyValue returns a metric of a run's summary, or nothing.
func keyValue(r *plots.Run, k plots.KeyMetric) string {
	for _, m := range r.Summary {
		if m.Metric == k.Metric && m.Stat == k.Stat && (k.Entity == "" || m.Entity == k.Entity) {
			return quantity(m.Value, m.Unit)
		}
	}
	return ""
}

// printFailures lists the expectations that aren't met, with the first run of
// each and how many others there are.
func printFailures(s *screen, f *plannedFile) {
	list := f.unmet((*record.Verdict).Failed)
	if len(list) > 0 {
		fmt.Fprintf(s, "\nnot met in %s:\n", f.Path)
	}
	for _, l := range list[:min(len(list), maxRows)] {
		fmt.Fprintf(s, "  %s: %s: %s\n", s.ascii(l.verdict.Expectation), l.where(f), s.ascii(measured(l.verdict)))
	}
}

// summaryLine counts what became of all runs.
func summaryLine(plan []*plannedFile) string {
	words := map[string]int{}
	n, kept := 0, 0
	for _, f := range plan {
		for _, r := range f.runs {
			word, _ := r.outcome()
			words[word]++
			n++
			if r.kept {
				kept++
			}
		}
	}
	text := countRuns(n)
	for _, w := range []struct{ word, text string }{
		{wordPass, "passed"},
		{wordDone, "without expectations"},
		{wordFail, "failed"},
		{wordKnown, "failed only what they are known to fail"},
		{wordBaseline, "of baselines that failed, as they may"},
		{wordIncomplete, "incomplete"},
		{wordNotRun, "not run"},
		{wordError, "ended in an error"},
	} {
		if words[w.word] > 0 {
			text += fmt.Sprintf(", %d %s", words[w.word], w.text)
		}
	}
	if kept > 0 {
		text += fmt.Sprintf("; %d of them kept", kept)
	}
	return text
}

// manyFiles is how many scenarios have their pages listed one by one.
const manyFiles = 6

// printWhere says where the results are: the page of a single run, else the
// comparison and the overview of each scenario, of many only how they are called.
func printWhere(s *screen, plan []*plannedFile, o *runOptions, about pagesAbout) {
	if about.comparison != "" {
		printPage(s, "comparison", about.comparison)
	}
	if len(plan) > manyFiles && !o.noPage {
		fmt.Fprintf(s, "pages: %s\n", filepath.Join(o.out, "<scenario>", pageFile))
	} else {
		printEach(s, plan, o)
	}
	if about.index != "" && len(plan) > manyFiles && about.comparison == "" {
		printPage(s, "index", about.index)
	} else if about.index != "" {
		fmt.Fprintf(s, "index: %s\n", about.index)
	}
}

// printEach says where the pages of each scenario are, or its records.
func printEach(s *screen, plan []*plannedFile, o *runOptions) {
	for _, f := range plan {
		folder, kept := f.folder, false
		for _, r := range f.runs {
			kept = kept || r.state == finished
		}
		if !kept {
			continue
		}
		if len(f.runs) == 1 {
			folder = f.runs[0].folder
		}
		if o.noPage {
			fmt.Fprintf(s, "record: %s\n", folder)
			continue
		}
		printPage(s, "page", filepath.Join(folder, pageFile))
	}
}

// printPage says where a page is, and its address for a browser.
func printPage(s *screen, what, page string) {
	fmt.Fprintf(s, "%s: %s\n%*s%s\n", what, page, len(what)+2, "", fileAddress(page))
}
