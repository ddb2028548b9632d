package scenarios

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"rtpfabric/scenarios/internal/strict"
)

// fault is an error and how many runs have it.
type fault struct {
	err   *strict.Error
	first string // name of the first such run
	count int
}

// faultList gathers the errors of all runs: the same error in several runs is
// one fault.
type faultList struct {
	order    []*fault
	byText   map[string]*fault
	inMatrix map[strict.Place]bool // places of values of axes
}

func (l *faultList) add(e *strict.Error, run string) {
	key := fmt.Sprint(e.Place, e.Path, e.Problem, e.Remedy)
	f := l.byText[key]
	if f == nil {
		f = &fault{err: e, first: run}
		l.byText[key] = f
		l.order = append(l.order, f)
	}
	f.count++
}

// errors returns the faults. One that only some runs have says in which,
// unless its place in the matrix says so already.
func (l *faultList) errors(runs int) []*strict.Error {
	var list []*strict.Error
	for _, f := range l.order {
		if f.count < runs && !l.inMatrix[f.err.Place] {
			f.err.Note = "in run " + f.first
			if f.count > 1 {
				f.err.Note = fmt.Sprintf("in %d of %d runs, first in %s", f.count, runs, f.first)
			}
		}
		list = append(list, f.err)
	}
	return list
}

// valuePlaces returns where the values of axes stand that are written one by
// one.
func valuePlaces(axes []axis) map[strict.Place]bool {
	places := map[strict.Place]bool{}
	var add func(n *yaml.Node)
	add = func(n *yaml.Node) {
		places[strict.PlaceOf(n)] = true
		for _, c := range n.Content {
			add(c)
		}
	}
	for _, a := range axes {
		if len(a.values) > 1 && a.values[0].node.Line == a.values[1].node.Line && a.values[0].node.Column == a.values[1].node.Column {
			continue // {from, count}: all have the same place
		}
		for _, v := range a.values {
			add(v.node)
		}
	}
	return places
}
