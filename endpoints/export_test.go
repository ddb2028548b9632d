package endpoints

// SectionOf returns the media section that an SSRC of the peer is known to belong to; nil if it isn't.
func (s *Session) SectionOf(ssrc uint32) *Section { return s.sectionOf(ssrc) }
