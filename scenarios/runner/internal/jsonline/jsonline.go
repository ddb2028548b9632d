// Package jsonline reads lines that programs of others write: one JSON object each.
package jsonline

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// maxQuote is how much of a line an error quotes.
const maxQuote = 200

// Parse reads one JSON object, strictly: an unknown field, or anything behind the
// object, is an error.
func Parse(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("%s follows the object on its line", Quote(string(rest)))
	}
	return nil
}

// Quote puts the beginning of a text, with what can't be printed escaped, between
// quotation marks.
func Quote(s string) string {
	if r := []rune(s); len(r) > maxQuote {
		s = string(r[:maxQuote]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// maxNumber bounds rates and windows: a terabit per second, or a terabyte.
const maxNumber = 1e12

// PossibleRate reports whether a number can be a rate in bit/s: 1 to 10^12.
func PossibleRate(rate float64) bool { return rate >= 1 && rate <= maxNumber }

// PossibleWindow reports whether a number can be a window in bytes: 0 to 10^12.
func PossibleWindow(window float64) bool { return window >= 0 && window <= maxNumber }
