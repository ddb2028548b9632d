package playout

// Region is a run of macroblocks in scan order (RFC 4585 §6.3.2.2). The zero value is
// empty.
type Region struct {
	First  int // from 1
	Number int
}

// Picture size of the model: 1280×720 in macroblocks of 16×16 (RFC 6386 §2).
const (
	MacroblocksPerRow = 80
	Macroblocks       = 45 * MacroblocksPerRow
)

// spread is by how many macroblocks, at either end, motion compensation makes what is
// damaged larger with every picture: a quarter of a row. The number is the model's.
const spread = MacroblocksPerRow / 4

// References is how many pictures back one may be predicted from.
const References = 64

// Grow returns what is damaged some pictures after a region was: motion compensation
// spreads it (RFC 4585 §6.3.2.3). The result stays within the picture.
func (r Region) Grow(pictures int) Region {
	if r.Number <= 0 {
		return Region{}
	}
	first := max(r.First-spread*pictures, 1)
	end := min(r.First+r.Number+spread*pictures, Macroblocks+1)
	return Region{First: first, Number: max(end-first, 0)}
}

// Join returns the least region that includes both.
func (r Region) Join(o Region) Region {
	switch {
	case r.Number <= 0:
		return o
	case o.Number <= 0:
		return r
	}
	first := min(r.First, o.First)
	return Region{First: first, Number: max(r.First+r.Number, o.First+o.Number) - first}
}

// Includes reports whether a region lies within another one.
func (r Region) Includes(o Region) bool {
	return r.First <= o.First && r.First+r.Number >= o.First+o.Number
}

// partialLoss is a part of a picture that hasn't come.
type partialLoss struct {
	picture uint16
	region  Region
}

// Damaged tells that a part of a picture is missing that hasn't been rendered yet; what
// isn't told of a picture that is missing, or incomplete, is all of it. What is
// predicted from it can't be decoded until what has become of the part is refreshed.
func (b *Buffer) Damaged(picture uint16, r Region) {
	d := &b.decoder
	if len(d.losses) == References {
		d.losses = append(d.losses[:0], d.losses[1:]...)
	}
	d.losses = append(d.losses, partialLoss{picture, r})
}

// age is how many pictures one comes after another.
func age(of, since uint16) int { return int((of - since) & 0x7fff) }

// decodeParts is decode where partial losses are told.
func (d *decoder) decodeParts(p Picture) bool {
	switch missing := age(p.Number, d.last.Number) - 1; {
	case p.Key:
		d.broken, d.damage = intact, d.damage[:0]
	case !d.started || missing < 0 || missing > References:
		d.broken = 0
	default:
		for i := range missing {
			d.lose(d.last.Number + uint16(1+i))
		}
	}
	if p.Distant && d.has(p) {
		d.broken, d.damage = intact, d.damage[:0]
	}
	if p.Refreshed.Number > 0 {
		kept := d.damage[:0]
		for _, l := range d.damage {
			if !p.Refreshed.Includes(l.region.Grow(age(p.Number, l.picture))) {
				kept = append(kept, l)
			}
		}
		d.damage = kept
	}
	d.started = true
	ok := d.broken == intact && len(d.damage) == 0 && (!p.Distant || d.has(p))
	d.note(p.Number, ok)
	d.last = p
	return ok
}

// lose takes a picture that can't be shown: in part, if that was told, or all of it.
func (d *decoder) lose(picture uint16) {
	picture &= 0x7fff
	known := false
	kept := d.losses[:0]
	for _, l := range d.losses {
		if l.picture == picture {
			known = len(d.damage) < References
			d.damage = append(d.damage, l)
		} else if age(l.picture, picture) <= References { // it is still to come
			kept = append(kept, l)
		}
	}
	d.losses = kept
	if !known {
		d.broken, d.damage = 0, d.damage[:0]
	}
}

// note remembers whether a picture was decoded. Those between it and the last one
// weren't.
func (d *decoder) note(picture uint16, ok bool) {
	for n := age(picture, d.last.Number); n > 1 && n <= References; n-- {
		d.set(picture-uint16(n-1), false)
	}
	d.set(picture, ok)
}

func (d *decoder) set(picture uint16, ok bool) {
	bit := uint64(1) << (picture % References)
	if d.decoded &^= bit; ok {
		d.decoded |= bit
	}
}

// has reports whether the picture that one refers to was decoded.
func (d *decoder) has(p Picture) bool {
	n := age(p.Number, p.Reference)
	return d.started && n > 0 && n < References && d.decoded>>(p.Reference%References)&1 != 0
}
