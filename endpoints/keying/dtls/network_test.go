package dtls_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Whatever is lost, copied and reordered, the handshake is complete in the end,
// with the same keys, and the same again from the same seed.
func TestLossyNetwork(t *testing.T) {
	seeds := uint64(150)
	if testing.Short() {
		seeds = 20
	}
	worst := time.Duration(0)
	for seed := range seeds {
		var logs [2][]datagram
		for i := range logs {
			p := newPipe(t, seed, func(c []dtls.Config) {
				for i := range c {
					c[i].InitialTimeout = 200 * ms
					c[i].MTU = units.Bytes(200 + 100*(seed%10))
				}
				c[1].CookieExchange = seed%3 == 0
				c[0].NoExtendedMasterSecret = seed%5 == 0
			})
			r := rng.New(seed).Stream("network")
			p.fate = func(d *datagram) []simtime.Time {
				var at []simtime.Time
				for range 1 + r.Uint32()%5/4 {
					if !r.Bool(0.3) {
						at = append(at, d.sent.Add(time.Duration(r.Uint32()%100)*ms))
					}
				}
				return at
			}
			p.run(time.Hour)
			p.wantConnected()
			logs[i] = p.log
			at, _ := p.ends[0].ConnectedAt()
			worst = max(worst, at.Duration())
		}
		if !slices.EqualFunc(logs[0], logs[1], func(x, y datagram) bool {
			return x.sent == y.sent && x.from == y.from && bytes.Equal(x.payload, y.payload)
		}) {
			t.Fatalf("seed %d: a second run is different", seed)
		}
	}
	t.Logf("the slowest of %d took %v", seeds, worst)
}

// Flipped bits that no checksum has caught, in every octet of every datagram:
// the handshake comes through or it fails, but never do the ends have different
// keys, and never does anything panic. What is protected isn't harmed at all.
func TestFlippedBits(t *testing.T) {
	clean := newPipe(t, 1, nil)
	clean.run(time.Minute)
	step := 1
	if testing.Short() {
		step = 13
	}
	var completed, failed int
	for _, target := range clean.log {
		for at := 0; at < len(target.payload); at += step {
			p := newPipe(t, 1, func(c []dtls.Config) { c[0].MaxTimeouts, c[1].MaxTimeouts = 4, 4 })
			p.fate = func(d *datagram) []simtime.Time {
				if d.from == target.from && d.nth == target.nth {
					d.payload[at] ^= 1 << (at % 8)
				}
				return deliver(d)
			}
			p.run(time.Hour)
			both := p.ends[0].State() == dtls.Finished && p.ends[1].State() == dtls.Finished
			if both {
				completed++
				p.wantConnected()
				continue
			}
			failed++
			if target.from == 1 && target.nth == 1 {
				t.Errorf("octet %d of flight 6 ends the handshake: %v, %v", at, p.ends[0].Err(), p.ends[1].Err())
			}
			if p.ends[0].State() == dtls.Finished {
				t.Errorf("octet %d of datagram %d of end %d: the client is content, the server %v", at, target.nth, target.from, p.ends[1].Err())
			}
		}
	}
	t.Logf("%d handshakes came through, %d failed", completed, failed)
	if completed == 0 || failed == 0 {
		t.Error("the flipped bits make no difference, or all of it")
	}
}

// §4.1.2.7: what isn't DTLS, or not now, is counted and dropped.
func TestInvalidRecords(t *testing.T) {
	p := newPipe(t, 1, nil)
	p.run(time.Minute)
	p.wantConnected()
	for i, b := range [][]byte{
		{20},
		{63, 1, 2, 3},
		{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, 0, 0, 99, 1},                       // longer than the datagram
		{22, 0x03, 0x03, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1},                        // TLS
		{22, 0xfe, 0xfd, 0, 2, 0, 0, 0, 0, 1, 2, 0, 1, 1},                        // epoch 2
		{23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, 3, 0, 1, 1},                        // application data in the clear
		{20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, 4, 0, 1, 2},                        // no ChangeCipherSpec
		{21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, 5, 0, 2, 2, 40},                    // an alert that anybody may have sent
		{22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, 6, 0, 3, 1, 2, 3},                  // protected by nobody
		append([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, 7, 0, 4}, 1, 2, 3, 4), // no handshake header
	} {
		for _, end := range p.ends {
			before := end.Stats().BadRecords
			end.HandlePacket(p.now, packetOf(datagram{payload: b}))
			if got := end.Stats().BadRecords; got != before+1 || end.State() != dtls.Finished || end.PollPayload(p.now) != nil {
				t.Errorf("case %d: %d bad records, %v", i, got-before, end.State())
			}
		}
	}
}

// §4.1.2.6: a protected record that comes twice counts once.
func TestReplayedAlert(t *testing.T) {
	p := newPipe(t, 1, nil)
	p.run(time.Minute)
	last := p.log[len(p.log)-1] // ChangeCipherSpec and Finished of the server
	finished := last
	finished.payload = last.payload[14:]
	before := p.ends[0].Stats()
	p.ends[0].HandlePacket(p.now, packetOf(finished))
	after := p.ends[0].Stats()
	before.BytesReceived, before.Duplicates = after.BytesReceived, before.Duplicates+1
	if after != before || p.ends[0].PollPayload(p.now) != nil {
		t.Errorf("%+v, want %+v", after, before)
	}
}
