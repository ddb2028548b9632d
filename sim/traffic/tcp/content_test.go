package tcp

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// What is written at either end is read at the other, whatever the network does, in whatever pieces.
func TestContent(t *testing.T) {
	link := func(loss float64) fabric.LinkConfig {
		return fabric.LinkConfig{Rate: 10 * units.Mbps, Delay: 20 * time.Millisecond, Loss: loss}
	}
	for seed := range uint64(20) {
		n := newNet(t, seed, link(0.05), link(0.05))
		p := n.connect(0, 0, Config{NoSACK: seed%2 == 1}, Config{})
		random := rng.New(seed).Stream("content")
		octets := func(most float64) []byte {
			b := make([]byte, int(random.Uniform(0, most)))
			_, _ = random.Read(b)
			return b
		}
		var written, read [2][]byte // by who wrote
		for i := range 40 {
			n.do(time.Duration(i)*100_003*time.Microsecond, p, func() {
				b := octets(20_000)
				p.snd.WriteContent(b)
				written[0] = append(written[0], b...)
			})
		}
		p.dst.after = func(simtime.Time) {
			b := slices.Clone(p.rcv.ReadContent())
			if len(b) == 0 {
				return
			}
			read[0] = append(read[0], b...)
			answer := octets(3000)
			p.rcv.WriteContent(answer)
			written[1] = append(written[1], answer...)
			for s := p.rcv.PollPacket(n.loop.Now()); s != nil; s = p.rcv.PollPacket(n.loop.Now()) {
				p.dst.port.Send(n.loop.Now(), s)
			}
		}
		p.src.after = func(simtime.Time) { read[1] = append(read[1], p.snd.ReadContent()...) }
		n.run(2 * time.Minute)
		for i := range written {
			if len(written[i]) < 100_000 || !bytes.Equal(written[i], read[i]) {
				t.Fatalf("seed %d, direction %d: %d octets written, %d read", seed, i, len(written[i]), len(read[i]))
			}
		}
		if kept := len(p.snd.content.out) + len(p.rcv.content.out) + len(p.snd.content.in) + len(p.rcv.content.in); kept > 0 {
			t.Errorf("seed %d: %d octets are kept for nothing", seed, kept)
		}
	}
}
