package plots

import (
	"fmt"
	"math"

	"rtpfabric/sim/record"
)

// momentsShown bounds the rows of the drawing; messages.jsonl has all messages.
const momentsShown = 400

// ladderDrawing is a ladder as SVG shapes, for the template. A row is a moment, so that messages that cross each other
// do so in the picture.
type ladderDrawing struct {
	Width, Height float64
	Lines         []lifeline
	Arrows        []ladderArrow
	Notes         []note
	Times         []timeMark
	Messages      []record.Message
	All           int
}

type lifeline struct {
	X    float64
	Name string
}

type ladderArrow struct {
	X1, Y1, X2, Y2 float64
	Head           string  // three corners
	TextX, TextY   float64 // of the label
	Turn           float64 // degrees
	Label, Title   string
	Color          int
}

// note is something that happened at a node.
type note struct {
	X, Y        float64
	Text, Class string
}

type timeMark struct {
	Y    float64
	Text string
}

// The measures of the drawing.
const (
	ladderRow    = 22.0
	ladderColumn = 400.0
	ladderLeft   = 120.0
	ladderTop    = 46.0
	ladderRight  = 240.0
)

// drawing returns the ladder's shapes.
func (l *ladder) drawing() *ladderDrawing {
	moments := l.moments()
	shown := moments[:min(len(moments), momentsShown)]
	x := func(node string) float64 { return ladderLeft + ladderColumn*float64(l.column(node)) }
	y := func(row int) float64 { return ladderTop + ladderRow*float64(row) }
	d := &ladderDrawing{
		Width: ladderLeft + ladderColumn*float64(len(l.nodes)-1) + ladderRight, Height: y(len(shown)) + 8, All: len(l.messages),
	}
	for _, n := range l.nodes {
		d.Lines = append(d.Lines, lifeline{x(n), n})
	}
	left := map[int]float64{} // the row of each message that has left
	last := ""
	for row, m := range shown {
		if text := fmt.Sprintf("%.3f s", m.at.Seconds()); text != last {
			d.Times, last = append(d.Times, timeMark{y(row), text}), text
		}
		switch m.kind {
		case leaves:
			left[m.message] = y(row)
		case arrives, passes:
			from := &l.messages[m.message]
			if m.kind == passes {
				left[m.message] = y(row)
			}
			d.Arrows = append(d.Arrows, newLadderArrow(from, x(from.From), left[m.message], x(from.To), y(row)))
			d.Messages = append(d.Messages, *from)
		case happens:
			d.Notes = append(d.Notes, l.note(&l.events[m.event], x(l.events[m.event].Entity), y(row)))
		}
	}
	return d
}

func newLadderArrow(m *record.Message, x1, y1, x2, y2 float64) ladderArrow {
	angle := math.Atan2(y2-y1, x2-x1)
	corner := func(turn, length float64) string {
		return fmt.Sprintf("%.1f,%.1f", x2-length*math.Cos(angle+turn), y2-length*math.Sin(angle+turn))
	}
	a := ladderArrow{
		X1: x1, Y1: y1, X2: x2, Y2: y2, Head: fmt.Sprintf("%.1f,%.1f %s %s", x2, y2, corner(0.35, 10), corner(-0.35, 10)),
		Label: m.Title, Title: fmt.Sprintf("%s from %s to %s, %.3f to %.3f s", m.Title, m.From, m.To, m.Sent.Seconds(), m.Arrived.Seconds()),
	}
	// The label stands near who sends, where messages that cross are apart.
	const near = 0.36
	a.TextX, a.TextY = x1+near*(x2-x1), y1+near*(y2-y1)-5
	a.Turn = angle * 180 / math.Pi
	if x2 < x1 { // read from left to right
		a.Turn -= math.Copysign(180, a.Turn)
	}
	if m.Protocol == "SIP" {
		a.Color = 1
	}
	return a
}

// note returns what happened at a node.
func (l *ladder) note(e *record.Event, x, y float64) note {
	n := note{X: x, Y: y, Text: e.Kind}
	switch e.Kind {
	case record.Glare, record.ChangeCancelled:
		n.Class = "warning"
	case record.NegotiationFailed:
		n.Class = "failure"
	case record.OfferAccepted, record.OfferAgreed:
		n.Class = "success"
	}
	return n
}
