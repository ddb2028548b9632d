package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ecn"
	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/wire"
	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

// rare is RTCP with bandwidth in plenty whose regular packets are rare, so that what is
// told soon is told because there was cause.
var rare = endpoints.RTCPConfig{AVPF: true, Bandwidth: 10 * units.Mbps, TrrInterval: 5 * time.Second, ReducedSize: true}

// newMarked is a call with ECN feedback in which A sends ECT(0). on sees RTP of A after
// the code point was chosen, and may change that or lose the packet.
func newMarked(t *testing.T, s setup, on func(n int, p *tapped) bool) *call {
	s.feedback = endpoints.FeedbackECN
	if s.streams == nil {
		s.streams = []stream{videoFromA}
	}
	edit := s.edit
	s.edit = func(end int, sc *endpoints.SessionConfig) {
		sc.ECN, sc.FeedbackInterval = packet.ECT0, 0
		if edit != nil {
			edit(end, sc)
		}
	}
	c := newCall(t, s)
	n := 0
	c.path = func(p *tapped) []time.Duration {
		if p.from == 0 && !p.isRTCP() {
			n++
			if on != nil && !on(n, p) {
				return nil
			}
		}
		return []time.Duration{0}
	}
	return c
}

// told is ECN information on its way from B.
type toldECN struct {
	tap      *tapped
	early    bool
	highest  uint32
	counters ecn.Counters
	reports  bool // an SR or RR is in the packet
}

// tells returns ECN feedback packets and summaries about a source, and how many packets
// with reports had neither.
func (c *call) tells(ssrc uint32) (list []toldECN, without int) {
	for _, p := range c.rtcps(1) {
		var highest uint32
		reports, any := false, false
		for _, m := range p.messages {
			switch m := m.(type) {
			case *rtcp.ReceiverReport:
				reports = true
				for _, b := range m.Reports {
					if b.SSRC == ssrc {
						highest = b.LastSequenceNumber
					}
				}
			case *wire.ECNFeedback:
				any = true
				if m.MediaSSRC == ssrc {
					list = append(list, toldECN{p.tap, true, m.Highest, m.Counters, reports})
				}
			case *rtcp.ExtendedReport:
				for _, b := range m.Reports {
					u, ok := b.(*rtcp.UnknownReportBlock)
					if !ok {
						continue
					}
					sources, ok := xr.ReadECNSummary(nil, u)
					any = any || ok
					for _, s := range sources {
						if s.SSRC == ssrc {
							list = append(list, toldECN{p.tap, false, highest, s.Counters, reports})
						}
					}
				}
			}
		}
		if reports && !any {
			without++
		}
	}
	return list, without
}

// states returns what A believed of the path, one after the other.
func (c *call) states() (list []ecn.Change) {
	for _, e := range c.events[0] {
		if e.Kind == endpoints.ECNChanged {
			list = append(list, e.ECN)
		}
	}
	return list
}

func (c *call) wantStates(want ...ecn.Change) {
	c.t.Helper()
	got := c.states()
	if len(got) != len(want) {
		c.t.Fatalf("%v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			c.t.Fatalf("%v, want %v", got, want)
		}
	}
}

// A small fraction of packets finds out whether the path carries ECN, the receiver tells
// of the first as soon as it may, and a round trip later all are ECN-capable. RTCP never
// is (RFC 6679 §7.2, §7.2.1, §7.3.1).
func TestECNIsInitiated(t *testing.T) {
	for _, p := range []protect.Mode{protect.None, protect.Full} {
		c := newMarked(t, setup{rtcp: rare, protection: p}, nil)
		c.run(10 * time.Second)
		c.wantStates(ecn.Change{State: ecn.InUse, Why: ecn.Arrives})
		since := c.events[0][0].At
		for _, e := range c.events[0] {
			if e.Kind == endpoints.ECNChanged {
				since = e.At
			}
		}
		before, capable := 0, 0
		for _, p := range c.log {
			switch {
			case p.isRTCP() && p.ecn != packet.NotECT:
				t.Fatalf("RTCP at %v is ECN-capable", p.at)
			case p.isRTCP() || p.from != 0:
			case p.at < since:
				before++
				if p.ecn != packet.NotECT {
					capable++
				}
			case p.at > since && p.ecn != packet.ECT0:
				t.Fatalf("a packet at %v has the ECN field %d", p.at, p.ecn)
			}
		}
		if before < 10 || capable < 1 || capable*10 > before {
			t.Errorf("%d of %d packets were ECN-capable before %v", capable, before, since)
		}
		if d := since.Duration(); d > time.Second {
			t.Errorf("in use at %v", since)
		}
	}
}

// Every packet with reports has a summary, which agrees with what was sent; a CE mark and
// a loss go in an ECN feedback packet at once (§7.3.2).
func TestECNIsTold(t *testing.T) {
	for _, reduced := range []bool{true, false} {
		conf := rare
		conf.ReducedSize = reduced
		var field [4]uint32
		lost := uint16(0)
		var marked []time.Duration
		var c *call
		c = newMarked(t, setup{rtcp: conf}, func(n int, p *tapped) bool {
			switch {
			case n > 100 && n%100 == 50:
				marked = append(marked, p.at.Duration())
				p.ecn = packet.CE
			case n > 100 && n%100 == 0:
				lost++
				marked = append(marked, c.now.Duration()+40*time.Millisecond) // the next frame shows it
				return false
			}
			field[p.ecn]++
			return true
		})
		c.run(20 * time.Second)
		ssrc := c.rtps()[0].SSRC
		list, without := c.tells(ssrc)
		if without > 0 {
			t.Errorf("%d packets with reports say nothing of ECN", without)
		}
		early, summaries := 0, 0
		for _, x := range list {
			if x.early {
				early++
				continue
			}
			summaries++
			if !x.reports {
				t.Error("a summary without a report")
			}
		}
		if summaries < 3 || early < len(marked)-2 || early > len(marked)+2 {
			t.Errorf("%d summaries; %d feedback packets for %d marks and losses", summaries, early, len(marked))
		}
		for _, at := range marked {
			soon := false
			for _, x := range list {
				d := x.tap.at.Duration() - at - c.delay
				soon = soon || d > -time.Millisecond && d < 10*time.Millisecond
			}
			if !soon && at < 19*time.Second {
				t.Errorf("nothing was told of what happened at %v", at)
			}
		}
		last := list[len(list)-1].counters
		if last.ECT0 > field[packet.ECT0] || last.ECT0+60 < field[packet.ECT0] || int(last.CE) < len(marked)/2-1 || last.Lost+1 < lost || last.Duplicates != 0 || last.ECT1 != 0 {
			t.Errorf("last counters %+v; sent %v, lost %d", last, field, lost)
		}
	}
}

// The controller hears the same losses and marks, each once, whether they were told early
// or not; reports of its own make no difference (§7.3.3).
func TestECNReachesTheController(t *testing.T) {
	for _, conf := range []endpoints.RTCPConfig{rare, quick, {AVPF: true, Bandwidth: 100 * units.Kbps}, {Bandwidth: 60 * units.Kbps, Minimum: time.Second}} {
		marked, lost, sent := 0, 0, 0
		c := newMarked(t, setup{rtcp: conf}, func(n int, p *tapped) bool {
			sent++
			switch {
			case p.ecn == packet.ECT0 && n%7 == 3:
				p.ecn = packet.CE
				marked++
			case n%50 == 9:
				lost++
				return false
			}
			return true
		})
		c.run(20 * time.Second)
		gotMarked, gotLost, expected, early := 0, 0, 0, 0
		for _, r := range c.cc[0].reports {
			for _, b := range r.Reception {
				gotMarked, gotLost, expected = gotMarked+b.Marked, gotLost+b.Lost, expected+b.Expected
				if b.Early {
					early++
				}
				if b.Marked < 0 || b.Expected < 0 || b.Since < 0 || b.Early && b.RTT > 0 && conf.ReducedSize {
					t.Errorf("%+v", b)
				}
			}
		}
		if gotMarked > marked || gotMarked < marked*7/10 || gotLost > lost || gotLost < lost*7/10 || expected > sent || expected < sent*7/10 {
			t.Errorf("%+v: told of %d marked, %d lost of %d; it was %d, %d and %d", conf, gotMarked, gotLost, expected, marked, lost, sent)
		}
		if (early > 0) != conf.AVPF {
			t.Errorf("%+v: %d early reports", conf, early)
		}
		if got := c.sessions[0].Sections()[0].Main().Marked(); got != uint64(gotMarked) {
			t.Errorf("%d marks are remembered, %d were told", got, gotMarked)
		}
	}
}

// Paths that clear the field, change it or drop what is ECN-capable are found out, from
// the start or later, and ECN isn't used any more (§7.4.2).
func TestECNFails(t *testing.T) {
	for _, from := range []int{0, 400} {
		for _, c := range []struct {
			name string
			on   func(p *tapped) bool
			want ecn.Reason
		}{
			{"cleared", func(p *tapped) bool { p.ecn = packet.NotECT; return true }, ecn.Cleared},
			{"changed", func(p *tapped) bool { p.ecn = packet.ECT1; return true }, ecn.Changed},
			{"dropped", func(*tapped) bool { return false }, ecn.Dropped},
		} {
			call := newMarked(t, setup{}, func(n int, p *tapped) bool {
				return n < from || p.ecn != packet.ECT0 || c.on(p)
			})
			call.run(30 * time.Second)
			list := call.states()
			if len(list) == 0 || list[len(list)-1] != (ecn.Change{State: ecn.Disabled, Why: c.want}) {
				t.Errorf("%s from packet %d: %v", c.name, from, list)
				continue
			}
			if state, ok := call.sessions[0].ECN(); !ok || state != ecn.Disabled {
				t.Errorf("%v, %v", state, ok)
			}
			for _, p := range call.log {
				if p.from == 0 && p.at.Duration() > 20*time.Second && p.ecn != packet.NotECT {
					t.Fatalf("%s: a packet at %v is ECN-capable", c.name, p.at)
				}
			}
		}
	}
}

// A peer that reports and says nothing of ECN has none of it (§7.2.1).
func TestECNWithAPeerThatHasNone(t *testing.T) {
	c := newMarked(t, setup{edit: func(end int, sc *endpoints.SessionConfig) {
		if end == 1 {
			sc.Feedback = endpoints.FeedbackNone
		}
	}}, nil)
	c.run(10 * time.Second)
	c.wantStates(ecn.Change{State: ecn.Disabled, Why: ecn.NotReported})
}

// A receiver that hears nobody says that it can report (§5.2), and an end that marks
// nothing is told of losses all the same.
func TestECNWithoutMarks(t *testing.T) {
	c := newMarked(t, setup{streams: []stream{{name: "video", kind: endpoints.Video, from: "A", pt: 96, start: 5 * time.Second}}, edit: func(_ int, sc *endpoints.SessionConfig) {
		sc.ECN = packet.NotECT
	}}, func(n int, _ *tapped) bool { return n%20 != 0 })
	c.run(15 * time.Second)
	if _, without := c.tells(1); without > 0 || len(c.states()) > 0 {
		t.Errorf("%d packets without a summary, %v", without, c.states())
	}
	lost := 0
	for _, r := range c.cc[0].reports {
		for _, b := range r.Reception {
			lost += b.Lost
		}
	}
	if lost < 10 {
		t.Errorf("%d losses were told", lost)
	}
	for _, p := range c.log {
		if p.ecn != packet.NotECT {
			t.Fatalf("a packet at %v is ECN-capable", p.at)
		}
	}
}

// Duplicates are counted, with their marks, and hide no loss (§5.1).
func TestECNCountsDuplicates(t *testing.T) {
	c := newMarked(t, setup{}, nil)
	n := 0
	c.path = func(p *tapped) []time.Duration {
		if p.from == 1 || p.isRTCP() {
			return []time.Duration{0}
		}
		switch n++; n % 10 {
		case 3:
			return nil
		case 5:
			return []time.Duration{0, time.Millisecond}
		}
		return []time.Duration{0}
	}
	c.run(10 * time.Second)
	list, _ := c.tells(c.rtps()[0].SSRC)
	last := list[len(list)-1].counters
	if int(last.Lost) < n/10-3 || int(last.Duplicates) < n/10-3 || int(last.Duplicates) > n/10+1 {
		t.Errorf("%+v of %d packets", last, n)
	}
}

// Marks count as losses for circuit breakers if an SR or RR is in the packet, each once
// though a feedback packet and a summary both tell of it; those in reduced-size packets
// are ignored (RFC 8083 §5, §6).
//
// conformance: CC-7.1-9
func TestBreakerCountsMarks(t *testing.T) {
	const early, summary = 1, 2
	for _, c := range []struct {
		name  string
		with  int  // of the packet with the RR
		alone bool // feedback packets go by themselves
		fresh bool // marks in every report, otherwise only in the first
		trips bool
	}{
		{"summary", summary, false, true, true},
		{"feedback with RR", early, false, true, true},
		{"both", early | summary, false, true, true},
		{"reduced-size only", 0, true, true, false},
		{"the same marks again", early | summary, false, false, false},
	} {
		call := newCall(t, setup{
			streams: []stream{videoFromA}, rate: 2500 * units.Kbps, feedback: endpoints.FeedbackECN, off: "B",
			edit: func(end int, sc *endpoints.SessionConfig) {
				enforced(endpoints.BreakerConfig{Settings: breaker.Settings{Equation: breaker.Full, NoReportTimeout: true}})(end, sc)
				sc.RTCP.ReducedSize, sc.ECN = true, packet.ECT0
			},
		})
		var n ecn.Counters
		for range 60 {
			call.run(500 * time.Millisecond)
			rtps := call.rtps()
			last := rtps[len(rtps)-1]
			if c.fresh || n.CE == 0 {
				n.CE += 60
			}
			rr := &rtcp.ReceiverReport{SSRC: 77, Reports: []rtcp.ReceptionReport{{SSRC: last.SSRC, LastSequenceNumber: uint32(last.SequenceNumber)}}}
			rr.Reports[0].LastSenderReport, rr.Reports[0].Delay = call.farAway(last.SSRC)
			fb := &wire.ECNFeedback{SenderSSRC: 77, MediaSSRC: last.SSRC, Highest: uint32(last.SequenceNumber), Counters: n}
			sum := &rtcp.ExtendedReport{SenderSSRC: 77, Reports: []rtcp.ReportBlock{xr.ECNSummary([]xr.ECNSource{{SSRC: last.SSRC, Counters: n}})}}
			all := []rtcp.Packet{rr}
			if c.with&summary != 0 {
				all = append(all, sum)
			}
			if c.with&early != 0 {
				all = append(all, fb)
			}
			call.inject(0, marshal(t, all...))
			if c.alone {
				call.inject(0, marshal(t, fb))
			}
		}
		trips := call.trips(endpoints.BreakerTripped)
		if got := len(trips) > 0; got != c.trips {
			t.Errorf("%s: tripped %v", c.name, got)
		} else if got { // 60 of 130 packets, not twice as many
			if loss := trips[0].Trip.Loss; loss < 0.3 || loss > 0.6 {
				t.Errorf("%s: a loss of %.2f", c.name, loss)
			}
		}
	}
}

// An RTCP packet whose summaries don't fit takes turns.
func TestECNSummariesTakeTurns(t *testing.T) {
	const sources = 28
	c := newCall(t, setup{
		streams: []stream{{name: "voice", kind: endpoints.Audio, pt: 111}}, feedback: endpoints.FeedbackECN,
		rtcp: endpoints.RTCPConfig{AVPF: true, Bandwidth: 100 * units.Kbps},
	})
	for n := range uint16(500) {
		for i := range uint32(sources) {
			c.inject(1, audioPacket(t, 1000+i, n, 960*uint32(n), 111, false))
		}
		c.run(20 * time.Millisecond)
	}
	seen, reports := map[uint32]int{}, 0
	for _, p := range c.rtcps(1) {
		if size := p.tap.size; size > 1300 {
			t.Errorf("an RTCP packet of %v", size)
		}
		for _, m := range p.messages {
			if x, ok := m.(*rtcp.ExtendedReport); ok {
				list, _ := xr.ReadECNSummary(nil, x.Reports[0].(*rtcp.UnknownReportBlock))
				if len(list) > 0 {
					reports++
				}
				for _, s := range list {
					seen[s.SSRC]++
				}
			}
		}
	}
	for i := range uint32(sources) {
		if n := seen[1000+i]; n < reports/2 || n == reports {
			t.Errorf("%d is in %d of %d summaries", 1000+i, n, reports)
		}
	}
	if reports < 20 {
		t.Errorf("%d summaries", reports)
	}
}

// The highest sequence number of a feedback packet is that of RFC 3550: with cycles.
func TestECNFeedbackCountsCycles(t *testing.T) {
	c := newMarked(t, setup{rtcp: rare}, nil)
	for i := range uint32(70) { // 70 thousand packets on, in steps that are no new stream
		c.inject(1, audioPacket(t, 99, uint16(i*1000), 960*i, 96, false))
		c.run(50 * time.Millisecond)
	}
	list, _ := c.tells(99)
	if len(list) == 0 || list[len(list)-1].highest>>16 != 1 {
		t.Errorf("%+v", list)
	}
	if lost := list[len(list)-1].counters.Lost; lost != uint16(69*999&0xffff) {
		t.Errorf("%d lost", lost)
	}
}
