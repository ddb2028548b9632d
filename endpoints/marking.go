package endpoints

// rtcpDSCP returns the marking of an RTCP packet. With a sender report it goes
// like that sender's stream, so that the round-trip time it measures is that of
// the media; with receiver reports alone, like most of the streams that come in,
// as they come in (RFC 8834 §12.1.3). Of several senders the most valued marking
// wins.
func (c *Connection) rtcpDSCP(w *compound) uint8 {
	var best uint8
	found := false
	for _, s := range w.reporters {
		send := s.config.Send
		if send != nil && (!found || rank(send.DSCP) > rank(best)) {
			best, found = send.DSCP, true
		}
	}
	if found {
		return best
	}
	return c.usualDSCP()
}

// usualDSCP returns the marking of most streams that come in, the first one's
// among equals.
func (c *Connection) usualDSCP() uint8 {
	var usual uint8
	most := 0
	for _, src := range c.sources {
		n := 0
		for _, other := range c.sources {
			if other.dscp == src.dscp {
				n++
			}
		}
		if n > most {
			usual, most = src.dscp, n
		}
	}
	return usual
}

// rank orders code points: EF before AF4x, AF3x and so on, then the default
// and lower effort (RFC 8837 §5).
func rank(dscp uint8) int {
	const ef, le = 46, 1
	switch dscp {
	case ef:
		return 64
	case le:
		return -1
	}
	return int(dscp &^ 7) // the class; of AF, drop precedence doesn't count
}
