package pion

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/hosted"
	"rtpfabric/sim/hosted/bubble"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// pion's passive half of ICE over TCP (RFC 6544 §10.1) takes connections by a host's listener, and knows by the first check whose they
// are; messages are framed by their lengths (RFC 4571).
func TestPionTCPMuxOnHost(t *testing.T) {
	err := bubble.Run(time.Minute, func() error {
		loop := &engine.Loop{}
		f, clock := fabric.New(loop, rng.New(1)), hosted.NewClock(loop)
		nodes := [2]*fabric.Node{f.AddNode("A"), f.AddNode("B")}
		var hosts [2]*hosted.Host
		for i, n := range nodes {
			f.AddLink(n, nodes[1-i], fabric.LinkConfig{Name: n.Name, Rate: units.Mbps, Delay: 20 * time.Millisecond, Loss: 0.05})
			hosts[i] = hosted.NewHost(clock, addr(i).IP, nil)
			hosts[i].CarryTCP(f.Pool())
			join(loop, f, n, clock, hosts[i], addr(i).IP)
		}
		f.Route()
		l, err := hosts[1].ListenTCP("tcp4", &net.TCPAddr{Port: 9})
		if err != nil {
			return err
		}
		mux := ice.NewTCPMuxDefault(ice.TCPMuxParams{Listener: l, ReadBufferSize: 8})
		passive, err := mux.GetConnByUfrag("passive", false, addr(1).IP.Netip().AsSlice())
		if err != nil {
			return err
		}
		go func() { // an agent that answers checks with what they were
			b := make([]byte, 1500)
			for n, from, err := passive.ReadFrom(b); err == nil; n, from, err = passive.ReadFrom(b) {
				_, _ = passive.WriteTo(b[:n], from)
			}
		}()
		answers := 0
		go func() {
			c, err := hosts[0].Dial("tcp4", l.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			for range 20 {
				check := stun.MustBuild(stun.BindingRequest, stun.TransactionID, stun.NewUsername("passive:active")).Raw
				_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(check))), check...))
				b := make([]byte, 2+len(check))
				if _, err := io.ReadFull(c, b); err != nil || string(b[2:]) != string(check) {
					t.Errorf("%v, % x", err, b)
				}
				answers++
			}
			_, _ = c.Close(), mux.Close()
		}()
		if err := clock.Run(t.Context(), simtime.At(2*time.Minute)); err != nil {
			return err
		}
		_ = passive.Close()
		clock.Pass(time.Second)
		if answers != 20 || hosts[0].Sockets()+hosts[1].Sockets() != 0 {
			t.Errorf("%d answers; %d and %d sockets are open", answers, hosts[0].Sockets(), hosts[1].Sockets())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// driver drives a host with TCP.
type driver struct {
	*hosted.Host
	port  *fabric.Port
	timer *engine.Timer
}

func join(loop *engine.Loop, f *fabric.Fabric, n *fabric.Node, clock *hosted.Clock, h *hosted.Host, addr packet.IPv4) {
	d := &driver{Host: h}
	d.port = f.Attach(n, addr, d)
	d.timer = loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		d.HandleTimeout(now)
		d.drain(now)
	}))
	clock.OnWake(d.drain)
}

func (d *driver) Receive(now simtime.Time, p *packet.Packet) {
	d.HandleSegment(now, p)
	d.drain(now)
}

func (d *driver) drain(now simtime.Time) {
	for p := d.PollSegment(now); p != nil; p = d.PollSegment(now) {
		d.port.Send(now, p)
	}
	d.timer.SetIfMoved(d.NextTimeout())
}
