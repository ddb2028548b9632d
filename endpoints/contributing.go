package endpoints

import (
	"slices"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/simtime"
)

// Contributor is a source of what a mixer sends.
type Contributor struct {
	SSRC  uint32
	CNAME string
}

// ContributingSource is a source of what a section receives, as a mixer's packets name it
// (RFC 3550 §5.1): what applications know as RTCRtpContributingSource.
type ContributingSource struct {
	SSRC      uint32
	At        simtime.Time // when the last packet came that names it
	Timestamp uint32       // of that
	// Level is how loud it was in that packet, 0 to 127 for 0 to -127 dBov (RFC 6465), if it
	// says so.
	Level    uint8
	HasLevel bool
}

// contributes is for how long a source counts as contributing.
const contributes = 10 * time.Second

// ContributingSources returns the sources that packets of the last 10 s have named, the
// latest first.
func (m *Section) ContributingSources(now simtime.Time) []ContributingSource {
	list := slices.DeleteFunc(slices.Clone(m.contributing), func(c ContributingSource) bool { return now.Sub(c.At) > contributes })
	slices.SortStableFunc(list, func(a, b ContributingSource) int { return int(b.At.Sub(a.At)) })
	return list
}

// noteContributors notes whom a packet names.
func (m *Section) noteContributors(now simtime.Time, h *rtp.Header) {
	if m == nil || len(h.CSRC) == 0 {
		return
	}
	var buffer [sound.MostContributors]uint8
	levels, leveled := headerext.ReadMixerLevels(buffer[:0], m.session.scratch.elements.Data(headerext.MixerLevels), len(h.CSRC))
	for i, ssrc := range h.CSRC {
		c := ContributingSource{SSRC: ssrc, At: now, Timestamp: h.Timestamp, HasLevel: leveled}
		if leveled {
			c.Level = levels[i]
		}
		m.contributing = keepContributing(m.contributing, c)
	}
}

// keepContributing replaces what is known of a source, or of the one that was named longest
// ago if there are too many.
func keepContributing(list []ContributingSource, c ContributingSource) []ContributingSource {
	oldest := 0
	for i := range list {
		if list[i].SSRC == c.SSRC {
			list[i] = c
			return list
		}
		if list[i].At < list[oldest].At {
			oldest = i
		}
	}
	if len(list) < maxContributing {
		return append(list, c)
	}
	list[oldest] = c
	return list
}

// maxContributing bounds what packets can make a section remember.
const maxContributing = 64

// CNAMEOf returns the CNAME of a source, also of one that a mixer has told of; "" if it isn't known.
func (s *Session) CNAMEOf(ssrc uint32) string { return s.table.CNAME(ssrc) }

// PassBye says BYE for a source of what the session sends, with its next report, as it has
// left (RFC 3550 §7.3: mixers MUST forward BYE packets).
func (s *Session) PassBye(ssrc uint32) {
	if len(s.departed) < maxDeparted && !slices.Contains(s.departed, ssrc) {
		s.departed = append(s.departed, ssrc)
	}
}

// maxDeparted is how many sources a BYE can have.
const maxDeparted = 31
