package measure

import (
	"fmt"
	"strings"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// voice says what an end has chosen to do with its audio.
var voice = map[endpoints.EventKind]string{endpoints.VoiceMuted: "voice-muted", endpoints.VoiceUnmuted: "voice-unmuted"}

// gatherings is what has become of candidates.
var pauses = map[endpoints.EventKind]string{endpoints.StreamPaused: record.UplinkPaused, endpoints.StreamUnpaused: record.UplinkResumed}

var gatherings = map[endpoints.EventKind]string{
	endpoints.CandidateGathered: record.CandidateGathered, endpoints.GatheringFailed: record.GatheringFailed,
	endpoints.GatheringComplete: record.GatheringComplete,
}

// handle takes an event of an endpoint.
func (r *Recorder) handle(e endpoints.Event) {
	entity := e.Session.Endpoint()
	switch e.Kind {
	case endpoints.FrameEncoded:
		if f := r.sent(e.Session, e.Section.SSRC()); f != nil {
			f.encoded.add(e.At, float64(e.Size))
			f.totals.encoded++
		}
	case endpoints.FrameRendered, endpoints.FrameLate, endpoints.FrameLost, endpoints.FrameUndecodable, endpoints.PictureFrozen,
		endpoints.FrameConcealed, endpoints.FrameDiscarded:
		if f := r.received(e); f != nil {
			r.handleFrame(f, &e)
		}
	case endpoints.RTCPSent:
		r.conn(e.Session).endpoint.rtcpSent(e.At, e.Size)
	case endpoints.ReportSent:
		if e.SSRC == e.Section.SSRC() {
			r.conn(e.Session).report(e.At, e.Section)
		}
	case endpoints.RTTMeasured:
		r.conn(e.Session).rtt.add(e.At, ms(e.Delay))
	case endpoints.TargetChanged:
		if c := r.conn(e.Session); c.target != nil {
			t := c.conn.Target()
			c.target.set(e.At, float64(t.Media))
			c.pacing.set(e.At, float64(t.Pacing))
		}
	case endpoints.ByeSent:
		r.event(e.At, entity+"/"+e.Section.Name(), "bye-sent", "")
	case endpoints.ByeReceived:
		r.event(e.At, entity, "bye-received", fmt.Sprintf("SSRC %08x", e.SSRC))
	case endpoints.StreamHeld, endpoints.StreamReleased:
		if f := r.sent(e.Session, e.Section.SSRC()); f != nil {
			f.hold(e.At, e.Kind == endpoints.StreamHeld)
		}
	case endpoints.StreamPaused, endpoints.StreamUnpaused:
		if f := r.sent(e.Session, e.Section.SSRC()); f != nil {
			f.hold(e.At, e.Kind == endpoints.StreamPaused)
			r.event(e.At, f.name, pauses[e.Kind], "as the peer has asked")
		}
	case endpoints.VoiceMuted, endpoints.VoiceUnmuted:
		if f := r.sent(e.Session, e.Section.SSRC()); f != nil {
			r.event(e.At, f.name, voice[e.Kind], "")
		}
	case endpoints.DigitReceived:
		if f := r.received(e); f != nil {
			r.event(e.At, f.name, record.DigitReceived, fmt.Sprintf("%c, pressed for %v", e.Digit, e.Media))
		}
	case endpoints.StreamSuspended:
		r.event(e.At, entity+"/"+e.Section.Name(), "stream-suspended", "the rate doesn't suffice for all streams")
	case endpoints.StreamResumed:
		r.event(e.At, entity+"/"+e.Section.Name(), "stream-resumed", "")
	case endpoints.PictureRepaired:
		if f := r.sent(e.Session, e.Section.SSRC()); f != nil && f.repairFrames != nil {
			f.repairFrames.add(e.At, 1)
			if goal := e.Section.Goal(); goal > 0 {
				f.repairFrameSize.add(e.At, float64(8*e.Size)*f.flow.Video.FPS/float64(goal))
			}
		}
	case endpoints.ProtectionChanged:
		plan := e.Section.Plan()
		r.event(e.At, entity+"/"+e.Section.Name(), "protection-changed",
			fmt.Sprintf("%v: FEC costs %v of the media, %v stay lost", plan.Reason, plan.Overhead, plan.Residual))
	case endpoints.MarkingDropped:
		r.event(e.At, entity+"/"+e.Section.Name(), "marking-dropped", "packets with the stream's DSCP don't arrive")
	case endpoints.ECNChanged:
		r.event(e.At, e.Session.Name(), "ecn-"+strings.ReplaceAll(e.ECN.State.String(), " ", "-"), e.ECN.Why.String())
	case endpoints.BreakerTripped, endpoints.BreakerWatched:
		r.breakerTripped(&e)
	case endpoints.BreakerLeaves:
		r.breakerLeaves(entity, &e)
	case endpoints.BreakerRestarted:
		r.event(e.At, name(&e), record.BreakerRestarted, "the reaction has lasted as long as the trouble did")
	case endpoints.BreakerLifted:
		r.event(e.At, name(&e), record.BreakerLifted, "the rate isn't reduced any more")
	case endpoints.BoundChanged:
		r.event(e.At, name(&e), "bound-changed", "the rate is bounded by the "+e.Section.Bound().String())
	case endpoints.LayoutChanged:
		if f := r.sent(e.Session, e.Section.SSRC()); f != nil {
			r.event(e.At, f.name, "layout", e.Section.Layout())
		}
	case endpoints.SSRCChanged:
		if f := r.sent(e.Session, e.Previous); f != nil {
			r.identify(e.SSRC, f)
		}
		r.event(e.At, entity+"/"+e.Section.Name(), "ssrc-changed", fmt.Sprintf("%08x to %08x", e.Previous, e.SSRC))
	case endpoints.ThirdPartyCollision:
		r.event(e.At, entity, "third-party-collision", fmt.Sprintf("SSRC %08x", e.SSRC))
	case endpoints.ThirdPartyLoop:
		r.event(e.At, entity, "third-party-loop", fmt.Sprintf("SSRC %08x", e.SSRC))
	case endpoints.SessionEntered:
		if e.At > 0 {
			r.event(e.At, entity, "keys-agreed", "")
		}
	case endpoints.PeerClosed:
		why := "the peer has ended the connection"
		for _, step := range e.Session.Keying() {
			if m, ok := step.(keying.Muter); ok && m.Muted() {
				why = "no answer to requests for consent (RFC 7675)"
			}
		}
		r.event(e.At, entity, "peer-closed", why)
	case endpoints.KeyRenewed:
		r.event(e.At, entity, "key-renewed", "of its own, as the group has another one")
	case endpoints.KeyingFailed:
		why := ""
		for _, step := range e.Session.Keying() {
			if f, ok := step.(keying.Failer); ok && f.Err() != nil {
				why = f.Err().Error() + ": "
			}
		}
		r.event(e.At, entity, "keying-failed", why+"no media will flow")
	case endpoints.StreamNotDecoded:
		r.event(e.At, entity+"/"+e.Section.Name(), "stream-not-decoded", fmt.Sprintf("SSRC %08x is one more than the endpoint decodes", e.SSRC))
	case endpoints.DecoderSwitched:
		r.event(e.At, entity+"/"+e.Section.Name(), "decoder-switched",
			fmt.Sprintf("SSRC %08x is decoded instead of %08x, of which nothing comes; it has waited for %v", e.SSRC, e.Previous, e.Delay.Round(time.Millisecond)))
	case endpoints.StreamDeselected:
		r.event(e.At, entity+"/"+e.Section.Name(), "stream-deselected", fmt.Sprintf("SSRC %08x isn't decoded: others are louder", e.SSRC))
	case endpoints.ProfileRefused:
		r.event(e.At, entity, "profile-refused", "the peer's RTP profile doesn't go with "+e.Session.Profile().String()+": no media will flow")
	case endpoints.PacketRestored:
		if f := r.received(e); f != nil {
			f.totals.restored++
			if f.restored != nil {
				f.restored.add(e.At, 1)
			}
		}
	case endpoints.RefreshRequested:
		if f := r.received(e); f != nil {
			f.totals.refreshes++
			f.refreshes.add(e.At, 1)
		}
		r.event(e.At, entity+"/"+e.Section.Name(), "refresh-requested", fmt.Sprintf("a key frame of SSRC %08x", e.SSRC))
	case endpoints.ReducedSizeGivenUp:
		r.event(e.At, entity, "reduced-size-given-up", "requests of reduced size have no effect: feedback goes in compound packets")
	case endpoints.ParametersIgnored:
		r.event(e.At, entity, "rtcp-parameters-ignored", "they would starve RTCP or let it exceed the media")
	case endpoints.CandidateGathered, endpoints.GatheringFailed, endpoints.GatheringComplete:
		r.event(e.At, entity, gatherings[e.Kind], e.News)
	case endpoints.PairSelected:
		r.event(e.At, entity, record.PairSelected, e.News)
		r.conn(e.Session).endpoint.routed(e.At)
		r.notePaths(e.At)
	case endpoints.ParticipantTimedOut:
		r.conn(e.Session).endpoint.timeouts.add(e.At, 1)
		r.event(e.At, entity, "participant-timed-out", fmt.Sprintf("SSRC %08x", e.SSRC))
	}
}

// received returns the stream that an event at a receiver is about; nil if it is
// measured at another one.
func (r *Recorder) received(e endpoints.Event) *flowMeter {
	if m := r.conn(e.Session); m != nil && m.call {
		return r.heard(m, e.SSRC)
	}
	if peer, call := r.peers[e.Session]; call {
		return r.flow(source{e.SSRC, peer, r.sim.Addr(e.Session.Endpoint())})
	}
	for _, s := range r.ssrcs { // of a group the first receiver is measured
		if s.ssrc == e.SSRC && e.Section == s.flow.flow.Receiver {
			return s.flow
		}
	}
	return nil
}

func (r *Recorder) handleFrame(f *flowMeter, e *endpoints.Event) {
	t := &f.totals
	switch e.Kind {
	case endpoints.FrameRendered:
		if t.rendered++; !f.begun {
			r.begins(f, e)
		}
		f.goodput.add(e.At, float64(e.Size))
		f.frameDelay.add(e.At, ms(e.Delay))
		f.frameDelays.Add(e.At, e.Delay)
		if f.frames != nil {
			f.frames.add(e.At, 1)
			r.resumed(f, e.At)
			f.rendered(e.At)
			f.skew(e)
		} else {
			f.audio.played(e)
		}
	case endpoints.FrameLate:
		t.late++
	case endpoints.FrameConcealed:
		t.concealed++
		f.audio.stoodIn(e.At, e.Media)
	case endpoints.FrameDiscarded:
		t.discarded++
		f.audio.stoodIn(e.At, e.Media)
	case endpoints.FrameLost:
		t.lostFrames++
	case endpoints.FrameUndecodable:
		t.undecodable++
		f.undecodable.add(e.At, 1)
	case endpoints.PictureFrozen:
		r.freeze(f, e.At.Add(-e.Delay), e.At)
	default:
	}
}

// freeze notes that the picture stood still; in a pause it is meant to.
func (r *Recorder) freeze(f *flowMeter, from, to simtime.Time) {
	for _, p := range f.pauses {
		if from < p.To && p.From < to {
			return
		}
	}
	f.totals.freezes++
	f.totals.frozen += to.Sub(from)
	f.frozen.spread(from, to)
	r.events = append(r.events, record.Event{
		At: to, Entity: f.name, Kind: record.Freeze, Delay: to.Sub(from),
		Detail: fmt.Sprintf("picture stood still for %v", to.Sub(from).Round(time.Millisecond)),
	})
}

// resumed notes the first frame that is shown after the sender was started anew: to the receiver it is of another stream,
// which hasn't stood still, but to who looks at it the picture has.
func (r *Recorder) resumed(f *flowMeter, at simtime.Time) {
	if !f.anew {
		return
	}
	if f.anew = false; f.totals.rendered < 3 {
		return
	}
	if from, _, frozen := f.openFreeze(at); frozen {
		r.freeze(f, from, at)
	}
}

// report notes an SR or RR of a section's SSRC.
func (m *connMeter) report(at simtime.Time, s *endpoints.Section) {
	for i, o := range m.conn.Sections() {
		if o != s {
			continue
		}
		if last := m.lastReport[i]; last != simtime.Never {
			m.reports[i].Add(at, at.Sub(last))
		}
		m.lastReport[i] = at
	}
}
