package plots

import (
	"fmt"

	"rtpfabric/sim/record"
)

// Outcomes of a run, which are also CSS classes. They are told by word and
// symbol, not by colour alone.
const (
	outcomePass       = "pass"
	outcomeFail       = "fail"
	outcomeNone       = "none"
	outcomeIncomplete = "incomplete"
	outcomeError      = "error"
	outcomeKnown      = "known"    // failed as was expected
	outcomeBaseline   = "baseline" // failed, as a run may that is there for comparison
)

// verdictBanner is the headline of a run.
type verdictBanner struct {
	Outcome, Word, Text string
	Failed              []record.Verdict
}

func bannerOf(status record.Status, verdicts []record.Verdict) verdictBanner {
	b := verdictBanner{}
	known := 0
	for _, v := range verdicts {
		switch {
		case v.Failed():
			b.Failed = append(b.Failed, v)
		case !v.Pass:
			known++
		}
	}
	n, failed := len(verdicts), len(b.Failed)
	switch {
	case failed > 0:
		b.Outcome, b.Word = outcomeFail, "FAIL"
		b.Text = fmt.Sprintf("%d of %s not met", failed, pluralize(n, "expectation", "expectations"))
	case known > 0:
		b.Outcome, b.Word = outcomeKnown, "KNOWN"
		b.Text = fmt.Sprintf("%d of %s not met, as was expected", known, pluralize(n, "expectation", "expectations"))
	case n == 0:
		b.Outcome, b.Word, b.Text = outcomeNone, "NO EXPECTATIONS", "The scenario doesn't say what it expects, so nothing was judged"
	case n == 1:
		b.Outcome, b.Word, b.Text = outcomePass, "PASS", "The one expectation is met"
	default:
		b.Outcome, b.Word, b.Text = outcomePass, "PASS", fmt.Sprintf("All %d expectations are met", n)
	}
	if status == record.Incomplete {
		b.Outcome, b.Word = outcomeIncomplete, "INCOMPLETE"
	}
	return b
}

// Symbol stands for the banner's outcome.
func (b verdictBanner) Symbol() string { return statusSymbol(b.Outcome) }

func statusSymbol(outcome string) string {
	switch outcome {
	case outcomePass:
		return "✓"
	case outcomeFail, outcomeBaseline, outcomeKnown:
		return "✗"
	case outcomeIncomplete:
		return "◐"
	case outcomeError:
		return "!"
	}
	return "○"
}

// withoutSeed leaves out the seed, which pages show by itself.
func withoutSeed(settings []record.Setting) []record.Setting {
	var rest []record.Setting
	for _, s := range settings {
		if s.Path != "seed" {
			rest = append(rest, s)
		}
	}
	return rest
}
