package endpoints_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/sim/units"
)

// RFC 7022 §4.2, §5; RFC 8834 §4.9: 96 random bits in base64.
//
// conformance: SSR-4.9-2, SSR-4.9-3, SSR-4.9-5
func TestCNAME(t *testing.T) {
	seen := map[string]string{}
	for seed := range uint64(20) {
		c := newCall(t, setup{seed: seed, streams: []stream{videoFromA, audioFromA, backFromB}})
		c.run(3 * time.Second)
		for i := range c.sessions {
			names := map[string]map[uint32]bool{}
			for _, p := range c.rtcps(i) {
				for _, m := range p.messages {
					d, ok := m.(*rtcp.SourceDescription)
					if !ok {
						continue
					}
					for _, chunk := range d.Chunks {
						for _, item := range chunk.Items {
							if item.Type == rtcp.SDESCNAME {
								if names[item.Text] == nil {
									names[item.Text] = map[uint32]bool{}
								}
								names[item.Text][chunk.Source] = true
							}
						}
					}
				}
			}
			if len(names) != 1 {
				t.Fatalf("end %d uses the CNAMEs %v, want one", i, names)
			}
			for name, ssrcs := range names {
				raw, err := base64.StdEncoding.DecodeString(name)
				if len(name) != 16 || err != nil || len(raw) != 12 {
					t.Errorf("CNAME %q isn't 96 bits in base64", name)
				}
				if len(ssrcs) != 3 {
					t.Errorf("end %d has a CNAME for %d SSRCs, want all three", i, len(ssrcs))
				}
				here := fmt.Sprintf("end %d of seed %d", i, seed)
				if there, ok := seen[name]; ok {
					t.Errorf("%s and %s have the CNAME %s", here, there, name)
				}
				seen[name] = here
			}
		}
	}
}

// RFC 8834 §4.9: another connection of the same endpoint has another CNAME.
//
// conformance: SSR-4.9-3
func TestCNAMEOfSecondConnection(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}})
	s := setup{streams: []stream{audioFromA}}
	conf := s.config(c, rngSource, 0, "A", "C")
	conf.Sessions[0].Local.Port, conf.Sessions[0].Remote.Port = 5001, 6001
	if _, err := c.ends[0].Connect(0, conf); err != nil {
		t.Fatal(err)
	}
	c.drain(0)
	c.path = func(p *tapped) []time.Duration {
		if p.src != addrs[0] && p.from == 0 {
			return nil
		}
		return []time.Duration{0}
	}
	c.run(3 * time.Second)
	names := map[uint16]string{}
	for _, p := range c.rtcps(0) {
		for _, m := range p.messages {
			if d, ok := m.(*rtcp.SourceDescription); ok {
				names[p.tap.src.Port] = d.Chunks[0].Items[0].Text
			}
		}
	}
	if len(names) != 2 || names[5000] == names[5001] {
		t.Errorf("CNAMEs by port: %v, want two that differ", names)
	}
	a, b := c.ends[0].Connections()[0].Sessions()[0].Sections()[0].SSRC(), c.ends[0].Connections()[1].Sessions()[0].Sections()[0].SSRC()
	if a == b {
		t.Error("two connections have the same SSRC")
	}
}

// RFC 8108 §5.4.2: a second CNAME makes the session a group if its SSRC sends RTCP, or RTP
// packets, even if these come later; several SSRCs with one CNAME don't, nor do contributing
// sources that are described. In a group feedback is dithered.
//
// conformance: RTP-4.1-25
func TestMultipartyByCNAME(t *testing.T) {
	described := func(ssrc uint32, name string) rtcp.SourceDescriptionChunk {
		return rtcp.SourceDescriptionChunk{Source: ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: name}}}
	}
	delays := func(second string, as byte) (immediate, all int) {
		conf := quick
		conf.ReducedSize = true
		conf.Bandwidth = 2 * units.Kbps
		c := newCall(t, setup{streams: []stream{{name: "none", kind: endpoints.Audio, pt: 97}}, rtcp: conf, feedback: endpoints.FeedbackRFC8888})
		c.inject(1, marshal(t, &rtcp.ReceiverReport{SSRC: 500}, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{
			described(500, "one"),
		}}))
		reporter := uint32(500)
		if as == 'r' {
			reporter = 501
		}
		c.inject(1, marshal(t, &rtcp.ReceiverReport{SSRC: reporter}, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{
			described(500, "one"), described(501, second),
		}}))
		if as == 'm' {
			c.inject(1, audioPacket(t, 501, 1, 0, 97, false))
		}
		// A's own reports would add a CNAME.
		c.path = func(p *tapped) []time.Duration { return nil }
		for i := range 400 {
			c.run(200 * time.Millisecond)
			n := len(c.log)
			c.inject(1, audioPacket(t, 4711, uint16(i), 0, 97, false))
			all++
			if len(c.log) > n {
				immediate++
			}
		}
		return immediate, all
	}
	for _, c := range []struct {
		second string
		as     byte // a reporter, a source of media, or a contributing source
		group  bool
	}{{"one", 'r', false}, {"two", 'r', true}, {"two", 'm', true}, {"one", 'm', false}, {"two", 'c', false}} {
		if n, all := delays(c.second, c.as); c.group && n > 0 || !c.group && n < all/20 {
			t.Errorf("CNAME %s, %c: %d of %d events were reported at once", c.second, c.as, n, all)
		}
	}
}

// RFC 8834 §4.9: any legal CNAME is accepted.
//
// conformance: SSR-4.9-4
func TestAnyCNAMEIsAccepted(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}})
	for i, name := range []string{"u", "user@host", "ü@höst", string(bytes.Repeat([]byte{'x'}, 255))} {
		c.inject(0, marshal(t, &rtcp.ReceiverReport{SSRC: uint32(500 + i)}, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{
			{Source: uint32(500 + i), Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: name}}},
		}}))
	}
	if n := c.sessions[0].Counts(); n.RTCPReceived != 4 || n.Malformed != 0 {
		t.Errorf("%+v", n)
	}
	if c.sessions[0].Members() != 5 {
		t.Errorf("%d members", c.sessions[0].Members())
	}
}
