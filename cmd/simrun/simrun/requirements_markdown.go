package simrun

import (
	"fmt"
	"strings"
)

// markdown writes a section for each requirement, and a table of how many figures each
// controller meets.
func (a *answers) markdown() string {
	var b strings.Builder
	b.WriteString("| controller | figures within their bounds |\n|---|---|\n")
	for i, name := range a.controllers {
		met, all := a.met(i)
		fmt.Fprintf(&b, "| %s | %d of %d |\n", name, met, all)
	}
	for _, q := range a.answers {
		b.WriteString("\n" + a.section(q))
	}
	return b.String()
}

// section writes a requirement with its figures.
func (a *answers) section(q *answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n%s\n", q.ID, q.Text)
	if len(q.Figures) > 0 {
		fmt.Fprintf(&b, "\n| figure | scenario | metric | bound | %s |\n|---|---|---|---|%s\n",
			strings.Join(a.controllers, " | "), strings.Repeat("---:|", len(a.controllers)))
	}
	for _, f := range q.Figures {
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |", f.What, f.figure.Variation, f.Metric, f.bound())
		for i := range f.Values {
			fmt.Fprintf(&b, " %s |", &f.Values[i])
		}
		b.WriteByte('\n')
	}
	if len(q.Tests) > 0 {
		fmt.Fprintf(&b, "\nTests: `%s`.\n", strings.Join(q.Tests, "`, `"))
	}
	if q.Note != "" {
		fmt.Fprintf(&b, "\n%s\n", q.Note)
	}
	return b.String()
}
