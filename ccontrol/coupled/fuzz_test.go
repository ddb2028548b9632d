package coupled

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"rtpfabric/sim/simtime"
)

// FuzzFSE plays any calls with any rates: those that are assigned stay within each flow's
// bounds and add up to no more than S_CR.
func FuzzFSE(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte("\x01\x00\x02\x40\x33\x00\x00\x00\x00\x00\x00\x03\x41\x33\x7f\xf0\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x02abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"))
	f.Fuzz(func(t *testing.T, script []byte) {
		next := func() byte {
			if len(script) == 0 {
				return 0
			}
			b := script[0]
			script = script[1:]
			return b
		}
		anything := func() float64 {
			var b [8]byte
			for i := range b {
				b[i] = next()
			}
			if b[0]%4 == 0 {
				return float64(binary.LittleEndian.Uint32(b[4:]) % 10_000_000)
			}
			return math.Float64frombits(binary.LittleEndian.Uint64(b[:]))
		}
		e := New(Algorithm(next() % 3))
		now := simtime.At(0)
		var flows []*Flow
		for range 4 {
			flows = append(flows, &Flow{P: anything(), Min: anything(), Max: anything()})
		}
		for len(script) > 0 {
			fl := flows[next()%4]
			switch next() % 8 {
			case 0:
				e.Register(fl, FGI(next()%3), anything(), func(_ simtime.Time, r float64) { inBounds(t, fl, r) })
			case 1:
				e.Deregister(fl)
			case 2:
				e.Move(fl, FGI(next()%3))
			case 3:
				now = now.Add(time.Duration(next()) * time.Millisecond)
			default:
				if rate := e.Update(now, fl, anything(), time.Duration(int8(next()))*time.Millisecond); fl.Registered() {
					inBounds(t, fl, rate)
				}
			}
			check(t, e, flows)
		}
	})
}

func inBounds(t *testing.T, f *Flow, rate float64) {
	t.Helper()
	if !(rate >= f.Min && rate <= f.Max) {
		t.Fatalf("rate %v outside of %v to %v", rate, f.Min, f.Max)
	}
}

func check(t *testing.T, e *FSE, flows []*Flow) {
	t.Helper()
	n := 0
	for _, g := range e.groups {
		sum := 0.0
		for _, f := range g.flows {
			if f.group != g {
				t.Fatal("a flow isn't where it says")
			}
			sum += f.FSER
		}
		n += len(g.flows)
		if len(g.flows) == 0 || !(g.sCR >= 0 && g.sCR <= 4*mostRate) || !(g.tlo >= 0 && g.tlo <= 8*mostRate) {
			t.Fatalf("group of %d, S_CR %v, TLO %v", len(g.flows), g.sCR, g.tlo)
		}
		if e.algorithm != Passive && sum > float64(g.sCR*(1+1e-9))+1 {
			t.Fatalf("rates add up to %v, S_CR is %v", sum, g.sCR)
		}
	}
	for _, f := range flows {
		if f.group != nil {
			n--
		}
	}
	if n != 0 {
		t.Fatalf("%d flows too many in groups", n)
	}
}
