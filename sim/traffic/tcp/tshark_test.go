package tcp

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
)

// A pcap is a capture file of raw IPv4 packets (link type 101).
type pcap struct{ bytes.Buffer }

func (c *pcap) add(at time.Duration, p *packet.Packet, order binary.ByteOrder) {
	if c.Len() == 0 {
		for _, v := range []any{uint32(0xa1b23c4d), uint16(2), uint16(4), uint32(0), uint32(0), uint32(65535), uint32(101)} {
			_ = binary.Write(c, order, v) // a buffer's Write never fails
		}
	}
	for _, v := range []uint32{uint32(at / time.Second), uint32(at % time.Second), uint32(p.Size), uint32(p.Size)} {
		_ = binary.Write(c, order, v)
	}
	b := make([]byte, 20, p.Size)
	b[0], b[1], b[8], b[9] = 0x45, p.DSCP<<2|byte(p.ECN), 64, p.Protocol.Number()
	binary.BigEndian.PutUint16(b[2:], uint16(p.Size))
	binary.BigEndian.PutUint32(b[12:], uint32(p.Src.IP))
	binary.BigEndian.PutUint32(b[16:], uint32(p.Dst.IP))
	b = append(b, p.Payload...)
	c.Write(append(b, make([]byte, p.Body)...))
}

// An independent reader finds nothing wrong with headers, options, checksums
// and sequence numbers.
func TestTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	var c pcap
	n, fwd, back := newTapped(t, 50*ms)
	write := func(s tapped) { c.add(s.at.Duration(), s.p, binary.LittleEndian) }
	fwd.fate = func(s tapped) fabric.Fate {
		write(s)
		if s.nth == 20 || s.nth == 25 {
			return fabric.Lose
		}
		return fabric.Pass
	}
	back.fate = func(s tapped) fabric.Fate {
		write(s)
		return fabric.Pass
	}
	p := n.connect(0, 0, Config{Control: ControlPrague, ISS: ^uint32(0) - 50_000}, Config{ECN: AccurateECN})
	p.snd.Write(100_000)
	p.snd.Close()
	n.run(10 * time.Second)
	name := filepath.Join(t.TempDir(), "tcp.pcap")
	if err := os.WriteFile(name, c.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	count := func(filter string) int {
		out, err := exec.Command(tshark, "-r", name, "-o", "tcp.check_checksum:TRUE", "-Y", filter, "-T", "fields", "-e", "frame.number").Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return bytes.Count(out, []byte("\n"))
	}
	total := len(fwd.seen) + len(back.seen)
	if got := count("tcp.checksum.status == 1"); got != total {
		t.Errorf("%d of %d segments have a good checksum", got, total)
	}
	if got := count("_ws.malformed || tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment || tcp.options.unknown"); got != 0 {
		t.Errorf("%d segments are malformed or out of place", got)
	}
	if got := count("tcp.analysis.retransmission || tcp.analysis.out_of_order"); got != int(p.snd.Stats().Retransmitted) {
		t.Errorf("%d retransmissions seen, %d made", got, p.snd.Stats().Retransmitted)
	}
}
