package endpoints_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
)

// RFC 3550 §6.1, RFC 5506: a packet that starts with anything but a report is
// refused unless reduced size was agreed on.
//
// conformance: TIM-4.6-1
func TestNonCompoundIsRefused(t *testing.T) {
	sdes := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 4711, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "x@y"}}}}}
	bye := &rtcp.Goodbye{Sources: []uint32{4711}}
	ccfb := &rtcp.CCFeedbackReport{SenderSSRC: 4711}
	for _, reduced := range []bool{false, true} {
		conf := quick
		conf.ReducedSize = reduced
		c := newCall(t, setup{streams: []stream{audioFromA}, rtcp: conf})
		c.run(time.Second)
		for _, m := range []rtcp.Packet{sdes, bye, ccfb} {
			before := c.sessions[0].Counts()
			c.inject(0, marshal(t, m))
			want := before
			if reduced {
				want.RTCPReceived++
			} else {
				want.Malformed++
			}
			if got := c.sessions[0].Counts(); got != want {
				t.Errorf("reduced size %v, %T: %+v, want %+v", reduced, m, got, want)
			}
		}
		if n := c.count(0, endpoints.ByeReceived); (n == 1) != reduced {
			t.Errorf("reduced size %v: %d BYEs took effect", reduced, n)
		}
	}
}

// RFC 3550 §A.2: what can't be RTCP.
//
// conformance: TIM-4.6-1
func TestMalformedRTCP(t *testing.T) {
	rr := marshal(t, &rtcp.ReceiverReport{SSRC: 4711})
	for name, b := range map[string][]byte{
		"version 1":                        append([]byte{0x40 | rr[0]&0x3f}, rr[1:]...),
		"truncated header":                 rr[:3],
		"truncated":                        rr[:6],
		"length beyond the end":            {0x80, 201, 0, 9, 0, 0, 0, 1},
		"octets left over":                 append(slices.Clone(rr), 1, 2),
		"garbage behind the first":         append(slices.Clone(rr), 1, 2, 3, 4),
		"version 0 behind the first":       append(slices.Clone(rr), 0, 203, 0, 0),
		"more blocks than fit":             {0x9f, 201, 0, 1, 0, 0, 0, 1},
		"no SSRC":                          {0x80, 201, 0, 0},
		"SR without sender info":           {0x80, 200, 0, 1, 0, 0, 0, 1},
		"padding of nothing":               {0xa0, 201, 0, 1, 0, 0, 0, 0},
		"padding beyond the start":         {0xa0, 201, 0, 1, 0, 0, 0, 12},
		"padding not a multiple of four":   {0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3},
		"padding before the last":          append([]byte{0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4}, rr...),
		"padding that eats the whole SSRC": {0xa0, 201, 0, 1, 0, 0, 0, 4},
	} {
		c := newCall(t, setup{streams: []stream{audioFromA}})
		c.run(time.Second)
		before := c.sessions[0].Counts()
		c.inject(0, b)
		got := c.sessions[0].Counts()
		if name == "version 1" {
			// The first octet isn't RTP's nor RTCP's: not ours (RFC 7983).
			if got != before {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		before.Malformed++
		got.RTCPReceived = before.RTCPReceived // what precedes the malformed part may count
		if got != before {
			t.Errorf("%s: %+v, want Malformed to rise alone", name, got)
		}
	}
}

// RFC 8834 §4.1: unknown types and formats are ignored, what stands beside them
// takes effect.
//
// conformance: RTP-4.1-21, MON-8-3
func TestUnknownRTCPIsIgnored(t *testing.T) {
	unknown := map[string][]byte{
		"type 211":          {0x80, 211, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8},
		"type 192":          {0x81, 192, 0, 1, 1, 2, 3, 4},
		"type 223, empty":   {0x80, 223, 0, 0},
		"RTPFB of FMT 29":   {0x9d, 205, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8},
		"PSFB of FMT 30":    {0x9e, 206, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8},
		"APP":               {0x80, 204, 0, 2, 1, 2, 3, 4, 'n', 'a', 'm', 'e'},
		"XR, unknown block": {0x80, 207, 0, 2, 0, 0, 0x12, 0x67, 99, 0, 0, 0},
		"XR, unasked for":   {0x80, 207, 0, 4, 0, 0, 0x12, 0x67, 4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8},
	}
	for name, raw := range unknown {
		c := newCall(t, setup{streams: []stream{{name: "none", kind: endpoints.Audio, pt: 97}}})
		c.inject(1, audioPacket(t, 4711, 1, 0, 97, false))
		c.run(time.Second)
		members := c.sessions[1].Members()
		const ntp = 0x1122334455667788
		b := marshal(t, &rtcp.SenderReport{SSRC: 4711, NTPTime: ntp})
		b = append(b, raw...)
		b = append(b, marshal(t,
			&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 4712, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "x@y"}}}}},
			&rtcp.Goodbye{Sources: []uint32{4713}},
		)...)
		before := c.sessions[1].Counts()
		c.inject(1, b)
		want := before
		want.RTCPReceived++
		if name != "XR, unasked for" {
			want.UnknownRTCP++
		}
		if got := c.sessions[1].Counts(); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		if c.sessions[1].Members() != members+1 {
			t.Errorf("%s: SDES had no effect", name)
		}
		if c.count(1, endpoints.ByeReceived) != 1 {
			t.Errorf("%s: BYE had no effect", name)
		}
		c.inject(1, audioPacket(t, 4711, 2, 960, 97, false))
		c.log = nil
		c.run(2 * time.Second)
		blocks := c.blocks(1)
		if len(blocks) == 0 || blocks[0].LastSenderReport != 0x33445566 {
			t.Errorf("%s: SR had no effect: %+v", name, blocks)
		}
	}
}
