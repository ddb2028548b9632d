package dtls_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/simtime"
)

// What a server says that can't be: each has its alert, at once.
func TestServersMistakes(t *testing.T) {
	for _, c := range []struct {
		name    string
		message byte
		offset  int // from the beginning of the message's body, from its end if negative
		value   byte
		want    dtls.Alert
	}{
		{"version", 2, 1, 0xff, dtls.ProtocolVersion},
		{"cipher suite", 2, 36, 0x2f, dtls.IllegalParameter},
		{"compression", 2, 37, 1, dtls.DecodeError},
		{"a profile that nobody offered", 2, -2, 9, dtls.IllegalParameter},
		{"no use_srtp", 2, -8, 99, dtls.HandshakeFailure},
		{"certificate's length", 11, 2, 0, dtls.DecodeError},
		{"certificate", 11, 40, 0, dtls.BadCertificate},
		{"kind of curve", 12, 0, 1, dtls.DecodeError},
		{"group", 12, 2, 24, dtls.IllegalParameter},
		{"public key", 12, 10, 0, dtls.DecryptError},
		{"signature scheme", 12, 36 + 1, 0x01, dtls.IllegalParameter},
		{"signature", 12, -1, 0, dtls.DecryptError},
		{"types of certificates", 13, 0, 9, dtls.DecodeError},
	} {
		p := newPipe(t, 1, nil)
		p.fate = func(d *datagram) []simtime.Time {
			if d.from == 1 && d.nth == 0 {
				for _, r := range parts(t, d.payload) {
					if at := c.offset + 12; r.message == c.message {
						if c.offset < 0 {
							at = len(r.body) + c.offset
						}
						if r.body[at] == c.value {
							t.Fatalf("%s is %d already", c.name, c.value)
						}
						r.body[at] = c.value
					}
				}
			}
			return deliver(d)
		}
		p.run(time.Minute)
		t.Run(c.name, func(t *testing.T) {
			p.t = t
			p.wantFailed(0, c.want, nil)
		})
	}
}

// The same of a client. What it says behind its key exchange is checked by the
// server alone.
func TestClientsMistakes(t *testing.T) {
	for _, c := range []struct {
		name              string
		datagram, message int
		offset            int
		value             byte
		want              dtls.Alert
	}{
		{"version", 0, 1, 1, 0xff, dtls.ProtocolVersion},
		{"compression", 0, 1, 2 + 32 + 2 + 2 + 22 + 1, 1, dtls.DecodeError},
		{"cipher suite", 0, 1, 2 + 32 + 2 + 2 + 1, 0, dtls.HandshakeFailure},
		{"certificate", 1, 11, 40, 0, dtls.BadCertificate},
		{"length of the public key", 1, 16, 0, 31, dtls.DecodeError},
		{"signature scheme", 1, 15, 1, 1, dtls.IllegalParameter},
		{"signature", 1, 15, -1, 0, dtls.DecryptError},
	} {
		p := newPipe(t, 1, nil)
		p.fate = func(d *datagram) []simtime.Time {
			if d.from == 0 && d.nth == c.datagram {
				for _, r := range parts(t, d.payload) {
					if at := c.offset + 12; int(r.message) == c.message {
						if c.offset < 0 {
							at = len(r.body) + c.offset
						}
						if r.body[at] == c.value {
							t.Fatalf("%s is %d already", c.name, c.value)
						}
						r.body[at] = c.value
					}
				}
			}
			return deliver(d)
		}
		p.run(time.Minute)
		t.Run(c.name, func(t *testing.T) {
			p.t = t
			p.wantFailed(1, c.want, nil)
		})
	}
}
