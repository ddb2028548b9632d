package strict

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"rtpfabric/sim/units"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	bitRateType  = reflect.TypeFor[units.BitRate]()
	bytesType    = reflect.TypeFor[units.Bytes]()
	ratioType    = reflect.TypeFor[units.Ratio]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// isText reports whether values of t are written in a notation of their own,
// which may be quoted.
func isText(t reflect.Type) bool {
	switch t {
	case durationType, bitRateType, bytesType, ratioType:
		return true
	}
	return reflect.PointerTo(t).Implements(textType)
}

// isScalar reports whether values of t are written as a single value.
func isScalar(t reflect.Type) bool {
	return isText(t) || t.Kind() != reflect.Struct && t.Kind() != reflect.Slice
}

var (
	wholeNumber   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	decimalNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

// parseText sets v from its written form. The error says what is wrong and,
// after a semicolon, what would be right.
func parseText(text string, v reflect.Value) error {
	switch v.Type() {
	case durationType:
		return set(v, text, units.ParseDuration, "ns", "us", "ms", "s", "m", "h")
	case bitRateType:
		return set(v, text, units.ParseBitRate, "bps", "kbps", "Mbps", "Gbps", "bit/s", "kbit/s", "Mbit/s", "Gbit/s")
	case bytesType:
		return set(v, text, units.ParseBytes, "B", "kB", "MB")
	case ratioType:
		return set(v, text, units.ParseRatio)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q is not true or false; write true or false", text)
		}
		v.SetBool(text == "true")
	case reflect.Int, reflect.Int64:
		if !wholeNumber.MatchString(text) {
			return notWhole(text)
		}
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%s is too large; write a smaller number", text)
		}
		v.SetInt(n)
	case reflect.Uint64:
		if !wholeNumber.MatchString(text) || text[0] == '-' {
			return notWhole(text)
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%s is too large; write a number below 2^64", text)
		}
		v.SetUint(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if !decimalNumber.MatchString(text) || err != nil || math.IsInf(f, 0) {
			return fmt.Errorf("%q is not a plain decimal number; write digits, like 30 or 0.5", text)
		}
		v.SetFloat(f)
	default:
		panic(fmt.Sprintf("strict: can't read a %v", v.Type()))
	}
	return nil
}

func notWhole(text string) error {
	if bare := strings.TrimLeft(text, "0"); text != bare && wholeNumber.MatchString(bare) {
		return fmt.Errorf("%q could be read as octal; write %s", text, bare)
	}
	if wholeNumber.MatchString(text) {
		return fmt.Errorf("%q is negative; write a whole number of zero or more, like 12", text)
	}
	return fmt.Errorf("%q is not a whole number; write digits only, like 12", text)
}

// set parses text with a function of package units. If only the case of the
// unit is wrong, the error says so.
func set[T any](v reflect.Value, text string, parse func(string) (T, error), unitNames ...string) error {
	x, err := parse(text)
	if err == nil {
		v.Set(reflect.ValueOf(x).Convert(v.Type()))
		return nil
	}
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/")
	for _, u := range unitNames {
		mended := number + u
		if _, bad := parse(mended); bad == nil && strings.EqualFold(mended, text) {
			return fmt.Errorf("%q has the unit in the wrong case; did you mean %q?", text, mended)
		}
	}
	message := err.Error()
	if i := strings.LastIndex(message, ": write "); i >= 0 {
		message = message[:i] + ";" + message[i+1:]
	}
	return errors.New(message)
}

// formatText returns the written form of v, which parses to exactly v.
func formatText(v reflect.Value) string {
	exact := func(short, long string) string {
		back := reflect.New(v.Type()).Elem()
		if err := parseText(short, back); err == nil && back.Equal(v) {
			return short
		}
		return long
	}
	switch x := v.Interface().(type) {
	case time.Duration:
		return FormatDuration(x)
	case units.BitRate:
		return exact(x.String(), strconv.FormatInt(int64(x), 10)+"bps")
	case units.Bytes:
		return x.String()
	case units.Ratio:
		return exact(x.String(), strconv.FormatFloat(float64(x), 'g', -1, 64))
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil {
			panic(fmt.Sprintf("strict: writing a %v: %v", v.Type(), err))
		}
		return string(text)
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	}
	panic(fmt.Sprintf("strict: can't write a %v", v.Type()))
}

// FormatDuration writes a duration in one unit: 1.5s, 300ms, 250us, 20ns.
func FormatDuration(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "us"}} {
		if d == 0 || d >= u.size || d <= -u.size {
			return decimal(d, u.size) + u.name
		}
	}
	return strconv.FormatInt(int64(d), 10) + "ns"
}

// decimal writes d/unit exactly; unit is a power of ten.
func decimal(d, unit time.Duration) string {
	s := strconv.FormatInt(int64(d/unit), 10)
	if d < 0 && d > -unit {
		s = "-0"
	}
	rest := d % unit
	if rest < 0 {
		rest = -rest
	}
	if rest == 0 {
		return s
	}
	digits := strconv.FormatInt(int64(unit+rest), 10)[1:]
	return s + "." + strings.TrimRight(digits, "0")
}
