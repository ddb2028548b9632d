package tcp

import (
	"testing"
	"time"

	"rtpfabric/sim/units"
)

func TestTransfer(t *testing.T) {
	for _, cc := range Controls() {
		for _, noSACK := range []bool{false, true} {
			if cc == ControlBBR && noSACK {
				continue
			}
			n := newNet(t, 1, bottleneck(10*units.Mbps, 20*ms, 50*ms), pipe(20*ms))
			p := n.connect(0, 0, Config{Control: cc, NoSACK: noSACK}, Config{ECN: AccurateECN, NoSACK: noSACK})
			p.snd.Write(20_000_000)
			p.snd.Close()
			n.run(60 * time.Second)
			s := p.snd.Stats()
			t.Logf("%s nosack=%v: received %d state %v/%v stats %+v cwnd %v srtt %v", cc, noSACK, p.rcv.Received(), p.snd.State(), p.rcv.State(), s, p.snd.Cwnd(), p.snd.SRTT())
		}
	}
}
