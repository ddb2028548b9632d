package dtmf_test

import (
	"bytes"
	"testing"
	"time"

	"rtpfabric/endpoints/dtmf"
	"rtpfabric/sim/simtime"
)

// Whatever comes, a payload that is one reads and writes alike, and there is no more than a key for each.
func FuzzParse(f *testing.F) {
	f.Add([]byte{1, 0x8a, 3, 0x20}, uint32(7))
	f.Add([]byte{16, 0x4a, 0, 0}, uint32(1<<31))
	f.Fuzz(func(t *testing.T, b []byte, ts uint32) {
		e, ok := dtmf.Parse(b)
		if !ok {
			return
		}
		if again, ok := dtmf.Parse(e.Append(nil)); !ok || again != e {
			t.Fatalf("%+v reads as %+v", e, again)
		}
		if b[1]&0x40 == 0 && !bytes.Equal(e.Append(nil), b) {
			t.Fatalf("% x is written % x", b, e.Append(nil))
		}
		var r dtmf.Receiver
		for i := range uint32(3) {
			r.Receive(simtime.At(time.Duration(i)*time.Second), ts*i, 8000, e)
		}
		r.HandleTimeout(r.NextTimeout())
		n := 0
		for _, ok := r.Poll(); ok; _, ok = r.Poll() {
			n++
		}
		if _, key := e.Key(); n > 3 || (n > 0) != (key && e.Duration > 0) {
			t.Fatalf("%d keys of three packets of %+v", n, e)
		}
	})
}
