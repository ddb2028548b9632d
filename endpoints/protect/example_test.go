package protect_test

import (
	"errors"
	"fmt"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/rng"
)

// Two ends with keys that they have from the run's seed.
func Example() {
	config := protect.Config{Mode: protect.Full, Profile: keying.AEADAES128GCM}
	random := rng.New(1)
	alice, ready, err := protect.NewWith(config, keying.NewPreshared(random, "alice", "bob"))
	if err != nil || !ready {
		panic("no keys")
	}
	bob, _, err := protect.NewWith(config, keying.NewPreshared(random, "bob", "alice"))
	if err != nil {
		panic(err)
	}

	packet := make([]byte, 0, 1500)
	packet = append(packet, 0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9)
	packet = append(packet, "hello"...)
	var header rtp.Header
	wire, err := alice.RTP(&header, packet)
	if err != nil {
		panic(err)
	}
	again := append([]byte(nil), wire...)
	plain, err := bob.OpenRTP(&header, wire)
	fmt.Printf("%d octets on the wire, %q, %v\n", len(again), plain[12:], err)

	_, err = bob.OpenRTP(&header, again)
	fmt.Println("a second time it is a replay:", errors.Is(err, protect.ErrReplayed))
	// Output:
	// 33 octets on the wire, "hello", <nil>
	// a second time it is a replay: true
}
