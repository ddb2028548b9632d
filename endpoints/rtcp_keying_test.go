package endpoints_test

import (
	"bytes"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/simtime"
)

// Each flow of a session has a DTLS association and keys of its own (RFC 5764 §4). While
// that of RTCP is held up, media flow and no RTCP does.
func TestRTCPHasItsOwnHandshake(t *testing.T) {
	random := rngSource
	identities := [2]*dtls.Identity{dtls.NewIdentity(random.Stream("identity/A")), dtls.NewIdentity(random.Stream("identity/B"))}
	handshake := func(end int, name string) keying.Step {
		stream := random.Stream(name + string(rune('A'+end)))
		config := dtls.Config{
			Role: dtls.Client, Identity: identities[end], PeerFingerprint: identities[1-end].Fingerprint(),
			Profiles: []keying.Profile{keying.AES128CMSHA180}, Random: stream,
		}
		if end == 1 {
			return dtls.New(config)
		}
		config.Role = dtls.Server
		return keying.NewOpening(dtls.New(config), random.Stream(name+"/opening"))
	}
	const held = 3 * time.Second
	c := newCall(t, setup{
		streams: []stream{audioFromA}, protection: protect.Full, rtcpPort: true, rtcp: quick,
		edit: func(end int, sc *endpoints.SessionConfig) {
			sc.Handshake = true
			sc.Keying, sc.RTCPKeying = handshake(end, "rtp"), handshake(end, "rtcp")
		},
	})
	c.path = func(p *tapped) []time.Duration {
		if p.dst.Port%2 == 1 && p.payload[0] < 64 && p.at < simtime.At(held) {
			return nil
		}
		return []time.Duration{0}
	}
	c.run(held)
	if n := c.sessions[1].Counts().RTPReceived; n < 100 {
		t.Errorf("%d packets of media came before RTCP had keys", n)
	}
	for end := range c.sessions {
		if n := c.sessions[end].Counts().RTCPSent; n > 0 {
			t.Errorf("end %d sent %d packets of RTCP without keys", end, n)
		}
	}
	c.run(5 * time.Second)
	for end, s := range c.sessions {
		if n := s.Counts(); n.RTCPSent < 10 || n.RTCPReceived < 10 || n.AuthFailed > 0 || n.Early > 2 {
			t.Errorf("end %d: %+v", end, n)
		}
		_, rtp, ok := s.Secrets(0)
		_, rtcp, also := s.Secrets(1)
		if !ok || !also || bytes.Equal(rtp.Local.Key, rtcp.Local.Key) {
			t.Errorf("end %d has keys %x and %x", end, rtp.Local.Key, rtcp.Local.Key)
		}
	}
}
