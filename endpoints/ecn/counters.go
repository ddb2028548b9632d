// Package ecn is explicit congestion notification for RTP over UDP (RFC 6679): what
// receivers count and tell ([Receiver], [Counters]), and how senders find out whether the
// path carries the ECN field, and go on watching it ([History], [Path]). It knows neither
// RTCP's messages nor when they go.
package ecn

import "encoding/binary"

// Counters are what an ECN Feedback Report or an ECN Summary Report says of a source
// since its first packet (RFC 6679 §5.1), as on the wire: fields wrap.
type Counters struct {
	// ECT0, ECT1, CE and NotECT are packets by their ECN field, duplicates included.
	ECT0, ECT1 uint32
	CE, NotECT uint16
	// Lost is how many packets were expected and haven't come. Unlike in reception
	// reports, duplicates don't hide losses.
	Lost uint16
	// Duplicates came again.
	Duplicates uint16
}

// CountersSize is the octets of [Counters] in both messages.
const CountersSize = 16

// Append encodes the counters in the order of RFC 6679, figures 2 and 4.
func (c Counters) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, c.ECT0)
	b = binary.BigEndian.AppendUint32(b, c.ECT1)
	b = binary.BigEndian.AppendUint16(b, c.CE)
	b = binary.BigEndian.AppendUint16(b, c.NotECT)
	b = binary.BigEndian.AppendUint16(b, c.Lost)
	return binary.BigEndian.AppendUint16(b, c.Duplicates)
}

// ReadCounters decodes the first [CountersSize] octets of b, which must be there.
func ReadCounters(b []byte) Counters {
	return Counters{
		ECT0: binary.BigEndian.Uint32(b), ECT1: binary.BigEndian.Uint32(b[4:]),
		CE: binary.BigEndian.Uint16(b[8:]), NotECT: binary.BigEndian.Uint16(b[10:]),
		Lost: binary.BigEndian.Uint16(b[12:]), Duplicates: binary.BigEndian.Uint16(b[14:]),
	}
}

// News is how the counters of a report differ from those of an earlier one
// (RFC 6679 §7.4.2). Lost is negative if packets came late that were lost before.
type News struct {
	ECT0, ECT1, CE, NotECT, Lost, Duplicates int
}

// Since returns what has changed since an earlier report, of which the first one's
// counters are zero. Fields may have wrapped; differences are below half of what they
// hold. A report that has been overtaken has less than none [News.Received].
func (c Counters) Since(last Counters) News {
	return News{
		ECT0: int(int32(c.ECT0 - last.ECT0)), ECT1: int(int32(c.ECT1 - last.ECT1)),
		CE: int(int16(c.CE - last.CE)), NotECT: int(int16(c.NotECT - last.NotECT)),
		Lost: int(int16(c.Lost - last.Lost)), Duplicates: int(int16(c.Duplicates - last.Duplicates)),
	}
}

// Received returns how many packets came, duplicates included.
func (n News) Received() int { return n.ECT0 + n.ECT1 + n.CE + n.NotECT }
