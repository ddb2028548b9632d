package simrun

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// answerWidth is what texts are wrapped to, so that figures stand beside them.
const answerWidth = 60

// Marks behind figures.
const (
	markKnown  = " ~"
	markFailed = " !"
)

// String writes a figure with its mark.
func (v *answerValue) String() string {
	switch {
	case v.Controller == "": // not measured
		return ""
	case v.Problem != "":
		return "none"
	case v.Pass:
		return quantity(v.Value, v.Unit)
	case v.Known != "":
		return quantity(v.Value, v.Unit) + markKnown
	}
	return quantity(v.Value, v.Unit) + markFailed
}

// print prints one table. Below a requirement stand its figures, each with its scenario.
func (a *answers) print(s *screen) {
	headings := append([]string{"", "requirement, figures and scenarios", "bound"}, a.controllers...)
	c := s.columns(2, headings...)
	var numbers []int
	for i := range a.controllers {
		numbers = append(numbers, i+4)
	}
	for _, q := range a.answers {
		for i, line := range lineUp("", s.ascii(q.Text)) {
			id := ""
			if i == 0 {
				id = q.ID
			}
			c.row(id, s.paint(bold, line))
		}
		for _, f := range q.Figures {
			what := strings.Join(append(lineUp("  ", s.ascii(f.What)), "    "+f.figure.String()), "\n")
			cells := []string{"", what, s.ascii(f.bound())}
			for i := range f.Values {
				cells = append(cells, s.answerCell(&f.Values[i]))
			}
			c.row(cells...)
		}
		for _, more := range q.beside() {
			c.row("", strings.Join(lineUp("  ", s.ascii(more)), "\n"))
		}
	}
	fmt.Fprint(s, c.String(numbers...))
	fmt.Fprint(s, "\n~ not within the bound, as is known   ! not within it, and nobody has said so\n\nfigures within their bounds:\n")
	for i, name := range a.controllers {
		met, all := a.met(i)
		fmt.Fprintf(s, "  %-14s %d of %d\n", name, met, all)
	}
}

// lineUp wraps a text into lines that begin with spaces.
func lineUp(indent, t string) []string {
	lines := strings.Split(text.WrapSoft(t, answerWidth-len(indent)), "\n")
	for i := range lines {
		lines[i] = indent + strings.TrimRight(lines[i], " ")
	}
	return lines
}

// beside is what a requirement has besides figures.
func (q *answer) beside() []string {
	var more []string
	for _, t := range q.Tests {
		more = append(more, "test "+t)
	}
	if q.Note != "" {
		more = append(more, strings.ReplaceAll(q.Note, "`", ""))
	}
	return more
}

// answerCell colours a figure.
func (s *screen) answerCell(v *answerValue) string {
	text := v.String()
	switch {
	case v.Problem != "" || v.Known != "":
		return text
	case v.Pass:
		return s.paint(green, text)
	}
	return s.paint(red, text)
}
