package plots

import (
	"math"
	"strings"

	"rtpfabric/sim/record"
)

// captions are a link's name and labels: forward above and backward below a
// level link, everything beside a slanted one.
func (l *layout) captions(k record.Link) []caption {
	a, b := l.node[k.From], l.node[k.To]
	middle := point{(a.x + b.x) / 2, (a.y + b.y) / 2}
	forward, backward := directions(a, b)
	half := l.linkThickness(k)/2 + 4
	if math.Abs(b.y-a.y) > 1 {
		return l.besides(k, middle, half+6)
	}
	room := math.Abs(b.x-a.x) - 2*l.radius - 8
	if !l.row {
		room = max(room, 200)
	}
	above, below := wrap(forward+k.Forward, room), wrap(backward+k.Backward, room)
	return []caption{
		{middle.x, middle.y - half - 8 - 16*float64(len(above)), []string{k.Name}, "link-name", k.Name},
		{middle.x, middle.y - half - 6 - 16*float64(len(above)-1), above, "link-label", k.Forward},
		{middle.x, middle.y + half + 14, below, "link-label", k.Backward},
	}
}

// besides puts a slanted link's texts on the side that faces away from the
// middle of the drawing.
func (l *layout) besides(k record.Link, middle point, distance float64) []caption {
	a, b := l.node[k.From], l.node[k.To]
	length := math.Hypot(b.x-a.x, b.y-a.y)
	nx, ny := (b.y-a.y)/length, -(b.x-a.x)/length
	if (nx < 0) != (middle.x < drawingWidth/2) {
		nx, ny = -nx, -ny
	}
	x, y := middle.x+nx*distance, middle.y+ny*distance
	class := " left"
	if nx < 0 {
		class = " right"
	}
	forward, backward := directions(a, b)
	return []caption{
		{x, y - 12, []string{k.Name}, "link-name" + class, k.Name},
		{x, y + 4, []string{forward + k.Forward}, "link-label" + class, k.Forward},
		{x, y + 20, []string{backward + k.Backward}, "link-label" + class, k.Backward},
	}
}

// directions returns the arrows that stand before a link's two labels.
func directions(a, b point) (forward, backward string) {
	forward, backward = "→ ", "← "
	if math.Abs(b.x-a.x) < math.Abs(b.y-a.y) {
		forward, backward = "↓ ", "↑ "
	}
	if b.x < a.x && forward == "→ " || b.y < a.y && forward == "↓ " {
		forward, backward = backward, forward
	}
	return forward, backward
}

// wrap breaks a label into at most three lines that fit into the given width.
func wrap(text string, width float64) []string {
	const glyph = 6.6 // px, mean width of a letter at the label's size
	limit := max(int(width/glyph), 8)
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > limit {
			lines = append(lines, line)
			line = word
			continue
		}
		line = words(line, word)
	}
	lines = append(lines, line)
	if len(lines) > 3 {
		lines = append(lines[:2], lines[2]+" …")
	}
	return lines
}
