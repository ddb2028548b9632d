package simrun

import (
	"math"
	"testing"
	"time"
)

func TestQuantity(t *testing.T) {
	for _, tt := range []struct {
		value float64
		unit  string
		want  string
	}{
		{0.97375, "1", "97.38 %"},
		{0, "1", "0 %"},
		{1.5e6, "bit/s", "1.5 Mbit/s"},
		{2.5e9, "bit/s", "2.5 Gbit/s"},
		{123456, "bit/s", "123.5 kbit/s"},
		{12, "bit/s", "12 bit/s"},
		{42.24, "ms", "42.24 ms"},
		{0.0123456, "ms", "0.01235 ms"},
		{123456, "count", "123456"},
		{math.NaN(), "ms", "none"},
		{math.Inf(1), "1", "none"},
	} {
		if got := quantity(tt.value, tt.unit); got != tt.want {
			t.Errorf("quantity(%v, %q) = %q, want %q", tt.value, tt.unit, got, tt.want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		100 * time.Second:       "100s",
		1500 * time.Millisecond: "1.5s",
		50 * time.Millisecond:   "50ms",
		0:                       "0s",
	} {
		if got := seconds(d); got != want {
			t.Errorf("seconds(%v) = %q, want %q", d, got, want)
		}
	}
}
