//go:build !race

// The race detector makes sync.Pool forget at random what it has, and pion/srtp
// uses one.

package protect_test

import (
	"testing"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/protect"
)

// Nothing is allocated for a packet in a buffer that has room for its tag, but
// for SRTCP with an AEAD: pion/srtp makes its additional authenticated data on
// the heap there, 16 octets each way.
func TestAllocations(t *testing.T) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
		for _, p := range profiles {
			for cryptex := range protect.CryptexRequired + 1 {
				c := protect.Config{Mode: m, Profile: p, Cryptex: cryptex, EncryptedExtensions: headerext.IDs(1)}
				if n := testing.AllocsPerRun(200, rtpLoop(t, c)); n != 0 {
					t.Errorf("%+v: %v allocations for an RTP packet", c, n)
				}
				want := 0.0
				if m == protect.Full && p.AEAD() {
					want = 2
				}
				if n := testing.AllocsPerRun(200, rtcpLoop(t, c)); n > want {
					t.Errorf("%+v: %v allocations for an RTCP packet, want %v", c, n, want)
				}
			}
		}
	}
}
