package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/scenarios/internal/strict"
)

var audioCodecs = []string{"opus", "pcmu", "pcma", "dvi4"}

// codecs checks what an endpoint can decode against what comes.
func (c *checker) codecs(e *Endpoint, p strict.Path) {
	for i, name := range e.Codecs {
		if !slices.Contains(audioCodecs, name) {
			c.fail(p.Child(fmt.Sprint(i)), fmt.Sprintf("there is no codec %q", name), instead(name, audioCodecs, "the codecs"))
			return
		}
	}
	t := &c.s.Topology
	switch {
	case len(e.Codecs) == 0 || t.Type == SFM:
		return
	case t.Decodes():
		if e.Codecs[0] == "opus" {
			c.fail(p, "a "+t.Box()+" encodes samples, and of Opus there are only sizes", "write pcmu, pcma or dvi4 first")
		}
		return
	}
	toAll := t.Grouped() || t.Meshed() || t.Forwarded()
	for i := range c.s.Media {
		m := &c.s.Media[i]
		if gets := m.To == e.Name || m.To == "" && toAll && m.From != e.Name; !gets || c.s.decodes(e.Name, m) {
			continue
		}
		c.fail(p, fmt.Sprintf("%s can't decode %s, in %s", e.Name, m.FlowName(), strings.Join(m.codecs(), " and ")),
			`add it, or write "type: mixer" or "type: sfm" in topology`)
		return
	}
}
