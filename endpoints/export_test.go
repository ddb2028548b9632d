package endpoints

// SectionOf returns the media section that an SSRC of the peer is known to belong to; nil if it isn't.
func (s *Session) SectionOf(ssrc uint32) *Section {
	for _, r := range s.routes {
		if r.ssrc == ssrc {
			return r.section
		}
	}
	return nil
}
