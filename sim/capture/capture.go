// Package capture writes packets to pcapng files, one per capture point, in
// order of time.
package capture

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Format is what a capture file holds.
type Format string

// The formats.
const (
	// UpperPDU says for each packet which dissector it is for (Wireshark's
	// exported PDUs, link type 252): RTP and RTCP open without any setting.
	UpperPDU Format = "pdu"
	// RawIP holds IPv4 packets (link type 228) with DSCP and ECN; Wireshark
	// must be told that they are RTP.
	RawIP Format = "ip"
)

// linkTypeUpperPDU is LINKTYPE_WIRESHARK_UPPER_PDU.
const linkTypeUpperPDU layers.LinkType = 252

// Point is where packets are captured: a host's address.
type Point struct {
	Name string
	Addr packet.IPv4
	// IP writes IPv4 packets whatever the format of the others: of a host that
	// knows no RTP.
	IP bool
}

// Tap is an observer that writes what hosts send and receive.
type Tap struct {
	fabric.Observer
	files     map[packet.IPv4]*file
	order     []*file
	encrypted bool
	buf       []byte
	err       error
}

type file struct {
	f      *os.File
	buf    *bufio.Writer
	w      *pcapgo.NgWriter
	format Format
}

// NewTap opens a file for every point in an existing folder. encrypted says
// that packets are SRTP and SRTCP rather than RTP and RTCP.
func NewTap(dir string, format Format, encrypted bool, points []Point) (*Tap, error) {
	t := &Tap{Observer: fabric.Nobody, files: map[packet.IPv4]*file{}, encrypted: encrypted}
	for _, p := range points {
		format := format
		if p.IP {
			format = RawIP
		}
		f, err := open(filepath.Join(dir, p.Name+".pcapng"), p.Name, format)
		if err != nil {
			return nil, errors.Join(err, t.Close())
		}
		t.files[p.Addr] = f
		t.order = append(t.order, f)
	}
	return t, nil
}

func open(path, name string, format Format) (*file, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	link := linkTypeUpperPDU
	if format == RawIP {
		link = layers.LinkTypeIPv4
	}
	buf := bufio.NewWriterSize(f, 1<<16)
	w, err := pcapgo.NewNgWriterInterface(buf, pcapgo.NgInterface{
		Name: name, LinkType: link, SnapLength: 0, TimestampResolution: 9, OS: "rtpfabric",
	}, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "simrun"}})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{f, buf, w, format}, nil
}

// PacketSent captures at the sender.
func (t *Tap) PacketSent(now simtime.Time, p *packet.Packet) { t.write(now, p.Src.IP, p) }

// PacketDelivered captures at the receiver.
func (t *Tap) PacketDelivered(now simtime.Time, p *packet.Packet) { t.write(now, p.Dst.IP, p) }

func (t *Tap) write(now simtime.Time, at packet.IPv4, p *packet.Packet) {
	f, ok := t.files[at]
	if !ok || t.err != nil {
		return
	}
	length := 0 // of what isn't kept
	if f.format == RawIP {
		length = int(p.Body)
		t.buf = appendIPv4(t.buf[:0], p)
	} else {
		t.buf = appendUpperPDU(t.buf[:0], p, t.encrypted)
	}
	wall := time.Unix(simtime.Epoch, 0).UTC().Add(now.Duration())
	t.err = f.w.WritePacket(gopacket.CaptureInfo{
		Timestamp: wall, CaptureLength: len(t.buf), Length: len(t.buf) + length,
	}, t.buf)
}

// Close finishes the files. It returns the first error of the whole capture.
func (t *Tap) Close() error {
	err := t.err
	for _, f := range t.order {
		err = errors.Join(err, f.w.Flush(), f.buf.Flush(), f.f.Close())
	}
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}
