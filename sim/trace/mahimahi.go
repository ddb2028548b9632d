package trace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"rtpfabric/sim/units"
)

// OpportunitySize is what one delivery opportunity of mahimahi carries: an
// Ethernet payload and the 4 octets that Linux puts before it on a TUN device.
const OpportunitySize units.Bytes = 1504

// maxPerMillisecond is what MaxRate can come to within one millisecond.
const maxPerMillisecond = int(MaxRate/1000/units.BitRate(OpportunitySize*8)) + 1

// Opportunities is a trace in the form of mahimahi's mm-link (ravinet/mahimahi,
// man/mm-link.1 and src/frontend/link_queue.cc): the times at which a link can
// deliver up to 1504 octets. At the last one the list starts again, so that an
// opportunity at 0 coincides with the last one of the pass before.
type Opportunities struct {
	// Milliseconds since the start, ascending; equal ones are as many
	// opportunities at one time. The last is above 0.
	Milliseconds []uint32
}

// Period is the length of one pass.
func (o *Opportunities) Period() time.Duration {
	return time.Duration(o.Milliseconds[len(o.Milliseconds)-1]) * time.Millisecond
}

// MeanRate is what the link carries if every opportunity is used in full.
func (o *Opportunities) MeanRate() units.BitRate {
	bits := float64(len(o.Milliseconds)) * float64(OpportunitySize*8)
	return units.BitRate(bits / o.Period().Seconds())
}

// ReadMahimahi reads a trace file: one decimal number a line. name is the
// file's name in errors.
func ReadMahimahi(r io.Reader, name string) (Opportunities, error) {
	data, err := readAll(r)
	if errors.Is(err, errTooLarge) {
		return Opportunities{}, &FileError{name, 0, 0, "file", fmt.Sprintf("it is larger than %d octets", MaxFile), "a shorter trace"}
	}
	if err != nil {
		return Opportunities{}, fmt.Errorf("%s: %w", name, err)
	}
	var o Opportunities
	same := 0 // opportunities at the last time
	for line := 1; len(data) > 0; line++ {
		text, rest, _ := bytes.Cut(data, []byte{'\n'})
		data = rest
		bad := func(problem, remedy string) (Opportunities, error) {
			return Opportunities{}, &FileError{name, line, 1, "timestamp", problem, remedy}
		}
		if len(text) == 0 {
			return bad("the line is empty", "a whole number of milliseconds, like 7")
		}
		ms, ok := parseMilliseconds(text)
		if !ok {
			return bad(quote(string(text))+" is not a timestamp",
				fmt.Sprintf("a whole number of milliseconds from 0 to %d", MaxLength.Milliseconds()))
		}
		if len(o.Milliseconds) == MaxOpportunities {
			return bad("there are too many", fmt.Sprintf("at most %d lines", MaxOpportunities))
		}
		if n := len(o.Milliseconds); n > 0 {
			last := o.Milliseconds[n-1]
			if ms < last {
				return bad(fmt.Sprintf("%d is before the line above", ms), fmt.Sprintf("%d or more", last))
			}
			if ms > last {
				same = 0
			}
		}
		if same++; same > maxPerMillisecond {
			return bad(fmt.Sprintf("%d repeats too often", ms), fmt.Sprintf("it at most %d times, which is %v", maxPerMillisecond, MaxRate))
		}
		o.Milliseconds = append(o.Milliseconds, ms)
	}
	n := len(o.Milliseconds)
	if n == 0 {
		return Opportunities{}, &FileError{name, 1, 0, "timestamp", "the file is empty", "one number of milliseconds a line"}
	}
	if o.Milliseconds[n-1] == 0 {
		return Opportunities{}, &FileError{name, n, 1, "timestamp", "the trace lasts 0 ms", "a last number above 0"}
	}
	return o, nil
}

// parseMilliseconds takes decimal digits only, and not more than a time within
// MaxLength needs.
func parseMilliseconds(text []byte) (uint32, bool) {
	if len(text) == 0 || len(text) > 9 {
		return 0, false
	}
	var v uint32
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + uint32(c-'0')
	}
	return v, int64(v) <= MaxLength.Milliseconds()
}

// WriteMahimahi writes one line per opportunity. It refuses what
// [ReadMahimahi] wouldn't read.
func WriteMahimahi(w io.Writer, o Opportunities) error {
	if err := o.check(); err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	var line [12]byte
	for _, ms := range o.Milliseconds {
		// A write error sticks to b; Flush returns it.
		_, _ = b.Write(append(strconv.AppendUint(line[:0], uint64(ms), 10), '\n'))
	}
	return b.Flush()
}

func (o *Opportunities) check() error {
	n := len(o.Milliseconds)
	if n == 0 || n > MaxOpportunities {
		return fmt.Errorf("opportunities: there are %d: write 1 to %d", n, MaxOpportunities)
	}
	for i, ms := range o.Milliseconds {
		if i > 0 && ms < o.Milliseconds[i-1] {
			return fmt.Errorf("opportunity %d: %d ms is before the one ahead of it: write %d or more", i, ms, o.Milliseconds[i-1])
		}
		if i >= maxPerMillisecond && ms == o.Milliseconds[i-maxPerMillisecond] {
			return fmt.Errorf("opportunity %d: %d ms repeats too often: write it at most %d times", i, ms, maxPerMillisecond)
		}
	}
	if last := o.Milliseconds[n-1]; last == 0 || int64(last) > MaxLength.Milliseconds() {
		return fmt.Errorf("opportunity %d: %d ms can't be the length: write 1 to %d", n-1, last, MaxLength.Milliseconds())
	}
	return nil
}
