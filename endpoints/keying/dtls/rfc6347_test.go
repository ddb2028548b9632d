package dtls_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// deliver is the fate of a datagram that isn't touched.
func deliver(d *datagram) []simtime.Time { return []simtime.Time{d.arrives} }

// §4.2.4, figure 1: without losses the client has keys after 2 round trips, and
// the server half a round trip before, when media could leave that reaches the
// client behind its Finished. A cookie exchange costs a round trip more.
//
// conformance: PRF-4.2-5
func TestTwoRoundTrips(t *testing.T) {
	for _, oneWay := range []time.Duration{0, ms, 10 * ms, 50 * ms, 300 * ms} {
		for _, cookie := range []bool{false, true} {
			p := newPipe(t, 1, func(c []dtls.Config) { c[1].CookieExchange = cookie })
			p.fate = func(d *datagram) []simtime.Time { return []simtime.Time{d.sent.Add(oneWay)} }
			want := 4 * oneWay
			if cookie {
				want = 6 * oneWay
			}
			if oneWay > 0 {
				p.run(want - 1)
				if _, ok := p.ends[0].Keys(16, 14); ok {
					t.Errorf("%v, cookie %v: the client has keys before %v", oneWay, cookie, want)
				}
			}
			p.run(time.Hour)
			p.wantConnected()
			p.wantAt(want, want-oneWay)
			for i, end := range p.ends {
				s := end.Stats()
				flights := 2
				if cookie {
					flights = 3
				}
				if s.Flights != flights || s.Retransmissions != 0 || s.Timeouts != 0 || s.BadRecords != 0 || s.Duplicates != 0 {
					t.Errorf("%v, cookie %v, end %d: %+v", oneWay, cookie, i, s)
				}
				if next := end.NextTimeout(); next != simtime.Never {
					t.Errorf("end %d still waits for %v", i, next)
				}
			}
		}
	}
}

// §4.2.4: each flight lost once costs exactly one timeout, whoever's timer that
// is; a flight of several datagrams likewise when any one of them is lost.
func TestOneLostFlight(t *testing.T) {
	const timeout = time.Second
	for _, mtu := range []units.Bytes{1200, 200} {
		for _, cookie := range []bool{false, true} {
			clean := newPipe(t, 1, func(c []dtls.Config) { c[0].MTU, c[1].MTU, c[1].CookieExchange = mtu, mtu, cookie })
			clean.run(time.Minute)
			client, _ := clean.ends[0].ConnectedAt()
			server, _ := clean.ends[1].ConnectedAt()
			for _, lost := range clean.log {
				p := newPipe(t, 1, func(c []dtls.Config) { c[0].MTU, c[1].MTU, c[1].CookieExchange = mtu, mtu, cookie })
				p.fate = func(d *datagram) []simtime.Time {
					if d.from == lost.from && d.nth == lost.nth {
						return nil
					}
					return deliver(d)
				}
				p.run(time.Hour)
				p.wantConnected()
				wantClient, wantServer := client.Add(timeout), server.Add(timeout)
				if lost.from == 1 && lost.sent == server {
					wantServer = server // only the last flight
				}
				p.wantAt(wantClient.Duration(), wantServer.Duration())
			}
		}
	}
}

// §4.2.4.1: the timer begins at 1 s, doubles with each expiry, and goes up to
// 60 s; after the last expiry the handshake has failed.
func TestTimerDoubles(t *testing.T) {
	p := newPipe(t, 1, nil)
	p.fate = func(*datagram) []simtime.Time { return nil }
	p.run(time.Hour)
	var got []time.Duration
	for _, d := range p.log {
		got = append(got, d.sent.Duration()/time.Second)
	}
	want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363, 423}
	if !slices.Equal(got, want) {
		t.Errorf("sent at %d s, want %d s", got, want)
	}
	if p.ends[0].State() != dtls.Failed || !errors.Is(p.ends[0].Err(), dtls.ErrTimeout) {
		t.Errorf("the client is %v, %v", p.ends[0].State(), p.ends[0].Err())
	}
	if s := p.ends[0].Stats(); s.Timeouts != 13 || s.Retransmissions != 12 || s.Flights != 1 {
		t.Errorf("%+v", s)
	}
	if p.ends[1].State() != dtls.Waiting || p.ends[1].NextTimeout() != simtime.Never {
		t.Error("the server has a timer without anything to send")
	}
}

// §4.2.4.1: the choice of the implementation.
func TestTimerValues(t *testing.T) {
	p := newPipe(t, 1, func(c []dtls.Config) {
		c[0].InitialTimeout, c[0].MaxTimeout, c[0].MaxTimeouts = 50*ms, 300*ms, -1
	})
	p.fate = func(*datagram) []simtime.Time { return nil }
	p.run(3 * time.Second)
	var got []time.Duration
	for _, d := range p.log[:7] {
		got = append(got, d.sent.Duration()/ms)
	}
	if want := []time.Duration{0, 50, 150, 350, 650, 950, 1250}; !slices.Equal(got, want) {
		t.Errorf("sent at %d ms, want %d ms", got, want)
	}
	if p.ends[0].State() != dtls.Waiting {
		t.Errorf("without a limit the client is %v", p.ends[0].State())
	}
	for rtt, want := range map[time.Duration]time.Duration{
		0: 50 * ms, 10 * ms: 50 * ms, 25 * ms: 50 * ms, 100 * ms: 200 * ms, 2 * time.Second: 3 * time.Second,
	} {
		if got := dtls.InitialTimeoutFor(rtt); got != want {
			t.Errorf("for a round trip of %v: %v, want %v", rtt, got, want)
		}
	}
}

// §4.2.4.1: the value is kept until a flight goes through at once.
func TestTimerIsKeptAfterLoss(t *testing.T) {
	for _, c := range []struct {
		lostFirst bool
		again     time.Duration // how long after flight 5 it is sent again
	}{{true, 2 * time.Second}, {false, time.Second}} {
		p := newPipe(t, 1, func(cs []dtls.Config) { cs[1].InitialTimeout = time.Minute })
		var flight5 simtime.Time
		var again []time.Duration
		p.fate = func(d *datagram) []simtime.Time {
			switch first := d.nth == 0; {
			case d.from == 1:
			case first && c.lostFirst:
				return nil
			case parts(t, d.payload)[0].message == 11: // begins with a certificate: flight 5
				if again = append(again, d.sent.Sub(flight5)); len(again) == 1 {
					flight5 = d.sent
				}
				if len(again) < 3 {
					return nil
				}
			}
			return deliver(d)
		}
		p.run(time.Hour)
		p.wantConnected()
		if len(again) != 3 || again[1] != c.again || again[2] != 3*c.again {
			t.Errorf("flight 1 lost %v: flight 5 sent again after %v, want %v and %v", c.lostFirst, again[1:], c.again, 3*c.again)
		}
	}
}

// §4.2.4: a server that has finished sends its last flight again for as long as
// the client asks.
func TestLastFlightIsSentAgain(t *testing.T) {
	p := newPipe(t, 1, func(c []dtls.Config) { c[0].MaxTimeouts = -1 })
	p.fate = func(d *datagram) []simtime.Time {
		if d.from == 1 && d.nth > 0 && d.sent < simtime.At(5*time.Minute) {
			return nil
		}
		return deliver(d)
	}
	p.run(time.Hour)
	p.wantConnected()
	if s := p.ends[1].Stats(); s.Retransmissions < 5 || s.Flights != 2 || s.Timeouts != 0 {
		t.Errorf("%+v", s)
	}
}

// §4.2.4: only a repetition of the flight that was answered asks for the answer
// again. One of the flight that is still coming in doesn't: what was sent has
// arrived.
func TestPartialFlightIsNotAnswered(t *testing.T) {
	p := newPipe(t, 1, func(c []dtls.Config) { c[1].MTU, c[0].InitialTimeout = 300, time.Minute })
	last := 0
	p.fate = func(d *datagram) []simtime.Time {
		if d.from == 1 && d.sent == simtime.At(delay) {
			if last = d.nth; slices.ContainsFunc(parts(t, d.payload), func(r part) bool { return r.message == 14 }) {
				return nil
			}
		}
		return deliver(d)
	}
	p.run(time.Hour)
	p.wantConnected()
	p.wantAt(2*rtt+time.Second, 3*delay+time.Second)
	if s := p.ends[0].Stats(); last < 2 || s.Retransmissions != 0 || s.Datagrams != 2 || s.Duplicates == 0 {
		t.Errorf("%d datagrams of flight 4; %+v", last+1, s)
	}
}

// §4.2.4: a client that has finished doesn't answer flight 4 that comes once
// more, late: the last flight is the server's.
func TestFinishedClientIsSilent(t *testing.T) {
	p := newPipe(t, 1, nil)
	p.run(time.Minute)
	p.wantConnected()
	again := p.log[1]
	again.payload = slices.Clone(again.payload)
	for at := 0; at < len(again.payload); at += 13 + int(binary.BigEndian.Uint16(again.payload[at+11:])) {
		again.payload[at+9] = 1 // another record number
	}
	p.ends[0].HandlePacket(p.now, packetOf(again))
	if b := p.ends[0].PollPayload(p.now); b != nil || p.ends[0].Stats().Retransmissions != 0 {
		t.Errorf("the client answers with %x", b)
	}
}

// §4.2.5: nothing counts as protected before the ChangeCipherSpec, which comes
// again with the flight.
func TestLostChangeCipherSpec(t *testing.T) {
	p := newPipe(t, 1, nil)
	p.fate = func(d *datagram) []simtime.Time {
		if d.from == 0 && d.nth == 1 {
			at := bytes.Index(d.payload, []byte{20, 0xfe, 0xfd})
			d.payload = slices.Delete(d.payload, at, at+14)
		}
		return deliver(d)
	}
	p.run(time.Hour)
	p.wantConnected()
	p.wantAt(2*rtt+time.Second, 3*delay+time.Second)
}

// §4.1.2.6: copies made by the network are told from what is sent again: nobody
// answers them, and there isn't a packet more.
func TestCopiesOfTheNetwork(t *testing.T) {
	for _, late := range []time.Duration{0, ms, 30 * ms, 120 * ms} {
		p := newPipe(t, 1, func(c []dtls.Config) { c[1].CookieExchange = true })
		p.fate = func(d *datagram) []simtime.Time { return []simtime.Time{d.arrives, d.arrives.Add(late)} }
		p.run(time.Hour)
		p.wantConnected()
		p.wantAt(3*rtt, 5*delay)
		for i, end := range p.ends {
			if s := end.Stats(); s.Retransmissions != 0 || s.Datagrams != 3 || s.Duplicates == 0 {
				t.Errorf("%v late, end %d: %+v", late, i, s)
			}
		}
	}
}

// §4.2.2, §4.2.3: datagrams that overtake each other cost nothing but the time
// of the last, Finished before ChangeCipherSpec or the key exchange included.
func TestReordering(t *testing.T) {
	for seed := range uint64(30) {
		p := newPipe(t, seed, func(c []dtls.Config) { c[0].MTU, c[1].MTU, c[1].CookieExchange = 150, 150, seed%2 == 0 })
		r := rng.New(seed).Stream("jitter")
		p.fate = func(d *datagram) []simtime.Time {
			return []simtime.Time{d.sent.Add(delay - time.Duration(r.Uint32()%40)*ms)}
		}
		p.run(time.Hour)
		p.wantConnected()
		for i, end := range p.ends {
			if s := end.Stats(); s.Retransmissions != 0 || s.BadRecords != 0 {
				t.Errorf("seed %d, end %d: %+v", seed, i, s)
			}
		}
	}
}

// Datagrams of a flight come in the opposite order.
func TestReversedFlights(t *testing.T) {
	for _, mtu := range []units.Bytes{128, 150, 200, 300, 500} {
		p := newPipe(t, 1, func(c []dtls.Config) { c[0].MTU, c[1].MTU = mtu, mtu })
		p.fate = func(d *datagram) []simtime.Time { return []simtime.Time{d.arrives.Add(-time.Duration(d.nth) * ms)} }
		p.run(time.Hour)
		p.wantConnected()
		for i, end := range p.ends {
			if s := end.Stats(); s.Retransmissions != 0 || s.BadRecords != 0 {
				t.Errorf("MTU %d, end %d: %+v", mtu, i, s)
			}
		}
	}
}

// §4.1.1: no datagram is larger than the MTU, whatever that is, and none is
// nearly empty for no reason.
func TestMTU(t *testing.T) {
	for mtu := units.Bytes(128); mtu < 800; mtu += 7 {
		p := newPipe(t, 1, func(c []dtls.Config) { c[0].MTU, c[1].MTU = mtu, mtu })
		p.run(time.Hour)
		p.wantConnected()
		p.wantAt(2*rtt, 3*delay)
		total := units.Bytes(0)
		for _, d := range p.log {
			if n := units.Bytes(len(d.payload)); n > mtu {
				t.Errorf("MTU %d: a datagram of %d octets", mtu, n)
			}
			total += units.Bytes(len(d.payload))
		}
		if most := int(3*total/mtu) + 8; len(p.log) > most {
			t.Errorf("MTU %d: %d datagrams for %d octets", mtu, len(p.log), total)
		}
	}
}
