package endpoints_test

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// asking is a controller that wants a probe at each of some times.
type asking struct {
	*steady
	at    []simtime.Time
	probe ccontrol.Probe
}

func (c *asking) NextTimeout() simtime.Time {
	if len(c.at) == 0 {
		return simtime.Never
	}
	return c.at[0]
}

func (c *asking) PollProbe(now simtime.Time) (ccontrol.Probe, bool) {
	if len(c.at) == 0 || now < c.at[0] {
		return ccontrol.Probe{}, false
	}
	c.at = c.at[1:]
	c.probe.ID++
	return c.probe, true
}

func asks(probe ccontrol.Probe, times ...time.Duration) func(int, *endpoints.SessionConfig) {
	return func(end int, sc *endpoints.SessionConfig) {
		if end != 0 {
			return
		}
		c := &asking{steady: sc.Controller.(*steady), probe: probe}
		for _, d := range times {
			c.at = append(c.at, simtime.At(d))
		}
		sc.Controller = c
	}
}

// A probe leaves at its rate, as large as was asked for, of padding where media
// don't suffice. Feedback says which packets were part of it.
func TestProbe(t *testing.T) {
	for _, feedback := range []endpoints.Feedback{endpoints.FeedbackRFC8888, endpoints.FeedbackTWCC} {
		t.Run(string(feedback), func(t *testing.T) {
			want := ccontrol.Probe{Rate: 2 * units.Mbps, Packets: 5, Bytes: 4000}
			c := newCall(t, setup{
				streams: []stream{videoFromA}, feedback: feedback,
				edit: asks(want, 1001*time.Millisecond, 2001*time.Millisecond),
			})
			c.run(3 * time.Second)
			for id := uint32(1); id <= 2; id++ {
				var burst []ccontrol.PacketResult
				for _, r := range c.cc[0].reports {
					for _, p := range r.Packets {
						if p.Probe == id {
							burst = append(burst, p)
						}
					}
				}
				if len(burst) < want.Packets {
					t.Fatalf("%d packets of probe %d", len(burst), id)
				}
				var size units.Bytes
				for _, p := range burst[:len(burst)-1] {
					size += p.Size
				}
				last := burst[len(burst)-1]
				if size >= want.Bytes || size+last.Size < want.Bytes {
					t.Errorf("probe %d has %v, and then another %v", id, size, last.Size)
				}
				if took := want.Rate.TimeToSend(size); last.Sent.Sub(burst[0].Sent) != took {
					t.Errorf("probe %d took %v, want %v", id, last.Sent.Sub(burst[0].Sent), took)
				}
				if burst[0].Sent != simtime.At(time.Duration(id)*time.Second+time.Millisecond) {
					t.Errorf("probe %d began at %v", id, burst[0].Sent)
				}
			}
			sent := 0
			for _, s := range c.cc[0].sent {
				if s.Probe != 0 {
					sent++
				}
			}
			padding := c.sessions[0].Counts().Padding
			if padding == 0 || padding > uint64(sent) {
				t.Errorf("%d packets of padding in %d of probes", padding, sent)
			}
			if n := c.sessions[1].Counts(); n.Malformed != 0 || n.RTPReceived < uint64(sent) {
				t.Errorf("receiver: %+v", n)
			}
		})
	}
}

// Padding is no payload for sender reports (RFC 3550 §6.4.1), is no media for
// receivers, and its loss asks for nothing.
func TestPaddingIsNoMedia(t *testing.T) {
	s := setup{
		streams: []stream{videoFromA}, feedback: endpoints.FeedbackTWCC, repair: endpoints.DefaultRepair(),
		edit: asks(ccontrol.Probe{Rate: 2 * units.Mbps, Packets: 5, Bytes: 4000}, 1001*time.Millisecond),
	}
	plain := s
	plain.edit = nil
	frames := func(c *call) (n int) {
		c.run(3 * time.Second)
		for _, e := range c.events[1] {
			if e.Kind == endpoints.FrameRendered {
				n++
			}
		}
		return n
	}
	reference := newCall(t, plain)
	want := frames(reference)
	for _, lose := range []bool{false, true} {
		c := newCall(t, s)
		lost := 0
		c.path = func(p *tapped) []time.Duration {
			if lose && !p.isRTCP() && p.payload[0]&0x20 != 0 {
				lost++
				return nil
			}
			return []time.Duration{0}
		}
		if got := frames(c); got != want {
			t.Errorf("lose %v: %d frames, want %d", lose, got, want)
		}
		if lose && lost == 0 {
			t.Fatal("no padding")
		}
		_, octets := c.sessions[0].Streams()[0].Sent()
		if _, without := reference.sessions[0].Streams()[0].Sent(); octets != without {
			t.Errorf("%d octets of payload, want %d", octets, without)
		}
		if r := c.sessions[1].RepairCounts(); r.NACKsSent > 0 && !lose || r.RefreshesSent > reference.sessions[1].RepairCounts().RefreshesSent {
			t.Errorf("lose %v: %+v", lose, r)
		}
	}
}

// A number that was padding's isn't asked for when what follows is lost.
func TestPaddingIsNotMissing(t *testing.T) {
	c := newCall(t, setup{
		streams: []stream{repaired, talkback}, rtcp: brisk, feedback: endpoints.FeedbackTWCC, repair: endpoints.DefaultRepair(),
		edit: asks(ccontrol.Probe{Rate: 2 * units.Mbps, Packets: 5, Bytes: 4000}, 1001*time.Millisecond),
	})
	padded, lost := false, uint64(0)
	c.path = func(p *tapped) []time.Duration {
		switch {
		case p.from == 1 || p.isRTCP():
		case p.payload[0]&0x20 != 0:
			padded = true
		case padded && lost == 0:
			lost++
			return nil
		}
		return []time.Duration{0}
	}
	c.run(1500 * time.Millisecond)
	numbers, _ := c.nacks(1)
	slices.Sort(numbers)
	asked := slices.Compact(numbers)
	if lost != 1 || len(asked) != 1 {
		t.Errorf("%d lost, %d asked for", lost, len(asked))
	}
}

// Nothing but audio exceeds the window, and what waits goes when feedback comes.
func TestWindow(t *testing.T) {
	const window units.Bytes = 3500
	c := newCall(t, setup{
		streams: []stream{videoFromA, audioFromA}, feedback: endpoints.FeedbackRFC8888, rate: 2 * units.Mbps,
		edit: func(end int, sc *endpoints.SessionConfig) {
			if end == 0 {
				sc.Controller.(*steady).target.Window = window
			}
		},
	})
	c.run(3 * time.Second)
	held, above := 0, 0
	for _, s := range c.cc[0].sent {
		if s.Backlog > 0 && s.InFlight > window-1300 {
			held++
		}
		if s.InFlight > window && s.Size > 300 {
			above++
		}
	}
	if held == 0 {
		t.Error("the window held nothing back")
	}
	if above > 0 {
		t.Errorf("%d packets of video beyond the window", above)
	}
	if n := len(c.cc[0].sent); n < 100 {
		t.Errorf("only %d packets left", n)
	}
	last := c.cc[0].reports[len(c.cc[0].reports)-1]
	if last.InFlight >= window {
		t.Errorf("%v in flight after feedback", last.InFlight)
	}
}

// A window that is smaller than a packet lets one at a time through.
func TestTinyWindow(t *testing.T) {
	c := newCall(t, setup{
		streams: []stream{videoFromA}, feedback: endpoints.FeedbackRFC8888, rate: 2 * units.Mbps,
		edit: func(end int, sc *endpoints.SessionConfig) {
			if end == 0 {
				sc.Controller.(*steady).target.Window = 100
			}
		},
	})
	c.run(3 * time.Second)
	if n := len(c.cc[0].sent); n < 20 || n > 60 { // feedback every 50 ms and more
		t.Errorf("%d packets left", n)
	}
	for _, s := range c.cc[0].sent {
		if s.InFlight != s.Size {
			t.Fatalf("%v in flight with a packet of %v", s.InFlight, s.Size)
		}
	}
}

// Without feedback a full window stops video for good, but not audio.
func TestWindowWithoutFeedback(t *testing.T) {
	c := newCall(t, setup{
		streams: []stream{videoFromA, audioFromA}, feedback: endpoints.FeedbackRFC8888, rate: 2 * units.Mbps,
		edit: func(end int, sc *endpoints.SessionConfig) {
			if end == 0 {
				sc.Controller.(*steady).target.Window = 3000
			}
		},
	})
	c.path = func(p *tapped) []time.Duration {
		if p.from == 1 {
			return nil
		}
		return []time.Duration{0}
	}
	c.run(3 * time.Second)
	large := slices.IndexFunc(c.log, func(p tapped) bool { return p.at > simtime.At(time.Second) && p.size > 400 && !p.isRTCP() })
	small := slices.IndexFunc(c.log, func(p tapped) bool { return p.at > simtime.At(2*time.Second) && p.size < 400 && !p.isRTCP() })
	if large >= 0 || small < 0 {
		t.Errorf("video at %d, audio at %d of the log", large, small)
	}
}

// Controllers learn from reports what was expected and lost since the last one.
func TestReceptionReports(t *testing.T) {
	video := videoFromA
	video.pause = endpoints.Pause{From: simtime.At(4 * time.Second), To: simtime.At(time.Minute)} // so that the last report has everything
	c := newCall(t, setup{streams: []stream{video}, feedback: endpoints.FeedbackNone})
	lost, n := 0, 0
	c.path = func(p *tapped) []time.Duration {
		if p.from == 0 && !p.isRTCP() {
			if n++; n%10 == 5 {
				lost++
				return nil
			}
		}
		return []time.Duration{0}
	}
	c.run(6 * time.Second)
	var expected, missing int
	var since time.Duration
	for _, r := range c.cc[0].reports {
		for _, b := range r.Reception {
			if b.Stream != c.sessions[0].Streams()[0].SSRC() || b.By == 0 {
				t.Fatalf("%+v", b)
			}
			if b.Expected > 0 && int(b.FractionLost) != b.Lost*256/b.Expected {
				t.Errorf("fraction %d of %d lost in %d", b.FractionLost, b.Lost, b.Expected)
			}
			expected += b.Expected
			missing += b.Lost
			since += b.Since
			if b.RTT != 0 && (b.RTT < 39*time.Millisecond || b.RTT > 41*time.Millisecond) {
				t.Errorf("RTT %v", b.RTT)
			}
		}
		if r.AboutPackets() {
			t.Error("a message about packets")
		}
	}
	if expected != n || missing != lost || since < 3*time.Second {
		t.Errorf("%d expected of %d, %d missing of %d, in %v", expected, n, missing, lost, since)
	}
}
