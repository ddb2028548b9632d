package endpoints_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// RFC 5506: with reduced size agreed on, feedback goes by itself, only after a
// first compound packet; without, never.
//
// conformance: TIM-4.6-2, TIM-4.6-3, TIM-4.6-4
func TestReducedSize(t *testing.T) {
	type result struct {
		compound, single int
		size             float64 // mean of a packet with feedback, without reports
		messages         int     // with feedback
		longest          time.Duration
	}
	run := func(conf endpoints.RTCPConfig, f endpoints.Feedback) (r result) {
		conf.Bandwidth = 10 * units.Kbps
		c := newCall(t, setup{streams: []stream{audioFromA}, rtcp: conf, feedback: f})
		c.run(60 * time.Second)
		var bytes float64
		last := simtime.Time(0)
		for i, p := range c.rtcps(1) {
			_, sr := p.messages[0].(*rtcp.SenderReport)
			_, rr := p.messages[0].(*rtcp.ReceiverReport)
			if sr || rr {
				checkCompound(t, p.messages)
				r.compound++
				r.longest = max(r.longest, p.at.Sub(last))
				last = p.at
			} else {
				if i == 0 {
					t.Error("the first packet isn't compound")
				}
				r.single++
			}
			switch p.messages[len(p.messages)-1].(type) {
			case *rtcp.CCFeedbackReport, *rtcp.TransportLayerCC:
				r.messages++
				bytes += float64(p.tap.size)
			}
		}
		r.size = bytes / float64(r.messages)
		for i := range c.sessions {
			if n := c.sessions[i].Counts(); n.Malformed != 0 {
				t.Errorf("%+v", n)
			}
		}
		return r
	}
	avpf := endpoints.RTCPConfig{AVPF: true}
	reduced := endpoints.RTCPConfig{AVPF: true, ReducedSize: true}
	for _, f := range []endpoints.Feedback{endpoints.FeedbackRFC8888, endpoints.FeedbackTWCC} {
		with, without := run(reduced, f), run(avpf, f)
		if without.single != 0 || without.compound == 0 {
			t.Errorf("%s, not agreed: %+v", f, without)
		}
		if with.single == 0 || with.compound == 0 {
			t.Errorf("%s, agreed: %+v", f, with)
		}
		if with.messages <= without.messages || with.size >= without.size {
			t.Errorf("%s: %+v with reduced size, %+v without: want more and smaller packets", f, with, without)
		}
		// Regular reports go on: two members, some 130 bytes, 10 kbit/s make
		// Td 0.21 s; an early packet doubles the interval.
		if with.longest > 2*time.Second {
			t.Errorf("%s: %v without a compound packet", f, with.longest)
		}
		withTrr := reduced
		withTrr.TrrInterval = 4 * time.Second
		r := run(withTrr, f)
		if r.compound < 10 || r.single < 5*r.compound || r.longest > 6500*time.Millisecond {
			t.Errorf("%s, T_rr_interval 4 s: %+v", f, r)
		}
		// Never under AVP.
		r = run(endpoints.RTCPConfig{ReducedSize: true, Minimum: time.Second}, f)
		if r.single != 0 || r.compound < 40 {
			t.Errorf("%s, AVP: %+v", f, r)
		}
	}
}

// Congestion control feedback tells the controller the truth: each packet,
// its sizes and times, also with clocks that differ.
func TestFeedbackReachesController(t *testing.T) {
	for _, f := range []endpoints.Feedback{endpoints.FeedbackRFC8888, endpoints.FeedbackTWCC} {
		for _, offset := range []time.Duration{0, 37 * time.Second, -5 * time.Second, -400 * 24 * time.Hour} {
			t.Run(fmt.Sprintf("%s,%v", f, offset), func(t *testing.T) {
				conf := quick
				conf.ReducedSize, conf.Bandwidth = true, 60*units.Kbps
				c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}, rtcp: conf, feedback: f, offsets: [2]time.Duration{0, offset}})
				lost := map[uint64]bool{}
				n := uint64(0)
				c.path = func(p *tapped) []time.Duration {
					if p.from != 0 || p.isRTCP() {
						return []time.Duration{0}
					}
					n++
					switch {
					case n%10 == 0:
						lost[n-1] = true
						return nil
					case n%17 == 0: // reordered
						return []time.Duration{3 * time.Millisecond}
					}
					return []time.Duration{0}
				}
				c.run(10 * time.Second)
				results := map[uint64]ccontrolResult{}
				var first *time.Duration
				tolerance := 600 * time.Microsecond // half of 1/1024 s, and 15 µs
				if f == endpoints.FeedbackTWCC {
					tolerance = 130 * time.Microsecond // half of 250 µs
				}
				for _, r := range c.cc[0].reports {
					for _, p := range r.Packets {
						if _, twice := results[p.Seq]; twice && results[p.Seq].received {
							t.Fatalf("packet %d is reported twice", p.Seq)
						}
						results[p.Seq] = ccontrolResult{p.Received, p.Size}
						if !p.Received {
							continue
						}
						d := p.Arrival.Sub(p.Sent) - offset - 20*time.Millisecond
						// The receiver's clock is known up to the length of its
						// timestamp: 2^16 s, and 2^24·64 ms.
						wrap := 65536 * time.Second
						if f == endpoints.FeedbackTWCC {
							wrap = 1 << 24 * 64 * time.Millisecond
						}
						shift := (d + time.Second).Round(wrap)
						if first == nil {
							first = &shift
						} else if *first != shift {
							t.Fatalf("packet %d: arrival times jump by %v", p.Seq, shift-*first)
						}
						d -= shift
						if (p.Seq+1)%17 == 0 {
							d -= 3 * time.Millisecond
						}
						if d < -tolerance || d > tolerance {
							t.Fatalf("packet %d, sent at %v, arrived %v after the truth", p.Seq, p.Sent, d)
						}
						if f == endpoints.FeedbackRFC8888 && (r.RTT < 39*time.Millisecond || r.RTT > 44*time.Millisecond) {
							t.Fatalf("RTT %v", r.RTT)
						}
					}
				}
				sent := c.cc[0].sent
				missing := 0
				for _, s := range sent[:len(sent)-30] {
					r, ok := results[s.Seq]
					if !ok {
						missing++
						continue
					}
					if r.received == lost[s.Seq] || r.size != s.Size {
						t.Fatalf("packet %d: reported %+v, lost %v, size %v", s.Seq, r, lost[s.Seq], s.Size)
					}
				}
				if missing > 0 {
					t.Errorf("%d of %d packets were never reported", missing, len(sent))
				}
			})
		}
	}
}

type ccontrolResult struct {
	received bool
	size     units.Bytes
}
