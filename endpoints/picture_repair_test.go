package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/units"
)

// statistical is video whose key frames are larger than others.
var statistical = stream{name: "video", kind: endpoints.Video, from: "A", pt: 96, statistical: true}

// told returns what the second end has told about pictures.
func (c *call) told() (sli []rtcp.SLIEntry, rpsi []uint16) {
	for _, p := range c.rtcps(1) {
		for _, m := range p.messages {
			switch m := m.(type) {
			case *rtcp.SliceLossIndication:
				sli = append(sli, m.SLI...)
			case *wire.RPSI:
				id, long, ok := m.VP8PictureID()
				if !ok || !long || m.PayloadType != 96 {
					c.t.Errorf("%v isn't about a picture of VP8", m)
				}
				rpsi = append(rpsi, id)
			}
		}
	}
	return sli, rpsi
}

// repairSizes returns the sizes of frames that repaired a picture, of key frames but the
// first one, and the mean of all, from the first end's events.
func (c *call) repairSizes() (repaired, key []float64, mean float64) {
	frames := 0
	for i, e := range c.events[0] {
		switch e.Kind {
		case endpoints.PictureRepaired:
			repaired = append(repaired, float64(e.Size))
		case endpoints.FrameEncoded:
			frames++
			mean += float64(e.Size)
			if i > 0 && e.Key && frames > 1 {
				key = append(key, float64(e.Size))
			}
		default:
		}
	}
	return repaired, key, mean / float64(frames)
}

func average(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(max(len(x), 1))
}

// A receiver that lost a part of a frame says which, by macroblocks; the sender refreshes
// that part and what has become of it, in a frame that is larger than others and smaller
// than a key frame. The picture is whole a round trip later, without a key frame.
// Without slices there is one for each loss, and more is lost.
//
// conformance: CNF-5.1.3-1
func TestSliceLoss(t *testing.T) {
	var useless [2]int
	var partial, whole float64
	for i, sli := range []bool{false, true} {
		c := newCall(t, setup{
			streams: []stream{statistical, talkback}, rate: units.Mbps, rtcp: brisk,
			repair: endpoints.RepairConfig{Decoder: true, Refresh: endpoints.RefreshPLI, SLI: sli},
		})
		n, lost := 0, 0
		c.drop(func(uint16, bool) bool {
			if n++; n > 100 && n%100 == 0 {
				lost++
				return true
			}
			return false
		})
		c.run(60 * time.Second)
		entries, _ := c.told()
		a, b := c.sessions[0].RepairCounts(), c.sessions[1].RepairCounts()
		repaired, key, mean := c.repairSizes()
		useless[i] = c.count(1, endpoints.FrameUndecodable)
		if !sli {
			whole = average(key)
			if len(entries)+len(repaired) != 0 || len(key) < lost-2 {
				t.Errorf("without slices: %d entries, %d repairs, %d key frames for %d losses", len(entries), len(repaired), len(key), lost)
			}
			continue
		}
		partial = average(repaired)
		if len(repaired) < lost-2 || len(key) != 0 || b.RefreshesSent != 0 || a.SlicesHeard != b.SlicesSent {
			t.Errorf("%d losses, %d repairs, %d key frames; %+v, %+v", lost, len(repaired), len(key), a, b)
		}
		if partial < 1.2*mean || partial > 0.7*whole {
			t.Errorf("a repair has %.0f octets, a key frame %.0f, the mean frame %.0f", partial, whole, mean)
		}
		for _, e := range entries {
			if e.First < 1 || e.Number < 300 || int(e.First)+int(e.Number) > 3601 { // one packet of five or six
				t.Errorf("lost: %+v", e)
			}
		}
	}
	if useless[1] > useless[0]*3/4 || useless[1] == 0 {
		t.Errorf("%d frames were useless with slices, %d without", useless[1], useless[0])
	}
}

// What is damaged spreads while the sender doesn't know, so that a longer way makes
// repairs larger, up to a key frame.
//
// conformance: CNF-5.1.3-1
func TestSlicesFarAway(t *testing.T) {
	last := 0.0
	for _, delay := range []time.Duration{10 * time.Millisecond, 150 * time.Millisecond, 400 * time.Millisecond} {
		c := newCall(t, setup{
			streams: []stream{statistical, talkback}, rate: units.Mbps, rtcp: brisk, delay: delay,
			repair: endpoints.RepairConfig{Decoder: true, Refresh: endpoints.RefreshPLI, SLI: true},
		})
		n := 0
		c.drop(func(uint16, bool) bool { n++; return n > 100 && n%200 == 0 })
		c.run(60 * time.Second)
		repaired, _, mean := c.repairSizes()
		size := average(repaired)
		if len(repaired) < 25 || size < 1.05*last || size > 3.3*mean {
			t.Errorf("delay %v: %d repairs of %.0f octets, after %.0f; the mean frame has %.0f", delay, len(repaired), size, last, mean)
		}
		last = size
	}
}

// SLI that is lost is repeated, and after three times a key frame is asked for. One that
// repeats what has been refreshed meanwhile refreshes nothing.
//
// conformance: CNF-5.1.3-1
func TestLostSLI(t *testing.T) {
	for _, deaf := range []int{0, 1, 10} {
		c := newCall(t, setup{
			streams: []stream{statistical, talkback}, rate: units.Mbps, rtcp: brisk,
			repair: endpoints.RepairConfig{Decoder: true, Refresh: endpoints.RefreshPLI, SLI: true},
		})
		n, told := 0, 0
		c.path = func(p *tapped) []time.Duration {
			var h rtp.Header
			if p.from == 1 && p.isRTCP() {
				for _, m := range c.parse(p.payload) {
					if _, ok := m.(*rtcp.SliceLossIndication); ok {
						if told++; told <= deaf {
							return nil
						}
					}
				}
			} else if _, err := h.Unmarshal(p.payload); p.from == 0 && err == nil && h.PayloadType == 96 && !p.isRTCP() {
				if n++; n == 300 {
					return nil
				}
			}
			return []time.Duration{0}
		}
		c.run(10 * time.Second)
		a, b := c.sessions[0].RepairCounts(), c.sessions[1].RepairCounts()
		want := endpoints.RepairCounts{SlicesSent: min(uint64(deaf)+1, 3), RefreshesSent: uint64(deaf / 10)}
		if b.SlicesSent != want.SlicesSent || b.RefreshesSent != want.RefreshesSent || a.PicturesRepaired != 1-want.RefreshesSent {
			t.Errorf("%d SLI lost: %+v, %+v", deaf, a, b)
		}
		if shown := c.count(1, endpoints.FrameRendered); shown < 220 {
			t.Errorf("%d SLI lost: %d frames shown", deaf, shown)
		}
	}
}

// Where RTCP is scarce a key frame is asked for after the time that three SLIs would take
// elsewhere, not after three.
func TestLostSLIWhereRTCPIsScarce(t *testing.T) {
	c := newCall(t, setup{
		streams: []stream{statistical, talkback}, rate: units.Mbps, rtcp: endpoints.RTCPConfig{AVPF: true, Bandwidth: 4 * units.Kbps, ReducedSize: true},
		repair: endpoints.RepairConfig{Decoder: true, Refresh: endpoints.RefreshPLI, SLI: true},
	})
	n := 0
	c.drop(func(uint16, bool) bool { n++; return n == 300 })
	kept := c.path
	c.path = func(p *tapped) []time.Duration {
		if p.from == 1 && p.isRTCP() {
			for _, m := range c.parse(p.payload) {
				if _, ok := m.(*rtcp.SliceLossIndication); ok {
					return nil
				}
			}
		}
		return kept(p)
	}
	c.run(20 * time.Second)
	if b := c.sessions[1].RepairCounts(); b.SlicesSent == 0 || b.SlicesSent > 2 || b.RefreshesSent == 0 {
		t.Errorf("%d SLIs and %d PLIs", b.SlicesSent, b.RefreshesSent)
	}
	for _, e := range c.events[1] {
		if e.Kind == endpoints.PictureFrozen && e.Delay > 1500*time.Millisecond {
			t.Errorf("frozen for %v", e.Delay)
		}
	}
}

// A receiver that lost a picture names the last one before it; the next frame is predicted
// from that. It is larger than others, by the age of the reference, which is that of the
// round trip, and smaller than a key frame. No key frame is asked for.
//
// conformance: CNF-5.1.4-1
func TestReferenceSelection(t *testing.T) {
	last := 0.0
	for _, delay := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
		c := newCall(t, setup{
			streams: []stream{statistical, talkback}, rate: units.Mbps, rtcp: brisk, delay: delay,
			repair: endpoints.RepairConfig{Decoder: true, Refresh: endpoints.RefreshPLI, RPSI: endpoints.RPSIOnLoss},
		})
		n, lost := 0, 0
		c.drop(func(uint16, bool) bool {
			if n++; n > 100 && n%300 == 0 {
				lost++
				return true
			}
			return false
		})
		c.run(60 * time.Second)
		_, rpsi := c.told()
		a, b := c.sessions[0].RepairCounts(), c.sessions[1].RepairCounts()
		repaired, key, mean := c.repairSizes()
		size := average(repaired)
		if len(repaired) < lost-1 || len(rpsi) < lost-1 || len(key) != 0 || b.RefreshesSent != 0 || a.ReferencesHeard > b.ReferencesSent {
			t.Errorf("delay %v: %d losses, %d RPSI, %d repairs, %d key frames; %+v, %+v", delay, lost, len(rpsi), len(repaired), len(key), a, b)
		}
		// Frames since the reference: a round trip, and what it takes to notice.
		older := 2*delay.Seconds()*25 + 2
		model := 1 + 2.24*older/(older+8)
		if size < 1.1*last || size < 0.85*model*mean || size > 1.15*model*mean || size > 3.1*mean {
			t.Errorf("delay %v: repairs of %.0f octets, before %.0f, want %.0f; the mean frame has %.0f", delay, size, last, model*mean, mean)
		}
		if useless := c.count(1, endpoints.FrameUndecodable); useless > lost*(int(older)+3) {
			t.Errorf("delay %v: %d frames useless for %d losses", delay, useless, lost)
		}
		last = size
	}
}

// With acknowledgements the sender goes on from the last picture that was acknowledged
// when SLI tells of a loss (RFC 7741 §5.2). In a group nobody acknowledges, nor heeds
// it if somebody does (RFC 4585 §6.3.3.1); parts are refreshed then.
//
// conformance: CNF-5.1.4-1
func TestAcknowledgedReferences(t *testing.T) {
	for _, group := range []bool{false, true} {
		c := newCall(t, setup{
			streams: []stream{statistical, talkback}, rate: units.Mbps, rtcp: brisk,
			repair: endpoints.RepairConfig{Decoder: true, Refresh: endpoints.RefreshPLI, SLI: true, RPSI: endpoints.RPSIAcknowledge},
		})
		if group { // somebody else has a CNAME of its own
			for end := range c.sessions {
				c.inject(end, marshal(t, &rtcp.ReceiverReport{SSRC: 7}, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
					Source: 7, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "third"}},
				}}}))
			}
			c.run(time.Second)
		}
		n, lost := 0, 0
		c.drop(func(uint16, bool) bool {
			if n++; n > 100 && n%300 == 0 {
				lost++
				return true
			}
			return false
		})
		_, before := c.told()
		c.run(30 * time.Second)
		_, rpsi := c.told()
		rpsi = rpsi[len(before):]
		distant, parts := 0, 0
		for _, p := range c.rtps() {
			if p.PayloadType == 96 {
				reference, number := marksOf(p.Payload)
				if reference {
					distant++
				}
				if number > 0 {
					parts++
				}
			}
		}
		a := c.sessions[0].RepairCounts()
		if group && (len(rpsi) != 0 || distant != 0 || parts < lost-1) || !group && (len(rpsi) < 50 || distant < lost-1 || parts != 0) {
			t.Errorf("group: %v; %d losses, %d RPSI, %d frames from older pictures, %d refresh parts; %+v", group, lost, len(rpsi), distant, parts, a)
		}
		if group { // somebody acknowledges all the same
			c.inject(0, marshal(t, wire.NewVP8RPSI(c.sessions[1].Sections()[0].SSRC(), c.sessions[0].Sections()[0].SSRC(), 96, 1, true)))
			c.inject(0, marshal(t, &rtcp.SliceLossIndication{
				SenderSSRC: c.sessions[1].Sections()[0].SSRC(), MediaSSRC: c.sessions[0].Sections()[0].SSRC(), SLI: []rtcp.SLIEntry{{First: 1, Number: 100}},
			}))
			c.run(time.Second)
			for _, p := range c.rtps() {
				if p.PayloadType == 96 {
					if reference, _ := marksOf(p.Payload); reference {
						t.Fatal("an acknowledgement in a group counts")
					}
				}
			}
		}
	}
}

// marksOf reads from a packet of VP8 with marks whether its frame is predicted from an
// older picture, and how many macroblocks it refreshes; nothing of packets that aren't
// the first.
func marksOf(payload []byte) (distant bool, refreshed int) {
	const descriptor, frame, key, trace = 4, 3, 10, 8
	if payload[0]&0x10 == 0 {
		return false, 0
	}
	at := descriptor + frame + trace + 4
	if payload[descriptor]&1 == 0 {
		at += key - frame
	}
	return payload[at]&0x80 != 0, int(payload[at+4])<<8 | int(payload[at+5])
}

// Who can't repair a part makes a key frame.
//
// conformance: CNF-5.1.3-1, CNF-5.1.4-1
func TestNothingToRepairWith(t *testing.T) {
	c := newCall(t, setup{streams: []stream{statistical}, rate: units.Mbps, rtcp: brisk})
	c.run(3 * time.Second)
	from, to := c.sessions[1].Sections()[0].SSRC(), c.sessions[0].Sections()[0].SSRC()
	c.inject(0, marshal(t, &rtcp.SliceLossIndication{SenderSSRC: from, MediaSSRC: to, SLI: []rtcp.SLIEntry{{First: 1, Number: 100}}}))
	c.run(time.Second)
	a := c.sessions[0].RepairCounts()
	_, key, _ := c.repairSizes()
	if a.RefreshesObeyed != 1 || a.PicturesRepaired != 0 || len(key) != 1 {
		t.Errorf("%+v, %d key frames", a, len(key))
	}
}

// NACK goes before: what is sent again in time isn't told as lost. Nor is what is only
// out of order.
//
// conformance: CNF-5.1.3-1, CNF-5.1.4-1
func TestToldOnlyIfLost(t *testing.T) {
	again := statistical
	again.rtx = 97
	for _, rpsi := range []endpoints.RPSI{endpoints.RPSINone, endpoints.RPSIOnLoss} {
		r := endpoints.DefaultRepair()
		r.SLI, r.RPSI = true, rpsi
		c := newCall(t, setup{streams: []stream{again, talkback}, rate: units.Mbps, rtcp: brisk, repair: r, delay: 5 * time.Millisecond})
		n := 0
		c.path = func(p *tapped) []time.Duration {
			var h rtp.Header
			if _, err := h.Unmarshal(p.payload); p.from == 0 && !p.isRTCP() && err == nil && h.PayloadType == 96 {
				switch n++; {
				case n > 100 && n%50 == 0:
					return nil
				case n > 100 && n%50 == 25:
					return []time.Duration{8 * time.Millisecond}
				}
			}
			return []time.Duration{0}
		}
		c.run(20 * time.Second)
		b := c.sessions[1].RepairCounts()
		if b.SlicesSent+b.ReferencesSent+b.RefreshesSent != 0 || b.Restored < 40 {
			t.Errorf("%+v", b)
		}
	}
}

// NACKs may steer the encoder: nothing is sent again, the next frame is predicted from the
// picture before what is lost. Repeated ones don't, once it has been.
//
// conformance: ROB-6.1-4
func TestNACKSteersTheEncoder(t *testing.T) {
	for _, steers := range []bool{true, false} {
		again := statistical
		again.rtx = 97
		r := endpoints.DefaultRepair()
		r.NACKSteers = steers
		c := newCall(t, setup{streams: []stream{again, talkback}, rate: units.Mbps, rtcp: brisk, repair: r, delay: 10 * time.Millisecond})
		n, lost := 0, 0
		c.drop(func(uint16, bool) bool {
			if n++; n > 100 && n%200 == 0 {
				lost++
				return true
			}
			return false
		})
		c.run(40 * time.Second)
		a, b := c.sessions[0].RepairCounts(), c.sessions[1].RepairCounts()
		repaired, key, mean := c.repairSizes()
		if !steers {
			if len(repaired) != 0 || a.Retransmitted == 0 {
				t.Errorf("%d repairs; %+v", len(repaired), a)
			}
			continue
		}
		if len(repaired) < lost-1 || len(repaired) > lost+2 || len(key) != 0 || a.Retransmitted != 0 || b.RefreshesSent != 0 {
			t.Errorf("%d losses, %d repairs, %d key frames; %+v, %+v", lost, len(repaired), len(key), a, b)
		}
		if size := average(repaired); size < 1.1*mean || size > 2.2*mean {
			t.Errorf("repairs of %.0f octets; the mean frame has %.0f", size, mean)
		}
	}
}
