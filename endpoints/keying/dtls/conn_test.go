package dtls_test

import (
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A client that nobody has polled wants to be called at once, whenever that is;
// a server waits for somebody to come.
func TestBeforeTheBeginning(t *testing.T) {
	p := newPipe(t, 1, nil)
	if p.ends[0].NextTimeout() != 0 || p.ends[0].State() != dtls.Preparing {
		t.Errorf("a new client is %v and wants to be called at %v", p.ends[0].State(), p.ends[0].NextTimeout())
	}
	if p.ends[1].NextTimeout() != simtime.Never || p.ends[1].State() != dtls.Waiting {
		t.Errorf("a new server is %v and wants to be called at %v", p.ends[1].State(), p.ends[1].NextTimeout())
	}
	// ICE takes a while.
	p.now = simtime.At(time.Minute)
	p.run(2 * time.Minute)
	p.wantConnected()
	p.wantAt(time.Minute+2*rtt, time.Minute+3*delay)
}

// HandleTimeout may be called early, and as often as somebody likes.
func TestEarlyTimeouts(t *testing.T) {
	p := newPipe(t, 1, nil)
	p.fate = func(*datagram) []simtime.Time { return nil }
	p.run(0)
	for at := 10 * ms; at < time.Second; at += 10 * ms {
		p.ends[0].HandleTimeout(simtime.At(at))
		if b := p.ends[0].PollPayload(simtime.At(at)); b != nil {
			t.Fatalf("%v after the first flight it is sent again", at)
		}
	}
	if p.ends[0].PollPayload(simtime.At(time.Second)) == nil {
		t.Error("after 1 s it isn't sent again")
	}
}

// What the ends count is what was on the wire.
func TestStats(t *testing.T) {
	p := newPipe(t, 1, func(c []dtls.Config) { c[1].CookieExchange, c[0].MTU = true, 250 })
	p.run(time.Minute)
	p.ends[0].Close(p.now)
	p.run(2 * time.Minute)
	var want [2]dtls.Stats
	for _, d := range p.log {
		from, to := &want[d.from], &want[1-d.from]
		from.Datagrams++
		from.Bytes += units.Bytes(len(d.payload))
		to.BytesReceived += units.Bytes(len(d.payload))
		for _, r := range parts(t, d.payload) {
			to.Records++
			switch r.typ {
			case 21:
				from.AlertsSent++
				to.AlertsReceived++
			case 22:
				from.FragmentsSent++
				to.FragmentsTaken++
			}
		}
	}
	for i, end := range p.ends {
		want[i].Flights = 3
		if got := end.Stats(); got != want[i] {
			t.Errorf("end %d counts %+v, want %+v", i, got, want[i])
		}
	}
}

// Records that overtake the key exchange are held, but not any number of them.
func TestFloodOfEarlyRecords(t *testing.T) {
	p := newPipe(t, 1, nil)
	server := p.ends[1]
	for seq := range byte(20) {
		b := append([]byte{22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, seq, 0, 40}, make([]byte, 40)...)
		server.HandlePacket(0, packetOf(datagram{payload: b}))
	}
	if got := server.Stats().BadRecords; got != 12 {
		t.Errorf("%d of 20 records are dropped, want all but 8", got)
	}
	p.run(time.Minute)
	p.wantConnected()
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		dtls.Client.String(): "client", dtls.Server.String(): "server",
		dtls.Waiting.String(): "WAITING", dtls.State(99).String(): "no such state",
		dtls.X25519.String(): "x25519", dtls.P256.String(): "secp256r1", dtls.Group(7).String(): "group 7",
		dtls.BadCertificate.String(): "bad_certificate", dtls.Alert(200).String(): "alert 200",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	p := newPipe(t, 1, func(c []dtls.Config) { c[0].PeerFingerprint[0] ^= 1 })
	p.run(time.Minute)
	if s := p.ends[1].Err().Error(); !strings.Contains(s, "bad_certificate") || !strings.Contains(s, "other end") {
		t.Errorf("%q", s)
	}
}
