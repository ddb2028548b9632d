package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// lose drops media of the first end by a function of its sequence number and payload.
func (c *call) lose(pick func(h *rtp.Header, payload []byte) bool) {
	c.path = func(p *tapped) []time.Duration {
		var h rtp.Header
		if p.from != 0 || p.isRTCP() {
			return []time.Duration{0}
		}
		n, err := h.Unmarshal(p.payload)
		if err != nil {
			c.t.Fatal(err)
		}
		if pick(&h, p.payload[n:]) {
			return nil
		}
		return []time.Duration{0}
	}
}

// Packets of audio repeat as many frames as they are told to, without a stream for it;
// what is lost comes with the next packets, however long the way, and with the right
// sequence number and time. A loss of more in a row leaves the first ones missing.
//
// conformance: ROB-6.2-2
func TestRedundantAudio(t *testing.T) {
	for _, tt := range []struct{ repeats, burst, stays int }{{0, 1, 1}, {1, 1, 0}, {2, 2, 0}, {1, 2, 1}, {2, 3, 1}} {
		c := newCall(t, setup{
			streams: []stream{{name: "voice", kind: endpoints.Audio, from: "A", pt: 111, red: 63, repeats: tt.repeats}},
			delay:   300 * time.Millisecond, protection: protect.Full,
			extensions: []headerext.Entry{{ID: 1, URI: headerext.AudioLevel.URI()}},
		})
		n, lost := 0, 0
		c.lose(func(*rtp.Header, []byte) bool {
			if n++; n >= 100 && n%50 < tt.burst && n < 900 {
				lost++
				return true
			}
			return false
		})
		c.run(20 * time.Second)
		k, r := c.sessions[1].Counts(), c.sessions[1].RepairCounts()
		want := uint64(lost / tt.burst * (tt.burst - tt.stays))
		if lost == 0 || r.FECRecovered != want || r.Restored != want || k.Malformed+k.Unassociated+k.AuthFailed != 0 {
			t.Errorf("%+v: %d packets lost, %d recovered, want %d; %+v", tt, lost, r.FECRecovered, want, k)
		}
		// Each frame is played 20 ms after the one before.
		var last simtime.Time
		played, gaps := 0, 0
		for _, e := range c.events[1] {
			if e.Kind != endpoints.FrameRendered {
				continue
			}
			captured := e.At.Add(-e.Delay)
			if played++; played > 1 && captured.Sub(last) != 20*time.Millisecond {
				gaps++
			}
			last = captured
		}
		if n := c.count(1, endpoints.FrameConcealed); tt.stays == 0 && n > 2 {
			t.Errorf("%+v: %d frames concealed", tt, n)
		}
		if wantGaps := lost / tt.burst * min(tt.stays, 1); gaps != wantGaps || played < 900 {
			t.Errorf("%+v: %d frames played, with %d gaps, want %d", tt, played, gaps, wantGaps)
		}
	}
}

// A change of codec without signalling goes on with redundant data; another clock has
// another payload type for it, and doesn't repeat what was before it.
//
// conformance: ROB-6.2-2, PT-4.3-3
func TestRedundantSpeech(t *testing.T) {
	sp := talk(audio.Always(), false, endpoints.Switch{At: simtime.At(5 * time.Second), Voice: 1})
	c := newCall(t, setup{streams: []stream{{name: "voice", kind: endpoints.Audio, from: "A", pt: 111, speaker: sp, red: 63, repeats: 1}}})
	n, lost := 0, 0
	types := map[uint8]int{}
	c.lose(func(h *rtp.Header, _ []byte) bool {
		types[h.PayloadType]++
		if n++; n > 20 && n%10 == 0 && (n < 240 || n > 260) && n < 480 {
			lost++
			return true
		}
		return false
	})
	c.run(10 * time.Second)
	r := c.sessions[1].RepairCounts()
	if len(types) != 2 || types[63] < 240 || types[62] < 240 || r.FECRecovered != uint64(lost) {
		t.Errorf("packets by type: %v; %d lost, %d recovered", types, lost, r.FECRecovered)
	}
	if n := c.sessions[1].Counts(); n.Malformed != 0 {
		t.Errorf("%+v", n)
	}
}

// guardedRED is video with repair packets in its own stream.
var guardedRED = stream{name: "video", kind: endpoints.Video, from: "A", pt: 96, red: 116, ulpfec: 117}

// Video in packets with redundant data has repair packets among its own, with the same
// SSRC; they give back what is lost, header extensions that are written when a packet
// leaves notwithstanding. Repair packets that are lost hold no frame up and aren't
// asked for.
//
// conformance: ROB-6.2-2, ROB-6.2-3
func TestRedundantVideo(t *testing.T) {
	for _, tt := range []struct {
		rate   units.BitRate
		nack   bool
		repair bool // repair packets are lost, too
	}{{units.Mbps, false, true}, {units.Mbps, true, false}, {30 * units.Mbps, false, true}} {
		s := setup{
			streams: []stream{guardedRED, talkback}, rate: tt.rate, rtcp: brisk, delay: 200 * time.Millisecond,
			protection: protect.Full, feedback: endpoints.FeedbackTWCC, extensions: withMID,
			repair: endpoints.RepairConfig{FEC: 0.25, Decoder: true, Refresh: endpoints.RefreshPLI},
		}
		s.streams[0].rtx = 0
		if tt.nack {
			s.repair = endpoints.DefaultRepair()
			s.repair.FEC, s.delay = 0.25, 5*time.Millisecond
			s.streams[0].rtx = 97
		}
		c := newCall(t, s)
		m := c.sessions[0].Sections()[0]
		random := rng.New(3).Stream("loss")
		media, repairs, lost, lostRepairs := 0, 0, 0, 0
		c.lose(func(h *rtp.Header, _ []byte) bool {
			if h.SSRC != m.SSRC() || h.PayloadType != 116 {
				return false
			}
			repair := m.IsRepair(h.SequenceNumber)
			drop := c.now > 1e9 && c.now < 9e9 && random.Bool(0.005)
			if repair {
				repairs++
			} else {
				media++
			}
			switch {
			case drop && repair && tt.repair:
				lostRepairs++
				return true
			case drop && !repair && !tt.nack:
				lost++
				return true
			case repair && tt.nack: // all of them, and nothing else
				lostRepairs++
				return true
			}
			return false
		})
		c.run(10 * time.Second)
		if share := float64(repairs) / float64(media); share < 0.24 || share > 0.26 {
			t.Errorf("%+v: %d repair packets for %d of media", tt, repairs, media)
		}
		a, b := c.sessions[0].RepairCounts(), c.sessions[1].RepairCounts()
		if a.FECSent != uint64(repairs) || float64(b.FECRecovered) < 0.9*float64(lost) || lostRepairs == 0 {
			t.Errorf("%+v: %d lost, %d recovered, %d of %d repair packets lost", tt, lost, b.FECRecovered, lostRepairs, a.FECSent)
		}
		if tt.nack && (b.Requested != 0 || b.RefreshesSent != 0) {
			t.Errorf("repair packets were asked for: %+v", b)
		}
		if n := c.sessions[1].Counts(); n.Malformed+n.Unassociated+n.AuthFailed != 0 {
			t.Errorf("%+v: %+v", tt, n)
		}
		late := 0
		for _, e := range c.events[1] {
			if e.Kind == endpoints.FrameRendered && e.Delay > s.delay+20*time.Millisecond {
				late++ // it waited for something
			}
		}
		shown := c.count(1, endpoints.FrameRendered)
		if shown < 225 || tt.rate == units.Mbps && late > lost+5 {
			t.Errorf("%+v: %d frames shown, %d of them late, %d packets lost", tt, shown, late, lost)
		}
	}
}

// What goes in packets with redundant data can be sent again as it was.
//
// conformance: ROB-6.1-5
func TestRetransmittedRedundancy(t *testing.T) {
	guarded := guardedRED
	guarded.rtx = 97
	r := endpoints.DefaultRepair()
	r.FEC = 0.1
	c := newCall(t, setup{streams: []stream{guarded, talkback}, rtcp: brisk, repair: r, delay: 5 * time.Millisecond, rate: units.Mbps})
	m := c.sessions[0].Sections()[0]
	n, lost := 0, 0
	c.lose(func(h *rtp.Header, _ []byte) bool {
		if h.PayloadType != 116 || m.IsRepair(h.SequenceNumber) {
			return false
		}
		if n++; n > 50 && n%40 < 3 && c.now < 9e9 { // more than the repair packets give back
			lost++
			return true
		}
		return false
	})
	c.run(10 * time.Second)
	b := c.sessions[1].RepairCounts()
	if b.Restored != uint64(lost) || lost == 0 || b.Restored == b.FECRecovered {
		t.Errorf("%d packets lost: %+v", lost, b)
	}
	if n := c.count(1, endpoints.FrameRendered); n < 248 {
		t.Errorf("%d frames shown", n)
	}
}
