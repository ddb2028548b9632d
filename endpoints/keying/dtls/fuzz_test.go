package dtls_test

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/simtime"
)

// Anything may come, at any time of a handshake: nothing panics, the drain rule
// holds, and the ends never have different keys.
func FuzzHandlePacket(f *testing.F) {
	var t testing.T
	clean := newPipe(&t, 1, func(c []dtls.Config) { c[1].CookieExchange = true })
	clean.run(time.Minute)
	for _, d := range clean.log {
		f.Add(uint8(3), true, d.payload)
		f.Add(uint8(0), false, d.payload)
	}
	f.Add(uint8(1), true, []byte{20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1})
	f.Add(uint8(2), false, []byte{21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40})
	f.Fuzz(func(t *testing.T, when uint8, toServer bool, payload []byte) {
		p := newPipe(t, 1, func(c []dtls.Config) {
			c[1].CookieExchange = when&8 != 0
			c[0].MaxTimeouts, c[1].MaxTimeouts = 3, 3
		})
		from := 1
		if toServer {
			from = 0
		}
		p.run(time.Duration(when&7) * delay)
		p.flying = append(p.flying, datagram{arrives: p.now, from: from, payload: slices.Clone(payload)})
		p.run(time.Hour)
		if p.ends[0].State() == dtls.Finished && p.ends[1].State() == dtls.Finished {
			p.wantConnected()
		}
		for _, end := range p.ends {
			if end.State() == dtls.Preparing || end.State() == dtls.Sending || end.NextTimeout() != simtime.Never {
				t.Errorf("after an hour an end is %v", end.State())
			}
		}
	})
}
