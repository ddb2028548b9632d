package runner_test

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// reportWatch collects what SRs and RRs in the clear say of one SSRC, by who sends them to whom.
type reportWatch struct {
	fabric.Observer
	ssrc    uint32
	blocks  map[[2]packet.IPv4][]blockSent
	senders map[[2]packet.IPv4]rtcp.SenderReport // the last
	rtp     map[[2]packet.IPv4]uint32            // extended number of the last packet
	octets  map[[2]packet.IPv4]uint32            // of payload
}

type blockSent struct {
	at   simtime.Time
	sent uint32 // number of the last packet of the stream that was sent to the reporter
	rtcp.ReceptionReport
}

func (w *reportWatch) PacketSent(now simtime.Time, p *packet.Packet) {
	way := [2]packet.IPv4{p.Src.IP, p.Dst.IP}
	b := p.Payload
	if len(b) < 12 || b[0]>>6 != 2 {
		return
	}
	if b[1] < 192 || b[1] > 223 {
		if ssrc := uint32(b[8])<<24 | uint32(b[9])<<16 | uint32(b[10])<<8 | uint32(b[11]); ssrc == w.ssrc {
			seq := uint16(b[2])<<8 | uint16(b[3])
			last := w.rtp[way]
			w.rtp[way] = last + uint32(int32(int16(seq-uint16(last))))
			head := 12 + 4*int(b[0]&15)
			if b[0]&0x10 != 0 {
				head += 4 + 4*(int(b[head+2])<<8|int(b[head+3]))
			}
			w.octets[way] += uint32(len(b) - head)
		}
		return
	}
	messages, err := rtcp.Unmarshal(b)
	if err != nil {
		return
	}
	note := func(list []rtcp.ReceptionReport) {
		for _, r := range list {
			if r.SSRC == w.ssrc {
				w.blocks[way] = append(w.blocks[way], blockSent{now, w.rtp[[2]packet.IPv4{way[1], way[0]}], r})
			}
		}
	}
	for _, m := range messages {
		switch m := m.(type) {
		case *rtcp.SenderReport:
			note(m.Reports)
			if m.SSRC == w.ssrc {
				w.senders[way] = *m
			}
		case *rtcp.ReceiverReport:
			note(m.Reports)
		}
	}
}

// senderOf returns the SSRC of what an endpoint sends.
func senderOf(sim *topologies.Simulation, from string) uint32 {
	for _, f := range sim.Flows {
		if f.From == from {
			return f.Sender.SSRC()
		}
	}
	return 0
}

func watchReports(sim *topologies.Simulation, ssrc uint32) *reportWatch {
	type way = [2]packet.IPv4
	w := &reportWatch{
		Observer: fabric.Nobody, ssrc: ssrc, blocks: map[way][]blockSent{}, senders: map[way]rtcp.SenderReport{}, rtp: map[way]uint32{}, octets: map[way]uint32{},
	}
	sim.Fabric.Observe(w)
	return w
}

// Each end hears the other through two codecs, under the SSRC and the name that the other has:
// to both it is one session.
//
// conformance: TOP-A.4.1-1, TOP-A.4.1-3, TOP-A.4-1
func TestTranscoderKeepsIdentities(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, meshes+"transcoder.yaml", "expect=[]")[0].Scenario
	sim, heard := buildHearing(t, s)
	play(t, sim, s)
	tones := map[string]float64{"A": 440, "B": 660}
	names := map[string]string{}
	for _, c := range sim.Connections {
		names[c.Endpoint()] = c.CNAME()
	}
	for _, c := range sim.Connections {
		self, other := c.Endpoint(), map[string]string{"A": "B", "B": "A"}[c.Endpoint()]
		if other == "" {
			continue
		}
		samples := heard["transcoder/audio>"+self].samples
		levels := spectrum(samples[len(samples)-20*sound.Clock:], tones)
		if levels[other] < -27 || levels[other] > -25.5 || levels[self] > -66 {
			t.Errorf("%s hears %v", self, levels)
		}
		known := c.Sessions()[0].Received(nil)
		if len(known) != 1 || known[0].SSRC != senderOf(sim, other) || known[0].CNAME != names[other] {
			t.Errorf("%s knows %+v, and %s is %08x, %s", self, known, other, senderOf(sim, other), names[other])
		}
		if n := c.Sessions()[0].Members(); n != 2 {
			t.Errorf("%s knows %d members", self, n)
		}
	}
}

// The transcoder has the keys of both sides, which differ: what it gets can't be read on the
// way, nor what it sends, and what it sends isn't what it got.
//
// conformance: TOP-A.4.1-2
func TestTranscoderHasKeys(t *testing.T) {
	level := func(protection string) map[string]uint8 {
		s := load(t, meshes+"transcoder.yaml", "expect=[]", "duration=10s", "protection="+protection)[0].Scenario
		sim, w := playRTP(t, s, "", nil)
		levels := map[string]uint8{}
		for from, ssrc := range map[string]uint32{"A": senderOf(sim, "A"), "B": senderOf(sim, "B")} {
			for _, p := range w.sent[ssrc] {
				coding, tag := audio.MuLaw, 10
				if p.head.PayloadType == 5 {
					coding = audio.ADPCM
				}
				if protection == "none" {
					tag = 0
				}
				samples, ok := coding.Decode(nil, []byte(p.payload[:len(p.payload)-tag]))
				if ok {
					levels[from+"/"+map[audio.Coding]string{audio.MuLaw: "pcmu", audio.ADPCM: "dvi4"}[coding]] = audio.Measure(samples)
				}
			}
		}
		return levels
	}
	plain, encrypted := level("none"), level("full")
	for _, stream := range []string{"A/pcmu", "A/dvi4", "B/dvi4", "B/pcmu"} {
		if l := plain[stream]; l < 25 || l > 27 {
			t.Errorf("in the clear %s is at -%d dBov", stream, l)
		}
	}
	for _, stream := range []string{"A/pcmu", "B/pcmu"} { // noise
		if l := encrypted[stream]; l > 18 {
			t.Errorf("encrypted, %s is at -%d dBov", stream, l)
		}
	}
}

// Reports are translated: what A is told of its stream is about its own sequence numbers, and
// counts what is lost beyond the transcoder; what B is told of it is about the octets that B gets.
// B's reports as they are would let A believe that B is far behind, or ahead.
//
// conformance: TOP-A.4.1-4
func TestTranscoderTranslatesReports(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, meshes+"transcoder.yaml", "expect=[]", "protection=none")[0].Scenario
	sim := build(t, s)
	w := watchReports(sim, senderOf(sim, "A"))
	play(t, sim, s)
	a, b, box := sim.Addr("A"), sim.Addr("B"), sim.Addr("transcoder")
	told := w.blocks[[2]packet.IPv4{box, a}]
	if len(told) < 20 {
		t.Fatalf("A gets %d reports", len(told))
	}
	for _, r := range told {
		if r.at < simtime.At(5*time.Second) {
			continue
		}
		if behind := int16(uint16(r.sent) - uint16(r.LastSequenceNumber)); behind < 0 || behind > 10 {
			t.Errorf("at %v A is told of %d, %d behind what it has sent", r.at, r.LastSequenceNumber, behind)
		}
	}
	last, raw := told[len(told)-1], w.blocks[[2]packet.IPv4{b, box}]
	own := raw[len(raw)-1]
	if last.TotalLost == 0 || math.Abs(float64(last.TotalLost)-float64(own.TotalLost)) > 10 {
		t.Errorf("A is told that %d packets are lost, B has reported %d", last.TotalLost, own.TotalLost)
	}
	if apart := int16(uint16(own.LastSequenceNumber) - uint16(last.LastSequenceNumber)); apart > -100 && apart < 100 {
		t.Errorf("B's own report is about %d, A's packet has %d: they might be forwarded", own.LastSequenceNumber, last.LastSequenceNumber)
	}
	fromA, toB := w.senders[[2]packet.IPv4{a, box}], w.senders[[2]packet.IPv4{box, b}]
	octets := w.octets[[2]packet.IPv4{box, b}]
	if r := float64(toB.OctetCount) / float64(octets); r < 0.9 || r > 1.001 || float64(toB.OctetCount) > 0.6*float64(fromA.OctetCount) {
		t.Errorf("SRs: A has sent %d octets, and B is told of %d of %d", fromA.OctetCount, toB.OctetCount, octets)
	}
	r := run(t, load(t, meshes+"transcoder.yaml", "expect=[]")[0])
	if rtt := mean(series(t, r, "A-transcoder", record.RTT)[50:]); rtt < 30 || rtt > 60 {
		t.Errorf("A's round trip is %.0f ms", rtt)
	}
}

// To A the gateway is a WebRTC endpoint, with keys, feedback and reports every while; to B it is
// one without. What goes to B is in the clear, and nothing of that is on A's side.
//
// conformance: TOP-A.4.2-1, TOP-A.4.2-2, TOP-A.4.2-5
func TestGatewayIsWhatEachWants(t *testing.T) {
	t.Parallel()
	s := load(t, meshes+"gateway.yaml", "expect=[]", "duration=20s")[0].Scenario
	refused := 0
	sent := func(by string) (*topologies.Simulation, []rtpSent) {
		sim, w := playRTP(t, s, by, func(e endpoints.Event) {
			if e.Kind == endpoints.ProfileRefused || e.Kind == endpoints.KeyingFailed {
				refused++
			}
		})
		return sim, w.sent[senderOf(sim, "A")]
	}
	_, encrypted := sent("A")
	sim, clear := sent("gateway")
	if refused != 0 || len(clear) < 500 || len(encrypted) < len(clear) {
		t.Fatalf("%d profiles are refused, %d packets go to the gateway and %d from there", refused, len(encrypted), len(clear))
	}
	secret := map[string]bool{}
	for _, p := range encrypted {
		secret[p.payload[20:40]] = true
	}
	for _, p := range clear { // VP8's descriptor with a long picture ID (RFC 7741 §4.2)
		if p.payload[0]&0x80 == 0 || p.payload[1] != 0x80 || p.payload[2]&0x80 == 0 || secret[p.payload[20:40]] {
			t.Fatalf("B gets % x", p.payload[:8])
		}
	}
	for _, c := range sim.Connections {
		n := c.Sessions()[0].Counts()
		if n.AuthFailed+n.Malformed+n.Refused != 0 {
			t.Errorf("%s: %+v", c.Name(), n)
		}
	}
	r := run(t, load(t, meshes+"gateway.yaml", "expect=[]")[0])
	if n := mean(series(t, r, "A-gateway", "signal/r-recv")[100:]); n < 1e6 {
		t.Errorf("A's controller hears of %.0f bit/s", n)
	}
}

// What B loses is in A's reports, as far as B says so; what A's side loses is there once.
//
// conformance: TOP-A.4.2-3
func TestGatewayMergesReports(t *testing.T) {
	long(t)
	t.Parallel()
	for _, tt := range []struct {
		a, b        string // loss on the way to the gateway, and from there
		least, most float64
	}{{"0%", "0%", 0, 0}, {"0%", "2%", 0.012, 0.03}, {"2%", "0%", 0.012, 0.03}, {"2%", "2%", 0.028, 0.055}} {
		r := run(t, load(t, meshes+"gateway.yaml", "expect=[]", "congestion={controller: fixed, feedback: rfc8888}", "repair={nack: false, rtx: false}",
			"media=[{from: A, kind: audio, rate: 64kbps}, {from: B, kind: audio, rate: 32kbps}]", "rtcp={minimum: reduced}",
			"network.links.a.forward={rate: 2Mbps, loss: "+tt.a+"}", "network.links.b.backward={rate: 5Mbps, loss: "+tt.b+"}")[0])
		if loss := mean(series(t, r, "A/audio", record.ReportedLoss)[50:]); loss < tt.least || loss > tt.most {
			t.Errorf("losses of %s and %s: %.4f is reported, want %v to %v", tt.a, tt.b, loss, tt.least, tt.most)
		}
	}
}
