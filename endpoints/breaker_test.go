package endpoints_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// enforced gives both ends circuit breakers.
func enforced(c endpoints.BreakerConfig) func(int, *endpoints.SessionConfig) {
	if c.Mode == endpoints.NoBreaker {
		c.Mode = endpoints.EnforceBreaker
	}
	return func(_ int, sc *endpoints.SessionConfig) { sc.Breakers = c }
}

// lossy loses what one end sends from a time on: every so manieth packet, RTCP or not.
func (c *call) lossy(from int, start time.Duration, lost func(p *tapped) bool) {
	c.path = func(p *tapped) []time.Duration {
		if p.from == from && p.at >= simtime.At(start) && lost(p) {
			return nil
		}
		return []time.Duration{0}
	}
}

func everything(*tapped) bool { return true }

// trips returns the first end's events of a kind.
func (c *call) trips(k endpoints.EventKind) (list []endpoints.Event) {
	for _, e := range c.events[0] {
		if e.Kind == k {
			list = append(list, e)
		}
	}
	return list
}

// wantTrip checks that there was one trip of the first end's streams each, and returns
// the first.
func (c *call) wantTrip(condition breaker.Condition, streams int) endpoints.Event {
	c.t.Helper()
	list := c.trips(endpoints.BreakerTripped)
	if len(list) != streams {
		c.t.Fatalf("%d trips, want %d", len(list), streams)
	}
	for _, e := range list {
		if e.Trip.Condition != condition || e.Trip.Action != breaker.Cease {
			c.t.Fatalf("at %v: %v, %s", e.At, e.Trip.Condition, e.Trip.Reason())
		}
	}
	return list[0]
}

// sentAfter counts RTP packets of the first end after a time.
func (c *call) sentAfter(at simtime.Time) (n int) {
	for i := range c.log {
		if p := &c.log[i]; p.from == 0 && !p.isRTCP() && p.at > at {
			n++
		}
	}
	return n
}

// The way back is cut: after 15 s both streams cease, with what waits. RTCP goes on, and
// nobody says BYE.
//
// conformance: CC-7.1-2, CC-7.1-3
func TestBreakerWithoutReports(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}, edit: enforced(endpoints.BreakerConfig{})})
	c.lossy(1, 5*time.Second, everything)
	c.run(30 * time.Second)
	trip := c.wantTrip(breaker.ReportTimeout, 2)
	if d := trip.At.Duration(); d < 19500*time.Millisecond || d > 20200*time.Millisecond {
		t.Errorf("tripped at %v", trip.At)
	}
	if n := c.sentAfter(trip.At.Add(25 * time.Millisecond)); n > 0 {
		t.Errorf("%d packets after that", n)
	}
	if c.ends[0].Held() > 0 || !c.sessions[0].Sections()[0].Halted() {
		t.Errorf("%d packets wait", c.ends[0].Held())
	}
	reports := 0
	for _, p := range c.rtcps(0) {
		if p.at > trip.At.Add(time.Second) {
			reports++
		}
	}
	if reports < 10 || c.count(0, endpoints.ByeSent) > 0 {
		t.Errorf("%d RTCP packets, %d BYEs", reports, c.count(0, endpoints.ByeSent))
	}
}

// The way there is cut. A receiver that reports on silent sources says so, and the
// media timeout trips soon; others leave the source out (RFC 3550 §6.4), and then it is
// as if they reported nothing.
//
// conformance: CC-7.1-4, CC-7.1-3
func TestBreakerWithoutMedia(t *testing.T) {
	for _, silent := range []bool{true, false} {
		conf := quick
		conf.ReportSilent = silent
		c := newCall(t, setup{streams: []stream{videoFromA}, rtcp: conf, edit: enforced(endpoints.BreakerConfig{})})
		c.lossy(0, 10*time.Second, func(p *tapped) bool { return !p.isRTCP() })
		c.run(30 * time.Second)
		if !silent {
			if at := c.wantTrip(breaker.ReportTimeout, 1).At.Duration(); at < 24800*time.Millisecond || at > 25200*time.Millisecond {
				t.Errorf("tripped at %v", at)
			}
			continue
		}
		e := c.wantTrip(breaker.MediaSilence, 1)
		if at := e.At.Duration(); at < 10200*time.Millisecond || at > 11500*time.Millisecond || e.Trip.Reports != 5 {
			t.Errorf("tripped at %v after %d reports", at, e.Trip.Reports)
		}
	}
}

// far is a call over 200 ms and back that loses half of the first end's media.
func far(t *testing.T, s setup) *call {
	s.delay = 200 * time.Millisecond
	if s.rate == 0 {
		s.rate = 2500 * units.Kbps
	}
	s.rtcp = endpoints.RTCPConfig{AVPF: true, Bandwidth: 60 * units.Kbps}
	c := newCall(t, s)
	n := 0
	c.lossy(0, 5*time.Second, func(p *tapped) bool {
		n++
		return !p.isRTCP() && len(p.payload) > 400 && n%2 == 0
	})
	return c
}

// Congestion of the video stops it, and not the audio; in a group both.
//
// conformance: CC-7.1-5, CC-7.1-10
func TestBreakerForCongestion(t *testing.T) {
	for _, grouped := range []bool{false, true} {
		edit := func(end int, sc *endpoints.SessionConfig) {
			enforced(endpoints.BreakerConfig{})(end, sc)
			for i := range sc.Sections {
				if send := sc.Sections[i].Send; send != nil && grouped {
					send.BreakerGroup = "all"
				}
			}
		}
		c := far(t, setup{streams: []stream{videoFromA, audioFromA}, edit: edit})
		c.run(4900 * time.Millisecond)
		if len(c.trips(endpoints.BreakerTripped)) > 0 {
			t.Fatal("tripped without loss")
		}
		c.run(15 * time.Second)
		streams := 1
		if grouped {
			streams = 2
		}
		e := c.wantTrip(breaker.Congestion, streams)
		if e.Trip.RTT < 390*time.Millisecond || e.Trip.RTT > 420*time.Millisecond || e.Trip.Rate <= 10*e.Trip.Throughput {
			t.Errorf("%s", e.Trip.Reason())
		}
		if n := c.sentAfter(e.At.Add(100 * time.Millisecond)); grouped != (n == 0) {
			t.Errorf("grouped %v: %d packets of audio and video after that", grouped, n)
		}
	}
}

// A tenth of the rate, if that is possible, and then nothing. Audio is kept. The breaker
// is below all other limits: the controller here allows ten times as much.
//
// conformance: CC-7.1-6, CC-7.2-3
func TestBreakerReducesFirst(t *testing.T) {
	reduce := endpoints.BreakerConfig{Settings: breaker.Settings{Equation: breaker.Full, Reduce: true}}
	for _, c := range []struct {
		name    string
		least   units.BitRate
		streams []stream
		grouped bool
		reduced int // streams
		video   units.BitRate
	}{
		{"video can be reduced", 100 * units.Kbps, []stream{videoFromA}, false, 1, 250 * units.Kbps},
		{"video can't, and is dropped", 1 * units.Mbps, []stream{videoFromA, audioFromA}, true, 2, 0},
		{"nothing can be reduced", 1 * units.Mbps, []stream{videoFromA}, false, 0, 0},
	} {
		edit := func(end int, sc *endpoints.SessionConfig) {
			enforced(reduce)(end, sc)
			for i := range sc.Sections {
				if send := sc.Sections[i].Send; send != nil && c.grouped {
					send.BreakerGroup = "all"
				}
			}
		}
		call := far(t, setup{streams: c.streams, least: c.least, edit: edit})
		call.run(5 * time.Second)
		for range 100 {
			if call.run(100 * time.Millisecond); len(call.trips(endpoints.BreakerTripped)) > 0 {
				break
			}
		}
		list := call.trips(endpoints.BreakerTripped)
		if len(list) != len(c.streams) || (list[0].Trip.Action == breaker.Reduce) != (c.reduced > 0) {
			t.Fatalf("%s: %d trips", c.name, len(list))
		}
		// What the first reports then say is about what was sent before.
		at := call.now
		call.run(900 * time.Millisecond)
		rate, audio := units.BitRate(0), 0
		for i := range call.log {
			p := &call.log[i]
			if p.from != 0 || p.isRTCP() || p.at <= at {
				continue
			}
			if p.payload[1]&0x7f == videoFromA.pt {
				rate += units.BitRate(8 * p.size)
			} else {
				audio++
			}
		}
		if rate > c.video*105/100 || rate < c.video*70/100 {
			t.Errorf("%s: %v of video after a reduction, want nearly %v", c.name, rate*10/9, c.video)
		}
		if kept := len(c.streams) > 1; kept != (audio > 30) {
			t.Errorf("%s: %d packets of audio", c.name, audio)
		}
		call.run(10 * time.Second)
		if c.video > 0 { // it lost as much as before
			if list := call.trips(endpoints.BreakerTripped); len(list) != 2 || list[1].Trip.Action != breaker.Cease {
				t.Errorf("%s: %d trips at last", c.name, len(list))
			}
		}
		if n := len(call.trips(endpoints.BreakerLifted)); n > 0 {
			t.Errorf("%s: %d reductions lifted", c.name, n)
		}
	}
}

// A reduction that was enough is taken back.
//
// conformance: CC-7.1-6
func TestBreakerLetsRatesRecover(t *testing.T) {
	c := far(t, setup{streams: []stream{videoFromA}, least: 100 * units.Kbps, edit: enforced(endpoints.BreakerConfig{
		Settings: breaker.Settings{Reduce: true, Recover: 2 * time.Second},
	})})
	for range 200 {
		if c.run(100 * time.Millisecond); len(c.trips(endpoints.BreakerTripped)) > 0 {
			break
		}
	}
	c.path = nil
	video := c.sessions[0].Sections()[0]
	c.run(time.Second)
	low := video.Goal()
	c.run(2 * time.Second)
	if middle := video.Goal(); middle < low*17/10 || middle > low*23/10 {
		t.Errorf("%v, and after a while %v", low, middle)
	}
	c.run(10 * time.Second)
	if goal := video.Goal(); goal < 2499*units.Kbps || len(c.trips(endpoints.BreakerLifted)) != 1 || len(c.trips(endpoints.BreakerTripped)) != 1 {
		t.Errorf("at last %v, %d lifted, %d trips", goal, len(c.trips(endpoints.BreakerLifted)), len(c.trips(endpoints.BreakerTripped)))
	}
}

// Each session has breakers of its own.
//
// conformance: CC-7.1-10
func TestBreakersOfSessions(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}, apart: true, edit: enforced(endpoints.BreakerConfig{})})
	c.lossy(1, 5*time.Second, func(p *tapped) bool { return p.src.Port == addrs[1].Port })
	c.run(40 * time.Second)
	e := c.wantTrip(breaker.ReportTimeout, 1)
	if e.Section.Kind() != endpoints.Video {
		t.Errorf("%s tripped", e.Section.Name())
	}
	if n := c.sentAfter(simtime.At(30 * time.Second)); n < 490 {
		t.Errorf("%d packets of audio in 10 s", n)
	}
}

// Streams that may go on do so when the reaction has lasted as long as the trouble did,
// and not before.
//
// conformance: CC-7.1-8
func TestBreakerRestarts(t *testing.T) {
	for _, restart := range []time.Duration{0, time.Second, 20 * time.Second} {
		c := newCall(t, setup{streams: []stream{videoFromA}, edit: enforced(endpoints.BreakerConfig{Restart: restart})})
		c.lossy(1, 5*time.Second, everything)
		c.run(25 * time.Second)
		e := c.wantTrip(breaker.ReportTimeout, 1)
		c.path = nil
		c.run(40 * time.Second)
		again := c.trips(endpoints.BreakerRestarted)
		if restart == 0 {
			if len(again) > 0 || c.sentAfter(e.At.Add(time.Second)) > 0 {
				t.Error("it goes on by itself")
			}
			continue
		}
		wait := max(restart, e.Trip.Interval)
		if len(again) != 1 || again[0].At != e.At.Add(wait) {
			t.Fatalf("restart %v: %d restarts", restart, len(again))
		}
		if n := c.sentAfter(again[0].At); n < 25*15 || len(c.trips(endpoints.BreakerTripped)) != 1 {
			t.Errorf("restart %v: %d packets", restart, n)
		}
	}
}

// An observer changes nothing, and several say what each would have done.
//
// conformance: CC-7.1-2
func TestBreakersThatWatch(t *testing.T) {
	full := endpoints.BreakerWatcher{Name: "full", Settings: breaker.Settings{Equation: breaker.Full}}
	watch := far(t, setup{streams: []stream{videoFromA}, edit: enforced(endpoints.BreakerConfig{
		Mode: endpoints.ObserveBreaker, Watchers: []endpoints.BreakerWatcher{full},
	})})
	watch.run(30 * time.Second)
	without := far(t, setup{streams: []stream{videoFromA}})
	without.run(30 * time.Second)
	for i := range max(len(watch.log), len(without.log)) {
		if i >= len(watch.log) || i >= len(without.log) {
			t.Fatalf("%d packets with observers, %d without", len(watch.log), len(without.log))
		}
		if a, b := &watch.log[i], &without.log[i]; a.at != b.at || a.from != b.from || !bytes.Equal(a.payload, b.payload) {
			t.Fatalf("packet %d with observers: from end %d at %v, %.40x; without: from end %d at %v, %.40x", i, a.from, a.at, a.payload, b.from, b.at, b.payload)
		}
	}
	list := watch.trips(endpoints.BreakerWatched)
	if len(list) != 2 || list[0].Watcher == list[1].Watcher || list[0].Watcher+list[1].Watcher != "full" {
		t.Errorf("%d trips", len(list))
	}
	if len(watch.trips(endpoints.BreakerTripped)) > 0 || watch.sentAfter(simtime.At(29*time.Second)) == 0 {
		t.Error("an observer stops streams")
	}
}

// farAway returns LSR and DLSR that say a round trip of 400 ms; 0 before the first SR.
func (c *call) farAway(ssrc uint32) (lsr, dlsr uint32) {
	sr := c.srs(ssrc)
	if len(sr) == 0 {
		return 0, 0
	}
	lsr = uint32(sr[len(sr)-1].NTPTime >> 16)
	return lsr, simtime.ToNTP(c.now).Middle() - lsr - 65536*4/10
}

// Marks of RFC 8888 count as losses if an SR or RR is in the same packet, each once;
// in reduced-size packets they are a sign of life (§5).
//
// conformance: CC-7.1-9
func TestBreakerReadsMarks(t *testing.T) {
	for _, c := range []struct {
		name           string
		compound, once bool
		repairs        bool // are reported on first
		trips          bool
	}{
		{"compound", true, false, false, true},
		{"reduced-size", false, false, false, false},
		{"the same marks again", true, true, false, false},
		{"behind those of repairs", true, false, true, true},
	} {
		video := videoFromA
		video.rtx = 98
		call := newCall(t, setup{
			streams: []stream{video}, rate: 2500 * units.Kbps, feedback: endpoints.FeedbackRFC8888, off: "B", repair: endpoints.DefaultRepair(),
			edit: func(end int, sc *endpoints.SessionConfig) {
				enforced(endpoints.BreakerConfig{Settings: breaker.Settings{Equation: breaker.Full, NoReportTimeout: true}})(end, sc)
				sc.RTCP.ReducedSize = true
			},
		})
		var marks []uint16
		for range 40 {
			call.run(500 * time.Millisecond)
			rtps := call.rtps()
			last := rtps[len(rtps)-1]
			rr := &rtcp.ReceiverReport{SSRC: 77, Reports: []rtcp.ReceptionReport{{SSRC: last.SSRC, LastSequenceNumber: uint32(last.SequenceNumber)}}}
			rr.Reports[0].LastSenderReport, rr.Reports[0].Delay = call.farAway(last.SSRC)
			if marks == nil || !c.once {
				marks = append(marks[:0], last.SequenceNumber-59)
			}
			fb := &rtcp.CCFeedbackReport{SenderSSRC: 77, ReportBlocks: []rtcp.CCFeedbackReportBlock{{
				MediaSSRC: last.SSRC, BeginSequence: marks[0], MetricBlocks: make([]rtcp.CCFeedbackMetricBlock, 60),
			}}}
			for i := range fb.ReportBlocks[0].MetricBlocks {
				fb.ReportBlocks[0].MetricBlocks[i] = rtcp.CCFeedbackMetricBlock{Received: true, ECN: rtcp.ECNCE}
			}
			if c.repairs {
				fb.ReportBlocks = append([]rtcp.CCFeedbackReportBlock{{
					MediaSSRC: call.sessions[0].Streams()[1].SSRC(), BeginSequence: last.SequenceNumber + 1000, MetricBlocks: make([]rtcp.CCFeedbackMetricBlock, 60),
				}}, fb.ReportBlocks...)
			}
			if c.compound {
				call.inject(0, marshal(t, rr, fb))
			} else {
				call.inject(0, marshal(t, rr))
				call.inject(0, marshal(t, fb))
			}
		}
		if got := len(call.trips(endpoints.BreakerTripped)) > 0; got != c.trips {
			t.Errorf("%s: tripped %v", c.name, got)
		}
	}
}

// Feedback of reduced size keeps the media going, though nobody knows how it fares:
// which is said.
//
// conformance: CC-7.1-9
func TestBreakerWithReducedSizeOnly(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA}, off: "B", edit: func(end int, sc *endpoints.SessionConfig) {
		enforced(endpoints.BreakerConfig{})(end, sc)
		sc.RTCP.ReducedSize = true
	}})
	for range 30 {
		c.run(time.Second)
		c.inject(0, marshal(t, &rtcp.PictureLossIndication{SenderSSRC: 77, MediaSSRC: 78}))
	}
	if list := c.trips(endpoints.BreakerWatched); len(list) != 1 || list[0].Trip.Condition != breaker.Blind || len(c.trips(endpoints.BreakerTripped)) > 0 {
		t.Fatalf("%d alarms", len(list))
	}
	c.run(20 * time.Second)
	if at := c.wantTrip(breaker.ReportTimeout, 1).At.Duration(); at < 44900*time.Millisecond || at > 45100*time.Millisecond {
		t.Errorf("tripped at %v", at)
	}
}

// A collision changes nothing about what is watched.
func TestBreakerFollowsTheSSRC(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA}, edit: enforced(endpoints.BreakerConfig{})})
	c.run(10 * time.Second)
	old := c.sessions[0].Sections()[0].SSRC()
	c.inject(0, marshal(t, &rtcp.ReceiverReport{SSRC: old}, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: old, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "somebody"}},
	}}}))
	if c.sessions[0].Sections()[0].SSRC() == old {
		t.Fatal("no collision")
	}
	c.lossy(1, 15*time.Second, everything)
	c.run(30 * time.Second)
	if at := c.wantTrip(breaker.ReportTimeout, 1).At.Duration(); at < 29500*time.Millisecond || at > 30200*time.Millisecond {
		t.Errorf("tripped at %v", at)
	}
}

// RTCP that isn't processed, as somebody else has the SSRC (RFC 3550 §8.2), is no sign of life.
func TestBreakerIgnoresRefusedRTCP(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA}, rtcpPort: true, edit: enforced(endpoints.BreakerConfig{})})
	c.lossy(1, 5*time.Second, everything)
	c.run(5 * time.Second)
	for range 20 { // from another port than the receiver's
		c.run(time.Second)
		c.inject(0, marshal(t, &rtcp.ReceiverReport{SSRC: c.sessions[1].Sections()[0].SSRC(), Reports: []rtcp.ReceptionReport{{SSRC: c.sessions[0].Sections()[0].SSRC()}}}))
	}
	if n := c.sessions[0].Counts().ThirdPartyLoops; n != 20 {
		t.Fatalf("%d packets are refused", n)
	}
	if at := c.wantTrip(breaker.ReportTimeout, 1).At.Duration(); at < 19500*time.Millisecond || at > 20200*time.Millisecond {
		t.Errorf("tripped at %v", at)
	}
}

// A receiver judges what it gets by the reports of whichever of its SSRCs is there: the first
// one may have collided, or have said BYE.
func TestReceiverGoesOnJudging(t *testing.T) {
	for _, how := range []string{"stays", "collides", "stops"} {
		back := stream{name: "back", kind: endpoints.Audio, from: "B", pt: 98}
		if how == "stops" {
			back.stop = 3 * time.Second
		}
		leave := endpoints.BreakerConfig{Leave: breaker.Usability{Loss: 0.2, For: 3 * time.Second}}
		c := newCall(t, setup{streams: []stream{back, videoFromA}, edit: enforced(leave)})
		n := 0
		c.lossy(0, 10*time.Second, func(p *tapped) bool {
			n++
			return !p.isRTCP() && n%2 == 0
		})
		c.run(5 * time.Second)
		first := c.sessions[1].Sections()[0].SSRC()
		if how == "collides" {
			c.inject(1, marshal(t, &rtcp.ReceiverReport{SSRC: first}))
		}
		c.run(5 * time.Second)
		if left := c.byesOf(1, first) > 0; left != (how != "stays") {
			t.Fatalf("%s: the first SSRC has left: %v", how, left)
		}
		c.run(8 * time.Second)
		at := simtime.Never
		for _, e := range c.events[1] {
			if e.Kind == endpoints.BreakerLeaves {
				at = min(at, e.At)
			}
		}
		if at < simtime.At(12800*time.Millisecond) || at > simtime.At(14*time.Second) {
			t.Errorf("%s: the receiver leaves at %v", how, at)
		}
	}
}

// What waits in the pacer of a stream that ceases isn't sent any more; other streams'
// packets are.
func TestBreakerDropsWhatWaits(t *testing.T) {
	slow := func(end int, sc *endpoints.SessionConfig) {
		enforced(endpoints.BreakerConfig{})(end, sc)
		if cc, ok := sc.Controller.(*steady); ok {
			cc.target.Pacing = 350 * units.Kbps // of 400 kbit/s and audio
		}
	}
	c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}, edit: slow})
	c.lossy(1, 5*time.Second, everything)
	c.run(19 * time.Second)
	if n := c.ends[0].Held(); n < 50 {
		t.Fatalf("only %d packets wait", n)
	}
	c.run(3 * time.Second)
	e := c.wantTrip(breaker.ReportTimeout, 2)
	if n := c.ends[0].Held(); n > 0 {
		t.Errorf("%d packets wait after the trip", n)
	}
	if n := c.sentAfter(e.At.Add(25 * time.Millisecond)); n > 0 {
		t.Errorf("%d packets left after it", n)
	}
}
