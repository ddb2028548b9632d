package tcp

import (
	"testing"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Many connections of one pair of hosts, at once and one after the other, keep
// apart; strays are counted.
func TestHost(t *testing.T) {
	n := newNet(t, 1, bottleneck(20e6, 10*ms, 50*ms), pipe(10*ms))
	client, server := NewHost(1, n.f.Pool()), NewHost(2, n.f.Pool())
	src := attach(t, n.loop, n.f, n.a, 1)
	dst := attach(t, n.loop, n.f, n.b, 2)
	src.obj, dst.obj = client, server
	if err := server.Listen(80, Config{}); err != nil {
		t.Fatal(err)
	}
	if server.Listen(80, Config{}) == nil || server.Listen(81, Config{Control: "?"}) == nil {
		t.Error("a second listener or a bad configuration is accepted")
	}
	got := map[uint16]int{}
	server.Retired = func(_ simtime.Time, c *Conn) { got[c.Remote().Port] = int(c.Received()) }
	want := map[uint16]int{}
	remote := packet.Addr{IP: 2, Port: 80}
	dial := func(now simtime.Time) {
		c, err := client.Dial(now, Config{Remote: remote, TimeWait: 500 * ms})
		if err != nil {
			t.Fatal(err)
		}
		c.Write(500)
		c.Write(100)
		c.Truncate()
		c.Write(10_000)
		c.Close()
		want[c.Local().Port] = 10_000
		src.drain(now)
	}
	n.f.Route()
	for i := range 60 {
		dial(n.loop.Now())
		n.resume(time.Duration(i/3) * 100 * ms)
	}
	n.resume(20 * time.Second)
	if len(got) != 60 || len(client.Conns())+len(server.Conns()) != 0 || client.NextTimeout() != simtime.Never {
		t.Errorf("%d connections of 60; %d and %d left", len(got), len(client.Conns()), len(server.Conns()))
	}
	for port, size := range want {
		if got[port] != size {
			t.Errorf("from port %d came %d, want %d", port, got[port], size)
		}
	}
	if _, err := client.Dial(0, Config{Local: packet.Addr{Port: 7}, Remote: remote}); err != nil {
		t.Error(err)
	}
	if _, err := client.Dial(0, Config{Local: packet.Addr{Port: 7}, Remote: remote}); err == nil {
		t.Error("one port twice")
	}
	p := n.f.Pool().New()
	p.SetPayload(30)
	server.HandlePacket(0, p)
	if server.Unexpected() != 1 {
		t.Errorf("%d strays", server.Unexpected())
	}
}
