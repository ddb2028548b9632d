package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/units"
)

// A receiver asks for fewer and better pictures, repeats that until it is answered,
// and gets them at the same bit rate; every request is answered with the index in use
// (RFC 5104 §4.3.2, §4.3.3).
//
// conformance: CNF-5.1.5-1
func TestTradeOff(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA}})
	lost := 0
	c.path = func(p *tapped) []time.Duration {
		if p.from == 0 && p.isRTCP() && lost < 2 {
			for _, m := range c.parse(p.payload) {
				if _, ok := m.(*wire.TSTN); ok {
					lost++
					return nil
				}
			}
		}
		return []time.Duration{0}
	}
	frames := func() (n int, size units.Bytes) {
		for _, e := range c.events[0] {
			if e.Kind == endpoints.FrameEncoded && e.At > c.now.Add(-4*time.Second) {
				n++
				size += e.Size
			}
		}
		return n, size
	}
	c.run(5 * time.Second)
	before, rateBefore := frames()
	c.sessions[1].Sections()[0].TradeOff(0)
	c.run(6 * time.Second)
	low, rateLow := frames()
	c.sessions[1].Sections()[0].TradeOff(31)
	c.run(6 * time.Second)
	after, _ := frames()
	if before != 100 || low < 24 || low > 26 || after != 100 {
		t.Errorf("%d, %d, then %d frames in 4 s; want 100, a quarter, 100", before, low, after)
	}
	if float64(rateLow) < 0.95*float64(rateBefore) || float64(rateLow) > 1.05*float64(rateBefore) {
		t.Errorf("%v in 4 s, %v before", rateLow, rateBefore)
	}
	requests, answers := map[wire.TradeOff]int{}, map[wire.TradeOff]int{}
	for _, p := range c.rtcps(1) {
		for _, m := range p.messages {
			if r, ok := m.(*wire.TSTR); ok {
				requests[wire.TradeOff{Seq: r.TradeOffs[0].Seq, Index: r.TradeOffs[0].Index}]++
			}
		}
	}
	for _, p := range c.rtcps(0) {
		for _, m := range p.messages {
			if n, ok := m.(*wire.TSTN); ok {
				for _, a := range n.TradeOffs {
					if a.SSRC != c.sessions[1].Sections()[0].SSRC() {
						t.Errorf("an answer to %x", a.SSRC)
					}
					answers[wire.TradeOff{Seq: a.Seq, Index: a.Index}]++
				}
			}
		}
	}
	for _, r := range []wire.TradeOff{{Seq: 1, Index: 0}, {Seq: 2, Index: 31}} {
		if requests[r] == 0 || answers[r] != requests[r] {
			t.Errorf("index %d: %d requests, %d answers", r.Index, requests[r], answers[r])
		}
	}
	if requests[wire.TradeOff{Seq: 1, Index: 0}] < 2 {
		t.Errorf("%d requests though the answers were lost", requests[wire.TradeOff{Seq: 1, Index: 0}])
	}
}

// A receiver that can't synchronise a stream asks for an SR and gets one without
// waiting for the regular time (RFC 6051 §3.2).
//
// conformance: HDR-5.2.1-3
func TestRapidResynchronisation(t *testing.T) {
	slow := endpoints.RTCPConfig{AVPF: true, Bandwidth: 16 * units.Kbps, TrrInterval: 5 * time.Second, ReducedSize: true}
	c := newCall(t, setup{streams: []stream{videoFromA}, rtcp: slow})
	c.run(10 * time.Second)
	ssrc := c.sessions[0].Sections()[0].SSRC()
	b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.RapidResynchronizationRequest{SenderSSRC: c.sessions[1].Sections()[0].SSRC(), MediaSSRC: ssrc}})
	if err != nil {
		t.Fatal(err)
	}
	n := len(c.srs(ssrc))
	c.inject(0, b)
	c.run(10 * time.Millisecond)
	if got := len(c.srs(ssrc)); got != n+1 {
		t.Errorf("%d SRs, %d before the request", got, n)
	}
}
