package dtls_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// §4.1.1: the client offers its profiles in order of preference, without MKI;
// the server takes one of them, its own preference counting.
//
// conformance: PRF-4.2-4, PRF-4.2-5
func TestProfileIsAgreedOn(t *testing.T) {
	const cm80, cm32, gcm128, gcm256 = keying.AES128CMSHA180, keying.AES128CMSHA132, keying.AEADAES128GCM, keying.AEADAES256GCM
	for _, c := range []struct {
		client, server []keying.Profile
		want           keying.Profile
	}{
		{nil, nil, cm80},
		{[]keying.Profile{cm32, cm80}, []keying.Profile{cm80, cm32}, cm80},
		{[]keying.Profile{cm80, gcm128, gcm256}, []keying.Profile{gcm256, gcm128, cm80}, gcm256},
		{[]keying.Profile{gcm128, cm32}, []keying.Profile{cm80, cm32}, cm32},
		{[]keying.Profile{gcm128}, nil, gcm128},
	} {
		p := newPipe(t, 1, func(cs []dtls.Config) { cs[0].Profiles, cs[1].Profiles = c.client, c.server })
		if _, ok := p.ends[0].Profile(); ok {
			t.Error("a profile before the handshake")
		}
		p.run(time.Minute)
		p.wantConnected()
		if got, _ := p.ends[0].Profile(); got != c.want {
			t.Errorf("%v and %v agree on %v, want %v", c.client, c.server, got, c.want)
		}
		// use_srtp is extension 14: profiles, then an MKI of length 0.
		offered := c.client
		if offered == nil {
			offered = dtls.DefaultProfiles()
		}
		for i, profiles := range [][]keying.Profile{offered, {c.want}} {
			want := []byte{0, 14, 0, byte(3 + 2*len(profiles)), 0, byte(2 * len(profiles))}
			for _, o := range profiles {
				want = append(want, byte(o>>8), byte(o))
			}
			if want = append(want, 0); !bytes.Contains(p.log[i].payload, want) {
				t.Errorf("the hello of end %d hasn't %x", i, want)
			}
		}
	}
}

// §4.1.1: without a common profile there is no connection.
func TestNoCommonProfile(t *testing.T) {
	p := newPipe(t, 1, func(cs []dtls.Config) {
		cs[0].Profiles, cs[1].Profiles = []keying.Profile{keying.AES128CMSHA180}, []keying.Profile{keying.AEADAES128GCM}
	})
	p.run(time.Minute)
	p.wantFailed(1, dtls.HandshakeFailure, dtls.ErrNoProfile)
}

// Both groups do, the server's preference counting; without a common one there is
// no connection.
func TestGroups(t *testing.T) {
	for _, c := range []struct {
		client, server []dtls.Group
		want           int // size of the server's public key, 0 for a failure
	}{
		{nil, nil, 32},
		{[]dtls.Group{dtls.P256}, nil, 65},
		{nil, []dtls.Group{dtls.P256, dtls.X25519}, 65},
		{[]dtls.Group{dtls.P256}, []dtls.Group{dtls.X25519}, 0},
	} {
		p := newPipe(t, 1, func(cs []dtls.Config) { cs[0].Groups, cs[1].Groups = c.client, c.server })
		p.run(time.Minute)
		if c.want == 0 {
			p.wantFailed(1, dtls.HandshakeFailure, nil)
			continue
		}
		p.wantConnected()
		for _, r := range parts(t, p.log[1].payload) {
			if r.message == 12 && int(r.body[12+3]) != c.want {
				t.Errorf("%v and %v: a public key of %d octets, want %d", c.client, c.server, r.body[12+3], c.want)
			}
		}
	}
}

// wantFailed fails unless an end has failed the handshake and told the other.
func (p *pipe) wantFailed(by int, a dtls.Alert, reason error) {
	p.t.Helper()
	for i, end := range p.ends {
		var e *dtls.AlertError
		if end.State() != dtls.Failed || !errors.As(end.Err(), &e) || e.Alert != a || e.FromPeer != (i != by) {
			p.t.Errorf("end %d is %v, %v; want %v from end %d", i, end.State(), end.Err(), a, by)
			continue
		}
		if i == by && reason != nil && !errors.Is(end.Err(), reason) {
			p.t.Errorf("end %d: %v, want %v", i, end.Err(), reason)
		}
		if !strings.Contains(end.Err().Error(), a.String()) {
			p.t.Errorf("%q doesn't say %v", end.Err(), a)
		}
		if _, ok := end.Keys(16, 14); ok {
			p.t.Errorf("end %d has keys all the same", i)
		}
		if end.NextTimeout() != simtime.Never {
			p.t.Errorf("end %d still waits", i)
		}
	}
}

// RFC 8122 §6.2, RFC 8827 §6.5: who has another certificate than was signalled
// isn't talked to.
func TestFingerprintMismatch(t *testing.T) {
	for by := range 2 {
		p := newPipe(t, 1, func(c []dtls.Config) { c[by].PeerFingerprint[31] ^= 1 })
		p.run(time.Minute)
		p.wantFailed(by, dtls.BadCertificate, dtls.ErrFingerprint)
	}
}

// A fingerprint may be signalled after the handshake, which goes on meanwhile;
// there are no keys before. The wrong one ends the connection.
func TestLateFingerprint(t *testing.T) {
	for _, right := range []bool{true, false} {
		var f dtls.Fingerprint
		p := newPipe(t, 1, func(c []dtls.Config) {
			f = c[0].PeerFingerprint
			c[0].PeerFingerprint = dtls.Fingerprint{}
		})
		p.run(time.Minute)
		client := p.ends[0]
		if _, ok := client.Keys(16, 14); ok || client.State() != dtls.Finished {
			t.Fatalf("keys %v before the fingerprint, %v", ok, client.State())
		}
		if _, ok := client.Profile(); ok {
			t.Error("a profile before the fingerprint")
		}
		if !right {
			f[0] ^= 1
		}
		client.SetPeerFingerprint(f)
		p.run(2 * time.Minute)
		if right {
			p.wantConnected()
		} else {
			p.wantFailed(0, dtls.BadCertificate, dtls.ErrFingerprint)
		}
	}
}

// RFC 6347 §4.2.7: an alert that was lost is sent again when what brought it
// about comes again.
func TestLostAlert(t *testing.T) {
	p := newPipe(t, 1, func(c []dtls.Config) { c[0].PeerFingerprint[0] ^= 1 })
	p.fate = func(d *datagram) []simtime.Time {
		if d.from == 0 && d.sent == simtime.At(rtt) {
			return nil
		}
		return deliver(d)
	}
	p.run(time.Minute)
	p.wantFailed(0, dtls.BadCertificate, dtls.ErrFingerprint)
	if s := p.ends[0].Stats(); s.AlertsSent != 2 {
		t.Errorf("%d alerts, want 2", s.AlertsSent)
	}
}

// RFC 5246 §7.2.1: close_notify ends the connection at both ends, and none of
// them says anything more.
func TestClose(t *testing.T) {
	for by := range 2 {
		p := newPipe(t, 1, nil)
		p.run(time.Minute)
		p.ends[by].Close(p.now)
		p.ends[by].Close(p.now)
		p.run(2 * time.Minute)
		for i, end := range p.ends {
			if _, ok := end.Keys(16, 14); ok || end.State() != dtls.Closed || end.Err() != nil {
				t.Errorf("closed by %d: end %d is %v, %v, keys %v", by, i, end.State(), end.Err(), ok)
			}
		}
		last := p.log[len(p.log)-1]
		if r := parts(t, last.payload)[0]; len(p.log) != 5 || last.from != by || r.typ != 21 || r.epoch != 1 {
			t.Errorf("closed by %d: %d datagrams, the last %+v", by, len(p.log), r)
		}
	}
}

// Closing in the midst of a handshake ends it, too.
func TestCloseEarly(t *testing.T) {
	for by := range 2 {
		for _, at := range []time.Duration{0, delay, 2 * delay, 3 * delay} {
			p := newPipe(t, 1, nil)
			p.run(at)
			p.ends[by].Close(p.now)
			p.run(time.Hour)
			if p.ends[by].State() != dtls.Closed {
				t.Errorf("closed by %d at %v: %v", by, at, p.ends[by].State())
			}
			if s := p.ends[1-by].State(); s != dtls.Closed && s != dtls.Failed && at > 0 {
				t.Errorf("closed by %d at %v: the other end is %v", by, at, s)
			}
			for _, end := range p.ends {
				if end.NextTimeout() != simtime.Never {
					t.Errorf("closed by %d at %v: an end still waits", by, at)
				}
			}
		}
	}
	c := newPipe(t, 1, nil).ends[0]
	if c.Close(0); c.PollPayload(0) != nil || c.State() != dtls.Closed {
		t.Error("closed before it began, the client says something")
	}
}

// §4.2: keys differ between connections, directions, seeds and identities, and
// lengths are those of the profile. Nothing of a key is on the wire.
func TestKeysDiffer(t *testing.T) {
	seen := map[string]string{}
	for seed := range uint64(4) {
		for _, name := range []string{"A/B", "A/C"} {
			p := newPipe(t, seed, func(c []dtls.Config) {
				source := rng.New(seed)
				c[0].Random, c[1].Random = source.Stream("dtls/client/"+name), source.Stream("dtls/server/"+name)
			})
			p.run(time.Minute)
			p.wantConnected()
			for _, n := range [][2]int{{16, 14}, {16, 12}, {32, 12}} {
				k, _ := p.ends[0].Keys(n[0], n[1])
				for i, b := range [][]byte{k.Local.Key, k.Local.Salt, k.Remote.Key, k.Remote.Salt} {
					what := fmt.Sprint(seed, name, n, i)
					// Keys come first, so they are the same for every salt.
					if i%2 == 0 {
						what = fmt.Sprint(seed, name, n[0], i)
					}
					if other, ok := seen[string(b)]; ok && other != what {
						t.Errorf("%s has the key of %s", what, other)
					}
					seen[string(b)] = what
					for _, d := range p.log {
						if bytes.Contains(d.payload, b) {
							t.Errorf("%s is on the wire", what)
						}
					}
				}
			}
		}
	}
}

// The same seed gives the same octets on every machine and with every Go release:
// keys, signatures, certificates and all.
func TestPinned(t *testing.T) {
	h := sha256.New()
	p := newPipe(t, 42, func(c []dtls.Config) { c[1].CookieExchange = true })
	p.run(time.Minute)
	p.wantConnected()
	for _, d := range p.log {
		h.Write(d.payload)
	}
	k, _ := p.ends[0].Keys(16, 14)
	h.Write(k.Local.Key)
	const want = "82c2f8cae5282d52cd1cc81d100144d6"
	if got := hex.EncodeToString(h.Sum(nil)[:16]); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}

// RFC 7627: the master secret hangs on the handshake if both ends can do that;
// else it doesn't, and they still agree.
func TestExtendedMasterSecret(t *testing.T) {
	logs := map[string]bool{}
	for _, without := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
		p := newPipe(t, 1, func(c []dtls.Config) {
			c[0].NoExtendedMasterSecret, c[1].NoExtendedMasterSecret = without[0], without[1]
		})
		p.run(time.Minute)
		p.wantConnected()
		log := p.ends[0].KeyLog()
		if log != p.ends[1].KeyLog() || !strings.HasPrefix(log, "CLIENT_RANDOM ") || len(log) != 14+64+1+96 {
			t.Errorf("%v: key logs %q and %q", without, log, p.ends[1].KeyLog())
		}
		offered := bytes.Contains(p.log[0].payload, []byte{0, 23, 0, 0})
		answered := bytes.Contains(p.log[1].payload, []byte{0, 23, 0, 0})
		if offered == without[0] || answered != (!without[0] && !without[1]) {
			t.Errorf("%v: offered %v, answered %v", without, offered, answered)
		}
		logs[log] = true
	}
	if len(logs) != 2 {
		t.Errorf("%d secrets, want one with and one without it", len(logs))
	}
	if log := newPipe(t, 1, nil).ends[0].KeyLog(); log != "" {
		t.Errorf("key log %q before the handshake", log)
	}
}

// RFC 7627 or not, a hello that was changed on the way doesn't get past the
// client's signature.
func TestTamperedHello(t *testing.T) {
	for _, extended := range []bool{true, false} {
		p := newPipe(t, 1, func(c []dtls.Config) { c[0].NoExtendedMasterSecret = !extended })
		p.fate = func(d *datagram) []simtime.Time {
			if d.from == 0 && d.nth == 0 {
				d.payload[len(d.payload)-1] ^= 1 // the last of the signature schemes
			}
			return deliver(d)
		}
		p.run(time.Hour)
		p.wantFailed(1, dtls.DecryptError, nil)
	}
}

// The handshake's sizes are about those of browsers: 150 to 200 octets of
// ClientHello, 600 to 700 of flight 4, 500 to 600 of flight 5.
func TestSizes(t *testing.T) {
	p := newPipe(t, 1, nil)
	p.run(time.Minute)
	for i, want := range [][2]int{{140, 200}, {580, 720}, {500, 620}, {75, 75}} {
		if n := len(p.log[i].payload); n < want[0] || n > want[1] {
			t.Errorf("datagram %d has %d octets, want %d to %d", i, n, want[0], want[1])
		}
	}
	if len(p.log) != 4 {
		t.Errorf("%d datagrams, want one a flight", len(p.log))
	}
}

// The keys are good for SRTP, with every profile, in both directions.
//
// conformance: PRF-4.2-5, PRF-14-2
func TestMediaAfterHandshake(t *testing.T) {
	for _, profile := range []keying.Profile{keying.AES128CMSHA180, keying.AES128CMSHA132, keying.AEADAES128GCM, keying.AEADAES256GCM} {
		p := newPipe(t, 1, func(c []dtls.Config) { c[0].Profiles = []keying.Profile{profile}; c[1].Profiles = c[0].Profiles })
		config := protect.Config{Mode: protect.Full}
		for i, end := range p.ends {
			if _, ready, err := protect.NewWith(config, end); ready || err != nil {
				t.Errorf("end %d before the handshake: ready %v, %v", i, ready, err)
			}
		}
		p.run(time.Minute)
		var protectors [2]protect.Protector
		for i, end := range p.ends {
			var ready bool
			var err error
			if protectors[i], ready, err = protect.NewWith(config, end); !ready || err != nil {
				t.Fatalf("end %d: ready %v, %v", i, ready, err)
			}
		}
		for i, from := range protectors {
			plain := append([]byte{0x80, 96, 0, byte(i), 0, 0, 0, 0, 0, 0, 0, 9}, "hello"...)
			wire, err := from.RTP(&rtp.Header{}, slices.Clone(plain))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := protectors[1-i].OpenRTP(&rtp.Header{}, wire); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%v, from end %d: %x, %v", profile, i, got, err)
			}
		}
	}
}
