package pion

import (
	"slices"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"

	"rtpfabric/endpoints"
)

// streams knows what interceptors are told of the streams of a session of ours.
type streams struct {
	sections   []endpoints.SectionConfig
	extensions []interceptor.RTPHeaderExtension
	nack       bool
	feedback   []endpoints.Feedback
	fec        uint8 // payload type of an interceptor's FEC; 0 is none
}

func newStreams(c *endpoints.SessionConfig) *streams {
	s := &streams{sections: slices.Clone(c.Sections), nack: c.Repair.NACK, feedback: []endpoints.Feedback{c.Feedback, c.FeedbackHeard}}
	for _, e := range endpoints.WithFeedback(c.Extensions, s.feedback...) {
		s.extensions = append(s.extensions, interceptor.RTPHeaderExtension{URI: e.URI, ID: e.ID})
	}
	return s
}

// local describes the stream of a packet that is sent; nil if it is none of the session's.
func (s *streams) local(session *endpoints.Session, h *rtp.Header) *interceptor.StreamInfo {
	if session == nil {
		return nil
	}
	for i, m := range session.Sections() {
		if m.Repairs(h.SSRC) {
			return s.bare(h, s.sections[i].Formats[0].Clock)
		}
		if m.SSRC() != h.SSRC {
			continue
		}
		info := s.info(&s.sections[i], h)
		if info == nil {
			return nil
		}
		info.SSRCRetransmission = m.RepairSSRC()
		if info.SSRCRetransmission == 0 {
			info.PayloadTypeRetransmission = 0
		}
		if s.fec != 0 {
			info.PayloadTypeForwardErrorCorrection, info.SSRCForwardErrorCorrection = s.fec, h.SSRC^fecBit
		}
		return info
	}
	return nil
}

// fecBit makes the SSRC of FEC of the one of media.
const fecBit = 0x40000000

// remote describes the stream of a packet that has come; nil if nobody has agreed to it.
func (s *streams) remote(h *rtp.Header) *interceptor.StreamInfo {
	for i := range s.sections {
		if info := s.info(&s.sections[i], h); info != nil {
			return info
		}
	}
	for i := range s.sections {
		for _, f := range s.sections[i].Formats {
			if h.PayloadType == f.RTX || h.PayloadType == f.FEC {
				return s.bare(h, f.Clock)
			}
		}
	}
	return nil
}

// bare describes a stream of repairs, for which nobody asks again.
func (s *streams) bare(h *rtp.Header, clock int) *interceptor.StreamInfo {
	info := &interceptor.StreamInfo{
		SSRC: h.SSRC, PayloadType: h.PayloadType, ClockRate: uint32(clock), RTPHeaderExtensions: s.extensions, Attributes: interceptor.Attributes{},
	}
	s.control(info)
	return info
}

// control says by what feedback both ends control congestion.
func (s *streams) control(info *interceptor.StreamInfo) {
	if slices.Contains(s.feedback, endpoints.FeedbackTWCC) {
		add(info, "transport-cc", "")
	}
	if slices.Contains(s.feedback, endpoints.FeedbackRFC8888) {
		add(info, "ack", "ccfb")
	}
}

func add(info *interceptor.StreamInfo, typ, parameter string) {
	info.RTCPFeedback = append(info.RTCPFeedback, interceptor.RTCPFeedback{Type: typ, Parameter: parameter})
}

// info describes a stream in a section, if that has the payload type of a packet.
func (s *streams) info(m *endpoints.SectionConfig, h *rtp.Header) *interceptor.StreamInfo {
	at := slices.IndexFunc(m.Formats, func(f endpoints.Format) bool { return f.PayloadType == h.PayloadType })
	if at < 0 {
		return nil
	}
	f := &m.Formats[at]
	info := &interceptor.StreamInfo{
		SSRC: h.SSRC, PayloadType: f.PayloadType, PayloadTypeRetransmission: f.RTX,
		MimeType: string(m.Kind) + "/" + string(f.Codec), ClockRate: uint32(f.Clock), Channels: f.Channels(), SDPFmtpLine: f.Parameters(),
		RTPHeaderExtensions: s.extensions, Attributes: interceptor.Attributes{},
	}
	s.control(info)
	if m.Kind == endpoints.Video {
		if s.nack {
			add(info, "nack", "")
		}
		add(info, "nack", "pli")
		add(info, "ccm", "fir")
	}
	return info
}
