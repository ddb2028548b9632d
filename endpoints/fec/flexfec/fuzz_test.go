package flexfec_test

import (
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/fec/flexfec"
	"rtpfabric/endpoints/fec/parity"
)

// Whatever comes in the repair stream, nothing panics, and what comes back is RTP
// of a known stream and not too large.
func FuzzRepair(f *testing.F) {
	f.Add(octets(f, header+"11121314 1080"+both+"0001 6000"+rest))
	f.Add(octets(f, header+"11121314 5080"+both+"0001 0200"+rest))
	f.Add(octets(f, header+"11121314 5080"+both+"0001 0202"+rest))
	f.Add(octets(f, header+"11121314 1080"+both+"0001 c001 c0000001 8000000000000001"+rest))
	f.Add(octets(f, "827f 0007 00000063 21222324 11121314 15161718 10e1 0003 01020305 0001 6000 ffff 4000 1567cf04d8"))
	f.Add(octets(f, "807f 0007 00000063 21222324 8060 0003 01020304 11121314 0000"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		limits := parity.DefaultLimits()
		r := flexfec.NewReceiver(limits)
		r.Source(ms(0), octets(t, first))
		for _, p := range [][]byte{packet, octets(t, header+"11121314 1080"+both+"0001 6000"+rest), packet} {
			_ = r.Repair(ms(0), p)
			for _, b := range recovered(r) {
				var h rtp.Header
				if _, err := h.Unmarshal(b); err != nil && len(b) > 12 && b[0]&0x10 == 0 {
					t.Fatalf("%x came back: %v", b, err)
				}
				if len(b) < 12 || b[0]>>6 != 2 {
					t.Fatalf("%x came back", b)
				}
			}
		}
		r.Source(ms(1), octets(t, second))
		recovered(r)
		if c := r.Counts(); settled(c)+uint64(r.Waiting()) != c.Repairs {
			t.Fatalf("%+v, %d wait", c, r.Waiting())
		}
	})
}
