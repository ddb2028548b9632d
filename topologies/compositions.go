package topologies

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A mixer puts the pictures of all participants side by side, for each without its own, and encodes
// them as one (RFC 7667 §3.6.1; A.3.1 of draft-ietf-rtcweb-rtp-usage of July 2012).

// shownPicture is what a participant shows.
type shownPicture struct {
	origin, cname string
	session       *endpoints.Session
	from          *endpoints.Section
	model         endpoints.StreamModel
	ssrc          uint32 // 0 before anything has come, and when it has said BYE
	gone          uint32 // the last that has
	decoded       uint64
	request
}

// there reports whether there is something to show.
func (p *shownPicture) there() bool { return p.ssrc != 0 && !p.session.PeerLeft() }

// composition is what a peer gets of them.
type composition struct {
	to      string
	leg     *endpoints.Section
	encoder *encoder.Composing
	goal    units.BitRate
	speaker bool // the first tile is a large one
	tiles   []*shownPicture
	ssrcs   []uint32
}

// compose returns what a mixer shows a peer.
func (s *Simulation) compose(m *mixer, stream *Media) *composition {
	c := &composition{to: stream.To, speaker: m.config.Speaker}
	c.encoder = encoder.NewComposing(
		encoder.NewStatistical(stream.Video, stream.Start, s.random.Stream("media/"+stream.Flow()+"/encoder")),
		func(now simtime.Time, r units.BitRate) {
			c.goal = r
			m.settle(now)
		},
	)
	m.compositions = append(m.compositions, c)
	return c
}

// watched reports whether the peer is still there.
func (c *composition) watched() bool { return !c.leg.Session().PeerLeft() }

// sources returns whose pictures a frame has.
func (c *composition) sources() []uint32 {
	c.ssrcs = c.ssrcs[:0]
	for _, p := range c.tiles {
		c.ssrcs = append(c.ssrcs, p.ssrc)
	}
	return c.ssrcs
}

// visible returns whose pictures a leg's packets name.
func (m *mixer) visible(peer string) func(now simtime.Time) []endpoints.Contributor {
	return func(simtime.Time) []endpoints.Contributor {
		var list []endpoints.Contributor
		for _, p := range m.pictures {
			if p.origin != peer && p.there() {
				list = append(list, endpoints.Contributor{SSRC: p.ssrc, CNAME: p.cname})
			}
		}
		return list
	}
}

// shownBy returns what a section of the mixer gets, nil if that is no picture.
func (m *mixer) shownBy(from *endpoints.Section) *shownPicture {
	i := slices.IndexFunc(m.pictures, func(p *shownPicture) bool { return p.from == from })
	if i < 0 {
		return nil
	}
	return m.pictures[i]
}

// show takes an event of the mixer: a picture that is decoded.
func (m *mixer) show(e endpoints.Event) (more bool) {
	if e.Kind != endpoints.FrameRendered {
		return false
	}
	p := m.shownBy(e.Section)
	if p == nil || e.SSRC == p.gone {
		return false
	}
	p.decoded++
	p.ssrc = e.SSRC
	m.arrange(e.At)
	for _, c := range m.compositions {
		if slices.Contains(c.tiles, p) && c.watched() {
			c.leg.Compose(e.At, e.At.Add(-e.Delay))
		}
	}
	return true
}

// voiced is the level from which on a frame has somebody speak, in -dBov.
const voiced = 50

// listen takes note of who speaks.
func (m *mixer) listen(in *mixerInput, f *sound.Frame) {
	if audio.Measure(f.Samples) <= voiced && m.speakers.heard(f.At, in.origin) {
		m.arrange(f.At)
	}
}

// arrange gives every picture that is there a tile: in the order of the configuration, but for that of
// who has spoken last if that is larger. What is put together otherwise begins with a key frame.
func (m *mixer) arrange(now simtime.Time) {
	changed := false
	for _, c := range m.compositions {
		m.scene = m.scene[:0]
		for _, p := range m.pictures {
			if p.origin != c.to && p.there() {
				m.scene = append(m.scene, p)
			}
		}
		if m.config.Speaker {
			m.promote(m.scene)
		}
		if slices.Equal(m.scene, c.tiles) {
			continue
		}
		changed = true
		c.tiles = append(c.tiles[:0], m.scene...)
		c.leg.Arrange(now, c.layout())
		c.encoder.Refresh()
	}
	if changed {
		m.settle(now)
	}
}

// promote puts who has spoken last first.
func (m *mixer) promote(scene []*shownPicture) {
	for _, name := range m.speakers.order {
		i := slices.IndexFunc(scene, func(p *shownPicture) bool { return p.origin == name })
		if i < 0 {
			continue
		}
		large := scene[i]
		copy(scene[1:i+1], scene[:i])
		scene[0] = large
		return
	}
}

// grid returns how many columns and rows so many tiles have.
func grid(tiles int) (columns, rows int) {
	for columns*columns < tiles {
		columns++
	}
	if columns > 0 {
		rows = (tiles + columns - 1) / columns
	}
	return columns, rows
}

// largeTile is the part of the area that a large tile has; the others share the rest.
const largeTile = 0.75

// share returns the part of the area that a tile has.
func (c *composition) share(tile int) float64 {
	switch n := len(c.tiles); {
	case !c.speaker || n == 1:
		columns, rows := grid(n)
		return 1 / float64(columns*rows)
	case tile == 0:
		return largeTile
	default:
		return (1 - largeTile) / float64(n-1)
	}
}

// layout says who is where.
func (c *composition) layout() string {
	var names []string
	for _, p := range c.tiles {
		names = append(names, p.origin)
	}
	list := strings.Join(names, ", ")
	if c.speaker && len(names) > 1 {
		return fmt.Sprintf("1+%d: %s", len(names)-1, list)
	}
	columns, rows := grid(len(names))
	return fmt.Sprintf("%d×%d: %s", columns, rows, list)
}

// settle asks everybody for no more than is of use in the tiles that show them, and for as little as
// possible if none does.
func (m *mixer) settle(now simtime.Time) {
	if m.config.NoLimits {
		return
	}
	for _, p := range m.pictures {
		if !p.there() {
			continue
		}
		most, seen := units.BitRate(0), false
		for _, c := range m.compositions {
			if tile := slices.Index(c.tiles, p); tile >= 0 && c.watched() {
				most, seen = max(most, units.BitRate(c.share(tile)*float64(c.goal))), true
			}
		}
		if most > 0 || !seen {
			p.ask(now, p.from, &p.model, useful*most)
		}
	}
}

// connectCompositions learns what comes and goes, when all calls are connected.
func (s *Simulation) connectCompositions() {
	if s.config.Type != Mixer {
		return
	}
	for _, f := range s.Flows {
		if m := s.mixers[f.To]; m != nil && f.Kind == endpoints.Video {
			m.pictures = append(m.pictures, &shownPicture{
				origin: f.From, cname: f.Session.Connection().CNAME(), session: f.Receiver.Session(), from: f.Receiver, model: f.Model,
			})
		}
	}
	for _, f := range s.Flows {
		m := s.mixers[f.From]
		if m == nil || f.Kind != endpoints.Video {
			continue
		}
		for _, c := range m.compositions {
			if c.to == f.To {
				c.leg = f.Sender
			}
		}
	}
}

// overheadOfPictures returns what naming whose they are adds to a packet to a peer at most.
func (m *mixer) overheadOfPictures(peer string) units.Bytes {
	if m.config.NoCSRC {
		return 0
	}
	n := 0
	for _, from := range m.cameras {
		if from != peer {
			n++
		}
	}
	return units.Bytes(4 * min(n, sound.MostContributors))
}
