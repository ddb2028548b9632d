package feedback_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/feedback"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func ms(x float64) simtime.Time { return simtime.Time(x * 1e6) }

// format is one of the two kinds of feedback, from the receiver's records to
// the sender's report by way of the octets on the wire.
type format struct {
	name      string
	precision time.Duration // of an arrival time: half a unit and rounding
	new       func() link
}

type link interface {
	// record notes the arrival of a packet at the receiver.
	record(at simtime.Time, p sent, ecn packet.ECN)
	pending() bool
	// messages makes what is sent at the given time, as octets.
	messages(t *testing.T, at simtime.Time) [][]byte
	// deliver reads a message at the sender.
	deliver(t *testing.T, h *feedback.History, at simtime.Time, b []byte) *ccontrol.Report
}

type sent struct {
	seq  uint64 // transport-wide
	ssrc uint32
	rtp  uint16
	at   simtime.Time
	size units.Bytes
}

type ccfb struct {
	r    feedback.CCFBRecorder
	size int
}

func (l *ccfb) record(at simtime.Time, p sent, ecn packet.ECN) {
	l.r.Record(at, p.ssrc, p.rtp, ecn, nil)
}
func (l *ccfb) pending() bool { return l.r.Pending() }
func (l *ccfb) messages(t *testing.T, at simtime.Time) (out [][]byte) {
	for l.r.Pending() {
		m := l.r.Build(at, 1, l.size)
		if m == nil {
			break
		}
		b, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > l.size {
			t.Fatalf("a message of %d octets, want %d at most", len(b), l.size)
		}
		out = append(out, b)
		if len(out) > 1000 {
			t.Fatal("no end of messages")
		}
	}
	return out
}

func (*ccfb) deliver(t *testing.T, h *feedback.History, at simtime.Time, b []byte) *ccontrol.Report {
	var m rtcp.CCFeedbackReport
	if err := m.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	return h.Receiver("").OnCCFB(at, &m)
}

type twcc struct{ r *feedback.TWCCRecorder }

func (l twcc) record(at simtime.Time, p sent, _ packet.ECN) { l.r.Record(at, p.ssrc, uint16(p.seq)) }
func (l twcc) pending() bool                                { return l.r.Pending() }
func (l twcc) messages(t *testing.T, _ simtime.Time) (out [][]byte) {
	for _, m := range l.r.Build(1) {
		b, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if b[0]&0x20 != 0 {
			t.Fatal("padding bit in a message that need not be the last of its packet (RFC 3550 §6.4.1)")
		}
		if len(b)%4 != 0 || len(b) != 4*(int(b[2])<<8+int(b[3])+1) {
			t.Fatalf("%d octets with the length field %x", len(b), b[2:4])
		}
		out = append(out, b)
	}
	return out
}

func (twcc) deliver(t *testing.T, h *feedback.History, at simtime.Time, b []byte) *ccontrol.Report {
	var m rtcp.TransportLayerCC
	if err := m.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	return h.Receiver("").OnTWCC(at, &m)
}

var formats = []format{
	{"RFC 8888", time.Second/2048 + 35*time.Microsecond, func() link { return &ccfb{size: 1200} }},
	{"TWCC", 125*time.Microsecond + time.Microsecond, func() link { return twcc{feedback.NewTWCCRecorder()} }},
}

func eachFormat(t *testing.T, f func(*testing.T, format)) {
	t.Helper()
	for _, x := range formats {
		t.Run(x.name, func(t *testing.T) { f(t, x) })
	}
}

// sendAll notes n packets, one every 5 ms, in a stream whose RTP numbers start
// at first.
func sendAll(h *feedback.History, n int, first uint16) (list []sent) {
	for i := range n {
		p := sent{ssrc: 7, rtp: first + uint16(i), at: ms(5 * float64(i)), size: units.Bytes(100 + i%1000)}
		p.seq = h.Sent(p.at, p.ssrc, p.rtp, p.size, 0, nil)
		list = append(list, p)
	}
	return list
}

// outcome is the last word on a packet, and how many there were.
type outcome struct {
	result ccontrol.PacketResult
	times  int
}

func collect(t *testing.T, into map[uint64]outcome, r *ccontrol.Report) {
	t.Helper()
	last := uint64(0)
	for i, p := range r.Packets {
		if i > 0 && p.Seq <= last {
			t.Fatalf("packet %d stands behind %d", p.Seq, last)
		}
		last = p.Seq
		into[p.Seq] = outcome{p, into[p.Seq].times + 1}
	}
}

func checkResult(t *testing.T, got outcome, p sent, arrival simtime.Time, precision time.Duration) {
	t.Helper()
	r := got.result
	if got.times != 1 || !r.Received || r.Size != p.size || r.Sent != p.at {
		t.Fatalf("packet %d: %+v, reported %d times", p.seq, r, got.times)
	}
	if d := r.Arrival.Sub(arrival); d < -precision || d > precision {
		t.Fatalf("packet %d: arrived at %v, reported %v: %v off, precision is %v", p.seq, arrival, r.Arrival, d, precision)
	}
}

// Every packet, with its time, size and loss, over many reports, across the
// wrap of the RTP and of the transport-wide sequence numbers.
func TestRoundTrip(t *testing.T) {
	eachFormat(t, func(t *testing.T, f format) {
		for _, offset := range []time.Duration{0, 37 * time.Second, -5 * time.Second} {
			t.Run(fmt.Sprint(offset), func(t *testing.T) {
				r := rng.New(3).Stream("path")
				var h feedback.History
				l := f.new()
				const n = 70000
				outcomes := map[uint64]outcome{}
				arrivals := map[uint64]simtime.Time{}
				lost := map[uint64]bool{}
				for i := range n {
					p := sent{ssrc: 7, rtp: uint16(65000 + i), at: ms(5 * float64(i)), size: units.Bytes(100 + i%1000)}
					p.seq = h.Sent(p.at, p.ssrc, p.rtp, p.size, 0, nil)
					if p.seq != uint64(i) {
						t.Fatalf("transport-wide number %d, want %d", p.seq, i)
					}
					at := p.at.Add(offset + 20*time.Millisecond + time.Duration(r.Uniform(0, 4)*1e6))
					if r.Bool(0.05) && i > 0 {
						lost[p.seq] = true
					} else {
						arrivals[p.seq] = at
						l.record(at, p, packet.NotECT)
					}
					if i%20 == 19 {
						built := at.Add(3 * time.Millisecond)
						for _, b := range l.messages(t, built) {
							report := l.deliver(t, &h, built.Add(20*time.Millisecond-offset), b)
							collect(t, outcomes, report)
							for _, x := range report.Packets {
								p := sent{seq: x.Seq, at: ms(5 * float64(x.Seq)), size: units.Bytes(100 + x.Seq%1000)}
								if x.Received {
									checkResult(t, outcomes[x.Seq], p, arrivals[x.Seq], f.precision)
								} else if !lost[x.Seq] {
									t.Fatalf("packet %d wasn't lost", x.Seq)
								}
							}
						}
						if l.pending() {
							t.Fatal("something is left")
						}
					}
				}
				if len(outcomes) < n-20 {
					t.Errorf("%d of %d packets were reported", len(outcomes), n)
				}
			})
		}
	})
}

// RFC 8888 §3.1: a packet that comes after the report that missed it is in the
// next one.
func TestLateArrivalCorrectsLoss(t *testing.T) {
	eachFormat(t, func(t *testing.T, f format) {
		var h feedback.History
		l := f.new()
		list := sendAll(&h, 20, 65530)
		at := func(i int) simtime.Time { return ms(100 + 5*float64(i)) }
		outcomes := map[uint64]outcome{}
		for i := range 10 {
			if i != 4 && i != 5 {
				l.record(at(i), list[i], packet.NotECT)
			}
		}
		for _, b := range l.messages(t, ms(160)) {
			collect(t, outcomes, l.deliver(t, &h, ms(180), b))
		}
		for _, i := range []int{4, 5} {
			if o := outcomes[uint64(i)]; o.times != 1 || o.result.Received {
				t.Errorf("packet %d: %+v, want it lost", i, o)
			}
		}
		// Packet 4 comes late; 5 stays lost, and isn't reported again.
		l.record(ms(170), list[4], packet.NotECT)
		l.record(ms(171), list[10], packet.NotECT)
		for _, b := range l.messages(t, ms(180)) {
			r := l.deliver(t, &h, ms(200), b)
			for _, p := range r.Packets {
				if p.Seq != 4 && p.Seq != 10 {
					t.Errorf("packet %d isn't news", p.Seq)
				}
			}
			collect(t, outcomes, r)
		}
		o := outcomes[4]
		if o.times != 2 || !o.result.Received {
			t.Errorf("packet 4: %+v, want its loss corrected", o)
		}
		if d := o.result.Arrival.Sub(ms(170)); d < -f.precision || d > f.precision {
			t.Errorf("packet 4 arrived %v off", d)
		}
		if outcomes[5].times != 1 || outcomes[10].times != 1 {
			t.Errorf("packet 5: %+v, packet 10: %+v", outcomes[5], outcomes[10])
		}
	})
}

// A packet that overtakes the very first one.
func TestReorderingBeforeFirstPacket(t *testing.T) {
	eachFormat(t, func(t *testing.T, f format) {
		for _, first := range []uint16{0, 1, 100, 65535} {
			var h feedback.History
			l := f.new()
			list := sendAll(&h, 4, first)
			outcomes := map[uint64]outcome{}
			for i, k := range []int{2, 0, 1, 3} {
				l.record(ms(100+float64(i)), list[k], packet.NotECT)
			}
			for _, b := range l.messages(t, ms(120)) {
				collect(t, outcomes, l.deliver(t, &h, ms(140), b))
			}
			for i, k := range []int{2, 0, 1, 3} {
				checkResult(t, outcomes[uint64(k)], list[k], ms(100+float64(i)), f.precision)
			}
		}
	})
}

// RFC 8888 §3.1: "If duplicate copies of a particular RTP packet are received,
// then the arrival time of the first copy to arrive MUST be reported."
func TestDuplicates(t *testing.T) {
	eachFormat(t, func(t *testing.T, f format) {
		var h feedback.History
		l := f.new()
		list := sendAll(&h, 3, 10)
		for i, p := range list {
			l.record(ms(100+float64(i)), p, packet.NotECT)
		}
		l.record(ms(150), list[1], packet.NotECT)
		outcomes := map[uint64]outcome{}
		for _, b := range l.messages(t, ms(160)) {
			collect(t, outcomes, l.deliver(t, &h, ms(180), b))
		}
		for i, p := range list {
			checkResult(t, outcomes[p.seq], p, ms(100+float64(i)), f.precision)
		}
	})
}

// RFC 8888 §3.1: ECN marks are echoed; of duplicates a CE mark of any counts.
func TestECN(t *testing.T) {
	var h feedback.History
	l := &ccfb{size: 1200}
	list := sendAll(&h, 7, 65533)
	marks := []packet.ECN{packet.NotECT, packet.ECT0, packet.ECT1, packet.CE, packet.ECT1, packet.CE, packet.ECT1}
	for i, p := range list {
		l.record(ms(100), p, marks[i])
	}
	l.record(ms(101), list[4], packet.CE)
	l.record(ms(101), list[5], packet.ECT1)
	l.record(ms(101), list[6], packet.NotECT)
	want := append([]packet.ECN(nil), marks...)
	want[4] = packet.CE
	outcomes := map[uint64]outcome{}
	for _, b := range l.messages(t, ms(110)) {
		collect(t, outcomes, l.deliver(t, &h, ms(120), b))
	}
	for i, p := range list {
		if got := outcomes[p.seq].result.ECN; got != want[i] {
			t.Errorf("packet %d: ECN %d, want %d", i, got, want[i])
		}
	}
}

// RFC 8888 §3.1: offsets of up to 8189/1024 s are exact; beyond, the packet was
// received at an unknown time and isn't taken for lost.
//
// conformance: CC-7.1-11
func TestArrivalTimeOffsets(t *testing.T) {
	for _, c := range []struct {
		age  time.Duration
		want uint16
	}{
		{0, 0},
		{time.Second / 2, 512},
		{time.Second, 1024},
		{7 * time.Second, 7168},
		{8189 * time.Second / 1024, 0x1ffd},
		{8191 * time.Second / 1024, 0x1ffe},
		{20 * time.Second, 0x1ffe},
		{-time.Millisecond * 10, 0x1fff},
	} {
		var r feedback.CCFBRecorder
		at := simtime.At(30 * time.Second)
		r.Record(at, 7, 1, packet.NotECT, nil)
		m := r.Build(at.Add(c.age), 1, 1200)
		got := m.ReportBlocks[0].MetricBlocks[0]
		if !got.Received || got.ArrivalTimeOffset != c.want {
			t.Errorf("age %v: %+v, want offset %#x", c.age, got, c.want)
		}
		var h feedback.History
		h.Sent(at, 7, 1, 100, 0, nil)
		report := h.Receiver("").OnCCFB(at.Add(c.age+time.Second), m)
		for _, p := range report.Packets {
			if !p.Received {
				t.Errorf("age %v: reported lost", c.age)
			}
			if d := p.Arrival.Sub(at); d < -time.Millisecond || d > time.Millisecond {
				t.Errorf("age %v: arrival %v off", c.age, d)
			}
		}
		if known := c.want < 0x1ffe; known != (len(report.Packets) == 1) {
			t.Errorf("age %v: %d results", c.age, len(report.Packets))
		}
	}
}

// RFC 8888 §3.1: what doesn't fit goes into further messages, nothing is left
// out and nothing said twice.
func TestLargeReportsAreSplit(t *testing.T) {
	for _, size := range []int{24, 28, 60, 200, 1200} {
		var h feedback.History
		l := &ccfb{size: size}
		r := rng.New(1).Stream("loss")
		var list []sent
		streams := []uint32{7, 8, 9}
		for i := range 1500 {
			p := sent{ssrc: streams[i%3], rtp: uint16(65400 + i/3), at: ms(float64(i)), size: 100}
			p.seq = h.Sent(p.at, p.ssrc, p.rtp, p.size, 0, nil)
			list = append(list, p)
		}
		lost := map[uint64]bool{}
		for i, p := range list {
			if r.Bool(0.2) && i > 2 && i < 1497 {
				lost[p.seq] = true
				continue
			}
			l.record(p.at.Add(20*time.Millisecond), p, packet.NotECT)
		}
		outcomes := map[uint64]outcome{}
		messages := l.messages(t, ms(1600))
		for _, b := range messages {
			collect(t, outcomes, l.deliver(t, &h, ms(1620), b))
		}
		if min := (1500*2 + size - 1) / size; len(messages) < min {
			t.Errorf("size %d: %d messages, want %d at least", size, len(messages), min)
		}
		for _, p := range list {
			o := outcomes[p.seq]
			if o.times != 1 || o.result.Received == lost[p.seq] {
				t.Fatalf("size %d, packet %d: %+v, lost %v", size, p.seq, o, lost[p.seq])
			}
		}
	}
	// No room for anything: nothing is lost.
	l := &ccfb{size: 20}
	l.record(0, sent{ssrc: 7, rtp: 1}, packet.NotECT)
	if m := l.r.Build(0, 1, 20); m != nil || !l.pending() {
		t.Errorf("message %v, pending %v", m, l.pending())
	}
}

// The round-trip time leaves out how long the receiver held the news.
func TestReportRTT(t *testing.T) {
	eachFormat(t, func(t *testing.T, f format) {
		for _, held := range []time.Duration{0, 30 * time.Millisecond, 300 * time.Millisecond} {
			for _, offset := range []time.Duration{0, 37 * time.Second, -5 * time.Second} {
				var h feedback.History
				l := f.new()
				list := sendAll(&h, 10, 0)
				for _, p := range list {
					l.record(p.at.Add(20*time.Millisecond+offset), p, packet.NotECT)
				}
				built := list[9].at.Add(20*time.Millisecond + held + offset)
				r := l.deliver(t, &h, built.Add(20*time.Millisecond-offset), l.messages(t, built)[0])
				want := 40 * time.Millisecond
				if f.name == "TWCC" {
					want += held // the message doesn't say when it was built
					if r.Built != 0 {
						t.Errorf("built at %v", r.Built)
					}
				} else if d := r.Built.Sub(built); d < -time.Millisecond || d > time.Millisecond {
					t.Errorf("built at %v, want %v", r.Built, built)
				}
				if d := r.RTT - want; d < -f.precision || d > f.precision {
					t.Errorf("held for %v: RTT %v, want %v", held, r.RTT, want)
				}
			}
		}
		// A report without news shows no round-trip time.
		var h feedback.History
		l := f.new()
		p := sendAll(&h, 1, 0)[0]
		l.record(ms(20), p, packet.NotECT)
		b := l.messages(t, ms(20))[0]
		l.deliver(t, &h, ms(40), b)
		if r := l.deliver(t, &h, ms(400), b); len(r.Packets) != 0 || r.RTT != 0 {
			t.Errorf("the same message again: %+v", r)
		}
	})
}
