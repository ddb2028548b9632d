package simrun

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// columns makes a table with a heading. On a terminal it has thin lines and
// the column wide, counted from 1, wraps to fit; without one it is plain text
// in columns.
func (s *screen) columns(wide int, headings ...string) *columns {
	t := table.NewWriter()
	style := table.StyleLight
	if !s.terminal {
		style = table.StyleDefault
		style.Options = table.OptionsNoBordersAndSeparators
		style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	}
	style.Format.Header = text.FormatUpper
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	c := &columns{table: t, screen: s, wide: wide, widths: make([]int, len(headings))}
	c.table.AppendHeader(c.cells(headings))
	return c
}

// columns is a table in the making.
type columns struct {
	table  table.Writer
	screen *screen
	wide   int
	widths []int
}

func (c *columns) row(cells ...string) { c.table.AppendRow(c.cells(cells)) }

func (c *columns) cells(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, cell := range cells {
		row[i] = cell
		c.widths[i] = max(c.widths[i], text.LongestLineLen(cell))
	}
	return row
}

// String returns the table. numbers are the columns, counted from 1, that are
// aligned to the right.
func (c *columns) String(numbers ...int) string {
	var configs []table.ColumnConfig
	for _, n := range numbers {
		configs = append(configs, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	if c.screen.width > 0 && c.wide > 0 {
		room := c.screen.width - 1
		for i, w := range c.widths {
			room -= 3 // padding and line
			if i != c.wide-1 {
				room -= w
			}
		}
		configs = append(configs, table.ColumnConfig{Number: c.wide, WidthMax: max(room, 20), WidthMaxEnforcer: text.WrapSoft})
	}
	c.table.SetColumnConfigs(configs)
	return c.table.Render() + "\n"
}

// ascii replaces the signs that records use in texts where only plain text can
// be shown.
func (s *screen) ascii(t string) string {
	if s.terminal {
		return t
	}
	return plainSigns.Replace(t)
}

var plainSigns = strings.NewReplacer("≥", ">=", "≤", "<=", "±", "+-", "–", "-", "−", "-", "\u00a0", " ", "\u202f", " ", "×", "x", "→", "->", "↔", "<->", "·", "*", "∩", "and", "³²", "^32", "…", "...")
