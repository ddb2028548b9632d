package rtplog

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Tap is an observer that logs the RTP packets that hosts send and receive, in two files for each: NAME.sent.log and
// NAME.received.log. Times are those of captures, in which a run begins at [simtime.Epoch].
type Tap struct {
	fabric.Observer
	tag            units.Bytes
	sent, received map[packet.IPv4]*file
	files          []*file
	line           []byte
	err            error
}

type file struct {
	f   *os.File
	buf *bufio.Writer
}

// NewTap opens the files of hosts, by their names, in an existing folder. Packets end in an authentication tag of so many octets, which
// is no payload.
func NewTap(dir string, tag units.Bytes, hosts map[string]packet.IPv4) (*Tap, error) {
	t := &Tap{Observer: fabric.Nobody, tag: tag, sent: map[packet.IPv4]*file{}, received: map[packet.IPv4]*file{}}
	for name, addr := range hosts {
		for suffix, files := range map[string]map[packet.IPv4]*file{"sent": t.sent, "received": t.received} {
			f, err := os.Create(filepath.Join(dir, name+"."+suffix+".log"))
			if err != nil {
				return nil, errors.Join(err, t.Close())
			}
			files[addr] = &file{f, bufio.NewWriterSize(f, 1<<15)}
			t.files = append(t.files, files[addr])
		}
	}
	return t, nil
}

// PacketSent logs at the sender.
func (t *Tap) PacketSent(now simtime.Time, p *packet.Packet) { t.log(now, t.sent[p.Src.IP], p) }

// PacketDelivered logs at the receiver.
func (t *Tap) PacketDelivered(now simtime.Time, p *packet.Packet) {
	t.log(now, t.received[p.Dst.IP], p)
}

func (t *Tap) log(now simtime.Time, f *file, p *packet.Packet) {
	if f == nil || t.err != nil {
		return
	}
	e, ok := entryOf(p.Payload, int(t.tag))
	if !ok {
		return
	}
	e.At = time.Duration(simtime.Epoch)*time.Second + now.Duration()
	t.line = e.Append(t.line[:0])
	_, t.err = f.buf.Write(t.line)
}

// entryOf reads the header of an RTP packet, with or without SRTP; false if it is none. What SRTP hides, padding, counts as payload.
func entryOf(b []byte, tag int) (Entry, bool) {
	if len(b) < 12 || b[0]>>6 != 2 || packet.IsRTCP(b) {
		return Entry{}, false
	}
	header := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < header+4 {
			return Entry{}, false
		}
		header += 4 + 4*int(binary.BigEndian.Uint16(b[header+2:]))
	}
	return Entry{
		PayloadType: b[1] & 0x7f, Marker: b[1]&0x80 != 0, Seq: binary.BigEndian.Uint16(b[2:]), Timestamp: binary.BigEndian.Uint32(b[4:]),
		SSRC: binary.BigEndian.Uint32(b[8:]), Size: max(0, len(b)-header-tag),
	}, true
}

// Close finishes the files. It returns the first error of all.
func (t *Tap) Close() error {
	err := t.err
	for _, f := range t.files {
		err = errors.Join(err, f.buf.Flush(), f.f.Close())
	}
	if err != nil {
		return fmt.Errorf("RTP log: %w", err)
	}
	return nil
}
