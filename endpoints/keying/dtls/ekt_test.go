package dtls_test

import (
	"bytes"
	"testing"
	"time"

	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/endpoints/keying/ekt"
	"rtpfabric/sim/simtime"
)

func groupKey(spi uint16) dtls.EKTKey {
	return dtls.EKTKey{Parameters: ekt.Parameters{SPI: spi, Key: bytes.Repeat([]byte{byte(spi)}, 16), Salt: make([]byte, 14)}, TTL: 3600}
}

func withEKT(client, server bool) func([]dtls.Config) {
	return func(c []dtls.Config) { c[0].EKT, c[1].EKT = client, server }
}

// spis returns the keys that have come.
func spis(c *dtls.Conn) []uint16 {
	var list []uint16
	for _, k := range c.EKTKeys() {
		list = append(list, k.SPI)
	}
	return list
}

// RFC 8870 §5.2.2: the server's key comes with the end of the handshake, 2 round trips after it began, and
// is acknowledged; so is the next one.
func TestEKTKey(t *testing.T) {
	p := newPipe(t, 1, withEKT(true, true))
	p.ends[1].SendEKTKey(0, groupKey(1))
	p.run(2*rtt + delay)
	p.wantConnected()
	got := p.ends[0].EKTKeys()
	if want := groupKey(1); len(got) != 1 || got[0].SPI != 1 || got[0].TTL != 3600 || !bytes.Equal(got[0].Key, want.Key) || !bytes.Equal(got[0].Salt, want.Salt) {
		t.Fatalf("the client has %+v", got)
	}
	if at, _ := p.ends[0].ConnectedAt(); at != simtime.At(2*rtt) || !p.ends[1].Acknowledged() {
		t.Errorf("connected at %v, acknowledged: %v", at, p.ends[1].Acknowledged())
	}
	for spi := range uint16(3) { // at once: one after the other
		p.ends[1].SendEKTKey(p.now, groupKey(spi+2))
	}
	p.run(time.Minute)
	if got := spis(p.ends[0]); len(got) != 3 || got[0] != 2 || got[2] != 4 || !p.ends[1].Acknowledged() {
		t.Errorf("then it gets %v", got)
	}
	if n := p.ends[1].Stats().Retransmissions; n > 0 {
		t.Errorf("%d retransmissions without loss", n)
	}
}

// RFC 8870 §5.4: a key is sent again after a second, and so is an acknowledgment that was lost; the key counts
// once. Nothing is sent for ever.
func TestEKTKeyLost(t *testing.T) {
	for _, tt := range []struct {
		what      string
		from, nth int
		lasts     time.Duration
		keys      int
		again     int
	}{
		{"the key", 1, 0, 0, 1, 1},
		{"the acknowledgment", 0, 0, 0, 1, 1},
		{"all keys", 1, 0, time.Hour, 0, dtls.DefaultMaxTimeouts},
	} {
		p := newPipe(t, 1, withEKT(true, true))
		p.run(time.Second)
		p.wantConnected()
		first := p.counts[tt.from] + tt.nth
		p.fate = func(d *datagram) []simtime.Time {
			if d.from == tt.from && (d.nth == first || d.nth > first && tt.lasts > 0) {
				return nil
			}
			return []simtime.Time{d.arrives}
		}
		p.ends[1].SendEKTKey(p.now, groupKey(1))
		p.run(time.Hour)
		if n := len(spis(p.ends[0])); n != tt.keys {
			t.Errorf("%s is lost: %d keys", tt.what, n)
		}
		if n := p.ends[1].Stats().Retransmissions; n != tt.again {
			t.Errorf("%s is lost: %d retransmissions", tt.what, n)
		}
		if failed := p.ends[1].State() == dtls.Failed; failed != (tt.keys == 0) {
			t.Errorf("%s is lost: the server is %v", tt.what, p.ends[1].State())
		}
	}
}

// RFC 8870 §5.2.1: who hasn't agreed to EKT gets no key.
func TestNoEKT(t *testing.T) {
	for _, who := range [][2]bool{{false, true}, {true, false}, {false, false}} {
		p := newPipe(t, 1, withEKT(who[0], who[1]))
		p.ends[1].SendEKTKey(0, groupKey(1))
		p.run(time.Minute)
		p.wantConnected()
		if got := spis(p.ends[0]); len(got) > 0 || p.ends[1].Acknowledged() {
			t.Errorf("client %v, server %v: %v", who[0], who[1], got)
		}
	}
}

// A key that AESKW128 can't have is answered with an alert (RFC 8870 §5.2.2).
func TestEKTKeyThatIsNone(t *testing.T) {
	p := newPipe(t, 1, withEKT(true, true))
	k := groupKey(1)
	k.Key = k.Key[:5]
	p.ends[1].SendEKTKey(0, k)
	p.run(time.Minute)
	if p.ends[0].State() != dtls.Failed || p.ends[1].State() != dtls.Failed {
		t.Errorf("client %v, server %v: %v", p.ends[0].State(), p.ends[1].State(), p.ends[1].Err())
	}
}
