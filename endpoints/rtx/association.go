package rtx

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
)

// Associations of retransmission streams with original streams of one session
// (RFC 4588 §5.3). What signalling says (an ssrc-group of FID, RFC 5576 §4.2)
// holds. Otherwise the first retransmission of a packet that was asked for tells,
// or the CNAME, if only one stream comes into question. The zero value knows
// nothing.
type Associations struct {
	streams  []stream   // original ones
	names    []name     // CNAMEs of either kind
	requests []question // outstanding, about streams without association
}

// stream is an original stream.
type stream struct {
	ssrc uint32
	pt   int // of its last packet; unheard before the first
	rtx  uint32
	has  bool // rtx is its retransmission stream
}

const unheard = -1

type name struct {
	ssrc  uint32
	cname string
}

// question is a packet that was asked for.
type question struct {
	media uint32
	seq   uint16
	until simtime.Time
}

// Bounds of what peers can make a receiver remember.
const (
	maxStreams   = 256
	maxQuestions = 1024
)

// Associate tells that retransmissions of a stream come from the SSRC rtx, as
// signalling says. It replaces what was known of either.
func (a *Associations) Associate(rtx, media uint32) {
	for i := range a.streams {
		if s := &a.streams[i]; s.has && s.rtx == rtx {
			s.has = false
		}
	}
	if s := a.stream(media); s != nil {
		a.bind(s, rtx)
	}
}

func (a *Associations) bind(s *stream, rtx uint32) {
	s.rtx, s.has = rtx, true
	a.requests = slices.DeleteFunc(a.requests, func(q question) bool { return q.media == s.ssrc })
}

// stream returns an original stream, which is added if it isn't known; nil if
// there are too many.
func (a *Associations) stream(ssrc uint32) *stream {
	for i := range a.streams {
		if a.streams[i].ssrc == ssrc {
			return &a.streams[i]
		}
	}
	if len(a.streams) >= maxStreams {
		return nil
	}
	a.streams = append(a.streams, stream{ssrc: ssrc, pt: unheard})
	return &a.streams[len(a.streams)-1]
}

// OnMedia tells of a packet of an original stream.
func (a *Associations) OnMedia(ssrc uint32, pt uint8) {
	if s := a.stream(ssrc); s != nil {
		s.pt = int(pt)
	}
}

// OnCNAME tells the CNAME of an SSRC, original or not.
func (a *Associations) OnCNAME(ssrc uint32, cname string) {
	for i := range a.names {
		if a.names[i].ssrc == ssrc {
			a.names[i].cname = cname
			return
		}
	}
	if len(a.names) < 2*maxStreams {
		a.names = append(a.names, name{ssrc, cname})
	}
}

func (a *Associations) cname(ssrc uint32) string {
	for _, n := range a.names {
		if n.ssrc == ssrc {
			return n.cname
		}
	}
	return ""
}

// OnGone forgets an SSRC that left with a BYE or that two senders use. Nothing
// may be asked of it until it sends again (§5.3).
func (a *Associations) OnGone(ssrc uint32) {
	a.streams = slices.DeleteFunc(a.streams, func(s stream) bool { return s.ssrc == ssrc })
	for i := range a.streams {
		if s := &a.streams[i]; s.has && s.rtx == ssrc {
			s.has = false
		}
	}
	a.names = slices.DeleteFunc(a.names, func(n name) bool { return n.ssrc == ssrc })
	a.requests = slices.DeleteFunc(a.requests, func(q question) bool { return q.media == ssrc })
}

// MayRequest notes a request for a packet of an original stream, which counts as
// outstanding for the given time, and reports whether it may be made. It may not
// if the same number is outstanding for another stream and the answer couldn't be
// told apart, nor if the stream isn't there (§5.3).
func (a *Associations) MayRequest(now simtime.Time, media uint32, seq uint16, outstanding time.Duration) bool {
	i := slices.IndexFunc(a.streams, func(s stream) bool { return s.ssrc == media && s.pt != unheard })
	if i < 0 {
		return false
	}
	if a.streams[i].has {
		return true
	}
	a.requests = slices.DeleteFunc(a.requests, func(q question) bool {
		return q.until <= now || q.media == media && q.seq == seq
	})
	if slices.ContainsFunc(a.requests, func(q question) bool { return q.seq == seq }) {
		return false
	}
	if len(a.requests) >= maxQuestions {
		return false
	}
	a.requests = append(a.requests, question{media, seq, now.Add(outstanding)})
	return true
}

// Media returns the original stream that an SSRC retransmits.
func (a *Associations) Media(rtx uint32) (media uint32, ok bool) {
	for _, s := range a.streams {
		if s.has && s.rtx == rtx {
			return s.ssrc, true
		}
	}
	return 0, false
}

// resolve returns the original stream of a retransmission packet with the
// associated payload type and the original sequence number.
func (a *Associations) resolve(rtx uint32, pt uint8, osn uint16) (media uint32, ok bool) {
	if media, ok := a.Media(rtx); ok {
		return media, true
	}
	var answer, namesake *stream
	namesakes := 0
	cname := a.cname(rtx)
	for i := range a.streams {
		s := &a.streams[i]
		theirs := a.cname(s.ssrc)
		if s.has || s.pt != int(pt) || cname != "" && theirs != "" && theirs != cname {
			continue
		}
		// MayRequest sees to it that there is no other one.
		if slices.ContainsFunc(a.requests, func(q question) bool { return q.media == s.ssrc && q.seq == osn }) {
			answer = s
		}
		if cname != "" && theirs == cname {
			namesake = s
			namesakes++
		}
	}
	if answer == nil && namesakes == 1 {
		answer = namesake
	}
	if answer == nil {
		return 0, false
	}
	a.bind(answer, rtx)
	return answer.ssrc, true
}
