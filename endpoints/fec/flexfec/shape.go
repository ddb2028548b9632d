package flexfec

import (
	"errors"
	"fmt"

	"rtpfabric/sim/units"
)

// Kind says what is protected of a block of packets.
type Kind uint8

// The kinds (RFC 8627 §1.1).
const (
	Rows    Kind = iota // against single losses, 1-D non-interleaved
	Columns             // against bursts, 1-D interleaved
	Both                // 2-D
)

func (k Kind) String() string { return [...]string{"rows", "columns", "rows and columns"}[k] }

// Shape is a block of L columns (L packets make a row) and D rows. L is 1 to 255.
// D is 2 to 255, and means nothing with Rows.
type Shape struct {
	Kind Kind
	L, D int
}

// ErrShape is the error of a shape that the FEC header can't express.
var ErrShape = errors.New("flexfec: no such block")

// Check returns an error if the FEC header can't express the shape (Figure 14).
func (s Shape) Check() error {
	if s.Kind > Both || s.L < 1 || s.L > 255 || s.Kind != Rows && (s.D < 2 || s.D > 255) {
		return fmt.Errorf("%w: kind %d, L %d, D %d", ErrShape, s.Kind, s.L, s.D)
	}
	return nil
}

// Packets returns how many source packets there are from the first one that a
// repair packet protects to the last: what has to fit into the repair window
// (§1.1.8).
func (s Shape) Packets() int {
	if s.Kind == Rows {
		return s.L
	}
	return s.L * s.D
}

// Overhead returns the repair packets a source packet (§1.1.6).
func (s Shape) Overhead() units.Ratio {
	row, column := 1/float64(s.L), 1/float64(s.D)
	switch s.Kind {
	case Columns:
		return units.Ratio(column)
	case Both:
		return units.Ratio(row + column)
	default:
		return units.Ratio(row)
	}
}
