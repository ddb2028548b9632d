package scenarios

import "slices"

// Box is a middlebox and who is connected to it.
type Box struct {
	Name string `yaml:"-"`
	// At is the node where it stands.
	At string `yaml:"at,required" example:"M"`
	// Peers may be none: then it stands between others.
	Peers []string `yaml:"peers" example:"[A, B]"`
}

// Boxes returns the middleboxes: one, those of a cascade, or none.
func (t *Topology) Boxes() []Box {
	switch name := t.Box(); {
	case len(t.Cascade) > 0:
		return t.Cascade
	case name != "":
		return []Box{{Name: name, At: t.At, Peers: t.Peers}}
	}
	return nil
}

// Everyone returns all peers, of a cascade those of one after the other.
func (t *Topology) Everyone() []string {
	if len(t.Cascade) == 0 {
		return t.Peers
	}
	var peers []string
	for _, b := range t.Cascade {
		peers = append(peers, b.Peers...)
	}
	return peers
}

// Box returns what a single middlebox is called, or "" if there is none: the connection of S1
// to it is S1-relay, S1-sfm or S1-mixer.
func (t *Topology) Box() string {
	switch t.Type {
	case RelayName, SFM, Mixer, Gateway, Transcoder:
		return t.Type
	case SwitchingMixer:
		return Mixer
	}
	return ""
}

// BoxOf returns the middlebox that an endpoint is connected to, the first one of which it is a
// peer.
func (t *Topology) BoxOf(endpoint string) string {
	if len(t.Cascade) == 0 {
		return t.Box()
	}
	for _, b := range t.Cascade {
		if slices.Contains(b.Peers, endpoint) {
			return b.Name
		}
	}
	return ""
}

// Stands reports whether a name is that of a middlebox.
func (t *Topology) Stands(name string) bool {
	return slices.ContainsFunc(t.Boxes(), func(b Box) bool { return b.Name == name })
}

// Joins returns the pairs of middleboxes that a trunk joins: those that are named, or each with
// the next.
func (t *Topology) Joins() [][]string {
	var pairs [][]string
	if len(t.Trunks) > 0 {
		for _, pair := range t.Trunks {
			if len(pair) == 2 { // others have been reported
				pairs = append(pairs, pair)
			}
		}
		return pairs
	}
	for i := 1; i < len(t.Cascade); i++ {
		pairs = append(pairs, []string{t.Cascade[i-1].Name, t.Cascade[i].Name})
	}
	return pairs
}

// Neighbours returns who is connected to a middlebox, its peers and then the middleboxes that a trunk
// joins to it.
func (t *Topology) Neighbours(box string) []string {
	var names []string
	for _, b := range t.Boxes() {
		if b.Name == box {
			names = append(names, b.Peers...)
		}
	}
	for _, pair := range t.Joins() {
		for side, name := range pair {
			if name == box {
				names = append(names, pair[1-side])
			}
		}
	}
	return names
}

// beyond returns the middleboxes that are reached from one without the trunk between that and
// another, the first being that one itself.
func (t *Topology) beyond(from, not string) []string {
	reached := []string{from}
	for i := 0; i < len(reached); i++ {
		for _, pair := range t.Joins() {
			for side, name := range pair {
				other := pair[1-side]
				direct := name == from && other == not
				if name == reached[i] && !direct && !slices.Contains(reached, other) && (name != not || other != from) {
					reached = append(reached, other)
				}
			}
		}
	}
	return reached
}

// Behind returns the endpoints whose media a middlebox sends to another over a trunk, in the order
// of the cascade: those that it reaches without it.
func (t *Topology) Behind(box, other string) []string {
	reached := t.beyond(box, other)
	var peers []string
	for _, b := range t.Cascade {
		if slices.Contains(reached, b.Name) {
			peers = append(peers, b.Peers...)
		}
	}
	return peers
}

// Circular reports whether some trunks close a circle.
func (t *Topology) Circular() bool {
	return slices.ContainsFunc(t.Joins(), func(pair []string) bool {
		return slices.Contains(t.beyond(pair[0], pair[1]), pair[1])
	})
}
