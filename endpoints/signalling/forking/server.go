package forking

import (
	"slices"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/sim/simtime"
)

// ServerConfig describes a server.
type ServerConfig struct {
	Name string
	// Devices are their session ids. The caller is on leg 0, the first device on leg 1.
	Devices []string
	// Rings is how long each device rings before the next one does, in order; 0 lets all ring at once (001, rule 7).
	Rings time.Duration
	// AcceptedOnly keeps answers back until one is accepted, so that the caller gets one ANSWER and one ACCEPT (001, rule 8).
	AcceptedOnly bool
	// KeepRinging leaves devices alone when another one has accepted; otherwise those stop to ring that the caller can't
	// stop, as it has no answer of theirs.
	KeepRinging bool
}

// Server hands an offer to the devices of a person, and what they say to the caller.
type Server struct {
	outbox
	config   ServerConfig
	offer    *roap.Message // nil before there is one
	legs     []serverLeg   // of devices
	ringing  int           // how many devices have got the offer
	next     simtime.Time
	accepted bool
	over     bool
}

// serverLeg is what the server knows of a device.
type serverLeg struct {
	answered bool
	kept     *roap.Message // the last answer, if it is kept back
	over     bool          // it has refused, or was told to stop
}

// NewServer returns a server that nobody has called.
func NewServer(c ServerConfig) *Server {
	return &Server{outbox: outbox{name: c.Name}, config: c, legs: make([]serverLeg, len(c.Devices)), next: simtime.Never}
}

// HandleMessage takes a message of the caller or of a device.
func (s *Server) HandleMessage(now simtime.Time, leg int, m signalling.Message) {
	d := s.read(now, m)
	switch {
	case d == nil:
	case leg == 0 && d.Type == roap.TypeOffer:
		if s.offer != nil {
			s.ignore(now, d, "there has been an offer")
			return
		}
		s.offer = d
		s.ring(now)
	case s.offer == nil || d.Offer() != s.offer.Offer():
		s.ignore(now, d, "of another offer")
	case leg == 0:
		s.fromCaller(now, d)
	default:
		s.fromDevice(now, leg-1, d)
	}
}

// ring hands the offer to the next device, or to all.
func (s *Server) ring(now simtime.Time) {
	s.next = simtime.Never
	for s.ringing < len(s.legs) {
		s.ringing++
		s.Send(s.ringing, s.offer)
		if s.config.Rings > 0 {
			s.next = now.Add(s.config.Rings)
			return
		}
	}
}

// fromCaller hands a message on to the device that it is for, or to all.
func (s *Server) fromCaller(now simtime.Time, d *roap.Message) {
	if d.Type != roap.TypeShutdown && d.Type != roap.TypeError {
		s.ignore(now, d, "not of a caller")
		return
	}
	if d.Answerer == "" {
		s.next, s.over = simtime.Never, true
	} else if !slices.Contains(s.config.Devices, d.Answerer) {
		s.ignore(now, d, "of no device")
		return
	}
	for i, device := range s.config.Devices[:s.ringing] {
		if (d.Answerer == "" || d.Answerer == device) && !s.legs[i].over {
			s.legs[i].over = true
			s.Send(i+1, d)
			if s.config.Rings > 0 && !s.over && !s.accepted {
				s.ring(now)
			}
		}
	}
	if !s.over {
		s.conclude(d)
	}
}

// fromDevice hands a message on to the caller.
func (s *Server) fromDevice(now simtime.Time, i int, d *roap.Message) {
	l := &s.legs[i]
	if l.over || s.over || d.Answerer != s.config.Devices[i] {
		s.ignore(now, d, "too late, or of another device")
		return
	}
	switch d.Type {
	case roap.TypeAnswer:
		l.answered = true
		if s.config.AcceptedOnly {
			l.kept = d
			return
		}
	case roap.TypeAccept:
		if s.config.AcceptedOnly {
			if l.kept == nil {
				s.ignore(now, d, "accepted without an answer")
				return
			}
			s.Send(0, l.kept)
		}
		s.accept(i)
	case roap.TypeError, roap.TypeShutdown:
		l.over = true
		s.refuse(now, i, d)
		return
	case roap.TypeOffer, roap.TypeCandidate:
		s.ignore(now, d, "not of a device")
		return
	}
	s.Send(0, d)
}

// accept ends the ringing of others. Those with answers that the caller has are the caller's to stop.
func (s *Server) accept(i int) {
	s.accepted, s.next = true, simtime.Never
	if s.config.KeepRinging {
		return
	}
	for j := range s.legs[:s.ringing] {
		if j != i && (s.config.AcceptedOnly || !s.legs[j].answered) {
			s.stop(j)
		}
	}
}

// stop ends the ringing of a device.
func (s *Server) stop(i int) {
	if l := &s.legs[i]; !l.over {
		l.over = true
		s.Send(i+1, &roap.Message{Type: roap.TypeShutdown, Offerer: s.offer.Offerer, Answerer: s.config.Devices[i], Seq: s.offer.Seq})
	}
}

// refuse tells the caller that nothing comes of a device, and of all if there is none left.
func (s *Server) refuse(now simtime.Time, i int, d *roap.Message) {
	if s.legs[i].answered && (s.accepted || !s.config.AcceptedOnly) {
		s.Send(0, d)
	}
	if s.config.Rings > 0 && !s.accepted { // it was the one that rang: those before were stopped
		s.ring(now)
	}
	s.conclude(d)
}

// conclude tells the caller when there is no device left.
func (s *Server) conclude(d *roap.Message) {
	if !slices.ContainsFunc(s.legs, func(l serverLeg) bool { return !l.over }) {
		s.over, s.next = true, simtime.Never
		last := roap.Message{Type: roap.TypeError, Offerer: d.Offerer, Seq: d.Seq, Error: roap.Refused}
		if d.Type == roap.TypeError {
			last.Error = d.Error
		}
		s.Send(0, &last)
	}
}

// HandleTimeout lets the next device ring, if it is time.
func (s *Server) HandleTimeout(now simtime.Time) {
	if s.next > now {
		return
	}
	i := s.ringing - 1
	s.stop(i)
	s.refuse(now, i, &roap.Message{
		Type: roap.TypeError, Offerer: s.offer.Offerer, Answerer: s.config.Devices[i], Seq: s.offer.Seq, Error: roap.Timeout,
	})
}

// NextTimeout returns when the next device rings.
func (s *Server) NextTimeout() simtime.Time { return s.next }
