package plots

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"rtpfabric/sim/record"
)

// Figure is a chart for a paper: without a title, which its caption gives, and without what can be clicked on.
type Figure struct {
	// Name is that of the chart, such as rates; it can be a file's.
	Name string
	// Caption says what the figure shows, as the page does.
	Caption string

	draw func(c draw.Canvas, f Format)
}

// Format is how figures are drawn.
type Format struct {
	Width, Height float64 // mm
	Font          float64 // size of letters, pt
	// From and To are the stretch of time that is shown, s. To is 0 for the end.
	From, To float64

	encoding *charmap.Charmap // of text; nil for UTF-8
}

// Column is the format of a figure in one of two columns.
var Column = Format{Width: 84, Height: 56, Font: 7.5}

// Valid returns an error that names what a format can't have.
func (f Format) Valid() error {
	switch {
	case !(f.Width >= 30 && f.Width <= 1000 && f.Height >= 20 && f.Height <= 1000):
		return fmt.Errorf("a figure of %g by %g mm: write from 30x20 to 1000x1000", f.Width, f.Height)
	case !(f.Font >= 4 && mm(f.Height) >= 12*vg.Points(f.Font) && mm(f.Width) >= 16*vg.Points(f.Font)):
		return fmt.Errorf("letters of %g pt in a figure of %g by %g mm: write 4 or more, up to a twelfth of its height and a sixteenth of its width", f.Font, f.Width, f.Height)
	case f.From < 0 || f.To != 0 && f.To <= f.From:
		return fmt.Errorf("a stretch from %g s to %g s", f.From, f.To)
	}
	return nil
}

// Figures returns a figure of every chart on the page of a run. A chart with two axes makes two. If show isn't empty it names
// the stream, endpoint or link that is shown, as on the page; if the run has none of that name it is an error that lists them.
func Figures(r *record.Record, show string) ([]Figure, error) {
	var among []string
	if show != "" {
		views := viewsOf(r)
		i := slices.IndexFunc(views, func(v view) bool { return v.Name == show })
		if i < 0 {
			names := make([]string, len(views))
			for k, v := range views {
				names[k] = v.Name
			}
			return nil, fmt.Errorf("nothing in the run is called %q; there are %s", show, strings.Join(names, ", "))
		}
		among = views[i].Entities
	}
	var list []Figure
	for _, part := range newDrawing(r).parts() {
		for _, p := range part.panels {
			if show != "" {
				p.only(among)
			}
			list = append(list, p.figures()...)
		}
	}
	return list, nil
}

// only leaves the lines of some entities, of which none is folded.
func (p *panel) only(entities []string) {
	var rest []line
	for _, l := range p.lines {
		if slices.Contains(entities, l.entity) {
			l.folded = false
			rest = append(rest, l)
		}
	}
	p.lines = rest
	if len(p.y.lanes) > 0 {
		p.keepLanes()
	}
}

// keepLanes leaves out lanes in which nothing is drawn.
func (p *panel) keepLanes() {
	place := map[float64]float64{}
	var names []string
	for lane, name := range p.y.lanes {
		if slices.ContainsFunc(p.lines, func(l line) bool { return l.data[0][1] == float64(lane) }) {
			place[float64(lane)] = float64(len(names))
			names = append(names, name)
		}
	}
	for i := range p.lines {
		for k, xy := range p.lines[i].data {
			if to, ok := place[xy[1]]; ok {
				p.lines[i].data[k][1] = to
			}
		}
	}
	p.y.lanes = names
}

// figures returns the panel as figures, none if it shows nothing at first.
func (p *panel) figures() []Figure {
	left, right := *p, *p
	left.lines, right.lines = nil, nil
	for _, l := range p.lines {
		switch {
		case l.hidden || l.folded:
		case l.bar:
			right.lines = append(right.lines, l)
		default:
			left.lines = append(left.lines, l)
		}
	}
	var list []Figure
	for _, f := range []struct {
		name string
		*panel
	}{{p.id, &left}, {p.id + "-bars", &right}} {
		caption := p.title + ". " + p.note
		if f.panel == &right {
			right.y = p.y2
			caption = p.title + ": " + p.barNote + "."
		}
		if len(f.lines) > 0 {
			list = append(list, Figure{Name: f.name, Caption: caption, draw: f.paint})
		}
	}
	return list
}

// SVG writes the figure as SVG. Letters are those of a reader's Liberation Sans, Arial or Helvetica. The same figure has the
// same bytes. Errors are those of w.
func (f Figure) SVG(w io.Writer, format Format) error {
	c := vgsvg.NewWith(vgsvg.UseWH(mm(format.Width), mm(format.Height)))
	f.paint(draw.New(c), format)
	var b strings.Builder
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	_, err := io.WriteString(w, withFonts(b.String()))
	return err
}

// paint draws the figure on white, which a reader's page may not be.
func (f Figure) paint(c draw.Canvas, format Format) {
	c.FillPolygon(color.White, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
	f.draw(c, format)
}

// withFonts names fonts that look the same and are on other machines.
func withFonts(svg string) string {
	return strings.ReplaceAll(svg, "font-family:Liberation Sans", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif")
}

// PDF writes the figure as PDF with its letters in it. The same figure has the same bytes: its date is fixed. Characters that
// Windows-1252 hasn't are question marks. Errors are those of w.
func (f Figure) PDF(w io.Writer, format Format) error {
	fixDates()
	format.encoding = charmap.Windows1252
	c := vgpdf.New(mm(format.Width), mm(format.Height))
	c.EmbedFonts(true)
	f.paint(draw.New(c), format)
	_, err := c.WriteTo(w)
	return err
}

// fixDates takes the time of the day out of all PDF.
var fixDates = sync.OnceFunc(func() {
	day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	fpdf.SetDefaultCreationDate(day)
	fpdf.SetDefaultModificationDate(day)
	fpdf.SetDefaultCatalogSort(true)
})

func mm(v float64) vg.Length { return vg.Length(v) * vg.Millimeter }

// letters is the style of text in figures.
func (f Format) letters() text.Style {
	return text.Style{
		Color: color.Black, Handler: writer{text.Plain{Fonts: font.DefaultCache}, f.encoding},
		Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(f.Font)},
	}
}

// writer writes text in an encoding.
type writer struct {
	text.Plain
	encoding *charmap.Charmap
}

// Draw implements [text.Handler]. What the encoding hasn't got is a question mark.
func (w writer) Draw(c vg.Canvas, s string, style text.Style, at vg.Point) {
	if w.encoding != nil {
		b := make([]byte, 0, len(s))
		for _, r := range s {
			e, ok := w.encoding.EncodeRune(r)
			if !ok {
				e = '?'
			}
			b = append(b, e)
		}
		s = string(b)
	}
	w.Plain.Draw(c, s, style, at)
}

// inks are the light colours of the pages' styles by name.
var inks = sync.OnceValue(func() map[string]color.NRGBA {
	light, _, _ := strings.Cut(styles, "}")
	list := map[string]color.NRGBA{}
	for _, m := range regexp.MustCompile(`(--[a-z0-9-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(light, -1) {
		v, err := strconv.ParseUint(m[2], 16, 24)
		if err != nil {
			panic("plots: colour " + m[0])
		}
		list[m[1]] = color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xff}
	}
	return list
})

// ink is a colour of the styles as it looks on white paper with an opacity. Figures have no transparency, which not every
// publisher takes.
func ink(name string, opacity float64) color.Color {
	c, ok := inks()[name]
	if !ok {
		panic("plots: the styles have no colour " + name)
	}
	mix := func(v uint8) uint8 { return uint8(math.Round(255 - opacity*float64(255-v))) }
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), 0xff}
}
