package flexfec_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"rtpfabric/endpoints/fec/flexfec"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// name is an SSRC and a sequence number.
type name struct {
	ssrc uint32
	seq  uint16
}

func nameOf(p []byte) name {
	return name{binary.BigEndian.Uint32(p[8:]), binary.BigEndian.Uint16(p[2:])}
}

// protected reads which packets a repair packet protects, in the words of
// RFC 8627 §6.3.1 and with none of the package's code.
func protected(t *testing.T, fec []byte) (all []name) {
	t.Helper()
	streams := int(fec[0] & 15)
	at := 12 + 4*streams
	fixed := fec[at]&0x40 != 0
	at += 8
	for i := range streams {
		ssrc := binary.BigEndian.Uint32(fec[12+4*i:])
		sn := binary.BigEndian.Uint16(fec[at:])
		at += 2
		if fixed {
			l, d := uint16(fec[at]), uint16(fec[at+1])
			at += 2
			if d <= 1 {
				for j := range l {
					all = append(all, name{ssrc, sn + j})
				}
			} else {
				for j := range d {
					all = append(all, name{ssrc, sn + j*l})
				}
			}
			continue
		}
		j := uint16(0)
		for _, octets := range []int{2, 4, 8} {
			more := false
			for bit := range 8 * octets {
				set := fec[at+bit/8]>>(7-bit%8)&1 != 0
				if bit == 0 && octets < 8 {
					more = set
					continue
				}
				if set {
					all = append(all, name{ssrc, sn + j})
				}
				j++
			}
			at += octets
			if !more {
				break
			}
		}
	}
	return all
}

// recoverable returns what can be recovered of the lost packets: whatever is
// alone in some sum, again and again.
func recoverable(sums [][]name, lost map[name][]byte) map[name]bool {
	back := map[name]bool{}
	for again := true; again; {
		again = false
		for _, sum := range sums {
			n, last := 0, name{}
			for _, p := range sum {
				if lost[p] != nil && !back[p] {
					n++
					last = p
				}
			}
			if n == 1 {
				back[last], again = true, true
			}
		}
	}
	return back
}

// randomPacket has whatever a packet may have.
func randomPacket(r *rng.Stream, ssrc uint32, seq uint16) []byte {
	below := func(n int) int { return int(r.Uint64() % uint64(n)) }
	csrcs := below(3)
	b := []byte{0x80 | byte(csrcs), byte(r.Uint32())}
	b = binary.BigEndian.AppendUint16(b, seq)
	b = binary.BigEndian.AppendUint32(b, r.Uint32())
	b = binary.BigEndian.AppendUint32(b, ssrc)
	for range csrcs {
		b = binary.BigEndian.AppendUint32(b, r.Uint32())
	}
	if r.Bool(0.3) {
		words := below(4)
		b[0] |= 0x10
		b = append(b, 0xbe, 0xde, 0, byte(words))
		b = append(b, make([]byte, 4*words)...)
	}
	payload := make([]byte, below(300))
	_, _ = r.Read(payload)
	b = append(b, payload...)
	if r.Bool(0.2) {
		b[0] |= 0x20
		b = append(b, 0, 0, 3)
	}
	return b
}

// scheme makes source packets and the repair packets for them.
func scheme(t *testing.T, r *rng.Stream) (sources, fec [][]byte) {
	t.Helper()
	below := func(n int) int { return int(r.Uint64() % uint64(n)) }
	seqs := map[uint32]uint16{media: uint16(r.Uint32()), media2: uint16(r.Uint32())}
	s := flexfec.NewStream(repair, 127, uint16(r.Uint32()))
	next := func(ssrc uint32, skip int) []byte {
		p := randomPacket(r, ssrc, seqs[ssrc])
		seqs[ssrc] += 1 + uint16(skip)
		return p
	}
	if r.Bool(0.5) {
		shape := flexfec.Shape{Kind: flexfec.Kind(below(3)), L: 1 + below(8), D: 2 + below(6)}
		b, err := flexfec.NewBlockSender(s, shape)
		if err != nil {
			t.Fatal(err)
		}
		for range below(2*shape.L*shape.D) + 1 {
			p := next(media, 0)
			sources = append(sources, p)
			if err := b.Add(p); err != nil {
				t.Fatal(err)
			}
			fec = append(fec, repairs(b.Poll)...)
		}
		b.Flush()
		return sources, append(fec, repairs(b.Poll)...)
	}
	m := flexfec.NewMaskSender(s, 2)
	for range 1 + below(3) {
		for range 1 + below(20) {
			p := next([]uint32{media, media2}[below(2)], below(4))
			sources = append(sources, p)
			if r.Bool(0.8) { // the important ones
				if err := m.Add(p); err != nil {
					t.Fatal(err)
				}
			}
		}
		m.Protect(1 + below(4))
		fec = append(fec, repairs(m.Poll)...)
	}
	return sources, fec
}

// Whatever is lost, and in whatever order the rest comes: what the masks say can
// be recovered is, octet for octet and once, and nothing else.
func TestEveryLossPattern(t *testing.T) {
	total, missed := 0, 0
	for seed := range uint64(3000) {
		r := rng.New(seed).Stream("flexfec")
		sources, fec := scheme(t, r)
		loss := r.Uniform(0, 0.5)
		lost := map[name][]byte{}
		var arriving [][]byte
		var sums [][]name
		for _, p := range sources {
			if r.Bool(loss) {
				lost[nameOf(p)] = p
			} else {
				arriving = append(arriving, p)
			}
		}
		for _, p := range fec {
			if !r.Bool(loss / 2) {
				arriving = append(arriving, p)
				sums = append(sums, protected(t, p))
			}
		}
		for i := range arriving { // any order, and some twice
			j := i + int(r.Uint64()%uint64(len(arriving)-i))
			arriving[i], arriving[j] = arriving[j], arriving[i]
			if r.Bool(0.1) {
				arriving = append(arriving, arriving[i])
			}
		}
		want := recoverable(sums, lost)
		total, missed = total+len(want), missed+len(lost)-len(want)

		rx := receiver()
		sent, here := map[name][]byte{}, map[name]bool{}
		for _, p := range sources {
			sent[nameOf(p)] = p
		}
		for _, p := range arriving {
			if n := nameOf(p); n.ssrc == repair {
				_ = rx.Repair(ms(0), p) // it may have come before
			} else if rx.Source(ms(0), p) == here[n] {
				t.Fatalf("seed %d: %v is new: %v", seed, n, here[n])
			} else {
				here[n] = true
			}
			for _, b := range recovered(rx) {
				n := nameOf(b)
				if here[n] || !bytes.Equal(b, sent[n]) {
					t.Fatalf("seed %d: %v came back as %x, sent was %x", seed, n, b, sent[n])
				}
				here[n] = true // lost, or late
				delete(want, n)
			}
		}
		if len(want) > 0 {
			t.Fatalf("seed %d: %d packets didn't come back", seed, len(want))
		}
		if c := rx.Counts(); settled(c)+uint64(rx.Waiting()) != c.Repairs || c.Malformed+c.Refused+c.Bogus+c.Partial > 0 {
			t.Fatalf("seed %d: %+v, %d wait", seed, c, rx.Waiting())
		}
	}
	if total < 4000 || missed < 5000 {
		t.Errorf("%d recovered and %d not: that says little", total, missed)
	}
}

// settled is how many repair packets don't wait any more.
func settled(c flexfec.Counts) uint64 {
	return c.Used + c.Needless + c.Repeated + c.Expired + c.Superseded + c.Refused + c.Partial + c.Bogus
}

// RFC 8854 §8, RFC 8627 §1.1.8: FEC costs the same whether anything is lost or
// not, and a lost packet comes back no sooner than its row is complete: play-out
// has to wait for as long.
//
// conformance: ROB-6.2-3
func TestSteadyOverheadAndDelay(t *testing.T) {
	const spacing = 10 * time.Millisecond
	shape := flexfec.Shape{Kind: flexfec.Rows, L: 10}
	run := func(loss float64) (overhead float64, worst time.Duration, back int) {
		b, err := flexfec.NewBlockSender(stream(), shape)
		if err != nil {
			t.Fatal(err)
		}
		r := rng.New(1).Stream("loss")
		rx := receiver()
		sent, extra := 0, 0
		at := map[name]simtime.Time{}
		for i := range 2000 {
			now := simtime.At(time.Duration(i) * spacing)
			p := append(octets(t, "8060 0000 00000000 11121314"), make([]byte, 1000)...)
			binary.BigEndian.PutUint16(p[2:], uint16(i))
			at[nameOf(p)] = now
			sent += len(p)
			if !r.Bool(loss) {
				rx.Source(now, p)
			}
			if err := b.Add(p); err != nil {
				t.Fatal(err)
			}
			for _, fec := range repairs(b.Poll) {
				extra += len(fec)
				if err := rx.Repair(now, fec); err != nil {
					t.Fatal(err)
				}
			}
			for _, p := range recovered(rx) {
				back++
				worst = max(worst, now.Sub(at[nameOf(p)]))
			}
		}
		return float64(extra) / float64(sent), worst, back
	}
	quiet, _, none := run(0)
	lossy, worst, back := run(0.02)
	if quiet < 0.1 || quiet > 0.105 || quiet-lossy != 0 || none != 0 {
		t.Errorf("overhead %v without loss, %v with it", quiet, lossy)
	}
	if want := 9 * spacing; worst != want || back < 25 {
		t.Errorf("the latest of %d came back after %v, want %v", back, worst, want)
	}
}

func BenchmarkReceiver(b *testing.B) {
	for _, shape := range []flexfec.Shape{{Kind: flexfec.Rows, L: 10}, {Kind: flexfec.Both, L: 10, D: 5}} {
		for _, lossy := range []bool{false, true} {
			b.Run(fmt.Sprintf("%v/lossy=%v", shape.Kind, lossy), func(b *testing.B) {
				tx, err := flexfec.NewBlockSender(stream(), shape)
				if err != nil {
					b.Fatal(err)
				}
				rx := receiver()
				p := append(octets(b, "8060 0000 00000000 11121314"), make([]byte, 1100)...)
				fec := make([]byte, 0, 1500)
				seq := uint16(0)
				b.ReportAllocs()
				b.SetBytes(int64(len(p)))
				for b.Loop() {
					seq++
					binary.BigEndian.PutUint16(p[2:], seq)
					_ = tx.Add(p)
					if !lossy || seq%23 != 0 {
						rx.Source(0, p)
					}
					for {
						out, ok := tx.Poll(fec, 0, nil)
						if !ok {
							break
						}
						_ = rx.Repair(0, out)
						_, _ = rx.Poll(fec)
					}
				}
			})
		}
	}
}

func BenchmarkMaskSender(b *testing.B) {
	tx := flexfec.NewMaskSender(stream(), 1)
	p := append(octets(b, "8060 0000 00000000 11121314"), make([]byte, 1100)...)
	fec := make([]byte, 0, 1500)
	seq := uint16(0)
	b.ReportAllocs()
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		seq++
		binary.BigEndian.PutUint16(p[2:], seq)
		if err := tx.Add(p); err != nil {
			b.Fatal(err)
		}
		if seq%10 == 0 {
			tx.Protect(2)
			for ok := true; ok; {
				_, ok = tx.Poll(fec, 0, nil)
			}
		}
	}
}
