package strict

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Source is what errors call a document and the overrides applied to it.
type Source struct {
	Name      string
	Overrides []string // such as "--set seed=3"
}

// Place is a position in the file, lines and columns from 1, or the override
// with that number, from 1. The zero Place is the whole file.
type Place struct {
	Line, Column int
	Override     int
}

// String of a place inside a source.
func (s *Source) String(p Place) string {
	switch {
	case p.Override > 0 && p.Override <= len(s.Overrides):
		return s.Overrides[p.Override-1]
	case p.Line == 0:
		return s.Name
	}
	return fmt.Sprintf("%s:%d:%d", s.Name, p.Line, p.Column)
}

// Error is one thing that is wrong, on one line: where, in which field, what,
// and what would be right.
type Error struct {
	Source  *Source
	Place   Place
	Path    Path // of the field; empty if the error is of no field
	Problem string
	Remedy  string
	Note    string // in parentheses at the end
}

// Error returns "file:line:column: field: problem; remedy".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Source.String(e.Place))
	b.WriteString(": ")
	if len(e.Path) > 0 {
		b.WriteString(e.Path.String() + ": ")
	}
	b.WriteString(e.Problem)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	if e.Note != "" {
		b.WriteString(" (" + e.Note + ")")
	}
	return oneLine(b.String())
}

// Errors is everything that is wrong with a document, in order of place.
type Errors []*Error

// maxShown is how many errors a message lists.
const maxShown = 10

// Error returns one line per error, at most ten, and how many more there are.
func (es Errors) Error() string {
	var lines []string
	for i, e := range es {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("%s: %d more errors", e.Source.Name, len(es)-maxShown))
			break
		}
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives access to the single errors.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// Errors sorts errors by place and drops repetitions.
func (s *Source) Errors(list ...*Error) Errors {
	for _, e := range list {
		e.Source = s
	}
	slices.SortStableFunc(list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Place.Override, b.Place.Override),
			cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
	seen := map[string]bool{}
	var out Errors
	for _, e := range list {
		if text := e.Error(); !seen[text] {
			seen[text] = true
			out = append(out, e)
		}
	}
	return out
}

// List returns the single errors of an error that this package made.
func List(err error) []*Error {
	var es Errors
	var e *Error
	switch {
	case errors.As(err, &es):
		return es
	case errors.As(err, &e):
		return []*Error{e}
	}
	panic(fmt.Sprintf("strict: not an error about a document: %v", err))
}

// Path leads to a field: keys of mappings and indexes of lists, from 0.
type Path []string

// String joins the path with dots.
func (p Path) String() string { return strings.Join(p, ".") }

// Child returns a new path that is one step longer.
func (p Path) Child(name string) Path { return append(slices.Clip(p), name) }

// HasPrefix reports whether p is q or lies inside it.
func (p Path) HasPrefix(q Path) bool { return len(p) >= len(q) && slices.Equal(p[:len(q)], q) }

func index(i int) string { return strconv.Itoa(i) }

func placeOf(n *yaml.Node) Place {
	if n.Line == 0 {
		return Place{Override: n.Column}
	}
	return Place{Line: n.Line, Column: n.Column}
}

// oneLine keeps a message on one line and free of control characters, whatever
// text from the file it quotes.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s)
}
