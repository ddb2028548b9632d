package endpoints_test

import (
	"fmt"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/protect"
)

// option is something that an endpoint may have or not.
type option struct {
	name string
	on   func(sc *endpoints.SessionConfig)
}

// options are all options that ends may have by themselves. What only works if both
// have it must then be without effect.
var options = []option{
	{"retransmission", func(sc *endpoints.SessionConfig) {
		for i := range sc.Sections {
			for j := range sc.Sections[i].Formats {
				if sc.Sections[i].Kind == endpoints.Video {
					sc.Sections[i].Formats[j].RTX = 90 + 32
				}
			}
		}
	}},
	{"FlexFEC", func(sc *endpoints.SessionConfig) {
		sc.Repair.FEC = 0.3
		for i := range sc.Sections {
			if sc.Sections[i].Kind == endpoints.Video {
				sc.Sections[i].Formats[0].FEC = 123
			}
		}
	}},
	{"NACK", func(sc *endpoints.SessionConfig) { sc.Repair.NACK = true }},
	{"FIR", func(sc *endpoints.SessionConfig) { sc.Repair.Refresh = endpoints.RefreshFIR }},
	{"AVPF", func(sc *endpoints.SessionConfig) { sc.RTCP.AVPF = true }},
	{"reduced-size RTCP", func(sc *endpoints.SessionConfig) { sc.RTCP.ReducedSize = true }},
	{"aggregation", func(sc *endpoints.SessionConfig) { sc.RTCP.Aggregate = true }},
	{"reporting groups", func(sc *endpoints.SessionConfig) { sc.RTCP.Groups = true }},
	{"first burst", func(sc *endpoints.SessionConfig) { sc.RTCP.Burst = 4 }},
	{"extended reports", func(sc *endpoints.SessionConfig) {
		sc.ExtendedReports = endpoints.ExtendedReports{ReferenceTime: true, LossRLE: true, Summary: true, VoIPMetrics: true}
	}},
	{"header extensions", func(sc *endpoints.SessionConfig) {
		for i, k := range []headerext.Kind{headerext.AbsSendTime, headerext.TransmissionOffset, headerext.NTP64, headerext.AudioLevel} {
			sc.Extensions = append(sc.Extensions, headerext.Entry{ID: 5 + i, URI: k.URI()})
		}
	}},
	{"RFC 8888", func(sc *endpoints.SessionConfig) { sc.Feedback = endpoints.FeedbackRFC8888 }},
	{"transport-wide feedback", func(sc *endpoints.SessionConfig) { sc.Feedback = endpoints.FeedbackTWCC }},
	{"in-band FEC", func(sc *endpoints.SessionConfig) {
		for i := range sc.Sections {
			sc.Sections[i].Formats[0].InBandFEC = sc.Sections[i].Kind == endpoints.Audio
		}
	}},
	{"fixed play-out", func(sc *endpoints.SessionConfig) { sc.FixedAudio = true }},
}

// optional returns a call in both directions, over a path that loses 2 %, between ends
// that have some of the options.
func optional(t *testing.T, has func(end int, o option) bool) *call {
	t.Helper()
	both := func(name string, kind endpoints.Kind, pt uint8) stream {
		return stream{name: name, kind: kind, from: "AB", pt: pt}
	}
	minimal := brisk
	minimal.AVPF, minimal.ReducedSize = false, false
	c := newCall(t, setup{
		streams: []stream{both("video", endpoints.Video, 96), both("audio", endpoints.Audio, 111)},
		rtcp:    minimal, protection: protect.Full,
		edit: func(end int, sc *endpoints.SessionConfig) {
			sc.Extensions = append(sc.Extensions, headerext.Entry{ID: midID, URI: headerext.MID.URI()})
			for _, o := range options {
				if has(end, o) {
					o.on(sc)
				}
			}
		},
	})
	n := 0
	c.path = func(p *tapped) []time.Duration {
		if n++; n%50 == 0 {
			return nil
		}
		return []time.Duration{0}
	}
	return c
}

// talks checks that a call of ten seconds works in both directions.
func (c *call) talks(t *testing.T) {
	t.Helper()
	c.run(10 * time.Second)
	for end := range c.ends {
		shown := map[endpoints.Kind]int{}
		for _, e := range c.events[end] {
			switch e.Kind {
			case endpoints.FrameRendered:
				shown[e.Section.Kind()]++
			case endpoints.ParticipantTimedOut, endpoints.KeyingFailed, endpoints.ThirdPartyCollision, endpoints.SSRCChanged:
				t.Errorf("end %d: event %d", end, e.Kind)
			default:
			}
		}
		// 250 frames of video, 500 of audio.
		if shown[endpoints.Video] < 200 || shown[endpoints.Audio] < 460 {
			t.Errorf("end %d plays %v", end, shown)
		}
		n := c.sessions[end].Counts()
		if n.RTCPReceived < 5 || n.AuthFailed+n.Replayed != 0 || c.sessions[end].RTT() <= 0 {
			t.Errorf("end %d: %+v, round-trip time %v", end, n, c.sessions[end].RTT())
		}
	}
}

// An end with an option talks with one without it, whichever of them has it: nothing
// fails, there is only less of it.
//
// conformance: EXT-3-1
func TestOptionsPairwise(t *testing.T) {
	for _, o := range options {
		for _, who := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
			t.Run(fmt.Sprint(o.name, " ", who), func(t *testing.T) {
				c := optional(t, func(end int, p option) bool { return p.name == o.name && who[end] })
				c.talks(t)
			})
		}
	}
}

// A complete endpoint talks with one that has nothing optional, and with its like.
//
// conformance: EXT-2-1
func TestFullAgainstMinimal(t *testing.T) {
	for _, who := range [][2]bool{{true, false}, {false, true}, {true, true}} {
		t.Run(fmt.Sprint(who), func(t *testing.T) {
			c := optional(t, func(end int, o option) bool { return who[end] && o.name != "transport-wide feedback" })
			c.talks(t)
		})
	}
}
