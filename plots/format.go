package plots

import (
	"math"
	"strconv"
	"strings"
)

// noValue stands where there is no number.
const noValue = "–"

// quantity prints a value with its unit for people: bit rates with the prefix
// that fits, ratios in percent, at most four significant digits. Value and unit
// stay on one line.
func quantity(v float64, unit string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return noValue
	}
	switch unit {
	case "1", "ratio":
		return decimal(v*100) + "\u00a0%"
	case "bit/s":
		name, factor := rateScale(math.Abs(v))
		return decimal(v*factor) + "\u00a0" + name
	case "count", "":
		return decimal(v)
	}
	return decimal(v) + "\u00a0" + unit
}

// decimal prints four significant digits, whole numbers in full, thousands
// with a thin space between.
func decimal(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return thousands(strconv.FormatFloat(v+0, 'f', 0, 64))
	}
	decimals := 3 - int(math.Floor(math.Log10(math.Abs(v))))
	text := strconv.FormatFloat(v, 'f', min(max(decimals, 0), 9), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return thousands(text)
}

func thousands(text string) string {
	whole, frac, found := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "−", whole[1:]
	}
	for i := len(whole) - 3; i > 0 && len(whole) > 4; i -= 3 {
		whole = whole[:i] + "\u202f" + whole[i:]
	}
	if found {
		whole += "." + frac
	}
	return sign + whole
}

func pluralize(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(strconv.Itoa(n)) + " " + many
}

// readable writes the line ends that are escaped in a text as such.
func readable(text string) string {
	return strings.NewReplacer(`\r\n`, "\n", "\r\n", "\n").Replace(text)
}
