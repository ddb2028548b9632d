package scenarios

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rtpfabric/sim/units"
)

// quantity is a kind of value that bounds of an expectation have.
type quantity struct {
	unit    string // of the number
	example string
	parse   func(s string) (float64, error)
	// show writes a number for readers, such as "85 %".
	show func(x float64) string
}

var (
	ratio = quantity{
		unit: "1", example: "85%",
		parse: func(s string) (float64, error) {
			x, err := units.ParseRatio(s)
			if err == nil && x < 0 {
				err = fmt.Errorf("%q is negative: write a ratio of zero or more, like 85%%", s)
			}
			return float64(x), err
		},
		show: func(x float64) string { return number(x*100) + " %" },
	}
	rate = quantity{
		unit: "bit/s", example: "1Mbps",
		parse: func(s string) (float64, error) {
			x, err := units.ParseBitRate(s)
			return float64(x), err
		},
		show: showRate,
	}
	milliseconds = quantity{
		unit: "ms", example: "60ms",
		parse: func(s string) (float64, error) {
			d, err := units.ParseDuration(s)
			return float64(d) / float64(time.Millisecond), err
		},
		show: func(x float64) string { return number(x) + " ms" },
	}
	factor = quantity{
		unit: "x", example: "2",
		parse: plain("a plain factor, like 2 or 0.5"),
		show:  number,
	}
	count = quantity{
		unit: "count", example: "3",
		parse: plain("a plain number, like 3"),
		show:  number,
	}
	points = quantity{
		unit: "points", example: "4",
		parse: plain("a plain number, like 4"),
		show:  number,
	}
	perSecond = quantity{
		unit: "1/s", example: "25",
		parse: plain("a plain number per second, like 25"),
		show:  func(x float64) string { return number(x) + " /s" },
	}
)

// plain parses a number without a unit.
func plain(remedy string) func(string) (float64, error) {
	return func(s string) (float64, error) {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || strings.Trim(s, "0123456789.") != "" {
			return 0, fmt.Errorf("%q is not a number: write %s", s, remedy)
		}
		return x, nil
	}
}

func showRate(x float64) string {
	switch {
	case x >= 1e6:
		return number(x/1e6) + " Mbit/s"
	case x >= 1e3:
		return number(x/1e3) + " kbit/s"
	}
	return number(x) + " bit/s"
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
