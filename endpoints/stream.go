package endpoints

import (
	"math"

	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/sim/simtime"
)

// Stream is an SSRC of this end: a participant of its own (RFC 8108 §5.1),
// whether it sends or only reports (§6.1).
type Stream struct {
	ssrc     uint32
	seq      uint16 // of the next packet
	known    bool   // the peer has reported on it
	member   ssrcs.Place
	recorded ssrcs.Place       // among the streams of the history
	section  *Section          // what every packet needs stands first, as in a session
	local    *rtcptiming.Local // nil before the session was joined and after the BYE
	packets  uint32            // sent, for SRs
	octets   uint32            // of payload
	queued   int               // packets in the pacer
	payload  float64           // mean size of packets' payload
	extSeq   uint32            // highest extended number of a packet that left
	lastTS   uint32            // RTP timestamp of the last one
	index    int               // among the streams of this end, ended ones included
	clock    int               // rate of RTP timestamps, Hz
	next     *Stream           // that took its place after a collision
	reach    int32             // only streams before this one have been there when a packet left
	reported []uint32          // packets of this end's other streams at its last report, by their index
	priors   []prior           // what it has reported of sources, by their index
	layouts  layouts

	tsOffset uint32
	firstSeq uint32 // extended number of the first packet that left
	named    int    // RTCP packets that said which section it belongs to

	retired        bool         // another stream has the section's media now (RFC 7160 §4.1)
	restamped      uint16       // next sequence number for packets that were made for its predecessor
	contestedSince simtime.Time // when somebody else was first seen to use the SSRC

	reports []Reported // what peers say of it, the last of each
	told    []told     // the same for the controller
	ecn     markings   // how its packets were marked, and what peers say of that
	turn    int        // who comes first when not everybody fits into its report
}

// newStream adds a stream to a section, with the SSRC that was signalled for it or,
// if that is 0, a random one.
func (s *Session) newStream(m *Section, clock int, signalled uint32) *Stream {
	return s.newStreamIn(&Stream{}, m, clock, signalled)
}

// newStreamIn is newStream in a place.
func (s *Session) newStreamIn(st *Stream, m *Section, clock int, signalled uint32) *Stream {
	r := s.connection.identity
	ssrc := s.table.Unused(r)
	if signalled != 0 {
		ssrc = signalled
	}
	s.table.AddLocal(ssrc)
	*st = Stream{
		ssrc: ssrc, section: m, contestedSince: simtime.Never, index: len(s.streams), clock: clock,
		// Half the space, so that sequence numbers don't wrap at once and
		// confuse SRTP's roll-over counter (RFC 3711 §3.3.1).
		seq: uint16(r.Uint32()) &^ 0x8000, tsOffset: r.Uint32(),
	}
	s.own.Add(ssrc)
	st.enrol(s)
	return st
}

// enrol puts the stream beside the others of this end. What they have sent by now is no news to it.
func (st *Stream) enrol(s *Session) {
	for _, o := range s.streams {
		st.reported = append(st.reported, o.packets)
		o.reach = min(o.reach, int32(len(s.streams)))
	}
	s.streams = append(s.streams, st)
}

// join makes the stream a member of the session.
func (st *Stream) join(now simtime.Time) {
	s := st.section.session
	st.local = s.timing.Join(now, st.ssrc)
	st.local.Index = st.index
	s.present++
	s.parting = true // another one may give way to it
}

// SSRC returns the stream's SSRC.
func (st *Stream) SSRC() uint32 { return st.ssrc }

// Section returns the media section that the stream belongs to.
func (st *Stream) Section() *Section { return st.section }

// rtpTime returns the RTP timestamp of a moment, by the sampling clock of its media.
func (st *Stream) rtpTime(at simtime.Time) uint32 {
	half := int64(0)
	if send := st.section.config.Send; send != nil && !send.Clock.Exact() {
		at = send.Clock.At(at)
		half = 1e9 / 2 // the clock's time has been rounded; the tick must not suffer
	}
	sec, ns := int64(at)/1e9, int64(at)%1e9
	ticks := sec*int64(st.clock) + (ns*int64(st.clock)+half)/1e9
	return st.tsOffset + uint32(ticks)
}

// unreported reports whether a packet left since a local stream reported last.
func (st *Stream) unreported(by *Stream) bool {
	if by.index >= int(st.reach) {
		return false
	}
	for st.index >= len(by.reported) {
		by.reported = append(by.reported, 0)
	}
	return by.reported[st.index] != st.packets
}

// left notes that a packet left, for the reports of this end's other streams.
func (st *Stream) left(seq uint16) {
	ext := extend(st.extSeq, seq, st.packets == 1)
	if st.packets == 1 {
		st.firstSeq, st.extSeq = ext, ext
	}
	if int32(ext-st.extSeq) > 0 { // what is passed on may be late
		st.extSeq = ext
	}
	st.reach = math.MaxInt32
}
