package tcp

import (
	"fmt"
	"os"
	"testing"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func TestDbg(t *testing.T) {
	if os.Getenv("DBG") == "" {
		t.Skip()
	}
	n := newNet(t, 1, bottleneck(10*units.Mbps, 20*ms, 50*ms), pipe(20*ms))
	p := n.connect(0, 0, Config{Control: os.Getenv("DBG"), NoSACK: os.Getenv("SACK") == ""}, Config{ECN: AccurateECN})
	p.snd.Write(20_000_000)
	p.snd.Close()
	last := Stats{}
	lp := phaseOpen
	p.src.after = func(now simtime.Time) {
		s := p.snd.Stats()
		if s.Recoveries != last.Recoveries || s.Timeouts != last.Timeouts || p.snd.phase != lp {
			fmt.Printf("%v phase %d una %d nxt %d recover %d cwnd %d ssth %d flight %d pipe %d rtx %d rec %d to %d rto %v lim %d dup %d drops %d\n", now, p.snd.phase, p.snd.board.una, p.snd.board.nxt, p.snd.recover, p.snd.window.cwnd/1448, p.snd.window.ssthresh/1448,
				p.snd.board.flight()/1448, p.snd.board.pipe()/1448, s.Retransmitted, s.Recoveries, s.Timeouts, p.snd.RTO(), p.snd.limitedTo, p.snd.dupAcks, n.fwd.Stats().Refused)
		}
		last, lp = s, p.snd.phase
	}
	n.run(60 * time.Second)
}
