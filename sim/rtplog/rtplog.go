// Package rtplog writes and reads logs of RTP packets in the format of RFC 8868 §3.1, a line for each packet that was sent
// or received, and says what two logs of the same streams have in common.
package rtplog

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Entry is a packet.
type Entry struct {
	At          time.Duration // since 1970, when it was sent or received; whole microseconds
	PayloadType uint8         // 0 to 127
	SSRC        uint32
	Seq         uint16
	Timestamp   uint32
	Marker      bool
	Size        int // of the payload, octets
}

// Append appends the entry's line.
func (e *Entry) Append(b []byte) []byte {
	us := e.At.Microseconds()
	b = strconv.AppendInt(b, us/1e6, 10)
	b = append(b, '.')
	fraction := strconv.FormatInt(us%1e6, 10)
	b = append(b, "000000"[len(fraction):]...)
	b = append(b, fraction...)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(e.PayloadType), 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(e.SSRC), 16)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(e.Seq), 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(e.Timestamp), 10)
	marker := " 0 "
	if e.Marker {
		marker = " 1 "
	}
	b = append(b, marker...)
	b = strconv.AppendInt(b, int64(e.Size), 10)
	return append(b, '\n')
}

// Parse reads a line. The time has microseconds, or as many digits as there are.
func Parse(line string) (Entry, error) {
	fields := strings.Fields(line)
	if len(fields) != 7 {
		return Entry{}, fmt.Errorf("%d fields, not the 7 of RFC 8868 section 3.1: time, payload type, SSRC, sequence number, timestamp, marker, size", len(fields))
	}
	var e Entry
	var err error
	number := func(what, text string, base int, most uint64) uint64 {
		if base == 16 {
			text = strings.TrimPrefix(strings.ToLower(text), "0x")
		}
		v, failure := strconv.ParseUint(text, base, 64)
		if err == nil && (failure != nil || v > most) {
			err = fmt.Errorf("%q is no %s", text, what)
		}
		return v
	}
	seconds, fraction, _ := strings.Cut(fields[0], ".")
	e.At = time.Duration(number("time", seconds, 10, math.MaxInt64/uint64(time.Second)-1)) * time.Second
	if fraction != "" {
		digits := (fraction + "000000000")[:max(9, len(fraction))][:9]
		e.At += time.Duration(number("time", digits, 10, 1e9-1))
	}
	e.PayloadType = uint8(number("payload type", fields[1], 10, 127))
	e.SSRC = uint32(number("SSRC", fields[2], 16, math.MaxUint32))
	e.Seq = uint16(number("sequence number", fields[3], 10, math.MaxUint16))
	e.Timestamp = uint32(number("RTP timestamp", fields[4], 10, math.MaxUint32))
	e.Marker = number("marker", fields[5], 10, 1) == 1
	e.Size = int(number("size", fields[6], 10, 1<<16))
	return e, err
}

// Read reads a log. Lines end in CRLF, CR or LF; empty ones are left out. An error has the number of the line.
func Read(r io.Reader) ([]Entry, error) {
	lines := bufio.NewScanner(r)
	lines.Split(splitLines)
	var list []Entry
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		e, err := Parse(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, e)
	}
	return list, lines.Err()
}

// splitLines is a [bufio.SplitFunc] for lines that end in CRLF, CR or LF.
func splitLines(data []byte, atEOF bool) (advance int, line []byte, err error) {
	for i, c := range data {
		switch {
		case c == '\n':
			return i + 1, data[:i], nil
		case c == '\r' && i+1 < len(data):
			if data[i+1] == '\n' {
				return i + 2, data[:i], nil
			}
			return i + 1, data[:i], nil
		case c == '\r' && atEOF:
			return i + 1, data[:i], nil
		case c == '\r':
			return 0, nil, nil // what follows decides
		}
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
