package external

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/feedlog"
	"rtpfabric/scenarios/runner/internal/jsonline"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// simrunV1 is the protocol simrun-v1.
type simrunV1 struct {
	controller *Controller
	packets    []byte // that have left since the last message
	message    []byte
}

type initMessage struct {
	Type       string            `json:"type"`
	Protocol   string            `json:"protocol"`
	Connection string            `json:"connection"`
	Limits     feedlog.Limits    `json:"limits"`
	Parameters map[string]string `json:"parameters"`
}

func (s *simrunV1) begin() []byte {
	c := &s.controller.config
	m := initMessage{"init", SimrunV1, c.Connection, feedlog.LimitsOf(c.Limits), c.Parameters}
	if m.Limits.Weight == 0 {
		m.Limits.Weight = 1
	}
	if m.Parameters == nil {
		m.Parameters = map[string]string{}
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic("external: " + err.Error())
	}
	return append(b, '\n')
}

// common is what every reply has. Numbers may be fractions, as floating-point programs
// print them.
type common struct {
	Target *struct {
		Media  float64  `json:"media"`
		Pacing *float64 `json:"pacing"`
		Window float64  `json:"window"`
	} `json:"target"`
	NextTimeout *float64 `json:"next_timeout_ns"`
	Probe       *struct {
		ID      uint32  `json:"id"`
		Rate    float64 `json:"rate"`
		Packets int     `json:"packets"`
		Bytes   int64   `json:"bytes"`
	} `json:"probe"`
}

type initReply struct {
	common
	Signals []struct {
		Name string `json:"name"`
		Unit string `json:"unit"`
		Help string `json:"help"`
	} `json:"signals"`
}

type reply struct {
	common
	Signals map[string]*float64 `json:"signals"`
}

var signalName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

func (s *simrunV1) begun(text []byte) error {
	var r initReply
	if err := jsonline.Parse(text, &r); err != nil {
		return err
	}
	c := s.controller
	for _, d := range r.Signals {
		if !signalName.MatchString(d.Name) {
			return fmt.Errorf("signal %q: write lower-case letters, digits and hyphens", d.Name)
		}
		if slices.ContainsFunc(c.names, func(o ccontrol.Signal) bool { return o.Name == d.Name }) {
			return fmt.Errorf("signal %q is there twice", d.Name)
		}
		c.names = append(c.names, ccontrol.Signal{Name: d.Name, Unit: d.Unit, Help: d.Help, Source: c.config.Exec[0]})
		c.values = append(c.values, math.NaN())
	}
	return s.take(0, &r.common)
}

func (s *simrunV1) sent(now simtime.Time, p ccontrol.Sent) {
	if len(s.packets) > 0 {
		s.packets = append(s.packets, ',')
	}
	b := strconv.AppendUint(append(s.packets, '['), p.Seq, 10)
	for _, v := range []int64{int64(now), int64(p.Size), int64(p.Backlog), int64(p.InFlight), int64(p.Probe)} {
		b = strconv.AppendInt(append(b, ','), v, 10)
	}
	s.packets = append(b, ']')
}

// head writes what all messages have.
func (s *simrunV1) head(kind string, now simtime.Time) []byte {
	b := append(s.message[:0], `{"type":"`...)
	b = append(b, kind...)
	b = strconv.AppendInt(append(b, `","t_ns":`...), int64(now), 10)
	b = append(append(b, `,"sent":[`...), s.packets...)
	s.packets = s.packets[:0]
	return append(b, ']')
}

func (s *simrunV1) feedback(now simtime.Time, r *ccontrol.Report) []byte {
	b := append(s.head("feedback", now), ',')
	s.message = append(feedlog.AppendReport(b, r), "}\n"...)
	return s.message
}

func (s *simrunV1) timeout(now simtime.Time) []byte {
	s.message = append(s.head("timeout", now), "}\n"...)
	return s.message
}

func (s *simrunV1) replied(now simtime.Time, text []byte) error {
	var r reply
	if err := jsonline.Parse(text, &r); err != nil {
		return err
	}
	c := s.controller
	for name, v := range r.Signals { // the order doesn't matter: each has its place
		i := slices.IndexFunc(c.names, func(o ccontrol.Signal) bool { return o.Name == name })
		if i < 0 {
			return fmt.Errorf("signal %q wasn't in the reply to init", name)
		}
		if c.values[i] = math.NaN(); v != nil {
			c.values[i] = *v
		}
	}
	return s.take(now, &r.common)
}

// take does what a reply says.
func (s *simrunV1) take(now simtime.Time, r *common) error {
	c := s.controller
	if t := r.Target; t != nil {
		pacing := t.Media * PacingFactor
		if t.Pacing != nil {
			pacing = *t.Pacing
		}
		if !jsonline.PossibleRate(t.Media) || !jsonline.PossibleRate(pacing) || !jsonline.PossibleWindow(t.Window) {
			return fmt.Errorf("a target of media %v, pacing %v, window %v isn't possible: rates are in bit/s and above 0, the window is in bytes", t.Media, pacing, t.Window)
		}
		c.target = ccontrol.Target{
			Media: units.BitRate(math.Round(t.Media)), Pacing: units.BitRate(math.Round(pacing)), Window: units.Bytes(math.Round(t.Window)),
		}
	}
	c.next = simtime.Never
	if n := r.NextTimeout; n != nil {
		if !(*n > float64(now)) || *n > maxTime {
			return fmt.Errorf("next_timeout_ns %.0f isn't a time after now, %d", *n, int64(now))
		}
		c.next = simtime.Time(*n)
	}
	if p := r.Probe; p != nil {
		if p.ID == 0 || !jsonline.PossibleRate(p.Rate) || p.Packets < 0 || p.Bytes < 0 || p.Packets == 0 && p.Bytes == 0 {
			return errors.New("a probe needs an id that isn't 0, a rate, and packets or bytes")
		}
		c.probes = append(c.probes, ccontrol.Probe{ID: p.ID, Rate: units.BitRate(math.Round(p.Rate)), Packets: p.Packets, Bytes: units.Bytes(p.Bytes)})
	}
	return nil
}

// maxTime bounds time-outs: as far as floating-point numbers count nanoseconds.
const maxTime = 1 << 53
