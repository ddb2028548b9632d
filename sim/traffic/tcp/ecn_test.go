package tcp

import (
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
)

// RFC 3168 §6.1.1 and RFC 9768 §3.1: what the ends agree on.
func TestECNNegotiation(t *testing.T) {
	for _, a := range []ECN{NoECN, ClassicECN, AccurateECN} {
		for _, b := range []ECN{NoECN, ClassicECN, AccurateECN} {
			n, fwd, back := newTapped(t, 10*ms)
			p := n.connect(0, 0, Config{ECN: a}, Config{ECN: b})
			p.snd.Write(100_000)
			n.run(time.Second)
			want := min(a, b)
			if p.snd.ECN() != want || p.rcv.ECN() != want {
				t.Errorf("%v with %v: %v and %v", a, b, p.snd.ECN(), p.rcv.ECN())
			}
			syn, synAck := fwd.seen[0], back.seen[0]
			if f := map[ECN]Flags{NoECN: 0, ClassicECN: ECE | CWR, AccurateECN: AE | ECE | CWR}[a]; syn.Flags != SYN|f {
				t.Errorf("SYN of %v: %x", a, syn.Flags)
			}
			if f := map[ECN]Flags{NoECN: 0, ClassicECN: ECE, AccurateECN: CWR}[want]; synAck.Flags != SYN|ACK|f {
				t.Errorf("SYN and ACK for %v: %x", want, synAck.Flags)
			}
			for _, s := range fwd.seen {
				codepoint := packet.NotECT
				if s.body > 0 && want != NoECN {
					codepoint = packet.ECT0
				}
				if s.ecn != codepoint {
					t.Errorf("%v: a segment of %d octets has %d", want, s.body, s.ecn)
				}
			}
			for _, s := range back.seen {
				if s.ecn != packet.NotECT {
					t.Errorf("%v: an acknowledgment has %d", want, s.ecn)
				}
			}
			if want == AccurateECN && ace(fwd.seen[1].Flags) != 2 {
				t.Errorf("the third segment of the handshake has ACE %d", ace(fwd.seen[1].Flags))
			}
		}
	}
}

// RFC 3168 §6.1.2 and §6.1.3: one mark halves the window, once; ECE is in every
// acknowledgment until CWR comes; two marks in one window reduce once.
func TestClassicECN(t *testing.T) {
	for _, v := range []struct {
		control string
		abe     bool
		share   float64
	}{{ControlNewReno, false, 0.5}, {ControlNewReno, true, 0.8}, {ControlCubic, false, 0.7}, {ControlCubic, true, 0.85}} {
		n, fwd, back := newTapped(t, 50*ms)
		fwd.fate = func(s tapped) fabric.Fate {
			if s.nth == 40 || s.nth == 50 {
				s.p.ECN = packet.CE
			}
			return fabric.Pass
		}
		p := n.connect(0, 0, Config{Control: v.control, ECN: ClassicECN, ABE: v.abe}, Config{ECN: ClassicECN, DelayedAck: -1})
		p.snd.Write(Unlimited)
		n.run(900 * ms)
		s := p.snd.Stats()
		if s.ECNReductions != 1 || s.Recoveries != 0 || s.Retransmitted != 0 {
			t.Errorf("%+v: %+v", v, s)
		}
		// Segment 40 is in the fourth round trip, 30 to 69: 40 in flight, and
		// the 10 acknowledgments before its own have let 20 more out.
		if got := float64(p.snd.Ssthresh()) / 1448; got < 50*v.share-1 || got > 50*v.share+1 {
			t.Errorf("%+v: ssthresh of %.1f segments", v, got)
		}
		first, cwr, after := -1, 0, 0
		for _, x := range back.seen[1:] {
			if x.Flags&ECE != 0 && first < 0 {
				first = int(x.Ack-1) / 1448
			}
		}
		for _, x := range fwd.seen[1:] {
			if x.Flags&CWR != 0 {
				cwr++
			}
		}
		for _, x := range back.seen {
			if x.at > back.seen[0].at.Add(600*ms) && x.Flags&ECE != 0 {
				after++
			}
		}
		if first != 41 || cwr != 1 || after != 0 {
			t.Errorf("%+v: ECE from segment %d, CWR %d times, ECE later %d times", v, first, cwr, after)
		}
	}
}

// RFC 9768 §3.2: the sender's count of marks is exact, whatever the pattern,
// with delayed acknowledgments.
func TestAccurateCount(t *testing.T) {
	n, fwd, back := newTapped(t, 50*ms)
	marked := uint64(0)
	fwd.fate = func(s tapped) fabric.Fate {
		if s.nth >= 0 && (s.nth%7 == 3 || s.nth%100 > 60) {
			s.p.ECN = packet.CE
			marked++
		}
		return fabric.Pass
	}
	p := n.connect(0, 0, Config{Control: ControlPrague}, Config{ECN: AccurateECN})
	p.snd.Write(2_000_000)
	n.run(100 * time.Second)
	if got := p.snd.Stats().CEEchoed; uint64(got) != marked || p.rcv.Stats().CEReceived != marked {
		t.Errorf("%d marked, %d received, %d echoed", marked, p.rcv.Stats().CEReceived, got)
	}
	if p.rcv.Received() != 2_000_000 || marked < 500 {
		t.Errorf("received %d with %d marks", p.rcv.Received(), marked)
	}
	for _, s := range fwd.seen {
		if s.body > 0 && s.ecn != packet.ECT1 {
			t.Fatalf("a segment of Prague has %d", s.ecn)
		}
	}
	if ace(back.seen[1].Flags) != cepStart {
		t.Errorf("ACE begins at %d", ace(back.seen[1].Flags))
	}
}
