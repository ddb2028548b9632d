package scenarios

// KeyHostName is what a key host is called.
const KeyHostName = "keys"

// RelayName is what a single relay is called: the connection of S1 to it is S1-relay.
const RelayName = "relay"

// Relayed reports whether the peers are a group with a relay between them.
func (t *Topology) Relayed() bool { return t.Type == RelayName }

// MeshName is what a mesh of one session is called: the connection of S1 in it is S1-mesh.
const MeshName = "mesh"

// Grouped reports whether the peers share RTP sessions, behind relays or in a mesh.
func (t *Topology) Grouped() bool { return t.Relayed() || t.Type == MeshName && t.Joint }

// via returns what the connection of a group's endpoint goes to.
func (t *Topology) via(endpoint string) string {
	if t.Relayed() {
		return t.BoxOf(endpoint)
	}
	return MeshName
}

// Types of topologies with a middlebox that passes media on.
const (
	SFM            = "sfm"             // RFC 7667 §3.7
	Gateway        = "gateway"         // RFC 7667 §3.2.1
	Transcoder     = "transcoder"      // RFC 7667 §3.2.1.3
	Mixer          = "mixer"           // RFC 7667 §3.6.1
	SwitchingMixer = "switching-mixer" // RFC 7667 §3.6.2
)

// Translates reports whether it is a translator between two peers.
func (t *Topology) Translates() bool { return t.Type == Gateway || t.Type == Transcoder }

// Decodes reports whether it decodes audio.
func (t *Topology) Decodes() bool { return t.Type == Mixer || t.Type == Transcoder }

// Shown returns how many speakers everybody sees; 0 is all.
func (t *Topology) Shown() int {
	if t.Type == SwitchingMixer {
		return max(t.LastN, 1)
	}
	return t.LastN
}

// Forwarded reports whether the peers talk to each other by way of one.
func (t *Topology) Forwarded() bool { return t.Box() != "" && !t.Relayed() }

// Meshed reports whether each of the peers has a call with each other one (RFC 7667 §3.4).
func (t *Topology) Meshed() bool { return t.Type == MeshName && !t.Joint }

// Calls returns the pairs of endpoints that talk to each other without a relay.
func (t *Topology) Calls() [][]string {
	switch {
	case t.Grouped():
		return nil
	case t.Forwarded():
		var pairs [][]string
		for _, b := range t.Boxes() {
			for _, p := range b.Peers {
				pairs = append(pairs, []string{p, b.Name})
			}
		}
		return append(pairs, t.Joins()...)
	case t.Forked():
		var pairs [][]string
		for i := 1; i < len(t.Peers); i++ {
			pairs = append(pairs, []string{t.Peers[0], t.Peers[i]})
		}
		return pairs
	case t.Meshed():
		var pairs [][]string
		for i, a := range t.Peers {
			for _, b := range t.Peers[i+1:] {
				pairs = append(pairs, []string{a, b})
			}
		}
		return pairs
	}
	if len(t.Peers) > 0 {
		return append([][]string{t.Peers}, t.Pairs...)
	}
	return t.Pairs
}

// Gatherings returns who share RTP sessions: the two endpoints of every call, or all
// peers of a relay.
func (t *Topology) Gatherings() [][]string {
	if t.Grouped() {
		return [][]string{t.Everyone()}
	}
	return t.Calls()
}
