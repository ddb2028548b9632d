// Package rfc8836 says what shows how far rate controllers meet the requirements of RFC 8836 §2:
// scenarios of the library with the expectations in them whose values are the figures, and
// tests where a requirement is no figure. The scenarios beside it are those that were made for
// requirements which no other showed.
package rfc8836

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/scenarios"
)

// A Requirement is one of RFC 8836 §2 or one of its sub-items.
type Requirement struct {
	// ID is the RFC's number and letter, 1 to 11; or security, which is its §5.
	ID string
	// Text is what it says, in other words.
	Text string
	// Figures are what scenarios measure of it.
	Figures []Figure
	// Tests show what isn't a figure. Each is an import path without the module, a dot and
	// the name of a test.
	Tests []string
	// Note says what is shown otherwise, only in part or not at all.
	Note string
}

// A Variation is one run of a scenario file but for its controller and seed.
type Variation struct {
	File string // from the folder of the library, with slashes
	// Set chooses one value of each axis of the file's matrix, as in [scenarios.Options].
	Set []string
}

// String returns the file and the values, such as "rfc8867/5.1-link-rate.yaml, delay=50ms".
func (v Variation) String() string {
	s := v.File
	for _, set := range v.Set {
		path, value, _ := strings.Cut(set, "=")
		s += ", " + path[strings.LastIndexByte(path, '.')+1:] + "=" + value
	}
	return s
}

// A Figure is what an expectation of a scenario measures.
type Figure struct {
	What string // for readers
	Variation
	// Metric, Of and During are those of the expectation. Of is its flow, link or whatever
	// else it is measured at; several flows are separated by ", ".
	Metric, Of, During string
}

// Expectation returns the place of the figure's expectation among those of a run of its
// variation.
func (f *Figure) Expectation(s *scenarios.Scenario) (int, error) {
	found := -1
	for i := range s.Expect {
		if !f.is(&s.Expect[i]) {
			continue
		}
		if found >= 0 {
			return 0, fmt.Errorf("%s: several expectations are about %s of %s during %s", f.File, f.Metric, f.Of, f.During)
		}
		found = i
	}
	if found < 0 {
		return 0, fmt.Errorf("%s: no expectation is about %s of %s during %s", f.File, f.Metric, f.Of, f.During)
	}
	return found, nil
}

func (f *Figure) is(e *scenarios.Expect) bool {
	places := []string{e.Flow, strings.Join(e.Flows, ", "), e.Link, e.Endpoint, e.Connection, e.Source}
	return e.Metric == f.Metric && slices.Contains(places, f.Of) && e.During != nil && e.During.String() == f.During
}

// figure is how the table is written.
func (v Variation) figure(what, metric, of, during string) Figure {
	return Figure{What: what, Variation: v, Metric: metric, Of: of, During: during}
}
