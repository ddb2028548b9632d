package feedlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Target is a [ccontrol.Target] in a log.
type Target struct {
	Media  int64 `json:"media"`
	Pacing int64 `json:"pacing"`
	Window int64 `json:"window"`
}

// TargetOf writes a target for a log.
func TargetOf(t ccontrol.Target) Target {
	return Target{int64(t.Media), int64(t.Pacing), int64(t.Window)}
}

func (t Target) target() ccontrol.Target {
	return ccontrol.Target{Media: units.BitRate(t.Media), Pacing: units.BitRate(t.Pacing), Window: units.Bytes(t.Window)}
}

// Limits returns the limits that the controller had.
func (l Limits) Limits() ccontrol.Limits {
	return ccontrol.Limits{Min: units.BitRate(l.Min), Max: units.BitRate(l.Max), Start: units.BitRate(l.Start), Weight: l.Weight}
}

type eventLine struct {
	At      int64       `json:"t_ns"`
	Sent    *sentLine   `json:"sent"`
	Report  *reportLine `json:"report"`
	Timeout bool        `json:"timeout"`
	Poll    *probeLine  `json:"poll"`
	Set     *int64      `json:"set"`
	Target  *Target     `json:"target"`
}

type sentLine struct {
	Seq      uint64 `json:"seq"`
	Size     int64  `json:"size"`
	Backlog  int64  `json:"backlog"`
	InFlight int64  `json:"in_flight"`
	Probe    uint32 `json:"probe"`
}

type probeLine struct {
	ID      uint32 `json:"id"`
	Rate    int64  `json:"rate"`
	Packets int    `json:"packets"`
	Bytes   int64  `json:"bytes"`
}

type reportLine struct {
	Packets   [][]*int64      `json:"packets"`
	Reception []receptionLine `json:"reception"`
	Estimate  int64           `json:"estimate"`
	Built     int64           `json:"built_ns"`
	RTT       int64           `json:"rtt_ns"`
	Backlog   int64           `json:"backlog"`
	InFlight  int64           `json:"in_flight"`
}

type receptionLine struct {
	Stream       uint32 `json:"stream"`
	By           uint32 `json:"by"`
	Since        int64  `json:"since_ns"`
	Expected     int    `json:"expected"`
	Lost         int    `json:"lost"`
	FractionLost uint8  `json:"fraction_lost"`
	Jitter       int64  `json:"jitter_ns"`
	RTT          int64  `json:"rtt_ns"`
	Marked       int    `json:"marked"`
	Early        bool   `json:"early"`
}

// Reader reads a log. Controllers trust their hosts, so it takes nothing that a host
// wouldn't say: time runs forwards, and only packets that were sent are reported on.
type Reader struct {
	Header Header
	in     *bufio.Reader
	line   int
	now    simtime.Time
	seq    uint64 // of the next packet
	report ccontrol.Report
}

// NewReader reads the header.
func NewReader(r io.Reader) (*Reader, error) {
	rd := &Reader{in: bufio.NewReader(r)}
	text, err := rd.text()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("line 1: the file is empty: a feedback log begins with a header")
	}
	if err != nil {
		return nil, err
	}
	h := &rd.Header
	if err := json.Unmarshal(text, h); err != nil || h.Format == 0 {
		return nil, errors.New("line 1: this is no feedback log: simrun run --feedback-log writes them")
	}
	if h.Format != Format {
		return nil, fmt.Errorf("line 1: format %d can't be read, this program reads format %d: record it again", h.Format, Format)
	}
	if l := h.Limits; l.Min <= 0 || l.Max < l.Min || l.Start < l.Min || l.Start > l.Max || l.Weight < 0 {
		return nil, fmt.Errorf("line 1: limits of %d to %d bit/s with %d at the start aren't possible", l.Min, l.Max, l.Start)
	}
	return rd, nil
}

// Line returns the number of the line that was read last.
func (r *Reader) Line() int { return r.line }

// text returns the next line, which may be the last without its end.
func (r *Reader) text() ([]byte, error) {
	b, err := r.in.ReadBytes('\n')
	if err != nil && (len(b) == 0 || !errors.Is(err, io.EOF)) {
		return nil, err
	}
	r.line++
	return b, nil
}

// Next returns the next event, or [io.EOF].
func (r *Reader) Next() (Event, error) {
	text, err := r.text()
	if err != nil {
		return Event{}, err
	}
	var l eventLine
	if err := l.decode(text); err != nil {
		return Event{}, fmt.Errorf("line %d: %w", r.line, err)
	}
	e, err := r.event(&l)
	if err != nil {
		return Event{}, fmt.Errorf("line %d: %w", r.line, err)
	}
	return e, nil
}

// decode takes one object and nothing else. It never returns [io.EOF], which would end the
// log.
func (l *eventLine) decode(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(l); errors.Is(err, io.EOF) {
		return errors.New("the line is empty")
	} else if err != nil {
		return err
	}
	if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("%q is behind the event", rest[:min(len(rest), 20)])
	}
	return nil
}

// maxSize is what an IP packet can have.
const maxSize = 65535

// longest is more than any run lasts.
const longest = simtime.Time(48 * time.Hour)

func (r *Reader) event(l *eventLine) (Event, error) {
	e := Event{At: simtime.Time(l.At)}
	if e.At < r.now {
		return e, fmt.Errorf("time runs backwards, from %v to %v", r.now, e.At)
	}
	if e.At > longest {
		return e, fmt.Errorf("at %v no run goes on", e.At)
	}
	r.now = e.At
	calls := 0
	if s := l.Sent; s != nil {
		calls++
		if s.Seq != r.seq || s.Size <= 0 || s.Size > maxSize {
			return e, fmt.Errorf("packet %d of %d bytes can't be sent, packet %d comes next", s.Seq, s.Size, r.seq)
		}
		r.seq++
		e.Kind, e.Sent = Sent, ccontrol.Sent{Seq: s.Seq, Size: units.Bytes(s.Size), Backlog: units.Bytes(s.Backlog), InFlight: units.Bytes(s.InFlight), Probe: s.Probe}
	}
	if l.Report != nil {
		calls++
		e.Kind = Feedback
		if err := r.fill(l.Report); err != nil {
			return e, err
		}
		e.Report = &r.report
	}
	if l.Timeout {
		calls++
		e.Kind = Timeout
	}
	if p := l.Poll; p != nil {
		calls++
		e.Kind, e.Probe = Poll, ccontrol.Probe{ID: p.ID, Rate: units.BitRate(p.Rate), Packets: p.Packets, Bytes: units.Bytes(p.Bytes)}
	}
	if s := l.Set; s != nil {
		calls++
		if *s <= 0 || *s > r.Header.Limits.Max {
			return e, fmt.Errorf("nobody sets the rate to %d bit/s where %d is the limit", *s, r.Header.Limits.Max)
		}
		e.Kind, e.Rate = Set, units.BitRate(*s)
	}
	if calls != 1 {
		return e, errors.New("one of sent, report, timeout, poll and set is expected")
	}
	if l.Target != nil {
		t := l.Target.target()
		e.Target = &t
	}
	return e, nil
}

func (r *Reader) fill(l *reportLine) error {
	if min(l.Estimate, l.RTT, l.Backlog, l.InFlight) < 0 {
		return errors.New("a report has a number below 0 that can't be")
	}
	out := &r.report
	out.Packets, out.Reception = out.Packets[:0], out.Reception[:0]
	for _, v := range l.Packets {
		p, err := r.packet(v)
		if err != nil {
			return err
		}
		out.Packets = append(out.Packets, p)
	}
	for _, b := range l.Reception {
		out.Reception = append(out.Reception, ccontrol.Reception{
			Stream: b.Stream, By: b.By, Since: time.Duration(b.Since), Expected: b.Expected, Lost: b.Lost,
			FractionLost: b.FractionLost, Jitter: time.Duration(b.Jitter), RTT: time.Duration(b.RTT),
			Marked: b.Marked, Early: b.Early,
		})
	}
	out.Estimate, out.Built, out.RTT = units.BitRate(l.Estimate), simtime.Time(l.Built), time.Duration(l.RTT)
	out.Backlog, out.InFlight = units.Bytes(l.Backlog), units.Bytes(l.InFlight)
	return nil
}

// packet reads seq, size, sent_ns, arrival_ns, ecn, probe.
func (r *Reader) packet(v []*int64) (ccontrol.PacketResult, error) {
	const fields, arrival = 6, 3
	if len(v) != fields {
		return ccontrol.PacketResult{}, fmt.Errorf("a packet has %d numbers instead of %d", len(v), fields)
	}
	for i, x := range v {
		if x == nil && i != arrival {
			return ccontrol.PacketResult{}, fmt.Errorf("number %d of a packet is missing", i+1)
		}
	}
	p := ccontrol.PacketResult{
		Seq: uint64(*v[0]), Size: units.Bytes(*v[1]), Sent: simtime.Time(*v[2]),
		ECN: packet.ECN(*v[4]), Probe: uint32(*v[5]),
	}
	if *v[0] < 0 || p.Seq >= r.seq || p.Size <= 0 || p.Size > maxSize || p.Sent < 0 || p.Sent > r.now || *v[4] < 0 || *v[4] > int64(packet.CE) {
		return p, fmt.Errorf("packet %d is reported on, which wasn't sent that way", *v[0])
	}
	if v[arrival] != nil {
		p.Received, p.Arrival = true, simtime.Time(*v[arrival])
	}
	return p, nil
}
