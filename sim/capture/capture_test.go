package capture

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

var (
	alice = packet.Addr{IP: 10<<24 + 1, Port: 5000}
	bob   = packet.Addr{IP: 10<<24 + 2, Port: 6000}
)

func datagram(payload ...byte) *packet.Packet {
	p := &packet.Packet{ID: 7, Src: alice, Dst: bob, DSCP: 46, ECN: packet.CE}
	copy(p.SetPayload(len(payload)), payload)
	return p
}

func TestRawIPIsWhatGopacketReads(t *testing.T) {
	b := appendIPv4(nil, datagram(0x80, 96, 1, 2, 3))
	got := gopacket.NewPacket(b, layers.LayerTypeIPv4, gopacket.Default)
	if e := got.ErrorLayer(); e != nil {
		t.Fatal(e.Error())
	}
	ip := got.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	udp := got.Layer(layers.LayerTypeUDP).(*layers.UDP)
	if ip.SrcIP.String() != "10.0.0.1" || ip.TOS != 46<<2|3 || udp.DstPort != 6000 || len(udp.Payload) != 5 {
		t.Errorf("read back as %v %v", ip, udp)
	}
	if checksum(b[:20]) != 0 {
		t.Error("the header checksum is wrong")
	}
}

func TestDissectors(t *testing.T) {
	for _, c := range []struct {
		payload   []byte
		encrypted bool
		want      string
	}{
		{[]byte{0x80, 96}, false, "rtp"},
		{[]byte{0x80, 0x80 | 96}, true, "rtp"}, // marker bit
		{[]byte{0x80, 200}, false, "rtcp"},
		{[]byte{0x80, 205}, true, "data"},
		{[]byte{22, 254}, true, "dtls"},
		{[]byte{0, 0x11}, true, "stun-udp"},
		{[]byte{100, 0}, true, "udp"},
		{nil, false, "udp"},
	} {
		if got := dissector(c.payload, c.encrypted); got != c.want {
			t.Errorf("% x: %s, want %s", c.payload, got, c.want)
		}
	}
}

func TestTagsAreAligned(t *testing.T) {
	b := appendUpperPDU(nil, datagram(0x80, 200, 0, 0), false)
	for {
		tag, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if n%4 != 0 {
			t.Fatalf("tag %d has %d octets", tag, n)
		}
		b = b[4+n:]
		if tag == tagEnd {
			break
		}
	}
	if len(b) != 4 {
		t.Errorf("%d octets after the tags, want the payload's 4", len(b))
	}
}

func TestTapWritesWhatPasses(t *testing.T) {
	dir := t.TempDir()
	tap, err := NewTap(dir, UpperPDU, false, []Point{{Name: "alice", Addr: alice.IP}, {Name: "bob", Addr: bob.IP}})
	if err != nil {
		t.Fatal(err)
	}
	tap.PacketSent(simtime.At(time.Second), datagram(0x80, 96))
	tap.PacketDelivered(simtime.At(1500*time.Millisecond), datagram(0x80, 96))
	if err := tap.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]time.Duration{"alice": time.Second, "bob": 1500 * time.Millisecond} {
		f, err := os.Open(filepath.Join(dir, name+".pcapng"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := pcapgo.NewNgReader(f, pcapgo.DefaultNgReaderOptions)
		if err != nil {
			t.Fatal(err)
		}
		_, info, err := r.ReadPacketData()
		if err != nil {
			t.Fatal(err)
		}
		if at := info.Timestamp.Sub(time.Unix(simtime.Epoch, 0)); at != want {
			t.Errorf("%s captured at %v, want %v", name, at, want)
		}
		if _, _, err := r.ReadPacketData(); err == nil {
			t.Errorf("%s captured more than one packet", name)
		}
	}
}
