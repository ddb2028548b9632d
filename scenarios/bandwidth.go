package scenarios

import (
	"slices"
	"strings"

	"rtpfabric/sim/units"
)

// MediumBandwidth is what the receiver's description says of a medium, as SDP does in b=
// lines (RFC 8866 §5.8).
type MediumBandwidth struct {
	// AS is the most that is sent of the stream, repairs included, with UDP and IP
	// headers; RTCP comes on top.
	AS units.BitRate `yaml:"as,required" example:"500kbps" min:"1kbps" max:"1000Gbps"`
}

// EndBandwidth is what an endpoint's descriptions say at the session level.
type EndBandwidth struct {
	// AS is the most that each peer sends it in all streams of a call or a group.
	AS *units.BitRate `yaml:"as" min:"1kbps" max:"1000Gbps"`
	// CT is the most that all who take part in a call or a group send together.
	CT *units.BitRate `yaml:"ct" min:"1kbps" max:"1000Gbps"`
}

// BandwidthChecker is what a [Catalogue] may be besides: one that knows what media need.
type BandwidthChecker interface {
	// CheckBandwidth takes a scenario that has no other error. If media can't do with
	// a bandwidth it returns an error that says why, and the flow or the endpoint
	// whose b= line that is.
	CheckBandwidth(s *Scenario) (flow, endpoint, modifier string, err error)
}

// bandwidth checks that media can do with what is signalled.
func (c *checker) bandwidth(catalogue Catalogue) {
	bc, ok := catalogue.(BandwidthChecker)
	if !ok || !c.s.signalsBandwidth() {
		return
	}
	flow, endpoint, modifier, err := bc.CheckBandwidth(c.s)
	if err == nil {
		return
	}
	problem, remedy := splitRemedy(err.Error())
	p := at("endpoints", endpoint, "bandwidth", modifier)
	if flow != "" {
		flow, _, _ = strings.Cut(flow, ">") // that of a mesh says to whom
		i := slices.IndexFunc(c.s.Media, func(m Media) bool { return m.FlowName() == flow })
		p = at("media", i, "bandwidth", modifier)
	}
	c.fail(p, problem, remedy)
}

func (s *Scenario) signalsBandwidth() bool {
	return slices.ContainsFunc(s.Media, func(m Media) bool { return m.Bandwidth != nil }) ||
		slices.ContainsFunc(s.Endpoints, func(e Endpoint) bool { return e.Bandwidth != nil })
}

// nominalRate is the stream's part of the session bandwidth: its b=AS (RFC 8866 §5.8), or
// the highest rate of its payload.
func (m *Media) nominalRate() units.BitRate {
	if m.Bandwidth != nil {
		return m.Bandwidth.AS
	}
	return m.MaxRate()
}
