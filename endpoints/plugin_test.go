package endpoints_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// counter is a header extension that counts the packets of a stream.
type counter struct {
	sent      uint32
	read      []uint32
	malformed int
}

const counterURI = "urn:example:counter"

func (*counter) URI() string { return counterURI }
func (*counter) Size() int   { return 3 }

func (c *counter) Write(_ simtime.Time, _ endpoints.RTPPacket, data []byte) {
	data[0], data[1], data[2] = byte(c.sent>>16), byte(c.sent>>8), byte(c.sent)
	c.sent++
}

func (c *counter) Read(_ simtime.Time, p endpoints.RTPPacket, data []byte) {
	c.read = append(c.read, uint32(data[0])<<16|uint32(data[1])<<8|uint32(data[2]))
	if p.SSRC == 0 || p.Size == 0 || p.PayloadType == 0 {
		c.malformed++
	}
}

// echo is an RTCP message about the last packet that its counter has seen.
type echo struct {
	timing endpoints.Timing
	about  *counter
	said   int // packets that were told of
	heard  []uint32
	sent   []simtime.Time
}

func (*echo) Type() (packetType, format uint8) { return 205, 30 }
func (e *echo) Timing() endpoints.Timing       { return e.timing }
func (*echo) MaxSize() int                     { return 12 }
func (e *echo) Pending() bool                  { return len(e.about.read) >= e.said+30 }

func (e *echo) Append(now simtime.Time, b []byte, ssrc uint32) []byte {
	e.said = len(e.about.read)
	e.sent = append(e.sent, now)
	b = append(b, 0x80|30, 205, 0, 2)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	return binary.BigEndian.AppendUint32(b, e.about.read[e.said-1])
}

func (e *echo) Handle(_ simtime.Time, b []byte) error {
	if len(b) != 12 {
		return errors.New("not 12 octets")
	}
	e.heard = append(e.heard, binary.BigEndian.Uint32(b[8:]))
	return nil
}

// plain is a payload format with a header of four octets: what the packet is of its
// frame, a check of that, and the number of the frame.
type plain struct{}

func (plain) HeaderSize() int { return 4 }

func (plain) WriteHeader(b []byte, f encoder.Frame, first, _ bool) {
	b[0] = 0
	if first {
		b[0] |= 1
	}
	if f.Key {
		b[0] |= 2
	}
	b[1] = ^b[0]
	binary.BigEndian.PutUint16(b[2:], uint16(f.Number)&0x7fff)
}

func (plain) ReadHeader(b []byte) (h endpoints.PayloadHeader, ok bool) {
	if len(b) < 4 || b[0] != ^b[1] {
		return h, false
	}
	h.Size, h.First = 4, b[0]&1 != 0
	h.Picture.Key, h.Picture.Number = b[0]&2 != 0, binary.BigEndian.Uint16(b[2:])
	return h, true
}

// Header extensions, RTCP messages and payload formats can be added from outside: each
// says how large it is and when it goes, and who doesn't know it ignores it, but for a
// payload format, on which both have to agree.
//
// conformance: EXT-9-1
func TestPlugins(t *testing.T) {
	for _, timing := range []endpoints.Timing{endpoints.WithReports, endpoints.AsFeedback} {
		for _, who := range [][2]bool{{true, true}, {true, false}, {false, true}} {
			t.Run(fmt.Sprint(timing, who), func(t *testing.T) {
				counters, echoes := [2]counter{}, [2]echo{}
				rtcp := brisk
				rtcp.TrrInterval = 2 * time.Second // so that it shows what goes early
				c := newCall(t, setup{
					streams: []stream{videoFromA, audioFromA}, rtcp: rtcp, repair: endpoints.DefaultRepair(),
					edit: func(end int, sc *endpoints.SessionConfig) {
						sc.Extensions = append(sc.Extensions, headerext.Entry{ID: midID, URI: headerext.MID.URI()})
						sc.Sections[0].Formats[0].Codec, sc.Sections[0].Formats[0].Custom = "X-PLAIN", plain{}
						if !who[end] {
							return
						}
						echoes[end] = echo{timing: timing, about: &counters[end]}
						sc.Extensions = append(sc.Extensions, headerext.Entry{ID: 9, URI: counterURI})
						sc.HeaderExtensions = []endpoints.HeaderExtension{&counters[end]}
						sc.ControlMessages = []endpoints.ControlMessage{&echoes[end]}
					},
				})
				c.run(20 * time.Second)
				if n := c.count(1, endpoints.FrameRendered); n < 490+990 {
					t.Errorf("%d frames played", n)
				}
				if n := c.sessions[1].Counts(); n.Malformed+n.Unassociated > 0 {
					t.Errorf("%+v", n)
				}
				sent := int(c.sessions[0].Counts().RTPSent)
				if who[0] && int(counters[0].sent) != sent {
					t.Errorf("%d packets of %d have the extension", counters[0].sent, sent)
				}
				heard := len(echoes[0].heard)
				if !who[0] || !who[1] {
					if len(counters[1].read)+heard > 0 {
						t.Errorf("%d packets and %d messages were read", len(counters[1].read), heard)
					}
					return
				}
				for i, n := range counters[1].read {
					if int(n) != i {
						t.Fatalf("packet %d says %d", i, n)
					}
				}
				if counters[1].malformed > 0 || len(counters[1].read) < sent-5 {
					t.Errorf("%d of %d packets were read, %d without header", len(counters[1].read), sent, counters[1].malformed)
				}
				if heard < len(echoes[1].sent)-1 || heard < 5 { // one may be on its way
					t.Fatalf("%d messages sent, %d heard", len(echoes[1].sent), heard)
				}
				// There is something to say every 0.4 s; two SSRCs report every 2 s each.
				if early := heard > 40; early != (timing == endpoints.AsFeedback) {
					t.Errorf("%d messages in 20 s", heard)
				}
			})
		}
	}
}

// What rates are divided by counts what is added.
func TestOwnExtensionSize(t *testing.T) {
	entries := []headerext.Entry{{ID: 9, URI: counterURI}}
	for own, want := range map[bool]units.Bytes{false: 0, true: 8} {
		var list []endpoints.HeaderExtension
		if own {
			list = append(list, &counter{})
		}
		if got, err := endpoints.ExtensionSize(entries, endpoints.FeedbackNone, endpoints.Video, list...); err != nil || got != want {
			t.Errorf("own %v: %v, %v; want %v", own, got, err, want)
		}
	}
	known := &counter{}
	if _, err := endpoints.ExtensionSize(entries, endpoints.FeedbackNone, endpoints.Video, known, known, known, known, known); err == nil {
		t.Error("five extensions of one's own are too many")
	}
}
