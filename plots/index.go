package plots

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

// Index is what the page of a folder for results shows: all runs in it, by the folders that they stand in.
type Index struct {
	Folder  string // what the folder is called
	Version string // of the program
	Suites  []Suite
	// Comparison is the address of the page with all runs side by side; empty if there is none.
	Comparison string
	// Problems are records that can't be read, with why.
	Problems []string
	// Live says that the page is served, and asks for the progress of what is running at [ProgressAddress].
	Live bool
}

// ProgressAddress is where a page that is served asks for a JSON array of [Progress].
const ProgressAddress = "/.progress"

// ServedPolicy is the Content-Security-Policy that pages need which are served: their own scripts and styles, and asking
// the server for the progress; nothing from elsewhere.
const ServedPolicy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Suite is the runs of a scenario in one folder.
type Suite struct {
	Name  string // of the folder, relative to that of the index
	Title string // of the scenario
	Link  string // to the overview; empty if there is none
	Runs  []IndexedRun
}

// IndexedRun is a run on an index. Its Link is relative to that page.
type IndexedRun struct {
	Run
	// Started is when it began by the wall clock, and Took how long that took; zero if nobody knows.
	Started time.Time
	Took    time.Duration
	// Reached is how far it came in virtual time.
	Reached time.Duration
}

// Progress is how far a call of the command has come.
type Progress struct {
	Started time.Time `json:"started"`
	Updated time.Time `json:"updated"`
	Total   int       `json:"total"` // runs to do
	Done    int       `json:"done"`
	Failed  int       `json:"failed"` // of those done
	// Running are the runs in flight, the one that began first first.
	Running []string `json:"running"`
	// Share is how much is done in virtual time, 0 to 1; Left is how long the rest may take, in seconds, negative as
	// long as nobody knows.
	Share float64 `json:"share"`
	Left  float64 `json:"left_s"`
}

type indexPage struct {
	Title, Version string
	Style          template.CSS
	Script         template.JS
	Index
	Counts          []outcomeCount
	Runs            int
	ProgressAddress string
}

// IndexMark stands in every index that [WriteIndex] makes, and in no other page.
const IndexMark = `<meta name="generator" content="simrun index">`

// WriteIndex writes one self-contained HTML page that lists runs. Errors are those of w.
func WriteIndex(w io.Writer, x Index) error {
	page := indexPage{
		Title: "Results in " + x.Folder, Version: x.Version, Index: x,
		Style: template.CSS(styles + comparisonStyles + indexStyles), Script: template.JS(indexScript), ProgressAddress: ProgressAddress,
	}
	var all []Run
	for _, s := range x.Suites {
		for i := range s.Runs {
			all = append(all, s.Runs[i].Run)
		}
	}
	page.Runs = len(all)
	_, page.Counts = tally(all)
	if err := templates.ExecuteTemplate(w, "index.html", page); err != nil {
		return fmt.Errorf("index page: %w", err)
	}
	return nil
}

// Passed counts the runs that meet every expectation, such as 9/10, of those that expect something.
func (s Suite) Passed() string {
	passed, judged := s.counts()
	if judged == 0 {
		return noValue
	}
	return fmt.Sprintf("%d/%d", passed, judged)
}

// Share is the same as a number, for sorting; -1 if nothing is expected.
func (s Suite) Share() float64 {
	passed, judged := s.counts()
	if judged == 0 {
		return -1
	}
	return float64(passed) / float64(judged)
}

func (s Suite) counts() (passed, judged int) {
	for i := range s.Runs {
		switch s.Runs[i].outcome() {
		case outcomeNone:
		case outcomePass:
			passed++
			judged++
		default:
			judged++
		}
	}
	return passed, judged
}

// Worst is the worst that became of a run.
func (s Suite) Worst() string {
	worst := len(outcomesByWeight) - 1
	for i := range s.Runs {
		worst = min(worst, slices.Index(outcomesByWeight, s.Runs[i].outcome()))
	}
	return outcomesByWeight[worst]
}

var outcomesByWeight = []string{outcomeError, outcomeFail, outcomeIncomplete, outcomeKnown, outcomeBaseline, outcomePass, outcomeNone}

// Started is when the last of its runs began.
func (s Suite) Started() time.Time {
	var last time.Time
	for i := range s.Runs {
		if s.Runs[i].Started.After(last) {
			last = s.Runs[i].Started
		}
	}
	return last
}

// Controllers of all runs, each once.
func (s Suite) Controllers() string {
	var names []string
	for i := range s.Runs {
		for name := range strings.SplitSeq(s.Runs[i].Controller(), ", ") {
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, ", ")
}

// Outcome is the worst thing that can be said of a run.
func (r IndexedRun) Outcome() string { return r.outcome() }

// Controller is the one that the matrix gave to the run, or else those of its streams.
func (r IndexedRun) Controller() string {
	for _, s := range r.Variation {
		if controllersFirst(s.Path) == 0 {
			return s.Value
		}
	}
	var names []string
	for _, f := range r.Flows {
		if f.Controller != "" && !slices.Contains(names, f.Controller) {
			names = append(names, f.Controller)
		}
	}
	return strings.Join(names, ", ")
}

// Met says how many expectations are met, such as 9/10.
func (r IndexedRun) Met() string {
	if len(r.Verdicts) == 0 {
		return noValue
	}
	met := 0
	for _, v := range r.Verdicts {
		if v.Pass {
			met++
		}
	}
	return fmt.Sprintf("%d/%d", met, len(r.Verdicts))
}

// outcomeWord names an outcome on the index.
func outcomeWord(outcome string) string {
	return cmp.Or(map[string]string{
		outcomeKnown: "known failure", outcomeBaseline: "baseline failed", outcomeNone: "nothing expected",
	}[outcome], outcome)
}

// wallTime writes a point in time by the wall clock, to the second and in UTC.
func wallTime(t time.Time) string {
	if t.IsZero() {
		return noValue
	}
	return t.UTC().Format("2006-01-02\u00a015:04:05")
}

// lasted writes a stretch of time by the wall clock, in seconds.
func lasted(d time.Duration) string {
	if d <= 0 {
		return noValue
	}
	return fmt.Sprintf("%.2f", d.Seconds())
}

// sortTime is a point in time as a number.
func sortTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
