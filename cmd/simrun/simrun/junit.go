package simrun

import (
	"encoding/xml"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rtpfabric/sim/record"
)

// The elements of JUnit's XML. Times are seconds of the wall clock; those of a run are shared by its test cases, so
// that sums are right.

type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	junitCounts
	Suites []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name string `xml:"name,attr"`
	junitCounts
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitCounts struct {
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Time     string `xml:"time,attr"`
}

type junitCase struct {
	Class      string          `xml:"classname,attr"`
	Name       string          `xml:"name,attr"`
	Time       string          `xml:"time,attr"`
	File       string          `xml:"file,attr"`
	Line       int             `xml:"line,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Failure    *junitReason    `xml:"failure"`
	Error      *junitReason    `xml:"error"`
	Skipped    *junitReason    `xml:"skipped"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes a test suite for each scenario file, with a test case for each expectation of each run.
func writeJUnit(w io.Writer, plan []*plannedFile, o *runOptions) error {
	all := junitSuites{Name: "simrun"}
	var took time.Duration
	for _, f := range plan {
		suite, t := junitSuiteOf(f, o)
		took += t
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Errors += suite.Errors
		all.Skipped += suite.Skipped
		all.Suites = append(all.Suites, suite)
	}
	all.Time = junitTime(took)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// junitSuiteOf returns the suite of a file, and how long its runs took.
func junitSuiteOf(f *plannedFile, o *runOptions) (junitSuite, time.Duration) {
	suite := junitSuite{Name: visible(f.Path)}
	var took, virtual time.Duration
	for _, r := range f.runs {
		cases := junitCases(f, r, o)
		took += r.took
		virtual += r.reached
		for i := range cases {
			c := &cases[i]
			c.Time = junitTime(r.took / time.Duration(len(cases)))
			suite.Tests++
			switch {
			case c.Failure != nil:
				suite.Failures++
			case c.Error != nil:
				suite.Errors++
			case c.Skipped != nil:
				suite.Skipped++
			}
		}
		suite.Cases = append(suite.Cases, cases...)
	}
	suite.Time = junitTime(took)
	suite.Properties = []junitProperty{
		{"title", visible(f.Title)},
		{"version", Version},
		{"virtual-time", junitTime(virtual)},
	}
	return suite, took
}

// junitCases returns those of a run: one for each verdict, and one for the run itself if it has none or didn't come to
// its end.
func junitCases(f *plannedFile, r *plannedRun, o *runOptions) []junitCase {
	base := junitCase{
		Class: visible(filepath.Base(f.folder) + "." + r.Name), File: visible(filepath.ToSlash(f.Path)),
		Properties: []junitProperty{
			{"run", visible(r.Name)},
			{"seed", strconv.FormatUint(r.Scenario.Seed, 10)},
			{"digest", r.row.Digest},
			{"virtual-time", junitTime(r.reached)},
		},
	}
	if r.kept {
		base.Properties = append(base.Properties, junitProperty{"kept", "true"})
	}
	var cases []junitCase
	if r.state != finished || r.incomplete() || len(r.row.Verdicts) == 0 {
		c := base
		c.Name = "runs to its end"
		if word, _ := r.outcome(); word != wordDone {
			c.Error = &junitReason{Message: visible(r.problem()), Type: strings.ToLower(word), Text: visible(reproduce(r, o.set))}
		}
		cases = append(cases, c)
	}
	for i := range r.row.Verdicts {
		v := &r.row.Verdicts[i]
		c := base
		c.Name, c.Line = visible(v.Expectation), r.line(i)
		says := visible(fmt.Sprintf("measured %s, expected %s", measured(v), expected(v)))
		switch {
		case v.Failed() && r.baseline():
			c.Skipped = &junitReason{Message: says + "; a baseline may fail"}
		case v.Failed():
			c.Failure = &junitReason{
				Message: says, Type: "expectation",
				Text: visible(fmt.Sprintf("%s\nmeasured %s\nexpected %s\nseed %d, digest %s\n%s\n",
					v.Expectation, measured(v), expected(v), r.Scenario.Seed, r.row.Digest, reproduce(r, o.set))),
			}
		case !v.Pass:
			c.Skipped = &junitReason{Message: visible("known to fail: "+v.Known) + "; " + says}
		}
		cases = append(cases, c)
	}
	return cases
}

// expected is what the value had to be.
func expected(v *record.Verdict) string {
	if v.Bound == "" {
		return "a value"
	}
	return v.Bound
}

// problem says why a run didn't come to its end.
func (r *plannedRun) problem() string {
	if r.incomplete() {
		return fmt.Sprintf("interrupted at %s of %s", seconds(r.reached.Round(time.Millisecond)), seconds(r.Scenario.Duration))
	}
	return r.row.Problem
}

func junitTime(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

// visible writes control characters, which XML can't hold and terminals obey, as Go does in strings.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
