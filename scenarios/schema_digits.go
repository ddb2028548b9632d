package scenarios

import (
	"fmt"
	"slices"
	"time"

	"rtpfabric/endpoints/dtmf"
	"rtpfabric/scenarios/internal/strict"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// Digits are keys that somebody who speaks presses, one after the other (RFC 4733).
type Digits struct {
	// At is when the first key is pressed.
	At time.Duration `yaml:"at,required" example:"2s" max:"24h"`
	// Keys are 0 to 9, *, # and A to D.
	Keys string `yaml:"keys,required" example:"\"12#\""`
	// Press is for how long each is held, and Gap the time between two of them. The least is what browsers have
	// (RTCDTMFSender), and the most of Press what the duration of an event has room for.
	Press time.Duration `yaml:"press" default:"100ms" min:"40ms" max:"8191ms"`
	Gap   time.Duration `yaml:"gap" default:"100ms" min:"30ms" max:"1m"`
}

// Presses returns the keys as endpoints press them.
func (d *Digits) Presses() dtmf.Digits {
	return dtmf.Digits{At: simtime.At(d.At), Keys: d.Keys, Press: d.Press, Gap: d.Gap}
}

// digits checks keys that are pressed.
func (c *checker) digits(m *Media, q strict.Path) {
	clock := 8000
	if slices.Contains(m.Speech.Codecs(), "opus") {
		clock = 48000
	}
	if t := &c.s.Topology; len(m.Speech.Digits) > 0 && t.Forwarded() {
		c.fail(q.Child("digits"), "a "+t.Box()+" doesn't pass keys on", "remove them, or choose a topology without it")
		return
	}
	ends := time.Duration(-1)
	for i := range m.Speech.Digits {
		d, p := &m.Speech.Digits[i], q.Child("digits").Child(fmt.Sprint(i))
		keys := d.Presses()
		problem, remedy := "", ""
		if err := keys.Check(clock); err != nil {
			problem, remedy = splitRemedy(err.Error())
		}
		until := keys.Ends(*m.Frame).Duration()
		switch {
		case problem != "" && d.Press > dtmf.Longest(clock):
			c.fail(c.firstOf(p.Child("press"), p), problem, remedy)
		case problem != "":
			c.fail(p.Child("keys"), problem, remedy)
		case d.At <= ends:
			c.fail(p.Child("at"), fmt.Sprintf("%s isn't after %s, when the keys before are over", format(d.At), format(ends)), "choose a later time")
		case until > m.Stops(c.s.Duration):
			c.fail(p.Child("at"), fmt.Sprintf("the last key is over at %s, when the stream has ended", format(until)), "choose an earlier time or a longer duration")
		}
		ends = until
	}
}

// digitMetrics are about keys.
func digitMetrics() []metric {
	return []metric{
		{"digits", "flow", count, "keys that the receiver has heard, by telephone events (RFC 4733)", happenings(record.DigitReceived), ofAudio},
	}
}
