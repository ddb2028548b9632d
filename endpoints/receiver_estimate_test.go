package endpoints_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// told is an estimator whose estimate somebody sets, and which remembers arrivals.
type told struct {
	ccontrol.NoTimeout
	rate     units.BitRate
	ssrcs    []uint32
	arrivals []ccontrol.Arrival
	rtt      time.Duration
}

func (e *told) OnArrival(_ simtime.Time, a ccontrol.Arrival) {
	e.arrivals = append(e.arrivals, a)
	if !slices.Contains(e.ssrcs, a.SSRC) {
		e.ssrcs = append(e.ssrcs, a.SSRC)
	}
}
func (e *told) OnRTT(rtt time.Duration)        { e.rtt = rtt }
func (e *told) Estimate() units.BitRate        { return e.rate }
func (e *told) Streams(list []uint32) []uint32 { return append(list, e.ssrcs...) }

// newEstimated is a call in which A sends two streams and B makes estimates of them,
// about once a second. RTCP has bandwidth in plenty, but regular packets are rare.
func newEstimated(t *testing.T, interval time.Duration, edit func(*setup)) (*call, *told) {
	e := &told{}
	s := setup{
		streams: []stream{videoFromA, audioFromA}, feedback: endpoints.FeedbackREMB,
		rtcp: endpoints.RTCPConfig{AVPF: true, Bandwidth: 10 * units.Mbps, TrrInterval: 5 * time.Second, ReducedSize: true},
		edit: func(end int, sc *endpoints.SessionConfig) {
			sc.FeedbackInterval = interval
			if end == 1 {
				sc.Estimator = e
			}
		},
	}
	if edit != nil {
		edit(&s)
	}
	return newCall(t, s), e
}

// estimates returns the REMB messages that B has sent.
func (c *call) estimates() (at []simtime.Time, list []*rtcp.ReceiverEstimatedMaximumBitrate) {
	for _, p := range c.rtcps(1) {
		for _, m := range p.messages {
			if m, ok := m.(*rtcp.ReceiverEstimatedMaximumBitrate); ok {
				at, list = append(at, p.at), append(list, m)
			}
		}
	}
	return at, list
}

// The receiver hears of every packet with its abs-send-time and its size on the wire, and
// of the round-trip time where it can measure it; once it has an estimate the sender hears of
// that about once a second, with the SSRCs that it covers.
func TestEstimatesAreSent(t *testing.T) {
	c, e := newEstimated(t, time.Second, func(s *setup) { s.extended.ReferenceTime = true })
	c.run(3 * time.Second)
	if _, list := c.estimates(); len(list) > 0 {
		t.Fatalf("%d messages before there is an estimate", len(list))
	}
	sent := 0
	for i := range c.log {
		p := &c.log[i]
		if p.from != 0 || p.isRTCP() || p.at.Add(20*time.Millisecond) > c.now { // or on its way
			continue
		}
		if sent == len(e.arrivals) {
			t.Fatalf("nobody has told of the packet sent at %v, nor of any after it", p.at)
		}
		a := e.arrivals[sent]
		sent++
		if !a.Stamped || a.Size != p.size || a.At != p.at.Add(20*time.Millisecond) {
			t.Fatalf("packet %d of %v sent at %v: %+v", sent, p.size, p.at, a)
		}
		if left := headerext.AbsSendTimeNear(a.SendTime, simtime.ToNTP(a.At)).Time(); p.at.Sub(left).Abs() > 4*time.Microsecond {
			t.Fatalf("packet %d was sent at %v and says %v", sent, p.at, left)
		}
	}
	if sent < 100 || sent != len(e.arrivals) {
		t.Errorf("%d packets, %d arrivals", sent, len(e.arrivals))
	}

	e.rate = 1_234_567
	c.run(10 * time.Second)
	if e.rtt < 39*time.Millisecond || e.rtt > 41*time.Millisecond {
		t.Errorf("a round-trip time of %v", e.rtt)
	}
	at, list := c.estimates()
	if len(list) < 9 || len(list) > 11 {
		t.Fatalf("%d messages in 10 s", len(list))
	}
	for i, m := range list {
		slices.Sort(m.SSRCs)
		want := slices.Clone(e.ssrcs)
		slices.Sort(want)
		if m.Bitrate != 1_234_560 || len(want) != 2 || !slices.Equal(m.SSRCs, want) {
			t.Fatalf("message %d: %v about %x, want 1234560 bit/s about %x", i, m.Bitrate, m.SSRCs, want)
		}
		if i > 0 && (at[i].Sub(at[i-1]) < 500*time.Millisecond || at[i].Sub(at[i-1]) > 1100*time.Millisecond) {
			t.Errorf("message %d comes %v after the one before", i, at[i].Sub(at[i-1]))
		}
	}
	heard := 0
	for _, r := range c.cc[0].reports {
		if r.Estimate != 0 {
			if heard++; r.Estimate != 1_234_560 || r.AboutPackets() {
				t.Errorf("the controller hears of %v", r.Estimate)
			}
		}
	}
	if heard < len(list)-1 {
		t.Errorf("the controller hears of %d of %d messages", heard, len(list))
	}
}

// An estimate that has fallen by more than 3 % goes with the next packet, one that has
// fallen by less or risen waits for its turn.
func TestFallenEstimateGoesAtOnce(t *testing.T) {
	for _, c := range []struct {
		to   units.BitRate
		wait bool
	}{{960_000, false}, {969_000, false}, {975_000, true}, {2_000_000, true}} {
		call, e := newEstimated(t, 2*time.Second, nil)
		e.rate = 1_000_000
		call.run(5 * time.Second)
		before, _ := call.estimates()
		for call.now < before[len(before)-1].Add(300*time.Millisecond) {
			call.run(10 * time.Millisecond)
			before, _ = call.estimates()
		}
		changed := call.now
		e.rate = c.to
		call.run(4 * time.Second)
		at, list := call.estimates()
		i := len(before)
		if got := at[i].Sub(changed); float64(list[i].Bitrate) != float64(c.to) || (got > 60*time.Millisecond) != c.wait {
			t.Errorf("from 1 Mbit/s to %v: told of %v after %v", c.to, list[i].Bitrate, got)
		}
	}
}

// Nobody repeats what no packet has confirmed.
func TestNoEstimatesOfSilence(t *testing.T) {
	c, e := newEstimated(t, 200*time.Millisecond, func(s *setup) {
		s.streams = []stream{{name: "video", kind: endpoints.Video, from: "A", pt: 96, stop: 4 * time.Second}, backFromB}
	})
	e.rate = units.Mbps
	c.run(4500 * time.Millisecond)
	_, before := c.estimates()
	c.run(10 * time.Second)
	if _, after := c.estimates(); len(before) < 10 || len(after) > len(before) {
		t.Errorf("%d messages, and %d when nothing comes any more", len(before), len(after)-len(before))
	}
	if e.rtt < 39*time.Millisecond {
		t.Errorf("the estimator's round-trip time is %v", e.rtt)
	}
}

// What a REMB says about others' streams, or of no rate at all, isn't for the
// controller; what it says about ours is, whichever end the octets come from.
func TestForeignEstimates(t *testing.T) {
	c, _ := newEstimated(t, time.Second, nil)
	c.run(3 * time.Second)
	ours := c.rtps()[0].SSRC
	for _, x := range []struct {
		rate units.BitRate
		ssrc uint32
		want bool
	}{{500_000, ours + 1, false}, {0, ours, false}, {500_000, ours, true}} {
		m, _ := wire.NewREMB(0x01020304, x.rate, []uint32{x.ssrc})
		b, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		n := len(c.cc[0].reports)
		c.inject(0, b)
		reports := c.cc[0].reports[n:]
		if got := len(reports) == 1 && reports[0].Estimate == x.rate; got != x.want || !x.want && len(reports) > 0 {
			t.Errorf("%v about %x: %+v", x.rate, x.ssrc, reports)
		}
	}
}

// abs-send-time is signalled for REMB, unless somebody has done so, and its size counts.
func TestEstimatesNeedSendTimes(t *testing.T) {
	size := func(f endpoints.Feedback, entries ...headerext.Entry) units.Bytes {
		n, err := endpoints.ExtensionSize(entries, f, endpoints.Video)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	entry := headerext.Entry{ID: 9, URI: headerext.AbsSendTime.URI()}
	if a, b, c := size(endpoints.FeedbackREMB), size(endpoints.FeedbackREMB, entry), size(endpoints.FeedbackNone); a != 8 || b != 8 || c != 0 {
		t.Errorf("packets have %v, %v if it is signalled, %v without REMB", a, b, c)
	}
}
