package endpoints_test

import (
	"encoding/binary"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// fanOut passes one source on to all other peers.
type fanOut struct{ legs []*endpoints.Section }

func (f *fanOut) Pass(now simtime.Time, _ *endpoints.Section, p *endpoints.Passing) {
	for _, leg := range f.legs {
		if !leg.Session().PeerLeft() {
			leg.Forward(now, p)
		}
	}
}

func (*fanOut) Omit(simtime.Time, *endpoints.Section, uint32, uint64) {}

// videoPackets returns the RTP packets of a second of video.
func videoPackets(b *testing.B, rate units.BitRate) (list [][]byte) {
	b.Helper()
	var pool packet.Pool
	e := endpoints.New(endpoints.Config{Name: "A", Addr: 2, Pool: &pool, Random: rng.New(1)})
	section := endpoints.SectionConfig{Name: "video", Kind: endpoints.Video, Formats: []endpoints.Format{endpoints.VP8(96)}, Send: &endpoints.SendConfig{
		Encoder: encoder.NewPerfect(encoder.VideoConfig{Min: rate, Max: rate, Start: rate, FPS: 30}, 0),
		Stop:    simtime.Never, PacketSize: 1200, Model: endpoints.NewStreamModel(endpoints.Video, rate, rate, rate, 30, 1200, 10, 0),
	}}
	if _, err := e.Connect(0, endpoints.ConnectionConfig{Peer: "M", Sessions: []endpoints.SessionConfig{{
		Local: addrs[0], Remote: addrs[1], Sections: []endpoints.SectionConfig{section}, Protection: protect.None,
		Keying: keying.NewPreshared(rng.New(1), "A", "M"), RTCP: quick, Feedback: endpoints.FeedbackNone, Controller: &idle{},
	}}}); err != nil {
		b.Fatal(err)
	}
	for now := simtime.Time(0); now < simtime.At(time.Second); now, _ = e.NextTimeout() {
		e.HandleTimeout(now)
		for p := e.PollPacket(now); p != nil; p = e.PollPacket(now) {
			if p.Payload[1]&0x7f == 96 {
				list = append(list, append([]byte{}, p.Payload...))
			}
			pool.Release(p)
		}
		for _, ok := e.PollEvent(); ok; _, ok = e.PollEvent() {
		}
	}
	return list
}

// BenchmarkPassage is one RTP packet through a middlebox to all of 99 other peers. Ten of the
// hundred send 1 Mbit/s, and each has an SSRC that has said BYE.
func BenchmarkPassage(b *testing.B) {
	const peers, senders, rate = 100, 10, units.Mbps
	packets := videoPackets(b, rate)
	var pool packet.Pool
	random, now := rng.New(1), simtime.Time(0)
	box := endpoints.New(endpoints.Config{Name: "M", Addr: 1, Pool: &pool, Random: random, Independent: true})
	sources := make([]*endpoints.Section, senders)
	outputs := make([]fanOut, senders)
	for i := range peers {
		sc := endpoints.SessionConfig{
			Local: packet.Addr{IP: 1, Port: uint16(1000 + i)}, Remote: packet.Addr{IP: packet.IPv4(2 + i), Port: 2000},
			Protection: protect.None, Keying: keying.NewPreshared(random, "M", "x"), RTCP: quick, Feedback: endpoints.FeedbackNone,
			Controller: &idle{},
		}
		if i < senders {
			sc.Sections = append(sc.Sections, endpoints.SectionConfig{
				Name: "source", Kind: endpoints.Video, Formats: []endpoints.Format{endpoints.VP8(96)}, RemoteSSRC: uint32(77 + i), Transit: &outputs[i],
			})
		}
		for j := range senders {
			if i != j {
				sc.Sections = append(sc.Sections, endpoints.SectionConfig{
					Name: "leg", Kind: endpoints.Video, Formats: []endpoints.Format{endpoints.VP8(96)}, Send: &endpoints.SendConfig{
						Encoder: &endpoints.Passage{}, Clock: simtime.NewClock(0, 0), Stop: simtime.Never, PacketSize: 1200,
						Model: endpoints.NewStreamModel(endpoints.Video, rate, rate, rate, 30, 1200, 10, 0),
					},
				})
			}
		}
		c, err := box.Connect(0, endpoints.ConnectionConfig{Peer: "x", Sessions: []endpoints.SessionConfig{sc}})
		if err != nil {
			b.Fatal(err)
		}
		sections := c.Sessions()[0].Sections()
		if i < senders {
			sources[i], sections = sections[0], sections[1:]
		}
		for k, leg := range sections {
			j := k
			if i <= j && i < senders {
				j++
			}
			outputs[j].legs = append(outputs[j].legs, leg)
		}
	}
	for j := range outputs {
		for _, leg := range outputs[j].legs {
			leg.Passage().From = sources[j]
		}
	}
	sent := 0
	drain := func() {
		for p := box.PollPacket(now); p != nil; p = box.PollPacket(now) {
			sent++
			pool.Release(p)
		}
		for _, ok := box.PollEvent(); ok; _, ok = box.PollEvent() {
		}
	}
	hand := func(from int, payload []byte) {
		p := pool.New()
		copy(p.SetPayload(len(payload)), payload)
		p.Src, p.Dst = packet.Addr{IP: packet.IPv4(2 + from), Port: 2000}, packet.Addr{IP: 1, Port: uint16(1000 + from)}
		box.HandlePacket(now, p)
		drain()
	}
	drain()
	for i := range peers {
		hand(i, []byte{0x80, 201, 0, 1, 0, 0, 0, 9, 0x81, 203, 0, 1, 0, 0, 0, 9})
	}
	n := 0
	step := func() {
		now = now.Add(time.Second / time.Duration(senders*len(packets)))
		if at, _ := box.NextTimeout(); at <= now {
			box.HandleTimeout(now)
			drain()
		}
		from, i := n%senders, n/senders
		if from == 0 && i%len(packets) == 0 {
			for i := range peers {
				hand(i, []byte{0x80, 201, 0, 1, 0, 0, 0, 10})
			}
		}
		payload := packets[i%len(packets)]
		binary.BigEndian.PutUint16(payload[2:], uint16(i))
		if from == 0 && i >= len(packets) {
			binary.BigEndian.PutUint32(payload[4:], binary.BigEndian.Uint32(payload[4:])+90_000) // a second later
		}
		binary.BigEndian.PutUint32(payload[8:], uint32(77+from))
		hand(from, payload)
		n++
	}
	for range 1000 {
		step()
	}
	sent = 0
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
	b.ReportMetric(float64(sent)/float64(b.N), "sent/op")
}
