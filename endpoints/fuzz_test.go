package endpoints

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/ecn"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/wire"
	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

type noControl struct{ ccontrol.NoTimeout }

func (noControl) OnFeedback(simtime.Time, *ccontrol.Report) {}
func (noControl) Target() ccontrol.Target                   { return ccontrol.Target{Media: 1e6, Pacing: 1e7} }

// someEstimate rises with every packet, and falls now and then.
type someEstimate struct {
	ccontrol.NoTimeout
	packets int
	ssrc    uint32
}

func (e *someEstimate) OnArrival(_ simtime.Time, a ccontrol.Arrival) {
	e.packets, e.ssrc = e.packets+1, a.SSRC
}
func (*someEstimate) OnRTT(time.Duration)       {}
func (e *someEstimate) Estimate() units.BitRate { return units.BitRate(e.packets%50) * units.Mbps }

func (e *someEstimate) Streams(list []uint32) []uint32 { return append(list, e.ssrc, 7) }

// fuzzEndpoint sends audio and video without protection, so that every octet
// gets to the parsers.
func fuzzEndpoint(pool *packet.Pool, feedback Feedback) *Endpoint {
	random := rng.New(1)
	e := New(Config{Name: "A", Addr: 1, Pool: pool, Random: random})
	v := encoder.VideoConfig{Min: 1e5, Max: 3e5, Start: 3e5, FPS: 25, Layers: 3}
	video := VP8(96)
	video.RTX, video.RED, video.ULPFEC = 98, 116, 117
	repair := DefaultRepair()
	repair.Adaptive, repair.SLI, repair.RPSI = true, true, RPSIOnLoss
	opus := Opus(97)
	opus.InBandFEC, opus.RED = true, 63
	_, err := e.Connect(0, ConnectionConfig{Peer: "B", LipSync: true, Sessions: []SessionConfig{{
		Local: packet.Addr{IP: 1, Port: 1}, Remote: packet.Addr{IP: 2, Port: 2},
		Sections: []SectionConfig{
			{Name: "video", Kind: Video, Formats: []Format{video}, Send: &SendConfig{
				Encoder: encoder.NewPerfect(v, 0), Stop: simtime.Never, PacketSize: 1200, Layers: 3, FEC: 0.3,
				Model: NewStreamModel(Video, 3e5, 3e5, 3e5, 25, 1200, 10, 0),
			}},
			{Name: "audio", Kind: Audio, Formats: []Format{opus, PCMU(), DVI4(), CN()}, Send: &SendConfig{
				Encoder: encoder.NewAudio(64e3, 20*time.Millisecond, 0), Stop: simtime.Never, PacketSize: 1200, Repeats: 2,
				Model: NewStreamModel(Audio, 64e3, 64e3, 64e3, 50, 1200, 10, 0),
			}},
		},
		Protection: protect.None, Keying: keying.NewPreshared(random, "A", "B"),
		RTCP:   RTCPConfig{AVPF: true, Bandwidth: 50e3, ReducedSize: true, Aggregate: true, Groups: true},
		Repair: repair, Extensions: fuzzExtensions,
		ExtendedReports: ExtendedReports{
			ReferenceTime: true, LossRLE: true, DuplicateRLE: true, ReceiptTimes: true, Summary: true, VoIPMetrics: true,
		},
		Feedback: feedback, FeedbackInterval: 20 * time.Millisecond, ECN: packet.ECT0,
		Controller: noControl{}, Estimator: &someEstimate{}, PlayoutDelay: 100 * time.Millisecond,
		Breakers: BreakerConfig{Mode: ObserveBreaker},
	}}})
	if err != nil {
		panic(err)
	}
	return e
}

var fuzzExtensions = []headerext.Entry{
	{ID: 1, URI: headerext.AudioLevel.URI()},
	{ID: 2, URI: headerext.AbsSendTime.URI()},
	{ID: 4, URI: headerext.MID.URI()},
	{ID: 6, URI: headerext.NTP64.URI()},
	{ID: 7, URI: headerext.TransmissionOffset.URI()},
}

// real returns packets as an endpoint makes them.
func realPackets(feedback Feedback) (out [][]byte) {
	var pool packet.Pool
	e := fuzzEndpoint(&pool, feedback)
	for now := simtime.Time(0); now < simtime.At(500*time.Millisecond); now = now.Add(5 * time.Millisecond) {
		e.HandleTimeout(now)
		for p := e.PollPacket(now); p != nil; p = e.PollPacket(now) {
			out = append(out, bytes.Clone(p.Payload))
			p.Src, p.Dst = p.Dst, p.Src // hear oneself, for feedback
			e.HandlePacket(now, p)
		}
	}
	return out
}

// FuzzHandlePacket feeds an endpoint packets, each after its length in two
// octets. Nothing may panic, packets must not get lost, deadlines lie ahead.
func FuzzHandlePacket(f *testing.F) {
	frame := func(list ...[]byte) (out []byte) {
		for _, b := range list {
			out = binary.BigEndian.AppendUint16(out, uint16(len(b)))
			out = append(out, b...)
		}
		return out
	}
	for _, feedback := range []Feedback{FeedbackRFC8888, FeedbackTWCC, FeedbackREMB, FeedbackECN} {
		list := realPackets(feedback)
		for _, b := range list[:min(len(list), 12)] {
			f.Add(frame(b))
		}
		for _, b := range list {
			if b[1] >= 192 && b[1] <= 223 {
				f.Add(frame(b, b))
			}
		}
	}
	for _, m := range []rtcp.Packet{
		&rtcp.Goodbye{Sources: []uint32{1, 2}}, &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 2},
		&rtcp.ExtendedReport{SenderSSRC: 1}, &rtcp.TransportLayerNack{SenderSSRC: 1, Nacks: []rtcp.NackPair{{PacketID: 9}}},
		&rtcp.FullIntraRequest{SenderSSRC: 1, FIR: []rtcp.FIREntry{{SSRC: 2, SequenceNumber: 3}}},
		&wire.TMMBR{SenderSSRC: 1, Limits: []wire.Limit{{SSRC: 2, MxTBR: 1e5, Overhead: 40}}},
		&wire.TMMBN{SenderSSRC: 1, Limits: []wire.Limit{{SSRC: 2, MxTBR: 1e5, Overhead: 40}}},
		&wire.RGRS{SenderSSRC: 1, ReportingSources: []uint32{2}},
		&wire.ECNFeedback{SenderSSRC: 9, MediaSSRC: 7, Highest: 5, Counters: ecn.Counters{ECT0: 3, CE: 2, Lost: 1}},
		&rtcp.ExtendedReport{SenderSSRC: 9, Reports: []rtcp.ReportBlock{xr.ECNSummary([]xr.ECNSource{{SSRC: 7, Counters: ecn.Counters{CE: 9}}})}},
		&rtcp.CCFeedbackReport{SenderSSRC: 9, ReportBlocks: []rtcp.CCFeedbackReportBlock{{MediaSSRC: 7, MetricBlocks: make([]rtcp.CCFeedbackMetricBlock, 3)}}},
	} {
		if b, err := m.Marshal(); err == nil {
			f.Add(frame(b))
		}
	}
	h := rtp.Header{Version: 2, Padding: true, Extension: true, CSRC: []uint32{1, 2}, PayloadType: 97, ExtensionProfile: 0xbede}
	_ = h.SetExtension(3, []byte{1, 2})
	if b, err := h.Marshal(); err == nil {
		f.Add(frame(append(b, make([]byte, 20)...)))
	}
	f.Add([]byte{})
	// A report without blocks, and RFC 8888's feedback that is nothing but its head.
	f.Add(frame([]byte{0x80, 201, 0, 1, 0, 0, 0, 9, 0x8b, 205, 0, 0}))

	f.Fuzz(func(t *testing.T, data []byte) {
		for _, feedback := range []Feedback{FeedbackRFC8888, FeedbackTWCC, FeedbackREMB, FeedbackECN} {
			var pool packet.Pool
			e := fuzzEndpoint(&pool, feedback)
			now := simtime.Time(0)
			step := func() {
				for p := e.PollPacket(now); p != nil; p = e.PollPacket(now) {
					pool.Release(p)
				}
				for _, ok := e.PollEvent(); ok; _, ok = e.PollEvent() {
				}
			}
			tick := func() {
				e.HandleTimeout(now)
				step()
				if at, why := e.NextTimeout(); at <= now {
					t.Fatalf("deadline %v, reason %d, at %v", at, why, now)
				}
			}
			rest := data
			for n := 0; len(rest) >= 2 && n < 30; n++ {
				size := min(int(binary.BigEndian.Uint16(rest)), len(rest)-2, 2000)
				p := pool.New()
				copy(p.SetPayload(size), rest[2:2+size])
				p.Src, p.Dst = packet.Addr{IP: 2, Port: 2}, packet.Addr{IP: 1, Port: 1}
				rest = rest[2+size:]
				e.HandlePacket(now, p)
				step()
				tick()
				now = now.Add(7 * time.Millisecond)
			}
			for range 60 { // what was received ends up in reports
				tick()
				now = now.Add(50 * time.Millisecond)
			}
			if got := pool.Outstanding(); got != e.Held() {
				t.Fatalf("%d packets are out, the endpoint holds %d", got, e.Held())
			}
		}
	})
}

// FuzzStripPadding checks that what is left is the packet without its padding,
// for whatever is put in.
func FuzzStripPadding(f *testing.F) {
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 1})
	f.Add([]byte{0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4})
	f.Add([]byte{0xa0, 201, 0, 1, 0, 0, 0, 4})
	f.Add([]byte{0xaf, 205, 0, 1, 0, 0, 0, 1, 0x80, 201, 0, 1, 0, 0, 0, 1})
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 1, 0xa0, 203, 0, 1, 0, 0, 0, 4})
	f.Fuzz(func(t *testing.T, data []byte) {
		b := bytes.Clone(data)
		got, ok := stripPadding(b)
		if !ok {
			return
		}
		if len(got) > len(data) || (len(data)-len(got))%4 != 0 || len(data)-len(got) > 252 {
			t.Fatalf("%d octets of %d are left", len(got), len(data))
		}
		// The lengths of what is left fit together.
		last := 0
		for at := 0; at < len(got); {
			if len(got)-at < 4 {
				t.Fatalf("%d octets at the end of %x", len(got)-at, got)
			}
			last = at
			at += 4 + 4*int(binary.BigEndian.Uint16(got[at+2:]))
			if at > len(got) {
				t.Fatalf("lengths of %x don't fit", got)
			}
		}
		if len(got) < len(data) {
			if got[last]&0x20 != 0 {
				t.Fatalf("%x still says it is padded", got)
			}
			if n := int(data[len(data)-1]); n != len(data)-len(got) {
				t.Fatalf("%d octets removed, %d were padding", len(data)-len(got), n)
			}
		}
		again, ok := stripPadding(bytes.Clone(got))
		if len(got) < len(data) && (!ok || !bytes.Equal(again, got)) {
			t.Fatalf("stripping twice differs: %x, %x", got, again)
		}
	})
}
