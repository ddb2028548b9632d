package forking

import (
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/sim/simtime"
)

// Line is a device's connection to the caller.
type Line interface {
	// Answer takes an offer and returns the device's answer to it, of which there may be several: count says which, from 0.
	// The line is made as far as it may be before somebody accepts. An error refuses the offer.
	Answer(now simtime.Time, offer string, count int) (string, error)
	// Accept makes the line ready to receive, as the last answer has it, and lets media be sent. It is called before ACCEPT
	// leaves (001, rule 6).
	Accept(now simtime.Time)
	// Close ends the line. There may be none.
	Close(now simtime.Time)
}

// DeviceConfig describes a device. All times count from the offer.
type DeviceConfig struct {
	Name string
	// Session is the device's session id.
	Session string
	// Answers lets it answer before somebody accepts (001, rule 2), after Processing.
	Answers    bool
	Processing time.Duration
	// Replaces is when other answers take the place of that one (001, rule 3), in order. One at Accepts comes before the ACCEPT.
	Replaces []time.Duration
	// Accepts is when somebody accepts, and Declines when somebody doesn't want to; 0 is never.
	Accepts, Declines time.Duration
	Line              Line
}

// Device rings when an offer comes. It has one leg, 0.
type Device struct {
	outbox
	config   DeviceConfig
	offer    *roap.Message // nil before there is one
	answers  int           // that have left
	accepted bool
	over     bool
	// When it does what it does.
	answerAt, replaceAt, acceptAt, declineAt, expires simtime.Time
	replaced                                          int
}

// NewDevice returns a device that nobody has called.
func NewDevice(c DeviceConfig) *Device {
	d := &Device{outbox: outbox{name: c.Name}, config: c}
	d.rest()
	return d
}

// rest leaves nothing to be done.
func (d *Device) rest() {
	d.answerAt, d.replaceAt, d.acceptAt, d.declineAt, d.expires = simtime.Never, simtime.Never, simtime.Never, simtime.Never, simtime.Never
}

// Accepted reports whether somebody has accepted, and the call goes on.
func (d *Device) Accepted() bool { return d.accepted && !d.over }

// HandleMessage takes a message.
func (d *Device) HandleMessage(now simtime.Time, _ int, message signalling.Message) {
	m := d.read(now, message)
	switch {
	case m == nil:
	case m.Type == roap.TypeOffer && d.offer == nil:
		d.ring(now, m)
	case m.Type == roap.TypeOffer:
		if m.Offer() == d.offer.Offer() {
			d.ignore(now, m, "repeated")
			return
		}
		d.ignore(now, m, "busy")
		d.Send(0, &roap.Message{Type: roap.TypeError, Offerer: m.Offerer, Answerer: d.config.Session, Seq: m.Seq, Error: roap.Refused})
	case d.offer == nil || m.Offer() != d.offer.Offer():
		d.ignore(now, m, "there is no call")
	case m.Answerer != "" && m.Answerer != d.config.Session:
		d.ignore(now, m, "for another device")
	case d.over:
		d.ignore(now, m, "too late")
	case m.Type == roap.TypeShutdown:
		d.end(now, signalling.OfferGivenUp, "the caller has shut down")
	case m.Type == roap.TypeError:
		d.end(now, signalling.OfferGivenUp, string(m.Error))
	default:
		d.ignore(now, m, "this end answers")
	}
}

// ring begins to count.
func (d *Device) ring(now simtime.Time, m *roap.Message) {
	d.offer = m
	c := &d.config
	d.expires = now.Add(Patience)
	after := func(wait time.Duration, does bool) simtime.Time {
		if !does {
			return simtime.Never
		}
		return now.Add(wait)
	}
	d.answerAt = after(c.Processing, c.Answers)
	d.acceptAt, d.declineAt = after(c.Accepts, c.Accepts > 0), after(c.Declines, c.Declines > 0)
	d.planReplacement(now)
	d.HandleTimeout(now)
}

// planReplacement says when the next answer takes the place of the last one.
func (d *Device) planReplacement(rang simtime.Time) {
	d.replaceAt = simtime.Never
	if d.replaced < len(d.config.Replaces) {
		d.replaceAt = rang.Add(d.config.Replaces[d.replaced])
	}
}

// about returns a message about the offer.
func (d *Device) about(t roap.MessageType) *roap.Message {
	return &roap.Message{Type: t, Offerer: d.offer.Offerer, Answerer: d.config.Session, Seq: d.offer.Seq}
}

// answer sends an answer; false if the offer can't be answered.
func (d *Device) answer(now simtime.Time, speculative bool) bool {
	sdp, err := d.config.Line.Answer(now, d.offer.SDP, d.answers)
	if err != nil {
		m := d.about(roap.TypeError)
		m.Error = roap.NoMatch
		d.Send(0, m)
		d.end(now, signalling.OfferDiscarded, err.Error())
		return false
	}
	d.answers++
	m := d.about(roap.TypeAnswer)
	m.SDP, m.MoreComing = sdp, speculative
	d.Send(0, m)
	if speculative {
		d.note(now, signalling.Answered, d.offer, "")
	}
	return true
}

// Accept takes the call, as somebody does, or a machine. It does nothing where no call rings.
func (d *Device) Accept(now simtime.Time) {
	if d.offer == nil || d.accepted || d.over {
		return
	}
	if d.answers == 0 && !d.answer(now, false) {
		return
	}
	d.rest()
	d.accepted = true
	d.config.Line.Accept(now)
	d.Send(0, d.about(roap.TypeAccept))
	d.note(now, signalling.OfferAccepted, d.offer, "")
}

// Shutdown ends the call.
func (d *Device) Shutdown(now simtime.Time) {
	if d.offer == nil || d.over {
		return
	}
	d.Send(0, d.about(roap.TypeShutdown))
	d.end(now, signalling.OfferDiscarded, "shut down")
}

// end closes everything.
func (d *Device) end(now simtime.Time, kind signalling.EventKind, reason string) {
	d.over = true
	d.rest()
	d.note(now, kind, d.offer, reason)
	d.config.Line.Close(now)
}

// refuse ends the ringing.
func (d *Device) refuse(now simtime.Time, why roap.ErrorType, reason string) {
	m := d.about(roap.TypeError)
	m.Error = why
	d.Send(0, m)
	d.end(now, signalling.OfferDiscarded, reason)
}

// HandleTimeout does what is due.
func (d *Device) HandleTimeout(now simtime.Time) {
	if d.answerAt <= now {
		d.answerAt = simtime.Never
		d.answer(now, true)
	}
	for d.replaceAt <= now {
		rang := d.expires.Add(-Patience)
		d.replaced++
		d.planReplacement(rang)
		d.answer(now, true)
	}
	switch {
	case d.acceptAt <= now:
		d.Accept(now)
	case d.declineAt <= now:
		d.refuse(now, roap.Refused, "declined")
	case d.expires <= now:
		d.refuse(now, roap.Timeout, "nobody accepts")
	}
}

// NextTimeout returns when the device has something to do.
func (d *Device) NextTimeout() simtime.Time {
	return min(d.answerAt, d.replaceAt, d.acceptAt, d.declineAt, d.expires)
}
