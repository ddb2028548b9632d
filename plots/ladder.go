package plots

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// ladder is what a sequence diagram is drawn from.
type ladder struct {
	nodes    []string // from left to right
	messages []record.Message
	events   []record.Event // of the nodes, but those that a message says already
}

// newLadder returns the ladder of a run; nil if nobody has signalled.
func newLadder(r *record.Record) *ladder {
	l := &ladder{messages: r.Messages, nodes: order(r)}
	if len(l.nodes) == 0 {
		return nil
	}
	for _, e := range r.Events {
		if l.column(e.Entity) >= 0 && (e.Kind != record.OfferSent || len(r.Messages) == 0) {
			l.events = append(l.events, e)
		}
	}
	return l
}

// order puts endpoints at both sides of what stands between them.
func order(r *record.Record) []string {
	var ends, middle []string
	add := func(name string) {
		isEnd := slices.ContainsFunc(r.Manifest.Topology.Endpoints, func(e record.Endpoint) bool { return e.Name == name })
		list := &middle
		if isEnd {
			list = &ends
		}
		if !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	for _, e := range r.Manifest.Topology.Endpoints { // in the scenario's order, if they take part
		if slices.ContainsFunc(r.Messages, func(m record.Message) bool { return m.From == e.Name || m.To == e.Name }) {
			add(e.Name)
		}
	}
	for _, m := range r.Messages {
		add(m.From)
		add(m.To)
	}
	for _, e := range r.Events { // where no message has arrived
		if e.Kind == record.OfferSent {
			add(e.Entity)
		}
	}
	if len(ends) == 0 {
		return middle
	}
	return slices.Concat(ends[:1], middle, ends[1:])
}

func (l *ladder) column(node string) int { return slices.Index(l.nodes, node) }

// moment is a row of the drawing: a message leaves, one arrives, or something happens.
type moment struct {
	at      simtime.Time
	kind    momentKind
	message int // index
	event   int
}

type momentKind uint8

// What comes at one time, in this order. A message that takes no time leaves before it arrives.
const (
	arrives momentKind = iota
	passes
	happens
	leaves
)

// moments returns all rows.
func (l *ladder) moments() []moment {
	var list []moment
	for i, m := range l.messages {
		if m.Sent == m.Arrived {
			list = append(list, moment{at: m.Sent, kind: passes, message: i})
			continue
		}
		list = append(list, moment{at: m.Arrived, kind: arrives, message: i}, moment{at: m.Sent, kind: leaves, message: i})
	}
	for i, e := range l.events {
		list = append(list, moment{at: e.At, kind: happens, event: i})
	}
	slices.SortStableFunc(list, func(a, b moment) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.kind, b.kind)) })
	return list
}

// Ladder writes the messages of signalling as text: a line for each, with when it left and when it arrived, and one for
// each thing that happened at a node. It reports whether there were any.
func Ladder(w io.Writer, r *record.Record) (bool, error) {
	l := newLadder(r)
	if l == nil {
		return false, nil
	}
	width := 16
	for _, m := range l.messages {
		width = max(width, min(utf8.RuneCountInString(m.Title), 60)+6)
	}
	t := &textLadder{ladder: l, width: width}
	t.head()
	for _, m := range l.moments() {
		switch m.kind {
		case leaves, passes:
			t.message(&l.messages[m.message])
		case happens:
			t.event(&l.events[m.event])
		case arrives: // the line of the message says so
		}
	}
	_, err := io.WriteString(w, t.out.String())
	return true, err
}

// textLadder writes a ladder, with so many characters from lifeline to lifeline.
type textLadder struct {
	*ladder
	width int
	out   strings.Builder
}

func (t *textLadder) line(left string, cells []rune) {
	fmt.Fprintf(&t.out, "%s  %s\n", left, strings.TrimRight(string(cells), " "))
}

// lifelines returns a row with nothing but those.
func (t *textLadder) lifelines() []rune {
	row := []rune(strings.Repeat(" ", t.width*len(t.nodes)))
	for i := range t.nodes {
		row[t.width*i] = '|'
	}
	return row
}

func (t *textLadder) head() {
	row := []rune(strings.Repeat(" ", t.width*len(t.nodes)))
	for i, n := range t.nodes {
		copy(row[t.width*i:], []rune(n))
	}
	t.line("   sent s  arrived s", row)
}

func (t *textLadder) message(m *record.Message) {
	row := t.lifelines()
	from, to := t.column(m.From), t.column(m.To)
	a, b := t.width*min(from, to), t.width*max(from, to)
	for i := a + 1; i < b; i++ {
		row[i] = '-'
	}
	if to > from {
		row[b-1] = '>'
	} else {
		row[a+1] = '<'
	}
	title := []rune(m.Title)
	title = title[:max(0, min(len(title), b-a-5))]
	copy(row[a+(b-a-len(title))/2+1:], title)
	t.line(fmt.Sprintf("%9.3f  %9.3f", m.Sent.Seconds(), m.Arrived.Seconds()), row)
}

func (t *textLadder) event(e *record.Event) {
	row := t.lifelines()
	at := t.width * t.column(e.Entity)
	row[at] = '*'
	text := e.Kind
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	row = append(row[:at+2], []rune(text)...)
	t.line(fmt.Sprintf("%9s  %9.3f", "", e.At.Seconds()), row)
}
