package scenarios

import (
	"time"

	"rtpfabric/endpoints/dtmf"
	"rtpfabric/sim/simtime"
)

// ForkName is the type of a topology in which one endpoint calls somebody with several devices (001; RFC 8829 §3.8).
const ForkName = "fork"

// Forked reports whether the first of the peers calls all others, of whom it talks to one in the end.
func (t *Topology) Forked() bool { return t.Type == ForkName }

// Fork is how an offer forks. Times of devices count from the offer.
type Fork struct {
	// WarmUp is how far caller and device get before somebody accepts: connectivity checks, the handshake as well, or
	// codecs, too.
	WarmUp string `yaml:"warm-up" oneof:"none,ice,dtls,media" default:"media"`
	// Limit is to how many devices the caller makes lines before somebody accepts; 0 is to all that answer.
	Limit int `yaml:"limit" default:"0" min:"0" max:"100"`
	// CodecStart is how long a codec that isn't warm takes before its first frame, when there are keys.
	CodecStart time.Duration `yaml:"codec-start" default:"50ms" max:"10s"`
	// Choose says which of several devices that accept the caller talks to: the first, or when the time to decide is over
	// the last, or the one that it prefers.
	Choose string `yaml:"choose" oneof:"first,last,best" default:"first"`
	// Prefers are the devices that the caller prefers, the most preferred first.
	Prefers []string `yaml:"prefers" example:"[desktop, phone]"`
	// Decides is how long after the first acceptance others may come.
	Decides time.Duration `yaml:"decides" default:"0s" max:"60s"`
	// Closes is how long after the decision the other lines are closed.
	Closes time.Duration `yaml:"closes" default:"0s" max:"1h"`
	// Rings is how long each device rings before the next one does, in the order of the peers; 0 lets all ring at once.
	Rings time.Duration `yaml:"rings" default:"0s" max:"180s"`
	// Answers are those that get through to the caller: all, or only the one that is accepted.
	Answers string `yaml:"answers" oneof:"all,accepted" default:"all"`
	// KeepRinging leaves devices alone when another one has accepted.
	KeepRinging bool `yaml:"keep-ringing" default:"false"`
	// Encoders and Decoders are how many the caller has, for all lines together; 0 is without limit.
	Encoders int `yaml:"encoders" default:"0" min:"0" max:"100"`
	Decoders int `yaml:"decoders" default:"0" min:"0" max:"100"`
	// Clones says when the caller's peer connections for the second device and others are made: with the offer, or as each
	// of them answers.
	Clones string `yaml:"clones" oneof:"early,late" default:"late"`
	// Keys are pressed by the caller on lines that nobody has accepted yet. Her voice isn't sent there.
	Keys []ForkedKeys `yaml:"keys" example:"[{at: 4s, to: gateway, keys: \"5\"}]"`
	// Devices are what happens at them.
	Devices []ForkedDevice `yaml:"devices,named" example:"{desktop: {accepts: 5s..20s}}"`
}

// Device returns what happens at a device; one that isn't named answers at once, and rings.
func (f *Fork) Device(name string) ForkedDevice {
	for i := range f.Devices {
		if f.Devices[i].Name == name {
			return f.Devices[i]
		}
	}
	return ForkedDevice{Name: name, Answers: true}
}

// warm reports whether lines have keys before somebody accepts.
func (f *Fork) warm() bool { return f.WarmUp == "dtls" || f.WarmUp == "media" }

// ForkedDevice is a device that rings.
type ForkedDevice struct {
	Name string `yaml:"-"`
	// Answers lets it answer before somebody accepts.
	Answers bool `yaml:"answers" default:"true"`
	// Processing is how long that takes.
	Processing time.Duration `yaml:"processing" default:"0s" max:"60s"`
	// Accepts is when somebody takes the call, Declines when somebody refuses it. Without either it rings until it is told to
	// stop.
	Accepts  *Moment `yaml:"accepts" example:"5s..20s"`
	Declines *Moment `yaml:"declines" example:"3s"`
	// Replaces are answers that take the place of the first one.
	Replaces []Replacement `yaml:"replaces" example:"[{after: 3s, sends: [audio]}]"`
	// Early lets it send media before somebody accepts: somebody there has consented, or it is a gateway's announcement.
	Early bool `yaml:"early" default:"false"`
	// AcceptsOn lets it accept when it hears one of these keys, as a machine does that asks for them.
	AcceptsOn string `yaml:"accepts-on" example:"\"5\""`
}

// ForkedKeys are keys that the caller presses.
type ForkedKeys struct {
	// At is when the first key is pressed.
	At time.Duration `yaml:"at,required" example:"4s" max:"24h"`
	// To is the device whose line they are for.
	To string `yaml:"to,required" example:"gateway"`
	// Keys are 0 to 9, *, # and A to D.
	Keys string `yaml:"keys,required" example:"\"5\""`
	// Press is for how long each is held.
	Press time.Duration `yaml:"press" default:"100ms" min:"40ms" max:"8191ms"`
	// Gap is the time between two of them.
	Gap time.Duration `yaml:"gap" default:"100ms" min:"30ms" max:"1m"`
}

// Presses returns the keys as endpoints press them.
func (k *ForkedKeys) Presses() dtmf.Digits {
	return dtmf.Digits{At: simtime.At(k.At), Keys: k.Keys, Press: k.Press, Gap: k.Gap}
}

// Dials reports whether the caller of a fork presses keys.
func (s *Scenario) Dials() bool {
	return s.Signalling != nil && s.Signalling.Fork != nil && len(s.Signalling.Fork.Keys) > 0
}

// Replacement is an answer that takes the place of another one.
type Replacement struct {
	// After is when the device begins to want that, counted from its answer.
	After time.Duration `yaml:"after,required" example:"3s" max:"180s"`
	// Sends are the names of those media of its own that the device wants to send, and to get, from then on.
	Sends []string `yaml:"sends,required" example:"[audio]"`
	// Moves gives the device another port and other credentials, so that the line is made anew.
	Moves bool `yaml:"moves" default:"false"`
}

// forkedStreams returns the streams of media with their receivers: what the caller sends once for each device, before what
// devices send.
func (s *Scenario) forkedStreams() []Media {
	t := &s.Topology
	var list, back []Media
	for _, m := range s.Media {
		c := m
		c.Copy = true
		if len(t.Peers) == 0 || m.From != t.Peers[0] {
			back = append(back, c)
			continue
		}
		for _, peer := range t.Peers[1:] {
			if m.To == "" || m.To == peer {
				c.To = peer
				list = append(list, c)
			}
		}
	}
	return append(list, back...)
}
