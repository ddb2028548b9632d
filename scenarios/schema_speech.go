package scenarios

import (
	"fmt"
	"slices"
	"time"

	"rtpfabric/scenarios/internal/strict"
	"rtpfabric/sim/units"
)

// Speech is audio that is somebody talking.
type Speech struct {
	// Codec is opus, pcmu, pcma or dvi4.
	Codec string `yaml:"codec" oneof:"opus,pcmu,pcma,dvi4" default:"opus"`
	// Switches change to another codec, without telling anybody before.
	Switches []CodecSwitch `yaml:"switches"`
	// Who talks: always, or a conversation with the other end (ITU-T P.59). Talks are
	// stretches of time in which somebody does, in order, and nobody otherwise.
	Activity string     `yaml:"activity" oneof:"conversation,always" default:"conversation"`
	Talks    []Interval `yaml:"talks" example:"[2s..10s, 20s..25s]"`
	// Tone is the frequency of a hum instead of a voice, of pcmu, pcma and dvi4; nil is none.
	Tone *float64 `yaml:"tone" min:"50" max:"3900"` // Hz
	// DTX sends next to nothing in silence: Opus' own way, or silence suppression
	// with comfort noise (RFC 3389).
	DTX bool `yaml:"dtx" default:"false"`
	// VBR lets sizes of Opus follow the speech, FEC adds its in-band FEC.
	VBR bool `yaml:"vbr" default:"false"`
	FEC bool `yaml:"fec" default:"false"`
	// Digits are keys that are pressed, in order.
	Digits []Digits `yaml:"digits" example:"[{at: 2s, keys: \"12#\"}]"`
}

// CodecSwitch is a change of codec.
type CodecSwitch struct {
	// At is when the speaker changes to another codec.
	At time.Duration `yaml:"at,required" example:"10s" max:"24h"`
	// Codec is that from then on.
	Codec string `yaml:"codec,required" example:"pcmu" oneof:"opus,pcmu,pcma,dvi4"`
}

// Codecs returns the codecs of the speech, each once, in the order of their use.
func (s *Speech) Codecs() []string {
	list := []string{s.Codec}
	for _, w := range s.Switches {
		if !slices.Contains(list, w.Codec) {
			list = append(list, w.Codec)
		}
	}
	return list
}

// converses reports whether it is a part of a conversation after ITU-T P.59.
func (s *Speech) converses() bool {
	return s != nil && s.Activity == "conversation" && len(s.Talks) == 0
}

// maxRate is the highest payload rate of the speech, of Opus that given.
func (s *Speech) maxRate(opus units.BitRate, frame time.Duration) units.BitRate {
	most := units.BitRate(0)
	for _, c := range s.Codecs() {
		switch c {
		case "opus":
			most = max(most, opus)
		case "dvi4":
			most = max(most, 32*units.Kbps+units.BitRate(32/frame.Seconds()))
		default:
			most = max(most, 64*units.Kbps)
		}
	}
	return most
}

// speech checks what belongs together.
func (c *checker) speech(m *Media, p strict.Path) {
	s, q := m.Speech, p.Child("speech")
	if m.Kind == "video" {
		c.failKey(q, "this is a field of audio", "remove it")
		return
	}
	last := time.Duration(-1)
	for i, w := range s.Switches {
		at := q.Child("switches").Child(fmt.Sprint(i)).Child("at")
		switch {
		case w.At <= last:
			c.fail(at, fmt.Sprintf("%s is not after %s", format(w.At), format(last)), "put the switches in order")
		case w.At > c.s.Duration:
			c.fail(at, fmt.Sprintf("%s lies after the end of the run at %s", format(w.At), format(c.s.Duration)), "choose an earlier time or a longer duration")
		}
		last = w.At
	}
	end := time.Duration(-1)
	for i, t := range s.Talks {
		at := q.Child("talks").Child(fmt.Sprint(i))
		switch {
		case t.From <= end:
			c.fail(at, fmt.Sprintf("%s begins before %s, or when that ends", t, format(end)), "put the talks in order, and join what touches")
		case t.To > c.s.Duration:
			c.fail(at, fmt.Sprintf("%s ends after the run does, at %s", t, format(c.s.Duration)), "choose an earlier time or a longer duration")
		}
		end = t.To
	}
	c.digits(m, q)
	if s.Tone != nil && slices.Contains(s.Codecs(), "opus") {
		c.fail(q.Child("tone"), "of Opus there are only sizes, which nobody can hear", "write a codec of pcmu, pcma or dvi4")
	}
	where := c.firstOf(p.Child("frame"), q)
	if frame := *m.Frame; slices.Contains(s.Codecs(), "opus") && !slices.Contains([]time.Duration{10, 20, 40, 60}, frame/time.Millisecond) || frame%time.Millisecond != 0 {
		c.fail(where, fmt.Sprintf("Opus has no frames of %s", format(frame)), "write 10ms, 20ms, 40ms or 60ms")
	} else if frame > 200*time.Millisecond {
		c.fail(where, fmt.Sprintf("a packet of %s is longer than RFC 3551 allows", format(frame)), "write 200ms or less")
	}
	if slices.Contains(s.Codecs(), "opus") && (*m.Rate < 6*units.Kbps || *m.Rate > 510*units.Kbps) {
		c.fail(c.firstOf(p.Child("rate"), q), fmt.Sprintf("Opus has no rate of %s", *m.Rate), "write 6kbps to 510kbps")
	}
}
