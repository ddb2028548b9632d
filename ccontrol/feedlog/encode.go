package feedlog

import (
	"strconv"

	"rtpfabric/ccontrol"
)

// Logs have a line for every packet, so they are written without reflection.

func appendInt(b []byte, name string, v int64) []byte {
	b = append(b, '"')
	b = append(b, name...)
	return strconv.AppendInt(append(b, `":`...), v, 10)
}

// next begins another field.
func next(b []byte, name string, v int64) []byte { return appendInt(append(b, ','), name, v) }

func appendSent(b []byte, s ccontrol.Sent) []byte {
	b = appendInt(b, "seq", int64(s.Seq))
	b = next(b, "size", int64(s.Size))
	b = next(b, "backlog", int64(s.Backlog))
	b = next(b, "in_flight", int64(s.InFlight))
	if s.Probe != 0 {
		b = next(b, "probe", int64(s.Probe))
	}
	return b
}

func appendTarget(b []byte, t ccontrol.Target) []byte {
	b = appendInt(b, "media", int64(t.Media))
	b = next(b, "pacing", int64(t.Pacing))
	return next(b, "window", int64(t.Window))
}

func appendProbe(b []byte, p ccontrol.Probe) []byte {
	b = appendInt(b, "id", int64(p.ID))
	b = next(b, "rate", int64(p.Rate))
	b = next(b, "packets", int64(p.Packets))
	return next(b, "bytes", int64(p.Bytes))
}

// AppendReport appends the fields of a report as JSON, without braces around them.
// Each packet is an array: seq, size, sent_ns, arrival_ns or null if it was lost, ecn,
// probe. The times in a report are by the clocks that [ccontrol.Report] says.
func AppendReport(b []byte, r *ccontrol.Report) []byte {
	b = append(b, `"packets":[`...)
	for i := range r.Packets {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPacket(b, &r.Packets[i])
	}
	b = append(b, `],"reception":[`...)
	for i := range r.Reception {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendReception(b, &r.Reception[i])
	}
	b = append(b, ']')
	b = next(b, "estimate", int64(r.Estimate))
	b = next(b, "built_ns", int64(r.Built))
	b = next(b, "rtt_ns", int64(r.RTT))
	b = next(b, "backlog", int64(r.Backlog))
	return next(b, "in_flight", int64(r.InFlight))
}

func appendPacket(b []byte, p *ccontrol.PacketResult) []byte {
	b = strconv.AppendUint(append(b, '['), p.Seq, 10)
	b = strconv.AppendInt(append(b, ','), int64(p.Size), 10)
	b = strconv.AppendInt(append(b, ','), int64(p.Sent), 10)
	b = append(b, ',')
	if p.Received {
		b = strconv.AppendInt(b, int64(p.Arrival), 10)
	} else {
		b = append(b, "null"...)
	}
	b = strconv.AppendUint(append(b, ','), uint64(p.ECN), 10)
	b = strconv.AppendUint(append(b, ','), uint64(p.Probe), 10)
	return append(b, ']')
}

func appendReception(b []byte, r *ccontrol.Reception) []byte {
	b = appendInt(append(b, '{'), "stream", int64(r.Stream))
	b = next(b, "by", int64(r.By))
	b = next(b, "since_ns", int64(r.Since))
	b = next(b, "expected", int64(r.Expected))
	b = next(b, "lost", int64(r.Lost))
	b = next(b, "fraction_lost", int64(r.FractionLost))
	b = next(b, "jitter_ns", int64(r.Jitter))
	b = next(b, "rtt_ns", int64(r.RTT))
	if r.Marked != 0 {
		b = next(b, "marked", int64(r.Marked))
	}
	if r.Early {
		b = append(b, `,"early":true`...)
	}
	return append(b, '}')
}
