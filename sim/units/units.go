// Package units holds bit rates, sizes and ratios as types of their own, with
// the human forms that scenario files use. A megabit is 1,000,000 bits, never
// 2^20.
package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// BitRate is a rate in bits per second.
type BitRate int64

// Multiples of a bit per second.
const (
	BitPerSecond BitRate = 1
	Kbps                 = 1000 * BitPerSecond
	Mbps                 = 1000 * Kbps
	Gbps                 = 1000 * Mbps
)

// Bytes is a size in octets.
type Bytes int64

// Ratio is a fraction of one: 0.05 is 5 %.
type Ratio float64

// TimeToSend returns how long n bytes take at rate r, rounded up to the next
// nanosecond. r must be positive.
func (r BitRate) TimeToSend(n Bytes) time.Duration {
	const ns = int64(time.Second)
	bits := int64(n) * 8
	if bits > math.MaxInt64/ns { // beyond 1.1 GB in one go
		return time.Duration(math.Ceil(float64(bits) / float64(r) * float64(ns)))
	}
	return time.Duration((bits*ns + int64(r) - 1) / int64(r))
}

// BytesIn returns how many whole bytes pass at rate r in d.
func (r BitRate) BytesIn(d time.Duration) Bytes {
	sec, ns := int64(d/time.Second), int64(d%time.Second)
	bits := int64(r)*sec + int64(float64(r)*float64(ns)/float64(time.Second))
	return Bytes(bits / 8)
}

// String prints the rate with its largest fitting unit, such as 1.5Mbps.
func (r BitRate) String() string {
	for _, u := range rateUnits[:3] {
		if m := u.factor; float64(r) >= m || float64(r) <= -m {
			return trimFloat(float64(r)/m) + u.name
		}
	}
	return strconv.FormatInt(int64(r), 10) + "bps"
}

// String prints the size in bytes, such as 1200B.
func (n Bytes) String() string { return strconv.FormatInt(int64(n), 10) + "B" }

// String prints the ratio as a percentage, such as 50%.
func (x Ratio) String() string { return trimFloat(float64(x)*100) + "%" }

func trimFloat(f float64) string { return strconv.FormatFloat(f, 'g', 10, 64) }

type unit struct {
	name   string
	factor float64
}

// Rate units are spelt out because others mean other things by the short ones:
// tc's "kbps" are kilobytes. Case matters for that reason.
var rateUnits = []unit{
	{"Gbps", 1e9},
	{"Mbps", 1e6},
	{"kbps", 1e3},
	{"bps", 1},
	{"Gbit/s", 1e9},
	{"Mbit/s", 1e6},
	{"kbit/s", 1e3},
	{"bit/s", 1},
}

var sizeUnits = []unit{{"MB", 1e6}, {"kB", 1e3}, {"B", 1}}

// ParseBitRate reads a rate such as 1.5Mbps, 300kbps or 64kbit/s. The result
// is not negative.
func ParseBitRate(s string) (BitRate, error) {
	v, err := parse(s, rateUnits, "a bit rate", "1.5Mbps or 300kbps")
	return BitRate(v), err
}

// ParseBytes reads a size such as 1200B or 22.5kB (1 kB = 1000 B). The result
// is not negative.
func ParseBytes(s string) (Bytes, error) {
	v, err := parse(s, sizeUnits, "a size", "1200B or 22.5kB")
	return Bytes(v), err
}

// ParseRatio reads a ratio as a percentage, such as 50%, or as a plain number,
// such as 0.5.
func ParseRatio(s string) (Ratio, error) {
	num, isPercent := strings.CutSuffix(s, "%")
	f, err := parseNumber(strings.TrimSpace(num))
	if err != nil {
		return 0, fmt.Errorf("%q is not a ratio: write a percentage or a fraction, like 50%% or 0.5", s)
	}
	if isPercent {
		f /= 100
	}
	return Ratio(f), nil
}

// ParseDuration reads a duration with its unit, such as 300ms or 1m30s. A bare
// number is refused, except 0. The result is not negative.
func ParseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: write a number and a unit, like 300ms or 1.5s", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("%q is negative: write a duration of zero or more", s)
	}
	return d, nil
}

func parse(s string, table []unit, what, example string) (int64, error) {
	for _, u := range table {
		num, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		f, err := parseNumber(strings.TrimSpace(num))
		if err != nil {
			break
		}
		if f < 0 {
			return 0, fmt.Errorf("%q is negative: write %s of zero or more", s, what)
		}
		v := math.Round(f * u.factor)
		if v >= math.MaxInt64 {
			return 0, fmt.Errorf("%q is too large", s)
		}
		return int64(v), nil
	}
	return 0, fmt.Errorf("%q is not %s: write a number and a unit, like %s", s, what, example)
}

// parseNumber takes plain decimal numbers only: no hexadecimal, no infinities,
// no underscores.
func parseNumber(s string) (float64, error) {
	if s == "" || strings.Trim(s, "0123456789.-+eE") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(s, 64)
}
