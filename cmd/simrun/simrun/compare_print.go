package simrun

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"rtpfabric/scenarios/compare"
)

// figureHeadings are those of a table of figures, the first one without a word.
var figureHeadings = []string{"", "figure", "A", "B", "change", "95 % interval of B - A", "effect", "p"}

// print prints a comparison.
func (c *comparison) print(s *screen, o *compareOptions) {
	fmt.Fprintf(s, "A: %s\nB: %s\n%s\n", c.a, c.b, c.counts())
	for _, g := range c.groups {
		if g.identical() {
			continue
		}
		fmt.Fprintf(s, "\n%s: %s\n", s.paint(bold, s.ascii(g.title())), g.seeds())
		for _, n := range g.notes(c) {
			fmt.Fprintln(s, s.ascii(n))
		}
		table := s.columns(2, figureHeadings...)
		hidden := 0
		for _, f := range g.figures {
			if f.decision.Verdict == compare.Same && !o.all {
				hidden++
				continue
			}
			cells := f.cells()
			cells[0] = s.paint(inkOf(f.decision.Verdict), cells[0])
			for i := range cells {
				cells[i] = s.ascii(cells[i])
			}
			table.row(cells...)
		}
		if hidden < len(g.figures) {
			fmt.Fprint(s, table.String(3, 4, 5, 6, 7, 8))
		}
		if text := unchanged(hidden, o); text != "" {
			fmt.Fprintln(s, text)
		}
	}
	c.printAlone(s)
	ink := green
	switch {
	case c.count(compare.Regression) > 0:
		ink = red
	case c.open():
		ink = yellow
	}
	fmt.Fprintf(s, "\n%s\n", s.paint(ink, c.result()))
}

// counts says how many pairs there are.
func (c *comparison) counts() string {
	pairs, same := 0, 0
	for _, g := range c.groups {
		pairs += len(g.pairs)
		for _, p := range g.pairs {
			if p.same {
				same++
			}
		}
	}
	if pairs == 1 {
		return fmt.Sprintf("1 pair of runs, %d identical", same)
	}
	return fmt.Sprintf("%d pairs of runs, %d of them identical", pairs, same)
}

// result is the last line.
func (c *comparison) result() string {
	if c.identical() {
		return c.verdict()
	}
	text := c.verdict()
	if sum := c.summary(); sum != "" {
		text += ": " + sum
	}
	return fmt.Sprintf("%s (corrected for %s)", text, countTests(c.tests))
}

func countTests(n int) string {
	if n == 1 {
		return "1 test"
	}
	return fmt.Sprintf("%d tests", n)
}

// seeds says how many seeds the group has.
func (g *pairGroup) seeds() string {
	if len(g.pairs) == 1 {
		return "1 seed"
	}
	return fmt.Sprintf("%d seeds", len(g.pairs))
}

// maxSettings is how many settings are shown that aren't the same.
const maxSettings = 5

// notes are lines above a group's table.
func (g *pairGroup) notes(c *comparison) []string {
	var lines []string
	for i, s := range g.settings {
		if i == maxSettings {
			lines = append(lines, fmt.Sprintf("and %d more settings aren't the same", len(g.settings)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("not the same setting: %s, %s → %s", s.Path, orNone(s.A), orNone(s.B)))
	}
	if g.problem != "" {
		lines = append(lines, g.problem)
	}
	lines = append(lines, g.missing...)
	for _, f := range g.figures {
		if f.decision.Verdict == compare.TooFew {
			lines = append(lines, fmt.Sprintf("too few seeds to tell a change from chance: with so many figures it takes %d", c.seeds))
			break
		}
	}
	switch {
	case g.baseline:
		lines = append(lines, "a baseline, which controls nothing: not measured, but it isn't what it was")
	case len(g.pairs) == 0:
		lines = append(lines, "no record can be read")
	}
	return lines
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// cells are those of a row.
func (f *comparedFigure) cells() []string {
	d, unit := &f.decision, f.Unit()
	cells := []string{
		strings.ToUpper(string(d.Verdict)), f.String(),
		quantity(d.MeanA, unit), quantity(d.MeanB, unit), f.change(), "", "", "",
	}
	if !math.IsNaN(d.Low) {
		cells[5] = signedQuantity(d.Low, unit) + " to " + signedQuantity(d.High, unit)
	}
	if d.Test.N > 0 {
		cells[6] = signed(d.Test.RankBiserial(), strconv.FormatFloat(d.Test.RankBiserial(), 'f', 2, 64))
	}
	switch {
	case math.IsNaN(d.Corrected):
	case d.Corrected < 0.001:
		cells[7] = "<0.001"
	default:
		cells[7] = strconv.FormatFloat(d.Corrected, 'f', 3, 64)
	}
	return cells
}

// change is the change as a share of what was, or if that was nothing the change itself.
func (f *comparedFigure) change() string {
	d := &f.decision
	if math.IsNaN(d.Relative) {
		return signedQuantity(d.Change, f.Unit())
	}
	return signed(d.Relative, strconv.FormatFloat(100*d.Relative, 'f', 1, 64)) + " %"
}

// signedQuantity prints a difference with its sign; that of shares in percentage points.
func signedQuantity(v float64, unit string) string {
	text := quantity(v, unit)
	if unit == "1" {
		text = strings.TrimSuffix(text, "%") + "pp"
	}
	return signed(v, text)
}

// signed puts a plus before what isn't negative.
func signed(v float64, text string) string {
	if v > 0 {
		return "+" + text
	}
	return text
}

func inkOf(v compare.Verdict) ink {
	switch v {
	case compare.Regression:
		return red
	case compare.Improvement:
		return green
	case compare.Same:
		return bold
	default:
		return yellow
	}
}

// unchanged says how many figures aren't listed.
func unchanged(n int, o *compareOptions) string {
	switch n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("1 figure hasn't changed by more than %s", o.effect)
	}
	return fmt.Sprintf("%d figures haven't changed by more than %s", n, o.effect)
}

// printAlone lists what wasn't compared.
func (c *comparison) printAlone(s *screen) {
	for _, line := range c.alone() {
		fmt.Fprintln(s, s.ascii(line))
	}
}

// alone lists runs of one folder alone, and records that can't be compared.
func (c *comparison) alone() []string {
	var lines []string
	add := func(heading string, list []string) {
		if len(list) > 0 {
			lines = append(lines, "", heading)
		}
		for _, l := range list[:min(len(list), maxRows)] {
			lines = append(lines, "  "+l)
		}
		if n := len(list) - maxRows; n > 0 {
			lines = append(lines, fmt.Sprintf("  and %d more", n))
		}
	}
	add("in A alone:", c.onlyA)
	add("in B alone:", c.onlyB)
	var left []string
	for _, l := range c.leftOut {
		left = append(left, l.Folder+": "+l.Problem)
	}
	add("left out:", left)
	return lines
}
