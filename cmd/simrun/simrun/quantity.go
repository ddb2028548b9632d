package simrun

import (
	"math"
	"strconv"
	"time"
)

// quantity prints a value with its unit for people: at most four significant
// digits, bit rates with the prefix that fits, ratios in percent.
func quantity(v float64, unit string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "none"
	}
	switch unit {
	case "1":
		return digits(v*100) + " %"
	case "bit/s":
		switch a := math.Abs(v); {
		case a >= 1e9:
			return digits(v/1e9) + " Gbit/s"
		case a >= 1e6:
			return digits(v/1e6) + " Mbit/s"
		case a >= 1e3:
			return digits(v/1e3) + " kbit/s"
		}
	case "count", "":
		return digits(v)
	}
	return digits(v) + " " + unit
}

// digits prints four significant digits, whole numbers in full.
func digits(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v+0, 'f', 0, 64)
	}
	decimals := 3 - int(math.Floor(math.Log10(math.Abs(v))))
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'f', min(max(decimals, 0), 9), 64), 64) // its own output
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// countRuns prints a number of runs.
func countRuns(n int) string {
	if n == 1 {
		return "1 run"
	}
	return strconv.Itoa(n) + " runs"
}

// seconds prints a time as scenarios have it: 100s rather than 1m40s.
func seconds(d time.Duration) string {
	if d < time.Second {
		return d.String()
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}
