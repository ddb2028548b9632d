package playout

// Picture says what a frame is to a decoder (RFC 7741 §4.2).
type Picture struct {
	Number uint16 // picture ID, 15 bits
	Key    bool   // a decoder refresh point
	// Layered says that there are temporal layers: Layer is the frame's, Base the
	// running number of the frames of the lowest one (TL0PICIDX), and Sync says that the
	// frame is predicted from the last of these alone.
	Layered bool
	Layer   uint8
	Base    uint8
	Sync    bool
	// Distant says that the frame is predicted from the picture Reference alone, and
	// Refreshed is what of it is coded without prediction.
	Distant   bool
	Reference uint16
	Refreshed Region
}

// intact is the layer from which on nothing is broken.
const intact = 0xff

// decoder knows which frames can be decoded: key frames, and others if what they
// are predicted from was. A frame is predicted from the last one of its own or a
// lower temporal layer, or from that of the lowest alone.
//
// Which layer a missing frame had isn't known unless it was the lowest; then every
// layer but that is taken for broken until the next frame of the lowest, or until one of
// the layer says that it needs no other.
type decoder struct {
	enabled bool
	started bool
	last    Picture // decoded or not, the last that was complete
	broken  uint8   // frames of this layer and higher ones can't be decoded

	slices  bool          // losses of a part are told, and repaired, where there are no layers
	losses  []partialLoss // that were told, oldest first
	damage  []partialLoss // of these, what no frame has repaired yet
	decoded uint64        // whether each of the last pictures was, by its number
}

// decode takes a complete frame, in order, and reports whether it can be decoded.
func (d *decoder) decode(p Picture) bool {
	if !d.enabled {
		return true
	}
	if d.slices && !p.Layered {
		return d.decodeParts(p)
	}
	missing := (p.Number-d.last.Number)&0x7fff != 1
	switch {
	case p.Key:
		d.broken = intact
	case !d.started:
		d.broken = 0
	case missing && p.Layered && p.Base == d.nextBase(p):
		d.broken = min(d.broken, 1)
	case missing:
		d.broken = 0
	}
	d.started, d.last = true, p
	if p.Layer > 0 && p.Sync && d.broken > 0 {
		if p.Layer == d.broken {
			d.broken++
		}
		return true
	}
	if p.Layer >= d.broken {
		return false
	}
	if p.Layer == 0 {
		d.broken = intact
	}
	return true
}

// nextBase is the running number of the lowest layer if no frame of that is
// missing.
func (d *decoder) nextBase(p Picture) uint8 {
	if p.Layer == 0 {
		return d.last.Base + 1
	}
	return d.last.Base
}

// needsRefresh reports whether nothing can be decoded before a key frame.
func (d *decoder) needsRefresh() bool {
	return d.enabled && d.started && (d.broken == 0 || len(d.damage) > 0)
}
