package scenarios

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"rtpfabric/scenarios/internal/strict"
	"rtpfabric/sim/units"
)

// UnmarshalText reads 300ms, 22500B or 50packets; the limit must be positive.
func (l *QueueLength) UnmarshalText(text []byte) error {
	s := string(text)
	if number, ok := strings.CutSuffix(s, "packets"); ok {
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || n < 1 || n > 1e9 {
			return fmt.Errorf("%q is not a number of packets; write 1packets or more, like 50packets", s)
		}
		*l = QueueLength{Packets: n}
		return nil
	}
	if d, err := time.ParseDuration(s); err == nil && s != "0" {
		if d <= 0 || d > time.Hour {
			return fmt.Errorf("%q is not a usable length of a queue; write a time above 0 and up to 1h, like 300ms", s)
		}
		*l = QueueLength{Time: d}
		return nil
	}
	n, err := units.ParseBytes(s)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a length of a queue; write a time, a size or a number of packets, like 300ms, 22500B or 50packets", s)
	}
	*l = QueueLength{Bytes: n}
	return nil
}

// MarshalText writes the limit in the measure it is in.
func (l QueueLength) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// String writes the limit in the measure it is in.
func (l QueueLength) String() string {
	switch {
	case l.Time > 0:
		return strict.FormatDuration(l.Time)
	case l.Packets > 0:
		return strconv.Itoa(l.Packets) + "packets"
	}
	return l.Bytes.String()
}

// UnmarshalText reads a duration with an optional minus sign, up to an hour.
func (d *SignedDuration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v > time.Hour || v < -time.Hour {
		return fmt.Errorf("%q is not a duration of up to an hour; write a number and a unit, like 300ms or -2s", text)
	}
	*d = SignedDuration(v)
	return nil
}

// MarshalText writes the duration in one unit, such as -1.5s.
func (d SignedDuration) MarshalText() ([]byte, error) {
	return []byte(strict.FormatDuration(time.Duration(d))), nil
}

// UnmarshalText reads parts in a million with an optional minus sign, up to 500, which
// is as much as lip synchronisation follows.
func (d *Drift) UnmarshalText(text []byte) error {
	number, ok := strings.CutSuffix(string(text), "ppm")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(math.Abs(v) <= maxDrift) {
		return fmt.Errorf("%q is not the drift of a clock; write -500ppm to 500ppm", text)
	}
	*d = Drift(v)
	return nil
}

const maxDrift = 500

// MarshalText writes the drift as -50ppm.
func (d Drift) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatFloat(float64(d), 'f', -1, 64) + "ppm"), nil
}

// latest bounds feedback that waits for a frame, or for a first round-trip time.
const latest = 100 * time.Millisecond

// UnmarshalText reads a duration, frame, rtt or asap.
func (f *FeedbackInterval) UnmarshalText(text []byte) error {
	switch word := string(text); word {
	case "frame", "rtt":
		*f = FeedbackInterval{word, latest}
	case "asap":
		*f = FeedbackInterval{"time", 0}
	default:
		d, err := units.ParseDuration(word)
		if err != nil {
			return fmt.Errorf("%q is no interval of feedback; write a duration, like 100ms, or frame, rtt or asap", word)
		}
		if d < minFeedback || d > maxFeedback {
			return fmt.Errorf("%s is no usable interval of feedback; write 5ms to 5s, or frame, rtt or asap", word)
		}
		*f = FeedbackInterval{"time", d}
	}
	return nil
}

// MarshalText writes the interval as it is read.
func (f FeedbackInterval) MarshalText() ([]byte, error) {
	switch {
	case f.Per != "time":
		return []byte(f.Per), nil
	case f.Every == 0:
		return []byte("asap"), nil
	}
	return []byte(format(f.Every)), nil
}

// String says when feedback is wanted.
func (f FeedbackInterval) String() string {
	switch {
	case f.Per == "rtt":
		return "every round-trip time"
	case f.Per != "time":
		return "per " + f.Per
	case f.Every == 0:
		return "as often as RTCP allows"
	}
	return "every " + format(f.Every)
}

// UnmarshalText reads a size such as 1280x720.
func (r *Resolution) UnmarshalText(text []byte) error {
	w, h, ok := strings.Cut(string(text), "x")
	width, errW := strconv.Atoi(w)
	height, errH := strconv.Atoi(h)
	if !ok || errors.Join(errW, errH) != nil || width < 1 || height < 1 || width > maxSide || height > maxSide {
		return fmt.Errorf("%q is not the size of a picture; write width and height, like 1280x720, each up to %d", text, maxSide)
	}
	*r = Resolution{width, height}
	return nil
}

// maxSide is what VP8 can say of a picture's width and height (RFC 6386 §9.1).
const maxSide = 16383

// MarshalText writes the size as 1280x720.
func (r Resolution) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%dx%d", r.Width, r.Height), nil
}

// UnmarshalText reads a stretch of time such as 10s..40s, which must not be
// empty.
func (i *Interval) UnmarshalText(text []byte) error {
	from, to, ok := strings.Cut(string(text), "..")
	if !ok {
		return fmt.Errorf("%q is not a stretch of time; write its start and end, like 10s..40s", text)
	}
	var v Interval
	var errFrom, errTo error
	v.From, errFrom = units.ParseDuration(strings.TrimSpace(from))
	v.To, errTo = units.ParseDuration(strings.TrimSpace(to))
	if errors.Join(errFrom, errTo) != nil {
		return fmt.Errorf("%q is not a stretch of time; write two durations, like 10s..40s", text)
	}
	if v.From >= v.To {
		return fmt.Errorf("%q ends before it begins; write the earlier time first, like 10s..40s", text)
	}
	*i = v
	return nil
}

// MarshalText writes the stretch as 10s..40s.
func (i Interval) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// String writes the stretch as 10s..40s.
func (i Interval) String() string {
	return strict.FormatDuration(i.From) + ".." + strict.FormatDuration(i.To)
}

// UnmarshalText reads a time such as 5s, or a stretch such as 0s..10s.
func (m *Moment) UnmarshalText(text []byte) error {
	from, to, ok := strings.Cut(string(text), "..")
	if !ok {
		d, err := units.ParseDuration(string(text))
		if err != nil {
			return fmt.Errorf("%q is not a time; write a duration, like 5s, or a stretch to draw it from, like 0s..10s", text)
		}
		*m = Moment{From: d, To: d}
		return nil
	}
	var i Interval
	if err := i.UnmarshalText([]byte(from + ".." + to)); err != nil {
		return err
	}
	*m = Moment(i)
	return nil
}

// MarshalText writes the time as 5s, or the stretch as 0s..10s.
func (m Moment) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// String writes the time as 5s, or the stretch as 0s..10s.
func (m Moment) String() string {
	if m.From == m.To {
		return strict.FormatDuration(m.From)
	}
	return Interval(m).String()
}

// UnmarshalText reads a bandwidth such as 10MHz.
func (h *Hertz) UnmarshalText(text []byte) error {
	for _, u := range []struct {
		name   string
		factor float64
	}{{"MHz", 1e6}, {"kHz", 1e3}, {"Hz", 1}} {
		if number, ok := strings.CutSuffix(string(text), u.name); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if err == nil && v > 0 && v*u.factor <= 1e10 {
				*h = Hertz(v * u.factor)
				return nil
			}
			break
		}
	}
	return fmt.Errorf("%q is not a bandwidth; write a number and a unit, like 10MHz", text)
}

// MarshalText writes the bandwidth in MHz.
func (h Hertz) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// String writes the bandwidth in MHz.
func (h Hertz) String() string { return strconv.FormatFloat(float64(h)/1e6, 'f', -1, 64) + "MHz" }
