package simrun

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/scenarios"
)

// sessionFigure draws what the endpoints' sessions consist of, one box in the
// other: endpoint, peer connection, UDP flow, RTP session, media type. Streams
// are arrows from the endpoint that sends them. It is the manner of figures 4
// and 5 of draft-ietf-rtcweb-rtp-usage-03, appendix A.1.
func sessionFigure(c *scenarios.Scenario) string {
	if c.Topology.Grouped() {
		return relayFigure(c)
	}
	if c.Topology.Meshed() {
		return meshFigure(c)
	}
	if c.Topology.Forwarded() {
		return sfmFigure(c)
	}
	var b strings.Builder
	for i, call := range c.Topology.Calls() {
		if i == maxFigures {
			fmt.Fprintf(&b, "\n%sand %d more calls\n", margin, len(c.Topology.Calls())-i)
			break
		}
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(callFigure(c, call[0], call[1]))
	}
	return b.String()
}

// maxFigures is how many calls are drawn.
const maxFigures = 3

// callFigure draws one call.
func callFigure(c *scenarios.Scenario, left, right string) string {
	f := newPairFigure(c, left, right)
	f.open(left, right)
	own := 1
	if c.Topology.Forked() { // of the caller's, which share a port
		own = slices.Index(c.Topology.Peers, right)
	}
	f.open(fmt.Sprint("PeerC", own), "PeerC1")
	flows := 0
	open := func() {
		if flows > 0 {
			f.row("", "", "")
		}
		flows++
		f.open(fmt.Sprint("UDP", flows), fmt.Sprint("UDP", flows))
	}
	for i, session := range c.Sessions([]string{left, right}) {
		open()
		f.open(fmt.Sprint("RTP", i+1), fmt.Sprint("RTP", i+1))
		f.media(session.Media, left)
		f.shut()
		f.shut()
		if !c.RTCP.Mux {
			open()
			f.row("", fmt.Sprintf("<--%s>", padded(fmt.Sprintf(" RTCP of RTP%d ", i+1), f.span-4, '-')), "")
			f.shut()
		}
	}
	f.shut()
	f.shut()
	return f.String()
}

// media draws a box for every kind of media in a session.
func (f *pairFigure) media(media []*scenarios.Media, left string) {
	for i, kind := range mediaKinds(media) {
		if i > 0 {
			f.row("", "", "")
		}
		name := strings.ToUpper(kind[:1]) + kind[1:]
		f.open(name, name)
		for _, m := range media {
			if m.Kind == kind {
				f.stream(m, m.From == left)
			}
		}
		f.shut()
	}
}

// mediaKinds returns the kinds of some media in the order in which they come up.
func mediaKinds(media []*scenarios.Media) []string {
	var kinds []string
	for _, m := range media {
		if !slices.Contains(kinds, m.Kind) {
			kinds = append(kinds, m.Kind)
		}
	}
	return kinds
}

// pairFigure draws two endpoints that face each other. The boxes of the left
// one are open to the right and the other way round.
type pairFigure struct {
	b     strings.Builder
	depth int // of open boxes
	inner int // width inside the outermost box
	span  int // between the endpoints
}

// levels is how deep boxes are nested.
const levels = 5

func newPairFigure(c *scenarios.Scenario, left, right string) *pairFigure {
	f := &pairFigure{inner: max(textWidth(left), textWidth(right)) + 4}
	for i := range c.Media {
		m := &c.Media[i]
		f.inner = max(f.inner, 2*(levels-1)+textWidth(sourceOf(m))+3)
		f.span = max(f.span, textWidth(streamLabel(m))+8)
	}
	return f
}

// open begins a box in both endpoints.
func (f *pairFigure) open(left, right string) {
	width := f.inner - 2*f.depth
	f.put("+-"+padded(left, width-1, '-'), "", padded("-"+right, width, '-')+"+", f.depth == 0)
	f.depth++
}

// shut ends the innermost box of both.
func (f *pairFigure) shut() {
	f.depth--
	width := f.inner - 2*f.depth
	f.put("+"+strings.Repeat("-", width), "", strings.Repeat("-", width)+"+", f.depth == 0)
}

// row puts something into the innermost box of both and between them.
func (f *pairFigure) row(left, middle, right string) {
	width := f.inner - 2*f.depth
	f.put(fmt.Sprintf("%*s", width+1, left), middle, padded(right, width+1), false)
}

// stream draws the arrow of a stream.
func (f *pairFigure) stream(m *scenarios.Media, fromLeft bool) {
	label := " " + streamLabel(m) + " "
	if fromLeft {
		f.row(sourceOf(m), "---"+padded(label, f.span-4, '-')+">", "")
		return
	}
	f.row("", "<--"+padded(label, f.span-3, '-'), sourceOf(m))
}

// put writes a line with the walls of the boxes that are open around it. The
// walls that face each other have corners where the outermost boxes begin and
// end.
func (f *pairFigure) put(left, middle, right string, corners bool) {
	wall := "|"
	if corners {
		wall = "+"
	}
	fmt.Fprintf(&f.b, "%s%s%s%s%s%s%s%s\n", margin,
		strings.Repeat("| ", f.depth), left, wall, padded(middle, f.span), wall, right, strings.Repeat(" |", f.depth))
}

func (f *pairFigure) String() string { return f.b.String() }

// streamLabel says in a few words what a stream carries, and how it is protected.
func streamLabel(m *scenarios.Media) string {
	label := m.MaxRate().String()
	if e := m.Encoder; e != nil && e.Min == e.Max {
		label = fmt.Sprintf("%s %v", e.Model, e.Max)
	} else if e != nil {
		label = fmt.Sprintf("%s %v..%v", e.Model, e.Min, e.Max)
	}
	switch f := m.FEC; {
	case f == nil || f.Type == "none":
	case f.Type == "red":
		label += fmt.Sprintf(", red %d", *f.Level)
	default:
		label += fmt.Sprintf(", %s %v", f.Type, *f.Overhead)
	}
	return label
}
