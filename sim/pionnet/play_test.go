package pionnet_test

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/pionnet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const ms = time.Millisecond

var (
	here  = packet.Addr{IP: 10<<24 + 1, Port: 5000}
	there = packet.Addr{IP: 10<<24 + 2, Port: 6000}
)

func play(t *testing.T, v pionnet.Version, tree *pionnet.Router, packets []pionnet.Packet) []pionnet.Fate {
	t.Helper()
	fates, err := pionnet.Play(v, tree, packets, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return fates
}

// pair is a router with two hosts, and a stage before the second one.
func pair(delay time.Duration, down pionnet.Stage) *pionnet.Router {
	return &pionnet.Router{Name: "root", Delay: delay, Hosts: []pionnet.Host{
		{Addr: here.IP}, {Addr: there.IP, Above: pionnet.Path{Down: down}},
	}}
}

// stream is half a minute of packets of 1250 octets at a rate, at times that tie with nothing.
func stream(rate units.BitRate) []pionnet.Packet {
	random := rand.New(rand.NewPCG(1, 2))
	var list []pionnet.Packet
	for at := simtime.Time(0); at < simtime.At(30*time.Second); {
		list = append(list, pionnet.Packet{At: at, From: here, To: there, Size: 1250})
		at = at.Add(rate.TimeToSend(1250) + time.Duration(random.IntN(2001)-1000))
	}
	return list
}

// 2 Mbit/s come to a bucket of 1 Mbit/s with a queue of 50 kB before it, and 20 ms behind: theory says 1000 kbit/s and
// at most 420 ms. v4 does that; v2 does if its bucket holds enough for the time from one filling to the next, and
// otherwise carries what it holds each time.
func TestBucketsAgainstTheory(t *testing.T) {
	for _, c := range []struct {
		version  pionnet.Version
		burst    units.Bytes
		low, up  float64 // kbit/s
		from, to time.Duration
	}{
		{pionnet.V4, 1500, 995, 1005, 415 * ms, 421 * ms},
		{pionnet.V4, 8000, 995, 1005, 415 * ms, 421 * ms},
		{pionnet.V2, 1500, 90, 125, 3500 * ms, 5000 * ms},
		{pionnet.V2, 8000, 570, 650, 600 * ms, 750 * ms},
		{pionnet.V2, 20000, 980, 1005, 415 * ms, 550 * ms},
	} {
		tree := pair(20*ms, pionnet.Stage{Rate: units.Mbps, Burst: c.burst, Queue: 50000})
		packets := stream(2 * units.Mbps)
		octets, slowest := units.Bytes(0), time.Duration(0)
		for i, f := range play(t, c.version, tree, packets) {
			if f.Arrived > simtime.At(30*time.Second) {
				continue
			}
			octets += packets[i].Size
			slowest = max(slowest, f.Delay())
		}
		rate := float64(octets) * 8 / 30 / 1000
		if rate < c.low || rate > c.up {
			t.Errorf("%s, %v: %.1f kbit/s, want %v to %v", c.version, c.burst, rate, c.low, c.up)
		}
		if slowest < c.from || slowest > c.to {
			t.Errorf("%s, %v: at most %v, want %v to %v", c.version, c.burst, slowest, c.from, c.to)
		}
	}
}

func TestDelaysAndLosses(t *testing.T) {
	tree := pair(20*ms, pionnet.Stage{Delay: 5 * ms})
	tree.Hosts[0].Above.Delay = 3 * ms
	tree.Loses = map[int]bool{1: true}
	packets := []pionnet.Packet{
		{At: 0, From: here, To: there, Size: 100},
		{At: simtime.At(ms), From: here, To: there, Size: 100},
		{At: simtime.At(ms), From: there, To: here, Size: 1500},
	}
	fates := play(t, pionnet.V4, tree, packets)
	if d := fates[0].Delay(); d != 28*ms {
		t.Errorf("it took %v, want 28 ms", d)
	}
	if fates[1].Arrived != simtime.Never {
		t.Errorf("what is to be lost arrived after %v", fates[1].Delay())
	}
	if d := fates[2].Delay(); d != 23*ms {
		t.Errorf("the way back took %v, want 23 ms", d)
	}
}

// Behind a NAT, packets from outside get in by an address that was asked for before the call, and by the one that a packet
// from inside came from, as far as the filter allows.
func TestNATs(t *testing.T) {
	outside := packet.Addr{IP: 198<<24 + 51<<16 + 100<<8 + 1, Port: 5000}
	stranger := packet.Addr{IP: there.IP, Port: 7000}
	for _, v := range []pionnet.Version{pionnet.V2, pionnet.V4} {
		for filtering, want := range [][4]bool{
			pionnet.EndpointIndependent:     {true, true, true, true},
			pionnet.AddressDependent:        {false, true, true, true},
			pionnet.AddressAndPortDependent: {false, true, true, false},
		} {
			tree := &pionnet.Router{Name: "root", Hosts: []pionnet.Host{{Addr: there.IP}}, Routers: []*pionnet.Router{{
				Name: "nat", Above: pionnet.Path{Delay: 5 * ms}, Hosts: []pionnet.Host{{Addr: here.IP}},
				NAT: &pionnet.NAT{External: outside.IP, Filtering: pionnet.Dependence(filtering), Timeout: time.Minute},
			}}}
			packets := []pionnet.Packet{
				{At: 0, From: there, To: outside, Inner: here, Size: 100},
				{At: simtime.At(10 * ms), From: here, To: there, Seen: outside, Size: 100},
				{At: simtime.At(20 * ms), From: there, To: outside, Inner: here, Size: 100},
				{At: simtime.At(30 * ms), From: stranger, To: outside, Inner: here, Size: 100},
			}
			var got [4]bool
			for i, f := range play(t, v, tree, packets) {
				got[i] = f.Arrived != simtime.Never
				if !f.Addressed {
					t.Errorf("%s, filtering %d: packet %d has no address", v, filtering, i)
				}
				if got[i] && f.Delay() != 5*ms {
					t.Errorf("%s, filtering %d: packet %d took %v, want 5 ms", v, filtering, i, f.Delay())
				}
			}
			if got != want {
				t.Errorf("%s, filtering %d: arrived: %v, want %v", v, filtering, got, want)
			}
		}
	}
}

// What a line can't do is said before anything is sent, and leaves nothing behind. Nor does a run.
func TestUnable(t *testing.T) {
	deep := &pionnet.Router{Name: "root"}
	for at, i := deep, 0; i < 5; i++ {
		next := &pionnet.Router{Name: "deeper", Hosts: []pionnet.Host{{Addr: packet.IPv4(i + 1)}}}
		at.Routers = append(at.Routers, next)
		at = next
	}
	slow := pair(0, pionnet.Stage{Rate: units.Mbps, Burst: 1500, Queue: 5000})
	slow.Hosts = append(slow.Hosts, pionnet.Host{Addr: 3, Above: pionnet.Path{Down: pionnet.Stage{Delay: ms}}})
	before := runtime.NumGoroutine()
	for _, c := range []struct {
		version pionnet.Version
		tree    *pionnet.Router
		want    string
	}{
		{pionnet.V4, deep, "one below the other"},
		{pionnet.V2, slow, "virtual time stands still"},
	} {
		_, err := pionnet.Play(c.version, c.tree, stream(units.Mbps), time.Minute)
		if _, ok := errors.AsType[*pionnet.Unable](err); !ok || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an Unable with %q", c.version, err, c.want)
		}
	}
	play(t, pionnet.V4, slow, stream(units.Mbps))
	for range 100 { // what ends needs its time
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * ms)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
