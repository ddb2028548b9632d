package peer

import (
	"fmt"
	"strings"

	"rtpfabric/sim/units"
)

// Resource is something that a pool has a limited amount of.
type Resource uint8

// The resources. A stream that is sent needs an encoder and its rate of the uplink, one that is received a decoder; a
// transport needs a port.
const (
	Encoder Resource = iota
	Decoder
	Port
	Uplink
	resources
)

func (r Resource) String() string { return [...]string{"encoder", "decoder", "port", "uplink"}[r] }

// Resources are amounts of all of them: what a pool has, what somebody holds.
type Resources struct {
	Encoders, Decoders, Ports int
	Uplink                    units.BitRate
}

// amounts are Resources by number.
type amounts [resources]int64

func (r Resources) amounts() amounts {
	return amounts{Encoder: int64(r.Encoders), Decoder: int64(r.Decoders), Port: int64(r.Ports), Uplink: int64(r.Uplink)}
}

func (a amounts) resources() Resources {
	return Resources{int(a[Encoder]), int(a[Decoder]), int(a[Port]), units.BitRate(a[Uplink])}
}

// Lack is a resource that a stream needs and can't have.
type Lack struct {
	Stream   string
	Resource Resource
}

func (l Lack) String() string { return fmt.Sprintf("no %v for %s", l.Resource, l.Stream) }

// LackError is what a strict connection returns instead of doing without: everything that is missing.
type LackError []Lack

func (e LackError) Error() string {
	words := make([]string, len(e))
	for i, l := range e {
		words[i] = l.String()
	}
	return "peer: " + strings.Join(words, ", ")
}
