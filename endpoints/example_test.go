package endpoints_test

import (
	"fmt"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Two endpoints on a wire without delay. The host's loop is all there is to
// driving them: hand over packets and the time, then drain.
func Example() {
	var pool packet.Pool
	random := rng.New(1)
	alice := packet.Addr{IP: 0x0a000001, Port: 5000}
	bob := packet.Addr{IP: 0x0a000002, Port: 5000}

	a := endpoints.New(endpoints.Config{Name: "alice", Addr: alice.IP, Pool: &pool, Random: random})
	b := endpoints.New(endpoints.Config{Name: "bob", Addr: bob.IP, Pool: &pool, Random: random})

	config := func(self, peer string, local, remote packet.Addr, send *endpoints.SendConfig) endpoints.ConnectionConfig {
		return endpoints.ConnectionConfig{Peer: peer, Sessions: []endpoints.SessionConfig{{
			Local: local, Remote: remote,
			Sections:   []endpoints.SectionConfig{{Name: "voice", Kind: endpoints.Audio, Formats: []endpoints.Format{endpoints.Opus(96)}, Send: send}},
			Protection: protect.Full, Keying: keying.NewPreshared(random, self, peer),
			RTCP:         endpoints.RTCPConfig{AVPF: true, Bandwidth: 5 * units.Kbps},
			Feedback:     endpoints.FeedbackNone,
			Controller:   freeRein{},
			PlayoutDelay: 50 * time.Millisecond,
		}}}
	}
	ca, _ := a.Connect(0, config("alice", "bob", alice, bob, &endpoints.SendConfig{
		Encoder: encoder.NewAudio(64*units.Kbps, 20*time.Millisecond, 0), Stop: simtime.At(2 * time.Second), PacketSize: 1200,
	}))
	cb, _ := b.Connect(0, config("bob", "alice", bob, alice, nil))

	rendered := 0
	drain := func(e, peer *endpoints.Endpoint, now simtime.Time) {
		for p := e.PollPacket(now); p != nil; p = e.PollPacket(now) {
			peer.HandlePacket(now, p)
		}
		for v, ok := e.PollEvent(); ok; v, ok = e.PollEvent() {
			switch v.Kind {
			case endpoints.FrameRendered:
				rendered++
			case endpoints.ByeReceived:
				fmt.Println("the stream ends at", v.At)
			default:
			}
		}
	}
	for now := simtime.Time(0); now < simtime.At(3*time.Second); {
		a.HandleTimeout(now)
		b.HandleTimeout(now)
		drain(a, b, now)
		drain(b, a, now)
		drain(a, b, now)
		ta, _ := a.NextTimeout()
		tb, _ := b.NextTimeout()
		now = max(min(ta, tb), now)
	}
	fmt.Println("frames rendered:", rendered)
	fmt.Println("packets refused:", cb.Sessions()[0].Counts().AuthFailed+cb.Sessions()[0].Counts().Replayed+cb.Sessions()[0].Counts().Malformed)
	fmt.Println("RTCP both ways:", ca.Sessions()[0].Counts().RTCPReceived > 5 && cb.Sessions()[0].Counts().RTCPReceived > 5)
	// Output:
	// the stream ends at 2.000000000s
	// frames rendered: 100
	// packets refused: 0
	// RTCP both ways: true
}

// freeRein is a controller without any control.
type freeRein struct{ ccontrol.NoTimeout }

func (freeRein) OnFeedback(simtime.Time, *ccontrol.Report) {}
func (freeRein) Target() ccontrol.Target {
	return ccontrol.Target{Media: 10 * units.Mbps, Pacing: 10 * units.Mbps}
}
