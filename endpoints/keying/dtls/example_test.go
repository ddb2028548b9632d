package dtls_test

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Two ends whose packets take 50 ms. Their fingerprints were signalled before.
func Example() {
	random := rng.New(1)
	alice, bob := dtls.NewIdentity(random.Stream("dtls/alice")), dtls.NewIdentity(random.Stream("dtls/bob"))
	client := dtls.New(dtls.Config{
		Role: dtls.Client, Identity: alice, PeerFingerprint: bob.Fingerprint(), Random: random.Stream("dtls/alice/bob"),
	})
	server := dtls.New(dtls.Config{
		Role: dtls.Server, Identity: bob, PeerFingerprint: alice.Fingerprint(), Random: random.Stream("dtls/bob/alice"),
	})

	now := simtime.Time(0)
	from, to := client, server
	for range 4 { // the flights
		var p packet.Packet
		for b := from.PollPayload(now); b != nil; b = from.PollPayload(now) {
			copy(p.SetPayload(len(b)), b)
			fmt.Printf("%3d ms: %d octets\n", now.Duration().Milliseconds(), len(b))
		}
		now = now.Add(50 * time.Millisecond)
		to.HandlePacket(now, &p)
		from, to = to, from
	}

	profile, _ := client.Profile()
	keys, ready := client.Keys(profile.KeyLen(), profile.SaltLen())
	others, _ := server.Keys(profile.KeyLen(), profile.SaltLen())
	fmt.Println(client.State(), profile, ready, string(keys.Local.Key) == string(others.Remote.Key))
	// Output:
	//   0 ms: 151 octets
	//  50 ms: 612 octets
	// 100 ms: 547 octets
	// 150 ms: 75 octets
	// FINISHED SRTP_AES128_CM_HMAC_SHA1_80 true true
}
