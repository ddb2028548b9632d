package turn_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/packet"
)

// writeCapture makes a capture file of raw IPv4 packets (link type 101) of what was sent.
func (w *world) writeCapture(name string) {
	w.t.Helper()
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d) // nanoseconds
	for _, v := range []uint32{2 | 4<<16, 0, 0, 65535, 101} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for i, p := range w.log {
		at := w.times[i].Duration()
		for _, v := range []uint32{uint32(at / time.Second), uint32(at % time.Second), uint32(p.Size), uint32(p.Size)} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		head := make([]byte, packet.HeaderIPv4UDP)
		head[0], head[8], head[9] = 0x45, 64, packet.UDP.Number()
		binary.BigEndian.PutUint16(head[2:], uint16(p.Size))
		binary.BigEndian.PutUint32(head[12:], uint32(p.Src.IP))
		binary.BigEndian.PutUint32(head[16:], uint32(p.Dst.IP))
		binary.BigEndian.PutUint16(head[20:], p.Src.Port)
		binary.BigEndian.PutUint16(head[22:], p.Dst.Port)
		binary.BigEndian.PutUint16(head[24:], uint16(p.Size)-20)
		b = append(append(b, head...), p.Payload...)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// An independent reader finds what was sent in every packet, and nothing wrong with it.
func TestTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	w, c := allocated(t, nil)
	relayed := c.relayed(t)
	c.Permit(w.now, peerA.IP)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + time.Second)
	for _, peer := range []packet.Addr{peerA, peerB} {
		c.Send(w.now, peer, []byte("hello"))
		w.run(w.now.Duration() + time.Second)
		w.send(peer, relayed, "hello back")
		w.run(w.now.Duration() + time.Second)
	}
	c.Bind(w.now, serverAddr) // is refused
	w.run(w.now.Duration() + time.Second)
	c.Release(w.now)
	w.run(w.now.Duration() + time.Second)

	name := filepath.Join(t.TempDir(), "turn.pcap")
	w.writeCapture(name)
	columns := []string{
		"ip.src", "stun.type.method", "stun.type.class", "stun.channel", "stun.att.error.class", "stun.att.error", "stun.att.channelnum",
		"stun.att.ipv4", "stun.att.port", "stun.att.lifetime", "stun.att.crc32.status", "_ws.malformed", "_ws.expert.message",
	}
	args := []string{"-r", name, "-T", "fields", "-E", "separator=|"}
	for _, name := range columns {
		args = append(args, "-e", name)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(tshark, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	const (
		allocate, refresh, send, data, permit, bind = "0x0003", "0x0004", "0x0006", "0x0007", "0x0008", "0x0009"
		request, indicated, success, failure        = "0x0000", "0x0001", "0x0010", "0x0011"
	)
	message := func(from packet.Addr, method, class string, rest ...string) string { // with a good fingerprint, and no complaints
		all := append([]string{from.IP.String(), method, class, ""}, rest...)
		return strings.Join(append(all, make([]string, 10-len(all))...), "|") + "|1||"
	}
	channel := func(from packet.Addr) string { return from.IP.String() + "|||0x4000|||||||||" }
	plain := func(from packet.Addr) string { return from.IP.String() + "||||||||||||" }
	want := []string{
		message(c.addr, allocate, request),
		message(serverAddr, allocate, failure, "4", "1"),
		message(c.addr, allocate, request),
		message(serverAddr, allocate, success, "", "", "", "10.0.0.1,10.0.1.1", fmt.Sprint(relayed.Port, ",", 5000), "600"),
		message(c.addr, permit, request, "", "", "", "10.0.2.1", "0"),
		message(c.addr, bind, request, "", "", "0x4000", "10.0.2.2", "6002"),
		message(serverAddr, permit, success),
		message(serverAddr, bind, success),
		message(c.addr, send, indicated, "", "", "", "10.0.2.1", "6001"),
		plain(serverAddr),
		plain(peerA),
		message(serverAddr, data, indicated, "", "", "", "10.0.2.1", "6001"),
		channel(c.addr),
		plain(serverAddr),
		plain(peerB),
		channel(serverAddr),
		message(c.addr, bind, request, "", "", "0x4001", "10.0.0.1", "3478"),
		message(serverAddr, bind, failure, "4", "3"),
		message(c.addr, refresh, request, "", "", "", "", "", "0"),
		message(serverAddr, refresh, success, "", "", "", "", "", "0"),
	}
	got := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("packet %d of %d, want %d: %q, want %q", i, len(got), len(want), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
		}
	}
}
