package peer_test

import (
	"fmt"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/peer"
	"rtpfabric/sim/packet"
)

// An offer has reached two devices. The first one is alerting, and has answered for the time being; when the second one answers,
// it gets a clone, and as it is the one that is accepted, the other is closed. The device has one decoder.
func Example() {
	pool := peer.NewPool(peer.Resources{Decoders: 1})
	port := peer.NewTransport(peer.TransportConfig{Addr: packet.Addr{IP: 10<<24 + 1, Port: 5000}, ICE: ice.Credentials{Fragment: "caller"}})
	desktop, _ := peer.NewConnection(peer.Config{Name: "desktop", Pool: pool, Transport: port})
	port.Gathered(ice.HostCandidate(packet.Addr{IP: 10<<24 + 1, Port: 5000}))
	_ = desktop.AddStream(peer.Stream{ID: "camera", Kind: endpoints.Video, SSRC: 1, Direction: peer.SendRecv})
	offer, _ := desktop.CreateOffer()
	_ = desktop.SetLocal(jsep.Offer, offer)

	answers := func(ufrag string) *peer.Description {
		d := &peer.Description{Answers: offer.Version}
		d.ICE.Fragment = ufrag
		d.Sections = []jsep.Section{{Kind: endpoints.Video, MID: "camera", Sends: true, Receives: true}}
		return d
	}
	show := func(connections ...*peer.Connection) {
		for _, c := range connections {
			fmt.Printf("%s: %v, %v, camera %v\n", c.Name(), c.JSEP(), c.ICE(), c.Streams()[0].Current)
		}
	}
	_ = desktop.SetRemote(jsep.Pranswer, answers("desktop"))
	second := answers("phone")
	phone, err := desktop.CloneFor("phone", second)
	if err != nil {
		fmt.Println(err)
		return
	}
	show(desktop, phone)

	desktop.Close()
	_ = phone.SetRemote(jsep.Answer, second)
	show(phone)
	fmt.Println("gathered", port.Gatherings(), "time, decoders in use:", pool.InUse().Decoders)
	// Output:
	// desktop: have-remote-pranswer, checking, camera sendrecv
	// phone: have-local-offer, waiting, camera inactive
	// phone: stable, checking, camera sendrecv
	// gathered 1 time, decoders in use: 1
}
