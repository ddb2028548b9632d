package topologies

// Translators between two endpoints (RFC 7667 §3.2.1; A.4 of draft-ietf-rtcweb-rtp-usage of July
// 2012): a middlebox with a call to each, of which each looks like the other endpoint. What it
// sends has the SSRC and the CNAME of whose it is, and what it reports to a sender is what
// becomes of the stream on both ways.
const (
	// Gateway is a translator that leaves media alone, and is to each endpoint what that can
	// deal with: with keys and without, with feedback and without (A.4.2).
	Gateway = "gateway"
	// Transcoder is Topo-Media-Translator (RFC 7667 §3.2.1.3): it decodes audio, and sends it in
	// the codec of the other endpoint (A.4.1).
	Transcoder = "transcoder"
)

// translates reports whether the middlebox stands for the endpoints beyond it.
func (c *Config) translates() bool { return c.Type == Gateway || c.Type == Transcoder }

// like returns the endpoint whose profile an end of a call has: its own, or that of its peer if it
// is a translator, which then is what the peer can deal with.
func (c *Config) like(self, peer string) string {
	if c.translates() && c.endpoint(self).Forwards {
		return peer
	}
	return self
}

func (s *Simulation) like(self, peer string) string { return s.config.like(self, peer) }

// bridge lets a translator's reports to a sender tell what is lost beyond it, too (RFC 3550
// §7.2), as far as the other endpoint says so. A transcoder numbers its own packets; a gateway
// leaves gaps where some haven't come.
func (s *Simulation) bridge() {
	for _, in := range s.Flows {
		for _, out := range s.Flows {
			if !s.forwards(in.To) || !s.forwards(out.From) || out.To == in.From || out.Kind != in.Kind || out.Projected && out.Name != in.Flow() {
				continue
			}
			sender, gaps := out.Sender, s.config.Type == Gateway
			in.Receiver.TellBeyond(func(here int64) int64 {
				lost := int64(0)
				for _, r := range sender.Main().Reports() {
					lost = max(lost, int64(r.Lost))
				}
				if gaps {
					lost -= here
				}
				return max(lost, 0)
			})
		}
	}
}

// represent gives what a transcoder sends the name of whose it is.
func (m *mixer) represent(f *Flow) {
	for _, in := range m.inputs {
		if in.origin != f.To {
			f.Sender.Represent(in.cname)
		}
	}
}
