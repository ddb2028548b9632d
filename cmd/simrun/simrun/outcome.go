package simrun

import (
	"fmt"
)

// Words for what became of a run.
const (
	wordPass       = "PASS"
	wordFail       = "FAIL"
	wordKnown      = "KNOWN"    // failed as expected-fail says
	wordBaseline   = "BASELINE" // failed, as somebody may who controls nothing
	wordDone       = "DONE"     // nothing is expected
	wordIncomplete = "INCOMPLETE"
	wordError      = "ERROR"
	wordNotRun     = "NOT RUN"
)

// outcome returns the word for what became of a run, and its colour.
func (r *plannedRun) outcome() (string, ink) {
	switch {
	case r.state == notRun:
		return wordNotRun, yellow
	case r.state != finished:
		return wordError, red
	case r.incomplete():
		return wordIncomplete, yellow
	case r.failed() && r.baseline():
		return wordBaseline, bold
	case r.failed():
		return wordFail, red
	case len(r.row.Verdicts) == 0:
		return wordDone, bold
	case r.met() < len(r.row.Verdicts):
		return wordKnown, bold
	}
	return wordPass, green
}

// expectations says how many are met, such as 9/10.
func (r *plannedRun) expectations() string {
	if r.state != finished {
		return ""
	}
	return fmt.Sprintf("%d/%d", r.met(), len(r.row.Verdicts))
}

// word returns the outcome in its colour.
func (s *screen) word(r *plannedRun) string {
	word, c := r.outcome()
	return s.paint(c, word)
}
