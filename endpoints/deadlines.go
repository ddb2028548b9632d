package endpoints

import (
	"slices"

	"rtpfabric/sim/simtime"
)

// deadline is when there is something to do, and for what.
type deadline struct {
	at  simtime.Time
	why Reason
}

// earlier returns the earlier one of two deadlines, the first of those that are equal.
func (d deadline) earlier(at simtime.Time, why Reason) deadline {
	if at < d.at {
		return deadline{at, why}
	}
	return d
}

// deadlines is when the parts of a session have something to do. Of the many streams of a
// conference few have at any moment: what a part has said stays true until something happens to
// it, and others aren't asked again. A packet that comes happens to its source alone, and one that
// leaves to no part; all else happens to the whole session.
type deadlines struct {
	known bool // what all parts have said is true, but for those that are stirred
	told  bool // reports have come or gone since, so that sections that send may have something else to do
	// calm says that no section has messages, nor will have before the next deadline: then
	// whoever has nothing to do needn't be called.
	calm    bool
	keying  deadline   // of key management
	passing deadline   // of sections, if all that send pass on what comes from elsewhere
	sources []deadline // by the place of the source
	first   int        // the earliest of these, the first one of several
	moved   bool       // that isn't known
	stirred []*source  // to which something has happened
	room    [2]*source // memory of these, which mostly suffices
}

// stir notes that something happens to the session that may give any part something else to do.
func (s *Session) stir() { s.deadlines.known = false }

// stirSenders notes that something happens to the session that gives sections that send something else to do, if any part:
// reports come, or go. While sources or sections have messages, their sending may be what happens.
func (s *Session) stirSenders() {
	if d := &s.deadlines; d.calm || len(s.sources) == 0 {
		d.told = true
	} else {
		d.known = false
	}
}

// stir notes that something happens to a source, and to nothing else.
func (r *source) stir() {
	if !r.stirred {
		r.stirred = true
		d := &r.session.deadlines
		if d.stirred == nil {
			d.stirred = d.room[:0]
		}
		d.stirred = append(d.stirred, r)
	}
}

// entwined reports whether what happens to one source may happen to others: those that are played
// together, or of which only some are.
func (s *Session) entwined() bool { return s.connection.sync != nil || s.selection != nil }

// update asks those parts when they have something to do that may say something else than
// last time.
func (d *deadlines) update(s *Session) {
	switch {
	case !d.known:
		d.known, d.told = !s.entwined(), false
		d.calm = len(s.sources) > 0 // without any nobody wants to know
		d.keying, d.passing = s.keyingDue(), s.sectionsDue()
		d.sources = slices.Grow(d.sources[:0], len(s.sources))[:len(s.sources)]
		d.moved = true
		for i, r := range s.sources {
			d.ask(i, r)
		}
		for i := 0; d.calm && i < len(s.sections); i++ {
			d.calm = !s.hasMessages(s.sections[i])
		}
	case d.told || !s.passesOn:
		d.passing, d.told = s.sectionsDue(), false
		fallthrough
	default:
		for _, r := range d.stirred {
			d.ask(int(r.index), r)
		}
	}
	d.stirred = d.stirred[:0]
}

// ask asks a source.
func (d *deadlines) ask(i int, r *source) {
	r.stirred = false
	due := r.due()
	switch {
	case i == d.first:
		d.moved = true
	case !d.moved && (due.at < d.sources[d.first].at || due.at == d.sources[d.first].at && i < d.first):
		d.first = i
	}
	d.sources[i] = due
	d.calm = d.calm && r.calm()
}

// earliest returns the earliest deadline of a source, the first one's of several.
func (d *deadlines) earliest() deadline {
	if len(d.sources) == 0 {
		return deadline{simtime.Never, ReasonNone}
	}
	if d.moved {
		d.first, d.moved = 0, false
		for i := range d.sources {
			if d.sources[i].at < d.sources[d.first].at {
				d.first = i
			}
		}
	}
	return d.sources[d.first]
}

// quiet reports whether all sources are idle.
func (d *deadlines) quiet(now simtime.Time, sources int) bool {
	return d.known && d.calm && len(d.stirred) == 0 && len(d.sources) == sources && d.earliest().at > now
}

// keyingDue returns when key management has something to do.
func (s *Session) keyingDue() deadline {
	due := deadline{s.config.Keying.NextTimeout(), ReasonKeying}
	if k := s.config.RTCPKeying; k != nil {
		due = due.earlier(k.NextTimeout(), ReasonKeying)
	}
	return due
}

// sectionsDue returns when a section has something to do.
func (s *Session) sectionsDue() deadline {
	due := deadline{simtime.Never, ReasonNone}
	for _, m := range s.senders {
		due = due.earlier(m.nextTimeout())
	}
	return due
}

// due returns when the source has something to do.
func (r *source) due() deadline {
	due := deadline{min(r.playoutTimeout(), r.keys.NextTimeout()), ReasonPlayout}
	if r.missing != nil {
		due = due.earlier(r.missing.NextTimeout(), ReasonRepair)
	}
	due = due.earlier(r.refresh.nextTimeout(), ReasonRepair)
	due = due.earlier(r.pausing.nextTimeout(), ReasonRepair)
	if r.losses != nil {
		due = due.earlier(r.losses.nextTimeout(r.lossAt), ReasonRepair)
	}
	return due
}

// calm reports whether the source has nothing to ask for, and won't find out that it has before
// something happens to it.
func (r *source) calm() bool {
	if r.buffer == nil && !r.handsOn {
		return true
	}
	return !r.refresh.wanted && !r.pausing.open && !r.needsRefresh() && r.losses == nil && (r.missing == nil || r.missing.Missing() == 0)
}

// idle reports whether nobody needs to call a source before its deadline, which is yet to come.
func (d *deadlines) idle(now simtime.Time, i int) bool {
	return d.known && d.calm && i < len(d.sources) && d.sources[i].at > now && (len(d.stirred) == 0 || !slices.ContainsFunc(d.stirred, func(r *source) bool { return int(r.index) == i }))
}
